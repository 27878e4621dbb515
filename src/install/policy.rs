//! What the API server keeps the controller's `ServiceAccount` from, whatever its roles permit: RBAC knows neither labels nor
//! annotations, and cannot limit a creation to a name.
//!
//! - It writes Secrets that hold a pair with the claim, Secrets of its own (journals, pairs that were replaced), and its
//!   account; it never makes the account. Of a Secret that is somebody's it writes the pair and its own annotations.
//! - It deletes nothing but what is its own, by the label with the purpose. Its Lease has none, and is never deleted.
//! - It makes and changes no object that leads challenges without that label, and makes no `ConfigMap` without it.
//!
//! A `ValidatingAdmissionPolicy` (admissionregistration.k8s.io/v1, Kubernetes 1.30) asks nobody outside of the API server.

mod people;

use serde_json::{Value, json};

pub use people::{PEOPLE, people};

use super::{ACCOUNT, Install, LEASE, Made};
use crate::{
    apply::{
        mark::{MANAGED_BY, PURPOSE},
        owner::{HANDS, LAST_APPLIED},
    },
    k8s::MANAGER,
    object::{
        annotation::{self, CERT_MANAGERS, CERTIFICATE_NAME, CLAIM, OWN_PREFIX, RENEWAL_WINDOW, TOOLS},
        resource::{ADMISSIONPOLICY, ADMISSIONPOLICYBINDING},
        secret::BACKUP_TYPE,
    },
};

/// How the data keys of a pair end, in all the forms in which this program writes one (`apply::secret`). The settings
/// may name others.
const PAIR_KEYS: &str = r"\\.(crt|key|pem|cer|cert)$";

/// A variable.
pub(super) fn named(name: &str, expression: impl Into<String>) -> Value {
    json!({"name": name, "expression": expression.into()})
}

/// A rule with its message.
fn rule(expression: &str, message: &str) -> Value {
    json!({"expression": expression, "message": message, "reason": "Forbidden"})
}

/// A rule whose message is an expression, and what is said where that fails.
pub(super) fn rule_saying(expression: &str, says: &str, message: &str) -> Value {
    json!({"expression": expression, "messageExpression": says, "message": message, "reason": "Forbidden"})
}

/// What both objects of a request are, for any policy: whether they are this program's own, and their maps.
fn seen() -> Vec<Value> {
    let own = |object: &str| {
        format!(
            "{object} != null && {object}.metadata.?labels[?'{PURPOSE}'].orValue('') != '' && \
             {object}.metadata.?labels[?'{MANAGED_BY}'].orValue('') == '{MANAGER}'"
        )
    };
    let map = |object: &str, path: &str| format!("{object} == null ? {{}} : {object}.{path}.orValue({{}})");
    vec![
        named("ours", own("object")),
        named("wasOurs", own("oldObject")),
        named("data", map("object", "?data")),
        named("oldData", map("oldObject", "?data")),
        named("labels", map("object", "metadata.?labels")),
        named("oldLabels", map("oldObject", "metadata.?labels")),
        named("notes", map("object", "metadata.?annotations")),
        named("oldNotes", map("oldObject", "metadata.?annotations")),
    ]
}

/// Whether the annotation `k` is one that this program writes on a Secret of somebody's. What people say by annotations, such as who may
/// have a copy, is not for it to say.
fn own_note() -> String {
    let said: Vec<String> = annotation::asked()
        .filter(|key| key.starts_with(OWN_PREFIX))
        .map(|key| format!("'{key}'"))
        .collect();
    format!(
        "((k.startsWith('{OWN_PREFIX}') && !(k in [{}])) || k == '{RENEWAL_WINDOW}')",
        said.join(", ")
    )
}

/// Whether a Secret that nobody has claimed is written by another program: by what `check::is_owned` and `apply::owner` look at,
/// which leave it alone too.
fn is_of_another() -> String {
    let listed = |keys: &[&str]| keys.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
    let mut tools: Vec<&str> = TOOLS
        .iter()
        .map(|(key, _)| *key)
        .filter(|key| !key.starts_with(OWN_PREFIX))
        .collect();
    tools.push(CERTIFICATE_NAME);
    tools.sort_unstable();
    tools.dedup();
    let tools = listed(&tools);
    format!(
        "variables.oldNotes.exists(k, k in [{tools}]) || variables.oldLabels.exists(k, k in [{tools}]) || \
         oldObject.metadata.?ownerReferences.orValue([]).size() > 0 || \
         variables.oldLabels[?'{CERT_MANAGERS}'].orValue('') == 'true' || \
         variables.oldLabels[?'{MANAGED_BY}'].orValue('').lowerAscii() in ['helm', 'terraform'] || \
         oldObject.metadata.?managedFields.orValue([]).exists(m, {})",
        writes_pair("m")
    )
}

/// Whether an entry of the managed fields says that a program has written the pair last and will again, as `apply::owner` judges
/// it: not tools that people run by hand, and not cert-manager, whose marks say that.
fn writes_pair(entry: &str) -> String {
    let hands: Vec<String> = HANDS.iter().map(|hand| format!("'{hand}'")).collect();
    let manager = format!("{entry}.?manager.orValue('')");
    format!(
        "(['tls.crt', 'tls.key'] + variables.pairKeys).exists(k, ['f:data', 'f:stringData'].exists(of, \
         ('f:' + k) in {entry}.?fieldsV1[?of].orValue({{}}))) && \
         !({manager} in ['{MANAGER}', 'cert-manager'] || {manager}.startsWith('cert-manager-')) && \
         ({entry}.?operation.orValue('') == 'Apply' || \
         !({manager}.startsWith('kubectl-') || {manager} in ['', {}]))",
        hands.join(", ")
    )
}

/// No annotation but this program's own is written, and none is removed but those and kubectl's copy of what it applied, which would
/// no longer be true.
fn only_own_notes() -> String {
    let own = own_note();
    format!(
        "variables.notes.all(k, {own} || (k in variables.oldNotes && variables.oldNotes[k] == variables.notes[k])) && \
         variables.oldNotes.all(k, {own} || k == '{LAST_APPLIED}' || k in variables.notes)"
    )
}

/// Expressions that several rules need.
fn variables(install: &Install) -> Value {
    let keys: Vec<String> = install.pair_keys.iter().map(|key| format!("'{key}'")).collect();
    let namespace = &install.namespace;
    let mut all = seen();
    all.extend([
        named(
            "secret",
            "request.resource.group == '' && request.resource.resource == 'secrets'",
        ),
        named(
            "account",
            format!("request.namespace == '{namespace}' && request.name == '{ACCOUNT}'"),
        ),
        named(
            "leader",
            format!(
                "request.resource.resource == 'leases' && request.namespace == '{namespace}' && \
                 object != null && object.metadata.?name.orValue('') == '{LEASE}'"
            ),
        ),
        named("pairKeys", format!("[{}]", keys.join(", "))),
        named("install", format!("'{}'", install.id.as_deref().unwrap_or_default())),
        named("claim", format!("variables.notes[?'{CLAIM}'].orValue('')")),
        named("wasClaim", format!("variables.oldNotes[?'{CLAIM}'].orValue('')")),
        // A pair, and the claim of the installation: of any, where its id is not known.
        named(
            "claimed",
            "object != null && object.type in ['kubernetes.io/tls', 'Opaque'] && variables.claim != '' && \
             (variables.install == '' || variables.install == variables.claim)",
        ),
        // What may become a pair: a Secret for one, or one that holds one already.
        named(
            "wasPair",
            format!(
                "oldObject == null || oldObject.type == 'kubernetes.io/tls' || (oldObject.type == 'Opaque' && \
                 ('tls.crt' in variables.oldData || oldObject.metadata.?annotations[?'{CLAIM}'].orValue('') != ''))"
            ),
        ),
    ]);
    all.into()
}

/// The rules, each with its message.
fn validations() -> Value {
    // A write of a Secret that is neither this program's own nor its account.
    let another = "!variables.secret || request.operation == 'DELETE' || variables.ours || variables.account";
    json!([
        rule(
            "request.operation != 'DELETE' || variables.wasOurs",
            "kubectl-certs deletes only what it has made: objects with the label kubectl-certs.io/purpose"
        ),
        rule(
            "variables.secret || request.operation != 'CREATE' || variables.ours || variables.leader",
            "kubectl-certs makes only objects with the label kubectl-certs.io/purpose"
        ),
        rule(
            "variables.secret || request.operation != 'UPDATE' || variables.wasOurs || variables.leader",
            "kubectl-certs changes only routes that it has made: objects with the label kubectl-certs.io/purpose"
        ),
        rule(
            "!variables.secret || !variables.account || request.operation == 'UPDATE'",
            "the account's Secret comes from `kubectl certs install` or `account register` alone"
        ),
        rule(
            &format!(
                "!variables.secret || !variables.ours || request.operation == 'DELETE' || \
                 ((request.operation == 'CREATE' || variables.wasOurs) && object.type in ['Opaque', '{BACKUP_TYPE}'])"
            ),
            "kubectl-certs takes no Secret of somebody's for its own"
        ),
        rule(
            &format!("{another} || variables.claimed"),
            "kubectl-certs writes only Secrets that hold a pair and the annotation kubectl-certs.io/claim with the id of its installation"
        ),
        rule(
            &format!("{another} || variables.wasClaim == '' || variables.wasClaim == variables.claim"),
            "kubectl-certs writes no Secret that another installation has claimed"
        ),
        rule(
            &format!(
                "{another} || request.operation == 'CREATE' || variables.wasClaim != '' || !({})",
                is_of_another()
            ),
            "kubectl-certs claims no Secret that another program writes"
        ),
        rule(
            &format!("{another} || variables.wasPair"),
            "kubectl-certs writes no pair into a Secret that holds something else"
        ),
        rule(
            &format!(
                "{another} || (variables.data.all(k, k.matches('{PAIR_KEYS}') || k in variables.pairKeys || \
                 (k in variables.oldData && variables.oldData[k] == variables.data[k])) && \
                 variables.oldData.all(k, k in variables.data))"
            ),
            "kubectl-certs writes only the pair of a Secret"
        ),
        rule(
            &format!(
                "{another} || request.operation == 'CREATE' || (variables.labels == variables.oldLabels && {})",
                only_own_notes()
            ),
            "kubectl-certs writes only its own annotations, and no label"
        ),
    ])
}

/// The policy and its binding.
pub(super) fn objects(install: &Install) -> Vec<Made> {
    let name = install.wide_name();
    let on = |group: &str, resources: &[&str], operations: &[&str]| {
        json!({
            "apiGroups": [group], "apiVersions": ["*"], "resources": resources, "operations": operations,
            "scope": "Namespaced",
        })
    };
    let all = ["CREATE", "UPDATE", "DELETE"];
    let made = ["CREATE", "DELETE"];
    // A route of somebody's is changed where the settings say so.
    let routes: &[&str] = if install.needs.in_place { &made } else { &all };
    let rules = json!([
        on("", &["secrets"], &all),
        on("", &["services", "pods", "configmaps"], &made),
        on("batch", &["jobs"], &made),
        on("coordination.k8s.io", &["leases"], &made),
        on("discovery.k8s.io", &["endpointslices"], &made),
        on("networking.k8s.io", &["ingresses"], routes),
        on("gateway.networking.k8s.io", &["httproutes", "listenersets"], &made),
        on("traefik.io", &["ingressroutes"], &made),
    ]);
    let spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules, "matchPolicy": "Equivalent"},
        "matchConditions": [{
            "name": "its-user", "expression": format!("request.userInfo.username == '{}'", install.user()),
        }],
        "variables": variables(install),
        "validations": validations(),
    });
    vec![
        install.at(ADMISSIONPOLICY, None, &name, json!({"spec": spec})),
        install.at(
            ADMISSIONPOLICYBINDING,
            None,
            &name,
            json!({"spec": {"policyName": name, "validationActions": ["Deny"]}}),
        ),
    ]
}
