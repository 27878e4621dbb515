//! The use cases: what can be asked of this program, whoever asks.
//!
//! | use case | does |
//! | --- | --- |
//! | [`renew`], [`issue`] | order certificates and store them ([`issuance`] is what they have in common) |
//! | [`ensure`] | the same where a Secret is not as it is wanted, and nothing where it is |
//! | [`preflight`] | find what would stop an issuance |
//! | [`limits`], [`forecast`] | look at what is left of the CA's rate limits, and at what will be in the coming year |
//! | [`proof`] | show that certificates were renewed in time |
//! | [`export`] | write certificates with their keys into a directory, encrypted |
//! | [`revoke`] | revoke a certificate that is not in use |
//! | [`rollback`] | put the pair before the last renewal back |
//! | [`restart`] | restart what uses a Secret |
//! | [`cleanup`] | remove what killed runs have left |
//! | [`adopt`] | take over what others keep, without an order, and give it back |
//! | [`domains`] | list, register, release and import customers' own domains |
//! | [`install`], [`uninstall`] | write what runs in the cluster with its rights, and remove it |
//! | [`pause`] | tell the controller whether to order |
//! | [`unattended`] | order what a program that goes on has decided from its own picture |
//! | [`session`] | read a cluster or manifests, and judge the certificates: what every other begins with |
//!
//! Each has a `Request`, which says all that is asked and nothing of how it was typed, and a function
//! `run(&Request, &Context) -> Result<Report, OpError>`. The [`Context`] is the cluster, where settings are, and what ends it early; its
//! [`Front`] is told what happens, and asked before anything is written. A request, a context and a report are plain values: no use
//! case knows a terminal, an exit status or a flag, and none keeps anything in a static.

pub mod adopt;
pub mod cleanup;
mod consumers;
mod context;
mod controllers;
mod directory;
pub mod domains;
pub mod ensure;
mod error;
pub mod export;
pub mod files;
pub mod forecast;
pub mod foreign;
mod foreseen;
pub mod front;
pub mod install;
mod install_id;
pub mod issuance;
pub mod issue;
mod left;
pub mod limits;
pub mod named;
pub mod notify;
mod opened;
pub mod pause;
pub mod preflight;
pub mod proof;
pub mod reach;
pub mod renew;
pub mod restart;
pub mod revoke;
pub mod rollback;
pub mod session;
mod source;
pub mod trust;
pub mod unattended;
pub mod uninstall;
mod unread;
pub mod why;

pub use context::{Cluster, Config, Context};
pub use error::OpError;
pub use front::Front;
pub use source::{Checks, Source};
