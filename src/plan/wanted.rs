//! Which Secrets are kept renewed unattended: those of routes that ask for it, unless somebody else provides them.

mod bounds;
mod hold;
mod put_back;

pub use bounds::Bounds;
pub use hold::{Hold, hold};
pub use put_back::{last_tenth, rollback_note, rolled_back};

use super::{
    ca::Issuers,
    copy::{self, Copying},
    names::Names,
    target::{Target, names_of, target},
    wildcard::{self, Wildcards},
};
use crate::{
    inventory::{Inventory, RouteKey, Stored, query::usable},
    name::Name,
    object::{Key, annotation},
    policy::Terms,
    text::first_few,
    x509::is_staging_issuer,
};
use bounds::bounded;

/// A Secret for which a route asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It gets and keeps a certificate.
    Keep {
        /// What is ordered when it is due.
        target: Box<Target>,
        /// When that is.
        need: Need,
        /// What the names policy says of it.
        bounds: Bounds,
    },
    /// It is to be a copy of another Secret, and nothing is ordered for it.
    Copy {
        /// The one of which it is a copy.
        source: Key,
        /// What is to be done.
        copying: Copying,
    },
    /// It is left alone.
    Held(Hold),
}

/// What an installation was asked for, besides by the annotations of routes.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The id of the installation.
    pub install: String,
    /// Whether its CA is a staging one.
    pub staging: bool,
    /// The wildcards for namespaces.
    pub wildcards: Wildcards,
    /// From whom certificates come. Without a kind of key, a renewal keeps that of the present certificate.
    pub terms: Terms,
}

/// What a Secret needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A certificate, because it has none.
    Missing,
    /// A certificate, because what it holds cannot be served: it does not parse, or the key is another one's.
    Unusable,
    /// A certificate for more names.
    Names(Vec<Name>),
    /// A trusted certificate in place of one of a staging environment.
    Trusted,
    /// A renewal, in its time.
    Renewal,
}

/// Whether a route asks by the annotation that kube-lego defined. Its value is read as cert-manager reads it, by Go's
/// `strconv.ParseBool` (pkg/controller/certificate-shim/sync.go, v1.19). A Domain asks once its status permits it, whatever its
/// annotations say: only the controller writes its status.
pub fn asks(inventory: &Inventory, route: &RouteKey) -> bool {
    if let Some(status) = inventory.status_of(route) {
        return status.permitted;
    }
    let value = inventory
        .route_meta(route)
        .and_then(|meta| meta.annotation(annotation::TLS_ACME));
    value.is_some_and(|value| matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True"))
}

/// The Secrets for which routes ask, each once, sorted.
pub fn all(inventory: &Inventory, asked: &Asked) -> Vec<Key> {
    let mut secrets: Vec<Key> = inventory
        .bindings()
        .iter()
        .filter(|(_, binding)| !binding.elsewhere && !binding.secrets.is_empty())
        .filter(|(_, binding)| asks(inventory, &binding.route) || copy::asks(inventory, &binding.route))
        .flat_map(|(_, binding)| binding.secrets.iter().cloned())
        .collect();
    secrets.extend(wildcard::secrets(inventory, &asked.wildcards));
    secrets.sort();
    secrets.dedup();
    secrets
}

/// What a Secret is to this installation; `None` if no route asks for it.
///
/// A route asks for Secrets of its own namespace alone: otherwise whoever may write Ingresses in one namespace could
/// have a Secret of another one written.
pub fn wanted(inventory: &Inventory, secret: &Key, asked: &Asked, issuers: &Issuers<'_>) -> Option<Wanted> {
    if let Some((_, source)) = copy::asked(inventory, secret) {
        return Some(match source {
            Ok(source) => Wanted::Copy {
                copying: copy::judge(inventory, secret, &source, &asked.install),
                source,
            },
            Err(hold) => Wanted::Held(Hold::Copy(hold)),
        });
    }
    let routes = inventory
        .bindings_of_secret(secret)
        .iter()
        .filter_map(|id| inventory.bindings().get(*id))
        .filter(|binding| !binding.elsewhere && binding.route.key.namespace == secret.namespace);
    let mut asking = routes.filter(|binding| asks(inventory, &binding.route));
    let wildcards = wildcard::names_of(inventory, &asked.wildcards, secret);
    if asking.next().is_none() && wildcards.is_empty() {
        return None;
    }
    if let Some(hold) = hold(inventory, secret, &asked.install) {
        return Some(Wanted::Held(hold));
    }
    let Needed {
        mut target,
        need,
        bounds,
        denied,
    } = Needed::of(inventory, secret, asked, issuers);
    if let Some(denied) = denied.filter(|_| target.names.order.is_empty()) {
        return Some(Wanted::Held(denied));
    }
    if target.names.order.is_empty() {
        let hosts: Vec<&String> = target.names.impossible.iter().map(|(host, _)| host).collect();
        return Some(Wanted::Held(Hold::Impossible(first_few(&hosts))));
    }
    // One host that cannot be ordered does not keep the others from their certificate.
    target.names.impossible.clear();
    match &target.changes_ca {
        // What cannot be served is nobody's, whichever CA issued it.
        Some((from, to)) if !matches!(need, Need::Missing | Need::Unusable | Need::Trusted) => {
            Some(Wanted::Held(Hold::OtherCa {
                from: from.clone(),
                to: to.clone(),
            }))
        }
        _ => Some(Wanted::Keep {
            target: Box::new(target),
            need,
            bounds,
        }),
    }
}

/// What would be ordered for a Secret, and when, if a route asked for it and nothing held it.
pub fn needed(inventory: &Inventory, secret: &Key, asked: &Asked, issuers: &Issuers<'_>) -> (Target, Need) {
    let needed = Needed::of(inventory, secret, asked, issuers);
    (needed.target, needed.need)
}

/// What would be ordered for a Secret, within the names policy.
struct Needed {
    target: Target,
    need: Need,
    bounds: Bounds,
    /// The rule that holds the first name that is left out.
    denied: Option<Hold>,
}

impl Needed {
    fn of(inventory: &Inventory, secret: &Key, asked: &Asked, issuers: &Issuers<'_>) -> Self {
        let wildcards = wildcard::names_of(inventory, &asked.wildcards, secret);
        let stored = inventory.secrets().get(secret);
        let mut target = target(inventory, secret.clone(), true);
        if !wildcards.is_empty() {
            with(&mut target, &wildcards, stored);
        }
        let (bounds, denied) = bounded(inventory, &mut target, &wildcards, asked);
        issuers.mark(std::slice::from_mut(&mut target));
        let need = need(&target, stored, asked.staging);
        target.names.for_new = matches!(need, Need::Names(_));
        Self {
            target,
            need,
            bounds,
            denied,
        }
    }
}

/// Adds what is declared for the namespace to the names of a target.
fn with(target: &mut Target, declared: &[String], stored: Option<&Stored>) {
    let hosts = target
        .uses
        .iter()
        .flat_map(|used| used.hosts.iter().map(|(host, _)| host.as_str()));
    let hosts = hosts.chain(declared.iter().map(String::as_str));
    let held = stored.and_then(Stored::leaf).into_iter().flat_map(names_of);
    target.names = Names::join(hosts, held, true);
}

fn need(target: &Target, stored: Option<&Stored>, staging: bool) -> Need {
    let Some(stored) = stored.filter(|stored| stored.leaf().is_some()) else {
        let holds = stored.is_some_and(Stored::holds_certificate);
        return if holds { Need::Unusable } else { Need::Missing };
    };
    if !usable(stored) {
        return Need::Unusable;
    }
    if !staging && stored.leaf().is_some_and(is_staging_issuer) {
        return Need::Trusted;
    }
    let new: Vec<Name> = target.names.new_names().cloned().collect();
    if new.is_empty() {
        Need::Renewal
    } else {
        Need::Names(new)
    }
}

impl Need {
    /// Why a certificate is ordered now; `None` if the time of its renewal decides.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Missing => Some("it holds no certificate".to_owned()),
            Self::Unusable => Some("what it holds cannot be served".to_owned()),
            Self::Names(names) => Some(format!("its certificate lacks {}", first_few(names))),
            Self::Trusted => Some("its certificate is of a staging environment".to_owned()),
            Self::Renewal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{bundle, ingress, key, leaf, ordered, stored, with_annotation},
        object::{
            Change, HostRoute, Kind, Meta, Object,
            route::{HostTls, RouteStatus},
        },
        plan::ca::Ca,
    };

    const INSTALL: &str = "prod-1";

    /// A route of `shop` that asks by the annotation, or does not.
    fn web(value: Option<&str>, hosts: &[&str], secret: &str) -> Change {
        let mut web = ingress("shop", "web", &[(hosts, secret)]);
        if let Some(value) = value {
            web.meta = with_annotation(web.meta, annotation::TLS_ACME, value);
        }
        Change::Set(Object::Ingress(web))
    }

    fn judged(changes: Vec<Change>, held: Vec<Stored>) -> Option<Wanted> {
        let mut inventory = Inventory::new("", false);
        for change in changes {
            inventory.apply(change);
        }
        // Everything was read: what is not there is missing.
        inventory.apply(Change::Gone(Kind::Secret, key("shop", "shop-tls")));
        for stored in held {
            inventory.store(stored);
        }
        inventory.derive();
        let ca = Ca {
            name: "own".to_owned(),
            directory: "https://ca.example/directory".to_owned(),
        };
        let issuers = Issuers::of(&inventory, ca);
        let asked = Asked {
            install: INSTALL.to_owned(),
            ..Asked::default()
        };
        wanted(&inventory, &key("shop", "shop-tls"), &asked, &issuers)
    }

    /// A Secret whose certificate this program ordered at the CA of these tests.
    fn ours(names: &[&str]) -> Stored {
        ordered("shop", "shop-tls", names, "https://ca.example/directory")
    }

    fn need_of(wanted: Option<Wanted>) -> Need {
        match wanted {
            Some(Wanted::Keep { need, .. }) => need,
            other => panic!("{other:?}"),
        }
    }

    fn reason_of(wanted: Option<Wanted>) -> &'static str {
        match wanted {
            Some(Wanted::Held(hold)) => hold.reason(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_route_asks_by_the_annotation_that_go_reads_as_true() {
        for value in ["true", "1", "T"] {
            let wanted = judged(vec![web(Some(value), &["shop.example"], "shop-tls")], vec![]);
            assert_eq!(need_of(wanted), Need::Missing, "{value}");
        }
        for value in [None, Some("false"), Some("yes"), Some("")] {
            assert_eq!(judged(vec![web(value, &["shop.example"], "shop-tls")], vec![]), None);
        }
    }

    #[test]
    fn a_domain_asks_once_its_status_permits_it_and_no_annotation_does() {
        let domain = |permitted: bool, annotated: bool| {
            let mut meta = Meta {
                namespace: "shop".into(),
                name: "customer".into(),
                ..Meta::default()
            };
            if annotated {
                meta = with_annotation(meta, annotation::TLS_ACME, "true");
            }
            let route = HostRoute {
                kind: Kind::Domain,
                meta,
                hosts: vec!["customer.example".into()],
                other_hosts: false,
                tls: Some(HostTls {
                    secret: Some("shop-tls".into()),
                    ..HostTls::default()
                }),
                status: Some(RouteStatus {
                    permitted,
                    ..RouteStatus::default()
                }),
            };
            judged(vec![Change::Set(Object::HostRoute(route))], vec![])
        };
        assert_eq!(need_of(domain(true, false)), Need::Missing);
        assert_eq!(domain(false, true), None, "an annotation permits nothing");
    }

    #[test]
    fn what_is_good_waits_for_its_time_and_what_lacks_a_host_does_not() {
        let asking = |hosts| vec![web(Some("true"), hosts, "shop-tls")];
        assert_eq!(
            need_of(judged(asking(&["shop.example"]), vec![ours(&["shop.example"])])),
            Need::Renewal
        );
        let lacks = need_of(judged(
            asking(&["shop.example", "www.shop.example"]),
            vec![ours(&["shop.example"])],
        ));
        assert_eq!(lacks.why().as_deref(), Some("its certificate lacks www.shop.example"));
        // A host that the route no longer has is no reason to order.
        let more = ours(&["old.example", "shop.example"]);
        assert_eq!(need_of(judged(asking(&["shop.example"]), vec![more])), Need::Renewal);
    }

    #[test]
    fn what_somebody_else_provides_is_held() {
        let asking = || vec![web(Some("true"), &["shop.example"], "shop-tls")];
        let with = |key: &str, value: &str| {
            let mut stored = ours(&["shop.example"]);
            stored.meta = with_annotation(stored.meta, key, value);
            reason_of(judged(asking(), vec![stored]))
        };
        assert_eq!(with("sealedsecrets.bitnami.com/managed", "true"), "OtherOwner");
        assert_eq!(with(annotation::CLAIM, "staging-2"), "OtherInstall");
        // Whoever writes it would refuse, although its Certificate is gone.
        assert_eq!(with(annotation::CERTIFICATE_NAME, "shop-tls"), "CertManager");
        let foreign = stored("shop", "shop-tls", bundle(leaf(&["shop.example"])));
        assert!(usable(&foreign), "it is good, and of another CA");
        assert_eq!(reason_of(judged(asking(), vec![foreign])), "OtherCa");
        let mut own = ours(&["shop.example"]);
        own.meta = with_annotation(own.meta, annotation::CLAIM, INSTALL);
        assert_eq!(need_of(judged(asking(), vec![own])), Need::Renewal);
    }
}
