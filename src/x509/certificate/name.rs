//! Whose a certificate is, and who issued it.

use std::sync::Arc;

/// A distinguished name, for people to read. Not cleared for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// All of it, as RFC 4514 writes it.
    pub full: Arc<str>,
    /// In short, for a column: its common name, else its organisation, else all of it.
    pub short: Arc<str>,
    /// Its last common name.
    pub common: Option<Arc<str>>,
}

impl Name {
    /// A name whose parts are known.
    pub fn new(full: &str, short: &str, common: Option<&str>) -> Self {
        Self {
            full: full.into(),
            short: short.into(),
            common: common.map(Into::into),
        }
    }
}

/// Whose a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A common name alone, which is also the first of the certificate's names. So are those of most leaves, which then
    /// need no text of their own.
    FirstName,
    /// Any other; shared between certificates where it is a CA's.
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
