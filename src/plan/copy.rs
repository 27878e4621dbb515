//! Copies of Secrets: a route names the source by an annotation, and the source names the namespaces that may have a copy. Both
//! have to agree, so that nobody pushes a pair into another's namespace, and nobody takes one out of it.

use crate::{
    check::{is_owned, owner},
    inventory::{Inventory, RouteKey, Stored, query::usable},
    object::{Key, annotation},
    policy::Pattern,
    x509::Certificate,
};

/// Why a copy is not made, or not kept current. Nothing is deleted for any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyHold {
    /// The annotation does not name a Secret.
    #[error("the annotation kubectl-certs.io/copy-of of {0} does not name a Secret as NAMESPACE/NAME")]
    Nameless(RouteKey),
    /// It would be a copy of itself, or of one beside it.
    #[error("Secret {0} is in the same namespace: the route can name it")]
    Near(Key),
    /// There is no such Secret, as far as is known.
    #[error("there is no Secret {0} of the type kubernetes.io/tls in the namespaces that are followed")]
    NoSource(Key),
    /// The source does not permit the namespace a copy.
    #[error(
        "Secret {source_key} does not permit namespace {namespace} a copy, or no longer: its annotation kubectl-certs.io/copy-to says who may have one"
    )]
    NotGranted {
        /// The source.
        source_key: Key,
        /// The namespace of the copy.
        namespace: String,
    },
    /// The source is a copy too: who may have one is for the first to say.
    #[error("Secret {0} is a copy itself: name the one that it is a copy of")]
    OfCopy(Key),
    /// The source holds nothing that can be served.
    #[error("what Secret {0} holds cannot be served")]
    Unusable(Key),
    /// The Secret is there, and is nobody's to overwrite.
    #[error("it is there without the claim of this installation, so that it is not overwritten")]
    NotOurs,
    /// Another program writes it.
    #[error("{0} writes it")]
    Owner(String),
}

impl CopyHold {
    /// The rule in one word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Nameless(_) | Self::Near(_) | Self::OfCopy(_) => "CopyImpossible",
            Self::NoSource(_) | Self::Unusable(_) => "CopyWithoutSource",
            Self::NotGranted { .. } => "CopyNotGranted",
            Self::NotOurs | Self::Owner(_) => "CopyNotOurs",
        }
    }
}

/// What is to be done for a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copying {
    /// It is made, or made current.
    Write,
    /// It is current.
    Current,
    /// It is left as it is.
    Held(CopyHold),
}

/// The route that wants a Secret to be a copy, and the source that it names; `None` if none does. Routes ask for Secrets of
/// their own namespace alone. Of several, the first by kind and name.
pub fn asked(inventory: &Inventory, secret: &Key) -> Option<(RouteKey, Result<Key, CopyHold>)> {
    let ids = inventory.bindings_of_secret(secret).iter();
    let bindings = ids.filter_map(|id| inventory.bindings().get(*id));
    let routes = bindings.map(|binding| &binding.route);
    let own = routes.filter(|route| route.key.namespace == secret.namespace);
    let asking = own.filter_map(|route| Some((route, named(inventory, route)?)));
    let (route, text) = asking.min_by(|a, b| a.0.cmp(b.0))?;
    Some((
        route.clone(),
        source_of(text).ok_or_else(|| CopyHold::Nameless(route.clone())),
    ))
}

/// Whether a route asks for copies.
pub fn asks(inventory: &Inventory, route: &RouteKey) -> bool {
    named(inventory, route).is_some()
}

fn named<'a>(inventory: &'a Inventory, route: &RouteKey) -> Option<&'a str> {
    inventory.route_meta(route)?.annotation(annotation::COPY_OF)
}

fn source_of(text: &str) -> Option<Key> {
    let (namespace, name) = text.trim().split_once('/')?;
    let is_name = |text: &str| !text.is_empty() && text.len() <= 253 && !text.contains(['/', ' ']);
    (is_name(namespace) && is_name(name)).then(|| Key::new(namespace, name))
}

/// Whether the annotation of a source permits a namespace a copy. Patterns are those of the names policy.
pub fn grants(copy_to: Option<&str>, namespace: &str) -> bool {
    let patterns = copy_to
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|text| !text.is_empty());
    patterns
        .filter_map(|text| text.parse::<Pattern>().ok())
        .any(|pattern| pattern.is_for(namespace, ""))
}

/// What is to be done for a Secret that is to be a copy, by what is known of both.
pub fn judge(inventory: &Inventory, secret: &Key, source: &Key, install: &str) -> Copying {
    match hold(inventory, secret, source, install) {
        Err(hold) => Copying::Held(hold),
        Ok(leaf) => {
            let stored = inventory.secrets().get(secret);
            let is_same = stored
                .and_then(Stored::leaf)
                .is_some_and(|held| held.sha256 == leaf.sha256);
            let is_noted =
                stored.and_then(|stored| stored.meta.annotation(annotation::COPIED_FROM)) == Some(&source.to_string());
            if is_same && is_noted && stored.is_some_and(usable) {
                Copying::Current
            } else {
                Copying::Write
            }
        }
    }
}

fn hold<'a>(inventory: &'a Inventory, secret: &Key, source: &Key, install: &str) -> Result<&'a Certificate, CopyHold> {
    if source.namespace == secret.namespace {
        return Err(CopyHold::Near(source.clone()));
    }
    let Some(held) = inventory.secrets().get(source) else {
        return Err(CopyHold::NoSource(source.clone()));
    };
    if held.meta.annotation(annotation::COPIED_FROM).is_some() {
        return Err(CopyHold::OfCopy(source.clone()));
    }
    if !grants(held.meta.annotation(annotation::COPY_TO), &secret.namespace) {
        return Err(CopyHold::NotGranted {
            source_key: source.clone(),
            namespace: secret.namespace.to_string(),
        });
    }
    let leaf = held.leaf().filter(|_| usable(held));
    let leaf = leaf.ok_or_else(|| CopyHold::Unusable(source.clone()))?;
    let Some(stored) = inventory.secrets().get(secret) else {
        // Nobody knows what is in it, so that it may be somebody's.
        let is_unread = inventory.is_unread(secret);
        return if is_unread { Err(CopyHold::NotOurs) } else { Ok(leaf) };
    };
    let note = |key| stored.meta.annotation(key);
    if note(annotation::CLAIM) != Some(install) {
        return Err(CopyHold::NotOurs);
    }
    // A copy is marked as one whose source is written again.
    if note(annotation::COPIED_FROM).is_none() && is_owned(stored) {
        let who = owner(inventory, secret).unwrap_or_else(|| "another program".to_owned());
        return Err(CopyHold::Owner(who));
    }
    Ok(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{good, ingress, key, with_annotation},
        object::{Change, Kind, Object},
    };

    const INSTALL: &str = "prod-1";

    /// An Ingress of `shop` that asks for a copy, a source with a grant, and what is there already.
    fn judged(copy_of: &str, source: Option<Stored>, present: Option<Stored>) -> Option<Copying> {
        let mut inventory = Inventory::new("", false);
        let mut web = ingress("shop", "web", &[(&["shop.apps.example"], "apps-tls")]);
        web.meta = with_annotation(web.meta, annotation::COPY_OF, copy_of);
        inventory.apply(Change::Set(Object::Ingress(web)));
        inventory.apply(Change::Listed(Kind::Secret));
        for stored in source.into_iter().chain(present) {
            inventory.store(stored);
        }
        inventory.derive();
        let secret = key("shop", "apps-tls");
        let (_, source) = asked(&inventory, &secret)?;
        Some(match source {
            Ok(source) => judge(&inventory, &secret, &source, INSTALL),
            Err(hold) => Copying::Held(hold),
        })
    }

    fn source(copy_to: &str) -> Stored {
        noted(
            good("infra", "apps-tls", &["*.apps.example"]),
            annotation::COPY_TO,
            copy_to,
        )
    }

    fn noted(mut stored: Stored, key: &str, value: &str) -> Stored {
        stored.meta = with_annotation(stored.meta, key, value);
        stored
    }

    fn reason(copying: Option<Copying>) -> &'static str {
        match copying {
            Some(Copying::Held(hold)) => hold.reason(),
            Some(Copying::Write) => "write",
            Some(Copying::Current) => "current",
            None => "nothing",
        }
    }

    #[test]
    fn a_copy_is_made_where_the_route_names_the_source_and_the_source_the_namespace() {
        let of = "infra/apps-tls";
        for grant in ["shop", "blog, shop", "sh*", "**"] {
            assert_eq!(reason(judged(of, Some(source(grant)), None)), "write", "{grant}");
        }
        for grant in ["", "shop2", "blog", "[", "infra"] {
            assert_eq!(
                reason(judged(of, Some(source(grant)), None)),
                "CopyNotGranted",
                "{grant}"
            );
        }
        assert_eq!(reason(judged(of, None, None)), "CopyWithoutSource");
        for wrong in ["apps-tls", "", "a/b/c", "/x"] {
            assert_eq!(reason(judged(wrong, None, None)), "CopyImpossible", "{wrong:?}");
        }
        assert_eq!(reason(judged("shop/other-tls", None, None)), "CopyImpossible");
        // Who was given a copy cannot hand it on.
        let second = noted(source("shop"), annotation::COPIED_FROM, "first/apps-tls");
        assert_eq!(reason(judged(of, Some(second), None)), "CopyImpossible");
    }

    #[test]
    fn what_is_there_without_the_claim_is_not_overwritten_and_a_grant_that_is_gone_leaves_it_as_it_is() {
        let of = "infra/apps-tls";
        let there = || good("shop", "apps-tls", &["*.apps.example"]);
        let claimed = |id: &str| noted(there(), annotation::CLAIM, id);
        let copy = || noted(claimed(INSTALL), annotation::COPIED_FROM, of);
        let held = |present: Stored| reason(judged(of, Some(source("shop")), Some(present)));
        assert_eq!(held(there()), "CopyNotOurs");
        assert_eq!(held(claimed("other-1")), "CopyNotOurs");
        assert_eq!(held(copy()), "current");
        // Of another source, or with another pair.
        assert_eq!(
            held(noted(claimed(INSTALL), annotation::COPIED_FROM, "old/apps-tls")),
            "write"
        );
        assert_eq!(held(claimed(INSTALL)), "write");
        let other = noted(
            noted(
                good("shop", "apps-tls", &["old.apps.example"]),
                annotation::CLAIM,
                INSTALL,
            ),
            annotation::COPIED_FROM,
            of,
        );
        assert_eq!(held(other), "write");
        let tool = noted(claimed(INSTALL), "sealedsecrets.bitnami.com/managed", "true");
        assert_eq!(held(tool), "CopyNotOurs");
        assert_eq!(reason(judged(of, Some(source("")), Some(copy()))), "CopyNotGranted");
    }
}
