//! `kubectl certs`: every missing, expired or mismatched certificate behind a cluster's Ingresses, Gateways and TLS
//! Secrets, and what to do about it.
//!
//! ```text
//! cluster   ┐          changes                       ┌→ report   table, wide, json, yaml, name, jsonpath, junit, sarif
//!           ├→ source ─────────→ inventory → check ──┤
//! manifests ┘                                verdicts└→ show
//! ```
//!
//! `scan` carries that flow out for the commands in `cli`. `object`, `x509`, `inventory` and `check` are pure: values
//! in, values out.

pub mod check;
pub mod cli;
pub mod error;
pub mod inventory;
pub mod net;
pub mod object;
pub mod report;
pub mod scan;
pub mod source;
pub mod text;
pub mod x509;
