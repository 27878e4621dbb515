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

pub mod acme;
pub mod apply;
pub mod check;
pub mod cli;
pub mod engine;
pub mod error;
pub mod event;
pub mod inventory;
pub mod name;
pub mod net;
pub mod object;
pub mod plan;
pub mod report;
pub mod scan;
pub mod settings;
pub mod solve;
pub mod source;
pub mod text;
pub mod tui;
pub mod x509;
