//! Remedies for certificates outside of a cluster: those of a file, or of a server that was probed.

use super::commands::Commands;
use crate::{check::row::Row, text::quote};

/// The file or the server that a row is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Outside<'a>(pub(super) &'a Row<'a>);

impl Outside<'_> {
    /// Whether it is a server. Only a server is asked for one host.
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

    /// The remedy for a certificate that has to be renewed.
    pub(in crate::check) fn renew(self) -> String {
        format!("Renew it the way it was issued, and {}.", self.place())
    }

    /// The remedy for an intermediate that ends too early.
    pub(in crate::check) fn replace_intermediate(self) -> String {
        format!(
            "Replace the intermediate with the CA's current one: a renewal includes it; {}.",
            self.place()
        )
    }

    /// The remedy for a certificate that lacks the name.
    pub(in crate::check) fn issue_with_name(self, commands: &mut Commands<'_>) -> String {
        let other = if self.is_server() {
            let ask = commands.run(self.show(" --servername <NAME>"));
            format!(": {ask} asks for that one")
        } else {
            String::new()
        };
        format!(
            "If clients use that name, issue a certificate that has it as a subject alternative name, and {}; if they use \
             another one, no action is needed{other}.",
            self.place()
        )
    }

    /// The remedy for a certificate whose root is not trusted.
    pub(in crate::check) fn trust_root(self, commands: &mut Commands<'_>) -> String {
        format!(
            "If a private CA is intended, give its root to the clients, and to {}; otherwise issue the certificate with a publicly \
             trusted CA, and {}.",
            commands.run(self.show(" --ca-file <CA-FILE>")),
            self.place()
        )
    }

    /// The remedy for a chain in an order that servers do not accept.
    pub(in crate::check) fn reorder(self, commands: &mut Commands<'_>) -> String {
        format!(
            "Begin with the server's certificate, and follow each with the one that signed it: {}; then {}.",
            commands.whole_chain(),
            self.place()
        )
    }
}
