//! A settings file with every field explained.

/// What `kubectl certs config example` prints: it can be read as it is, and says nothing that is not also the default but for
/// what is an example. A test makes it of the declarations of the settings.
pub const EXAMPLE: &str = include_str!("../../docs/reference/config.yaml");

#[cfg(test)]
pub(super) use made::{CONTROLLERS, PROVIDERS, ROOT, TRUST, example, in_the_file};

#[cfg(test)]
mod made;
