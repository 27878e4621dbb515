use super::*;
use crate::{
    apply::{
        pair::tests::{NOW, pair},
        secret::{Note, Options},
    },
    x509::testing::{Authority, Issued},
};

pub(crate) fn keeping() -> Keeping {
    Keeping {
        namespace: "certs-system".into(),
        claim: "install-1".to_owned(),
    }
}

fn of() -> Key {
    Key::new("shop", "shop-tls")
}

fn note() -> Note {
    Note {
        claim: None,
        run: RunId::random(),
        issuer: "own".into(),
        directory: "https://ca.example/directory".into(),
        order: Some("https://ca.example/order/1".into()),
        account: None,
        kind: None,
        at: NOW,
        window: None,
    }
}

/// A kept pair for `shop/shop-tls`, of an install, with the reason for which it was revoked. It replaced `former`.
pub(crate) fn kept_of(leaf: &Issued, former: &Issued, claim: &str, revoked: Option<&str>) -> Kept {
    let (mut object, _) = kept(None, &holding(former, json!({})), leaf, NOW);
    if let Some(reason) = revoked {
        let text = format!("{} {reason}", Fingerprint::of(&leaf.der));
        mark::set(&mut object, "annotations", REVOKED, &text);
    }
    let mut kept = Kept::of(&object, &keeping(), &of()).unwrap().unwrap();
    claim.clone_into(&mut kept.claim);
    kept
}

/// The object that keeps a new pair and the one that it replaced, and the Secret.
pub(in crate::apply) fn object_of(leaf: &Issued, former: &Issued) -> (Value, Key) {
    let (object, _) = kept(None, &holding(former, json!({})), leaf, NOW);
    (object, of())
}

/// The Secret with a pair, and annotations.
fn holding(leaf: &Issued, annotations: Value) -> Target {
    let mut object = json!({
        "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": "shop", "name": "shop-tls", "uid": "u", "resourceVersion": "1"},
        "stringData": {"tls.crt": leaf.pem(), "tls.key": leaf.key_pem()},
    });
    object["metadata"]["annotations"] = annotations;
    Target::of(of(), Some(object))
}

fn kept(before: Option<Kept>, target: &Target, leaf: &Issued, now: Seconds) -> (Value, Kept) {
    let pair = pair(leaf, &[]);
    let change = SecretChange::plan(target, &pair, &Options::default(), &note()).unwrap();
    let object = object(&keeping(), before, target, &pair, &change, &RunId::random(), now);
    let kept = Kept::of(&object, &keeping(), &of()).unwrap().unwrap();
    (object, kept)
}

#[test]
fn the_new_pair_and_the_one_that_it_replaces_are_kept_with_what_belongs_to_them() {
    let root = Authority::root("Root");
    let (old, new, third) = (root.leaf("a.example"), root.leaf("a.example"), root.leaf("a.example"));
    let sha256 = |leaf: &Issued| Fingerprint::of(&leaf.der);
    let noted = json!({
        "kubectl-certs.io/sha256": sha256(&old).to_string(), "kubectl-certs.io/issuer": "first", "other": "x",
    });
    let (object, first) = kept(None, &holding(&old, noted), &new, NOW);
    assert_eq!(object["metadata"]["namespace"], "certs-system");
    assert_eq!(object["metadata"]["labels"][mark::PURPOSE], "kept");
    assert_eq!(
        object["metadata"]["annotations"][mark::EXPIRES],
        Value::Null,
        "it does not expire"
    );
    assert_eq!(
        (object["type"].as_str(), first.claim.as_str()),
        (Some(backup::TYPE), "install-1")
    );
    // What scans read of it, for which nobody else can speak.
    let annotations = &object["metadata"]["annotations"];
    assert_eq!(
        annotations["kubectl-certs.io/directory"],
        "https://ca.example/directory"
    );
    assert_eq!(annotations["kubectl-certs.io/sha256"], sha256(&new).to_string());
    let former = first.former.as_ref().unwrap();
    assert_eq!((first.present.sha256, former.sha256), (sha256(&new), sha256(&old)));
    assert_eq!(former.annotations["kubectl-certs.io/issuer"], "first");
    assert!(!former.annotations.contains_key("other"), "somebody else's");
    assert_eq!(first.present.annotations["kubectl-certs.io/issuer"], "own");
    assert!(first.present.pair(NOW).is_ok());
    assert!(first.present.pair(0).is_ok(), "it had begun when it was accepted");
    assert!(!format!("{first:?}").contains("PRIVATE"), "{first:?}");

    // The Secret is gone: the former pair is the one that was kept.
    let gone = Target::of(of(), None);
    let (_, second) = kept(Some(first), &gone, &third, NOW + 60);
    assert_eq!(second.former.as_ref().unwrap().sha256, sha256(&new));
    let names = ["a.example".to_owned()];
    assert_eq!(second.issued_since(&names, NOW), 2);
    assert_eq!(second.issued_since(&names, NOW + 1), 1);
    assert_eq!(second.issued_since(&["b.example".to_owned()], NOW), 0);
    let (_, later) = kept(Some(second), &gone, &old, NOW + 9 * 86_400);
    assert_eq!(later.issuances.len(), 1, "older ones are forgotten");
}

#[test]
fn every_renewal_is_remembered_with_the_life_that_was_left_to_what_it_replaced() {
    let root = Authority::root("Root");
    let (theirs, first, second) = (root.leaf("a.example"), root.leaf("a.example"), root.leaf("a.example"));
    // What was there before was not kept by anybody: nothing is proved of it.
    let (_, kept_first) = kept(None, &holding(&theirs, json!({})), &first, NOW);
    let [only] = kept_first.history.tenures.as_slice() else {
        panic!("{:?}", kept_first.history)
    };
    assert_eq!(
        (only.at, only.until, only.left),
        (NOW, kept_first.present.not_after, None)
    );
    assert_eq!(kept_first.history.from, None, "nothing was before");
    let until = kept_first.present.not_after;
    let (_, kept_second) = kept(Some(kept_first), &holding(&first, json!({})), &second, NOW + 60);
    let last = kept_second.history.present().unwrap();
    assert_eq!((last.at, last.left), (NOW + 60, Some(until - NOW - 60)));
    assert!(last.is_renewal());
    // Where the Secret was emptied meanwhile, it is the kept one that was replaced, and it may have expired.
    let (third, gone) = (root.leaf("a.example"), Target::of(of(), None));
    let until = kept_second.present.not_after;
    let (_, kept_third) = kept(Some(kept_second), &gone, &third, NOW + 60);
    assert_eq!(kept_third.history.present().unwrap().left, Some(until - NOW - 60));
}

#[test]
fn a_kept_pair_of_an_earlier_version_is_read_and_tells_what_it_can() {
    let root = Authority::root("Root");
    let (old, new) = (root.leaf("a.example"), root.leaf("a.example"));
    let noted = json!({
        "kubectl-certs.io/sha256": Fingerprint::of(&old.der).to_string(), "kubectl-certs.io/issued-at": "2026-11-01T00:00:00Z",
    });
    let (mut object, _) = kept(None, &holding(&old, noted), &new, NOW);
    let target = Target::of(of(), Some(object.clone()));
    let record = target.data().unwrap()[RECORD].expose_secret().to_vec();
    let mut record: Value = serde_json::from_slice(&record).unwrap();
    // What version 0.1 wrote.
    record.as_object_mut().unwrap().remove("history");
    let only = Data::from([(RECORD.to_owned(), record.to_string().into_bytes().into())]);
    object["data"][RECORD] = secret::encoded(&only)[RECORD].clone();
    let read = Kept::of(&object, &keeping(), &of()).unwrap().unwrap();
    let present = read.history.present().unwrap();
    // The annotation of the present pair says when it was issued.
    assert_eq!((present.at, read.history.from), (NOW, Some(NOW)));
    assert_eq!(present.left, Some(read.former.as_ref().unwrap().not_after - NOW));
    assert_eq!(present.served, None, "nobody knows");
    let (_, next) = kept(Some(read), &holding(&new, json!({})), &old, NOW + 60);
    assert_eq!((next.history.tenures.len(), next.history.from), (2, Some(NOW)));
}

#[test]
fn a_revocation_stays_known_as_long_as_the_pair_is_kept() {
    let root = Authority::root("Root");
    let (old, new) = (root.leaf("a.example"), root.leaf("a.example"));
    let gone = Target::of(of(), None);
    let (mut object, _) = kept(None, &gone, &old, NOW);
    let revoked = format!("{} key-compromise", Fingerprint::of(&old.der));
    mark::set(&mut object, "annotations", REVOKED, &revoked);
    let before = Kept::of(&object, &keeping(), &of()).unwrap().unwrap();
    assert_eq!(before.revoked(&before.present), Some("key-compromise"));
    let (_, after) = kept(Some(before), &gone, &new, NOW);
    assert_eq!(after.revoked(&after.present), None);
    assert_eq!(after.revoked(after.former.as_ref().unwrap()), Some("key-compromise"));
}

#[test]
fn what_is_not_the_kept_pair_of_the_secret_is_not_read_as_it() {
    let root = Authority::root("Root");
    let (object, _) = kept(None, &Target::of(of(), None), &root.leaf("a.example"), NOW);
    let other = Key::new("shop", "other-tls");
    assert!(matches!(
        Kept::of(&object, &keeping(), &other),
        Err(KeepError::Other { .. })
    ));
    let mut backup = object.clone();
    backup["metadata"]["labels"][mark::PURPOSE] = "backup".into();
    assert!(matches!(
        Kept::of(&backup, &keeping(), &of()),
        Err(KeepError::Other { .. })
    ));
    let mut spoilt = object;
    spoilt["data"]["tls.key"] = "".into();
    assert!(Kept::of(&spoilt, &keeping(), &of()).unwrap().is_none());
}
