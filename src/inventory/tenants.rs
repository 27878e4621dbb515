//! Which namespace may have a host: what the [names policy](crate::policy) permits, and of several namespaces the first.
//!
//! The first is the one that has a certificate for the host that clients trust, in a Secret of its own: of what a tenant
//! writes, this alone proves anything. Then it is the one whose route was created first, which the API server notes and
//! nobody changes; then the one whose name comes first, so that the answer is always the same.

use std::{fmt, sync::Arc};

use super::{
    Binding, Inventory, Origin, RouteKey,
    derive::MANY,
    ingress::{EVERY_HOST, normal_host},
    query::{covers, usable},
};
use crate::{
    object::{Key, Kind, Seconds, Text, annotation},
    policy::{Denial, NamesPolicy, NamesRule, Tenant, Terms},
    x509::Trust,
};

/// Why a namespace may not have a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameDenied {
    /// The object that asks for it.
    pub asker: RouteKey,
    /// The host.
    pub host: Text,
    /// The reason.
    pub why: WhyDenied,
}

/// The reason for which a namespace may not have a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyDenied {
    /// No rule of the policy permits it.
    Policy(Denial),
    /// Another namespace had it first.
    Taken {
        /// The object by which it has it.
        by: RouteKey,
        /// Whether it is known that it was the first: manifests do not say.
        is_first: bool,
    },
}

impl fmt::Display for NameDenied {
    /// Writes a sentence without its full stop, not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, host) = (&self.asker.key.namespace, &self.host);
        match &self.why {
            WhyDenied::Policy(denial) => write!(
                f,
                "the names policy does not permit namespace {namespace} the name {host}: {denial}"
            ),
            WhyDenied::Taken { by, is_first: true } => write!(
                f,
                "namespace {} has the name {host} already, by {by}, so that namespace {namespace} does not get it",
                by.key.namespace
            ),
            WhyDenied::Taken { by, is_first: false } => write!(
                f,
                "namespace {} asks for the name {host} too, by {by}, and nothing says which was the first",
                by.key.namespace
            ),
        }
    }
}

/// A namespace that asks for a host, and how early: less is earlier.
#[derive(Debug, Clone)]
struct Claimant {
    rank: (u8, Seconds),
    route: RouteKey,
}

impl Claimant {
    fn order(&self) -> (&(u8, Seconds), &Text, &RouteKey) {
        (&self.rank, &self.route.key.namespace, &self.route)
    }
}

impl Inventory {
    /// Sets the policy. Without one, every namespace may have every name.
    pub fn set_policy(&mut self, policy: Option<Arc<NamesPolicy>>) {
        self.policy = policy;
    }

    /// The policy.
    pub fn policy(&self) -> Option<&NamesPolicy> {
        self.policy.as_deref()
    }

    /// The rule by which a namespace may have a host, whoever else has it.
    ///
    /// # Errors
    ///
    /// Why no rule permits it.
    pub fn permitted<'a>(
        &'a self,
        policy: &'a NamesPolicy,
        namespace: &str,
        host: &str,
        terms: Option<&Terms>,
    ) -> Result<&'a NamesRule, Denial> {
        let labels = self.namespace(namespace).map_or(&[][..], |facts| &facts.labels);
        policy.permits(Tenant { namespace, labels }, host, terms)
    }

    /// Why the host of a binding is not its namespace's to have; `None` if it is, or without a policy. Of several objects
    /// that ask, the first that may not have it.
    pub fn name_denied(&self, binding: &Binding) -> Option<NameDenied> {
        let policy = self.policy()?;
        if !is_claim(binding) {
            return None;
        }
        let denied = |asker: RouteKey, why| NameDenied {
            asker,
            host: binding.host.clone(),
            why,
        };
        let holder = &binding.route;
        if let Err(denial) = self.permitted(policy, &holder.key.namespace, &binding.host, None) {
            return Some(denied(holder.clone(), WhyDenied::Policy(denial)));
        }
        self.askers(binding).into_iter().find_map(|asker| {
            let why = self.asker_denied(policy, &asker, &binding.host, None).err()?;
            Some(denied(asker, why))
        })
    }

    /// The rule by which a certificate for the host of a binding may be ordered, if somebody who asks for it may have it;
    /// `None` without a policy.
    ///
    /// # Errors
    ///
    /// Why nobody who asks for it may have it, or may not in this way.
    pub fn name_permitted(&self, binding: &Binding, terms: &Terms) -> Result<Option<&NamesRule>, Box<NameDenied>> {
        let Some(policy) = self.policy() else { return Ok(None) };
        let denied = |asker: &RouteKey, why| {
            Box::new(NameDenied {
                asker: asker.clone(),
                host: binding.host.clone(),
                why,
            })
        };
        let holder = &binding.route;
        let rule = self
            .permitted(policy, &holder.key.namespace, &binding.host, Some(terms))
            .map_err(|denial| denied(holder, WhyDenied::Policy(denial)))?;
        let mut first = None;
        for asker in self.askers(binding) {
            match self.asker_denied(policy, &asker, &binding.host, Some(terms)) {
                Ok(()) => return Ok(Some(rule)),
                Err(why) => first = first.or_else(|| Some(denied(&asker, why))),
            }
        }
        match first {
            Some(denied) => Err(denied),
            None => Ok(Some(rule)),
        }
    }

    /// The same for a name that a Namespace declares; a route that has it goes before.
    ///
    /// # Errors
    ///
    /// Why the namespace may not have it, or not in this way.
    pub fn declared_permitted(
        &self,
        namespace: &Text,
        host: &Text,
        terms: &Terms,
    ) -> Result<Option<&NamesRule>, Box<NameDenied>> {
        let Some(policy) = self.policy() else { return Ok(None) };
        let asker = RouteKey::new(Kind::Namespace, Key::new(namespace.clone(), namespace.clone()));
        let rule = self.asker_denied(policy, &asker, host, Some(terms)).and_then(|()| {
            self.permitted(policy, namespace, host, Some(terms))
                .map_err(WhyDenied::Policy)
        });
        rule.map(Some).map_err(|why| {
            Box::new(NameDenied {
                asker,
                host: host.clone(),
                why,
            })
        })
    }

    fn asker_denied(
        &self,
        policy: &NamesPolicy,
        asker: &RouteKey,
        host: &Text,
        terms: Option<&Terms>,
    ) -> Result<(), WhyDenied> {
        let rule = self
            .permitted(policy, &asker.key.namespace, host, terms)
            .map_err(WhyDenied::Policy)?;
        let is_same = |by: &RouteKey| by.key.namespace == asker.key.namespace;
        // Those whom the same rule permits to have it at the same time are in nobody's way.
        let shares = |by: &RouteKey| {
            let their = self.permitted(policy, &by.key.namespace, host, None);
            rule.shared && their.is_ok_and(|their| std::ptr::eq(their, rule))
        };
        let claimants = self.claimants(policy, host);
        let Some(first) = claimants.first() else { return Ok(()) };
        // Manifests have no moments at which they were created.
        let is_known = !(self.from_manifests && first.rank == (NO_CERTIFICATE, Seconds::MAX));
        let in_the_way = if is_known {
            (!is_same(&first.route) && !shares(&first.route)).then_some(first)
        } else {
            let mut others = claimants.iter();
            others.find(|claimant| !is_same(&claimant.route) && !shares(&claimant.route))
        };
        match in_the_way {
            Some(claimant) => Err(WhyDenied::Taken {
                by: claimant.route.clone(),
                is_first: is_known,
            }),
            None => Ok(()),
        }
    }

    /// Everybody who asks for a host and is permitted it, the first first.
    fn claimants(&self, policy: &NamesPolicy, host: &str) -> Vec<Claimant> {
        let ids = self.bindings_of_host(host).iter().take(MANY);
        let bindings = ids.filter_map(|id| self.bindings().get(*id)).filter(|it| is_claim(it));
        let mut all: Vec<Claimant> = bindings
            .flat_map(|binding| {
                let askers = self.askers(binding).into_iter();
                askers.map(move |route| Claimant {
                    rank: (
                        self.proof(binding, &route),
                        self.created(&route).unwrap_or(Seconds::MAX),
                    ),
                    route,
                })
            })
            .filter(|it| self.permitted(policy, &it.route.key.namespace, host, None).is_ok())
            .collect();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        all
    }

    /// The objects that ask for the host of a binding: the routes that are attached to a listener, and the route itself
    /// where it names the host.
    fn askers(&self, binding: &Binding) -> Vec<RouteKey> {
        let names_it = || {
            let hostname = self.listener(binding).and_then(|listener| listener.hostname.as_deref());
            hostname.is_some_and(|hostname| normal_host(hostname) == binding.host)
        };
        let own = (binding.routes.is_empty() || names_it()).then(|| binding.route.clone());
        let attached = binding.routes.iter().take(MANY).cloned();
        own.into_iter().chain(attached).collect()
    }

    /// What a namespace has to show for a host: [`NO_CERTIFICATE`], or less.
    fn proof(&self, binding: &Binding, asker: &RouteKey) -> u8 {
        let own = |secret: &&Key| secret.namespace == asker.key.namespace;
        let held = binding.secrets.iter().filter(own);
        let proofs = held.filter_map(|key| {
            let stored = self.secrets().get(key)?;
            let is_trusted = matches!(stored.bundle.trust, Trust::Trusted { .. });
            (is_trusted && usable(stored) && covers(stored, &binding.host)).then(|| {
                let claimed = stored.meta.annotation(annotation::CLAIM).is_some();
                u8::from(!claimed)
            })
        });
        proofs.min().unwrap_or(NO_CERTIFICATE)
    }
}

/// The rank of who has no certificate that clients trust.
const NO_CERTIFICATE: u8 = 2;

/// Whether a binding is somebody's claim to a host.
fn is_claim(binding: &Binding) -> bool {
    binding.host != EVERY_HOST && !binding.origin.is_without_listener() && binding.origin != Origin::Redirect
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{bundle, good, ingress, leaf, stored},
        object::{Change, Ingress, Object},
        policy::Pattern,
    };

    fn rule(title: &str, namespaces: &[&str], names: &[&str]) -> NamesRule {
        let patterns = |all: &[&str]| -> Vec<Pattern> { all.iter().map(|text| text.parse().unwrap()).collect() };
        NamesRule {
            title: title.to_owned(),
            namespaces: patterns(namespaces),
            names: patterns(names),
            ..NamesRule::default()
        }
    }

    fn route(namespace: &str, created: Option<Seconds>) -> Ingress {
        let mut route = ingress(namespace, "web", &[(&["shop.example"], "shop-tls")]);
        route.meta.created = created;
        route
    }

    fn with(rules: Vec<NamesRule>, routes: Vec<Ingress>, manifests: bool) -> Inventory {
        let mut inventory = Inventory::new("", manifests);
        inventory.set_policy(Some(Arc::new(NamesPolicy { rules })));
        for route in routes {
            inventory.apply(Change::Set(Object::Ingress(route)));
        }
        inventory.derive();
        inventory
    }

    /// The namespaces that may not have the host, each with the reason.
    fn denied(inventory: &Inventory) -> Vec<String> {
        let ids = inventory.bindings_of_host("shop.example");
        let mut all: Vec<String> = ids
            .iter()
            .filter_map(|id| inventory.name_denied(inventory.bindings().get(*id)?))
            .map(|denied| {
                let why = match denied.why {
                    WhyDenied::Policy(_) => "policy".to_owned(),
                    WhyDenied::Taken { by, is_first } => format!("{} {is_first}", by.key.namespace),
                };
                format!("{}: {why}", denied.asker.key.namespace)
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn of_two_namespaces_the_one_with_a_trusted_certificate_is_the_first_then_the_older_route() {
        let both = || vec![rule("all", &["shop", "blog"], &["**"])];
        let routes = || vec![route("shop", Some(200)), route("blog", Some(100))];
        let mut inventory = with(both(), routes(), false);
        assert_eq!(denied(&inventory), ["shop: blog true"], "blog's route is older");
        // A claim and a certificate of one's own prove nothing.
        let mut forged = leaf(&["shop.example"]);
        forged.self_signed = true;
        let mut forged = stored("shop", "shop-tls", bundle(forged));
        forged.bundle.trust = Trust::NotJudged;
        forged.meta = crate::inventory::fixtures::with_annotation(forged.meta, annotation::CLAIM, "prod");
        inventory.store(forged);
        inventory.derive();
        assert_eq!(denied(&inventory), ["shop: blog true"]);
        inventory.store(good("shop", "shop-tls", &["shop.example"]));
        inventory.derive();
        assert_eq!(denied(&inventory), ["blog: shop true"], "shop has it in service");
        // Both have one: the older route again, and the name where even that is the same.
        inventory.store(good("blog", "shop-tls", &["shop.example"]));
        inventory.derive();
        assert_eq!(denied(&inventory), ["shop: blog true"]);
        let same = with(both(), vec![route("shop", Some(100)), route("blog", Some(100))], false);
        assert_eq!(denied(&same), ["shop: blog true"]);
    }

    #[test]
    fn who_is_not_permitted_a_host_is_in_nobodys_way_and_who_shares_a_rule_is_not_either() {
        let routes = || vec![route("shop", Some(200)), route("blog", Some(100))];
        let only = with(vec![rule("shop", &["shop"], &["**"])], routes(), false);
        assert_eq!(denied(&only), ["blog: policy"]);
        let mut shared = rule("all", &[], &["**"]);
        shared.shared = true;
        assert_eq!(denied(&with(vec![shared.clone()], routes(), false)), [""; 0]);
        // Of different rules, neither has to do with the other.
        shared.namespaces = vec!["shop".parse().unwrap()];
        let other = rule("blog", &["blog"], &["**"]);
        assert_eq!(denied(&with(vec![shared, other], routes(), false)), ["shop: blog true"]);
        let mut without = with(Vec::new(), routes(), false);
        assert_eq!(
            denied(&without),
            ["blog: policy", "shop: policy"],
            "nothing is permitted"
        );
        without.set_policy(None);
        assert_eq!(denied(&without), [""; 0]);
    }

    #[test]
    fn a_name_that_a_namespace_declares_is_not_its_own_while_another_has_a_route_for_it() {
        let inventory = with(
            vec![rule("all", &["shop", "blog"], &["**"])],
            vec![route("shop", Some(100))],
            false,
        );
        let declared = |namespace: &str, host: &str| {
            let terms = Terms::default();
            let permitted = inventory.declared_permitted(&namespace.into(), &host.into(), &terms);
            permitted.map(|_| ()).map_err(|denied| denied.to_string())
        };
        assert_eq!(declared("blog", "blog.example"), Ok(()));
        assert_eq!(declared("shop", "shop.example"), Ok(()));
        let taken = declared("blog", "shop.example").unwrap_err();
        assert!(
            taken.contains("namespace shop has the name shop.example already"),
            "{taken}"
        );
        let foreign = declared("evil", "shop.example").unwrap_err();
        assert!(foreign.contains("does not permit namespace evil the name"), "{foreign}");
    }

    #[test]
    fn manifests_do_not_say_which_was_the_first_so_that_both_are_told() {
        let routes = vec![route("shop", None), route("blog", None)];
        let inventory = with(vec![rule("all", &[], &["**"])], routes, true);
        assert_eq!(denied(&inventory), ["blog: shop false", "shop: blog false"]);
    }
}
