//! The definition of the kind `Domain`, the one custom resource of this program: a customer's own domain
//! (`docs/decisions/0036-customers-domains-store.md`).

use serde_json::{Value, json};

use super::{Made, made};
use crate::object::resource::{CUSTOMRESOURCEDEFINITION, DOMAIN};

/// Labels of letters, digits and hyphens, at least two, of which the last is no number (RFC 1123, RFC 3696 section 2).
const HOST: &str = "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$";
/// What can be the name of a Secret (RFC 1123 subdomain).
const NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// What can be the name of a namespace (RFC 1123 label).
const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// The longest moment. It is a text, because kubectl shows a column of the type `date` as an age, and one that is to come as
/// invalid.
const MOMENT: usize = 32;
/// The longest sentence.
const SENTENCE: usize = 1024;

/// The definition. It belongs to no installation: all of a cluster share it, and none removes it, because all Domains would go
/// with it.
pub fn definition() -> Made {
    let name = format!("{}.{}", DOMAIN.plural, DOMAIN.group);
    let spec = json!({
        "group": DOMAIN.group, "scope": "Namespaced",
        "names": {
            "kind": DOMAIN.kind, "listKind": "DomainList", "plural": DOMAIN.plural, "singular": "domain",
        },
        "versions": [{
            "name": DOMAIN.version, "served": true, "storage": true,
            "schema": {"openAPIV3Schema": schema()},
            "subresources": {"status": {}},
            "additionalPrinterColumns": [
                column("State", ".status.state", "where the certificate stands"),
                column("Reason", ".status.reason", "why"),
                column("Next", ".status.next", "what the customer or the platform does next"),
                column("Until", ".status.until", "when it goes on by itself"),
                {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                wide(column("Tenant", ".spec.tenant", "whose it is, where the API has made it")),
                wide(column("Secret", ".spec.secretName", "where the certificate is stored")),
            ],
        }],
    });
    let mut made = made(
        CUSTOMRESOURCEDEFINITION,
        (None, &name),
        &json!({}),
        json!({"spec": spec}),
    );
    // A chart that has it, and whoever prunes, leaves it.
    made.object["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    made
}

fn column(name: &str, path: &str, description: &str) -> Value {
    json!({"name": name, "type": "string", "jsonPath": path, "description": description})
}

fn wide(mut column: Value) -> Value {
    column["priority"] = 1.into();
    column
}

fn text(most: usize, description: &str) -> Value {
    json!({"type": "string", "maxLength": most, "description": description})
}

fn matching(most: usize, pattern: &str, description: &str) -> Value {
    let mut text = text(most, description);
    text["pattern"] = pattern.into();
    text
}

fn schema() -> Value {
    json!({
        "type": "object",
        "description": "A customer's own domain, for which the controller of kubectl-certs orders a certificate once the application has said yes.",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["host"],
                "properties": {
                    "host": matching(253, HOST, "The host in lower case, with international names as A-labels (xn--...). The object has the same name."),
                    "secretName": matching(253, NAME, "The Secret of the same namespace in which the certificate is stored. Without one the controller chooses a name and writes it here."),
                    "tenant": matching(63, LABEL, "Whose domain it is, in the namespace of the domains that the API registers. In every other namespace the tenant is the namespace, and this means nothing."),
                },
            },
            "status": status(),
        },
        // One host is one object of its namespace, found by its name. (Rules see of the metadata the name alone.)
        "x-kubernetes-validations": [{
            "rule": "self.metadata.name == self.spec.host",
            "message": "the name of a Domain has to be its host: metadata.name and spec.host differ",
        }],
    })
}

/// What the leader says. Words and fields of later versions are kept by the definition of an earlier one: charts do not renew
/// definitions, and a field that is not described here would be dropped without a word.
fn status() -> Value {
    json!({
        "type": "object",
        "properties": {
            "state": text(32, "asked, refused, dns, validating, issuing, active, renewing, moved, paused, limited, blocked or released."),
            "reason": text(SENTENCE, "Why, in a sentence."),
            "next": text(SENTENCE, "What the customer or the platform does next, in a sentence."),
            "until": text(MOMENT, "When it goes on by itself (RFC 3339)."),
            "permitted": {"type": "boolean", "description": "Whether a certificate may be ordered: the application has said yes, and the DNS records are right. The controller alone writes it."},
            "proof": text(32, "How a CA is shown that the name is the customer's: http-01, dns-01 or dns-persist-01."),
            "traffic": {"type": "boolean", "description": "Whether the name leads clients here."},
            "claim": {
                "type": "object",
                "description": "Who works on it. It ends by itself.",
                "required": ["by", "until"],
                "properties": {
                    "by": text(253, "The replica."),
                    "until": {"type": "integer", "format": "int64", "minimum": 0, "description": "In seconds since 1970."},
                },
            },
            "record": {
                "type": "object", "maxProperties": 64,
                "x-kubernetes-preserve-unknown-fields": true,
                "description": "What the controller knows of the domain, in its own form.",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_named_after_its_kind_and_shows_four_columns_of_the_status() {
        let made = definition();
        assert_eq!(made.to_string(), "CustomResourceDefinition domains.kubectl-certs.io");
        let version = &made.object["spec"]["versions"][0];
        let columns: Vec<&str> = version["additionalPrinterColumns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|column| column.get("priority").is_none())
            .filter_map(|column| column["name"].as_str())
            .collect();
        assert_eq!(columns, ["State", "Reason", "Next", "Until", "Age"]);
    }

    #[test]
    fn a_host_of_the_definition_is_a_name_below_a_name() {
        let host = regex::Regex::new(HOST).unwrap();
        for good in ["shop.example", "a.b.example.co", "xn--bcher-kva.example", "1.example"] {
            assert!(host.is_match(good), "{good}");
        }
        for bad in [
            "example",
            "127.0.0.1",
            "*.example",
            "a@b.example",
            "Shop.example",
            "a..b",
            "-a.example",
            "a.example.",
        ] {
            assert!(!host.is_match(bad), "{bad}");
        }
    }
}
