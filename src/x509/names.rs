//! Hosts against names (RFC 9525).
