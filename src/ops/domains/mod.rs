//! `domains`: customers' own domains, for whoever works with kubectl.
//!
//! The controller has them in a store of its own; these use cases read and write the `Domain` objects, one request an object, and keep
//! no index.

pub mod import;
pub mod list;
mod objects;
pub mod put;
pub mod release;
pub mod show;

pub use objects::Domain;
