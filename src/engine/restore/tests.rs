//! Each rule by which a kept pair is put back, or is not.

use serde_json::{Value, json};

use super::*;
use crate::{
    apply::kept::tests::{keeping, kept_of},
    x509::testing::{Authority, Issued},
};

/// A moment within rcgen's default validity.
const NOW: Seconds = 1_800_000_000;
const OWN: &str = "install-1";

fn target(object: Option<Value>) -> Target {
    Target::of(Key::new("shop", "shop-tls"), object)
}

/// The Secret with this chain and key.
fn secret(chain: &str, key: &str) -> Value {
    json!({
        "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": "shop", "name": "shop-tls", "uid": "u", "resourceVersion": "1"},
        "stringData": {"tls.crt": chain, "tls.key": key},
    })
}

struct Pki {
    root: Authority,
    kept: Issued,
    former: Issued,
    other: Issued,
}

impl Pki {
    fn new() -> Self {
        let root = Authority::root("Root");
        let leaf = || root.leaf("a.example");
        Self {
            kept: leaf(),
            former: leaf(),
            other: leaf(),
            root,
        }
    }

    fn decide(&self, object: Option<Value>) -> Result<Pair, RestoreError> {
        let kept = kept_of(&self.kept, &self.former, OWN, None);
        decide(&target(object), &kept, &keeping(), &Options::default(), NOW)
    }
}

#[test]
fn an_absent_or_spoilt_secret_gets_the_kept_pair_back() {
    let pki = Pki::new();
    let (own, other) = (&pki.kept, &pki.other);
    for (object, case) in [
        (None, "absent"),
        (Some(secret("", "")), "empty"),
        (Some(secret("rubbish", "rubbish")), "does not parse"),
        (Some(secret(&own.pem(), &other.key_pem())), "another key"),
        (Some(secret(&own.pem(), "rubbish")), "a key that does not parse"),
        (Some(secret(&own.pem(), "")), "no key"),
    ] {
        let pair = pki.decide(object).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(pair.sha256(), Fingerprint::of(&own.der), "{case}");
    }
}

#[test]
fn a_good_pair_is_never_replaced() {
    let pki = Pki::new();
    for own in [&pki.kept, &pki.former] {
        let error = pki.decide(Some(secret(&own.pem(), &own.key_pem()))).unwrap_err();
        assert!(matches!(error, RestoreError::Whole), "{error}");
    }
    let other = &pki.other;
    let theirs = pki.decide(Some(secret(&other.pem(), &other.key_pem())));
    assert!(matches!(theirs, Err(RestoreError::Others { .. })), "{theirs:?}");
    let expired = pki.root.leaf_with("a.example", |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let theirs = pki.decide(Some(secret(&expired.pem(), &expired.key_pem())));
    assert!(matches!(theirs, Err(RestoreError::Others { .. })), "{theirs:?}");
    // Someone protects the key, or sends the chain in another order.
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let unordered = pki.root.pem() + &other.pem();
    for object in [secret(&other.pem(), encrypted), secret(&unordered, &other.key_pem())] {
        let theirs = pki.decide(Some(object));
        assert!(matches!(theirs, Err(RestoreError::Others { .. })), "{theirs:?}");
    }
}

#[test]
fn a_secret_that_belongs_to_someone_or_is_going_is_left_alone() {
    let pki = Pki::new();
    let mut helm = secret("", "");
    helm["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "shop"});
    let mut immutable = secret("", "");
    immutable["immutable"] = true.into();
    let mut token = secret("", "");
    token["type"] = "kubernetes.io/service-account-token".into();
    token["stringData"] = json!({"token": "x"});
    for (object, words) in [
        (helm, "owned by Helm"),
        (immutable, "is immutable"),
        (token, "is of the type"),
    ] {
        let error = pki.decide(Some(object)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let mut going = secret("", "");
    going["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z".into();
    let error = pki.decide(Some(going)).unwrap_err();
    assert!(matches!(error, RestoreError::Ending), "{error}");
}

#[test]
fn what_was_revoked_is_due_or_is_another_installs_is_not_put_back() {
    let pki = Pki::new();
    let judge =
        |kept: &Kept, object: Option<Value>, now| decide(&target(object), kept, &keeping(), &Options::default(), now);
    let kept = |leaf, claim, revoked| kept_of(leaf, &pki.former, claim, revoked);
    let revoked = judge(&kept(&pki.kept, OWN, Some("superseded")), None, NOW).unwrap_err();
    assert!(matches!(&revoked, RestoreError::Revoked(reason) if reason == "superseded"));
    // The revocation was recorded on the Secret itself.
    let mut object = secret("", "");
    let text = format!("{} key-compromise", Fingerprint::of(&pki.kept.der));
    object["metadata"]["annotations"] = json!({"kubectl-certs.io/revoked": text});
    let revoked = judge(&kept(&pki.kept, OWN, None), Some(object), NOW).unwrap_err();
    assert!(matches!(&revoked, RestoreError::Revoked(reason) if reason == "key-compromise"));

    let theirs = judge(&kept(&pki.kept, "install-2", None), None, NOW).unwrap_err();
    assert!(
        theirs
            .to_string()
            .contains("install-2 keeps the pairs of Secret shop/shop-tls"),
        "{theirs}"
    );

    // 90 days from 2027-01-01: due after 60.
    let leaf = pki.root.leaf_with("a.example", |params| {
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 4, 1);
    });
    let (begin, day) = (1_798_761_600, 86_400);
    let kept = kept(&leaf, OWN, None);
    assert!(judge(&kept, None, begin + 59 * day).is_ok());
    let due = judge(&kept, None, begin + 61 * day).unwrap_err();
    assert!(matches!(due, RestoreError::Due { .. }), "{due}");
    let expired = judge(&kept, None, begin + 91 * day).unwrap_err();
    assert!(
        matches!(expired, RestoreError::Pair(PairError::Expired(_))),
        "{expired}"
    );
}
