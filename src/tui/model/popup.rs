//! Windows over a view.

use super::input::Input;
use crate::tui::update::fields::Field;
use crate::tui::{
    item::ItemSubject,
    message::{StyledLines, Trouble},
    order::RunId,
};

/// How many cells a window's text may take on a screen of `width` cells: all of a narrow one, most of a wide one, within a frame.
pub fn room(width: u16) -> usize {
    let width = if width < 100 { width } else { width * 9 / 10 };
    usize::from(width.saturating_sub(4)).max(20)
}

/// A window.
#[derive(Debug, Clone, PartialEq)]
pub enum Popup {
    /// The keys.
    Help {
        /// How many lines are scrolled past.
        scroll: usize,
    },
    /// A text.
    Text(Text),
    /// The program's log.
    Log {
        /// How many lines from its end are scrolled past.
        scroll: usize,
    },
    /// Plans of runs, to be answered together.
    Plan(Planned),
    /// A run.
    Run(Watched),
    /// A question that is answered with yes or no.
    Ask(Ask),
    /// A line that is typed.
    Line(InputLine),
    /// A choice of one of a few words.
    Menu(Menu),
}

/// The number of a window in this session, for what answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowId(pub u64);

/// The texts about something that windows show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOf {
    /// The object as YAML, without its keys.
    Yaml,
    /// The certificates of a Secret, or of a route's Secrets, decoded.
    Certificates,
    /// Who uses the Secrets.
    Users,
}

impl TextOf {
    /// The window's title.
    pub fn title(self, of: &ItemSubject) -> String {
        let what = match self {
            Self::Yaml => "yaml of",
            Self::Certificates => "certificates of",
            Self::Users => "used by",
        };
        format!("{what} {} in {}", of.word(), of.key.namespace)
    }
}

/// A text with a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The window.
    pub id: WindowId,
    /// The title.
    pub title: String,
    /// The command that shows the same.
    pub command: Option<String>,
    /// The text; `None` until it is there.
    pub lines: Option<Result<StyledLines, Trouble>>,
    /// How many lines are scrolled past.
    pub scroll: usize,
}

/// Plans that are answered together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The runs.
    pub runs: Vec<RunId>,
    /// How many lines are scrolled past.
    pub scroll: usize,
    /// The context's name, as far as it has been typed, where production asks for it.
    pub typed: Option<Input>,
    /// Whether something was typed before the plan was there: the rest of it does not count either.
    pub early: bool,
}

/// A run that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Which ones, side by side.
    pub runs: Vec<RunId>,
    /// How many lines are scrolled past.
    pub scroll: usize,
}

/// What an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Quitting while runs are under way.
    Quit,
    /// A run asks.
    Run(RunId),
    /// Settings are kept in the user's file, as these lines say.
    Keep {
        /// Each by its path, and its value.
        settings: Vec<(String, String)>,
        /// The lines that go and come.
        lines: Vec<String>,
    },
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is asked, a line each.
    pub lines: Vec<String>,
    /// What the answer is about.
    pub about: About,
    /// How many lines are scrolled past.
    pub scroll: usize,
    /// Before this (milliseconds since the program started) nobody can have read it: a question that comes by itself takes no
    /// answer from who is typing something else.
    pub from_ms: u64,
}

impl Ask {
    /// The run that asks; `None` for what the screen itself asks.
    pub fn of_run(&self) -> Option<RunId> {
        match self.about {
            About::Run(id) => Some(id),
            _ => None,
        }
    }
}

/// What a line is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputPurpose {
    /// The file that the view is saved to.
    File,
    /// A field of the plan.
    Field(Field),
}

/// A line that is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputLine {
    /// What for.
    pub wanted: InputPurpose,
    /// The title.
    pub title: String,
    /// What helps.
    pub help: String,
    /// The text.
    pub input: Input,
}

/// What a menu is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chooses {
    /// What is copied.
    Copy(Option<ItemSubject>),
    /// Columns that are drawn or not: the menu stays.
    Columns,
    /// Why a certificate is revoked.
    Revoke {
        /// Of which Secret.
        of: ItemSubject,
        /// Whether it was typed that it is done although the certificate is in use.
        force: bool,
    },
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// What for.
    pub chooses: Chooses,
    /// The title.
    pub title: String,
    /// Each a key, a word, and what it stands for.
    pub entries: Vec<(char, String, String)>,
    /// The one that is chosen.
    pub at: usize,
}

impl Popup {
    /// The runs that it shows.
    pub fn runs(&self) -> &[RunId] {
        match self {
            Self::Plan(plan) => &plan.runs,
            Self::Run(run) => &run.runs,
            _ => &[],
        }
    }

    /// Whether text is typed in it.
    pub fn is_typing(&self) -> bool {
        match self {
            Self::Line(_) => true,
            Self::Plan(plan) => plan.typed.is_some(),
            _ => false,
        }
    }

    /// How far it is scrolled, where it can be.
    pub fn scroll_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Help { scroll } | Self::Log { scroll } => Some(scroll),
            Self::Text(text) => Some(&mut text.scroll),
            Self::Plan(plan) => Some(&mut plan.scroll),
            Self::Run(run) => Some(&mut run.scroll),
            Self::Ask(ask) => Some(&mut ask.scroll),
            _ => None,
        }
    }
}
