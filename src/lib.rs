//! `kubectl certs`: every missing, expired or mismatched certificate behind a cluster's Ingresses, Gateways and TLS
//! Secrets, what to do about it, and certificates over ACME.
//!
//! ```text
//! cluster ──→ k8s ────┐      changes                     ┌→ report   table, wide, json, yaml, name, jsonpath, junit, sarif
//!                     ├────────────→ inventory → check ──┤
//! manifests → source ─┘                 │      verdicts └→ show
//!                                       └→ plan → engine → acme     the CA: account, order, certificate, revocation
//!                                                 │  │ └→ solve    the answers: HTTP-01 | DNS-01   ┬→ k8s → cluster
//!                                           event ┘  └──→ apply    the Secret or file, the rollout ┘
//!
//! cli  command line ┐  Request, Front                              told and asked
//! tui  screen       ┼────────────────→ ops  renew, issue, revoke, … ─────────────→ Front
//! controller  time  ┘                   │  Report or OpError
//!                                       └→ all of the above
//! ```
//!
//! `ops` has the use cases: each is a function from a request and a [`ops::Context`] to a report, and tells and asks by way of an
//! [`ops::Front`]. The command line is one caller, the screen another, the controller a third, and none knows how a use case is done. `scan` carries
//! the first line of the picture out; `source` says what is read of each kind, `k8s` is the connection: lists, watches, writes.
//! `engine` conducts the second, and tells how it goes as `event`s. `settings` makes one validated value of arguments,
//! environment and file. `net` is what goes out by itself: DNS, HTTP clients, TLS probes; `tls` says whom it trusts; `requests` has a line of the log for
//! each. `system` is what differs between operating systems. `file` reads files within bounds and writes them whole, `own` says whose they are, `home` where they belong; `cache`
//! keeps what only saves time. `notify` tells people what unattended runs did. `document` writes values as JSON and YAML. `clock` says what time it is and when to try again. `error` is what errors have in common: hints,
//! and what is to blame. `tui` is the screen: a model, what changes it and how it is drawn; what its effects do is in `cli`,
//! which alone knows exit statuses. `install` makes the objects of an installation. `controller` has the parts of the unattended mode: who leads, what is next, and when a
//! certificate is renewed.
//! `domain` has the rules for customers' domains, `domains` what carries them out: the stores of their records, the question to the application.
//!
//! `object`, `x509`, `inventory`, `check`, `text`, `name`, `event`, `plan`, `policy`, `domain`, `install` and `error` are pure: values in, values out. A test
//! holds that, and which module may use which.

pub mod acme;
pub mod apply;
mod cache;
pub mod check;
pub mod cli;
mod clock;
pub mod controller;
mod document;
pub mod domain;
pub mod domains;
pub mod engine;
pub mod error;
pub mod event;
pub mod file;
mod home;
pub mod install;
pub mod inventory;
pub mod k8s;
pub mod name;
pub mod net;
pub mod notify;
pub mod object;
pub mod ops;
mod own;
pub mod plan;
pub mod policy;
#[cfg(test)]
mod renewed;
pub mod report;
mod requests;
pub mod scan;
pub mod settings;
pub mod solve;
pub mod source;
mod system;
pub mod text;
mod tls;
pub mod tui;
pub mod x509;
