//! What the model is told: keys, what was read, what came of effects. Nothing else reaches it.

use crossterm::event::{KeyEvent, MouseEvent};

use super::{
    item::{Item, ItemSubject},
    model::popup::WindowId,
    order::{Ending, Plan, RunId},
};
pub use crate::event::Level;
use crate::{
    event::Event,
    object::{Key, NotJudged, Seconds},
    report::show::Tone,
    scan::About,
};

/// A text of lines, each of runs of one tone. Cleared for a terminal.
pub type StyledLines = Vec<Vec<(Tone, String)>>;

/// What asks the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C from outside.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, or the terminal is gone.
    HangUp,
}

/// What the model is told.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse moved, or a button was pressed.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this size now.
    Resize(u16, u16),
    /// Time has passed: the clock, and milliseconds since the start.
    Clock {
        /// Seconds since 1970.
        now: Seconds,
        /// Milliseconds since the program started.
        ms: u64,
    },
    /// The process was asked to end.
    Terminate(Signal),
    /// Which cluster is read, and as whom.
    Connected(SourceInfo),
    /// So much has been read so far.
    Progress {
        /// Hosts.
        hosts: usize,
        /// TLS Secrets.
        secrets: usize,
    },
    /// A kind whose changes are not seen, because it may not be watched.
    Unwatched(&'static str),
    /// Items that are new or different, and what is gone.
    Rows {
        /// Whether these are all there are.
        whole: bool,
        /// New or different.
        set: Vec<Item>,
        /// Gone.
        gone: Vec<About>,
    },
    /// So many rows are not chosen.
    LeftOut(usize),
    /// What carries certificates and is not read.
    NotJudged(Vec<NotJudged>),
    /// Everything has been read; changes are followed from here on, where they can be.
    Read {
        /// Whether changes are followed.
        live: bool,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// It could not be read.
    ReadFailed(Trouble),
    /// A namespace that was asked for is not there: what was read before stays.
    NoNamespace {
        /// What was asked for.
        name: String,
        /// The one with the nearest name.
        meant: Option<String>,
    },
    /// A namespace that was asked about is there, or nobody knows: nothing in it is served.
    NothingIn(String),
    /// Whether there is a Secret that was asked about.
    Secret {
        /// Which.
        key: Key,
        /// Whether, or why that is not known.
        is_there: Result<bool, Trouble>,
    },
    /// The connection is lost, or back again.
    Link(Link),
    /// A picture that was asked for.
    Picture {
        /// Of what.
        of: ItemSubject,
        /// For which width it was drawn.
        width: u16,
        /// The picture, or why there is none.
        lines: Result<StyledLines, Trouble>,
    },
    /// A text that was asked for, for a window of its own.
    Text {
        /// The window.
        window: WindowId,
        /// The text, or why there is none.
        lines: Result<StyledLines, Trouble>,
    },
    /// PEM of a Secret's chain, which was asked for to be copied.
    Pem(Result<String, Trouble>),
    /// Probes have ended: so many hosts were asked.
    Probed(usize),
    /// A renewal has a plan, and waits for an answer.
    Planned(RunId, Box<Plan>),
    /// A run asks a question that only a person can answer.
    Asked(RunId, String),
    /// Something happened to a certificate.
    Happened(RunId, Box<Event>),
    /// What a run has been waiting for so long that one wonders, by a number of its own; `None` when that is over.
    Waits(RunId, u64, Option<String>),
    /// A run says something else.
    Said(RunId, String),
    /// A run has ended.
    Ended(RunId, Ending),
    /// A file was written, or not.
    Written(Result<String, Trouble>),
    /// What keeping settings would change in the user's file.
    Keeps {
        /// The settings.
        settings: Vec<(String, String)>,
        /// The file.
        file: String,
        /// The lines that go and come; none where it says so already.
        lines: Vec<String>,
    },
    /// The settings were kept in a file, or not.
    Kept(Result<String, Trouble>),
    /// A line for the log.
    Log(LogLine),
}

/// What went wrong, in words. Not cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether `--force` does it all the same.
    pub yields_to_force: bool,
}

impl Trouble {
    /// Without a hint.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            yields_to_force: false,
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    /// The same with what to do, where that is known.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Where what is on the screen comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceInfo {
    /// The kubeconfig context; empty for manifests.
    pub context: String,
    /// The cluster.
    pub cluster: String,
    /// The user, and whom it acts as.
    pub user: String,
    /// The namespaces; none is all.
    pub namespaces: Vec<String>,
    /// The files, for manifests.
    pub manifests: Option<String>,
    /// The contexts that there are.
    pub contexts: Vec<String>,
    /// The flags that say which cluster, as they were given: for the command lines that are shown and run.
    pub flags: Vec<String>,
    /// Those that say which roots are trusted, which commands that judge certificates take besides.
    pub ca_flags: Vec<String>,
    /// The one that names the settings file, which every command that reads settings takes.
    pub config_flags: Vec<String>,
    /// Those that say what counts, which `status` takes besides.
    pub check_flags: Vec<String>,
}

/// How it stands with the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Changes arrive.
    Up,
    /// They do not; why.
    Lost(String),
}

/// A line of the program's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Seconds,
    /// How bad it is.
    pub level: Level,
    /// What. Not cleared.
    pub text: String,
}
