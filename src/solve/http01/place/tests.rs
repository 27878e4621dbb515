use super::*;
use crate::{
    inventory::fixtures::{class, ingress, key, meta},
    object::{
        Change, Gateway, HostRoute, More, Object, Route,
        gateway::{LabelSelector, Listener, Operator, ParentRef, Requirement},
        route::{HostTls, RouteStatus},
    },
};

fn inventory(objects: Vec<Object>) -> Inventory {
    let mut inventory = Inventory::new("test", false);
    for object in objects {
        inventory.apply(Change::Set(object));
    }
    for kind in [Kind::IngressClass, Kind::Gateway, Kind::GatewayClass, Kind::Ingress] {
        inventory.apply(Change::Listed(kind));
    }
    inventory.derive();
    inventory
}

fn listener(name: &str, port: u16, protocol: &str) -> Listener {
    Listener {
        name: name.into(),
        port,
        protocol: protocol.into(),
        ..Listener::default()
    }
}

fn gateway(listeners: Vec<Listener>) -> Object {
    Object::Gateway(Gateway {
        meta: meta("edge", "gw"),
        class: "any".into(),
        listeners,
        addresses: vec!["192.0.2.7".into()],
        ..Gateway::default()
    })
}

fn of_gateway(listeners: Vec<Listener>) -> Result<ChallengeRoute, SolveError> {
    let route = RouteKey::new(Kind::Gateway, key("edge", "gw"));
    let host_route = Object::Route(Route {
        kind: Kind::HttpRoute,
        meta: meta("shop", "web"),
        parents: vec![ParentRef {
            kind: "Gateway".into(),
            namespace: Some("edge".into()),
            name: "gw".into(),
            section: None,
            port: None,
        }],
        hostnames: vec!["shop.example".into()],
    });
    ChallengeRoute::of(&inventory(vec![gateway(listeners), host_route]), &route, "shop.example")
}

#[test]
fn the_class_is_said_as_the_route_says_it() {
    let mut by_field = ingress("shop", "field", &[(&["a.example"], "tls")]);
    by_field.class = Some("edge".into());
    let mut by_annotation = ingress("shop", "annotation", &[(&["b.example"], "tls")]);
    by_annotation.meta.more = More {
        annotations: [(annotation::INGRESS_CLASS.into(), "nginx".into())].into(),
        ..More::default()
    }
    .boxed();
    let neither = ingress("shop", "neither", &[(&["c.example"], "tls")]);
    let mut without_object = ingress("shop", "lost", &[(&["d.example"], "tls")]);
    without_object.class = Some("traefik".into());
    let inventory = inventory(vec![
        Object::IngressClass(class("edge", "k8s.io/ingress-nginx")),
        Object::Ingress(by_field),
        Object::Ingress(by_annotation),
        Object::Ingress(neither),
        Object::Ingress(without_object),
    ]);
    let place = |name: &str, host: &str| {
        ChallengeRoute::of(&inventory, &RouteKey::new(Kind::Ingress, key("shop", name)), host).unwrap()
    };
    let field = place("field", "a.example");
    assert_eq!(field.class, Class::Field("edge".into()));
    assert_eq!(field.controller, Controller::IngressNginx);
    assert_eq!(
        place("annotation", "b.example").class,
        Class::Annotation("nginx".into())
    );
    assert_eq!(place("neither", "c.example").class, Class::Default);
    assert_eq!(
        place("lost", "d.example").class,
        Class::Annotation("traefik".into()),
        "a class field without an IngressClass: Traefik does not look at such an Ingress"
    );
    assert_eq!(
        ChallengeRoute::of_class(&inventory, "shop", Some("edge")).class,
        Class::Field("edge".into())
    );
}

#[test]
fn a_host_without_route_goes_to_the_only_class_and_never_to_one_of_several() {
    let class_of = |classes: &[&str]| {
        let classes = classes
            .iter()
            .map(|name| Object::IngressClass(class(name, "k8s.io/ingress-nginx")));
        ChallengeRoute::of_class(&inventory(classes.collect()), "shop", None).class
    };
    assert_eq!(class_of(&["edge"]), Class::Field("edge".into()));
    assert_eq!(class_of(&["edge", "inner"]), Class::Default);
    assert_eq!(class_of(&[]), Class::Default);
}

#[test]
fn a_gateways_challenge_goes_to_the_listener_of_port_80_and_where_its_redirect_leads() {
    let mut https = listener("https", 443, "HTTPS");
    https.hostname = Some("shop.example".into());
    let place = of_gateway(vec![listener("http", 80, "HTTP"), https]).unwrap();
    assert_eq!(place.namespace, "edge");
    assert_eq!(place.addresses, ["192.0.2.7"]);
    let sections: Vec<_> = place.parents.iter().map(|p| (p.section.as_str(), p.port)).collect();
    assert_eq!(sections, [("http", 80), ("https", 443)]);
}

#[test]
fn a_gateway_that_cannot_take_it_says_which_line_to_change() {
    let error = of_gateway(vec![listener("https", 443, "HTTPS")]).unwrap_err();
    assert!(
        error.message.contains("Gateway edge/gw has no listener with port 80"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("port: 80"));

    let mut other_host = listener("http", 80, "HTTP");
    other_host.hostname = Some("*.blog.example".into());
    let error = of_gateway(vec![other_host]).unwrap_err();
    assert!(error.message.contains("accepts shop.example"), "{error}");
    assert!(error.hint.unwrap().contains("hostname"));

    let mut grpc_only = listener("http", 80, "HTTP");
    grpc_only.allowed_kinds = vec!["GRPCRoute".into()];
    let error = of_gateway(vec![grpc_only]).unwrap_err();
    assert!(error.hint.unwrap().contains("allowedRoutes.kinds"));

    let mut nobody = listener("http", 80, "HTTP");
    nobody.allowed_routes = AllowedNamespaces::None;
    let error = of_gateway(vec![nobody]).unwrap_err();
    assert!(
        error.message.contains("admits no HTTPRoute of namespace edge"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("allowedRoutes.namespaces.from"));
}

#[test]
fn where_the_gateways_own_namespace_is_not_let_in_that_of_the_hosts_route_is_taken() {
    let mut of_shops = listener("http", 80, "HTTP");
    let mut https = listener("https", 443, "HTTPS");
    let selector = AllowedNamespaces::Selector(LabelSelector {
        requirements: vec![Requirement {
            key: "shop".into(),
            operator: Operator::Exists,
            values: Vec::new(),
        }],
    });
    of_shops.allowed_routes = selector.clone();
    https.allowed_routes = selector;
    let mut inventory = Inventory::new("test", false);
    for object in [
        gateway(vec![of_shops, https]),
        Object::Namespace(crate::object::Meta {
            name: "edge".into(),
            ..crate::object::Meta::default()
        }),
        Object::Namespace(crate::object::Meta {
            name: "shop".into(),
            more: More {
                labels: [("shop".into(), "".into())].into(),
                ..More::default()
            }
            .boxed(),
            ..crate::object::Meta::default()
        }),
        Object::Route(Route {
            kind: Kind::HttpRoute,
            meta: meta("shop", "web"),
            parents: vec![ParentRef {
                kind: "Gateway".into(),
                namespace: Some("edge".into()),
                name: "gw".into(),
                section: None,
                port: None,
            }],
            hostnames: vec!["shop.example".into()],
        }),
    ] {
        inventory.apply(Change::Set(object));
    }
    inventory.derive();
    let place = ChallengeRoute::of(
        &inventory,
        &RouteKey::new(Kind::Gateway, key("edge", "gw")),
        "shop.example",
    )
    .unwrap();
    assert_eq!(place.namespace, "shop");
    assert_eq!(place.parents.len(), 2);
}

#[test]
fn a_domain_is_led_by_another_route_with_its_host_or_by_the_usual_class_or_by_a_proxy() {
    let domain = |name: &str, host: &str| {
        Object::HostRoute(HostRoute {
            kind: Kind::Domain,
            meta: meta("shop", name),
            hosts: vec![host.into()],
            other_hosts: false,
            tls: Some(HostTls {
                secret: Some("tls".into()),
                ..HostTls::default()
            }),
            status: Some(RouteStatus::default()),
        })
    };
    let mut chunk = ingress("shop", "chunk", &[(&["a.example"], "tls")]);
    chunk.class = Some("inner".into());
    // Another tenant's route with the host says nothing of this one.
    let theirs = ingress("theirs", "web", &[(&["b.example"], "tls")]);
    let inventory = inventory(vec![
        Object::IngressClass(class("inner", "traefik.io/ingress-controller")),
        Object::Ingress(chunk),
        Object::Ingress(theirs),
        domain("a", "a.example"),
        domain("b", "b.example"),
    ]);
    let place = |name: &str, host: &str| {
        ChallengeRoute::of(&inventory, &RouteKey::new(Kind::Domain, key("shop", name)), host).unwrap()
    };
    let (led, unled) = (place("a", "a.example"), place("b", "b.example"));
    assert_eq!(led.route.map(|route| route.kind), Some(Kind::Ingress));
    assert_eq!(led.class, Class::Field("inner".into()));
    assert_eq!((unled.route.as_ref(), unled.controller), (None, Controller::Traefik));
    assert_eq!(unled.namespace, "shop");
    assert_eq!(unled.by_proxy().class, Class::Proxy);
}
