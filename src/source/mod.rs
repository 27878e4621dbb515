//! What is read, wherever it comes from: which objects, what of each kind, and manifests. Knows YAML, and nothing of certificates or
//! servers.

pub mod form;
pub mod manifests;
pub mod pairs;
pub mod scope;

pub use scope::Scope;
