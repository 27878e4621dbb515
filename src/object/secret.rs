//! A Secret that may hold a certificate and its key.

use secrecy::SecretSlice;

use super::{Meta, Seconds, Text};

/// The type of a Secret made for TLS.
pub const TLS_TYPE: &str = "kubernetes.io/tls";
/// The type of a Secret in which this program keeps a replaced certificate and key for a rollback. It is never served.
pub const BACKUP_TYPE: &str = "kubectl-certs.io/backup";

/// The fields of a Secret that are read. `Debug` shows no data, because people paste keys into tls.crt.
pub struct Secret {
    /// Its metadata.
    pub meta: Meta,
    /// `type`, such as `kubernetes.io/tls`; empty means `Opaque`.
    pub secret_type: Text,
    /// The data keys of the certificate and the key, if they differ from `tls.crt` and `tls.key`. The second is empty
    /// if there is no key.
    pub data_keys: Option<Box<[Text; 2]>>,
    /// The value of `tls.crt`, or of the data key used instead.
    pub certificate: Option<Vec<u8>>,
    /// The value of `tls.key`, or of the data key used instead. It is only compared, then dropped.
    pub key: Option<SecretSlice<u8>>,
    /// The names of all other data keys (`ca.crt`, `keystore.p12`, ...).
    pub other_keys: Vec<Text>,
    /// The value of `ca.crt`, if there is a certificate beside it.
    pub ca: Option<Vec<u8>>,
    /// When `data` last changed, according to managedFields, in seconds since 1970. It is only read for Secrets that
    /// may have stale Pods.
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
