//! What a command has to be given so that it reaches what was read.

use compact_str::CompactString;

use super::Text;

/// The flags that stand in commands which are told to somebody: each begins with a space, and is quoted for a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// For kubectl and cmctl, which ask a cluster: ` --context prod`, or nothing where the current context is meant.
    pub kubectl: Text,
    /// For this program: the same, or the manifests that were read: ` -f shop.yaml`.
    pub certs: Text,
    /// The file or server that was looked at, as `show` takes it; empty for a cluster and for manifests: no command for a Secret reaches
    /// what is in none.
    pub outside: Text,
}

impl Reach {
    /// What a command reaches by itself.
    pub const HERE: &'static Self = &Self {
        kubectl: CompactString::const_new(""),
        certs: CompactString::const_new(""),
        outside: CompactString::const_new(""),
    };
}
