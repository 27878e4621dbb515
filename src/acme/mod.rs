//! The ACME protocol (RFC 8555, RFC 9773): directory, account, order, renewal information. Knows nothing of solvers.
//!
//! instant-acme makes and signs the requests (`engine`); what is between it and the network is ours (`layer`), and so are
//! repeating (`client`), reading, and what it cannot sign (`jws`).
//!
//! [`Acme`] is a directory that has been read; what needs no account is there. [`Client`] is an account at it. Both are
//! cheap to clone and share connections and nonces.

pub mod account;
mod certificate;
mod client;
mod directory;
mod engine;
mod error;
mod failure;
mod http;
mod issuer;
mod jwk;
pub mod jws;
mod key;
mod layer;
mod lenient;
mod nonce;
mod order;
mod poll;
mod problem;
mod proxy;
mod reach;
mod renewal;
mod retry;
mod revoke;
mod validation;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use account::{Account, AccountStatus, Ended, Registration, RolloverError, StoredAccount};
pub use certificate::Chain;
pub use client::{Acme, Client, Moved};
pub use directory::{Directory, Meta};
pub use error::AcmeError;
pub use http::Limits;
pub use issuer::{Eab, Issuer, LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Stage};
pub use jws::SigningKey;
pub use key::AccountKey;
pub use order::{
    Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order, OrderOptions, OrderStatus,
    Token,
};
pub use poll::Wish;
pub use problem::{Problem, Subproblem};
pub use renewal::{CertId, RenewalInfo, moment};
pub use revoke::{RevocationReason, Revoked};
pub use validation::{OnTrouble, Trouble};
