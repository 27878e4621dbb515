//! Manifests as the source instead of a cluster: files, directories and standard input, in YAML and JSON.
//!
//! A broken document becomes an error with its position, and all others are still read.

mod collect;
mod error;
mod exact;
mod files;
mod json;
mod node;
mod places;
mod quoted;
mod split;
mod whole;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::PathBuf,
};

use collect::Collect;
pub use error::ManifestError;
pub use places::Places;
pub use whole::secret;

use super::Scope;
use crate::object::register::{KINDS, Role};
use crate::object::{Change, Kind, Text};

/// How manifests are read.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Whether subdirectories are read too (`-R`).
    pub recursive: bool,
    /// The namespace of objects whose manifest has none.
    pub default_namespace: Text,
    /// The objects that are sent; all others are left out.
    pub scope: &'a Scope,
}

/// The result of reading manifests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many files were read, including standard input.
    pub files: usize,
    /// How many documents have contents: sections between the `---` of YAML, or JSON values.
    pub documents: usize,
    /// How many objects were sent.
    pub objects: usize,
    /// The number of objects that carry certificates and are not read, in namespaces of the scope.
    pub carriers: BTreeMap<(String, String), u64>,
    /// The number of other objects that were skipped because no finding needs them, by `apiVersion/Kind`.
    /// [`NOT_AN_OBJECT`] counts documents of a directory that are something else, such as `values.yaml`.
    pub skipped: BTreeMap<String, usize>,
    /// What could not be read.
    pub errors: Vec<ManifestError>,
    /// The position of each object.
    pub places: Places,
    /// The kinds of all manifests, within the scope or not.
    pub kinds: BTreeSet<Kind>,
    /// The namespaces of objects of any kind, within the scope or not.
    pub namespaces: BTreeSet<Text>,
}

/// The name under which documents are counted that are not Kubernetes objects.
pub const NOT_AN_OBJECT: &str = "not a Kubernetes object";

/// Whether manifests are assumed to contain all objects of a kind. Kinds that belong to the cluster are rarely among
/// manifests, so they are complete only if one was `seen`.
fn is_complete(kind: Kind, seen: bool) -> bool {
    match kind.row().role {
        Role::Route | Role::Attached | Role::Store | Role::Grant | Role::Secret => true,
        Role::Class => seen,
        Role::Surroundings => seen && kind == Kind::Namespace,
        Role::Issuing | Role::Request | Role::Consumer => false,
    }
}

/// Reads files, directories and standard input (`-`) in the given order, and sends every object within the scope.
///
/// Afterwards the kinds of routes and Secrets count as listed: objects that are not among the manifests do not exist.
/// Classes and Namespaces count as listed only if at least one of them was among the manifests.
pub fn read(inputs: &[PathBuf], options: &Options<'_>, stdin: &mut dyn Read, sink: &mut dyn FnMut(Change)) -> Outcome {
    let mut collect = Collect::new(options, sink);
    for input in inputs {
        if input.as_os_str() == "-" {
            collect.input(collect::STDIN, true, files::read_all(stdin, 0));
        } else {
            files::walk(input, options.recursive, &mut collect);
        }
    }
    for row in &KINDS {
        if is_complete(row.kind, collect.outcome.kinds.contains(&row.kind)) {
            (collect.sink)(Change::Listed(row.kind));
        }
    }
    collect.outcome
}

#[cfg(test)]
mod tests;
