use serde_json::{Value, json};

use super::*;
use crate::apply::owner;

const INSTALL: &str = "aaaaaaaaaa";

/// A Secret as cert-manager leaves it.
fn of_cert_manager() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "namespace": "shop", "name": "web-tls", "uid": "u", "resourceVersion": "7",
            "annotations": {"cert-manager.io/certificate-name": "web-tls", "cert-manager.io/issuer-name": "le", "own": "1"},
            "labels": {"controller.cert-manager.io/fao": "true", "own": "1"},
            "managedFields": [
                {"manager": "cert-manager-certificates-issuing", "operation": "Apply", "apiVersion": "v1",
                    "fieldsV1": {"f:data": {"f:tls.crt": {}, "f:tls.key": {}}, "f:metadata": {}}},
                {"manager": "kubectl-label", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:metadata": {"f:labels": {"f:own": {}}}}},
            ],
        },
        "data": {"tls.crt": "Y3J0", "tls.key": "a2V5"},
    })
}

/// What a merge patch makes of an object.
fn patched(object: &Value, patch: &Value) -> Value {
    let mut object = object.clone();
    let (Some(into), Some(all)) = (object.as_object_mut(), patch.as_object()) else {
        return patch.clone();
    };
    for (name, value) in all {
        if value.is_null() {
            into.remove(name);
        } else {
            let before = into.get(name).cloned().unwrap_or(json!({}));
            into.insert(name.clone(), patched(&before, value));
        }
    }
    object
}

/// The same by the API server, which takes one empty entry for no managers at all.
fn written(object: &Value, patch: &Value) -> Value {
    let mut object = patched(object, patch);
    if object["metadata"]["managedFields"] == json!([{}]) {
        object["metadata"].as_object_mut().unwrap().remove("managedFields");
    }
    object
}

fn managers(object: &Value) -> Vec<&str> {
    let slots = Slots::default();
    entries(object)
        .filter(|entry| !entry["fieldsV1"]["f:data"][format!("f:{}", slots.certificate)].is_null())
        .filter_map(|entry| entry["manager"].as_str())
        .collect()
}

fn owner_of(object: &Value) -> Option<String> {
    owner::of_secret(object, ["tls.crt", "tls.key"]).map(|owner| owner.who)
}

#[test]
fn a_secret_of_cert_managers_has_one_manager_at_each_step_and_is_given_back_as_it_was() {
    let (object, slots) = (of_cert_manager(), Slots::default());
    let before = SecretBefore::of(&object, None, false);
    assert_eq!(managers(&object), ["cert-manager-certificates-issuing"]);
    assert_eq!(owner_of(&object).as_deref(), Some("cert-manager (Certificate web-tls)"));

    let patch = unmark(&object, &slots, false).unwrap();
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    let free = written(&object, &patch);
    assert_eq!((managers(&free), owner_of(&free)), (vec![], None));
    assert_eq!(unmark(&free, &slots, false), None);

    let patch = claim(&free, &before, INSTALL, 0).unwrap();
    let ours = written(&free, &patch);
    assert_eq!((managers(&ours), owner_of(&ours)), (vec!["kubectl-certs"], None));
    assert_eq!(ours["metadata"]["annotations"][annotation::CLAIM], INSTALL);
    assert_eq!(claim(&ours, &before, INSTALL, 0), None);
    assert_eq!(ours["data"], object["data"]);
    // What others have written stays.
    assert_eq!(ours["metadata"]["labels"], json!({"own": "1"}));
    assert_eq!(ours["metadata"]["annotations"]["cert-manager.io/issuer-name"], "le");

    let returned = written(&ours, &give_back(&ours, &before).unwrap());
    assert_eq!(returned["metadata"], object["metadata"]);
    assert_eq!(give_back(&returned, &before), None);
    assert_eq!(give_managers_back(&returned, &before), None);
}

#[test]
fn what_was_never_changed_is_not_given_back() {
    let object = of_cert_manager();
    let before = SecretBefore::of(&object, None, false);
    assert_eq!(give_back(&object, &before), None);
    // Its marks alone were taken, when the run ended.
    let free = written(&object, &unmark(&object, &Slots::default(), false).unwrap());
    let returned = written(&free, &give_back(&free, &before).unwrap());
    assert_eq!(returned["metadata"], object["metadata"]);
}

#[test]
fn the_ca_is_noted_where_it_is_known_and_goes_with_the_claim() {
    let object = of_cert_manager();
    let known = Some(("ff".to_owned(), "https://ca.example/dir".to_owned()));
    let before = SecretBefore::of(&object, known, false);
    let ours = written(&object, &claim(&object, &before, INSTALL, 0).unwrap());
    let annotations = &ours["metadata"]["annotations"];
    assert_eq!(annotations[annotation::ISSUED_SHA256], "ff");
    assert_eq!(annotations[annotation::ISSUED_AT_DIRECTORY], "https://ca.example/dir");
    let returned = written(&ours, &give_back(&ours, &before).unwrap());
    assert_eq!(returned["metadata"]["annotations"], object["metadata"]["annotations"]);
}

#[test]
fn a_secret_that_would_go_with_its_certificate_is_guarded_first() {
    let mut object = of_cert_manager();
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web-tls", "uid": "c", "controller": true,
    });
    let other = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d"});
    object["metadata"]["ownerReferences"] = json!([certificate, other]);
    let namespace = json!({"metadata": {"name": "shop", "uid": "n"}});
    let guarded = written(&object, &guard(&object, &namespace).unwrap());
    let kinds = |object: &Value| -> Vec<String> {
        let all = references(object);
        all.map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&guarded), ["Certificate", "Deployment", "Namespace"]);
    assert_eq!(guard(&guarded, &namespace), None);
    let free = written(&guarded, &unmark(&guarded, &Slots::default(), false).unwrap());
    assert_eq!(kinds(&free), ["Deployment"]);
    // One that no Certificate owns needs no guard.
    assert_eq!(guard(&of_cert_manager(), &namespace), None);
}

/// A Secret as a hook with `kubectl apply` leaves it, and one that a program has written by itself.
fn of_program(manager: &str) -> Value {
    let mut object = of_cert_manager();
    object["metadata"]["annotations"] = json!({LAST_APPLIED: "{\"data\":{\"tls.crt\":\"Y3J0\",\"tls.key\":\"a2V5\"}}"});
    object["metadata"]["labels"] = json!({});
    object["metadata"]["managedFields"] =
        json!([{"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {"f:tls.crt": {}}}}]);
    object
}

#[test]
fn what_a_program_has_applied_goes_and_comes_back_only_with_the_same_pair() {
    let slots = Slots::default();
    for manager in ["kubectl-client-side-apply", "curl"] {
        let object = of_program(manager);
        let before = SecretBefore::of(&object, None, true);
        let free = written(&object, &unmark(&object, &slots, true).unwrap());
        assert_eq!((managers(&free), owner_of(&free)), (vec![], None), "{manager}");
        let ours = written(&free, &claim(&free, &before, INSTALL, 0).unwrap());
        let returned = written(&ours, &give_back(&ours, &before).unwrap());
        assert_eq!(returned["metadata"], object["metadata"], "{manager}");
        // Renewed meanwhile: the old pair must not be applied again.
        let mut renewed = ours.clone();
        renewed["data"]["tls.crt"] = "bmV3".into();
        let returned = written(&renewed, &give_back(&renewed, &before).unwrap());
        assert_eq!(returned["metadata"]["annotations"][LAST_APPLIED], Value::Null);
    }
    // Whoever applies it server-side applies it again: that is not taken from him.
    let mut object = of_program("flux");
    object["metadata"]["annotations"] = json!({});
    object["metadata"]["managedFields"][0]["operation"] = "Apply".into();
    assert_eq!(unmark(&object, &slots, true), None);
    assert!(owner_of(&taken(&object, &slots, true)).is_some());
    // Nor is another program's of a Secret of cert-manager's.
    let mut object = of_cert_manager();
    object["metadata"]["managedFields"][1]["fieldsV1"] = json!({"f:data": {"f:tls.key": {}}});
    object["metadata"]["managedFields"][1]["manager"] = "vault".into();
    assert!(owner_of(&taken(&object, &slots, false)).is_some());
    assert_eq!(owner_of(&taken(&of_cert_manager(), &slots, false)), None);
}

#[test]
fn a_record_is_read_back_and_shows_up_as_nothing_else() {
    let object = of_cert_manager();
    let record = Record {
        state: State::Begun,
        at: 5,
        formers: vec!["cert-manager".to_owned()],
        routes: Vec::new(),
        certificates: vec![CertificateBefore {
            certificate: Which::of(&object, "cert-manager.io/v1", "Certificate"),
            object: anew(&object),
        }],
        programs: Vec::new(),
        secrets: vec![SecretBefore::of(&object, None, false)],
    };
    let kept = record.object("certs", &RunId::random()).unwrap();
    assert_eq!(kept["metadata"]["namespace"], "certs");
    assert_eq!(kept["type"], "kubectl-certs.io/backup");
    assert_eq!(Record::read(&kept), Some(record.clone()));
    assert!(record.is_from(&[]) && record.is_from(&[Former::CertManager]) && !record.is_from(&[Former::Certbot]));
    let mut other = kept;
    other["metadata"]["labels"][mark::PURPOSE] = "kept".into();
    assert_eq!(Record::read(&other), None);
    // The data of the Secret is not kept, and the object can be created again.
    assert!(record.certificates[0].object["metadata"]["uid"].is_null());
    assert!(!serde_json::to_string(&record.secrets).unwrap().contains("a2V5"));
}
