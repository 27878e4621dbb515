//! What the API server keeps people from who renew from their own machines, whatever their roles permit: the role that renewing takes
//! has to permit every write of Secrets in its namespaces, because RBAC cannot limit it to certificates.
//!
//! Of a Secret of the type `kubernetes.io/tls` they write the pair, what else holds it, and this program's annotations. Besides, they
//! write this program's own Secrets: journals of orders, and pairs that were replaced. They delete nothing else.

use serde_json::{Value, json};

use super::{PAIR_KEYS, named, only_own_notes, rule, seen};
use crate::{
    apply::{
        Purpose,
        mark::{MANAGED_BY, MANAGER},
    },
    object::{
        resource::{ADMISSIONPOLICY, ADMISSIONPOLICYBINDING, Resource},
        secret::{BACKUP_TYPE, TLS_TYPE},
    },
};

/// The group that is limited, if no other is named.
pub const PEOPLE: &str = "kubectl-certs-renewers";
/// The name of the policy and of its binding.
const NAME: &str = "kubectl-certs-renewers";

fn variables() -> Value {
    let (journal, backup, kept) = (
        Purpose::Journal.prefix(),
        Purpose::Backup.prefix(),
        Purpose::Kept.prefix(),
    );
    let mut all = seen();
    all.extend([
        // The data of what is written is not compared with what was there: it is this program's alone.
        named(
            "ownForm",
            format!(
                "object != null && ((object.type == 'Opaque' && object.metadata.name.startsWith('{journal}') && \
                 variables.data.all(k, k in ['order.json', 'tls.key'])) || (object.type == '{BACKUP_TYPE}' && \
                 (object.metadata.name.startsWith('{backup}') || object.metadata.name.startsWith('{kept}')) && \
                 variables.data.all(k, k.matches('{PAIR_KEYS}') || k == 'kept.json')))"
            ),
        ),
        // A write of a Secret that is not this program's own.
        named("another", "request.operation != 'DELETE' && !variables.ours"),
    ]);
    all.into()
}

fn validations() -> Value {
    json!([
        rule(
            "request.operation != 'DELETE' || variables.wasOurs",
            "who renews deletes only Secrets of kubectl-certs: those with the label kubectl-certs.io/purpose"
        ),
        rule(
            "request.operation == 'DELETE' || !variables.ours || \
             ((request.operation == 'CREATE' || variables.wasOurs) && variables.ownForm)",
            "who renews makes no Secret kubectl-certs' own but the journal of an order or a pair that was replaced"
        ),
        rule(
            "!variables.another || !variables.wasOurs",
            "who renews takes no label off a Secret of kubectl-certs"
        ),
        rule(
            &format!("!variables.another || object.type == '{TLS_TYPE}'"),
            "who renews writes only Secrets of the type kubernetes.io/tls"
        ),
        // What is new is the pair; what is there and holds it as well is made anew with it.
        rule(
            &format!(
                "!variables.another || (variables.data.all(k, k in ['tls.crt', 'tls.key'] || (k in variables.oldData && \
                 (k.matches('{PAIR_KEYS}') || variables.oldData[k] == variables.data[k]))) && \
                 variables.oldData.all(k, k in variables.data))"
            ),
            "who renews writes only tls.crt and tls.key, and what else of a Secret holds them"
        ),
        rule(
            &format!("!variables.another || ({})", only_own_notes()),
            "who renews writes only the annotations of kubectl-certs"
        ),
        rule(
            &format!(
                "!variables.another || (request.operation == 'CREATE' ? \
                 variables.labels.all(k, k == '{MANAGED_BY}' && variables.labels[k] == '{MANAGER}') && \
                 !has(object.metadata.ownerReferences) && !has(object.metadata.finalizers) && !has(object.immutable) : \
                 variables.labels == variables.oldLabels && \
                 object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences && \
                 object.metadata.?finalizers == oldObject.metadata.?finalizers && object.?immutable == oldObject.?immutable)"
            ),
            "who renews writes no labels, owners or finalizers, and makes no Secret immutable"
        ),
    ])
}

/// The policy for a group, and its binding: in these namespaces, or in all of them.
pub fn people(group: &str, namespaces: &[String]) -> [Value; 2] {
    // A string of CEL is written like one of JSON.
    let group = Value::from(group).to_string();
    let mut binding = json!({"policyName": NAME, "validationActions": ["Deny"]});
    if !namespaces.is_empty() {
        binding["matchResources"] = json!({"namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
        ]}});
    }
    let policy = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["*"], "resources": ["secrets"],
                "operations": ["CREATE", "UPDATE", "DELETE"], "scope": "Namespaced",
            }],
            "matchPolicy": "Equivalent",
        },
        "matchConditions": [{"name": "its-group", "expression": format!("{group} in request.userInfo.groups")}],
        "variables": variables(),
        "validations": validations(),
    });
    [made(ADMISSIONPOLICY, &policy), made(ADMISSIONPOLICYBINDING, &binding)]
}

fn made(resource: Resource, spec: &Value) -> Value {
    json!({
        "apiVersion": resource.api_version(), "kind": resource.kind, "metadata": {"name": NAME}, "spec": spec,
    })
}
