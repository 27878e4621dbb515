//! Writes the Secret or a file, restarts workloads, and checks that the new certificate is served.
//!
//! ```text
//! plan: Permits ─→ rights (asked beforehand) ─→ Api (every write, held against the permits)
//! pair (checked) ─→ secret: Target → SecretChange → one conditional write ─→ backup
//!                └→ folder: file, age                         └→ rollout → verify → events
//! ```

pub mod adopted;
pub mod age;
pub mod backup;
pub mod events;
pub mod file;
pub mod folder;
pub mod kept;
pub mod key;
mod manifest;
pub mod mark;
pub mod owner;
pub mod pair;
pub mod rights;
pub mod rollout;
pub mod rows;
pub mod secret;
pub mod verify;

pub use folder::Folder;
pub use key::{KeyKind, PrivateKey};
pub use mark::{Purpose, RunId};
pub use owner::Owner;
pub use pair::{Pair, Roots};
pub use secret::{Refusal, SecretChange, Slots, Target};

pub use crate::k8s::{Api, ApiError, Patch};
pub use crate::plan::permits::{Permit, Permits, Right, Verb, Which};
