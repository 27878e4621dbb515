//! Errors of reading manifests, with their positions.

use std::fmt;

/// A file, document or object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The file as the user named it, or `standard input`. Not cleared for a terminal.
    pub file: String,
    /// The number of the document in the file, from 1; 0 if the error concerns the whole file.
    pub document: usize,
    /// The line in the file, from 1, if it is known.
    pub line: Option<usize>,
    /// What is wrong. Never contains a value of a Secret. Not cleared for a terminal.
    pub message: String,
}

impl fmt::Display for ManifestError {
    /// Writes `FILE: document N, line L: message`, without the parts that are not known.
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
