//! Which Secrets are kept renewed unattended: those of routes that ask for it, unless somebody else provides them.

use super::{
    ca::Issuers,
    copy::{self, CopyHold, Copying},
    names::Names,
    target::{Target, is_counted, kept, names_of, target},
    wildcard::{self, Wildcards},
};
use crate::{
    check::{asked_of_cert_manager, is_owned, owner},
    inventory::{Inventory, NameDenied, RouteKey, Stored, WhyDenied, query::usable},
    name::Name,
    object::{Key, Seconds, Text, annotation},
    policy::{NamesRule, Terms},
    text::{date_time, first_few},
    x509::{Fingerprint, is_staging_issuer},
};

/// The kind of the key of a new certificate, where the settings name none.
const USUAL_KEY: &str = "ecdsa-p256";

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

/// What the names policy says of a Secret that gets a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The names that routes ask for and that are left out, with the reason.
    pub denied: Option<String>,
    /// How many certificates its namespace may order anew within a day.
    pub orders_a_day: Option<usize>,
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

/// Why a Secret for which a route asks is left alone. Each is a rule that protects somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// cert-manager writes it.
    #[error("cert-manager's Certificate {0} writes it")]
    CertManager(Key),
    /// A route asks cert-manager for it.
    #[error("{0} asks cert-manager for it")]
    AskedOfCertManager(RouteKey),
    /// cert-manager has marked it, and its Certificate is gone: a write would be refused.
    #[error("it bears cert-manager's marks, although no Certificate writes it: `kubectl certs adopt` takes it over")]
    Marked,
    /// Another program or object writes it.
    #[error("{0} writes it")]
    Owner(String),
    /// Another installation of this program keeps it.
    #[error("another installation ({0}) keeps it")]
    OtherInstall(String),
    /// Its certificate comes from another CA.
    #[error("{from} issued its certificate, and not {to}")]
    OtherCa {
        /// The CA that issued it.
        from: String,
        /// The CA at which it would be ordered.
        to: String,
    },
    /// Nobody knows what it holds.
    #[error("it may not be read, so nobody knows what it holds")]
    Unread,
    /// It holds what another Secret held before a renewal.
    #[error("it holds what another Secret held before a renewal")]
    Backup,
    /// Two certificates for its names were issued within a day, and are not what it holds: somebody else writes it too.
    #[error("two certificates for its names were issued within a day, and a third is wanted: no more before {}", date_time(*.0))]
    TwoADay(Seconds),
    /// The pair of its last renewal was proved not to be served, so that the former one was put back.
    #[error(
        "its new certificate was not served where the former one had been, so that the former one was put back: it is not renewed before {}",
        date_time(*.0)
    )]
    RolledBack(Seconds),
    /// No certificate can be ordered for its hosts.
    #[error("no certificate can be ordered for {0}")]
    Impossible(String),
    /// It is to be a copy, which a rule forbids.
    #[error(transparent)]
    Copy(CopyHold),
    /// The names policy does not permit its namespace the names.
    #[error("{0}")]
    NotPermitted(String),
    /// Another namespace has its names.
    #[error("{0}")]
    NameTaken(String),
    /// Its namespace has ordered as many certificates as the names policy permits it within a day.
    #[error(
        "namespace {namespace} may order {most} certificates within a day, and has: no more before {}",
        date_time(*.until)
    )]
    OrdersADay {
        /// The namespace.
        namespace: Text,
        /// How many it may order.
        most: usize,
        /// When it may order again, in seconds since 1970.
        until: Seconds,
    },
}

impl Hold {
    /// The rule in one word, as conditions of Kubernetes have their reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::CertManager(_) | Self::AskedOfCertManager(_) | Self::Marked => "CertManager",
            Self::Owner(_) => "OtherOwner",
            Self::OtherInstall(_) => "OtherInstall",
            Self::OtherCa { .. } => "OtherCa",
            Self::Unread => "Forbidden",
            Self::Backup => "Backup",
            Self::TwoADay(_) => "TwoADay",
            Self::RolledBack(_) => "RolledBack",
            Self::Impossible(_) => "ImpossibleName",
            Self::Copy(hold) => hold.reason(),
            Self::NotPermitted(_) => "NameNotPermitted",
            Self::NameTaken(_) => "NameTaken",
            Self::OrdersADay { .. } => "OrdersADay",
        }
    }

    /// When it ends by itself, in seconds since 1970; `None` if time alone changes nothing.
    pub fn until(&self) -> Option<Seconds> {
        match self {
            Self::TwoADay(until) | Self::RolledBack(until) | Self::OrdersADay { until, .. } => Some(*until),
            _ => None,
        }
    }
}

impl From<NameDenied> for Hold {
    fn from(denied: NameDenied) -> Self {
        let words = denied.to_string();
        match denied.why {
            WhyDenied::Policy(_) => Self::NotPermitted(words),
            WhyDenied::Taken { .. } => Self::NameTaken(words),
        }
    }
}

/// What is noted on a Secret into which the former pair was put back: `FORMER REFUSED NAMES TIME`, of which the first two are the
/// SHA-256 of leaves and the third stands for the names that were refused.
pub fn rollback_note(former: Fingerprint, refused: Fingerprint, names: &[Name], at: Seconds) -> String {
    format!("{former} {refused} {} {}", in_short(names), date_time(at))
}

/// Until when these names are not ordered again for a Secret, in seconds since 1970, because the pair that it holds was put back in
/// place of one for them; `None` if it was not. From then on a new pair is not taken out again, so that this happens
/// once to a certificate. Without names, whatever they are.
pub fn rolled_back(stored: &Stored, names: Option<&[Name]>) -> Option<Seconds> {
    let leaf = stored.leaf()?;
    let mut noted = stored.meta.annotation(annotation::ROLLED_BACK)?.split(' ');
    let (former, _refused, refused_names) = (noted.next()?, noted.next()?, noted.next()?);
    let is_about = former == leaf.sha256.to_string() && names.is_none_or(|names| in_short(names) == refused_names);
    is_about.then(|| last_tenth(leaf.not_before, leaf.not_after))
}

/// What stands for a set of names, whatever their order.
fn in_short(names: &[Name]) -> String {
    let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.sort();
    Fingerprint::of(names.join(" ").as_bytes()).short()
}

/// When the last tenth of a lifetime begins, in seconds since 1970: a pair with less left is not put back.
pub fn last_tenth(not_before: Seconds, not_after: Seconds) -> Seconds {
    not_after.saturating_sub(not_after.saturating_sub(not_before) / 10)
}

/// Whether a route asks by the annotation that kube-lego defined. Its value is read as cert-manager reads it, by Go's
/// `strconv.ParseBool` (pkg/controller/certificate-shim/sync.go, v1.19).
pub fn asks(inventory: &Inventory, route: &RouteKey) -> bool {
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

/// Leaves what the names policy does not permit out of the names of a target. Returns what it says of the rest, and the rule
/// that holds the first name that is left out.
fn bounded(inventory: &Inventory, target: &mut Target, declared: &[String], asked: &Asked) -> (Bounds, Option<Hold>) {
    let mut bounds = Bounds::default();
    let Some(policy) = inventory.policy() else {
        return (bounds, None);
    };
    let stored = inventory.secrets().get(&target.secret);
    let mut terms = asked.terms.clone();
    if terms.key_type.is_empty() {
        let leaf = stored.and_then(Stored::leaf);
        terms.key_type = leaf.map_or_else(|| USUAL_KEY.to_owned(), |leaf| leaf.key.to_string());
    }
    let (mut permitted, mut denied): (Vec<String>, Vec<NameDenied>) = (Vec::new(), Vec::new());
    let mut limit = |rule: Option<&NamesRule>| {
        let of_rule = rule.and_then(|rule| rule.orders_a_day);
        bounds.orders_a_day = bounds.orders_a_day.into_iter().chain(of_rule).min();
    };
    let ids = inventory.bindings_of_secret(&target.secret).iter();
    for binding in ids.filter_map(|id| inventory.bindings().get(*id)) {
        if !is_counted(binding, stored) {
            continue;
        }
        match inventory.name_permitted(binding, &terms) {
            Ok(rule) => {
                limit(rule);
                permitted.push(binding.host.to_string());
            }
            Err(one) => denied.push(*one),
        }
    }
    let namespace = &target.secret.namespace;
    let may = |name: &Name| inventory.permitted(policy, namespace, &name.to_string(), Some(&terms));
    for name in declared.iter().filter_map(|name| name.parse::<Name>().ok()) {
        match inventory.declared_permitted(namespace, &name.to_string().into(), &terms) {
            Ok(rule) => {
                limit(rule);
                permitted.push(name.to_string());
            }
            Err(one) => denied.push(*one),
        }
    }
    // A wildcard of the present certificate would stay for the sake of a host below it: whoever put it there, it is permitted or goes.
    let held: Vec<Name> = stored.and_then(Stored::leaf).into_iter().flat_map(names_of).collect();
    let kept = held.iter().filter(|name| may(name).is_ok()).cloned();
    let impossible = std::mem::take(&mut target.names.impossible);
    let mut names = Names::join(permitted.iter().map(String::as_str), kept, true);
    // What it serves by such a wildcard is not new, so that it is renewed in its time.
    let is_served = |name: &&Name| held.iter().any(|has| has.covers(name));
    names.present = names.order.iter().filter(is_served).cloned().collect();
    names.impossible = impossible;
    target.names = names;
    let words: Vec<String> = denied.iter().map(|one| format!("{}: {one}", one.host)).collect();
    bounds.denied = (!words.is_empty()).then(|| first_few(&words));
    (bounds, denied.into_iter().next().map(Hold::from))
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

/// The rule that has an installation leave a Secret alone, whatever its CA is; `None` if there is none.
pub fn hold(inventory: &Inventory, secret: &Key, install: &str) -> Option<Hold> {
    if let Some(certificate) = inventory.certificates_of(secret).next() {
        return Some(Hold::CertManager(certificate.meta.key()));
    }
    if let Some(route) = asked_of_cert_manager(inventory, secret) {
        return Some(Hold::AskedOfCertManager(route.clone()));
    }
    if kept(inventory, secret).is_some() {
        return Some(Hold::Backup);
    }
    let Some(stored) = inventory.secrets().get(secret) else {
        return inventory.is_unread(secret).then_some(Hold::Unread);
    };
    if is_owned(stored) {
        let owner = owner(inventory, secret).unwrap_or_else(|| "another program".to_owned());
        return Some(Hold::Owner(owner));
    }
    if is_marked(stored) {
        return Some(Hold::Marked);
    }
    stored
        .meta
        .annotation(annotation::CLAIM)
        .filter(|claim| *claim != install)
        .map(|claim| Hold::OtherInstall(claim.to_owned()))
}

/// Whether cert-manager has marked a Secret as its own, by what whoever is about to write it looks at too
/// (`apply::owner`). Of the managers of its fields nothing is known here: cert-manager never leaves one without a mark.
fn is_marked(stored: &Stored) -> bool {
    stored.meta.annotation(annotation::CERTIFICATE_NAME).is_some()
        || stored.meta.label(annotation::CERT_MANAGERS) == Some("true")
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
        object::{Change, Kind, Object},
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
        let held = judged(asking(), vec![foreign]);
        let Some(
            Wanted::Held(Hold::OtherCa { .. })
            | Wanted::Keep {
                need: Need::Unusable, ..
            },
        ) = held
        else {
            panic!("{held:?}")
        };
        let mut own = ours(&["shop.example"]);
        own.meta = with_annotation(own.meta, annotation::CLAIM, INSTALL);
        assert_eq!(need_of(judged(asking(), vec![own])), Need::Renewal);
    }
}
