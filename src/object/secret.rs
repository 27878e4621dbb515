//! A Secret that may hold a certificate and its key.

use secrecy::SecretSlice;

use super::{Meta, Seconds, Text};

/// The type of a Secret made for TLS.
pub const TLS_TYPE: &str = "kubernetes.io/tls";

/// What is read of a Secret. `Debug` shows no key.
#[derive(Debug)]
pub struct Secret {
    /// Its metadata.
    pub meta: Meta,
    /// `type`, such as `kubernetes.io/tls`; empty means `Opaque`.
    pub secret_type: Text,
    /// The bytes under `tls.crt`.
    pub certificate: Option<Vec<u8>>,
    /// The bytes under `tls.key`: only compared, then dropped.
    pub key: Option<SecretSlice<u8>>,
    /// The names of its other data keys (`ca.crt`, `keystore.p12`, ...).
    pub other_keys: Vec<Text>,
    /// When `data` last changed, by its managedFields; read for suspects alone.
    pub data_changed: Option<Seconds>,
}
