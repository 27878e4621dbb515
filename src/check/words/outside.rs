//! What is in no cluster: a file, or a server that was asked for its certificate.

use crate::{check::row::Row, text::quote};

/// The file or the server that a row is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Outside<'a>(pub(super) &'a Row<'a>);

impl Outside<'_> {
    /// A server is asked for one host, a file is not.
    pub(in crate::check) fn is_server(self) -> bool {
        self.0.host.is_some()
    }

    /// `put it into FILE`, or `let SERVER load it`.
    pub(in crate::check) fn place(self) -> String {
        let target = self.0.reach.outside.as_str();
        if self.is_server() {
            format!("let {target} load it")
        } else {
            format!("put it into {target}")
        }
    }

    /// `kubectl certs show TARGET FLAGS`.
    pub(in crate::check) fn show(self, flags: &str) -> String {
        let reach = &self.0.reach;
        format!("kubectl certs show {}{flags}{}", quote(&reach.outside), reach.certs)
    }
}
