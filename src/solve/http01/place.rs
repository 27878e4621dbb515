//! The challenge route of a host: the route, its controller and class, its addresses; for a Gateway the listener of
//! port 80.

use crate::{
    inventory::{
        Controller, Inventory, RouteKey,
        gateway::{OwnedListener, intersection},
        ingress::{EVERY_HOST, normal_host},
        query::ClassState,
    },
    object::{Ingress, Kind, Text, annotation, gateway::AllowedNamespaces, route::Shape},
    solve::SolveError,
};

/// The port at which HTTP-01 is validated (RFC 8555, section 8.3).
pub const HTTP: u16 = 80;

/// How an Ingress names its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// In spec.ingressClassName.
    Field(Text),
    /// In the annotation that preceded the field, which needs no `IngressClass`.
    Annotation(Text),
    /// Not at all: the default class applies.
    Default,
    /// There is none: a proxy of the user's own leads the path of all challenges to the answers.
    Proxy,
}

/// One listener that an `HTTPRoute` attaches to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The kind of its owner: `Gateway` or `ListenerSet`.
    pub kind: Kind,
    /// The namespace of its owner.
    pub namespace: Text,
    /// The name of its owner.
    pub name: Text,
    /// The name of the listener.
    pub section: Text,
    /// The port of the listener.
    pub port: u16,
}

/// Where the challenge of a host is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeRoute {
    /// The route; `None` for a host without one.
    pub route: Option<RouteKey>,
    /// The kind of the route, which determines the object that is made.
    pub kind: Kind,
    /// The namespace in which objects are made.
    pub namespace: Text,
    /// The controller behind the route.
    pub controller: Controller,
    /// How the route names its class.
    pub class: Class,
    /// The addresses in the status of the route.
    pub addresses: Vec<Text>,
    /// Whether F5's controller permits other Ingresses to add paths to this one.
    pub mergeable: bool,
    /// Whether the route may ask for a login, which would apply to an added path too.
    pub login: bool,
    /// For a Gateway: first the listener of port 80, then that of the host's HTTPS, to which a redirect may lead.
    pub parents: Vec<Parent>,
}

impl ChallengeRoute {
    /// The challenge route for `host`, which a binding of `route` has.
    ///
    /// Fails for a Gateway without a listener of port 80 for the host, or if none admits routes of a suitable
    /// namespace. The message says which line to change.
    pub fn of(inventory: &Inventory, route: &RouteKey, host: &str) -> Result<Self, SolveError> {
        if route.kind == Kind::Domain {
            return Self::of_domain(inventory, route, host);
        }
        let base = Self {
            route: Some(route.clone()),
            kind: route.kind,
            namespace: route.key.namespace.clone(),
            controller: inventory.controller(route),
            class: Class::Default,
            addresses: inventory.addresses(route).to_vec(),
            mergeable: false,
            login: false,
            parents: Vec::new(),
        };
        let annotated = |key| inventory.route_meta(route).and_then(|meta| meta.annotation(key));
        match route.kind.route().map(|facts| facts.shape) {
            Some(Shape::Entries) => Ok(Self {
                class: inventory
                    .ingress(&route.key)
                    .map_or(Class::Default, |ingress| class_of(inventory, ingress)),
                login: annotation::LOGIN.iter().any(|key| annotated(key).is_some()),
                mergeable: annotated(annotation::F5_MERGEABLE) == Some("master"),
                ..base
            }),
            Some(Shape::Hosts | Shape::Fields(_)) => Ok(Self {
                class: annotated(annotation::INGRESS_CLASS)
                    .map_or(Class::Default, |name| Class::Annotation(name.into())),
                ..base
            }),
            Some(Shape::Listeners) => {
                let (namespace, parents) = listeners(inventory, route, host)?;
                Ok(Self {
                    namespace,
                    parents,
                    ..base
                })
            }
            None => Err(SolveError::new(format!("a {} routes no requests", route.kind.as_str()))),
        }
    }

    /// The challenge route for the host of a Domain, which leads no requests itself: that of another route with the host, or of
    /// the usual class.
    fn of_domain(inventory: &Inventory, domain: &RouteKey, host: &str) -> Result<Self, SolveError> {
        let bindings = inventory.bindings_of_host(host).iter();
        let mut others = bindings
            .filter_map(|id| inventory.bindings().get(*id))
            .filter(|binding| {
                binding.route.kind != Kind::Domain && binding.route.key.namespace == domain.key.namespace
            });
        match others.next() {
            Some(binding) => Self::of(inventory, &binding.route, host),
            None => Ok(Self::of_class(inventory, &domain.key.namespace, None)),
        }
    }

    /// The same for a host whose requests a proxy of the user's own leads to the answers.
    #[must_use]
    pub fn by_proxy(self) -> Self {
        Self {
            kind: Kind::Ingress,
            controller: Controller::Unknown,
            class: Class::Proxy,
            parents: Vec::new(),
            addresses: Vec::new(),
            ..self
        }
    }

    /// The challenge route for a host without a route: an Ingress of the class `class`, of the default class, or of the
    /// only class.
    pub fn of_class(inventory: &Inventory, namespace: &str, class: Option<&str>) -> Self {
        let as_ingress = Ingress {
            class: class.map(Into::into).or_else(|| inventory.usual_class().cloned()),
            ..Ingress::default()
        };
        Self {
            route: None,
            kind: Kind::Ingress,
            namespace: namespace.into(),
            controller: inventory.controller_of_ingress(&as_ingress).0,
            class: class_of(inventory, &as_ingress),
            addresses: Vec::new(),
            mergeable: false,
            login: false,
            parents: Vec::new(),
        }
    }
}

/// The class as the Ingress names it. Traefik ignores a class field without an `IngressClass`, and reads the
/// annotation.
fn class_of(inventory: &Inventory, ingress: &Ingress) -> Class {
    match (&ingress.class, ingress.meta.annotation(annotation::INGRESS_CLASS)) {
        (Some(name), _) => {
            let (controller, state) = inventory.controller_of_ingress(ingress);
            if state == ClassState::NotFound && controller == Controller::Traefik {
                Class::Annotation(name.clone())
            } else {
                Class::Field(name.clone())
            }
        }
        (None, Some(name)) => Class::Annotation(name.into()),
        (None, None) => Class::Default,
    }
}

/// The namespace for an `HTTPRoute`, and the listeners that it attaches to: that of port 80, and that of HTTPS.
fn listeners(inventory: &Inventory, route: &RouteKey, host: &str) -> Result<(Text, Vec<Parent>), SolveError> {
    let owner = route.to_string();
    let Some(gateway) = inventory.gateway_of(route) else {
        return Err(SolveError::new(format!("{owner} has no Gateway")).hint("check its spec.parentRef"));
    };
    let gateway = gateway.meta.key();
    let all = inventory.listeners(&gateway);
    let takes_host = |l: &&OwnedListener<'_>| {
        let hostname = l
            .listener
            .hostname
            .as_deref()
            .map_or_else(|| EVERY_HOST.into(), normal_host);
        intersection(&hostname, host).is_some()
    };
    let gateway_name = format!("Gateway {}/{}", gateway.namespace, gateway.name);
    let plain: Vec<_> = all
        .iter()
        .filter(|l| l.listener.port == HTTP && l.listener.protocol.eq_ignore_ascii_case("HTTP"))
        .collect();
    if plain.is_empty() {
        return Err(SolveError::new(format!(
            "{gateway_name} has no listener with port 80 and protocol HTTP, which a CA uses"
        ))
        .hint(format!(
            "add to its spec.listeners {{name: http, port: 80, protocol: HTTP}}, or use DNS-01 for {host}"
        )));
    }
    let fitting: Vec<_> = plain.iter().copied().filter(takes_host).collect();
    let Some(first) = fitting.first() else {
        let names: Vec<&str> = plain.iter().map(|l| l.listener.name.as_str()).collect();
        return Err(SolveError::new(format!(
            "no listener of port 80 of {gateway_name} accepts {host} (its listeners: {})",
            names.join(", ")
        ))
        .hint("widen the listener's hostname, or add a listener for the host"));
    };
    // The Secret is usually beside the listener, so a user who may write the Secret can probably write here; then the
    // namespaces of the routes.
    let mut namespaces = vec![route.key.namespace.clone(), gateway.namespace.clone()];
    let of_host = inventory.bindings_of_route(route).filter(|b| b.host == host);
    namespaces.extend(of_host.flat_map(|b| b.routes.iter().map(|r| r.key.namespace.clone())));
    for namespace in namespaces {
        let lets_in = |l: &&&OwnedListener<'_>| {
            let kinds = &l.listener.allowed_kinds;
            inventory.admits(&l.listener.allowed_routes, &l.meta.namespace, &namespace)
                && (kinds.is_empty() || kinds.iter().any(|kind| kind == "HTTPRoute"))
        };
        let Some(http) = fitting.iter().find(|l| lets_in(l)) else {
            continue;
        };
        let https = all
            .iter()
            .filter(|l| l.listener.protocol.eq_ignore_ascii_case("HTTPS"))
            .filter(takes_host)
            .find(|l| lets_in(&l));
        let parents = std::iter::once(*http).chain(https).map(parent).collect();
        return Ok((namespace, parents));
    }
    let listener = first.listener;
    let line = if !listener.allowed_kinds.is_empty() && !listener.allowed_kinds.iter().any(|k| k == "HTTPRoute") {
        "allowedRoutes.kinds: add HTTPRoute"
    } else if listener.allowed_routes == AllowedNamespaces::None {
        "allowedRoutes.namespaces.from: Same"
    } else {
        "allowedRoutes.namespaces: let in its own namespace"
    };
    Err(SolveError::new(format!(
        "the listener {} (port 80) of {} {}/{} admits no HTTPRoute of namespace {}",
        listener.name,
        first.kind.as_str(),
        first.meta.namespace,
        first.meta.name,
        route.key.namespace
    ))
    .hint(format!("change its {line}")))
}

fn parent(owned: &OwnedListener<'_>) -> Parent {
    Parent {
        kind: owned.kind,
        namespace: owned.meta.namespace.clone(),
        name: owned.meta.name.clone(),
        section: owned.listener.name.clone(),
        port: owned.listener.port,
    }
}

#[cfg(test)]
mod tests;
