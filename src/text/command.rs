//! Command lines that do what a key does: shown to be learnt and copied, and run as they stand.

use std::fmt;

use super::quote;

/// The words after `kubectl`, or of another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, as a person starts it: `kubectl certs`.
    pub program: &'static str,
    /// Its words.
    pub words: Vec<String>,
}

impl CommandLine {
    /// `kubectl certs WORDS`.
    pub fn certs<I: IntoIterator<Item: Into<String>>>(words: I) -> Self {
        Self {
            program: "kubectl certs",
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    /// None that is known yet: nothing is shown for it.
    pub fn none() -> Self {
        Self {
            program: "",
            words: Vec::new(),
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.program.is_empty()
    }

    /// With more words at its end.
    #[must_use]
    pub fn and<I: IntoIterator<Item: Into<String>>>(mut self, words: I) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// The word after a flag.
    pub fn value_of(&self, flag: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == flag)?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// Whether it has a word.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }
}

impl fmt::Display for CommandLine {
    /// As a shell takes it. Not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        for word in &self.words {
            write!(f, " {}", quote(word))?;
        }
        Ok(())
    }
}
