//! Writes lines that fit: words are wrapped, styles are applied last, text from outside is cleared.

use std::{borrow::Cow, io};

use super::{Context, paper::Paper};
pub(super) use crate::report::present::tone::Tone;
use crate::{
    check::row::Status,
    text::{
        Clear, ascii,
        width::{letters, width},
    },
};

/// The narrowest screen that lines are made for.
const NARROWEST: usize = 40;
/// The cells of a label: `renewal `.
const LABEL: usize = 9;

/// A text of one tone. Made by [`Pen`], so that it is clean.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    tone: Tone,
    text: String,
    /// Parts in backquotes are commands, which are not broken.
    commands: bool,
}

/// A space at which no line is broken.
const JOIN: char = '\u{a0}';

impl Piece {
    /// Two spaces, which keep a word apart more than one does.
    pub(super) fn gap() -> Self {
        Self {
            tone: Tone::Plain,
            text: format!("{JOIN} "),
            commands: false,
        }
    }
}

/// The signs that have a form in ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Good,
    Bad,
    Warn,
    Ask,
    Arrow,
    Dot,
    /// A branch of a tree that others follow, the line beside its text, and the last branch.
    Branch,
    Stem,
    Last,
}

pub(super) struct Pen<'w> {
    context: Context,
    /// Whether commands are broken like other words.
    breaks_commands: bool,
    paper: &'w mut dyn Paper,
}

impl<'w> Pen<'w> {
    pub(super) fn new(context: Context, paper: &'w mut dyn Paper) -> Self {
        Self {
            context,
            breaks_commands: false,
            paper,
        }
    }

    /// Breaks commands too, where nothing can be copied from the lines anyway.
    pub(super) fn breaking_commands(self) -> Self {
        Self {
            breaks_commands: true,
            ..self
        }
    }

    pub(super) fn now(&self) -> crate::object::Seconds {
        self.context.now
    }

    pub(super) fn ascii(&self) -> bool {
        self.context.ascii
    }

    pub(super) fn width(&self) -> usize {
        self.context.width.max(NARROWEST)
    }

    pub(super) fn sign(&self, sign: Sign) -> &'static str {
        let (sign, ascii) = match sign {
            Sign::Good => ("✓", "+"),
            Sign::Bad => ("✗", "x"),
            Sign::Warn => ("!", "!"),
            Sign::Ask => ("?", "?"),
            Sign::Arrow => ("→", "->"),
            Sign::Dot => ("·", "-"),
            Sign::Branch => ("├─", "|-"),
            Sign::Stem => ("│ ", "| "),
            Sign::Last => ("└─", "`-"),
        };
        if self.context.ascii { ascii } else { sign }
    }

    /// The sign of a status.
    pub(super) fn mark(&self, status: Status) -> &'static str {
        self.sign(match status {
            Status::Critical => Sign::Bad,
            Status::Warning => Sign::Warn,
            Status::Unknown => Sign::Ask,
            Status::Info => Sign::Dot,
            Status::Healthy => Sign::Good,
        })
    }

    /// Text that may come from outside: cleared, and in ASCII where nothing else can be shown.
    pub(super) fn clean(&self, text: &str) -> String {
        let out = Clear(text).to_string();
        if self.context.ascii {
            ascii(&out).into_owned()
        } else {
            out
        }
    }

    pub(super) fn piece(&self, tone: Tone, text: &str) -> Piece {
        Piece {
            tone,
            text: self.clean(text),
            commands: false,
        }
    }

    /// Text whose parts in backquotes are commands: each stays in one piece, to be copied.
    pub(super) fn with_commands(&self, text: &str) -> Piece {
        Piece {
            commands: true,
            ..self.piece(Tone::Plain, text)
        }
    }

    /// Text at whose spaces no line is broken, such as a kind and a name.
    pub(super) fn unbroken(&self, text: &str) -> Piece {
        Piece {
            tone: Tone::Plain,
            text: self.clean(text).replace(' ', &JOIN.to_string()),
            commands: false,
        }
    }

    pub(super) fn plain(&self, text: &str) -> Piece {
        self.piece(Tone::Plain, text)
    }

    pub(super) fn dim(&self, text: &str) -> Piece {
        self.piece(Tone::Dim, text)
    }

    /// `✓ text` in the status's colour.
    pub(super) fn marked(&self, status: Status, text: &str) -> Piece {
        Piece {
            tone: Tone::Of(status),
            text: format!("{}{JOIN}{}", self.mark(status), self.clean(text)),
            commands: false,
        }
    }

    /// ` · `, between things of equal rank.
    pub(super) fn dot(&self) -> Piece {
        Piece {
            tone: Tone::Dim,
            text: format!(" {} ", self.sign(Sign::Dot)),
            commands: false,
        }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.paper.line(&[])
    }

    /// A blank line and a section's title.
    pub(super) fn title(&mut self, title: &str) -> io::Result<()> {
        self.blank()?;
        let title = self.piece(Tone::Strong, title);
        self.flow("", "  ", &[title])
    }

    /// `label   text`, wrapped under the text.
    pub(super) fn field(&mut self, prefix: &str, label: &str, pieces: &[Piece]) -> io::Result<()> {
        let first = format!("{prefix}{label:<LABEL$} ");
        let rest = format!("{prefix}{:LABEL$} ", "");
        self.flow(&first, &rest, pieces)
    }

    /// The cells that are left for the text of a field.
    pub(super) fn room(&self, prefix: &str) -> usize {
        self.width().saturating_sub(width(prefix) + LABEL + 1)
    }

    /// Writes pieces after `first`, and what does not fit on lines that begin with `rest`. Lines are broken at spaces;
    /// longer words anywhere, commands in backquotes nowhere.
    pub(super) fn flow(&mut self, first: &str, rest: &str, pieces: &[Piece]) -> io::Result<()> {
        let mut line = FillingLine::new(first, self.width());
        for word in words(pieces, self.breaks_commands) {
            let text = word.text();
            let cells = width(&text);
            let gap = usize::from(line.filled);
            if line.filled && line.cells + gap + cells > line.most {
                self.end(&line)?;
                line = FillingLine::new(rest, self.width());
            } else if line.filled {
                line.push(Tone::Plain, " ", 1);
            }
            if word.command || line.cells + cells <= line.most {
                for (tone, run) in &word.runs {
                    line.push(*tone, run, 0);
                }
                line.cells += cells;
                continue;
            }
            let mut tones = word.runs.iter().flat_map(|(tone, run)| run.bytes().map(|_| *tone));
            for (letter, cells) in letters(&text) {
                if line.filled && line.cells + cells > line.most {
                    self.end(&line)?;
                    line = FillingLine::new(rest, self.width());
                }
                let tone = tones.next().unwrap_or(Tone::Plain);
                tones.by_ref().take(letter.len() - 1).for_each(drop);
                line.push(tone, letter, cells);
            }
        }
        self.end(&line)
    }

    fn end(&mut self, line: &FillingLine) -> io::Result<()> {
        let last = line.runs.len().saturating_sub(1);
        let runs: Vec<(Tone, String)> = (0..)
            .zip(&line.runs)
            .map(|(i, (tone, run))| {
                // Spaces at the end of a line are nobody's.
                let run = if i == last { run.trim_end() } else { run };
                (*tone, run.replace(JOIN, " "))
            })
            .collect();
        self.paper.line(&runs)
    }
}

/// A line as it fills: runs of one tone.
struct FillingLine {
    runs: Vec<(Tone, String)>,
    cells: usize,
    most: usize,
    filled: bool,
}

impl FillingLine {
    fn new(prefix: &str, most: usize) -> Self {
        Self {
            runs: vec![(Tone::Plain, prefix.to_owned())],
            cells: width(prefix),
            most,
            filled: false,
        }
    }

    fn push(&mut self, tone: Tone, text: &str, cells: usize) {
        self.cells += cells;
        self.filled = true;
        match self.runs.last_mut() {
            Some((last, run)) if *last == tone => run.push_str(text),
            _ => self.runs.push((tone, text.to_owned())),
        }
    }
}

/// What stays on one line: runs of one tone each.
#[derive(Default)]
struct Word<'a> {
    runs: Vec<(Tone, &'a str)>,
    command: bool,
}

impl Word<'_> {
    /// The runs in one: a letter may begin in one and end in the next.
    fn text(&self) -> Cow<'_, str> {
        match &self.runs[..] {
            [(_, run)] => Cow::Borrowed(run),
            runs => runs.iter().map(|(_, run)| *run).collect(),
        }
    }
}

/// The words of the pieces; a word may go over several pieces. A command is one word, unless `breaks_commands`.
fn words(pieces: &[Piece], breaks_commands: bool) -> Vec<Word<'_>> {
    let mut words = vec![Word::default()];
    for Piece { tone, text, commands } in pieces {
        // A backquote without its partner begins no command.
        let commands = *commands && !breaks_commands && text.bytes().filter(|b| *b == b'`').count() % 2 == 0;
        let (mut quoted, mut start) = (false, 0);
        for (i, b) in text.bytes().enumerate() {
            if b == b'`' && commands {
                quoted = !quoted;
            }
            if b == b' ' && !quoted {
                add(&mut words, *tone, &text[start..i], commands);
                words.push(Word::default());
                start = i + 1;
            }
        }
        add(&mut words, *tone, &text[start..], commands);
    }
    words.retain(|w| !w.runs.is_empty());
    words
}

fn add<'a>(words: &mut [Word<'a>], tone: Tone, text: &'a str, commands: bool) {
    if let Some(word) = words.last_mut().filter(|_| !text.is_empty()) {
        word.command |= commands && text.contains('`');
        word.runs.push((tone, text));
    }
}

#[cfg(test)]
mod tests;
