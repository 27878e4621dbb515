//! Where a name ends: the end of its CNAMEs, and the zone that contains it.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::{BoxFuture, try_join};

use crate::{
    net::dns::{Authorities, DnsError, RecordType},
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

/// A CNAME that a name has by a wildcard alone (RFC 4592), such as `*.shop.example CNAME lb.cloud.example`. It was made
/// for hosts, and delegates no challenge: a record at the name itself replaces it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WildcardAlias {
    /// The name.
    pub name: String,
    /// The target of the CNAME.
    pub target: String,
    /// The wildcard that has it; `None` if no name above has one, and the server makes up the answer in another way.
    pub wildcard: Option<String>,
}

impl fmt::Display for WildcardAlias {
    /// Writes `_acme-challenge.shop.example is a CNAME to lb.cloud.example by *.shop.example alone`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.wildcard.as_deref().unwrap_or("a wildcard");
        write!(f, "{} is a CNAME to {} by {by} alone", self.name, self.target)
    }
}

/// Where a record has to be written, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: TxtName,
    /// The CNAMEs by a wildcard on the way: those that count, or the one that does not and where the way ends.
    pub(super) wildcards: Vec<WildcardAlias>,
}

/// The DNS queries that are needed to find a place.
pub(super) trait Lookup: Send + Sync {
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>>;
    /// The zone of an SOA at or above the name, if the answer has one.
    fn soa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>>;
}

/// Asks the authoritative servers. The recursor is asked if they cannot be reached from here: then there is no other
/// way.
impl Lookup for Authorities {
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
        Box::pin(async move {
            match self.ask(name, RecordType::CNAME).await {
                Ok(answer) => Ok(answer.reply.cname()),
                Err(_) => self.resolver().cname(name).await,
            }
        })
    }

    fn soa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, DnsError>> {
        Box::pin(async move {
            match self.ask(name, RecordType::SOA).await {
                Ok(answer) => Ok(answer.reply.zone()),
                Err(_) => self.resolver().soa(name).await,
            }
        })
    }
}

/// Follows the CNAMEs of `name` and finds the zone of its end by the SOA: a delegated zone counts, even if it is empty.
/// A CNAME by a wildcard counts with `follow_all` only. If DNS cannot answer (SERVFAIL: a zone whose servers do not
/// answer), that is an error; the record would never be visible in the zone above.
pub(super) async fn find(dns: &dyn Lookup, name: &str, follow_all: bool) -> Result<Found, SolveError> {
    let (name, aliases, wildcards) = end(dns, name, follow_all).await?;
    let zone = zone(dns, &name).await?;
    Ok(Found {
        place: TxtName { name, zone, aliases },
        wildcards,
    })
}

async fn end(
    dns: &dyn Lookup,
    name: &str,
    follow_all: bool,
) -> Result<(String, Vec<String>, Vec<WildcardAlias>), SolveError> {
    let mut name = name.to_ascii_lowercase();
    let (mut aliases, mut wildcards): (Vec<String>, Vec<WildcardAlias>) = (Vec::new(), Vec::new());
    while let Some(target) = dns.cname(&name).await.map_err(|e| unknown(&name, &e))? {
        let wildcard = by_wildcard(dns, &name, &target);
        if let Some(wildcard) = wildcard.await.map_err(|e| unknown(&name, &e))? {
            wildcards.push(wildcard);
            if !follow_all {
                break;
            }
        }
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
    Ok((name, aliases, wildcards))
}

/// Whether a name has its CNAME by a wildcard: an answer does not tell, but a name beside it that nobody has made has
/// the same one then.
async fn by_wildcard(dns: &dyn Lookup, name: &str, target: &str) -> Result<Option<WildcardAlias>, DnsError> {
    let Some((_, mut above)) = name.split_once('.') else {
        return Ok(None);
    };
    let (sibling, direct) = (format!("{}.{above}", unused_label()), format!("*.{above}"));
    let (of_sibling, of_wildcard) = try_join(dns.cname(&sibling), dns.cname(&direct)).await?;
    if of_sibling.as_deref() != Some(target) {
        return Ok(None);
    }
    let mut found = WildcardAlias {
        name: name.to_owned(),
        target: target.to_owned(),
        wildcard: None,
    };
    // The wildcard may be further up, where the names between do not exist.
    let mut of_wildcard = of_wildcard;
    loop {
        if of_wildcard.as_deref() == Some(target) {
            found.wildcard = Some(format!("*.{above}"));
        }
        // `*.shop.example` also answers for `*.www.shop.example`: the topmost one is the record itself.
        above = match above.split_once('.') {
            Some((_, next)) if of_wildcard.as_deref() == Some(target) && next.contains('.') => next,
            _ => return Ok(Some(found)),
        };
        of_wildcard = dns.cname(&format!("*.{above}")).await.unwrap_or_default();
    }
}

/// A label that no zone has.
fn unused_label() -> String {
    let mut random = [0; 12];
    // Without random numbers it is still unlikely to be in use.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let random = BASE64_URL_SAFE_NO_PAD.encode(random).to_ascii_lowercase();
    format!("_kubectl-certs-{random}")
}

async fn zone(dns: &dyn Lookup, name: &str) -> Result<String, SolveError> {
    let mut at = name;
    loop {
        if let Some(zone) = dns.soa(at).await.map_err(|e| unknown(at, &e))? {
            return Ok(zone);
        }
        // The answer about an alias, and the negative ones of some recursors, have no SOA. The names above are asked
        // then.
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
            Box::pin(async move {
                let wildcard = || {
                    let above = |(at, _): (usize, &str)| self.aliases.get(format!("*{}", &name[at..]).as_str());
                    name.match_indices('.').find_map(above)
                };
                Ok(self
                    .aliases
                    .get(name)
                    .or_else(wildcard)
                    .map(|&target| target.to_owned()))
            })
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
            let plain = find(&dns, "_acme-challenge.Shop.example", false).await.unwrap().place;
            assert_eq!(
                (plain.name.as_str(), plain.zone.as_str()),
                ("_acme-challenge.shop.example", "shop.example")
            );
            let delegated = find(&dns, "_acme-challenge.a.eu.shop.example", false)
                .await
                .unwrap()
                .place;
            assert_eq!(delegated.zone, "eu.shop.example");
            let elsewhere = find(&dns, "_acme-challenge.www.shop.example", false)
                .await
                .unwrap()
                .place;
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
        let error = find(&dns, "a.test", false).await.unwrap_err();
        assert_eq!(
            error.message,
            "the CNAMEs of a.test do not end: a.test → b.test → c.test → a.test"
        );
        let mut dns = Fixed::new(&[], ZONES);
        dns.broken = "_acme-challenge.eu.shop.example";
        assert!(
            find(&dns, dns.broken, false)
                .await
                .unwrap_err()
                .message
                .contains("SERVFAIL")
        );
        let none = find(&dns, "_acme-challenge.nowhere.invalid", false).await.unwrap_err();
        assert!(none.message.starts_with("no zone in DNS holds"), "{none}");
    }

    #[tokio::test]
    async fn a_cname_counts_at_the_name_itself_and_by_a_wildcard_only_if_it_is_told_to() {
        let dns = Fixed::new(
            &[
                ("*.shop.example", "lb.acme.test"),
                ("_acme-challenge.own.shop.example", "own.acme.test"),
                ("_acme-challenge.far.shop.example", "x.eu.shop.example"),
                ("*.eu.shop.example", "eu.acme.test"),
            ],
            ZONES,
        );
        let of = |host: &'static str, follow_all| {
            let dns = &dns;
            async move {
                let found = find(dns, &format!("_acme-challenge.{host}"), follow_all).await.unwrap();
                let by: Vec<String> = found.wildcards.iter().map(ToString::to_string).collect();
                (found.place.name, found.place.zone, by.join("; "))
            }
        };
        let says = |name: &str, by: &str| format!("{name} is a CNAME to lb.acme.test by {by} alone");
        for (host, follow_all, name, zone, by) in [
            (
                "shop.example",
                false,
                "_acme-challenge.shop.example",
                "shop.example",
                says("_acme-challenge.shop.example", "*.shop.example"),
            ),
            // The host itself is answered by the wildcard too.
            (
                "www.shop.example",
                false,
                "_acme-challenge.www.shop.example",
                "shop.example",
                says("_acme-challenge.www.shop.example", "*.shop.example"),
            ),
            (
                "shop.example",
                true,
                "lb.acme.test",
                "acme.test",
                says("_acme-challenge.shop.example", "*.shop.example"),
            ),
            ("own.shop.example", false, "own.acme.test", "acme.test", String::new()),
            // At each step of the way.
            (
                "far.shop.example",
                false,
                "x.eu.shop.example",
                "eu.shop.example",
                "x.eu.shop.example is a CNAME to eu.acme.test by *.eu.shop.example alone".to_owned(),
            ),
        ] {
            assert_eq!(
                of(host, follow_all).await,
                (name.to_owned(), zone.to_owned(), by),
                "{host}"
            );
        }
    }
}
