//! The arguments that a command needs to reach the cluster or the manifests that were read.

use compact_str::CompactString;

use super::Text;

/// The flags of commands that are shown to users. Each begins with a space, and is quoted for a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// For kubectl and cmctl, which query a cluster: ` --context prod`, or empty for the current context.
    pub kubectl: Text,
    /// For this program: the same, or the manifests that were read: ` -f shop.yaml`.
    pub certs: Text,
    /// The file or server that was examined, in the form that `show` accepts. Empty for a cluster and for manifests. If
    /// it is set, no command for a Secret applies.
    pub outside: Text,
    /// Whether the user chose that no Secret is read (`--no-secrets`): commands of this program that read are shown with
    /// that flag.
    pub without_secrets: bool,
}

impl Reach {
    /// The flags for the current context: none.
    pub const HERE: &'static Self = &Self {
        kubectl: CompactString::const_new(""),
        certs: CompactString::const_new(""),
        outside: CompactString::const_new(""),
        without_secrets: false,
    };
}
