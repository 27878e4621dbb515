//! What the model wants done. Nothing else leaves it.

use std::path::PathBuf;

use super::{
    CommandLine,
    item::ItemSubject,
    message::Signal,
    model::popup::{TextOf, WindowId},
    order::{Job, RunId},
};
use crate::{
    object::{Key, Seconds},
    scan::About,
};

/// Something to be done; what comes of it comes back as a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The program ends, with the exit status of the signal where it was asked to from outside.
    Quit {
        /// What asked it to, from outside.
        by: Option<Signal>,
    },
    /// Everything is read again.
    Read,
    /// Other namespaces are read; none is all.
    Namespaces(Vec<String>),
    /// It is found out whether there is a namespace, of which nothing was read.
    LookForNamespace(String),
    /// It is found out whether there is a Secret.
    LookForSecret(Key),
    /// Another context is read.
    Context(String),
    /// Runs that are started from now on are of this context: the one that the header names.
    RunsIn(String),
    /// Everything is judged as of another day; `None` is now.
    At(Option<Seconds>),
    /// A picture is drawn.
    Picture {
        /// Of what.
        of: ItemSubject,
        /// How wide it may be.
        width: u16,
    },
    /// A text about something is made, for the window that waits for it.
    Text {
        /// The window.
        window: WindowId,
        /// Which text.
        what: TextOf,
        /// About what.
        of: ItemSubject,
    },
    /// PEM of a Secret's chain is read, to be copied.
    Pem(ItemSubject),
    /// Hosts are probed.
    Probe(Vec<About>),
    /// A command is carried out.
    Run {
        /// Its number.
        id: RunId,
        /// What it is.
        job: Job,
        /// The command line that does the same.
        command: CommandLine,
    },
    /// An answer to a plan or a question.
    Answer {
        /// Whose.
        id: RunId,
        /// What.
        yes: bool,
    },
    /// A run is given up, and cleans up.
    Cancel(RunId),
    /// Text goes to the terminal's clipboard (OSC 52).
    Copy(String),
    /// The mouse is the screen's, or the terminal's.
    Mouse(bool),
    /// The terminal's bell rings.
    Bell,
    /// Settings are kept in the user's file.
    Keep {
        /// Each by its path in the file, and its value.
        settings: Vec<(String, String)>,
        /// The lines that were agreed to; `None` to be told them first.
        agreed: Option<Vec<String>>,
    },
    /// A file is written; one that is there already is not written over.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        bytes: Vec<u8>,
    },
}
