//! One line of the hosts: what a row of `status` says, as values that outlive the inventory.

use std::sync::Arc;

use crate::{
    check::{Finding, KeptRenewer, Reason, Renewer, Urgency, row::Compared},
    inventory::Inventory,
    object::{
        Key, Kind, List, Reach, Seconds, Text,
        doing::{DoingBy, Doings},
    },
    report::{Evidence, RouteRef, Row, ServedAnswer, Status, present::TableLine},
    scan::{self, About, Judged},
    x509::Certificate,
};

/// A binding, a Secret that no route uses, or what could not be read, with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about; one item for each.
    pub about: About,
    /// The namespace of the route, or of the Secret where there is no route.
    pub namespace: Text,
    /// The route: its kind, its name, and its listener.
    pub route: Option<(Kind, Text, Option<Text>)>,
    /// The host.
    pub host: Option<Text>,
    /// The Secrets that are named for it.
    pub secrets: List<Key>,
    /// Whether its route names that one Secret and no other.
    pub sole: bool,
    /// The Secret that is expected to be served, where that is not the first of them.
    pub served: Option<Box<Key>>,
    /// The class of the route.
    pub class: Option<Text>,
    /// When the route (or the Secret) was created.
    pub created: Option<Seconds>,
    /// The route's labels.
    pub labels: Box<[(Text, Text)]>,
    /// The leaf that is expected to be served; shared with the inventory.
    pub certificate: Option<Arc<Certificate>>,
    /// The data keys of certificate and key, where those are others than `tls.crt` and `tls.key`.
    pub data_keys: Option<Box<[Text; 2]>>,
    /// Who renews it; `None` where that is not known.
    pub renewer: Option<Box<KeptRenewer>>,
    /// What commands are given to reach it.
    pub reach: Arc<Reach>,
    /// The findings that count and are chosen, worst first.
    pub findings: Box<[Finding]>,
    /// Those that are excused.
    pub ignored: Box<[Finding]>,
    /// The state.
    pub status: Status,
    /// Whether clients are refused now.
    pub urgency: Urgency,
    /// What it rests on.
    pub evidence: Option<Evidence>,
    /// What was served.
    pub answer: Option<Box<ServedAnswer>>,
    /// What controllers do with the certificate; none for nearly all.
    pub doings: Box<[DoingBy]>,
}

impl Item {
    /// The item of what was judged; `None` when its binding is gone.
    pub fn new(inventory: &Inventory, judged: &Judged) -> Option<Self> {
        let row = scan::row(inventory, judged)?;
        let key = judged.served(inventory);
        let served = key.and_then(|key| inventory.secrets().get(key));
        Some(Self {
            about: judged.about.clone(),
            namespace: row.namespace.into(),
            route: row
                .route
                .map(|route| (route.kind, route.name.into(), route.listener.map(Into::into))),
            host: row.host.map(Into::into),
            secrets: row.secrets.to_vec().into(),
            sole: row.sole,
            // The first one is meant where nothing else is said: most items have but one.
            served: key
                .filter(|key| row.secrets.first() != Some(*key))
                .map(|key| Box::new(key.clone())),
            class: row.class.map(Into::into),
            created: row.created,
            labels: row.labels.into(),
            certificate: served
                .and_then(|stored| stored.bundle.leaf())
                .or_else(|| judged.seen_leaf())
                .cloned(),
            evidence: row.evidence,
            answer: row.answer.map(Box::new),
            doings: row.doings.iter().cloned().collect(),
            data_keys: row.data_keys.cloned().map(Box::new),
            renewer: (row.renewer != Renewer::Unknown).then(|| Box::new(row.renewer.kept())),
            reach: Arc::clone(&inventory.reach),
            findings: judged.findings.clone(),
            ignored: judged.ignored.clone(),
            status: judged.status,
            urgency: Urgency::of(&judged.findings),
        })
    }

    /// The row that every report is made from.
    pub fn row<'a>(&'a self, context: &'a str) -> Row<'a> {
        Row {
            context,
            namespace: &self.namespace,
            route: TableLine::route(&self),
            host: self.host.as_deref(),
            secrets: &self.secrets,
            sole: self.sole,
            served: self.served.as_deref(),
            class: self.class.as_deref(),
            created: self.created,
            labels: &self.labels,
            certificate: self.certificate.as_deref(),
            evidence: self.evidence,
            answer: self.answer.as_deref().copied(),
            doings: Doings::new(&self.doings, None),
            data_keys: self.data_keys.as_deref(),
            renewer: self.renewer.as_ref().map_or(Renewer::Unknown, |kept| kept.as_renewer()),
            reach: &self.reach,
            findings: &self.findings,
            ignored: &self.ignored,
            status: self.status,
        }
    }

    /// The Secret of its own that is expected to be served, or is named first. What another route has served in its place is
    /// not this one's to change.
    pub fn secret(&self) -> Option<&Key> {
        let served = self.served.as_deref();
        served
            .filter(|key| self.secrets.contains(key))
            .or_else(|| self.secrets.first())
    }

    /// What stays the same when everything is read anew, which numbers of bindings do not.
    pub fn identity(&self) -> Identity {
        Identity {
            namespace: self.namespace.clone(),
            route: self.route.clone(),
            host: self.host.clone(),
            secret: self.secrets.first().cloned().filter(|_| self.route.is_none()),
        }
    }

    /// Whether the table of hosts has it: a Secret without route is there only when something is wrong with it, or excused.
    pub fn is_shown(&self) -> bool {
        self.route.is_some() || self.host.is_some() || self.status != Status::Healthy || !self.ignored.is_empty()
    }

    /// What a picture, a command or a copy of it is about: its route, or its Secret.
    pub fn subject(&self) -> Option<ItemSubject> {
        if let Some((kind, name, _)) = &self.route {
            return Some(ItemSubject {
                kind: *kind,
                key: Key::new(self.namespace.clone(), name.clone()),
            });
        }
        self.secret().map(|key| ItemSubject {
            kind: Kind::Secret,
            key: key.clone(),
        })
    }
}

impl<'a> TableLine<'a> for &'a Item {
    fn status(&self) -> Status {
        self.status
    }

    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn namespace(&self) -> &'a str {
        &self.namespace
    }

    fn subject(&self) -> (Kind, &'a str) {
        match (&self.route, self.secrets.first()) {
            (Some((kind, name, _)), _) => (*kind, name),
            (None, Some(secret)) => (Kind::Secret, &secret.name),
            (None, None) => self.row("").subject(),
        }
    }

    fn secret(&self) -> Option<&'a Key> {
        Item::secret(self)
    }

    fn secrets(&self) -> &'a [Key] {
        &self.secrets
    }

    fn certificate(&self) -> Option<&'a Certificate> {
        self.certificate.as_deref()
    }

    fn created(&self) -> Option<Seconds> {
        self.created
    }

    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)> {
        let told = self.findings.iter().map(|finding| (finding.reason(), false));
        told.chain(self.ignored.iter().map(|finding| (finding.reason(), true)))
    }

    fn route(&self) -> Option<RouteRef<'a>> {
        self.route.as_ref().map(|(kind, name, listener)| RouteRef {
            kind: *kind,
            name,
            listener: listener.as_deref(),
        })
    }

    fn host(&self) -> Option<&'a str> {
        self.host.as_deref()
    }

    fn unread_right(&self) -> Option<String> {
        self.row("").unread_right()
    }

    fn served(&self) -> Option<Compared> {
        self.answer.as_ref().map(|answer| answer.compared)
    }

    fn doings(&self) -> Doings<'a> {
        Doings::new(&self.doings, None)
    }

    fn class(&self) -> Option<&'a str> {
        self.class.as_deref()
    }

    fn labels(&self) -> &'a [(Text, Text)] {
        &self.labels
    }
}

/// Which host of which route, or which Secret, an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    namespace: Text,
    route: Option<(Kind, Text, Option<Text>)>,
    host: Option<Text>,
    secret: Option<Key>,
}

/// A route or a Secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemSubject {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
}

impl ItemSubject {
    /// `gateway/edge`, as the command line takes it.
    pub fn word(&self) -> String {
        format!("{}/{}", self.kind.as_str().to_ascii_lowercase(), self.key.name)
    }
}
