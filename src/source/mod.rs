//! What is read, whatever the source: which objects, which fields of each kind, and manifests. This module knows YAML,
//! and nothing of certificates or servers.

pub mod form;
pub mod manifests;
pub mod pairs;
pub mod scope;

pub use scope::Scope;
