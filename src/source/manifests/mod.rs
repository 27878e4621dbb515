//! Manifests as the source in place of a cluster: files, directories and standard input, in YAML and JSON.
//!
//! A broken document is an error with its place, and all others are still read.

mod collect;
mod error;
mod exact;
mod files;
mod json;
mod node;
mod places;
mod quoted;
mod split;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::PathBuf,
};

use collect::Collect;
pub use error::ManifestError;
pub use places::Places;

use super::Scope;
use crate::object::register::{KINDS, Role};
use crate::object::{Change, Kind, Text};

/// How manifests are read.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Whether directories are read with those below them (`-R`).
    pub recursive: bool,
    /// The namespace of objects whose manifest names none.
    pub default_namespace: Text,
    /// What is sent; all other objects are left out.
    pub scope: &'a Scope,
}

/// What became of the manifests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The files that were read, standard input included.
    pub files: usize,
    /// The documents that hold something: between the `---` of YAML, or JSON values.
    pub documents: usize,
    /// The objects that were sent.
    pub objects: usize,
    /// The objects that carry certificates and are not read, of the namespaces that the scope holds.
    pub carriers: BTreeMap<(String, String), u64>,
    /// How many other objects of which `apiVersion/Kind` were skipped because findings are not made of them;
    /// under [`NOT_AN_OBJECT`] documents of a directory that are something else, such as `values.yaml`.
    pub skipped: BTreeMap<String, usize>,
    /// What could not be read.
    pub errors: Vec<ManifestError>,
    /// Where the objects stand.
    pub places: Places,
    /// The kinds that were among the manifests, whether the scope holds them or not.
    pub kinds: BTreeSet<Kind>,
    /// The namespaces that objects of any kind are in, whether the scope holds them or not.
    pub namespaces: BTreeSet<Text>,
}

/// The name under which documents that are no Kubernetes object are counted.
pub const NOT_AN_OBJECT: &str = "not a Kubernetes object";

/// Whether manifests are taken to hold all objects of a kind that there are. What belongs to the cluster is seldom among manifests:
/// it is complete only where it was `seen`.
fn is_complete(kind: Kind, seen: bool) -> bool {
    match kind.row().role {
        Role::Route | Role::Attached | Role::Store | Role::Grant | Role::Secret => true,
        Role::Class => seen,
        Role::Surroundings => seen && kind == Kind::Namespace,
        Role::Issuing | Role::Request | Role::Consumer => false,
    }
}

/// Reads files, directories and standard input (`-`) in the order given, and sends every object that the scope holds.
///
/// Afterwards the kinds of routes and Secrets count as listed: what the manifests do not hold does not exist. Classes
/// and Namespaces count as listed only where at least one of them was among the manifests.
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
