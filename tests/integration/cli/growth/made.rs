//! Inputs of any size, each growing in one dimension, or in two at once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::CustomExtension;
use serde_json::{Value, json};

use crate::support::pki::Pki;

/// Manifests.
pub(super) struct Made(Vec<Value>);

/// What it is called, its size at first, and what makes it.
pub(super) type Input = (&'static str, usize, fn(usize) -> Made);

impl Made {
    /// One document after another; a text is one as it stands.
    pub(super) fn text(&self) -> String {
        let document = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let documents: Vec<String> = self.0.iter().map(document).collect();
        documents.join("\n") + "\n"
    }
}

/// What was seen to grow with the square of its size, and what is most like it.
pub(super) const USUAL: &[Input] = &[
    ("the message of a condition, at 200 hosts", 400_000, |n| {
        broken(200, 1, n)
    }),
    ("hosts with a long message", 8_000, |n| broken(n, 1, 3_000)),
    ("Certificates of one Secret, at 200 hosts", 4_000, |n| {
        broken(200, n, 10)
    }),
    ("hosts of a Secret with 200 Certificates", 4_000, |n| broken(n, 200, 10)),
    ("ListenerSets of one host", 64, |n| listener_sets(n, 64)),
    ("ReferenceGrants and listeners", 2_000, |n| grants(n, n)),
    ("alternatives of a Traefik rule", 20_000, |n| traefik(n, "||", false)),
    ("conjunctions of a Traefik rule", 12_000, |n| traefik(n, "&&", true)),
    ("Ingresses of one host", 2_000, same_host),
    ("hosts of routes at four listeners", 4_000, |n| routes(4, n, false)),
    ("listeners of a Gateway with certificates", 2_000, overlapping),
    ("tls entries of one Ingress", 4_000, |n| entries(n, "traefik")),
    ("IngressClasses and Ingresses without class", 4_000, classes),
    ("hosts and tls entries without hosts", 6_000, |n| everywhere(n, false)),
    ("policies of one certificate", 35_000, policies),
    ("extensions of one certificate", 27_000, extensions),
    ("dashes in one line of YAML", 1_000_000, dashes),
];

/// The rest, and pairs.
pub(super) const RARE: &[Input] = &[
    ("hosts and Certificates", 1_500, |n| broken(n, n, 10)),
    ("hosts and the length of a message", 4_000, |n| broken(n, 1, n * 50)),
    ("listeners of ListenerSets and ListenerSets", 128, |n| {
        listener_sets(n, 64)
    }),
    ("routes that no listener takes", 8_000, |n| routes(4, n, true)),
    ("routes of a Traefik route object", 20_000, traefik_routes),
    (
        "requests and orders of one Certificate, at as many hosts",
        2_000,
        orders,
    ),
    ("challenges of one order, at as many hosts", 2_000, challenges),
    ("wildcards and hosts below", 4_000, wildcards),
    ("namespaces", 6_000, namespaces),
    ("tls entries at nginx", 4_000, |n| entries(n, "nginx")),
    ("hosts that no tls entry lists", 4_000, unlisted),
    ("Secrets of one host", 500, one_host),
    ("labels of an Ingress with many hosts", 4_000, labels),
    ("Pods of one Secret, at as many hosts", 3_000, pods),
    ("hosts of a certificate with many names", 4_000, |n| {
        many_names(1_000, n)
    }),
    ("names of a certificate and hosts", 4_000, |n| many_names(n, n)),
    ("tls entries that all list one host, at nginx", 4_000, |n| {
        same_entry(n, "nginx")
    }),
    ("tls entries that all list one host, at Traefik", 4_000, |n| {
        same_entry(n, "traefik")
    }),
    ("hosts that no tls entry lists, at Traefik", 4_000, |n| {
        Made(with_entries(n, "traefik", false))
    }),
    ("hosts and the length of a Secret's name", 4_000, |n| {
        long_names(n, n * 20)
    }),
    ("parents of a route", 2_000, parents),
    ("Secrets with one key", 1_000, one_key),
    // Of each host 200 Secrets are kept, so it begins above.
    ("hosts and wildcard tls entries", 6_000, |n| everywhere(n, true)),
    (
        "certificateRefs of a listener and hosts of its routes",
        6_000,
        references,
    ),
    (
        "Secrets of one name, and hosts that it names, at Traefik",
        2_000,
        decoys,
    ),
    ("ListenerSets that ask cert-manager for Secrets", 128, |n| asking(n, 64)),
    ("Secrets of a TLSStore, and IngressRoutes that name them", 2_000, stores),
    (
        "certificates of one name that Traefik has, and hosts that it names",
        2_000,
        loaded,
    ),
    (
        "Secrets of the default TLSStore, and hosts that get its default certificate",
        4_000,
        relying,
    ),
    ("Ingresses of one host and their Secrets, at nginx", 2_000, at_one_host),
];

/// Each entry stands for all hosts: it names none, or a wildcard above them.
fn everywhere(count: usize, wild: bool) -> Made {
    let entry = |n: usize| {
        let secret = format!("s{n}");
        if wild {
            json!({"hosts": ["*.shop.example"], "secretName": secret})
        } else {
            json!({"secretName": secret})
        }
    };
    let tls: Vec<Value> = (0..count).map(entry).collect();
    let rules: Vec<Value> = hosts(count).iter().map(|host| json!({"host": host})).collect();
    let spec = json!({"tls": tls, "rules": rules});
    Made(vec![object("networking.k8s.io/v1", "Ingress", "w", spec)])
}

fn references(count: usize) -> Made {
    let mut made = routes(1, count, false);
    let references: Vec<Value> = (0..count).map(|n| json!({"name": format!("s{n}")})).collect();
    made.0[0]["spec"]["listeners"][0]["tls"]["certificateRefs"] = references.into();
    made
}

/// Secrets that name all hosts of a route and are named by no route, and one that is.
fn decoys(count: usize) -> Made {
    let pair = Pki::new().pair(&["*.shop.example"]);
    let secrets = (0..count).map(|n| secret(&format!("s{n}"), &pair.chain, &pair.key));
    let rules: Vec<String> = hosts(count).iter().map(|host| format!("Host(`{host}`)")).collect();
    let named = ingress_route(&["Host(`www.shop.example`)".to_owned()]);
    let mut unnamed = ingress_route(&rules);
    unnamed.0[0]["metadata"]["name"] = "unnamed".into();
    unnamed.0[0]["spec"]["tls"] = json!({});
    Made(secrets.chain(named.0).chain(unnamed.0).collect())
}

fn asking(sets: usize, each: usize) -> Made {
    let mut made = listener_sets(sets, each);
    for (n, object) in made.0.iter_mut().enumerate() {
        object["metadata"]["annotations"] = json!({"cert-manager.io/cluster-issuer": "le"});
        for (k, listener) in object["spec"]["listeners"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .enumerate()
        {
            listener["tls"]["certificateRefs"] = json!([{"name": format!("s{n}-{k}")}]);
        }
    }
    made
}

/// One store that is not the default one, and a route for each of its Secrets.
fn stores(count: usize) -> Made {
    let pair = Pki::new().pair(&["*.shop.example"]);
    let certificates: Vec<Value> = (0..count).map(|n| json!({"secretName": format!("s{n}")})).collect();
    let store = object(
        "traefik.io/v1alpha1",
        "TLSStore",
        "mine",
        json!({"certificates": certificates}),
    );
    let one = |n: usize| {
        let mut route = ingress_route(&[format!("Host(`h{n}.shop.example`)")]);
        route.0[0]["metadata"]["name"] = format!("r{n}").into();
        route.0[0]["spec"]["tls"]["secretName"] = format!("s{n}").into();
        [route.0.remove(0), secret(&format!("s{n}"), &pair.chain, &pair.key)]
    };
    Made([store].into_iter().chain((0..count).flat_map(one)).collect())
}

/// Certificates for all hosts of a route, each brought by a route of its own.
fn loaded(count: usize) -> Made {
    let pki = Pki::new();
    let one = |n: usize| {
        let host = format!("w{n}.example");
        let pair = pki.pair(&["*.shop.example", &host]);
        let mut route = ingress_route(&[format!("Host(`{host}`)")]);
        route.0[0]["metadata"]["name"] = format!("r{n}").into();
        route.0[0]["spec"]["tls"]["secretName"] = format!("s{n}").into();
        [route.0.remove(0), secret(&format!("s{n}"), &pair.chain, &pair.key)]
    };
    let rules: Vec<String> = hosts(count).iter().map(|host| format!("Host(`{host}`)")).collect();
    let mut unnamed = ingress_route(&rules);
    unnamed.0[0]["metadata"]["name"] = "unnamed".into();
    unnamed.0[0]["spec"]["tls"] = json!({});
    Made((0..count).flat_map(one).chain(unnamed.0).collect())
}

/// A store whose last certificate is missing, and hosts for which it has its default one alone.
fn relying(count: usize) -> Made {
    let pair = Pki::new().pair(&["*.shop.example"]);
    let certificates: Vec<Value> = (0..=count).map(|n| json!({"secretName": format!("s{n}")})).collect();
    let spec = json!({"defaultCertificate": {"secretName": "s0"}, "certificates": certificates});
    let store = object("traefik.io/v1alpha1", "TLSStore", "default", spec);
    let rules: Vec<String> = (0..count).map(|n| format!("Host(`h{n}.other.example`)")).collect();
    let mut route = ingress_route(&rules);
    route.0[0]["spec"]["tls"] = json!({});
    let secrets = (0..count).map(|n| secret(&format!("s{n}"), &pair.chain, &pair.key));
    Made([store].into_iter().chain(route.0).chain(secrets).collect())
}

/// Ingresses for one host, made one after another, each with a certificate of its own.
fn at_one_host(count: usize) -> Made {
    let pki = Pki::new();
    let one = |n: usize| {
        let pair = pki.pair(&["shop.example"]);
        let mut made = ingress(&format!("i{n}"), &["shop.example".to_owned()], &format!("s{n}"));
        made["metadata"]["creationTimestamp"] =
            format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60).into();
        made["spec"]["ingressClassName"] = "nginx".into();
        [made, secret(&format!("s{n}"), &pair.chain, &pair.key)]
    };
    let class = class("nginx", "k8s.io/ingress-nginx");
    Made([class].into_iter().chain((0..count).flat_map(one)).collect())
}

/// A Secret whose certificate has these extensions too, and a route of it.
fn with_extensions(extensions: Vec<CustomExtension>) -> Made {
    let pair = Pki::new().pair_with(&["shop.example"], |params| params.custom_extensions = extensions);
    Made(vec![
        ingress("w", &["shop.example".to_owned()], "s"),
        secret("s", &pair.chain, &pair.key),
    ])
}

fn policies(count: usize) -> Made {
    let policy = |n: usize| {
        // 1.2.N in three digits of base 128: a SEQUENCE of an identifier of four bytes.
        let n = n + (1 << 14);
        let digit = |shift: usize| u8::try_from((n >> shift) & 0x7f).expect("7 bits");
        [0x30, 6, 6, 4, 0x2a, digit(14) | 0x80, digit(7) | 0x80, digit(0)]
    };
    let all: Vec<u8> = (0..count).flat_map(policy).collect();
    let length = u32::try_from(all.len()).expect("a length").to_be_bytes();
    let value = [&[0x30, 0x84][..], &length, &all].concat();
    with_extensions(vec![CustomExtension::from_oid_content(&[2, 5, 29, 32], value)])
}

fn extensions(count: usize) -> Made {
    let one = |n: usize| {
        let number = u64::try_from(n).expect("a number");
        CustomExtension::from_oid_content(&[1, 2, 3 + number], vec![5, 0])
    };
    with_extensions((0..count).map(one).collect())
}

/// A text that only kubectl's reader takes has the file looked through.
fn dashes(count: usize) -> Made {
    let line = "- ".repeat(count);
    Made(vec![format!("a:\n  b: 'x\n  y'\n{line}").into()])
}

// By value, as `json!` makes it.
#[allow(clippy::needless_pass_by_value)]
fn object(version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

fn ingress(name: &str, hosts: &[String], secret: &str) -> Value {
    let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
    object(
        "networking.k8s.io/v1",
        "Ingress",
        name,
        json!({"tls": [{"hosts": hosts, "secretName": secret}], "rules": rules}),
    )
}

fn hosts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("h{n}.shop.example")).collect()
}

fn certificate(name: &str, message: &str) -> Value {
    let mut made = object(
        "cert-manager.io/v1",
        "Certificate",
        name,
        json!({"secretName": "s", "issuerRef": {"name": "x"}}),
    );
    made["status"] = json!({"conditions": [{"type": "Ready", "status": "False", "reason": "x", "message": message}]});
    made
}

fn broken(count: usize, certificates: usize, length: usize) -> Made {
    let message = "m".repeat(length);
    let certificates = (0..certificates).map(|n| certificate(&format!("c{n}"), &message));
    Made(
        [ingress("w", &hosts(count), "s")]
            .into_iter()
            .chain(certificates)
            .collect(),
    )
}

fn listener(name: &str, hostname: Option<&str>, port: usize, secret: &Value) -> Value {
    json!({"name": name, "hostname": hostname, "port": port, "protocol": "HTTPS",
        "allowedRoutes": {"namespaces": {"from": "All"}}, "tls": {"certificateRefs": [secret]}})
}

const GATEWAY: &str = "gateway.networking.k8s.io/v1";

// As above.
#[allow(clippy::needless_pass_by_value)]
fn gateway(name: &str, listeners: Vec<Value>) -> Value {
    let spec =
        json!({"gatewayClassName": "x", "allowedListeners": {"namespaces": {"from": "All"}}, "listeners": listeners});
    object(GATEWAY, "Gateway", name, spec)
}

fn listener_sets(sets: usize, each: usize) -> Made {
    let secret = json!({"name": "s"});
    let set = |n: usize| {
        let listeners: Vec<Value> = (0..each)
            .map(|k| listener(&format!("l{k}"), Some("h.example"), 443, &secret))
            .collect();
        let spec = json!({"parentRef": {"name": "g", "kind": "Gateway", "group": "gateway.networking.k8s.io"}, "listeners": listeners});
        object(GATEWAY, "ListenerSet", &format!("ls{n}"), spec)
    };
    let gateway = gateway("g", vec![listener("l", None, 443, &secret)]);
    Made([gateway].into_iter().chain((0..sets).map(set)).collect())
}

fn grants(grants: usize, listeners: usize) -> Made {
    let secret = json!({"name": "s", "namespace": "other"});
    let gateways = (0..=listeners / 50).map(|n| {
        let hostname = |k: usize| format!("h{n}-{k}.example");
        let listeners = (0..50).map(|k| listener(&format!("l{k}"), Some(&hostname(k)), 443, &secret));
        gateway(&format!("g{n}"), listeners.collect())
    });
    let grant = |n: usize| {
        let from = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop"});
        let to: Vec<Value> = (0..4)
            .map(|k| json!({"group": "", "kind": "Secret", "name": format!("x{k}")}))
            .collect();
        let mut made = object(
            "gateway.networking.k8s.io/v1beta1",
            "ReferenceGrant",
            &format!("r{n}"),
            json!({"from": [from], "to": to}),
        );
        made["metadata"]["namespace"] = "other".into();
        made
    };
    Made(gateways.chain((0..grants).map(grant)).collect())
}

fn ingress_route(rules: &[String]) -> Made {
    let routes: Vec<Value> = rules.iter().map(|rule| json!({"match": rule})).collect();
    Made(vec![object(
        "traefik.io/v1alpha1",
        "IngressRoute",
        "a",
        json!({"routes": routes, "tls": {"secretName": "s"}}),
    )])
}

fn traefik(count: usize, join: &str, nested: bool) -> Made {
    let rule = |n: usize| {
        if nested {
            format!("(Host(`a{n}.example`)||Host(`b{n}.example`))")
        } else {
            format!("Host(`a{n}.example`)")
        }
    };
    ingress_route(&[(0..count).map(rule).collect::<Vec<_>>().join(join)])
}

fn traefik_routes(count: usize) -> Made {
    ingress_route(&(0..count).map(|n| format!("Host(`a{n}.example`)")).collect::<Vec<_>>())
}

fn same_host(count: usize) -> Made {
    let one = |n| ingress(&format!("i{n}"), &["shop.example".to_owned()], &format!("s{n}"));
    Made((0..count).map(one).collect())
}

fn routes(listeners: usize, hosts: usize, untaken: bool) -> Made {
    let secret = json!({"name": "s"});
    let hostname = untaken.then_some("*.other");
    let listeners = (0..listeners).map(|n| listener(&format!("l{n}"), hostname, 443 + n, &secret));
    let route = |n: usize| {
        let hostnames: Vec<String> = (0..16)
            .map(|k| {
                if untaken {
                    "x.test".into()
                } else {
                    format!("x{n}-{k}.example")
                }
            })
            .collect();
        let spec = json!({"hostnames": hostnames, "parentRefs": [{"name": "g"}]});
        object(GATEWAY, "HTTPRoute", &format!("r{n}"), spec)
    };
    let gateway = gateway("g", listeners.collect());
    Made([gateway].into_iter().chain((0..=hosts / 16).map(route)).collect())
}

fn secret(name: &str, chain: &str, key: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": "shop"},
        "data": {"tls.crt": STANDARD.encode(chain), "tls.key": STANDARD.encode(key)}})
}

/// Two certificates that name all hosts, on listeners of one port in turn.
fn overlapping(count: usize) -> Made {
    let pki = Pki::new();
    let secrets = ["one", "two"].map(|name| {
        let pair = pki.pair(&["*.shop.example"]);
        secret(name, &pair.chain, &pair.key)
    });
    let hosts = hosts(count);
    let listeners = hosts.iter().enumerate().map(|(n, host)| {
        let name = if n % 2 == 0 { "one" } else { "two" };
        listener(&format!("l{n}"), Some(host), 443, &json!({"name": name}))
    });
    let gateway = gateway("g", listeners.collect());
    Made(secrets.into_iter().chain([gateway]).collect())
}

fn class(name: &str, controller: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}, "spec": {"controller": controller}})
}

/// One Ingress with an entry for each of its hosts.
fn with_entries(count: usize, class_name: &str, listed: bool) -> Vec<Value> {
    let pair = Pki::new().pair(&["*.shop.example"]);
    let hosts = hosts(count);
    let entry = |n: usize| {
        let host = if listed {
            hosts[n].clone()
        } else {
            format!("h{n}.other.example")
        };
        json!({"hosts": [host], "secretName": format!("s{}", n % 40)})
    };
    let tls: Vec<Value> = (0..count).map(entry).collect();
    let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
    let spec = json!({"ingressClassName": class_name, "tls": tls, "rules": rules});
    let controller = match class_name {
        "traefik" => "traefik.io/ingress-controller",
        _ => "k8s.io/ingress-nginx",
    };
    let secrets = (0..40).map(|n| secret(&format!("s{n}"), &pair.chain, &pair.key));
    let ingress = object("networking.k8s.io/v1", "Ingress", "w", spec);
    secrets.chain([class(class_name, controller), ingress]).collect()
}

fn entries(count: usize, class_name: &str) -> Made {
    Made(with_entries(count, class_name, true))
}

fn unlisted(count: usize) -> Made {
    Made(with_entries(count, "nginx", false))
}

fn classes(count: usize) -> Made {
    let classes = (0..count).map(|n| class(&format!("c{n}"), "example.com/own"));
    let one = |n| ingress(&format!("i{n}"), &[format!("h{n}.example")], "s");
    Made(classes.chain((0..count).map(one)).collect())
}

fn owned(version: &str, kind: &str, name: &str, owner: (&str, &str), status: Value) -> Value {
    let mut made = object(version, kind, name, json!({}));
    made["metadata"]["ownerReferences"] = json!([{"kind": owner.0, "name": owner.1, "uid": "1"}]);
    made["status"] = status;
    made
}

fn orders(count: usize) -> Made {
    let made = (0..count).flat_map(|n| {
        let request = format!("cr{n}");
        [
            owned(
                "cert-manager.io/v1",
                "CertificateRequest",
                &request,
                ("Certificate", "c"),
                json!({}),
            ),
            owned(
                "acme.cert-manager.io/v1",
                "Order",
                &format!("o{n}"),
                ("CertificateRequest", &request),
                json!({"state": "errored"}),
            ),
        ]
    });
    let first = [ingress("w", &hosts(count), "s"), certificate("c", "m")];
    Made(first.into_iter().chain(made).collect())
}

fn challenges(count: usize) -> Made {
    let acme = "acme.cert-manager.io/v1";
    let challenge = |n: usize| {
        owned(
            acme,
            "Challenge",
            &format!("ch{n}"),
            ("Order", "o"),
            json!({"state": "pending"}),
        )
    };
    let first = [
        ingress("w", &hosts(count), "s"),
        certificate("c", "m"),
        owned(
            "cert-manager.io/v1",
            "CertificateRequest",
            "cr",
            ("Certificate", "c"),
            json!({}),
        ),
        owned(
            acme,
            "Order",
            "o",
            ("CertificateRequest", "cr"),
            json!({"state": "errored"}),
        ),
    ];
    Made(first.into_iter().chain((0..count).map(challenge)).collect())
}

fn wildcards(count: usize) -> Made {
    let pair = |n: usize| {
        [
            ingress(&format!("w{n}"), &[format!("*.d{n}.example")], "s"),
            ingress(&format!("h{n}"), &[format!("a.d{n}.example")], "s"),
        ]
    };
    Made((0..count).flat_map(pair).collect())
}

fn namespaces(count: usize) -> Made {
    let one = |n: usize| {
        let mut made = ingress("i", &[format!("h{n}.example")], "s");
        made["metadata"]["namespace"] = format!("ns{n}").into();
        made
    };
    Made((0..count).map(one).collect())
}

/// One host in as many tls entries, each with a Secret of its own.
fn one_host(count: usize) -> Made {
    let tls: Vec<Value> = (0..count)
        .map(|n| json!({"hosts": ["shop.example"], "secretName": format!("s{n}")}))
        .collect();
    let spec = json!({"tls": tls, "rules": [{"host": "shop.example"}]});
    Made(vec![object("networking.k8s.io/v1", "Ingress", "w", spec)])
}

fn labels(count: usize) -> Made {
    let mut made = ingress("w", &hosts(count), "s");
    let labels: serde_json::Map<String, Value> = (0..count).map(|n| (format!("l{n}"), "v".into())).collect();
    made["metadata"]["labels"] = labels.into();
    Made(vec![made])
}

fn pods(count: usize) -> Made {
    let pod = |n: usize| {
        let volumes = json!([{"name": "v", "secret": {"secretName": "s"}}]);
        object(
            "v1",
            "Pod",
            &format!("p{n}"),
            json!({"containers": [], "volumes": volumes}),
        )
    };
    Made(
        [ingress("w", &hosts(count), "s")]
            .into_iter()
            .chain((0..count).map(pod))
            .collect(),
    )
}

/// Hosts that a certificate with a thousand other names is not for.
fn same_entry(count: usize, class_name: &str) -> Made {
    let mut made = with_entries(count, class_name, true);
    let ingress = made.last_mut().expect("the Ingress");
    for entry in ingress["spec"]["tls"].as_array_mut().expect("entries") {
        entry["hosts"] = json!(["h0.shop.example"]);
    }
    Made(made)
}

fn many_names(names: usize, count: usize) -> Made {
    let names: Vec<String> = (0..names).map(|n| format!("n{n}.other.example")).collect();
    let pair = Pki::new().pair(&names.iter().map(String::as_str).collect::<Vec<_>>());
    Made(vec![
        ingress("w", &hosts(count), "s"),
        secret("s", &pair.chain, &pair.key),
    ])
}

fn long_names(count: usize, length: usize) -> Made {
    Made(vec![ingress("w", &hosts(count), &"s".repeat(length))])
}

fn parents(count: usize) -> Made {
    let secret = json!({"name": "s"});
    let gateways = (0..count).map(|n| gateway(&format!("g{n}"), vec![listener("l", Some("*.other"), 443, &secret)]));
    let parents: Vec<Value> = (0..count).map(|n| json!({"name": format!("g{n}")})).collect();
    let spec = json!({"hostnames": ["x.test"], "parentRefs": parents});
    Made(gateways.chain([object(GATEWAY, "HTTPRoute", "r", spec)]).collect())
}

fn one_key(count: usize) -> Made {
    let pair = Pki::new().pair(&["shop.example"]);
    let one = |n: usize| {
        [
            ingress(&format!("i{n}"), &["shop.example".to_owned()], &format!("s{n}")),
            secret(&format!("s{n}"), &pair.chain, &pair.key),
        ]
    };
    Made((0..count).flat_map(one).collect())
}
