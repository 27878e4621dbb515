//! What a picture is drawn on: text with escape sequences, or lines whose runs say what they mean.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use crate::check::row::Status;

/// What a text means, and so its style.
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

/// Takes lines: each of runs of one tone, cleared for a terminal, and no wider than was asked for.
pub(super) trait Paper {
    /// Takes one line. Errors are those of where it goes.
    fn line(&mut self, runs: &[(Tone, String)]) -> io::Result<()>;
}

/// Text, with escape sequences where colour is wanted.
pub(super) struct Ink<'w> {
    pub(super) colour: bool,
    pub(super) out: &'w mut dyn Write,
}

impl Paper for Ink<'_> {
    fn line(&mut self, runs: &[(Tone, String)]) -> io::Result<()> {
        let mut text = String::new();
        for (tone, run) in runs {
            let style = tone.style();
            if self.colour && style != Style::new() {
                let _ = write!(text, "{style}{run}{style:#}");
            } else {
                text.push_str(run);
            }
        }
        writeln!(self.out, "{text}")
    }
}

/// Lines as values.
#[derive(Debug, Default)]
pub(super) struct Sheet(pub(super) Vec<Vec<(Tone, String)>>);

impl Paper for Sheet {
    fn line(&mut self, runs: &[(Tone, String)]) -> io::Result<()> {
        self.0.push(runs.to_vec());
        Ok(())
    }
}

impl Tone {
    fn style(self) -> Style {
        let of = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Of(Status::Critical) => of(AnsiColor::Red).bold(),
            Self::Of(Status::Warning) => of(AnsiColor::Yellow),
            Self::Of(Status::Unknown) => of(AnsiColor::Magenta),
            Self::Of(Status::Info) => of(AnsiColor::Cyan),
            Self::Of(Status::Healthy) => of(AnsiColor::Green),
        }
    }
}
