//! What is wrong with settings: the file, the line, and what was probably meant.

use std::fmt;

use serde_saphyr::{Error, MessageFormatter as _, UserMessageFormatter};

use crate::text::nearest;

/// A settings file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file, or the `ConfigMap`.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// What is wrong, as a lowercase fragment. Values are not quoted.
    pub message: String,
    /// What was probably meant.
    pub nearest: Option<String>,
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; the nearest is {nearest}"),
            None => Ok(()),
        }
    }
}

impl FileError {
    pub(super) fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            message: message.into(),
            nearest: None,
        }
    }
}

/// Converts an error of the decoder.
pub(super) fn explain(error: &Error, file: &str, text: &str) -> FileError {
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let line = error.location().map(|at| at.line()).filter(|line| *line > 0);
    let mut found = FileError {
        line,
        ..FileError::new(file, "")
    };
    match cause {
        Error::SerdeUnknownField { field, expected, .. } => {
            found.message = format!("unknown field {field}");
            found.nearest = nearest(field, expected.iter().copied()).map(str::to_owned);
            if found.nearest.is_none() {
                found.message = format!("{} (fields: {})", found.message, expected.join(", "));
            }
            found.line = line_of_field(text, line, field);
        }
        Error::SerdeUnknownVariant { expected, .. } => found.message = format!("expected {}", one_of(expected)),
        // The value may be a credential in the wrong place.
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            found.message = format!("expected {expected}");
        }
        _ => {
            let message = UserMessageFormatter.format_message(cause).into_owned();
            match unknown(&message) {
                Some((what, word, known)) => {
                    found.nearest = nearest(word, known.iter().copied()).map(str::to_owned);
                    found.message = format!("unknown {what} {word}");
                    if found.nearest.is_none() {
                        found.message = format!("{} (known: {})", found.message, known.join(", "));
                    }
                    found.line = line_of_field(text, line, word);
                }
                None => found.message = message,
            }
        }
    }
    found
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Splits a message that serde makes for a type with its own reader: what is unknown, the word, the known words.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    for (what, start) in [("field", "unknown field `"), ("provider", "unknown variant `")] {
        let Some(at) = message.find(start) else { continue };
        let (word, rest) = message[at + start.len()..].split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2).collect();
        return Some((what, word, known));
    }
    None
}

/// A decoder may only know where the mapping begins. The line of the field is the first one after that which begins
/// with it.
fn line_of_field(text: &str, from: Option<u64>, field: &str) -> Option<u64> {
    let start = usize::try_from(from?.saturating_sub(1)).ok()?;
    let begins = |line: &str| {
        let bare = line
            .trim_start()
            .trim_start_matches("- ")
            .trim_start_matches('{')
            .trim_start();
        bare.strip_prefix(field)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let own = text.lines().skip(start).position(begins);
    own.and_then(|n| u64::try_from(start + n + 1).ok()).or(from)
}
