use super::{fixtures::*, query::Serving, *};
use crate::object::{
    IngressRoute, ReferenceGrant,
    gateway::{AllowedNamespaces, CertificateRef, GrantFrom, GrantTo, Listener, ParentRef},
};

fn listener(name: &str, hostname: &str, secret: Option<(&str, &str)>) -> Listener {
    let reference = |(namespace, name): (&str, &str)| CertificateRef {
        group: Text::default(),
        kind: "Secret".into(),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        name: name.into(),
    };
    Listener {
        name: name.into(),
        hostname: (!hostname.is_empty()).then(|| hostname.into()),
        port: 443,
        protocol: "HTTPS".into(),
        certificate_refs: secret.map(reference).into_iter().collect(),
        ..Listener::default()
    }
}

fn gateway(namespace: &str, name: &str, listeners: Vec<Listener>) -> Gateway {
    Gateway {
        meta: meta(namespace, name),
        class: "edge".into(),
        listeners,
        ..Gateway::default()
    }
}

fn http_route(namespace: &str, name: &str, parent: (&str, &str), hostnames: &[&str]) -> Route {
    Route {
        kind: Kind::HttpRoute,
        meta: meta(namespace, name),
        parents: vec![ParentRef {
            kind: "Gateway".into(),
            namespace: Some(parent.0.into()),
            name: parent.1.into(),
            section: None,
            port: None,
        }],
        hostnames: hostnames.iter().map(|h| Text::from(*h)).collect(),
    }
}

fn hosts(inventory: &Inventory) -> Vec<(String, String, Option<String>)> {
    let mut hosts: Vec<_> = inventory
        .bindings()
        .iter()
        .map(|(_, b)| {
            (
                b.route.key.to_string(),
                b.host.to_string(),
                b.listener.as_ref().map(ToString::to_string),
            )
        })
        .collect();
    hosts.sort();
    hosts
}

fn row(route: &str, host: &str, listener: &str) -> (String, String, Option<String>) {
    (
        route.into(),
        host.into(),
        (!listener.is_empty()).then(|| listener.into()),
    )
}

#[test]
fn a_listeners_bindings_are_the_hosts_of_the_routes_attached_to_it() {
    let mut inventory = Inventory::new("c", false);
    let mut open = listener("https", "*.shop.example", Some(("", "wild")));
    open.allowed_routes = AllowedNamespaces::All;
    inventory.apply(Change::Set(Object::Gateway(gateway("edge", "gw", vec![open]))));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [row("edge/gw", "*.shop.example", "https")],
        "no route: the hostname itself"
    );

    let route = http_route("shop", "r", ("edge", "gw"), &["a.shop.example", "other.example"]);
    inventory.apply(Change::Set(Object::Route(route)));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [
            row("edge/gw", "a.shop.example", "https"),
            row("edge/gw", "other.example", "")
        ],
        "the second hostname is taken by no listener"
    );
    inventory.apply(Change::Gone(Kind::HttpRoute, key("shop", "r")));
    inventory.derive();
    assert_eq!(hosts(&inventory), [row("edge/gw", "*.shop.example", "https")]);
}

#[test]
fn a_route_of_another_namespace_attaches_only_where_it_is_let_in() {
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Gateway(gateway(
        "edge",
        "gw",
        vec![listener("https", "", Some(("", "t")))],
    ))));
    inventory.apply(Change::Set(Object::Route(http_route(
        "shop",
        "r",
        ("edge", "gw"),
        &["a.example"],
    ))));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [row("edge/gw", "*", "https")],
        "a route that no listener lets in is none of its hosts"
    );
    inventory.apply(Change::Set(Object::Route(http_route(
        "edge",
        "r",
        ("edge", "gw"),
        &["a.example"],
    ))));
    inventory.derive();
    assert!(hosts(&inventory).contains(&row("edge/gw", "a.example", "https")));
}

#[test]
fn a_listener_set_needs_the_gateways_leave() {
    let mut inventory = Inventory::new("c", false);
    let mut gw = gateway("edge", "gw", vec![]);
    gw.allowed_listeners = AllowedNamespaces::None;
    inventory.apply(Change::Set(Object::Gateway(gw.clone())));
    inventory.apply(Change::Set(Object::ListenerSet(ListenerSet {
        meta: meta("shop", "extra"),
        experimental: false,
        parent: Some(key("edge", "gw")),
        listeners: vec![listener("https", "a.example", Some(("", "t")))],
    })));
    inventory.derive();
    assert!(hosts(&inventory).is_empty());
    gw.allowed_listeners = AllowedNamespaces::All;
    inventory.apply(Change::Set(Object::Gateway(gw)));
    inventory.derive();
    assert_eq!(hosts(&inventory), [row("shop/extra", "a.example", "https")]);
}

#[test]
fn a_set_of_a_gateway_without_listeners_has_its_bindings_once() {
    let mut inventory = Inventory::new("c", false);
    let mut gw = gateway("edge", "gw", vec![]);
    gw.allowed_listeners = AllowedNamespaces::All;
    let set = |host: &str| ListenerSet {
        meta: meta("shop", "extra"),
        experimental: false,
        parent: Some(key("edge", "gw")),
        listeners: vec![listener("https", host, Some(("", "t")))],
    };
    inventory.apply(Change::Set(Object::Gateway(gw.clone())));
    for host in ["a.example", "a.example", "b.example"] {
        inventory.apply(Change::Set(Object::ListenerSet(set(host))));
        inventory.derive();
        assert_eq!(hosts(&inventory), [row("shop/extra", host, "https")]);
    }
    // The same listener and host, of the Gateway and of its ListenerSet, are two.
    gw.listeners = vec![listener("https", "b.example", Some(("", "t")))];
    inventory.apply(Change::Set(Object::Gateway(gw)));
    inventory.derive();
    inventory.apply(Change::Set(Object::ListenerSet(set("c.example"))));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [
            row("edge/gw", "b.example", "https"),
            row("shop/extra", "c.example", "https")
        ]
    );
    inventory.apply(Change::Gone(Kind::Gateway, key("edge", "gw")));
    inventory.derive();
    assert!(hosts(&inventory).is_empty());
}

#[test]
fn a_reference_into_another_namespace_needs_a_grant() {
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Gateway(gateway(
        "edge",
        "gw",
        vec![listener("https", "a.example", Some(("certs", "t")))],
    ))));
    inventory.derive();
    let secrets = |i: &Inventory| {
        i.bindings()
            .iter()
            .next()
            .map(|(_, b)| b.secrets.to_vec())
            .unwrap_or_default()
    };
    assert!(secrets(&inventory).is_empty());
    let grant = |name: Option<&str>| ReferenceGrant {
        meta: meta("certs", "g"),
        from: vec![GrantFrom {
            group: gateway::GROUP.into(),
            kind: "Gateway".into(),
            namespace: "edge".into(),
        }],
        to: vec![GrantTo {
            group: Text::default(),
            kind: "Secret".into(),
            name: name.map(Text::from),
        }],
    };
    inventory.apply(Change::Set(Object::ReferenceGrant(grant(Some("other")))));
    inventory.derive();
    assert!(secrets(&inventory).is_empty(), "the grant is for another Secret");
    inventory.apply(Change::Set(Object::ReferenceGrant(grant(None))));
    inventory.derive();
    assert_eq!(secrets(&inventory), [key("certs", "t")]);
}

#[test]
fn a_changed_secret_touches_its_own_bindings_and_no_others() {
    let mut inventory = Inventory::new("c", false);
    for n in 0..50 {
        let host = format!("h{n}.example");
        let secret = format!("s{n}");
        inventory.apply(Change::Set(Object::Ingress(ingress(
            "a",
            &format!("i{n}"),
            &[(&[&host], &secret)],
        ))));
        inventory.store(good("a", &secret, &[&host]));
    }
    assert_eq!(inventory.derive().bindings.len(), 50);
    inventory.store(good("a", "s7", &["h7.example"]));
    let dirty = inventory.derive();
    assert_eq!(dirty.bindings.len(), 1);
    assert_eq!(dirty.secrets.into_iter().collect::<Vec<_>>(), [key("a", "s7")]);
}

#[test]
fn a_binding_keeps_its_number_while_its_route_changes_around_it() {
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Ingress(ingress(
        "a",
        "i",
        &[(&["x.example", "y.example"], "s")],
    ))));
    let before = inventory.derive().bindings;
    inventory.apply(Change::Set(Object::Ingress(ingress(
        "a",
        "i",
        &[(&["y.example", "z.example"], "s")],
    ))));
    let dirty = inventory.derive();
    assert_eq!(
        dirty.gone.len() + before.intersection(&dirty.bindings).count(),
        2,
        "x is gone, or its number is z's"
    );
    assert_eq!(inventory.bindings().iter().count(), 2);
    inventory.apply(Change::Gone(Kind::Ingress, key("a", "i")));
    assert_eq!(inventory.derive().gone.len(), 2);
    assert!(inventory.bindings_of_host("y.example").is_empty());
}

#[test]
fn traefik_serves_what_any_of_its_routes_brought_and_others_do_not() {
    for (controller, other) in [("traefik.io/ingress-controller", true), ("k8s.io/ingress-nginx", false)] {
        let mut inventory = Inventory::new("c", false);
        inventory.apply(Change::Set(Object::IngressClass(class("web", controller))));
        let mut one = ingress("a", "one", &[(&["x.example"], "missing")]);
        one.class = Some("web".into());
        let mut two = ingress("b", "two", &[(&["y.example"], "wide")]);
        two.class = Some("web".into());
        inventory.apply(Change::Set(Object::Ingress(one)));
        inventory.apply(Change::Set(Object::Ingress(two)));
        inventory.store(good("b", "wide", &["*.example"]));
        inventory.derive();
        let id = inventory.bindings_of_host("x.example")[0];
        let binding = inventory.bindings().get(id).expect("it is there");
        assert_eq!(
            matches!(inventory.serving(binding), Serving::Other(_)),
            other,
            "{controller}"
        );
    }
}

#[test]
fn the_default_class_counts_for_an_ingress_without_class() {
    let mut inventory = Inventory::new("c", false);
    let mut default = class("web", "k8s.io/ingress-nginx");
    default.default = true;
    inventory.apply(Change::Set(Object::IngressClass(default)));
    inventory.derive();
    let plain = ingress("a", "i", &[(&["x.example"], "s")]);
    assert_eq!(inventory.controller_of_ingress(&plain).0, Controller::IngressNginx);
    let annotated = Ingress {
        meta: with_annotation(meta("a", "j"), crate::object::annotation::INGRESS_CLASS, "gce"),
        ..plain
    };
    assert_eq!(inventory.controller_of_ingress(&annotated).0, Controller::Gce);
}

#[test]
fn grpc_and_tls_routes_bring_hosts_where_the_listener_takes_their_kind() {
    let https = listener("https", "", Some(("", "t")));
    let tls = Listener {
        protocol: "TLS".into(),
        ..listener("tls", "", Some(("", "t")))
    };
    let route = |kind, name: &str, host: &str, section: Option<&str>| Route {
        kind,
        parents: vec![ParentRef {
            kind: "Gateway".into(),
            namespace: None,
            name: "gw".into(),
            section: section.map(Text::from),
            port: None,
        }],
        ..http_route("edge", name, ("edge", "gw"), &[host])
    };
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Gateway(gateway("edge", "gw", vec![https, tls]))));
    inventory.apply(Change::Set(Object::Route(route(
        Kind::GrpcRoute,
        "same-name",
        "grpc.example",
        None,
    ))));
    inventory.apply(Change::Set(Object::Route(route(
        Kind::TlsRoute,
        "same-name",
        "tls.example",
        None,
    ))));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [
            row("edge/gw", "grpc.example", "https"),
            row("edge/gw", "tls.example", "tls")
        ],
        "each at the listener of its protocol"
    );
    let kinds: Vec<Kind> = inventory
        .bindings()
        .iter()
        .flat_map(|(_, b)| b.routes.iter().map(|r| r.kind))
        .collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&Kind::GrpcRoute) && kinds.contains(&Kind::TlsRoute));
    inventory.apply(Change::Gone(Kind::GrpcRoute, key("edge", "same-name")));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [row("edge/gw", "*", "https"), row("edge/gw", "tls.example", "tls")]
    );
    // The listener does not admit a GRPCRoute that asks for the TLS listener.
    inventory.apply(Change::Set(Object::Route(route(
        Kind::GrpcRoute,
        "wrong",
        "grpc.example",
        Some("tls"),
    ))));
    inventory.derive();
    assert_eq!(hosts(&inventory).len(), 2);
}

#[test]
fn sets_of_both_groups_and_of_one_name_are_two() {
    let set = |experimental, host: &str| ListenerSet {
        meta: meta("shop", "extra"),
        experimental,
        parent: Some(key("edge", "gw")),
        listeners: vec![listener("https", host, Some(("", "t")))],
    };
    let mut gw = gateway("edge", "gw", vec![]);
    gw.allowed_listeners = AllowedNamespaces::All;
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Gateway(gw)));
    inventory.apply(Change::Set(Object::ListenerSet(set(false, "standard.example"))));
    inventory.apply(Change::Set(Object::ListenerSet(set(true, "experimental.example"))));
    let mut route = http_route("shop", "r", ("shop", "extra"), &["experimental.example"]);
    route.parents[0].kind = "XListenerSet".into();
    inventory.apply(Change::Set(Object::Route(route)));
    inventory.derive();
    let of_kind = |kind| -> Vec<String> {
        let all = inventory.bindings().iter();
        all.filter(|(_, b)| b.route.kind == kind)
            .map(|(_, b)| format!("{} {}", b.host, b.routes.len()))
            .collect()
    };
    assert_eq!(of_kind(Kind::ListenerSet), ["standard.example 0"]);
    assert_eq!(of_kind(Kind::XListenerSet), ["experimental.example 1"]);
    assert_eq!(inventory.routes_named(Kind::XListenerSet, "extra").len(), 1);
    inventory.apply(Change::Gone(Kind::ListenerSet, key("shop", "extra")));
    inventory.derive();
    assert_eq!(hosts(&inventory), [row("shop/extra", "experimental.example", "https")]);
}

#[test]
fn a_grant_is_for_the_group_that_it_names() {
    for (group, permitted) in [("gateway.networking.x-k8s.io", true), (gateway::GROUP, false)] {
        let mut inventory = Inventory::new("c", false);
        inventory.apply(Change::Set(Object::ReferenceGrant(ReferenceGrant {
            meta: meta("certs", "g"),
            from: vec![GrantFrom {
                group: group.into(),
                kind: "XListenerSet".into(),
                namespace: "shop".into(),
            }],
            to: vec![GrantTo {
                group: Text::default(),
                kind: "Secret".into(),
                name: None,
            }],
        })));
        let permits = inventory.permits(Kind::XListenerSet, &"shop".into(), &key("certs", "t"));
        assert_eq!(permits, permitted, "{group}");
    }
}

#[test]
fn ingress_routes_of_both_groups_are_read_and_one_word_means_both() {
    let route = |old, host: &str| IngressRoute {
        meta: meta("shop", "web"),
        old,
        hosts: vec![host.into()],
        tls: Some(crate::object::traefik::IngressRouteTls::default()),
        ..IngressRoute::default()
    };
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::IngressRoute(route(false, "new.example"))));
    inventory.apply(Change::Set(Object::IngressRoute(route(true, "old.example"))));
    inventory.derive();
    assert_eq!(
        hosts(&inventory),
        [row("shop/web", "new.example", ""), row("shop/web", "old.example", "")]
    );
    assert_eq!(inventory.routes_named(Kind::IngressRoute, "web").len(), 2);
    assert_eq!(inventory.routes_named(Kind::OldIngressRoute, "web").len(), 1);
    inventory.apply(Change::Gone(Kind::IngressRoute, key("shop", "web")));
    inventory.derive();
    assert_eq!(hosts(&inventory), [row("shop/web", "old.example", "")]);
}

#[test]
fn a_secret_that_could_not_be_read_once_is_known_when_it_is_read_or_gone() {
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Listed(Kind::Secret));
    let tls = key("a", "tls");
    inventory.mark_unreadable(tls.clone());
    assert!(inventory.is_unread(&tls), "reading it failed in passing");
    inventory.apply(Change::Gone(Kind::Secret, tls.clone()));
    assert!(!inventory.is_unread(&tls) && inventory.is_absent(&tls));

    inventory.mark_unreadable(tls.clone());
    inventory.store(good("a", "tls", &["x.example"]));
    assert!(!inventory.is_unread(&tls));
    inventory.apply(Change::Gone(Kind::Secret, tls.clone()));
    assert!(!inventory.is_unread(&tls), "it was read, and is gone since");
}

/// The names of the Secrets of each binding, in order.
fn secrets_of(inventory: &Inventory) -> Vec<Vec<&str>> {
    let bindings = inventory.bindings().iter();
    bindings
        .map(|(_, b)| b.secrets.iter().map(|key| key.name.as_str()).collect())
        .collect()
}

#[test]
fn entries_without_hosts_bring_many_secrets_to_each_host_and_all_share_one_list() {
    let hosts: Vec<String> = (0..500).map(|n| format!("h{n}.example")).collect();
    let named: Vec<String> = (0..500).map(|n| format!("s{n:03}")).collect();
    for wild in [false, true] {
        let entry = if wild { &["*.example"][..] } else { &[] };
        let mut tls: Vec<(&[&str], &str)> = named.iter().map(|name| (entry, name.as_str())).collect();
        // One more that every host has already, one without a Secret, and one that lists a host itself.
        tls.extend([(entry, "s001"), (entry, ""), (&["h7.example"], "own")]);
        let mut web = ingress("a", "web", &tls);
        web.rules = hosts.iter().map(|host| Text::from(host.as_str())).collect();
        let mut inventory = Inventory::new("c", false);
        inventory.apply(Change::Set(Object::IngressClass(class(
            "nginx",
            "k8s.io/ingress-nginx",
        ))));
        web.class = Some("nginx".into());
        inventory.apply(Change::Set(Object::Ingress(web)));
        inventory.derive();
        let secrets = secrets_of(&inventory);
        assert_eq!(secrets.len(), 500);
        for (at, secrets) in secrets.iter().enumerate() {
            let first = if at == 7 {
                &["own", "s000"][..]
            } else {
                &["s000", "s001"]
            };
            assert_eq!((secrets.len(), &secrets[..2]), (derive::MANY, first), "host {at}");
        }
        let bindings = inventory.bindings();
        let lists: HashSet<*const Key> = bindings.iter().map(|(_, b)| b.secrets.as_ptr()).collect();
        assert_eq!(lists.len(), 2);
    }
}

#[test]
fn a_listener_brings_no_more_secrets_to_its_hosts() {
    let mut many = listener("https", "", None);
    many.certificate_refs = (0..500)
        .flat_map(|n| listener("x", "", Some(("", &format!("s{n}")))).certificate_refs)
        .collect();
    let mut inventory = Inventory::new("c", false);
    inventory.apply(Change::Set(Object::Gateway(gateway("a", "gw", vec![many]))));
    let hosts: Vec<String> = (0..50).map(|n| format!("h{n}.example")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    inventory.apply(Change::Set(Object::Route(http_route("a", "web", ("a", "gw"), &hosts))));
    inventory.derive();
    let secrets = secrets_of(&inventory);
    assert_eq!(
        (secrets.len(), secrets[3].len(), secrets[3][1]),
        (50, derive::MANY, "s1")
    );
    let lists: HashSet<*const Key> = inventory.bindings().iter().map(|(_, b)| b.secrets.as_ptr()).collect();
    assert_eq!(lists.len(), 1);
}
