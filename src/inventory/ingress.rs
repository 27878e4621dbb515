//! Derives the bindings of an Ingress.

use hashbrown::{HashMap, HashSet};

use crate::{
    object::{Ingress, Key, Kind, List, Text, annotation},
    x509::names::normalize,
};

use super::{
    binding::{Binding, Origin, RouteKey},
    controller::{Behind, Controller, certificate_from_elsewhere, is_canary},
    derive::MANY,
};

/// The host of a rule or tls entry that names none.
pub const EVERY_HOST: &str = "*";

/// The bindings of an Ingress: every host of its tls entries, and every host of its rules for which TLS is expected.
///
/// An Ingress without any sign of TLS has no bindings. A tls entry without hosts stands for the hosts of the rules. A
/// wildcard in a tls entry that no rule has stands for the hosts of rules below it, because those are the ones that are
/// routed. ingress-nginx ignores the tls entries of a canary, and serves two more kinds of hosts, which annotations
/// name.
pub fn of_ingress(ingress: &Ingress, behind: Behind) -> Vec<Binding> {
    let controller = behind.controller;
    if controller == Controller::IngressNginx && is_canary(ingress) {
        return Vec::new();
    }
    let mut derived = Derived {
        route: RouteKey::new(Kind::Ingress, ingress.meta.key()),
        elsewhere: certificate_from_elsewhere(ingress, behind),
        exact_first: controller == Controller::IngressNginx,
        bindings: Vec::with_capacity(ingress.rules.len().max(1)),
        positions: HashMap::new(),
        secrets: Vec::new(),
        numbers: HashMap::new(),
        several: HashMap::new(),
        spread: HashMap::new(),
    };
    let rules: Vec<Text> = ingress.rules.iter().map(|host| normal_host(host)).collect();
    let rules = Rules::new(&rules);
    for (position, entry) in ingress.tls.iter().enumerate() {
        let position = u16::try_from(position).unwrap_or(u16::MAX);
        let secret = entry
            .secret
            .as_ref()
            .map(|name| derived.number(named_secret(ingress, name, controller)));
        if entry.hosts.is_empty() && derived.spreads(EVERY_HOST, secret) {
            let every = [EVERY_HOST.into()];
            let hosts = if rules.hosts.is_empty() { &every } else { rules.hosts };
            for host in hosts {
                derived.add(host, secret, Origin::Below(position));
            }
        }
        for host in entry.hosts.iter().map(|host| normal_host(host)) {
            if rules.has(&host) || !rules.has_below(&host) {
                derived.add(&host, secret, Origin::Entry(position));
            } else if derived.spreads(&host, secret) {
                for host in rules.below(&host) {
                    derived.add(host, secret, Origin::Below(position));
                }
            }
        }
    }
    if expects_tls(ingress, controller) {
        for host in rules.hosts.iter().filter(|host| *host != EVERY_HOST) {
            let listed = derived
                .position(host)
                .or_else(|| derived.position(&wildcard_over(host)?));
            if listed.is_none() {
                derived.add(host, None, Origin::RuleOnly);
            }
        }
    }
    derived.put_several();
    // ingress-nginx creates a server for the host of each rule, and no other servers.
    let servers_alone = controller == Controller::IngressNginx;
    for binding in &mut derived.bindings {
        let host = &binding.host;
        binding.in_rules = host == EVERY_HOST
            || rules.has(host)
            || (!servers_alone
                && (rules.has(EVERY_HOST)
                    || wildcard_over(host).is_some_and(|wide| rules.has(&wide))
                    || rules.has_below(host)));
    }
    if servers_alone && !ingress.tls.is_empty() {
        derived.further_hosts_of_nginx(ingress, &rules);
    }
    // Hosts with a Secret are served with it, hosts without a Secret with the resolver's certificate.
    if behind.issues_by_resolver(ingress) {
        for binding in derived.bindings.iter_mut().filter(|binding| binding.secrets.is_empty()) {
            binding.elsewhere = true;
        }
    }
    derived.bindings
}

/// The meaning of a secretName.
enum NamedSecret {
    Secret(Key),
    /// A file of the controller.
    File,
}

/// The Secret that a secretName refers to. It is in the namespace of the Ingress, unless the controller accepts a
/// namespace as well.
///
/// Contour reads the namespace from an annotation (its documentation, "Ingress", TLS Certificate Delegation). `HAProxy`
/// Ingress accepts `[secret://][NAMESPACE/]NAME` and `file://PATH` (v0.17, pkg/controller/services/cache.go,
/// `GetTLSSecretPath`).
fn named_secret(ingress: &Ingress, name: &Text, controller: Controller) -> NamedSecret {
    let own = &ingress.meta.namespace;
    let key = match controller {
        Controller::Contour => {
            let elsewhere = ingress.meta.annotation(annotation::CONTOUR_NAMESPACE);
            let namespace = elsewhere.filter(|namespace| !namespace.is_empty());
            Key::new(namespace.map_or_else(|| own.clone(), Into::into), name.clone())
        }
        Controller::HaProxyIngress if name.starts_with("file://") => return NamedSecret::File,
        Controller::HaProxyIngress => {
            let bare = name.strip_prefix("secret://").unwrap_or(name);
            match bare.split_once('/') {
                Some((namespace, name)) => Key::new(namespace, name),
                None => Key::new(own.clone(), bare),
            }
        }
        _ => Key::new(own.clone(), name.clone()),
    };
    NamedSecret::Secret(key)
}

/// The largest number of hosts that are compared one by one. Nearly every Ingress has one or two, for which a hash
/// table would cost more.
const FEW: usize = 8;

/// The hosts of the rules.
struct Rules<'a> {
    hosts: &'a [Text],
    /// All hosts, where there are more than [`FEW`].
    exact: HashSet<&'a str>,
    /// The hosts by the part after their first label, where there are more than [`FEW`].
    by_parent: HashMap<&'a str, Vec<&'a Text>>,
}

impl<'a> Rules<'a> {
    fn new(hosts: &'a [Text]) -> Self {
        let mut rules = Self {
            hosts,
            exact: HashSet::new(),
            by_parent: HashMap::new(),
        };
        if hosts.len() > FEW {
            rules.exact.extend(hosts.iter().map(Text::as_str));
            for host in hosts {
                if let Some((_, parent)) = host.split_once('.') {
                    rules.by_parent.entry(parent).or_default().push(host);
                }
            }
        }
        rules
    }

    /// Whether a rule has exactly this host.
    fn has(&self, host: &str) -> bool {
        if self.hosts.len() > FEW {
            self.exact.contains(host)
        } else {
            self.hosts.iter().any(|rule| rule == host)
        }
    }

    /// Whether a rule has a host directly below a wildcard.
    fn has_below(&self, wide: &str) -> bool {
        if self.hosts.len() > FEW {
            wide.strip_prefix("*.")
                .is_some_and(|parent| self.by_parent.contains_key(parent))
        } else {
            !self.below(wide).is_empty()
        }
    }

    /// The hosts directly below a wildcard; empty for any other host.
    fn below(&self, wide: &str) -> Vec<&'a Text> {
        let Some(parent) = wide.strip_prefix("*.") else {
            return Vec::new();
        };
        if self.hosts.len() > FEW {
            return self.by_parent.get(parent).cloned().unwrap_or_default();
        }
        let below = |rule: &&Text| rule.split_once('.').is_some_and(|(_, rest)| rest == parent);
        self.hosts.iter().filter(below).collect()
    }
}

/// The wildcard that covers a host: `*` in place of its first label.
pub(super) fn wildcard_over(host: &str) -> Option<Text> {
    let (_, parent) = host.split_once('.')?;
    let mut wide = Text::with_capacity(parent.len() + 2);
    wide.push_str("*.");
    wide.push_str(parent);
    Some(wide)
}

/// The bindings that have been derived so far, one for each host. An Ingress may have tens of thousands.
struct Derived {
    route: RouteKey,
    elsewhere: bool,
    /// Whether the first entry that names a host takes precedence over entries that only cover it.
    exact_first: bool,
    bindings: Vec<Binding>,
    /// The bindings by host, where there are more than [`FEW`].
    positions: HashMap<Text, usize>,
    /// The Secrets that the entries name, and the position of each in this list.
    secrets: Vec<Key>,
    numbers: HashMap<Key, u32>,
    /// The Secrets of bindings with more than one, in order, while they are derived. They are limited to [`MANY`], like
    /// everything else that is examined for one host.
    several: HashMap<usize, Vec<u32>>,
    /// The Secrets that entries which cover many hosts have brought, by the wildcard of the entry; `*` if it names no
    /// host.
    spread: HashMap<Text, HashSet<Option<Numbered>>>,
}

/// The meaning of a secretName, with the number of the Secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Numbered {
    Secret(u32),
    File,
}

impl Derived {
    fn position(&self, host: &str) -> Option<usize> {
        if self.bindings.len() > FEW {
            self.positions.get(host).copied()
        } else {
            self.bindings.iter().position(|binding| binding.host == host)
        }
    }

    /// Assigns a number to the Secret that an entry names.
    fn number(&mut self, named: NamedSecret) -> Numbered {
        let NamedSecret::Secret(key) = named else {
            return Numbered::File;
        };
        let next = u32::try_from(self.secrets.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(key).or_insert_with_key(|key| {
            self.secrets.push(key.clone());
            next
        });
        Numbered::Secret(number)
    }

    fn add(&mut self, host: &Text, secret: Option<Numbered>, origin: Origin) {
        let number = match secret {
            Some(Numbered::Secret(number)) => Some(number),
            Some(Numbered::File) | None => None,
        };
        let secret_of = |number: u32| self.secrets.get(number as usize);
        if let Some(position) = self.position(host) {
            let present = &mut self.bindings[position];
            let exact = self.exact_first && matches!((present.origin, origin), (Origin::Below(_), Origin::Entry(_)));
            if exact {
                present.origin = origin;
            }
            let Some(number) = number else { return };
            let Some(first) = present.secrets.first() else {
                present.secrets = secret_of(number).cloned().into_iter().collect();
                return;
            };
            if secret_of(number) != Some(first) || self.several.contains_key(&position) {
                let before = self.numbers.get(first);
                let several = self.several.entry(position);
                put(
                    several.or_insert_with(|| before.copied().into_iter().collect()),
                    number,
                    exact,
                );
            }
            return;
        }
        self.bindings.push(Binding {
            route: self.route.clone(),
            listener: None,
            port: 443,
            host: host.clone(),
            secrets: number.and_then(secret_of).cloned().into_iter().collect(),
            origin,
            in_rules: true,
            elsewhere: self.elsewhere || secret == Some(Numbered::File),
            routes: Box::default(),
        });
        if self.bindings.len() > FEW {
            // When the limit is exceeded, index all bindings so far; afterwards, index each new one.
            let from = self.positions.len();
            let new = self.bindings.iter().enumerate().skip(from);
            self.positions
                .extend(new.map(|(position, b)| (b.host.clone(), position)));
        }
    }
}

/// Adds a Secret to those of a binding, at the end or at the beginning, unless it is there.
fn put(several: &mut Vec<u32>, number: u32, first: bool) {
    if (several.len() >= MANY && !first) || several.contains(&number) {
        return;
    }
    several.insert(if first { 0 } else { several.len() }, number);
    several.truncate(MANY);
}

impl Derived {
    /// Whether an entry that covers the many hosts of `named` brings them a Secret that no earlier such entry did.
    /// Without this check, an Ingress with thousands of such entries and of hosts would add each entry to each host.
    fn spreads(&mut self, named: &str, secret: Option<Numbered>) -> bool {
        let brought = self.spread.entry(named.into()).or_default();
        brought.len() <= MANY && brought.insert(secret)
    }

    /// Stores the Secrets in the bindings. Bindings with the same Secrets share one list.
    fn put_several(&mut self) {
        let mut lists: HashMap<Vec<u32>, List<Key>> = HashMap::new();
        for (position, several) in self.several.drain() {
            let keys = || several.iter().filter_map(|number| self.secrets.get(*number as usize));
            let list = lists.entry_ref(&several).or_insert_with(|| keys().cloned().collect());
            self.bindings[position].secrets = list.clone();
        }
    }

    /// The hosts of ingress-nginx's `server-alias` and `from-to-www-redirect` that no rule has. Each is served with the
    /// certificate of the rule's host that it belongs to, if that certificate covers it (v1.15: controller.go
    /// `createServers`, nginx.go `configureCertificates`, pkg/util/ingress `BuildRedirects`). An alias that is a
    /// pattern is not a server name.
    fn further_hosts_of_nginx(&mut self, ingress: &Ingress, rules: &Rules<'_>) {
        let named = |host: &&Text| *host != EVERY_HOST;
        // An alias of several hosts gets the certificate of the last one in sorted order, because the controller
        // configures them in that order.
        let last = rules.hosts.iter().filter(named).max();
        if let (Some(last), Some(aliases)) = (last, ingress.meta.annotation(annotation::NGINX_ALIAS)) {
            let aliases = aliases.split(',').map(str::trim);
            for alias in aliases
                .filter(|alias| !alias.is_empty() && !alias.starts_with('~'))
                .take(MANY)
            {
                self.beside(last, &normal_host(alias), Origin::Alias);
            }
        }
        if ingress.meta.annotation(annotation::NGINX_WWW) == Some("true") {
            for host in rules.hosts.iter().filter(named).filter(|host| !host.starts_with('*')) {
                self.beside(host, &www_counterpart(host), Origin::Redirect);
            }
        }
    }

    /// Adds a host that gets the same certificate as `base`. A host that only a tls entry names was not a server
    /// before, and becomes one.
    fn beside(&mut self, base: &str, host: &Text, origin: Origin) {
        let secrets = self.position(base).map(|at| self.bindings[at].secrets.clone());
        match self.position(host) {
            Some(at) if self.bindings[at].in_rules => {}
            Some(at) => {
                let present = &mut self.bindings[at];
                (present.origin, present.in_rules) = (origin, true);
            }
            None => {
                self.add(host, None, origin);
                if let Some(added) = self.bindings.last_mut() {
                    added.secrets = secrets.unwrap_or_default();
                }
            }
        }
    }
}

/// The host with `www.` added, or removed if it is there.
pub(super) fn www_counterpart(host: &str) -> Text {
    match host.strip_prefix("www.") {
        Some(bare) => bare.into(),
        None => compact_str::format_compact!("www.{host}"),
    }
}

/// Whether clients are meant to reach the hosts of the rules over TLS, so that a host without a certificate is worth
/// reporting.
fn expects_tls(ingress: &Ingress, controller: Controller) -> bool {
    let is_true = |key| ingress.meta.annotation(key) == Some("true");
    !ingress.tls.is_empty()
        || is_true(annotation::TLS_ACME)
        || (controller == Controller::Traefik && is_true(annotation::TRAEFIK_TLS))
}

/// The normal form of a host, as bindings have it; `*` for every host.
pub fn normal_host(host: &str) -> Text {
    if host.is_empty() || host == EVERY_HOST {
        EVERY_HOST.into()
    } else {
        normalize(host)
    }
}

/// Whether the wildcard host `wide` (`*.a`) covers the host `narrow` (`x.a`), which has exactly one more label.
pub fn covers_host(wide: &str, narrow: &str) -> bool {
    wide.strip_prefix("*.")
        .is_some_and(|parent| narrow.split_once('.').is_some_and(|(_, rest)| rest == parent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::fixtures::{ingress, with_annotation};

    fn hosts(bindings: &[Binding]) -> Vec<(&str, Vec<&str>, Origin)> {
        bindings
            .iter()
            .map(|b| {
                (
                    b.host.as_str(),
                    b.secrets.iter().map(|s| s.name.as_str()).collect(),
                    b.origin,
                )
            })
            .collect()
    }

    #[test]
    fn hosts_of_tls_entries_and_hosts_of_rules_become_bindings() {
        let mut web = ingress("shop", "web", &[(&["Shop.Example", "www.shop.example"], "shop-tls")]);
        web.rules = ["shop.example", "api.shop.example"]
            .map(Text::from)
            .into_iter()
            .collect();
        assert_eq!(
            hosts(&of_ingress(&web, Controller::Unknown.into())),
            [
                ("shop.example", vec!["shop-tls"], Origin::Entry(0)),
                ("www.shop.example", vec!["shop-tls"], Origin::Entry(0)),
                ("api.shop.example", vec![], Origin::RuleOnly),
            ]
        );
    }

    #[test]
    fn an_entry_without_hosts_stands_for_the_rules_and_plain_http_is_no_binding() {
        let mut web = ingress("shop", "web", &[(&[], "shop-tls")]);
        web.rules = vec!["a.example".into(), "b.example".into()].into();
        assert_eq!(of_ingress(&web, Controller::Unknown.into()).len(), 2);
        web.rules = List::default();
        assert_eq!(
            hosts(&of_ingress(&web, Controller::Unknown.into())),
            [("*", vec!["shop-tls"], Origin::Below(0))]
        );

        let mut plain = ingress("shop", "plain", &[]);
        plain.rules = vec!["a.example".into()].into();
        assert!(of_ingress(&plain, Controller::Unknown.into()).is_empty());
        plain.meta = with_annotation(plain.meta, annotation::TLS_ACME, "true");
        assert_eq!(
            hosts(&of_ingress(&plain, Controller::Unknown.into())),
            [("a.example", vec![], Origin::RuleOnly)]
        );
    }

    #[test]
    fn a_wildcard_entry_stands_for_the_hosts_of_the_rules_below_it() {
        let mut web = ingress("shop", "web", &[(&["*.shop.example"], "wild")]);
        web.rules = vec!["a.shop.example".into(), "a.b.shop.example".into()].into();
        assert_eq!(
            hosts(&of_ingress(&web, Controller::Unknown.into())),
            [
                ("a.shop.example", vec!["wild"], Origin::Below(0)),
                ("a.b.shop.example", vec![], Origin::RuleOnly)
            ]
        );
        web.rules = web.rules.into_iter().chain(["*.shop.example".into()]).collect();
        assert_eq!(
            hosts(&of_ingress(&web, Controller::Unknown.into())),
            [
                ("*.shop.example", vec!["wild"], Origin::Entry(0)),
                ("a.b.shop.example", vec![], Origin::RuleOnly)
            ]
        );
    }

    #[test]
    fn twenty_thousand_hosts_are_derived_in_linear_time() {
        let names: Vec<String> = (0..20_000).map(|n| format!("h{n}.shop.example")).collect();
        let mut web = ingress("shop", "web", &[(&[], "wild")]);
        web.rules = names.iter().map(Text::from).collect();
        web.tls[0].hosts = web.rules.clone();
        assert_eq!(of_ingress(&web, Controller::Unknown.into()).len(), 20_000);
    }
}
