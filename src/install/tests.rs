//! What an installation consists of, in the eyes of whoever admits it to a cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    cronjob::Ensure,
    rights::{Needs, PROBER, READER, RENEWER, Rule, probing, reading, writing},
    *,
};
use crate::object::{
    register,
    resource::{CRONJOB, SECRET},
};

fn install(namespace: &str, scope: &[&str]) -> Install {
    let scope: Vec<String> = scope.iter().map(|name| (*name).to_owned()).collect();
    Install {
        namespace: namespace.to_owned(),
        scope: Scope::of(&scope),
        image: "registry.example/kubectl-certs:1".to_owned(),
        pull_secrets: vec!["registry".to_owned()],
        replicas: 2,
        choice: vec!["--production".to_owned()],
        settings: "{}\n".to_owned(),
        settings_secret: Some("dns".to_owned()),
        needs: Needs::default(),
        pair_keys: Vec::new(),
        egress: vec![8081],
        service_monitor: true,
        policy: true,
        id: None,
        tenants: None,
        domains: None,
        template: None,
    }
}

fn ensure() -> Ensure {
    Ensure {
        secret: Key::new("shop", "shop-tls"),
        hosts: vec!["shop.example".to_owned(), "*.shop.example".to_owned()],
        image: "registry.example/kubectl-certs:1".to_owned(),
        pull_secrets: Vec::new(),
        choice: vec!["--issuer=corp".to_owned()],
        settings: "{}\n".to_owned(),
        settings_secret: None,
        needs: Needs::default(),
        restarts: Vec::new(),
        lifetime: schedule::USUAL,
    }
}

fn of_kind(all: &[Made], resource: Resource) -> Vec<&Value> {
    let found = all.iter().filter(|made| made.resource == resource);
    found.map(|made| &made.object).collect()
}

/// The Pods' specifications of the controller and of a `CronJob`.
fn pods() -> Vec<Value> {
    let controller = install("certs", &[]).objects();
    let clock = ensure().objects();
    vec![
        of_kind(&controller, DEPLOYMENT)[0]["spec"]["template"]["spec"].clone(),
        of_kind(&clock, CRONJOB)[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"].clone(),
    ]
}

#[test]
fn pods_are_restricted_and_write_nowhere() {
    for pod in pods() {
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true);
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
        for container in pod["containers"].as_array().unwrap() {
            let own = &container["securityContext"];
            assert_eq!(own["allowPrivilegeEscalation"], false);
            assert_eq!(own["readOnlyRootFilesystem"], true);
            assert_eq!(own["capabilities"], json!({"drop": ["ALL"]}));
            let resources = &container["resources"];
            assert!(resources["requests"]["cpu"].is_string() && resources["limits"]["memory"].is_string());
            let variables: Vec<&str> = container["env"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|one| one["name"].as_str())
                .collect();
            for name in ["POD_IP", "POD_NAME", "POD_NAMESPACE", "POD_UID"] {
                assert!(variables.contains(&name), "{variables:?}");
            }
        }
        for field in ["hostNetwork", "hostPID", "hostIPC", "priorityClassName"] {
            assert_eq!(pod[field], Value::Null, "{field}");
        }
    }
}

#[test]
fn everything_has_the_labels_by_which_it_is_found_and_no_secret_is_made() {
    let labels = labels("certs", CONTROLLER);
    for made in install("certs", &[]).objects() {
        assert_ne!(made.resource, SECRET, "credentials are nobody's to print");
        if made.resource != NAMESPACE {
            assert_eq!(made.object["metadata"]["labels"], labels, "{made}");
        }
        assert!(KINDS.contains(&made.resource), "{made} would not be removed");
    }
    for made in ensure().objects() {
        assert!(KINDS.contains(&made.resource), "{made} would not be removed");
        assert_eq!(made.key().namespace, "shop", "{made}");
    }
}

#[test]
fn two_installations_have_nothing_in_common() {
    let keys = |install: &Install| -> BTreeSet<(&'static str, Key)> {
        install
            .objects()
            .iter()
            .map(|made| (made.resource.kind, made.key()))
            .collect()
    };
    for (one, other) in [
        (install("certs", &[]), install("certs-dev", &[])),
        (install("certs", &["shop"]), install("certs-dev", &["shop"])),
        (
            install("certs", &["certs"]),
            install("certs-dev", &["certs", "certs-dev"]),
        ),
    ] {
        let (one, other) = (keys(&one), keys(&other));
        assert!(
            one.is_disjoint(&other),
            "{:?}",
            one.intersection(&other).collect::<Vec<_>>()
        );
    }
}

#[test]
fn who_follows_its_own_namespace_alone_makes_nothing_outside_of_it() {
    let mut own = install("shop", &["shop"]);
    own.policy = false;
    assert!(own.is_one());
    for made in own.objects() {
        assert_eq!(made.key().namespace, "shop", "{made}");
    }
    let named = install("certs", &["shop", "blog", "shop"]);
    assert!(!named.is_one());
    let all = named.objects();
    assert_eq!(of_kind(&all, CLUSTERROLE).len(), 1, "classes have no namespace");
    let places: BTreeSet<&str> = of_kind(&all, ROLE)
        .iter()
        .filter_map(|role| role["metadata"]["namespace"].as_str())
        .collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), ["blog", "certs", "shop"]);
    let arguments = named.arguments();
    assert_eq!(arguments[1..3], ["--namespace=blog", "--namespace=shop"]);
    assert_eq!(install("certs", &[]).arguments()[1], "--all-namespaces");
}

#[test]
fn each_binding_binds_a_role_that_is_made_to_the_account_that_is_made() {
    for all in [
        install("certs", &[]).objects(),
        install("certs", &["shop"]).objects(),
        ensure().objects(),
    ] {
        let account = of_kind(&all, SERVICEACCOUNT)[0]["metadata"].clone();
        for (bindings, roles) in [(ROLEBINDING, ROLE), (CLUSTERROLEBINDING, CLUSTERROLE)] {
            for binding in of_kind(&all, bindings) {
                let role = of_kind(&all, roles).into_iter().find(|role| {
                    role["metadata"]["name"] == binding["roleRef"]["name"]
                        && role["metadata"]["namespace"] == binding["metadata"]["namespace"]
                });
                assert!(role.is_some(), "{binding}");
                assert_eq!(binding["subjects"][0]["name"], account["name"]);
                assert_eq!(binding["subjects"][0]["namespace"], account["namespace"]);
            }
        }
    }
}

fn rights(rules: &[Rule]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for rule in rules {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                all.insert(format!("{verb} {resource}"));
            }
        }
    }
    all
}

#[test]
fn the_controller_reads_less_than_a_reader_and_writes_less_than_a_renewer() {
    assert!(reading().len() > 10, "{READER}");
    // Who only probes has no right that a reader lacks, and none on Secrets.
    let routes = probing();
    assert!(
        !routes.is_empty() && routes.iter().all(|rule| reading().contains(rule)),
        "{PROBER}"
    );
    assert!(
        routes
            .iter()
            .all(|rule| !rule.resources.iter().any(|it| it == "secrets" || it == "*")),
        "{PROBER}"
    );
    let (reader, follower) = (rights(&reading()), rights(&rights::following()));
    assert!(follower.is_subset(&reader) && follower.len() < reader.len());
    assert!(follower.contains("get secrets") && !follower.contains("get certificates"));
    let all: Vec<Rule> = serde_saphyr::from_str(RENEWER).unwrap();
    let everything = Needs {
        pods: true,
        config_maps: true,
        restarts: true,
        in_place: true,
        ..Needs::default()
    };
    let (least, most, renewer) = (
        rights(&writing(Needs::default())),
        rights(&writing(everything)),
        rights(&all),
    );
    assert!(least.is_subset(&most) && most.is_subset(&renewer));
    for word in [
        "create pods",
        "create jobs",
        "patch deployments",
        "list poddisruptionbudgets",
        "get replicationcontrollers",
        "create pods/eviction",
        "create configmaps",
    ] {
        assert!(!least.contains(word) && most.contains(word), "{word}");
    }
    for word in [
        "patch secrets",
        "create ingresses",
        "delete ingresses",
        "update leases",
        "create events",
    ] {
        assert!(least.contains(word), "{word}");
    }
    assert!(
        !most.contains("patch certificates/status"),
        "what is cert-manager's is left to it"
    );
    // Nothing may be written in the own namespace that would let it become another.
    for made in install("certs", &[]).objects() {
        let text = made.object["rules"].to_string();
        for word in [
            "\"*\"",
            "escalate",
            "bind\"",
            "impersonate",
            "serviceaccounts/token",
            "pods/exec",
            "deletecollection",
        ] {
            assert!(!text.contains(word), "{made}: {word}");
        }
    }
}

#[test]
fn kept_pairs_are_made_at_home_and_neither_the_account_nor_the_lease_is_ever_deleted() {
    let all = install("certs", &["shop"]).objects();
    let home = of_kind(&all, ROLE)
        .into_iter()
        .find(|role| role["metadata"]["namespace"] == "certs")
        .unwrap();
    let rules: Vec<Rule> = serde_json::from_value(home["rules"].clone()).unwrap();
    let home = rights(&rules);
    for word in ["delete secrets", "list secrets", "delete leases"] {
        assert!(!home.contains(word), "{home:?}");
    }
    // What RBAC cannot limit to kept pairs, the policy does.
    assert!(home.contains("create secrets") && home.contains("update secrets"));
    let patches = rules
        .iter()
        .find(|rule| rule.verbs.contains(&"patch".to_owned()))
        .unwrap();
    assert_eq!(patches.resource_names, [ACCOUNT]);
}

#[test]
fn the_fences_know_the_installation_and_the_rules_and_tenants_are_fenced_only_where_that_is_asked() {
    let text = |all: &[Made]| -> String {
        let found = of_kind(all, ADMISSIONPOLICY).into_iter();
        found.map(|object| object["spec"].to_string()).collect()
    };
    let mut install = install("certs", &["shop", "blog"]);
    install.id = Some("abcdefghij".to_owned());
    assert!(text(&install.objects()).contains("'abcdefghij'"));
    assert_eq!(of_kind(&install.objects(), ADMISSIONPOLICY).len(), 1);
    install.tenants = Some(NamesPolicy {
        rules: vec![crate::policy::NamesRule {
            namespaces: vec!["shop-*".parse().unwrap()],
            labels: vec![("team".into(), "shop".into())],
            names: vec!["*.shop.example".parse().unwrap()],
            wildcards: true,
            ..crate::policy::NamesRule::default()
        }],
    });
    let all = install.objects();
    let policies = of_kind(&all, ADMISSIONPOLICY);
    assert_eq!(policies.len(), 2);
    assert_eq!(policies[1]["metadata"]["name"], "kubectl-certs-certs-tenants");
    assert_eq!(
        policies[1]["spec"]["variables"][0]["expression"],
        r#"[{"labels":["team=shop"],"names":["*.shop.example"],"namespaces":["shop-*"],"wildcards":["yes"]}]"#
    );
    let bindings = of_kind(&all, ADMISSIONPOLICYBINDING);
    let selector = &bindings[1]["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"][0];
    assert_eq!(selector["values"], json!(["blog", "shop"]));
}

#[test]
fn a_cron_job_has_rights_to_its_secret_alone() {
    let all = ensure().objects();
    let rules: Vec<Rule> = serde_json::from_value(of_kind(&all, ROLE)[0]["rules"].clone()).unwrap();
    for rule in rules.iter().filter(|rule| rule.resources == ["secrets"]) {
        let is_create = rule.verbs == ["create"];
        assert_eq!(is_create, rule.resource_names.is_empty(), "{rule:?}");
        assert!(!rule.verbs.contains(&"list".to_owned()));
    }
    let job = of_kind(&all, CRONJOB)[0];
    assert_eq!(job["spec"]["concurrencyPolicy"], "Forbid");
    let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let arguments: Vec<&str> = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        arguments[..5],
        [
            "ensure",
            "--secret=shop-tls",
            "--namespace=shop",
            "--domain=shop.example",
            "--domain=*.shop.example"
        ]
    );
    assert_eq!(arguments.last(), Some(&"--yes"));
    let mut restarting = ensure();
    restarting.needs.restarts = true;
    restarting.restarts = vec![("deployments", "web".to_owned())];
    let all = restarting.objects();
    let rules: Vec<Rule> = serde_json::from_value(of_kind(&all, ROLE)[0]["rules"].clone()).unwrap();
    let rule = rules.iter().find(|rule| rule.resources == ["deployments"]).unwrap();
    assert_eq!(
        (rule.resource_names.as_slice(), rule.verbs.as_slice()),
        (&["web".to_owned()][..], &["get".to_owned(), "patch".to_owned()][..])
    );
    let is_told_budgets = |rules: &[Rule]| rules.iter().any(|rule| rule.resources == ["poddisruptionbudgets"]);
    assert!(is_told_budgets(&rules));
    restarting.restarts = vec![("replicationcontrollers", "web".to_owned())];
    let rules = of_kind(&restarting.objects(), ROLE)[0]["rules"].clone();
    assert!(!is_told_budgets(&serde_json::from_value::<Vec<Rule>>(rules).unwrap()));
}

#[test]
fn the_network_lets_dns_and_the_ca_out_and_challenges_and_metrics_in() {
    let all = install("certs", &[]).objects();
    let spec = &of_kind(&all, NETWORKPOLICY)[0]["spec"];
    let ports = |rules: &Value| -> Vec<(String, u64)> {
        let rules = rules.as_array().unwrap().iter();
        let ports = rules.flat_map(|rule| rule["ports"].as_array().unwrap());
        ports
            .map(|port| {
                (
                    port["protocol"].as_str().unwrap().to_owned(),
                    port["port"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let of = |all: &[(&str, u64)]| -> Vec<(String, u64)> { all.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect() };
    assert_eq!(ports(&spec["ingress"]), of(&[("TCP", 8089), ("TCP", 9402)]));
    assert_eq!(
        ports(&spec["egress"]),
        of(&[
            ("UDP", 53),
            ("TCP", 53),
            ("TCP", 80),
            ("TCP", 443),
            ("TCP", 6443),
            ("TCP", 8081)
        ])
    );
    let selector = &spec["podSelector"]["matchLabels"];
    assert_eq!(
        *selector,
        of_kind(&all, DEPLOYMENT)[0]["spec"]["selector"]["matchLabels"]
    );
    assert_eq!(*selector, of_kind(&all, SERVICE)[0]["spec"]["selector"]);
}

#[test]
fn other_settings_are_other_pods() {
    let annotations = |settings: &str| {
        let mut install = install("certs", &[]);
        install.settings = settings.to_owned();
        of_kind(&install.objects(), DEPLOYMENT)[0]["spec"]["template"]["metadata"]["annotations"].clone()
    };
    assert_ne!(annotations("{}"), annotations("storing: {wait: 0s}"));
    assert_eq!(annotations("{}"), annotations("{}"));
}

/// As YAML, for the chart.
fn yaml(value: &Value) -> String {
    let mut out = Vec::new();
    crate::document::yaml::write(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_kind_of_route_is_in_the_roles_of_readers_and_renewers() {
    let renewing: Vec<Rule> = serde_saphyr::from_str(RENEWER).unwrap();
    let may = |rules: &[Rule], row: &register::Row, verb: &str| {
        let has = |words: &[String], word: &str| words.iter().any(|one| one == word);
        let is_one = |rule: &&Rule| has(&rule.api_groups, row.group) && has(&rule.resources, row.plural);
        rules.iter().filter(is_one).any(|rule| has(&rule.verbs, verb))
    };
    for row in register::KINDS.iter().filter(|row| row.role == register::Role::Route) {
        let name = row.full_name();
        assert!(may(&probing(), row, "watch"), "src/install/routes.yaml lacks {name}");
        assert!(may(&renewing, row, "list"), "src/install/renewer.yaml lacks {name}");
        // Events name the route that is meant, which is read for that.
        assert!(
            may(&rights::following(), row, "get"),
            "BY_NAME in src/install/rights.rs lacks {}",
            row.plural
        );
    }
}

#[test]
fn what_the_chart_takes_from_the_program_is_renewed() {
    let everything = Needs {
        pods: true,
        config_maps: true,
        restarts: true,
        in_place: true,
        ..Needs::default()
    };
    for (file, rules) in [
        ("home", rights::at_home()),
        ("reading", rights::following()),
        ("reading-namespaced", rights::following_in_namespace()),
        ("classes", rights::following_without_namespace()),
        ("writing", writing(everything)),
        ("domains", rights::keeping_domains()),
        ("listenersets", rights::writing_listener_sets()),
        ("routes", rights::writing_templates()),
        ("tokens", rights::judging_tokens()),
    ] {
        crate::renewed::same(&format!("plugin/chart/files/{file}.yaml"), &yaml(&json!(rules)));
    }
    crate::renewed::same(
        "plugin/chart/files/domain-kind.yaml",
        &yaml(&domains::definition().object),
    );
    for (file, in_place) in [("policy", false), ("policy-in-place", true)] {
        let mut install = install("NAMESPACE", &[]);
        install.pair_keys = vec!["PAIRKEYS".to_owned()];
        install.id = Some("INSTALLID".to_owned());
        install.needs.in_place = in_place;
        let all = install.objects();
        let spec = &of_kind(&all, ADMISSIONPOLICY)[0]["spec"];
        crate::renewed::same(&format!("plugin/chart/files/{file}.yaml"), &yaml(spec));
    }
    let all = tenants::of_rules(&install("NAMESPACE", &[]), "RULES");
    let spec = &of_kind(&all, ADMISSIONPOLICY)[0]["spec"];
    crate::renewed::same("plugin/chart/files/tenants.yaml", &yaml(spec));
}

#[test]
fn customers_domains_take_their_kind_a_service_and_no_more_rights_than_they_need() {
    let rules = |made: &[Made]| -> BTreeSet<String> {
        let all = made.iter().filter_map(|made| made.object["rules"].as_array());
        let words = |rule: &Value, field: &str| -> Vec<String> {
            let list = rule[field].as_array().into_iter().flatten();
            list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let of = |rule: &Value| -> Vec<String> {
            let verbs = words(rule, "verbs");
            let of_one = |of: &String| verbs.iter().map(move |verb| format!("{verb} {of}")).collect::<Vec<_>>();
            words(rule, "resources").iter().flat_map(of_one).collect()
        };
        all.flatten().flat_map(of).collect()
    };
    let without = install("certs", &[]).objects();
    let with = Install {
        domains: Some(9403),
        needs: Needs {
            domains: true,
            ..Needs::default()
        },
        ..install("certs", &[])
    };
    let with = with.objects();
    let added: Vec<String> = rules(&with).difference(&rules(&without)).cloned().collect();
    assert_eq!(
        added,
        [
            "create domains",
            "create tokenreviews",
            "patch domains",
            "patch domains/status"
        ]
    );
    let by_template = Install {
        template: Some("customers-route".to_owned()),
        domains: Some(9403),
        needs: Needs {
            domains: true,
            templates: true,
            ..Needs::default()
        },
        ..install("certs", &[])
    };
    let by_template = by_template.objects();
    let added: Vec<String> = rules(&by_template).difference(&rules(&with)).cloned().collect();
    assert_eq!(added, ["patch httproutes", "patch ingressroutes"]);
    let home = of_kind(&by_template, ROLE)[0]["rules"].to_string();
    assert!(home.contains("customers-route"), "{home}");
    let names = |made: &[Made]| made.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(
        !names(&without).iter().any(|name| name.contains("omain")),
        "{:?}",
        names(&without)
    );
    for name in [
        "CustomResourceDefinition domains.kubectl-certs.io",
        "Service certs/kubectl-certs-domains",
    ] {
        assert!(names(&with).iter().any(|made| made == name), "{name}");
    }
    let policy = of_kind(&with, NETWORKPOLICY)[0]["spec"]["ingress"].to_string();
    assert!(policy.contains("9403"), "{policy}");
}
