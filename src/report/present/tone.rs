//! What a text means, and so its colour. The screen's theme has colours of its own for it.

use anstyle::{AnsiColor, Style};

use super::{TableLine, cell::RowColumn};
use crate::{
    check::{Reason, has_ended, row::Status},
    object::Seconds,
};

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// A title.
    Strong,
    /// What may be passed over.
    Dim,
    /// What a status says.
    Of(Status),
}

impl Tone {
    /// How a terminal shows it.
    pub fn style(self) -> Style {
        let of = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Of(Status::Critical) => of(AnsiColor::Red),
            Self::Of(Status::Warning) => of(AnsiColor::Yellow),
            Self::Of(Status::Unknown) => of(AnsiColor::Magenta),
            Self::Of(Status::Info) => of(AnsiColor::Cyan),
            Self::Of(Status::Healthy) => of(AnsiColor::Green),
        }
    }
}

impl RowColumn {
    /// What the cell of a line means: the state what it says, and the expiry that it is past, or that renewal is due.
    pub fn tone<'a>(self, line: &impl TableLine<'a>, now: Seconds) -> Tone {
        match (self, line.expires()) {
            (Self::Status, _) => Tone::Of(line.status()),
            (Self::Expires, Some(at)) if has_ended(at, now) => Tone::Of(Status::Critical),
            (Self::Expires, Some(_)) if is_due(line) => Tone::Of(Status::Warning),
            _ => Tone::Plain,
        }
    }
}

fn is_due<'a>(line: &impl TableLine<'a>) -> bool {
    let due = |(reason, excused): (Reason, bool)| !excused && matches!(reason, Reason::RenewalDue | Reason::RenewNow);
    line.reasons().any(due)
}
