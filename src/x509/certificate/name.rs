//! The names of subjects and issuers.

use std::sync::Arc;

/// A distinguished name, for people to read. Not cleared for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The whole name in the form of RFC 4514.
    pub full: Arc<str>,
    /// A short form for a column: its common name, otherwise its organisation, otherwise the whole name.
    pub short: Arc<str>,
    /// Its last common name.
    pub common: Option<Arc<str>>,
}

impl Name {
    /// Makes a name of its parts.
    pub fn new(full: &str, short: &str, common: Option<&str>) -> Self {
        Self {
            full: full.into(),
            short: short.into(),
            common: common.map(Into::into),
        }
    }
}

/// The subject of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Only a common name, which is also the first of the certificate's names. Most leaves have such a subject, and
    /// need no text of their own for it.
    FirstName,
    /// Any other name; that of a CA is shared between certificates.
    Name(Arc<Name>),
}

impl Name {
    /// Its first organisation (O), without the escapes of RFC 4514.
    pub fn organisation(&self) -> Option<String> {
        let mut parts = crate::x509::issuers::rdns(&self.full);
        parts.find_map(|part| Some(part.strip_prefix("O=")?.replace('\\', "")))
    }
}

impl From<Name> for Subject {
    fn from(name: Name) -> Self {
        Self::Name(name.into())
    }
}
