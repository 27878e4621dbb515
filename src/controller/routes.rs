//! The routes that stay: for each class of Traefik that serves a wanted host, two Ingresses that lead the path of all
//! challenges to the leader, over HTTP and, for an entry point that redirects to HTTPS, over TLS.
//!
//! They are written when a class is first needed and when another replica leads. Thousands of issuances write no others.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::networking::v1::{HTTPIngressRuleValue, Ingress, IngressRule, IngressSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::{Value, json};

use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, Verb,
        mark::{MANAGED_BY, MANAGER, PURPOSE, selector, short_hash},
    },
    inventory::{Controller, Inventory, RouteKey},
    k8s::{Believed, Edit, Marked as _, Own as _},
    object::{
        Key,
        Kind,
        Text,
        // The server completes objects, so that they cannot be compared themselves: a hash of what was written can.
        annotation::{self, ROUTE_WRITTEN as WRITTEN},
        resource::{ENDPOINTSLICE, INGRESS, Resource, SERVICE},
    },
    solve::http01::{
        ChallengeRoute, Class,
        objects::{self, PathBackend, SERVICE_PORT},
        standing::{self, Standing, class_of},
        table::{self, PathType},
    },
};

/// The classes to which routes are given, by their words.
pub type Classes = BTreeMap<String, Class>;

/// What the routes in a namespace need.
pub fn permits(namespace: &str) -> Permits {
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    [SERVICE, ENDPOINTSLICE, INGRESS]
        .into_iter()
        .fold(Permits::none(), |all, resource| {
            all.with(Permit::prefix(&verbs, resource, namespace, Purpose::Standing.prefix()))
        })
}

/// The class of a route that Traefik serves, for a route that stays; `None` for every other controller.
pub fn class_of_route(inventory: &Inventory, route: &RouteKey, host: &str) -> Option<Class> {
    // A Domain has the controller of whatever leads requests for its host.
    if route.kind != Kind::Domain && inventory.controller(route) != Controller::Traefik {
        return None;
    }
    let place = ChallengeRoute::of(inventory, route, host).ok()?;
    let is_traefiks = place.controller == Controller::Traefik && place.parents.is_empty();
    is_traefiks.then_some(place.class)
}

/// Whether another installation has routes that stay. All of them are for every host, so that with two of them it is
/// chance which one Traefik takes: challenges then get objects of their own, which come before both.
async fn has_another(api: &Api, namespace: &str) -> Result<bool, ApiError> {
    let found = api.list(INGRESS, None, Some(&selector(Some(Purpose::Standing)))).await;
    match found {
        Ok(found) => Ok(found.iter().any(|object| {
            let metadata = &object["metadata"];
            metadata["namespace"] != namespace && metadata["deletionTimestamp"].is_null()
        })),
        // Who may not look at other namespaces shares no controller with them, as a rule.
        Err(error) if error.is_forbidden() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes what is missing or differs, and has the responder know which classes lead to it. Returns whether they do: not where
/// another installation has such routes.
///
/// # Errors
///
/// The server refuses an object. Challenges then get objects of their own.
pub async fn write(api: &Api, namespace: &str, classes: &Classes, to: &Standing) -> Result<bool, ApiError> {
    if classes.is_empty() {
        return Ok(true);
    }
    if has_another(api, namespace).await? {
        to.led_by(BTreeSet::new());
        return Ok(false);
    }
    let api = api.with_permits(permits(namespace));
    let name = Purpose::Standing.name(namespace);
    let Ok(row) = table::row(Controller::Traefik, Kind::Ingress, false, true) else {
        return Ok(false);
    };
    let service = objects::service(namespace, &name, None, false, &row);
    let slice = objects::endpoint_slice(namespace, &name, to.address());
    put(&api, SERVICE, service.json()).await?;
    put(&api, ENDPOINTSLICE, slice.json()).await?;
    for class in classes.values() {
        for tls in [false, true] {
            put(&api, INGRESS, ingress(namespace, &name, class, tls).json()).await?;
        }
    }
    to.led_by(classes.keys().cloned().collect());
    Ok(true)
}

/// The Service to which proxies of the platform's own lead the challenges of customers' domains, in the namespace of the controller.
pub const CHALLENGES: &str = "kubectl-certs-challenges";

/// Has that Service lead to this process. No object of this program leads to it.
///
/// # Errors
///
/// The server refuses an object.
pub async fn write_for_proxies(api: &Api, namespace: &str, to: &Standing) -> Result<(), ApiError> {
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    let permits = Permits::none()
        .with(Permit::one(&verbs, SERVICE, namespace, CHALLENGES))
        .with(Permit::one(&verbs, ENDPOINTSLICE, namespace, CHALLENGES));
    let api = api.with_permits(permits);
    let service = objects::service(namespace, CHALLENGES, None, false, &table::BY_PROXY);
    put(&api, SERVICE, service.json()).await?;
    let slice = objects::endpoint_slice(namespace, CHALLENGES, to.address());
    put(&api, ENDPOINTSLICE, slice.json()).await
}

/// One route: of every host, below the rules of all applications and of exact tokens.
fn ingress(namespace: &str, service: &str, class: &Class, tls: bool) -> Ingress {
    let identity = format!("{namespace}/{}/{tls}", class_of(class));
    let mut metadata = ObjectMeta {
        namespace: Some(namespace.to_owned()),
        name: Some(Purpose::Standing.name(&identity).to_string()),
        ..ObjectMeta::default()
    };
    metadata.annotate(
        "traefik.ingress.kubernetes.io/router.priority",
        &standing::PRIORITY.to_string(),
    );
    if tls {
        metadata.annotate(annotation::TRAEFIK_TLS, "true");
    }
    let mut class_name = None;
    match class {
        Class::Field(name) => class_name = Some(name.to_string()),
        Class::Annotation(name) => metadata.annotate(annotation::INGRESS_CLASS, name),
        Class::Default | Class::Proxy => {}
    }
    let target = PathBackend {
        service,
        port: SERVICE_PORT,
    };
    Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: class_name,
            rules: Some(vec![IngressRule {
                host: None,
                http: Some(HTTPIngressRuleValue {
                    paths: vec![objects::ingress_path(standing::PATH, PathType::Prefix, target)],
                }),
            }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

/// Writes an object unless it is there as it was written.
async fn put(api: &Api, resource: Resource, mut object: Value) -> Result<(), ApiError> {
    let text = |field: &str| Text::from(object["metadata"][field].as_str().unwrap_or_default());
    let key = Key::new(text("namespace"), text("name"));
    let hash = short_hash(&object.to_string());
    merge(
        &mut object["metadata"]["labels"],
        &[(MANAGED_BY, MANAGER), (PURPOSE, Purpose::Standing.as_str())],
    );
    merge(&mut object["metadata"]["annotations"], &[(WRITTEN, &hash)]);
    api.update(resource, &key, Believed::Unknown, |present| {
        let same = |present: &Value| present["metadata"]["annotations"][WRITTEN] == hash.as_str();
        Ok::<_, ApiError>(if present.is_some_and(same) {
            Edit::Nothing
        } else {
            Edit::Whole(object.clone())
        })
    })
    .await?;
    Ok(())
}

fn merge(map: &mut Value, entries: &[(&str, &str)]) {
    if !map.is_object() {
        *map = json!({});
    }
    for (key, value) in entries {
        map[*key] = (*value).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_stays_is_for_every_host_and_below_all_other_rules() {
        let plain = ingress("certs", "s", &Class::Field("traefik".into()), false).json();
        assert_eq!(plain["spec"]["ingressClassName"], "traefik");
        let rule = &plain["spec"]["rules"][0];
        assert!(rule["host"].is_null());
        assert_eq!(rule["http"]["paths"][0]["path"], "/.well-known/acme-challenge/");
        assert_eq!(rule["http"]["paths"][0]["pathType"], "Prefix");
        let annotations = &plain["metadata"]["annotations"];
        assert_eq!(annotations["traefik.ingress.kubernetes.io/router.priority"], "90");
        assert!(annotations[annotation::TRAEFIK_TLS].is_null());
        let tls = ingress("certs", "s", &Class::Annotation("edge".into()), true).json();
        assert_ne!(tls["metadata"]["name"], plain["metadata"]["name"]);
        assert_eq!(tls["metadata"]["annotations"][annotation::TRAEFIK_TLS], "true");
        assert_eq!(tls["metadata"]["annotations"][annotation::INGRESS_CLASS], "edge");
    }
}
