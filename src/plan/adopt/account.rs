//! Who uses the account of a Secret: it is taken over only if everything that does goes over too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{Key, annotation};

/// What may use an account, as the cluster has it.
#[derive(Debug, Default)]
pub struct MayUse<'a> {
    /// cert-manager's Issuers.
    pub issuers: &'a [Value],
    /// cert-manager's `ClusterIssuer`s.
    pub cluster_issuers: &'a [Value],
    /// The Certificates of the cluster.
    pub certificates: &'a [Value],
    /// The Ingresses and Gateways of the cluster.
    pub routes: &'a [Value],
}

/// The issuers that use the account of a Secret, in words, and what of theirs would still use it: Certificates and routes that are not
/// `going`, each by its uid.
pub fn users_of(account: &Key, all: &MayUse<'_>, going: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let is_of = |issuer: &&Value| issuer["spec"]["acme"]["privateKeySecretRef"]["name"] == account.name.as_str();
    let own = all
        .issuers
        .iter()
        .filter(is_of)
        .filter(|one| text(one, "namespace") == account.namespace.as_str());
    let own: BTreeSet<&str> = own.map(|one| text(one, "name")).collect();
    // In which namespace those of a ClusterIssuer are is a setting of cert-manager's controller.
    let wide: BTreeSet<&str> = all
        .cluster_issuers
        .iter()
        .filter(is_of)
        .map(|one| text(one, "name"))
        .collect();
    let is_here = |object: &Value| text(object, "namespace") == account.namespace.as_str();
    let mut left = Vec::new();
    for certificate in all.certificates {
        let issuer = &certificate["spec"]["issuerRef"];
        let name = issuer["name"].as_str().unwrap_or_default();
        let uses = if issuer["kind"] == "ClusterIssuer" {
            wide.contains(name)
        } else {
            own.contains(name) && is_here(certificate)
        };
        if uses && !going.contains(text(certificate, "uid")) {
            left.push(format!("Certificate {}", place(certificate)));
        }
    }
    for route in all.routes {
        let asked = |key: &str| route["metadata"]["annotations"][key].as_str();
        let uses = asked(annotation::CLUSTER_ISSUER).is_some_and(|name| wide.contains(name))
            || asked(annotation::ISSUER).is_some_and(|name| own.contains(name) && is_here(route));
        if uses && !going.contains(text(route, "uid")) {
            left.push(format!("the annotation of {}", place(route)));
        }
    }
    let issuers = own.iter().map(|name| format!("Issuer {}/{name}", account.namespace));
    let issuers = issuers.chain(wide.iter().map(|name| format!("ClusterIssuer {name}")));
    (issuers.collect(), left)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

fn place(object: &Value) -> String {
    format!("{}/{}", text(object, "namespace"), text(object, "name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issuer(namespace: &str, name: &str, account: &str) -> Value {
        json!({
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"acme": {"privateKeySecretRef": {"name": account}}},
        })
    }

    fn certificate(namespace: &str, uid: &str, kind: &str, name: &str) -> Value {
        json!({
            "metadata": {"namespace": namespace, "name": "web", "uid": uid},
            "spec": {"issuerRef": {"kind": kind, "name": name}},
        })
    }

    #[test]
    fn an_account_is_in_use_as_long_as_anything_of_its_issuers_stays() {
        let issuers = [
            issuer("shop", "own", "le"),
            issuer("blog", "own", "le"),
            issuer("shop", "other", "x"),
        ];
        let cluster_issuers = [issuer("", "wide", "le")];
        let certificates = [
            certificate("shop", "1", "Issuer", "own"),
            certificate("blog", "2", "Issuer", "own"),
            certificate("blog", "3", "ClusterIssuer", "wide"),
            certificate("shop", "4", "", "other"),
            certificate("shop", "5", "ClusterIssuer", "own"),
        ];
        let routes = [json!({
            "metadata": {"namespace": "test", "name": "web", "uid": "6", "annotations": {"cert-manager.io/cluster-issuer": "wide"}},
        })];
        let users = MayUse {
            issuers: &issuers,
            cluster_issuers: &cluster_issuers,
            certificates: &certificates,
            routes: &routes,
        };
        let account = Key::new("shop", "le");
        let going = |all: &[&str]| all.iter().map(|uid| (*uid).to_owned()).collect();
        let (by, left) = users_of(&account, &users, &going(&[]));
        assert_eq!(by, ["Issuer shop/own", "ClusterIssuer wide"]);
        assert_eq!(
            left,
            [
                "Certificate shop/web",
                "Certificate blog/web",
                "the annotation of test/web"
            ]
        );
        assert_eq!(users_of(&account, &users, &going(&["1", "3", "6"])).1, [""; 0]);
        assert_eq!(
            users_of(&Key::new("shop", "none"), &users, &going(&[])),
            (vec![], vec![])
        );
    }
}
