//! What could not be read, and where.

use std::fmt;

/// A file, document or object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The file as it was named, or `standard input`. Not cleared for a terminal.
    pub file: String,
    /// The document's number in the file, from 1; 0 when the file as a whole is meant.
    pub document: usize,
    /// The line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong. Never holds a value of a Secret. Not cleared for a terminal.
    pub message: String,
}

impl fmt::Display for ManifestError {
    /// `FILE: document N, line L: message`, without what is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        match (self.document, self.line) {
            (0, None) => {}
            (0, Some(line)) => write!(f, "line {line}: ")?,
            (document, None) => write!(f, "document {document}: ")?,
            (document, Some(line)) => write!(f, "document {document}, line {line}: ")?,
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ManifestError {}
