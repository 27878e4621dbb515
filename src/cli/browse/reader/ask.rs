//! What the screen asks of the reader.

use crate::{
    k8s::{Connection, namespace_exists, namespace_names},
    object::{Key, Seconds},
    scan::About,
    tui::{
        Message,
        item::ItemSubject,
        message::Trouble,
        model::popup::{TextOf, WindowId},
    },
};

/// What the screen asks.
#[derive(Debug)]
pub(in crate::cli::browse) enum Ask {
    /// Read everything again.
    Read,
    /// Read other namespaces; none is all.
    Namespaces(Vec<String>),
    /// Find out whether there is a namespace of which nothing was read.
    IsNamespace(String),
    /// Find out whether there is a Secret.
    IsSecret(Key),
    /// Read another context.
    Context(String),
    /// Judge as of another day.
    At(Option<Seconds>),
    /// Draw a picture.
    Picture { of: ItemSubject, width: u16 },
    /// Make a text for a window.
    Text {
        window: WindowId,
        what: TextOf,
        of: ItemSubject,
    },
    /// Read a chain as PEM.
    Pem(ItemSubject),
    /// Probe hosts.
    Probe(Vec<About>),
}

impl Ask {
    /// What whoever waits is told when there is no reading, without which nothing can be answered.
    pub(super) fn unanswered(&self) -> Option<Message> {
        let trouble = Trouble::new("the cluster could not be read")
            .hint("it is retried automatically; the log shows why it failed");
        Some(match self {
            Self::Picture { of, width } => Message::Picture {
                of: of.clone(),
                width: *width,
                lines: Err(trouble),
            },
            Self::Text { window, .. } => Message::Text {
                window: *window,
                lines: Err(trouble),
            },
            Self::Pem(_) => Message::Pem(Err(trouble)),
            Self::IsNamespace(name) => Message::NothingIn(name.clone()),
            Self::IsSecret(key) => Message::Secret {
                key: key.clone(),
                is_there: Err(trouble),
            },
            Self::Read | Self::Namespaces(_) | Self::Context(_) | Self::At(_) | Self::Probe(_) => return None,
        })
    }
}

/// What was asked, without what a later question makes moot.
pub(super) fn latest(asks: Vec<Ask>) -> Vec<Ask> {
    let last_day = asks.iter().rposition(|ask| matches!(ask, Ask::At(_)));
    let last_picture = asks.iter().rposition(|ask| matches!(ask, Ask::Picture { .. }));
    let counts = |(at, ask): (usize, Ask)| match ask {
        Ask::At(_) if Some(at) != last_day => None,
        Ask::Picture { .. } if Some(at) != last_picture => None,
        ask => Some(ask),
    };
    asks.into_iter().enumerate().filter_map(counts).collect()
}

/// Why other namespaces are not read: one of them is not there.
pub(super) async fn not_there(connection: &Connection, names: &[String]) -> Option<Message> {
    for name in names {
        if namespace_exists(connection, name).await == Some(false) {
            let known = namespace_names(connection).await;
            let meant = crate::text::nearest(name, known.iter().map(String::as_str));
            return Some(Message::NoNamespace {
                name: name.clone(),
                meant: meant.map(str::to_owned),
            });
        }
    }
    None
}
