//! What makes Secrets in a cluster, as manifests show it.

use super::{Key, Text};

/// An object that makes Secrets in the cluster: Sealed Secrets', External Secrets' and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its kind, or the program that reads it.
    pub kind: Text,
    /// Its namespace and name.
    pub by: Key,
    /// The names of the Secrets.
    pub secrets: Vec<MadeSecret>,
}

/// A Secret that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    /// Its namespace; `None` where it is made in namespaces that the manifest does not list by name.
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
}
