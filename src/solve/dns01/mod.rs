//! DNS-01 (RFC 8555, section 8.4): a TXT record where the name ends, seen at every authoritative server, taken away again.

pub mod config;
pub mod credential;
pub mod update;
