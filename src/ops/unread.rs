//! What could not be read for want of a right, in words: said where it makes a difference, and then exactly.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inventory::{Controller, Inventory},
    object::{Forbidden, Kind},
    text::first_of,
};

/// How many objects are named in a sentence.
const NAMED: usize = 3;

/// What could not be read, a line each. A role of one namespace cannot have the right to lists of the whole cluster: where nothing that was
/// read depends on them, nothing is said of them.
pub(super) fn lines(inventory: &Inventory) -> Vec<String> {
    let mut lists = Vec::new();
    // What is not known, and the kinds for want of which it is not.
    let mut unknown: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for list in inventory.forbidden().iter().filter(|list| list.name.is_none()) {
        match depends(inventory, list) {
            Depends::Content => lists.push(list),
            Depends::On(what) => drop(unknown.entry(what).or_default().insert(list.kind.plural())),
            Depends::Nothing => {
                log::debug!("{} cannot be listed, and nothing depends on it", list.kind.plural());
            }
        }
    }
    let unknown = unknown.into_iter().map(|(what, kinds)| {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        format!(
            "{what}: the right to list {} in all of the cluster is missing, which only a ClusterRole gives",
            kinds.join(", ")
        )
    });
    of_lists(&lists).into_iter().chain(unknown).collect()
}

/// What depends on a list that could not be read.
enum Depends {
    /// Its own objects are missing in the picture.
    Content,
    /// What is not known of others, in a clause.
    On(String),
    Nothing,
}

fn depends(inventory: &Inventory, list: &Forbidden) -> Depends {
    let unknown = |words: &str, of: Vec<String>| match of.as_slice() {
        [] => Depends::Nothing,
        of => Depends::On(format!("{words} {}", first_of(of, NAMED))),
    };
    // Outside of the namespaces that were chosen, only what is in them counts.
    let is_of_others = inventory.namespaces_chosen && list.namespace.is_none();
    match list.kind {
        Kind::IngressClass => unknown(
            "it is not known which controller serves",
            unserved(inventory, |kind| !kind.has_listeners()),
        ),
        Kind::GatewayClass => unknown(
            "it is not known which controller serves",
            unserved(inventory, Kind::has_listeners),
        ),
        Kind::ClusterIssuer => unknown(
            "it is not known whether the issuer is ready of",
            by_cluster_issuers(inventory),
        ),
        kind if is_of_others && kind.is_tls_store() => {
            Depends::On("it is not known which default certificate Traefik serves".to_owned())
        }
        kind if is_of_others && Kind::ATTACHED.contains(&kind) => {
            Depends::On("it is not known which routes of other namespaces attach to the Gateways".to_owned())
        }
        _ => Depends::Content,
    }
}

/// The routes whose controller is not known, each once.
fn unserved(inventory: &Inventory, wanted: impl Fn(Kind) -> bool) -> Vec<String> {
    let bindings = inventory.bindings().iter().map(|(_, binding)| &binding.route);
    let needs_class = bindings.filter(|route| Controller::alone_with(route.kind).is_none() && wanted(route.kind));
    let unknown = needs_class.filter(|route| inventory.controller(route) == Controller::Unknown);
    let once: BTreeSet<String> = unknown.map(ToString::to_string).collect();
    once.into_iter().collect()
}

/// The Certificates that name a `ClusterIssuer`.
fn by_cluster_issuers(inventory: &Inventory) -> Vec<String> {
    let named = inventory
        .certificates()
        .filter(|one| one.issuer.kind == "ClusterIssuer");
    let mut all: Vec<String> = named.map(|one| format!("Certificate {}", one.meta.key())).collect();
    all.sort();
    all
}

/// The lists of namespaces that could not be read, on one line: the verb, the kinds, and where.
fn of_lists(lists: &[&Forbidden]) -> Option<String> {
    let mut of_kind: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for list in lists {
        let places = of_kind.entry((list.verb, list.kind.plural())).or_default();
        places.extend(list.namespace.as_deref());
    }
    // Kinds that could not be read in the same namespaces stand together.
    let mut of_place: BTreeMap<(&str, BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((verb, kind), places) in of_kind {
        of_place.entry((verb, places)).or_default().push(kind);
    }
    let parts: Vec<String> = of_place
        .into_iter()
        .map(|((verb, places), kinds)| {
            let places: Vec<&str> = places.into_iter().collect();
            let place = match places.as_slice() {
                [] => String::new(),
                [one] => format!(" in namespace {one}"),
                [first, second, third, rest @ ..] if !rest.is_empty() => {
                    format!(" in namespaces {first}, {second}, {third} and {} more", rest.len())
                }
                several => format!(" in namespaces {}", several.join(", ")),
            };
            format!("{verb} {}{place}", kinds.join(", "))
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "the right to {} is missing: their content is left out, and -o json has the rules to ask for",
            parts.join("; ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::ingress,
        object::{Change, Object},
    };

    fn forbidden(kind: Kind, namespace: Option<&str>) -> Change {
        Change::Forbidden(Forbidden {
            kind,
            namespace: namespace.map(Into::into),
            name: None,
            verb: "list",
        })
    }

    fn inventory(class: Option<&str>, unread: Vec<Change>) -> Inventory {
        let mut inventory = Inventory::new("", false);
        inventory.namespaces_chosen = true;
        if let Some(class) = class {
            let mut web = ingress("shop", "web", &[(&["shop.example"], "shop-tls")]);
            web.class = Some(class.into());
            inventory.apply(Change::Set(Object::Ingress(web)));
        }
        for change in unread {
            inventory.apply(change);
        }
        inventory.derive();
        inventory
    }

    /// What a Role of one namespace can never list.
    fn of_the_cluster() -> Vec<Change> {
        [Kind::IngressClass, Kind::GatewayClass, Kind::ClusterIssuer]
            .map(|kind| forbidden(kind, None))
            .into()
    }

    #[test]
    fn of_lists_of_the_cluster_only_those_are_told_on_which_something_depends_and_what_depends_on_them() {
        for class in [None, Some("traefik")] {
            assert_eq!(lines(&inventory(class, of_the_cluster())), [""; 0], "{class:?}");
        }
        assert_eq!(
            lines(&inventory(Some("web"), of_the_cluster())),
            [
                "it is not known which controller serves Ingress shop/web: the right to list ingressclasses in all of the cluster is \
                 missing, which only a ClusterRole gives"
            ]
        );
    }

    #[test]
    fn what_is_missing_in_the_namespace_itself_is_told_as_ever() {
        let unread = vec![
            forbidden(Kind::Secret, Some("shop")),
            forbidden(Kind::Gateway, Some("shop")),
            forbidden(Kind::TlsStore, None),
            forbidden(Kind::OldTlsStore, None),
        ];
        let told = lines(&inventory(None, unread));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("the right to list ")
                && told[0].contains("secrets")
                && told[0].contains("in namespace shop"),
            "{told:?}"
        );
        assert!(
            told[1].contains("default certificate") && told[1].contains("tlsstores"),
            "{told:?}"
        );
    }
}
