//! Where a name ends: the end of its CNAMEs, and the zone that contains it.

use futures_util::future::BoxFuture;

use crate::{
    net::dns::{DnsError, Resolver},
    solve::SolveError,
};

/// How many CNAMEs are followed. Resolvers give up at 8 to 16.
const MOST_ALIASES: usize = 16;

/// Where a record has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxtName {
    /// The name, at the end of all CNAMEs.
    pub name: String,
    /// The zone that contains it.
    pub zone: String,
    /// The names on the way that are aliases (CNAMEs), in order.
    pub aliases: Vec<String>,
}

/// The DNS queries that are needed to find a place, answered by [`Resolver`].
pub(super) trait Lookup: Send + Sync {
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>>;
    /// The zone of an SOA at or above the name, if the answer has one.
    fn soa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>>;
}

impl Lookup for Resolver {
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
        Box::pin(self.cname(name))
    }

    fn soa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
        Box::pin(self.soa(name))
    }
}

/// Follows the CNAMEs of `name` and finds the zone of its end by the SOA: a delegated zone counts, even if it is empty.
/// If DNS cannot answer (SERVFAIL: a zone whose servers do not answer), that is an error; the record would never be
/// visible in the zone above.
pub(super) async fn find(dns: &dyn Lookup, name: &str) -> Result<TxtName, SolveError> {
    let (name, aliases) = end(dns, name).await?;
    let zone = zone(dns, &name).await?;
    Ok(TxtName { name, zone, aliases })
}

async fn end(dns: &dyn Lookup, name: &str) -> Result<(String, Vec<String>), SolveError> {
    let mut name = name.to_ascii_lowercase();
    let mut aliases: Vec<String> = Vec::new();
    while let Some(target) = dns.cname(&name).await.map_err(|e| unknown(&name, &e))? {
        aliases.push(name);
        if aliases.contains(&target) || aliases.len() >= MOST_ALIASES {
            let way = aliases.join(" → ");
            return Err(
                SolveError::new(format!("the CNAMEs of {} do not end: {way} → {target}", aliases[0]))
                    .hint("point the last one to a name that has no CNAME"),
            );
        }
        name = target;
    }
    Ok((name, aliases))
}

async fn zone(dns: &dyn Lookup, name: &str) -> Result<String, SolveError> {
    let mut at = name;
    loop {
        if let Some(zone) = dns.soa(at).await.map_err(|e| unknown(at, &e))? {
            return Ok(zone);
        }
        // Some recursors omit the SOA in a negative answer. The names above are asked then.
        at = match at.split_once('.') {
            Some((_, above)) if !above.is_empty() => above,
            _ => break,
        };
    }
    Err(SolveError::new(format!("no zone in DNS holds {name}"))
        .hint("delegate the domain to its name servers, or name a resolver that knows it with --resolver"))
}

fn unknown(name: &str, error: &DnsError) -> SolveError {
    SolveError::new(format!("cannot find the zone of {name}: {error}"))
        .hint("check the domain's name servers, or name another resolver with --resolver")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The CNAMEs of names, and the zones.
    struct Fixed {
        aliases: HashMap<&'static str, &'static str>,
        zones: &'static [&'static str],
        /// Whether a negative answer names the zone above.
        tells: bool,
        broken: &'static str,
    }

    impl Fixed {
        fn new(aliases: &[(&'static str, &'static str)], zones: &'static [&'static str]) -> Self {
            let aliases = aliases.iter().copied().collect();
            Self {
                aliases,
                zones,
                tells: true,
                broken: "",
            }
        }
    }

    impl Lookup for Fixed {
        fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
            Box::pin(async move { Ok(self.aliases.get(name).map(|&target| target.to_owned())) })
        }

        fn soa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
            Box::pin(async move {
                if name == self.broken {
                    return Err(DnsError::NoServers("SERVFAIL".to_owned()));
                }
                let mut holders: Vec<&str> = self.zones.iter().copied().filter(|zone| within(name, zone)).collect();
                holders.sort_by_key(|zone| zone.len());
                Ok(holders
                    .pop()
                    .filter(|zone| self.tells || *zone == name)
                    .map(str::to_owned))
            })
        }
    }

    fn within(name: &str, zone: &str) -> bool {
        name == zone || name.ends_with(&format!(".{zone}"))
    }

    const ZONES: &[&str] = &["shop.example", "eu.shop.example", "acme.test"];

    #[tokio::test]
    async fn the_deepest_zone_at_the_end_of_the_aliases_is_found() {
        let aliases = [
            ("_acme-challenge.www.shop.example", "www.shop.example.alias.test"),
            ("www.shop.example.alias.test", "www.acme.test"),
        ];
        let mut dns = Fixed::new(&aliases, ZONES);
        for tells in [true, false] {
            dns.tells = tells;
            let plain = find(&dns, "_acme-challenge.Shop.example").await.unwrap();
            assert_eq!(
                (plain.name.as_str(), plain.zone.as_str()),
                ("_acme-challenge.shop.example", "shop.example")
            );
            let delegated = find(&dns, "_acme-challenge.a.eu.shop.example").await.unwrap();
            assert_eq!(delegated.zone, "eu.shop.example");
            let elsewhere = find(&dns, "_acme-challenge.www.shop.example").await.unwrap();
            assert_eq!(
                (elsewhere.name.as_str(), elsewhere.zone.as_str()),
                ("www.acme.test", "acme.test")
            );
            assert_eq!(elsewhere.aliases.len(), 2);
        }
    }

    #[tokio::test]
    async fn aliases_in_a_circle_end_and_a_broken_zone_is_not_taken_for_the_one_above() {
        let dns = Fixed::new(
            &[("a.test", "b.test"), ("b.test", "c.test"), ("c.test", "a.test")],
            ZONES,
        );
        let error = find(&dns, "a.test").await.unwrap_err();
        assert_eq!(
            error.message,
            "the CNAMEs of a.test do not end: a.test → b.test → c.test → a.test"
        );
        let mut dns = Fixed::new(&[], ZONES);
        dns.broken = "_acme-challenge.eu.shop.example";
        assert!(find(&dns, dns.broken).await.unwrap_err().message.contains("SERVFAIL"));
        let none = find(&dns, "_acme-challenge.nowhere.invalid").await.unwrap_err();
        assert!(none.message.starts_with("no zone in DNS holds"), "{none}");
    }
}
