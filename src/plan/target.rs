//! The target of a renewal: one Secret, the routes that use it, and the names that it needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::is_claimed,
    error::{Blame, Diagnose},
    event::Method,
    inventory::{Binding, Controller, Inventory, Origin, RouteKey, Stored, query::covers},
    name::Name,
    object::{Key, Kind, Seconds, Text, annotation::MADE_FOR, secret::BACKUP_TYPE},
    text::time::DAY,
    x509::{Certificate, San, is_staging_issuer},
};

use super::names::Names;

/// A route that uses a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The route.
    pub route: RouteKey,
    /// The controller that serves it.
    pub controller: Controller,
    /// The class of the route, if it has one.
    pub class: Option<Text>,
    /// The hosts of the route for which the Secret is named, in their normal form, and the port of each: 443, or that
    /// of the listener.
    pub hosts: Vec<(Text, u16)>,
    /// The addresses in its status.
    pub addresses: Vec<Text>,
    /// How its hosts are proved, if its status says so.
    pub proof: Option<Method>,
    /// Whether its status says that clients are led elsewhere.
    pub is_elsewhere: bool,
}

/// The present certificate of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentCertificate {
    /// The SHA-256 of the leaf.
    pub sha256: crate::x509::Fingerprint,
    /// The start of its validity, in seconds since 1970.
    pub not_before: Seconds,
    /// The last second of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// The short form of its issuer.
    pub issuer: String,
    /// Whether it comes from Let's Encrypt's staging environment.
    pub staging: bool,
}

impl CurrentCertificate {
    /// What is kept of a leaf.
    pub fn of(leaf: &Certificate) -> Self {
        Self {
            sha256: leaf.sha256,
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            issuer: leaf.issuer.short.to_string(),
            staging: is_staging_issuer(leaf),
        }
    }
}

/// How many certificates for the same names of a Secret are enough within [`Target::enough_within`]. Whoever resets a Secret
/// after each store would otherwise use up the CA's limit for the set.
pub const ENOUGH: usize = 2;

/// One Secret to be renewed or filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Secret.
    pub secret: Key,
    /// The routes that use it; empty for a Secret that no route uses yet.
    pub uses: Vec<Use>,
    /// The names to order.
    pub names: Names,
    /// The present certificate; `None` if the Secret does not exist or holds none.
    pub held: Option<CurrentCertificate>,
    /// The present and the new issuing CA, if they differ. Known once it has been compared with an issuer
    /// ([`super::ca::Issuers::mark`]).
    pub changes_ca: Option<(String, String)>,
}

impl Target {
    /// The route through which a host is reached; `None` if no route has it.
    pub fn use_of(&self, name: &Name) -> Option<&Use> {
        let has = |used: &&Use| {
            used.hosts
                .iter()
                .any(|(host, _)| host.parse::<Name>().is_ok_and(|host| host == *name))
        };
        self.uses.iter().find(has)
    }

    /// Whether clients of a host are led elsewhere by now, so that nothing of it can be seen served.
    pub fn is_elsewhere(&self, host: &str) -> bool {
        let mut elsewhere = self.uses.iter().filter(|used| used.is_elsewhere);
        elsewhere.any(|used| used.hosts.iter().any(|(own, _)| own == host))
    }

    /// Within how many seconds [`ENOUGH`] certificates for the same names are enough: a day, or a quarter of the lifetime
    /// of the present one, because a certificate that lives for hours is renewed in its time more than twice a day.
    pub fn enough_within(&self) -> Seconds {
        let lifetime = |held: &CurrentCertificate| held.not_after.saturating_sub(held.not_before);
        self.held
            .as_ref()
            .map_or(DAY, |held| (lifetime(held) / 4).clamp(0, DAY))
    }
}

/// Which Secrets are selected.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// Every Secret that a route uses, and those that this program wrote.
    All,
    /// The Secrets that were named. Routes stand for the Secrets that they use.
    Named {
        /// The routes that were named.
        routes: &'a [RouteKey],
        /// The Secrets that were named.
        secrets: &'a [Key],
    },
}

/// Why a route or Secret that was named cannot be renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// The route does not exist.
    #[error("there is no {route}")]
    Route {
        /// The route.
        route: RouteKey,
    },
    /// The route has hosts, but no Secret is named for any of them.
    #[error("{route} names no Secret for its hosts")]
    NoSecret {
        /// The route.
        route: RouteKey,
    },
    /// The Secret holds the backup from before a renewal.
    #[error("Secret {secret} keeps the pair that {} held before: it is not renewed", of_whom(of.as_ref()))]
    Kept {
        /// The Secret.
        secret: Key,
        /// The Secret to which the backup belongs, if that is known.
        of: Option<Key>,
    },
    /// The certificate of the route does not come from a Secret.
    #[error("the certificate of {route} does not come from a Secret")]
    Elsewhere {
        /// The route.
        route: RouteKey,
    },
}

fn of_whom(of: Option<&Key>) -> String {
    of.map_or_else(|| "another Secret".to_owned(), |of| format!("Secret {of}"))
}

/// Why a Secret that holds a backup is not renewed: a rollback would then restore the new certificate.
pub fn kept(inventory: &Inventory, secret: &Key) -> Option<NoTarget> {
    let stored = inventory.secrets().get(secret)?;
    (stored.secret_type == BACKUP_TYPE).then(|| NoTarget::Kept {
        secret: secret.clone(),
        of: stored
            .meta
            .annotation(MADE_FOR)
            .and_then(|of| of.split_once('/'))
            .map(|(namespace, name)| Key::new(namespace, name)),
    })
}

impl Diagnose for NoTarget {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Route { .. } => Some("-n chooses the namespace; `kubectl certs status -A` lists everything".into()),
            Self::NoSecret { route } if route.kind == Kind::Ingress => Some(format!(
                "add an entry to spec.tls of Ingress {} with its hosts and a secretName; the Secret need not exist yet",
                route.key
            )),
            Self::NoSecret { route } => Some(format!(
                "add certificateRefs to the listener's tls of {} {}; the Secret need not exist yet",
                route.kind.as_str(),
                route.key
            )),
            Self::Kept { of: Some(of), .. } => Some(format!(
                "`kubectl certs renew secret/{0} -n {1}` renews that one; `kubectl certs rollback {0} -n {1}` puts the pair back",
                of.name, of.namespace
            )),
            Self::Elsewhere { .. } | Self::Kept { of: None, .. } => None,
        }
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// The selected Secrets, each once, sorted by name, with all routes that use them.
pub fn targets(inventory: &Inventory, choice: Choice<'_>, only_route_hosts: bool) -> (Vec<Target>, Vec<NoTarget>) {
    let mut secrets: BTreeSet<Key> = BTreeSet::new();
    let mut missing = Vec::new();
    match choice {
        Choice::All => {
            for (_, binding) in inventory.bindings().iter().filter(|(_, b)| !b.elsewhere) {
                secrets.extend(binding.secrets.iter().cloned());
            }
            // A Secret that this program created is renewed whether or not a route uses it. If the user selected
            // routes, only theirs are.
            if !inventory.routes_chosen {
                let claimed = inventory.secrets().iter().filter(|stored| is_claimed(stored));
                secrets.extend(claimed.map(|stored| stored.meta.key()));
            }
        }
        Choice::Named { routes, secrets: named } => {
            for secret in named {
                match kept(inventory, secret) {
                    Some(kept) => missing.push(kept),
                    None => drop(secrets.insert(secret.clone())),
                }
            }
            for route in routes {
                let before = secrets.len();
                let mut elsewhere = false;
                let mut any = false;
                for binding in inventory.bindings_of_route(route) {
                    any = true;
                    elsewhere |= binding.elsewhere;
                    secrets.extend(binding.secrets.iter().cloned());
                }
                if secrets.len() > before || inventory.bindings_of_route(route).any(|b| !b.secrets.is_empty()) {
                    continue;
                }
                let route = route.clone();
                missing.push(if elsewhere {
                    NoTarget::Elsewhere { route }
                } else if any || inventory.route_meta(&route).is_some() {
                    NoTarget::NoSecret { route }
                } else {
                    NoTarget::Route { route }
                });
            }
        }
    }
    let targets = secrets
        .into_iter()
        .map(|secret| target(inventory, secret, only_route_hosts))
        .collect();
    (targets, missing)
}

/// One Secret with everything that uses it.
pub fn target(inventory: &Inventory, secret: Key, only_route_hosts: bool) -> Target {
    let mut uses: BTreeMap<RouteKey, Use> = BTreeMap::new();
    for id in inventory.bindings_of_secret(&secret) {
        let Some(binding) = inventory.bindings().get(*id) else {
            continue;
        };
        if !is_counted(binding, inventory.secrets().get(&secret)) {
            continue;
        }
        let route: &RouteKey = &binding.route;
        let status = inventory.status_of(route);
        uses.entry(route.clone())
            .or_insert_with(|| Use {
                route: route.clone(),
                controller: inventory.controller(route),
                class: inventory.class_name(route).cloned(),
                hosts: Vec::new(),
                addresses: inventory.addresses(route).to_vec(),
                proof: status.and_then(|status| Method::named(status.proof.as_deref()?)),
                is_elsewhere: status.is_some_and(|status| status.is_elsewhere),
            })
            .hosts
            .push((binding.host.clone(), binding.port));
    }
    let uses: Vec<Use> = uses.into_values().collect();
    let leaf = inventory.secrets().get(&secret).and_then(|stored| stored.leaf());
    let hosts = uses
        .iter()
        .flat_map(|used| used.hosts.iter().map(|(host, _)| host.as_str()));
    let names = Names::join(hosts, leaf.into_iter().flat_map(names_of), only_route_hosts);
    Target {
        held: leaf.map(CurrentCertificate::of),
        secret,
        uses,
        names,
        changes_ca: None,
    }
}

/// Whether the host of a binding belongs into the certificate of a Secret that its route names.
pub(super) fn is_counted(binding: &Binding, stored: Option<&Stored>) -> bool {
    // A host that no rule routes may be in a tls entry only for the sake of this certificate.
    if binding.elsewhere || binding.origin.is_without_listener() {
        return false;
    }
    // A host that is only redirected keeps its name in the certificate, but is not added to it, because it may not
    // exist at all.
    binding.origin != Origin::Redirect || stored.is_some_and(|stored| covers(stored, &binding.host))
}

/// The names of a certificate in the form for orders. Names that cannot be ordered are left out.
pub fn names_of(leaf: &Certificate) -> Vec<Name> {
    leaf.names
        .iter()
        .filter_map(|san| match san {
            San::Dns(name) => name.parse().ok(),
            San::Ip(address) => Some(Name::Ip(*address)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::Fingerprint;

    #[test]
    fn two_certificates_are_enough_for_a_day_or_a_quarter_of_a_short_life() {
        let living = |seconds: Option<Seconds>| {
            let held = seconds.map(|seconds| CurrentCertificate {
                sha256: Fingerprint::of(b"x"),
                not_before: 1_000,
                not_after: 1_000 + seconds,
                issuer: String::new(),
                staging: false,
            });
            let target = Target {
                secret: Key::new("shop", "shop-tls"),
                uses: Vec::new(),
                names: Names::default(),
                held,
                changes_ca: None,
            };
            target.enough_within()
        };
        assert_eq!(living(None), DAY);
        assert_eq!(living(Some(90 * DAY)), DAY);
        assert_eq!(living(Some(6 * DAY)), DAY);
        // Renewed after 300 s: three of them are made within 600 s.
        assert_eq!(living(Some(600)), 150);
        assert_eq!(living(Some(-5)), 0);
    }
}
