//! What the API server keeps tenants from, by the names policy: routes with hosts that their namespace may not have, and
//! annotations that would say where something is sent.
//!
//! It knows neither what other namespaces have nor who was the first: that is for the controller. What an object had before
//! stays permitted, so that nothing is in the way of other changes to it.
//!
//! The rules are data of the policy, in a form that the chart makes too; the patterns are read by CEL.

use serde_json::{Value, json};

use super::{
    Install, Made, Scope,
    policy::{named, rule_saying},
};
use crate::{
    apply::mark::PURPOSE,
    object::{
        annotation::{self, OWN_PREFIX, WILDCARD},
        resource::{ADMISSIONPOLICY, ADMISSIONPOLICYBINDING},
    },
    policy::NamesPolicy,
};

/// What comes after the name of the controller's own policy.
const SUFFIX: &str = "tenants";
/// The kinds of routes that name hosts for others, by group.
const GATEWAYS: &str = "gateway.networking.k8s.io";
const OLD_GATEWAYS: &str = "gateway.networking.x-k8s.io";

/// The rules, as lists of texts alone: all values of a literal of CEL have one type.
fn rules(policy: &NamesPolicy) -> Value {
    let rule = |rule: &crate::policy::NamesRule| {
        let texts = |all: &[crate::policy::Pattern]| -> Vec<String> {
            all.iter().map(|pattern| pattern.as_str().to_owned()).collect()
        };
        let labels: Vec<String> = rule
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let wildcards: &[&str] = if rule.wildcards { &["yes"] } else { &[] };
        json!({
            "labels": labels, "names": texts(&rule.names), "namespaces": texts(&rule.namespaces), "wildcards": wildcards,
        })
    };
    policy.rules.iter().map(rule).collect::<Vec<_>>().into()
}

/// Whether the pattern `p` is for a text (`policy::Pattern`).
fn is_for(text: &str) -> String {
    format!(
        "({text}).matches('^' + p.replace('.', '[.]').replace('**', '#').replace('*', '[^.]*').replace('?', '[^.]')\
         .replace('#', '.*').replace('{{namespace}}', variables.tenant) + '$')"
    )
}

/// Whether the host `h` is none that the namespace may have; `known` says whether the object had it before.
fn is_denied(known: &str) -> String {
    let of_wildcard = is_for("'x' + h.substring(1)");
    let of_host = is_for("h");
    format!(
        "h != '' && !(oldObject != null && ({known})) && !variables.mine.exists(r, h.startsWith('*.') ? \
         r.wildcards.size() > 0 && r.names.exists(p, (p.startsWith('*.') || p.startsWith('**')) && {of_wildcard}) : \
         r.names.exists(p, {of_host}))"
    )
}

/// The hosts of an object that are denied, by its kind.
fn denied() -> String {
    let rules = |object: &str| format!("{object}.spec.?rules.orValue([])");
    let tls = |object: &str| format!("{object}.spec.?tls.orValue([])");
    let listeners = |object: &str| format!("{object}.spec.?listeners.orValue([])");
    let hostnames = |object: &str| format!("{object}.spec.?hostnames.orValue([])");
    let noted = |object: &str| {
        format!("{object}.metadata.?annotations[?'{WILDCARD}'].orValue('').replace(' ', ',').split(',')")
    };
    let of_ingress = is_denied(&format!(
        "{}.exists(o, o.?host.orValue('') == h) || {}.exists(o, h in o.?hosts.orValue([]))",
        rules("oldObject"),
        tls("oldObject")
    ));
    let ingress = format!(
        "{}.map(r, r.?host.orValue('')).filter(h, {of_ingress}) + {}.map(t, t.?hosts.orValue([]).filter(h, {of_ingress}))\
         .filter(l, l.size() > 0).map(l, l[0])",
        rules("object"),
        tls("object")
    );
    let gateway = format!(
        "{}.map(l, l.?hostname.orValue('')).filter(h, {})",
        listeners("object"),
        is_denied(&format!(
            "{}.exists(o, o.?hostname.orValue('') == h)",
            listeners("oldObject")
        ))
    );
    let namespace = format!(
        "{}.filter(h, {})",
        noted("object"),
        is_denied(&format!("h in {}", noted("oldObject")))
    );
    let route = format!(
        "{}.filter(h, {})",
        hostnames("object"),
        is_denied(&format!("h in {}", hostnames("oldObject")))
    );
    format!(
        "request.resource.resource == 'ingresses' ? {ingress} : request.resource.resource == 'namespaces' ? {namespace} : \
         request.resource.resource in ['gateways', 'listenersets', 'xlistenersets'] ? {gateway} : {route}"
    )
}

fn variables(rules: &str) -> Value {
    let of_namespace = is_for("variables.tenant");
    json!([
        named("rules", rules),
        named(
            "tenant",
            "request.resource.resource == 'namespaces' ? object.metadata.name : request.namespace"
        ),
        named(
            "labels",
            "(request.resource.resource == 'namespaces' ? object : dyn(namespaceObject)).metadata.?labels.orValue({})"
        ),
        named(
            "mine",
            format!(
                "variables.rules.filter(r, (r.namespaces.size() == 0 || r.namespaces.exists(p, {of_namespace})) && \
                 r.labels.all(l, variables.labels.exists(k, k + '=' + variables.labels[k] == l)))"
            )
        ),
        named("denied", denied()),
    ])
}

fn validations() -> Value {
    let known: Vec<String> = annotation::asked()
        .filter(|key| key.starts_with(OWN_PREFIX))
        .map(|key| format!("'{key}'"))
        .collect();
    json!([
        rule_saying(
            "variables.denied.size() == 0",
            "'the names policy does not permit namespace ' + variables.tenant + ' the name ' + variables.denied[0] + \
             ': ask whoever keeps policy.names in the settings of kubectl-certs'",
            "the names policy of kubectl-certs does not permit the namespace a name of this object"
        ),
        rule_saying(
            &format!(
                "object.metadata.?labels[?'{PURPOSE}'].orValue('') != '' || object.metadata.?annotations.orValue({{}}).all(k, \
                 !k.startsWith('{OWN_PREFIX}') || k in [{}] || (oldObject != null && k in \
                 oldObject.metadata.?annotations.orValue({{}})))",
                known.join(", ")
            ),
            "'kubectl-certs reads no such annotation: its solvers, issuers, credentials and URLs come from the namespace of the controller alone'",
            "kubectl-certs reads no such annotation"
        ),
    ])
}

/// The policy and its binding.
pub(super) fn objects(install: &Install, policy: &NamesPolicy) -> Vec<Made> {
    of_rules(install, &rules(policy).to_string())
}

/// The same, with the rules as text.
pub(super) fn of_rules(install: &Install, rules: &str) -> Vec<Made> {
    let name = format!("{}-{SUFFIX}", install.wide_name());
    let on = |group: &str, resources: &[&str], scope: &str| {
        json!({
            "apiGroups": [group], "apiVersions": ["*"], "resources": resources, "operations": ["CREATE", "UPDATE"],
            "scope": scope,
        })
    };
    let resources = json!([
        on("", &["namespaces"], "Cluster"),
        on("networking.k8s.io", &["ingresses"], "Namespaced"),
        on(
            GATEWAYS,
            &["gateways", "listenersets", "httproutes", "grpcroutes", "tlsroutes"],
            "Namespaced"
        ),
        on(OLD_GATEWAYS, &["xlistenersets"], "Namespaced"),
    ]);
    let spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": resources, "matchPolicy": "Equivalent"},
        "matchConditions": [{
            "name": "not-the-controller",
            "expression": format!("request.userInfo.username != '{}'", install.user()),
        }],
        "variables": variables(rules),
        "validations": validations(),
    });
    let mut binding = json!({"policyName": name, "validationActions": ["Deny"]});
    if let Scope::Namespaces(all) = &install.scope {
        binding["matchResources"] = json!({"namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": all},
        ]}});
    }
    vec![
        install.at(ADMISSIONPOLICY, None, &name, json!({"spec": spec})),
        install.at(ADMISSIONPOLICYBINDING, None, &name, json!({"spec": binding})),
    ]
}
