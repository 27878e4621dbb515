//! Objects among manifests that create Secrets in a cluster.

use super::{Key, Text};

/// An object that makes a program create Secrets in the cluster, such as those of Sealed Secrets or External Secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its kind, or the name of the program that reads it.
    pub kind: Text,
    /// Its namespace and name.
    pub by: Key,
    /// The Secrets that it creates.
    pub secrets: Vec<MadeSecret>,
}

/// A Secret that is created in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    /// Its namespace; `None` if it is created in namespaces that the manifest does not name.
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
}
