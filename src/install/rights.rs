//! The rights of an installation: those of a reader and of a renewer, without what a controller does not do.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ACCOUNT, CONFIG, Install, LEASE, Made, NAME, Scope};
use crate::{
    object::{
        register::OWN_GROUP,
        resource::{CLUSTERROLE, CLUSTERROLEBINDING, ROLE, ROLEBINDING, Resource},
    },
    plan::doing::shard,
};

/// The rules that reading the routes takes, without any right on Secrets: enough to probe what is served.
pub const PROBER: &str = include_str!("routes.yaml");
/// The rules that reading takes, as YAML.
pub const READER: &str = concat!(include_str!("routes.yaml"), include_str!("reader.yaml"));
/// The rules that renewing takes, as YAML.
pub const RENEWER: &str = include_str!("renewer.yaml");

/// The kinds without namespaces among those of a reader. A Role cannot give them.
const WITHOUT_NAMESPACE: [&str; 6] = [
    "ingressclasses",
    "gatewayclasses",
    "clusterissuers",
    "namespaces",
    "ingressclassparams",
    "nginxingresscontrollers",
];

/// The kinds of which a controller reads single objects.
const BY_NAME: [&str; 8] = [
    "secrets",
    "ingresses",
    "gateways",
    "listenersets",
    "xlistenersets",
    "ingressroutes",
    "ingressroutetcps",
    "domains",
];

/// What settings take of rights besides the usual ones.
// Each is a right of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// A Pod answers challenges, or looks from inside the cluster.
    pub pods: bool,
    /// A Service of somebody's answers challenges.
    pub config_maps: bool,
    /// Workloads are restarted.
    pub restarts: bool,
    /// Routes are edited in place.
    pub in_place: bool,
    /// There are customers' domains.
    pub domains: bool,
    /// They are served by `ListenerSets`.
    pub listener_sets: bool,
    /// They are served by an object for each.
    pub templates: bool,
}

/// One rule of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The API groups.
    pub api_groups: Vec<String>,
    /// The kinds.
    pub resources: Vec<String>,
    /// The verbs.
    pub verbs: Vec<String>,
    /// The objects by name; none is all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}

impl Rule {
    /// Verbs on kinds of one group.
    pub(super) fn new(group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            api_groups: owned(&[group]),
            resources: owned(resources),
            verbs: owned(verbs),
            resource_names: Vec::new(),
        }
    }

    /// The same on these objects alone.
    pub(super) fn named(mut self, names: &[&str]) -> Self {
        self.resource_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The rule without some kinds; `None` if nothing is left.
    fn without(mut self, leave: impl Fn(&str, &str) -> bool) -> Option<Self> {
        let group = self.api_groups.first().cloned().unwrap_or_default();
        self.resources.retain(|resource| !leave(&group, resource));
        (!self.resources.is_empty()).then_some(self)
    }

    fn is_for_restarts(&self) -> bool {
        let group = self.api_groups.first().map_or("", String::as_str);
        self.resources.iter().all(|resource| is_for_restarts(group, resource))
    }

    fn writes(&self) -> bool {
        self.verbs
            .iter()
            .any(|verb| !matches!(verb.as_str(), "get" | "list" | "watch"))
    }
}

fn read(yaml: &str) -> Vec<Rule> {
    // The texts are this program's own; a test reads them.
    serde_saphyr::from_str(yaml).unwrap_or_default()
}

/// What probing the routes takes.
#[cfg(test)]
pub(super) fn probing() -> Vec<Rule> {
    read(PROBER)
}

/// What reading takes.
pub fn reading() -> Vec<Rule> {
    read(READER)
}

/// What following takes: a reader's rights without what only single questions of a person need. Besides Secrets, only routes are read
/// by their names, to say in Events which one is meant.
pub fn following() -> Vec<Rule> {
    let mut all = Vec::new();
    for rule in reading() {
        if rule.resources == ["events"] {
            continue;
        }
        let (by_name, listed): (Vec<String>, Vec<String>) = rule
            .resources
            .iter()
            .cloned()
            .partition(|resource| BY_NAME.contains(&resource.as_str()));
        for (resources, has_get) in [(by_name, true), (listed, false)] {
            let mut rule = rule.clone();
            rule.verbs.retain(|verb| has_get || verb != "get");
            rule.resources = resources;
            all.extend((!rule.resources.is_empty()).then_some(rule));
        }
    }
    all
}

/// What following takes in one namespace.
pub(super) fn following_in_namespace() -> Vec<Rule> {
    let rules = following().into_iter();
    let without = |rule: Rule| rule.without(|_, resource| WITHOUT_NAMESPACE.contains(&resource));
    rules.filter_map(without).collect()
}

/// What reading the routes of one namespace takes, and who issues for them, without a Secret.
pub(super) fn reading_routes() -> Vec<Rule> {
    let rules = following_in_namespace().into_iter();
    let followed = rules.filter(|rule| rule.verbs.iter().any(|verb| verb == "watch"));
    let routes = followed.filter_map(|rule| rule.without(|_, resource| resource == "secrets"));
    routes
        .map(|rule| Rule {
            verbs: ["get", "list"].map(str::to_owned).into(),
            ..rule
        })
        .collect()
}

/// What following takes that has no namespace: which controller serves a class, who issues, and which namespaces there are.
pub(super) fn following_without_namespace() -> Vec<Rule> {
    let verbs = ["list", "watch"];
    vec![
        Rule::new("networking.k8s.io", &["ingressclasses"], &verbs),
        Rule::new("gateway.networking.k8s.io", &["gatewayclasses"], &verbs),
        Rule::new("cert-manager.io", &["clusterissuers"], &verbs),
        Rule::new("", &["namespaces"], &["get", "list", "watch"]),
    ]
}

/// What writing takes in a namespace that is followed.
pub fn writing(needs: Needs) -> Vec<Rule> {
    let leave = |group: &str, resource: &str| match (group, resource) {
        ("", "pods") | ("batch", "jobs") => !needs.pods,
        ("", "configmaps") => !needs.config_maps,
        _ if is_for_restarts(group, resource) => !needs.restarts,
        // What is cert-manager's is left to it.
        ("cert-manager.io" | "acme.cert-manager.io", _) => true,
        _ => false,
    };
    // Whoever follows reads already what others are read for, but for restarts.
    let is_needed = |rule: &Rule| rule.writes() || rule.is_for_restarts();
    let rules = read(RENEWER).into_iter().filter(is_needed);
    let mut rules: Vec<Rule> = rules.filter_map(|rule| rule.without(leave)).collect();
    // What is listed besides is what killed runs have left of answers to challenges.
    for rule in rules.iter_mut().filter(|rule| rule.writes()) {
        let is_left = rule.verbs.iter().any(|verb| verb == "create")
            && !rule.resources.iter().any(|of| of == "secrets" || of == "events");
        rule.verbs.retain(|verb| is_left || verb != "list");
    }
    if needs.domains {
        rules.extend(keeping_domains());
    }
    if needs.listener_sets {
        rules.extend(writing_listener_sets());
    }
    if needs.templates {
        rules.extend(writing_templates());
    }
    rules
}

/// What customers' domains take: to make those that the API registers, and to say where each stands, which nobody else does.
pub(super) fn keeping_domains() -> Vec<Rule> {
    vec![
        Rule::new(OWN_GROUP, &["domains"], &["create", "patch"]),
        Rule::new(OWN_GROUP, &["domains/status"], &["patch"]),
    ]
}

/// What serving them by `ListenerSets` takes.
pub(super) fn writing_listener_sets() -> Vec<Rule> {
    let verbs = ["get", "create", "patch", "delete"];
    vec![
        Rule::new("gateway.networking.k8s.io", &["listenersets"], &verbs),
        Rule::new("gateway.networking.k8s.io", &["httproutes"], &["patch"]),
    ]
}

/// What serving them by an object for each takes, besides the right to Ingresses.
pub(super) fn writing_templates() -> Vec<Rule> {
    let verbs = ["get", "create", "patch", "delete"];
    vec![
        Rule::new("gateway.networking.k8s.io", &["httproutes"], &verbs),
        Rule::new("traefik.io", &["ingressroutes"], &verbs),
    ]
}

/// What the API of customers' domains takes that has no namespace: whose token it is.
pub(super) fn judging_tokens() -> Vec<Rule> {
    vec![Rule::new("authentication.k8s.io", &["tokenreviews"], &["create"])]
}

/// Whether a renewer has a kind only to restart workloads: those that can be restarted, and what keeps their Pods.
fn is_for_restarts(group: &str, resource: &str) -> bool {
    matches!(
        (group, resource),
        ("apps" | "policy", _) | ("", "replicationcontrollers" | "pods/eviction")
    )
}

/// What the controller does in its own namespace, whatever it follows.
pub(super) fn at_home() -> Vec<Rule> {
    let stored = shard::names();
    let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
    vec![
        // Credentials of DNS providers, which settings name; the kept pairs of what it follows. The policy keeps it from all others.
        Rule::new("", &["secrets"], &["get", "create", "update"]),
        // Its account, which it never makes.
        Rule::new("", &["secrets"], &["patch"]).named(&[ACCOUNT]),
        // Its settings, and what `pause` and `resume` have told it, in a ConfigMap that is called like the Lease.
        Rule::new("", &["configmaps"], &["get"]).named(&[CONFIG, LEASE]),
        // What is not healthy, for everybody to see and for its next leader.
        Rule::new("", &["configmaps"], &["create"]),
        Rule::new("", &["configmaps"], &["get", "update"]).named(&stored),
        // Who leads. It is never deleted.
        Rule::new("coordination.k8s.io", &["leases"], &["create"]),
        Rule::new("coordination.k8s.io", &["leases"], &["get", "update"]).named(&[LEASE]),
        // The routes that stay.
        Rule::new("", &["services"], &["get", "create", "update"]),
        Rule::new("discovery.k8s.io", &["endpointslices"], &["get", "create", "update"]),
        Rule::new("networking.k8s.io", &["ingresses"], &["get", "create", "update"]),
        // What it says of its CA.
        Rule::new("", &["events"], &["get", "create", "patch"]),
    ]
}

impl Install {
    /// Roles, and their bindings to the installation's `ServiceAccount`.
    pub(super) fn rights(&self) -> Vec<Made> {
        let wide = self.wide_name();
        let mut home = at_home();
        if let Some(template) = &self.template {
            home.push(Rule::new("", &["configmaps"], &["get"]).named(&[template]));
        }
        let mut all = self.role(ROLE, Some(&self.namespace), NAME, &home);
        if self.needs.domains && !self.is_one() {
            all.extend(self.role(CLUSTERROLE, None, &format!("{wide}-tokens"), &judging_tokens()));
        }
        match &self.scope {
            Scope::Cluster => {
                all.extend(self.role(CLUSTERROLE, None, &format!("{wide}-read"), &following()));
                all.extend(self.role(CLUSTERROLE, None, &format!("{wide}-write"), &writing(self.needs)));
            }
            Scope::Namespaces(namespaces) => {
                if !self.is_one() {
                    all.extend(self.role(
                        CLUSTERROLE,
                        None,
                        &format!("{wide}-classes"),
                        &following_without_namespace(),
                    ));
                }
                for namespace in namespaces {
                    let read = following_in_namespace();
                    all.extend(self.role(ROLE, Some(namespace), &format!("{wide}-read"), &read));
                    all.extend(self.role(ROLE, Some(namespace), &format!("{wide}-write"), &writing(self.needs)));
                }
            }
        }
        all
    }

    fn role(&self, kind: Resource, namespace: Option<&str>, name: &str, rules: &[Rule]) -> Vec<Made> {
        vec![
            self.at(kind, namespace, name, json!({"rules": rules})),
            self.at(
                binding_of(kind),
                namespace,
                name,
                binding(kind, name, &self.namespace, NAME),
            ),
        ]
    }
}

/// The kind that binds a role.
pub(super) fn binding_of(role: Resource) -> Resource {
    if role == CLUSTERROLE {
        CLUSTERROLEBINDING
    } else {
        ROLEBINDING
    }
}

/// What a binding says besides its name.
pub(super) fn binding(role: Resource, name: &str, namespace: &str, account: &str) -> Value {
    json!({
        "roleRef": {"apiGroup": role.group, "kind": role.kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": account}],
    })
}
