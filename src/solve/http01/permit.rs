//! What a solver writes, for the plan. Nothing else is sent, and the rights for it are checked beforehand.

use super::{Backend, ChallengeRoute, Class, Options, config_map, table::Routing};
use crate::{
    apply::{Permit, Permits, Purpose, Right, Verb, rights::Missing},
    error::Diagnose,
    inventory::Controller,
    object::resource::{CONFIGMAP, ENDPOINTSLICE, HTTPROUTE, INGRESS, INGRESSROUTE, JOB, POD, Resource, SERVICE},
    settings::value::SelfCheck,
    solve::SolveError,
};

/// The hint if the built-in roles are not enough.
pub(super) const ENDPOINTSLICE_HINT: &str = "the built-in roles edit and admin may not write EndpointSlices: answer with a Pod (--solver pod), or ask for \
     create and delete on endpointslices.discovery.k8s.io";

const MAKE: [Verb; 3] = [Verb::Create, Verb::Get, Verb::Delete];

/// What to do about missing rights: a method that does without all of them, if there is one, instead of asking for some
/// of [`permits`].
pub fn rights_hint(missing: &Missing) -> Option<String> {
    let mut others = missing.rights.iter().map(right_hint);
    let first = others.next().flatten();
    first
        .filter(|first| others.all(|other| other == Some(first)))
        .map(str::to_owned)
        .or_else(|| missing.hint())
}

fn right_hint(right: &Right) -> Option<&'static str> {
    match right.resource {
        ENDPOINTSLICE => Some(ENDPOINTSLICE_HINT),
        JOB | POD => Some("answer without a Pod (--solver endpoint or service), or use DNS-01 (--dns)"),
        INGRESS | HTTPROUTE | INGRESSROUTE => {
            Some("let your own proxy pass the challenges to a Service (--solver service), or use DNS-01 (--dns)")
        }
        _ => None,
    }
}

/// Whether the challenges of this many hosts share Ingresses: Traefik writes the status of each new Ingress before it
/// serves anything new, and its client writes ten at once and then five a second.
pub(super) fn is_together(hosts: usize) -> bool {
    hosts > 8
}

/// The kind of object for a routing.
pub(super) fn resource_of(routing: Routing) -> Option<Resource> {
    match routing {
        Routing::Ingress => Some(INGRESS),
        Routing::HttpRoute => Some(HTTPROUTE),
        Routing::IngressRoute => Some(INGRESSROUTE),
        Routing::InPlace | Routing::Nothing => None,
    }
}

/// Why no solver can answer through a place, with the route and its class; `None` if one can.
pub fn refusal(options: &Options, place: &ChallengeRoute) -> Option<SolveError> {
    let error = super::solver::row_of(options, place).err()?;
    let class = match &place.class {
        Class::Field(name) | Class::Annotation(name) => format!(" of class {name}"),
        Class::Default => " of the default class".to_owned(),
        Class::Proxy => " behind a proxy".to_owned(),
    };
    let what = match &place.route {
        Some(route) => format!("{route}{class}"),
        None => format!("an Ingress{class} in namespace {}", place.namespace),
    };
    Some(SolveError {
        message: format!("{what}: {}", error.message),
        ..error
    })
}

/// The rights that answering challenges for the places needs. Fails as the solver would, for an unknown controller.
pub fn permits<'a>(
    options: &Options,
    places: impl IntoIterator<Item = &'a ChallengeRoute>,
) -> Result<Permits, SolveError> {
    let prefix = Purpose::Solver.prefix();
    let mut permits = Permits::none();
    let places: Vec<&ChallengeRoute> = places.into_iter().collect();
    let together = is_together(places.len());
    for place in places {
        let row = super::solver::row_of(options, place)?;
        let namespace = &place.namespace;
        let make_in = |permits: &mut Permits, resource| {
            permits.add(Permit::prefix(&MAKE, resource, namespace.clone(), prefix.as_str()));
        };
        if let Some(resource) = resource_of(row.routing) {
            make_in(&mut permits, resource);
            if together && place.controller == Controller::Traefik && resource == INGRESS {
                permits.add(Permit::prefix(
                    &[Verb::Patch],
                    resource,
                    namespace.clone(),
                    prefix.as_str(),
                ));
            }
        }
        match &options.backend {
            Backend::Pod => {
                make_in(&mut permits, JOB);
                make_in(&mut permits, SERVICE);
            }
            Backend::Endpoint { .. } => {
                make_in(&mut permits, SERVICE);
                make_in(&mut permits, ENDPOINTSLICE);
            }
            Backend::Service(_) => {}
        }
        if looks_from_inside(options) {
            make_in(&mut permits, POD);
        }
        if options.backend == Backend::Pod {
            permits.add(Permit::any(&[Verb::List], POD, namespace.clone()));
        }
        if let Backend::Service(service) = &options.backend {
            permits.add(Permit::one(
                &[Verb::Get],
                SERVICE,
                namespace.clone(),
                service.name.as_str(),
            ));
            let verbs = [Verb::Get, Verb::Create, Verb::Patch, Verb::Delete];
            permits.add(Permit::one(&verbs, CONFIGMAP, namespace.clone(), config_map::NAME));
        }
        if let (Routing::InPlace, Some(route)) = (row.routing, &place.route) {
            let verbs = [Verb::Get, Verb::Patch];
            permits.add(Permit::one(
                &verbs,
                INGRESS,
                route.key.namespace.clone(),
                route.key.name.clone(),
            ));
        }
    }
    Ok(permits)
}

/// Whether a host has to resolve before anything is ordered: the check of the answer follows DNS from here.
pub fn waits_for_dns(self_check: SelfCheck, backend: &Backend) -> bool {
    match self_check {
        SelfCheck::Auto => true,
        SelfCheck::Cluster => !looks_by_pod(backend),
        SelfCheck::Direct | SelfCheck::Wait(_) | SelfCheck::Off => false,
    }
}

/// Whether `--self-check cluster` needs a Pod. If this process answers, it is inside already.
fn looks_by_pod(backend: &Backend) -> bool {
    !matches!(backend, Backend::Endpoint { .. })
}

/// Whether a Pod may be made to check the answer from inside of the cluster. If this process answers, it is inside
/// already.
pub(super) fn looks_from_inside(options: &Options) -> bool {
    match options.self_check {
        SelfCheck::Cluster => looks_by_pod(&options.backend),
        // As the last resort, if the right to create Pods is needed anyway.
        SelfCheck::Auto => options.backend == Backend::Pod,
        SelfCheck::Direct | SelfCheck::Wait(_) | SelfCheck::Off => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::{LEASE, SECRET};

    #[test]
    fn a_host_has_to_resolve_where_the_check_follows_dns_from_here() {
        let here: Backend = Backend::Endpoint {
            listen: ([127, 0, 0, 1], 80).into(),
            advertise: ([127, 0, 0, 1], 80).into(),
        };
        for (self_check, backend, waits) in [
            (SelfCheck::Auto, &Backend::Pod, true),
            (SelfCheck::Cluster, &Backend::Pod, false),
            (SelfCheck::Cluster, &here, true),
            (SelfCheck::Direct, &here, false),
            (SelfCheck::Off, &Backend::Pod, false),
        ] {
            assert_eq!(waits_for_dns(self_check, backend), waits, "{self_check} {backend:?}");
        }
    }

    fn hint(resources: &[Resource]) -> String {
        let permits = resources
            .iter()
            .map(|resource| Permit::prefix(&MAKE, *resource, "shop", "kubectl-certs-"));
        let missing = Missing {
            rights: permits.collect::<Permits>().rights(),
            user: "bob".into(),
        };
        rights_hint(&missing).unwrap()
    }

    #[test]
    fn another_solver_is_advised_only_where_it_does_without_all_that_is_missing() {
        assert!(hint(&[JOB, POD]).starts_with("answer without a Pod"));
        assert!(hint(&[ENDPOINTSLICE]).contains("--solver pod"));
        assert!(hint(&[INGRESS]).contains("--solver service"));
        for many in [
            &[SECRET, LEASE, JOB, POD, SERVICE, INGRESS][..],
            &[JOB, INGRESS],
            &[ENDPOINTSLICE, SERVICE],
            &[SECRET, POD],
        ] {
            let hint = hint(many);
            assert!(
                hint.contains("Role that `kubectl certs rights -n shop` prints") && hint.contains("kubectl auth can-i"),
                "{many:?}: {hint}"
            );
            assert!(!hint.contains("--solver"), "{many:?}: {hint}");
        }
    }
}
