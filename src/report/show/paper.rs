//! What a picture is drawn on: text with escape sequences, or lines whose runs say what they mean.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::Style;

use crate::{check::row::Status, report::present::tone::Tone};

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
            let style = style(*tone);
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

/// As elsewhere, but for what is critical: in a picture of many lines it has to be found.
fn style(tone: Tone) -> Style {
    match tone {
        Tone::Of(Status::Critical) => tone.style().bold(),
        _ => tone.style(),
    }
}
