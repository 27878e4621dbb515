//! A settings file with every field explained.

/// The output of `kubectl certs config example`. It is a valid file whose values are the defaults, except for those
/// that are examples. A test generates it from the declarations of the settings.
pub const EXAMPLE: &str = include_str!("../../docs/reference/config.yaml");

#[cfg(test)]
pub(super) use made::{CONTROLLERS, PROVIDERS, ROOT, TRUST, example, in_the_file};

#[cfg(test)]
mod made;
