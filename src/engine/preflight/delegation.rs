//! Checks whether the zone of a name server of one's own is delegated to it, and prints the records that delegate it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use futures_util::{StreamExt as _, future::join_all, stream};

use super::{Preflight, SharedChecks, in_time};
use crate::{
    apply::{Api, Permits},
    engine::choose::method_under,
    error::Blame,
    event::Method,
    net::dns::{Authorities, PORT},
    object::{Key, resource::SERVICE},
    plan::{
        Target,
        preflight::{Check, Topic},
    },
    solve::{
        SolveError,
        dns01::{Delegation, Dns01, within},
    },
};

/// How many questions a name server's API has at once.
const AT_ONCE: usize = 4;

impl Preflight<'_> {
    /// Checks the zones of the names that are proved by a name server's API, each once.
    pub(super) async fn delegations(&self, target: &Target, shared: &SharedChecks) -> Vec<Check> {
        let (Ok(Some(dns01)), Some(authorities)) = (&shared.dns01, &shared.authorities) else {
            return Vec::new();
        };
        let domains = target
            .names
            .order
            .iter()
            .filter(|name| method_under(&self.settings.dns01, name) == Method::Dns01)
            .filter_map(|name| name.base());
        let failed = Mutex::default();
        let zones: BTreeMap<String, Delegation> = stream::iter(related(domains))
            .map(|domains| self.zones_of(dns01, domains, &failed))
            .buffer_unordered(AT_ONCE)
            .flat_map(stream::iter)
            .map(|found| (found.zone.clone(), found))
            .collect()
            .await;
        join_all(zones.values().map(|found| delegated(found, authorities))).await
    }

    /// The zones of related domains. A domain within a zone that was found is not asked for again, because the answer is
    /// the whole zone. Nor is a provider that has `failed`: what it does not tell, such as for a wrong key, is the
    /// matter of its own check.
    async fn zones_of(&self, dns01: &Dns01, domains: Vec<&str>, failed: &Mutex<BTreeSet<String>>) -> Vec<Delegation> {
        let failed = || failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut zones: Vec<Delegation> = Vec::new();
        for domain in domains {
            let Some(provider) = dns01.proving(domain) else {
                continue;
            };
            if failed().contains(provider) || zones.iter().any(|found| within(domain, &found.zone)) {
                continue;
            }
            match in_time("the name server", Topic::Dns, self.delegation(dns01, domain)).await {
                Ok(Ok(found)) => zones.extend(found),
                Ok(Err(_)) | Err(_) => {
                    failed().insert(provider.to_owned());
                }
            }
        }
        zones
    }

    /// How the zone of a domain has to be delegated.
    async fn delegation(&self, dns01: &Dns01, domain: &str) -> Result<Option<Delegation>, SolveError> {
        let Some((mut found, service)) = dns01.delegation(domain).await? else {
            return Ok(None);
        };
        let bare: Vec<String> = found.without_address().map(str::to_owned).collect();
        if let (Some(service), [server, ..]) = (service, bare.as_slice()) {
            let addresses = self.balanced(&service).await.unwrap_or_default();
            found
                .glue
                .extend(addresses.into_iter().map(|address| (server.clone(), address)));
        }
        Ok(Some(found))
    }

    /// The addresses at which the Pods behind a Service answer DNS to the world: those of the Services of type
    /// `LoadBalancer` that lead to the same Pods. `None` if they cannot be read.
    async fn balanced(&self, api: &Key) -> Option<BTreeSet<IpAddr>> {
        let reader = Api::new(self.connection?.clone(), Permits::none());
        let services = reader.list(SERVICE, Some(api.namespace.as_str()), None).await.ok()?;
        let own = services
            .iter()
            .find(|service| service["metadata"]["name"] == *api.name)?;
        let selector = &own["spec"]["selector"];
        if !selector.is_object() {
            return None;
        }
        let of_dns = services.iter().filter(|service| {
            let ports = service["spec"]["ports"].as_array();
            service["spec"]["selector"] == *selector
                && ports.is_some_and(|ports| ports.iter().any(|port| port["port"] == PORT))
        });
        let ingress = of_dns.filter_map(|service| service["status"]["loadBalancer"]["ingress"].as_array());
        let addresses = ingress.flatten().filter_map(|at| at["ip"].as_str()?.parse().ok());
        Some(addresses.collect())
    }
}

/// The domains by the last two labels, which most zones have in common. The deepest come first, so that a zone of their
/// own is found before the one above.
fn related<'a>(domains: impl Iterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<&str, BTreeSet<(Reverse<usize>, &str)>> = BTreeMap::new();
    for domain in domains {
        let last = domain.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
        let labels = domain.split('.').count();
        let group = groups.entry(domain.get(last..).unwrap_or(domain)).or_default();
        group.insert((Reverse(labels), domain));
    }
    let ordered = |group: BTreeSet<(Reverse<usize>, &'a str)>| group.into_iter().map(|(_, domain)| domain).collect();
    groups.into_values().map(ordered).collect()
}

/// Checks what the zone above says of a zone. A resolver, which would keep that it says nothing, is asked only if no
/// zone above is known here, or if its servers cannot be asked.
async fn delegated(found: &Delegation, authorities: &Authorities) -> Check {
    let asked = async {
        match authorities.delegated(&found.zone).await {
            Ok(servers) => Ok(servers),
            Err(_) => authorities.resolver().ns(&found.zone).await,
        }
    };
    let check = match in_time("DNS", Topic::Dns, asked).await {
        Err(late) => late,
        Ok(Ok(shown)) => judge(found, &shown),
        Ok(Err(error)) => Check::warning(
            Topic::Dns,
            format!("what DNS has for {} is not known here: {error}", found.zone),
        )
        .hint(Some(needed(found))),
    };
    check.of(found.zone.clone())
}

/// Judges what DNS shows as a zone's name servers.
fn judge(found: &Delegation, shown: &[String]) -> Check {
    let own: BTreeSet<&str> = found.servers.iter().map(String::as_str).collect();
    let shown: BTreeSet<&str> = shown.iter().map(String::as_str).collect();
    let zone = &found.zone;
    let list = |all: &BTreeSet<&str>| all.iter().copied().collect::<Vec<_>>().join(", ");
    if own.is_empty() {
        return Check::warning(Topic::Dns, format!("the zone {zone} has no NS records of its own"))
            .hint(Some("give it the names of its name servers, and their addresses"));
    }
    if own == shown {
        return Check::ok(Topic::Dns, format!("{zone} is delegated to {}", list(&own)));
    }
    let hint = needed(found);
    if shown.is_empty() {
        let message = format!("nothing in DNS delegates {zone} to {}", list(&own));
        return Check::fails(Topic::Dns, Blame::Acme, message).hint(Some(hint));
    }
    let message = format!(
        "DNS delegates {zone} to {}, but its own name servers are {}",
        list(&shown),
        list(&own)
    );
    Check::warning(Topic::Dns, message).hint(Some(hint))
}

/// The records that delegate the zone.
fn needed(found: &Delegation) -> String {
    let records = found.records().join(", ");
    let bare: Vec<&str> = found.without_address().collect();
    let more = if bare.is_empty() {
        String::new()
    } else {
        format!(", and the addresses at which {} can be asked", bare.join(", "))
    };
    format!("the zone above {} needs these records: {records}{more}", found.zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::preflight::Grade;

    #[test]
    fn a_zone_that_is_not_delegated_is_told_with_the_records_that_delegate_it() {
        let mut found = Delegation {
            zone: "corp.internal".to_owned(),
            servers: vec!["ns1.corp.internal".to_owned()],
            glue: vec![("ns1.corp.internal".to_owned(), "192.0.2.53".parse().unwrap())],
        };
        let none = judge(&found, &[]);
        assert_eq!(
            (none.grade, none.message.as_str(), none.hint.as_deref()),
            (
                Grade::Fails,
                "nothing in DNS delegates corp.internal to ns1.corp.internal",
                Some(
                    "the zone above corp.internal needs these records: corp.internal. IN NS ns1.corp.internal., \
                     ns1.corp.internal. IN A 192.0.2.53"
                )
            )
        );
        assert_eq!(judge(&found, &["ns1.corp.internal".to_owned()]).grade, Grade::Ok);
        assert_eq!(judge(&found, &["ns.other.example".to_owned()]).grade, Grade::Warning);
        found.glue.clear();
        let hint = judge(&found, &[]).hint.unwrap();
        assert!(
            hint.ends_with(", and the addresses at which ns1.corp.internal can be asked"),
            "{hint}"
        );
    }

    #[test]
    fn domains_of_one_zone_are_asked_for_one_after_the_other_the_deepest_first() {
        let domains = ["shop.example", "a.eu.shop.example", "www.shop.example", "corp.internal"];
        assert_eq!(
            related(domains.into_iter()),
            [
                vec!["corp.internal"],
                vec!["a.eu.shop.example", "www.shop.example", "shop.example"],
            ]
        );
        assert!(within("www.shop.example", "shop.example") && within("shop.example", "shop.example"));
        assert!(!within("workshop.example", "shop.example"));
    }
}
