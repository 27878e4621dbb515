//! PEM and DER become values: certificates, bundles, the state of a key, names, trust.
//!
//! Pure: bytes in, values out. No key leaves this module: a bundle says whether its key matches, and drops it.

pub mod bundle;
pub mod certificate;
pub mod key;
pub mod names;
pub mod pem;
pub mod trust;

pub use bundle::{Bundle, KeyState};
pub use certificate::{Certificate, Fingerprint, KeyAlgorithm, San};
pub use trust::{Anchors, Trust};
