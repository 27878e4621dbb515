//! What is read, and how it is judged: what the flags of the command line say, without the command line.

use std::{path::PathBuf, time::Duration};

use crate::{
    check::{Reason, Severity},
    net::aia::Reach,
    object::Seconds,
    source::pairs::Pattern,
};

/// Where objects are read from: manifests, where files are named; else a cluster.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Manifests: files, directories, `-` for standard input.
    pub filename: Vec<PathBuf>,
    /// Whether directories below are read too.
    pub recursive: bool,
    /// The namespaces; none is the context's, and all of manifests.
    pub namespace: Vec<String>,
    /// Whether all namespaces are read.
    pub all_namespaces: bool,
    /// Namespaces that are left out, as globs.
    pub exclude_namespace: Vec<String>,
    /// Which labels routes have.
    pub selector: Option<String>,
    /// Which fields routes have, as the API server knows them.
    pub field_selector: Option<String>,
    /// How many objects a page of a list has; zero is one page.
    pub chunk_size: u32,
}

/// How what was read is judged, and which findings count.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// The moment as of which is judged; `None` is now.
    pub at: Option<Seconds>,
    /// PEM files with roots that are trusted too.
    pub ca_file: Vec<PathBuf>,
    /// Where missing intermediates are fetched from; `None` is nowhere.
    pub fetch_intermediates: Option<Reach>,
    /// The data keys of certificates in Secrets besides the known ones.
    pub secret_keys: Vec<Pattern>,
    /// A certificate is due when less than this is left.
    pub expiring_within: Option<Duration>,
    /// Whether Secrets that manifests lack are taken to be in the cluster.
    pub assume_secrets: bool,
    /// Less severe findings are left out.
    pub min_severity: Option<Severity>,
    /// Other findings are left out; none leaves nothing out.
    pub reason: Vec<Reason>,
    /// Findings that do not count.
    pub ignore: Vec<Reason>,
    /// The settings file; `None` is the usual one.
    pub config: Option<PathBuf>,
    /// The settings file whose names policy is asked; `None` asks none.
    pub policy: Option<PathBuf>,
}
