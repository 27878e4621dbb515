//! How each name is proved: by a record that stays if the settings say so; by DNS if a provider serves its zone, if it
//! is a wildcard, or if the settings say so; otherwise by HTTP.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::authorize::Choose;
use crate::{
    event::Method,
    name::Name,
    plan::Target,
    settings::{Dns01Settings, Settings},
    solve::{
        Solve, SolveError,
        dns_persist01::DnsPersist01,
        dns01::{Dns01, within},
        http01::Http01,
    },
};

/// The solvers of a run.
#[derive(Debug, Clone, Default)]
pub struct Solvers {
    /// Solves HTTP-01 challenges; `None` without a cluster.
    pub http01: Option<Arc<Http01>>,
    /// Solves DNS-01 challenges; `None` without a provider.
    pub dns01: Option<Arc<Dns01>>,
    /// Solves DNS-PERSIST-01 challenges; `None` if no name is proved by it.
    pub dns_persist01: Option<Arc<DnsPersist01>>,
    rule: Rule,
    /// Names that no challenge route can be found for, with the reasons.
    unplaced: HashMap<Name, SolveError>,
}

impl Solvers {
    /// Makes a choice between the solvers, according to the settings.
    pub fn new(
        http01: Option<Arc<Http01>>,
        dns01: Option<Arc<Dns01>>,
        dns_persist01: Option<Arc<DnsPersist01>>,
        settings: &Dns01Settings,
        unplaced: HashMap<Name, SolveError>,
    ) -> Self {
        Self {
            http01,
            dns01,
            dns_persist01,
            rule: Rule::of(settings),
            unplaced,
        }
    }

    /// The method by which a name is proved.
    pub fn method(&self, name: &Name) -> Method {
        self.rule.method(name)
    }
}

/// What the settings say of methods.
#[derive(Debug, Clone, Default)]
struct Rule {
    /// Whether every name is proved by DNS (`--dns`).
    only_dns: bool,
    /// The domains for which the settings name a provider.
    zones: Vec<String>,
    /// Whether every name is proved by a record that stays (`--challenge dns-persist-01`).
    all_standing: bool,
    /// The domains that the settings say have such records.
    standing: Vec<String>,
    /// What routes say of names.
    led: BTreeMap<Name, Method>,
}

impl Rule {
    fn of(settings: &Dns01Settings) -> Self {
        let zones = settings.providers.iter().flat_map(|entry| &entry.zones);
        Self {
            only_dns: settings.only.is_some(),
            zones: zones
                .map(|zone| zone.trim_end_matches('.').to_ascii_lowercase())
                .collect(),
            all_standing: settings.all_standing,
            standing: settings.standing.clone(),
            led: settings.led.clone(),
        }
    }

    fn method(&self, name: &Name) -> Method {
        match self.led.get(name) {
            // A record that stays names an account, and there may be another CA by now at which none is used.
            Some(Method::DnsPersist01) if self.all_standing || !self.standing.is_empty() => Method::DnsPersist01,
            Some(Method::Dns01) => Method::Dns01,
            // Who leads clients here sets no record that stays.
            Some(Method::Http01) if self.all_standing => Method::Http01,
            Some(Method::Http01 | Method::DnsPersist01) | None => self.said(name),
        }
    }

    /// What the settings alone say.
    fn said(&self, name: &Name) -> Method {
        // RFC 8738, section 4: IP addresses cannot be proved by DNS.
        let Some(base) = name.base() else {
            return Method::Http01;
        };
        let longest = |zones: &[String]| {
            let holds = zones.iter().filter(|zone| within(base, zone));
            holds.map(String::len).max()
        };
        let (standing, provider) = (longest(&self.standing), longest(&self.zones));
        // The flag for a provider is about every name, and what is said in the settings is not.
        let stands = !self.only_dns && standing.is_some() && standing >= provider;
        if stands || self.all_standing {
            Method::DnsPersist01
        } else if self.only_dns || provider.is_some() || name.is_wildcard() {
            Method::Dns01
        } else {
            Method::Http01
        }
    }
}

/// The settings with what the routes of targets say of how their names are proved.
pub fn led<'s>(settings: &'s Settings, targets: &[Target]) -> Cow<'s, Settings> {
    let uses = targets.iter().flat_map(|target| &target.uses);
    let said = uses.filter_map(|used| Some((used.proof?, &used.hosts)));
    let names = said.flat_map(|(proof, hosts)| {
        hosts
            .iter()
            .filter_map(move |(host, _)| Some((host.parse().ok()?, proof)))
    });
    let led: BTreeMap<Name, Method> = names.collect();
    if led.is_empty() {
        return Cow::Borrowed(settings);
    }
    let mut settings = settings.clone();
    settings.dns01.led = led;
    Cow::Owned(settings)
}

/// The method by which a name is proved with these settings.
pub fn method_under(settings: &Dns01Settings, name: &Name) -> Method {
    Rule::of(settings).method(name)
}

/// The error for a name that has no provider.
pub(super) fn no_provider(name: &Name) -> SolveError {
    SolveError::new(format!(
        "{name} can be validated by DNS-01 only, and no DNS provider is configured"
    ))
    .hint("name one in the settings (`kubectl certs config example`), or write the record yourself with --dns manual")
}

/// The error for a name that a record which stays would prove, and nobody looks for it.
fn no_record(name: &Name) -> SolveError {
    SolveError::new(format!(
        "{name} is validated by dns-persist-01, and no resolver can look for its record"
    ))
    .hint("name one with --resolver ADDRESS")
}

/// The error if records that stay cannot be there, because there is no account that they could name.
pub(super) fn no_account(issuer: &str) -> SolveError {
    SolveError::new(format!(
        "a record for dns-persist-01 names the account at {issuer}, and there is none yet"
    ))
    .hint("create it with `kubectl certs account register` and the same CA; then `kubectl certs preflight` prints the record")
}

/// The error for a name that only a cluster could prove.
pub(super) fn no_cluster(name: &Name) -> SolveError {
    SolveError::new(format!(
        "{name} is validated by HTTP-01 through a cluster, and there is none here"
    ))
    .hint("name a DNS provider for its zone in the settings, or give --dns NAME")
}

impl Choose for Solvers {
    fn solver(&self, name: &Name) -> Result<Arc<dyn Solve>, SolveError> {
        if let Some(error) = self.unplaced.get(name) {
            return Err(error.clone());
        }
        match self.method(name) {
            Method::Dns01 => match &self.dns01 {
                Some(solver) => Ok(Arc::clone(solver) as Arc<dyn Solve>),
                None => Err(no_provider(name)),
            },
            Method::DnsPersist01 => match &self.dns_persist01 {
                Some(solver) => Ok(Arc::clone(solver) as Arc<dyn Solve>),
                None => Err(no_record(name)),
            },
            Method::Http01 => match &self.http01 {
                Some(solver) => Ok(Arc::clone(solver) as Arc<dyn Solve>),
                None => Err(no_cluster(name)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(zones: &[&str], standing: &[&str]) -> Rule {
        let all = |domains: &[&str]| domains.iter().map(|domain| (*domain).to_owned()).collect();
        Rule {
            zones: all(zones),
            standing: all(standing),
            ..Rule::default()
        }
    }

    #[test]
    fn a_record_that_stays_proves_the_domains_that_have_one_and_the_closer_setting_counts() {
        let mut rule = rule(
            &["corp.example", "dyn.shop.example"],
            &["shop.example", "eu.corp.example"],
        );
        for (name, expected) in [
            ("shop.example", Method::DnsPersist01),
            ("*.shop.example", Method::DnsPersist01),
            ("a.b.shop.example", Method::DnsPersist01),
            ("a.dyn.shop.example", Method::Dns01),
            ("corp.example", Method::Dns01),
            ("eu.corp.example", Method::DnsPersist01),
            ("other.example", Method::Http01),
            ("192.0.2.1", Method::Http01),
        ] {
            assert_eq!(rule.method(&name.parse().unwrap()), expected, "{name}");
        }
        rule.all_standing = true;
        for (name, expected) in [
            ("other.example", Method::DnsPersist01),
            ("corp.example", Method::DnsPersist01),
            ("192.0.2.1", Method::Http01),
        ] {
            assert_eq!(rule.method(&name.parse().unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn a_name_is_proved_as_its_route_says_where_the_settings_do_not_know_better() {
        let customers = [
            ("before.example", Method::Dns01),
            ("stands.example", Method::DnsPersist01),
            ("here.example", Method::Http01),
            ("here.corp.example", Method::Http01),
        ];
        let mut rule = rule(&["corp.example", "challenges.example"], &["own.example"]);
        rule.led = customers.map(|(name, method)| (name.parse().unwrap(), method)).into();
        let method = |rule: &Rule, name: &str| rule.method(&name.parse().unwrap());
        for (name, expected) in [
            ("before.example", Method::Dns01),
            ("stands.example", Method::DnsPersist01),
            ("here.example", Method::Http01),
            ("here.corp.example", Method::Dns01),
            ("other.example", Method::Http01),
        ] {
            assert_eq!(method(&rule, name), expected, "{name}");
        }
        rule.all_standing = true;
        assert_eq!(method(&rule, "before.example"), Method::Dns01);
        assert_eq!(method(&rule, "here.example"), Method::Http01, "no record stands for it");
        // At a CA at which no record stands.
        rule.all_standing = false;
        rule.standing.clear();
        assert_eq!(method(&rule, "stands.example"), Method::Http01);
    }

    #[test]
    fn a_zone_with_a_provider_is_proved_by_dns_and_so_is_every_wildcard() {
        for (name, only, expected) in [
            ("internal.example", false, Method::Dns01),
            ("a.b.internal.example", false, Method::Dns01),
            ("notinternal.example", false, Method::Http01),
            ("shop.example", false, Method::Http01),
            ("*.shop.example", false, Method::Dns01),
            ("shop.example", true, Method::Dns01),
            ("192.0.2.1", true, Method::Http01),
        ] {
            let rule = Rule {
                only_dns: only,
                ..rule(&["internal.example"], &[])
            };
            assert_eq!(rule.method(&name.parse().unwrap()), expected, "{name}");
        }
    }
}
