//! Command lines that do the same as a key of the screen: shown to be learnt and copied, and run unchanged.

use std::fmt;

use super::quote;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program as users start it: `kubectl certs`.
    pub program: &'static str,
    /// The arguments.
    pub words: Vec<String>,
}

impl CommandLine {
    /// Makes the command `kubectl certs WORDS`.
    pub fn certs<I: IntoIterator<Item: Into<String>>>(words: I) -> Self {
        Self {
            program: "kubectl certs",
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    /// Makes an empty value for a command that is not known yet. Nothing is shown for it.
    pub fn none() -> Self {
        Self {
            program: "",
            words: Vec::new(),
        }
    }

    /// Whether there is no command.
    pub fn is_none(&self) -> bool {
        self.program.is_empty()
    }

    /// Appends arguments.
    #[must_use]
    pub fn and<I: IntoIterator<Item: Into<String>>>(mut self, words: I) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// The argument after a flag.
    pub fn value_of(&self, flag: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == flag)?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// Whether this argument is present.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }
}

impl fmt::Display for CommandLine {
    /// Writes the command quoted for a shell. Not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        for word in &self.words {
            write!(f, " {}", quote(word))?;
        }
        Ok(())
    }
}
