//! core/v1 Secret.

use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::{
    super::message,
    meta::{Labels, meta},
    text,
};
use crate::{
    object::Secret,
    source::pairs::{self, DataKeys},
};

/// Whether Secrets of this type never hold a certificate. A Helm release is an archive of up to a megabyte.
fn holds_no_certificate(secret_type: &str) -> bool {
    secret_type.starts_with("helm.sh/release.")
}

/// Removes data that the other format does not read for a type that never holds a certificate.
pub(in super::super) fn drop_useless(secret: &mut Secret) {
    if holds_no_certificate(&secret.secret_type) {
        secret.data_keys = None;
        secret.certificate = None;
        secret.key = None;
        secret.ca = None;
        secret.other_keys.clear();
    }
}

/// The view of a Secret: the values of `tls.crt` and `tls.key`, and the names of other data keys. No other value is
/// copied.
pub(super) fn secret(found: message::Secret, keys: &DataKeys) -> Secret {
    let mut secret = Secret {
        meta: meta(found.metadata, Labels::Writers),
        secret_type: text(&found.secret_type),
        data_keys: None,
        certificate: None,
        key: None,
        other_keys: Vec::new(),
        ca: None,
        data_changed: None,
    };
    if holds_no_certificate(&secret.secret_type) {
        return secret;
    }
    let mut own = pairs::Found::default();
    for message::Entry { key, value } in &found.data {
        match &**key {
            b"tls.crt" => secret.certificate = Some(value.to_vec()),
            b"tls.key" => secret.key = Some(SecretSlice::from(value.to_vec())),
            _ => {
                let key = text(key);
                if let Some(slot) = keys.slot(&key) {
                    own.put(slot, key.clone(), Zeroizing::new(value.to_vec()));
                }
                if key == "ca.crt" {
                    secret.ca = Some(value.to_vec());
                }
                secret.other_keys.push(key);
            }
        }
    }
    let own = own
        .pair()
        .filter(|_| secret.certificate.is_none() && secret.key.is_none());
    if let Some(((name, mut chain), own_key)) = own {
        let (key_name, value) = own_key.unzip();
        let names = [name, key_name.unwrap_or_default()];
        secret.other_keys.retain(|other| !names.contains(other));
        secret.data_keys = Some(Box::new(names));
        secret.certificate = Some(std::mem::take(&mut *chain));
        secret.key = value.map(|key| SecretSlice::from(key.to_vec()));
    }
    secret.other_keys.sort_unstable();
    secret.other_keys.dedup();
    secret.other_keys.shrink_to_fit();
    secret
}
