//! A settings file with every field explained.

/// What `kubectl certs config example` prints: it can be read as it is, and says nothing that is not also the default but for
/// what is an example.
pub const EXAMPLE: &str = include_str!("../../docs/reference/config.yaml");
