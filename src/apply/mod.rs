//! What is written: the Secret, a file, restarts; and the proof that the new certificate is served.
//!
//! ```text
//! plan: Permits ─→ rights (asked beforehand) ─→ Api (every write, held against the permits)
//! pair (checked) ─→ secret: Target → SecretChange → one conditional write ─→ backup
//!                └→ file                                      └→ rollout → verify → events
//! ```

pub mod api;
pub mod error;
pub mod key;
pub mod mark;
pub mod pair;
pub mod rights;

pub use api::{Api, Patch};
pub use error::ApiError;
pub use key::{KeyKind, PrivateKey};
pub use mark::{Purpose, RunId};
pub use pair::{Pair, Roots};

pub use crate::plan::{
    permits::{Permit, Permits, Right, Verb, Which},
    resource::{self, Resource},
};
