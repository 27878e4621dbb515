//! DNS-01 (RFC 8555, section 8.4): writes a TXT record where the name ends, checks it at every authoritative server,
//! and removes it.

mod acmedns;
mod api;
mod besides;
pub mod config;
pub mod credential;
mod hook;
mod keep;
mod lock;
mod manual;
mod powerdns;
mod propagation;
mod provider;
mod ready;
mod registry;
mod rfc2136;
mod service;
mod shown;
mod solver;
pub mod update;
mod zone;

pub use config::{Credential, DnsEntry, NoSecrets, ProviderConfig, SecretRef, Secrets};
pub use hook::{remove_own_files, remove_stale_files};
pub use keep::{Keep, KeepNothing};
pub use manual::{Operator, Terminal};
pub use propagation::{TIMEOUT as PROPAGATION_TIMEOUT, Wait};
pub use provider::{CertificateCall, Delegation, Written};
pub use ready::{Ready, Tested};
pub use registry::{foreseen, no_provider, within};
pub use shown::{ShownTexts, shown_texts};
pub use solver::{Dns01, Parts};
pub use zone::{TxtName, WildcardAlias};
