use super::*;
use crate::error::Diagnose as _;
use crate::{
    apply::{
        RunId,
        pair::tests::{NOW, pair},
    },
    x509::testing::{self, Authority, Issued},
};

struct Pki {
    root: Authority,
    sub: Authority,
    old: Issued,
    new_sub: Authority,
    new: Issued,
}

/// The intermediates of the old and the new certificate have the same root.
fn pki() -> Pki {
    let root = Authority::root("Root");
    let (sub, new_sub) = (root.sub("Sub 1"), root.sub("Sub 2"));
    Pki {
        old: sub.leaf("shop.example"),
        new: new_sub.leaf("shop.example"),
        root,
        sub,
        new_sub,
    }
}

impl Pki {
    fn old_chain(&self) -> String {
        self.old.pem() + &self.sub.pem()
    }

    fn new_chain(&self) -> String {
        self.new.pem() + &self.new_sub.pem()
    }

    fn pair(&self) -> Pair {
        pair(&self.new, &[&self.new_sub])
    }

    fn secret(&self, others: &[(&str, String)]) -> Value {
        let mut object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"namespace": "shop", "name": "shop-tls", "uid": "u-1", "resourceVersion": "7",
                "labels": {"team": "shop"}, "annotations": {"note": "keep"}},
            "data": {"tls.crt": STANDARD.encode(self.old_chain()), "tls.key": STANDARD.encode(self.old.key_pem())},
        });
        for (name, value) in others {
            object["data"][*name] = STANDARD.encode(value).into();
        }
        object
    }
}

fn key() -> Key {
    Key::new("shop", "shop-tls")
}

fn note() -> Note {
    Note {
        claim: None,
        run: RunId::random(),
        issuer: "letsencrypt".into(),
        directory: "https://ca.example/directory".into(),
        order: Some("https://ca.example/order/1".into()),
        account: Some("https://ca.example/acct/1".into()),
        kind: Some(crate::plan::limits::OrderKind::New),
        at: NOW,
        window: Some((NOW, NOW + 86_400)),
    }
}

fn plan(object: Value, pair: &Pair, options: &Options) -> Result<SecretChange, Refusal> {
    SecretChange::plan(&Target::of(key(), Some(object)), pair, options, &note())
}

fn planned(object: Value, pair: &Pair) -> SecretChange {
    plan(object, pair, &Options::default()).unwrap()
}

fn text(change: &SecretChange, name: &str) -> Option<String> {
    let value = change.data.get(name)?;
    Some(String::from_utf8(value.expose_secret().to_vec()).unwrap())
}

#[test]
fn a_renewal_is_one_conditional_patch_of_key_and_chain_and_nothing_else() {
    let pki = pki();
    let change = planned(pki.secret(&[("unrelated", "x".into())]), &pki.pair());
    let Patch::Merge(patch) = change.patch("u-1", "7") else {
        panic!("{:?}", change.patch("u-1", "7"))
    };
    assert_eq!(change.of, Some(("u-1".into(), "7".into())));
    assert_eq!(patch["metadata"]["uid"], "u-1");
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    assert_eq!(patch["type"], Value::Null);
    assert_eq!(
        patch["data"],
        json!({"tls.crt": STANDARD.encode(pki.new_chain()), "tls.key": STANDARD.encode(pki.new.key_pem())})
    );
    let annotations = &patch["metadata"]["annotations"];
    assert_eq!(annotations[ISSUER], "letsencrypt");
    assert_eq!(annotations[SHA256], change.sha256().to_string());
    assert_eq!(annotations[STAGE], Value::Null);
    assert_eq!(
        annotations["kubectl-certs/renewal-window"],
        "2027-01-15T08:00:00Z/2027-01-16T08:00:00Z"
    );
    // Annotations of others are not sent, so they stay.
    assert_eq!(annotations["note"], Value::Null);
    assert!(!annotations.as_object().unwrap().contains_key("note"));
    assert_eq!(change.summary(), "update Secret shop/shop-tls with tls.crt, tls.key");
    assert_eq!(change.replaces(), Some(Fingerprint::of(&pki.old.der)));
    let shown = format!("{change:?} {:?}", change.patch("u-1", "7"));
    assert!(!shown.contains(&STANDARD.encode(pki.new.key_pem())[..40]), "{shown}");
}

#[test]
fn a_secret_that_somebody_else_writes_or_owns_is_never_claimed() {
    let pki = pki();
    let pair = pki.pair();
    let kept = crate::apply::kept::tests::kept_of(&pki.new, &pki.old, "install-1", None);
    let ways = |object: &Value| {
        let target = Target::of(key(), Some(object.clone()));
        let options = Options::default();
        let claiming = Note {
            claim: Some("install-1".to_owned()),
            ..note()
        };
        [
            SecretChange::plan(&target, &pair, &options, &claiming),
            SecretChange::put_back(&target, &kept.present, &pair, &options, None),
            SecretChange::copy(&target, &pair, &options, &Key::new("infra", "tls"), "install-1"),
        ]
    };
    let managed = |manager: &str, operation: &str| {
        let mut object = pki.secret(&[]);
        object["metadata"]["managedFields"] = json!([{
            "manager": manager, "operation": operation, "fieldsV1": {"f:data": {"f:tls.crt": {}}},
        }]);
        object
    };
    let mut owned = pki.secret(&[]);
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "x.example/v1", "kind": "Tenant", "name": "shop", "controller": true}]);
    let mut helms = pki.secret(&[]);
    helms["metadata"]["annotations"]["meta.helm.sh/release-name"] = "shop".into();
    for object in [
        managed("some-operator", "Update"),
        managed("kubectl", "Apply"),
        managed("kube-lego", "Update"),
        owned,
        helms,
    ] {
        for way in ways(&object) {
            assert!(matches!(way, Err(Refusal::Owned { .. })), "{way:?}: {object}");
        }
    }
    // Nobody's, and made by hand: an Ingress that asks for it is enough.
    for object in [pki.secret(&[]), managed("kubectl-create", "Update")] {
        let [ordered, _, copied] = ways(&object).map(Result::unwrap);
        for change in [ordered, copied] {
            assert_eq!(change.annotations()["kubectl-certs.io/claim"], "install-1");
        }
    }
}

#[test]
fn a_missing_secret_is_created_with_the_type_that_its_keys_ask_for() {
    let pki = pki();
    let target = Target::of(key(), None);
    let change = SecretChange::plan(&target, &pki.pair(), &Options::default(), &note()).unwrap();
    assert!(change.creates());
    let object = change.manifest();
    assert_eq!(object["type"], "kubernetes.io/tls");
    assert_eq!(
        object["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "kubectl-certs"})
    );
    assert_eq!(object["data"]["tls.crt"], STANDARD.encode(pki.new_chain()));
    let options = Options {
        slots: Slots {
            certificate: "proxycert".into(),
            key: "proxykey".into(),
        },
        ..Options::default()
    };
    let change = SecretChange::plan(&target, &pki.pair(), &options, &note()).unwrap();
    assert_eq!(change.manifest()["type"], "Opaque");
    assert_eq!(change.names().collect::<Vec<_>>(), ["proxycert", "proxykey"]);
}

#[test]
fn a_manifest_keeps_what_it_had_and_loses_what_the_server_keeps_for_itself() {
    let pki = pki();
    let mut object = pki.secret(&[("unrelated", "x".into())]);
    object["metadata"]["managedFields"] = json!([]);
    let manifest = planned(object, &pki.pair()).manifest();
    assert_eq!(manifest["metadata"]["labels"], json!({"team": "shop"}));
    assert_eq!(manifest["metadata"]["annotations"]["note"], "keep");
    assert_eq!(manifest["data"]["unrelated"], STANDARD.encode("x"));
    for field in ["uid", "resourceVersion", "managedFields"] {
        assert_eq!(manifest["metadata"][field], Value::Null, "{field}");
    }
}

#[test]
fn what_must_not_be_written_is_refused_with_a_way_out() {
    let pki = pki();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = pki.secret(&[]);
        change(&mut object);
        object
    };
    let staging = Options {
        staging: true,
        ..Options::default()
    };
    let plain = Options::default();
    for (object, options, words, hint) in [
        (
            with(&|o| o["immutable"] = true.into()),
            &plain,
            "is immutable",
            "--secret shop-tls-new -n shop",
        ),
        (
            with(&|o| {
                o["type"] = "Opaque".into();
                o["data"] = json!({"password": "eA=="});
            }),
            &plain,
            "is of the type \"Opaque\" and does not hold tls.crt and tls.key",
            "--secret shop-tls-new",
        ),
        (
            with(&|o| {
                o["type"] = "kubernetes.io/dockerconfigjson".into();
                o["data"] = json!({".dockerconfigjson": "e30="});
            }),
            &plain,
            "kubernetes.io/dockerconfigjson",
            "shop-tls-new",
        ),
        (
            with(&|o| o["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] = "shop".into()),
            &plain,
            "owned by Flux (HelmRelease shop)",
            "--force",
        ),
        (
            with(&|_| {}),
            &staging,
            "a staging certificate",
            "--overwrite-with-staging",
        ),
        (
            with(&|o| o["data"]["keystore.p12"] = "eA==".into()),
            &plain,
            "keystore.p12 (a keystore",
            "--force",
        ),
    ] {
        let refusal = plan(object, &pki.pair(), options).unwrap_err();
        assert!(refusal.to_string().contains(words), "{refusal}");
        assert!(refusal.hint().unwrap().contains(hint), "{:?}", refusal.hint());
    }
    // Most controllers use an Opaque Secret with both data keys, and it stays as it is.
    assert!(plan(with(&|o| o["type"] = "Opaque".into()), &pki.pair(), &plain).is_ok());
}

#[test]
fn force_writes_others_property_says_so_and_leaves_no_old_key_in_an_annotation() {
    let pki = pki();
    let mut object = pki.secret(&[("store.jks", "x".into())]);
    object["metadata"]["annotations"][owner::LAST_APPLIED] = json!({"data": {"tls.crt": "eA==", "tls.key": "eA=="}})
        .to_string()
        .into();
    let force = Options {
        force: true,
        ..Options::default()
    };
    assert!(plan(object.clone(), &pki.pair(), &Options::default()).is_err());
    let change = plan(object, &pki.pair(), &force).unwrap();
    assert!(change.forced().is_some());
    assert_eq!(change.left_stale(), ["store.jks"]);
    let Patch::Merge(patch) = change.patch("u", "1") else {
        panic!()
    };
    let annotations = patch["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations[owner::LAST_APPLIED], Value::Null);
    assert!(annotations.contains_key(owner::LAST_APPLIED), "null takes it away");
    assert_eq!(
        change.manifest()["metadata"]["annotations"][owner::LAST_APPLIED],
        Value::Null
    );
}

#[test]
fn a_staging_certificate_replaces_nothing_but_a_staging_certificate() {
    let pki = pki();
    let staging_ca = Authority::root("(STAGING) Pretend Pear X1");
    let staging = staging_ca.leaf("shop.example");
    let options = |overwrite| Options {
        staging: true,
        overwrite_with_staging: overwrite,
        ..Options::default()
    };
    let mut holds_staging = pki.secret(&[]);
    holds_staging["data"] =
        json!({"tls.crt": STANDARD.encode(staging.pem()), "tls.key": STANDARD.encode(staging.key_pem())});
    let mut annotated = pki.secret(&[]);
    annotated["metadata"]["annotations"] = json!({STAGE: "staging", SHA256: Fingerprint::of(&pki.old.der).to_string()});
    let mut of_another = annotated.clone();
    of_another["metadata"]["annotations"][SHA256] = "00".into();
    let mut empty = pki.secret(&[]);
    empty["data"] = json!({"tls.crt": "", "tls.key": ""});
    for (what, object, overwrite, allowed) in [
        ("a live one", pki.secret(&[]), false, false),
        ("a live one, asked for", pki.secret(&[]), true, true),
        ("staging by its issuer", holds_staging.clone(), false, true),
        ("staging by annotation", annotated, false, true),
        ("an annotation of a certificate that is gone", of_another, false, false),
        ("nothing readable", empty, false, false),
    ] {
        assert_eq!(
            plan(object, &pki.pair(), &options(overwrite)).is_ok(),
            allowed,
            "{what}"
        );
    }
    let missing = Target::of(key(), None);
    let change = SecretChange::plan(&missing, &pki.pair(), &options(false), &note()).unwrap();
    assert_eq!(change.annotations[STAGE], "staging");
    // A live certificate may replace a staging one at any time, and removes its mark.
    let change = plan(holds_staging, &pki.pair(), &Options::default()).unwrap();
    assert_eq!(change.annotations[STAGE], Value::Null);
}

#[test]
fn other_keys_that_hold_the_certificate_are_made_anew_as_they_were_found() {
    let pki = pki();
    let (old_key, new_key) = (pki.old.key_pem(), pki.new.key_pem());
    let (old_sub, new_sub, root) = (pki.sub.pem(), pki.new_sub.pem(), pki.root.pem());
    let (old, new) = (pki.old.pem(), pki.new.pem());
    for (what, name, value, expected) in [
        ("the chain", "ca.crt", old_sub.clone(), Some(new_sub.clone())),
        (
            "chain and root",
            "ca.crt",
            old_sub.clone() + &root,
            Some(new_sub.clone() + &root),
        ),
        ("a root that stays", "ca.crt", root.clone(), None),
        (
            "key, then chain",
            "tls-combined.pem",
            old_key.clone() + &pki.old_chain(),
            Some(new_key.clone() + &pki.new_chain()),
        ),
        (
            "chain, then key",
            "haproxy.pem",
            pki.old_chain() + &old_key,
            Some(pki.new_chain() + &new_key),
        ),
        (
            "leaf, key, issuer",
            "x.pem",
            old.clone() + &old_key + &old_sub,
            Some(new.clone() + &new_key + &new_sub),
        ),
        (
            "leaf and key",
            "x.pem",
            old.clone() + &old_key,
            Some(new.clone() + &new_key),
        ),
        (
            "a copy of the chain",
            "fullchain.pem",
            pki.old_chain(),
            Some(pki.new_chain()),
        ),
        (
            "chain with root",
            "fullchain.pem",
            pki.old_chain() + &root,
            Some(pki.new_chain() + &root),
        ),
        (
            "a copy of the key",
            "privkey.pem",
            old_key.clone(),
            Some(new_key.clone()),
        ),
        ("the leaf alone", "cert.pem", old.clone(), Some(new.clone())),
        (
            "comments between",
            "tls-combined.pem",
            format!("# made by hand\n{old_key}\n# chain\n{}", pki.old_chain()),
            Some(new_key.clone() + &pki.new_chain()),
        ),
        ("another CA", "ca.crt", Authority::root("Clients").pem(), None),
        (
            "a bundle of CAs",
            "ca.crt",
            Authority::root("Clients").pem() + &old_sub,
            None,
        ),
        ("another pair", "second.pem", pki.root.leaf("other.example").pem(), None),
        (
            "another key",
            "second.key",
            pki.root.leaf("other.example").key_pem(),
            None,
        ),
        ("parameters", "dhparam.pem", testing::pem("DH PARAMETERS", b"abc"), None),
        ("text", "password", "hunter2".into(), None),
        ("nothing", "ca.crt", String::new(), None),
    ] {
        let change = planned(pki.secret(&[(name, value)]), &pki.pair());
        assert_eq!(text(&change, name), expected, "{what}");
        assert_eq!(change.remade().len(), usize::from(expected.is_some()), "{what}");
        assert_eq!(change.kept.contains_key(name), expected.is_none(), "{what}");
    }
}

#[test]
fn der_is_made_anew_too() {
    let pki = pki();
    let mut object = pki.secret(&[]);
    object["data"]["tls.der"] = STANDARD.encode(&pki.old.der).into();
    object["data"]["key.der"] = STANDARD.encode(pki.old.key.serialize_der()).into();
    let change = planned(object, &pki.pair());
    assert_eq!(change.data["tls.der"].expose_secret(), &pki.new.der[..]);
    assert_eq!(change.data["key.der"].expose_secret(), &pki.new.key.serialize_der()[..]);
}

#[test]
fn forms_that_cannot_be_made_anew_stop_the_write_and_are_named() {
    let pki = pki();
    let body = STANDARD.encode(&pki.old.der);
    let foreign = pki.root.leaf("other.example");
    let pfx = [0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30];
    for (name, value, stops) in [
        ("keystore.p12", b"anything".to_vec(), true),
        ("truststore.jks", b"anything".to_vec(), true),
        ("bundle", pfx.to_vec(), true),
        ("bundle", vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], true),
        ("acme.json", format!("{{\"cert\": \"{body}\"}}").into_bytes(), true),
        ("mixed.pem", (pki.old.pem() + &foreign.pem()).into_bytes(), true),
        (
            "encrypted.pem",
            (pki.old.pem() + &testing::pem("ENCRYPTED PRIVATE KEY", b"abc")).into_bytes(),
            true,
        ),
        ("config.json", b"{}".to_vec(), false),
    ] {
        let mut object = pki.secret(&[]);
        object["data"][name] = STANDARD.encode(value).into();
        let planned = plan(object, &pki.pair(), &Options::default());
        match planned {
            Err(refusal) => assert!(stops && refusal.to_string().contains(name), "{refusal}"),
            Ok(_) => assert!(!stops, "{name}"),
        }
    }
    // A new chain without issuers cannot replace the old one's.
    let direct = pki.root.leaf("shop.example");
    let refused = plan(
        pki.secret(&[("ca.crt", pki.sub.pem())]),
        &pair(&direct, &[]),
        &Options::default(),
    );
    assert!(refused.unwrap_err().to_string().contains("the new chain has none"));
}

#[test]
fn a_self_signed_certificates_ca_becomes_the_new_chain() {
    let pki = pki();
    let own = testing::self_signed("shop.example", |_| {});
    let mut object = pki.secret(&[("ca.crt", own.pem())]);
    object["data"]["tls.crt"] = STANDARD.encode(own.pem()).into();
    object["data"]["tls.key"] = STANDARD.encode(own.key_pem()).into();
    let change = planned(object, &pki.pair());
    assert_eq!(text(&change, "ca.crt"), Some(pki.new_sub.pem()));
}

#[test]
fn the_keys_that_the_user_names_are_written_and_tls_crt_is_made_anew_where_it_held_the_same() {
    let pki = pki();
    let options = Options {
        slots: Slots {
            certificate: "proxycert".into(),
            key: "proxykey".into(),
        },
        ..Options::default()
    };
    let mut object = pki.secret(&[("proxycert", pki.old_chain()), ("proxykey", pki.old.key_pem())]);
    object["type"] = "Opaque".into();
    let change = plan(object, &pki.pair(), &options).unwrap();
    assert_eq!(text(&change, "proxycert"), Some(pki.new_chain()));
    assert_eq!(text(&change, "proxykey"), Some(pki.new.key_pem()));
    assert_eq!(change.remade(), ["tls.crt", "tls.key"]);
    // Named data keys of an Opaque Secret need not exist yet.
    let empty = json!({"kind": "Secret", "type": "Opaque", "metadata": {"namespace": "shop", "name": "shop-tls"}});
    assert!(plan(empty, &pki.pair(), &options).is_ok());
}

#[test]
fn what_was_written_is_recognised_and_string_data_counts_as_data() {
    let pki = pki();
    let change = planned(pki.secret(&[]), &pki.pair());
    let mut after = pki.secret(&[]);
    assert!(!change.is_done(&Target::of(key(), Some(after.clone()))));
    after["stringData"] = json!({"tls.crt": pki.new_chain(), "tls.key": pki.new.key_pem()});
    let target = Target::of(key(), Some(after));
    assert!(change.is_done(&target));
    assert_eq!(target.sha256(&Slots::default()), Some(change.sha256()));
    assert_eq!(
        target.private_key(&Slots::default()).unwrap().expose_secret(),
        pki.new.key_pem()
    );
}
