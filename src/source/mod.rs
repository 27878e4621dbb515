//! Reads a cluster or manifests, and sends changes. Knows kube and YAML, and nothing of certificates.

pub mod cluster;
pub mod decode;
pub mod form;
pub mod manifests;
pub mod pairs;
pub mod scope;

pub use scope::Scope;
