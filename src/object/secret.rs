//! A Secret that may hold a certificate and its key.

use secrecy::SecretSlice;

use super::{Meta, Seconds, Text};

/// The type of a Secret made for TLS.
pub const TLS_TYPE: &str = "kubernetes.io/tls";
/// The type of a Secret in which this program keeps a pair that was replaced, for a rollback. Nobody serves it.
pub const BACKUP_TYPE: &str = "kubectl-certs.io/backup";

/// What is read of a Secret. `Debug` shows no data: people paste keys into tls.crt.
pub struct Secret {
    /// Its metadata.
    pub meta: Meta,
    /// `type`, such as `kubernetes.io/tls`; empty means `Opaque`.
    pub secret_type: Text,
    /// The data keys of certificate and key, where those are others than `tls.crt` and `tls.key`; the second is empty where
    /// there is no key.
    pub data_keys: Option<Box<[Text; 2]>>,
    /// The bytes under `tls.crt`.
    pub certificate: Option<Vec<u8>>,
    /// The bytes under `tls.key`: only compared, then dropped.
    pub key: Option<SecretSlice<u8>>,
    /// The names of its other data keys (`ca.crt`, `keystore.p12`, ...).
    pub other_keys: Vec<Text>,
    /// The bytes under `ca.crt`, where there is a certificate beside it.
    pub ca: Option<Vec<u8>>,
    /// When `data` last changed, by its managedFields; read for suspects alone.
    pub data_changed: Option<Seconds>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("meta", &self.meta)
            .field("secret_type", &self.secret_type)
            .field("data_keys", &self.data_keys)
            .field("certificate_bytes", &self.certificate.as_ref().map(Vec::len))
            .field("has_key", &self.key.is_some())
            .field("other_keys", &self.other_keys)
            .finish_non_exhaustive()
    }
}
