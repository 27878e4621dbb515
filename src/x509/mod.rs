//! Turns PEM and DER into values: certificates, bundles, the state of a key, names, trust.
//!
//! This module is pure: bytes in, values out. No key leaves it: a bundle records whether its key matches, and drops the
//! key.

pub mod bundle;
pub mod certificate;
mod der;
pub mod interner;
pub mod issuers;
pub mod key;
pub mod link;
pub mod names;
mod octets;
pub mod pem;
pub mod readers;
mod sans;
mod signature;
mod suffix;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;

pub use bundle::{Bundle, CaFault, KeyState, Parsed};
pub use certificate::{Certificate, Fingerprint, KeyAlgorithm, Name, San, Serial, Subject};
pub use interner::{Der, Interner};
pub use issuers::{default_certificate_of, is_acme_issuer, is_staging_issuer};
pub use octets::Octets;
pub use readers::{Objection, Readers};
pub use sans::Sans;
pub use suffix::{Section, public_suffix, registered_domain};
pub use trust::{Anchors, IntermediateSource, Judge, Memo, Trust};
