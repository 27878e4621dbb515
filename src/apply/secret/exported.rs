//! A Secret as it is, for a file.

use serde_json::{Value, json};

use super::{Slots, Target, encoded, new_object, pair_data, without_server};
use crate::{
    apply::{
        kept::KeptPair,
        owner,
        pair::{PairError, pem},
    },
    object::{Key, Seconds, annotation::CLAIM},
    x509::{Fingerprint, KeyState},
};

/// Why a Secret is not exported. The messages fit "Secret shop/shop-tls is not exported: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExported {
    /// It is not there.
    #[error("there is no such Secret")]
    Absent,
    /// It holds no certificate.
    #[error("it holds no certificate under {0}")]
    NoCertificate(String),
    /// It lacks the key of its certificate.
    #[error("it does not hold the private key of its certificate under {0}")]
    NoKey(String),
    /// The kept pair is not fit to be stored.
    #[error("the pair that is kept for it is not fit to be stored: {0}")]
    Kept(#[from] PairError),
}

/// A Secret with its pair, as it goes into a file. `Debug` shows no data.
pub struct Exported {
    /// Namespace and name.
    pub key: Key,
    /// The SHA-256 of the leaf.
    pub sha256: Fingerprint,
    /// The end of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// The chain, as PEM, and nothing else.
    pub chain: String,
    /// The data keys besides chain and key, sorted.
    pub others: Vec<String>,
    manifest: Value,
}

impl std::fmt::Debug for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exported")
            .field("key", &self.key)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl Exported {
    /// The Secret as it is: without what its server manages, who owns it there, and kubectl's record of what it applied.
    ///
    /// # Errors
    ///
    /// It holds no certificate with its key.
    pub fn of(target: &Target, slots: &Slots) -> Result<Self, NotExported> {
        let Some(present) = &target.present else {
            return Err(NotExported::Absent);
        };
        let parsed = target.held(slots);
        let Some((parsed, leaf)) = parsed.as_ref().and_then(|parsed| Some((parsed, parsed.bundle.leaf()?))) else {
            return Err(NotExported::NoCertificate(slots.certificate.clone()));
        };
        if parsed.bundle.key != KeyState::Matches {
            return Err(NotExported::NoKey(slots.key.clone()));
        }
        let mut manifest = present.object.clone();
        without_server(&mut manifest);
        if let Some(meta) = manifest["metadata"].as_object_mut() {
            // In another cluster nobody has that uid, and the Secret would be removed.
            meta.remove("ownerReferences");
            if let Some(annotations) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove(owner::LAST_APPLIED);
            }
        }
        manifest["data"] = encoded(&present.data);
        let others = present
            .data
            .keys()
            .filter(|name| !slots.both().contains(&name.as_str()));
        Ok(Self {
            key: target.key.clone(),
            sha256: leaf.sha256,
            not_after: leaf.not_after,
            chain: parsed.der.iter().map(|der| pem(der)).collect(),
            others: others.cloned().collect(),
            manifest,
        })
    }

    /// The Secret that a kept pair would be put back into, with the claim of its installation.
    ///
    /// # Errors
    ///
    /// The pair is not fit to be stored.
    pub fn of_kept(key: &Key, kept: &KeptPair, slots: &Slots, claim: &str, now: Seconds) -> Result<Self, NotExported> {
        let pair = kept.pair(now)?;
        let mut manifest = new_object(key, slots);
        let mut annotations = kept.annotations.clone();
        annotations.retain(|_, value| !value.is_null());
        annotations.insert(CLAIM.to_owned(), claim.into());
        manifest["metadata"]["annotations"] = json!(annotations);
        manifest["data"] = encoded(&pair_data(&pair, slots));
        Ok(Self {
            key: key.clone(),
            sha256: pair.sha256(),
            not_after: pair.leaf().not_after,
            chain: pair.chain_pem(),
            others: Vec::new(),
            manifest,
        })
    }

    /// The manifest. It contains a private key.
    pub(in crate::apply) fn manifest(&self) -> &Value {
        &self.manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::{kept::tests::kept_of, pair::tests::NOW},
        x509::testing::Authority,
    };

    #[test]
    fn what_only_its_cluster_knows_of_a_secret_is_not_exported() {
        let root = Authority::root("Root");
        let leaf = root.leaf("a.example");
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {
                "namespace": "shop", "name": "shop-tls", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"app": "web"}, "ownerReferences": [{"uid": "x"}], "managedFields": [],
                "annotations": {"kubectl-certs.io/claim": "i", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            },
            // A key beside the chain does not belong to what everybody may read.
            "stringData": {"tls.crt": leaf.pem() + &leaf.key_pem(), "tls.key": leaf.key_pem(), "ca.crt": "x"},
        });
        let target = Target::of(Key::new("shop", "shop-tls"), Some(object));
        let exported = Exported::of(&target, &Slots::default()).unwrap();
        let manifest = exported.manifest();
        assert_eq!(
            manifest["metadata"],
            json!({
                "namespace": "shop", "name": "shop-tls", "labels": {"app": "web"}, "annotations": {"kubectl-certs.io/claim": "i"},
            })
        );
        assert!(manifest["data"]["tls.key"].is_string());
        assert_eq!(exported.others, ["ca.crt"]);
        assert_eq!(exported.chain.matches("BEGIN").count(), 1, "{}", exported.chain);
        assert!(!format!("{exported:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_secret_without_a_whole_pair_is_not_exported_and_what_is_kept_for_one_is() {
        let root = Authority::root("Root");
        let (leaf, other) = (root.leaf("a.example"), root.leaf("a.example"));
        let of = |data: Value| {
            let target = Target::of(
                Key::new("shop", "shop-tls"),
                Some(json!({"metadata": {}, "stringData": data})),
            );
            Exported::of(&target, &Slots::default()).unwrap_err()
        };
        assert!(matches!(
            of(json!({"tls.key": leaf.key_pem()})),
            NotExported::NoCertificate(_)
        ));
        for key in [json!(other.key_pem()), json!("")] {
            let refused = of(json!({"tls.crt": leaf.pem(), "tls.key": key}));
            assert!(matches!(refused, NotExported::NoKey(_)), "{refused}");
        }
        let kept = kept_of(&leaf, &other, "install-1", None);
        let key = Key::new("shop", "shop-tls");
        let exported = Exported::of_kept(&key, &kept.present, &kept.slots, &kept.claim, NOW).unwrap();
        assert_eq!(exported.sha256, Fingerprint::of(&leaf.der));
        let annotations = &exported.manifest()["metadata"]["annotations"];
        assert_eq!(annotations[CLAIM], "install-1");
        assert_eq!(annotations["kubectl-certs.io/issuer"], "own");
    }
}
