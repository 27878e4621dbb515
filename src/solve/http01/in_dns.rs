//! What DNS says about a host that is proved over HTTP. The preflight and the run share this code, so that they judge
//! it alike.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::self_check::clock;
use crate::{
    net::{
        Lookup, ResolveError,
        address::MOST_ADDRESSES,
        dns::{Absence, Authorities, PORT, Presence, RecordType},
        resolve,
    },
    solve::SolveError,
};

/// How long DNS may take.
pub const DNS: Duration = Duration::from_secs(5);

/// The answer of DNS.
#[derive(Debug)]
pub enum InDns {
    /// The host has these addresses.
    At(Vec<IpAddr>),
    /// The CA would find no address either, and would count the failure.
    Nowhere(ResolveError),
    /// DNS does not answer here; elsewhere it may.
    Unknown(ResolveError),
}

/// Looks up the addresses of a host.
pub async fn ask(lookup: &Lookup, host: &str) -> InDns {
    ask_within(lookup, host, DNS).await
}

async fn ask_within(lookup: &Lookup, host: &str, limit: Duration) -> InDns {
    match lookup.addresses(host, limit).await {
        Ok(found) => InDns::At(found),
        Err(error) if error.is_definite() => InDns::Nowhere(error),
        Err(error) => InDns::Unknown(error),
    }
}

/// A host that does not resolve yet: its record is to come, such as one that external-dns makes from the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYet {
    /// What is missing.
    pub absence: Absence,
    /// Whether the answer is that of a resolver, which keeps it for the rest of the time.
    pub is_kept: bool,
    /// Whether other servers have the record: then it is not new, or on its way to the last ones.
    pub is_partial: bool,
}

impl NotYet {
    /// Which record of the host is missing, and who says so. `of` stands for the host: its name, or `it`.
    pub fn words(&self, of: &str, host: &str) -> String {
        let Absence {
            name,
            zone,
            server,
            has_others,
            ..
        } = &self.absence;
        let record = if name.eq_ignore_ascii_case(host) {
            "its A or AAAA record is missing".to_owned()
        } else {
            format!("its CNAME leads to {name}, whose A or AAAA record is missing")
        };
        let within = zone
            .as_ref()
            .map_or_else(String::new, |zone| format!(" in zone {zone}"));
        let others = if *has_others { ", which has others" } else { "" };
        if self.is_partial {
            return format!("{of} does not resolve everywhere: {record}{within} at {server}, and is there at others");
        }
        format!("{of} does not resolve yet: {record}{within} (asked: {server}{others})")
    }

    /// How long resolvers keep that there is no record, in words.
    fn kept(&self) -> Option<String> {
        let kept = self.absence.kept.filter(|kept| !kept.is_zero())?;
        Some(if self.is_kept {
            format!("that resolver keeps this answer until {}", clock(kept))
        } else {
            format!(
                "a resolver that has been asked for it keeps for up to {} that there is none",
                humantime::format_duration(kept)
            )
        })
    }

    /// When it is of use to ask again, if that is known.
    pub(super) fn again(&self) -> Option<Duration> {
        // What is left of the time is in whole seconds, rounded down.
        self.absence
            .kept
            .filter(|_| self.is_kept)
            .map(|kept| kept + Duration::from_secs(1))
    }

    /// What to do, for a host whose route has these addresses.
    pub fn hint(&self, own: &[IpAddr]) -> String {
        let to = match own {
            [] => "the address of the ingress controller".to_owned(),
            own => list(own),
        };
        let kept = self.kept().map_or_else(String::new, |kept| format!("; {kept}"));
        format!(
            "point an A or AAAA record to {to}, or see to it that external-dns does, and run the command again{kept}; \
             --resolve-timeout 10m waits longer, and {SPLIT}"
        )
    }

    /// What to do about a server that lacks a record that others have.
    pub fn hint_of_server(&self) -> String {
        format!(
            "see to it that {} picks up changes of the zone: the CA may ask that one",
            self.absence.server
        )
    }

    /// The error if it was waited for in vain. Nothing was ordered.
    pub(super) fn error(&self, host: &str, own: &[IpAddr]) -> SolveError {
        SolveError::new(format!("waiting for DNS: {}", self.words("the name", host)))
            .hint(self.hint(own))
            .waiting()
    }

    /// The same as an answer of DNS that is not expected to change.
    pub fn as_answer(&self) -> ResolveError {
        let name = self.absence.name.clone();
        if self.absence.has_others {
            ResolveError::NoAddress { name }
        } else {
            ResolveError::NoName { name }
        }
    }
}

/// Looks up the addresses of a host of which it is not known whether it exists yet. The authoritative servers are asked
/// first: a resolver would remember that there is none, and tell it to the CA after the record has come. So it is asked
/// only after them, or if they cannot be asked from here, and not if they are late. Each has the time of `limit`.
pub async fn awaited(
    lookup: &Lookup,
    authorities: Option<&Authorities>,
    host: &str,
    limit: Duration,
) -> Result<InDns, NotYet> {
    if host.parse::<IpAddr>().is_err()
        && let Some(authorities) = authorities
        && !(*lookup == Lookup::System && is_in_hosts_file(host))
    {
        let (absence, is_partial) = match timeout(limit, authorities.presence(host)).await {
            Ok(Presence::Absent(absence)) => (Some(absence), false),
            Ok(Presence::Partial(absence)) => (Some(absence), true),
            Ok(Presence::Here | Presence::Unknown(_)) => (None, false),
            Err(_) => {
                return Ok(InDns::Unknown(ResolveError::Timeout {
                    who: "the name servers of its zone".to_owned(),
                    name: host.to_owned(),
                    after: limit,
                }));
            }
        };
        if let Some(absence) = absence {
            return Err(NotYet {
                absence,
                is_kept: false,
                is_partial,
            });
        }
    }
    match ask_within(lookup, host, limit).await {
        InDns::Nowhere(ResolveError::NoName { .. } | ResolveError::NoAddress { .. }) => {
            Err(kept_by_resolver(lookup, host).await)
        }
        found => Ok(found),
    }
}

/// Whether the system has the host in its own file, where its resolver looks first (hosts(5)).
fn is_in_hosts_file(host: &str) -> bool {
    let Ok(text) = std::fs::read("/etc/hosts") else {
        return false;
    };
    String::from_utf8_lossy(&text).lines().any(|line| {
        let names = line.split('#').next().unwrap_or_default().split_whitespace().skip(1);
        names.into_iter().any(|name| name.eq_ignore_ascii_case(host))
    })
}

/// What a resolver keeps about a host for which it has just said that there is no address.
async fn kept_by_resolver(lookup: &Lookup, host: &str) -> NotYet {
    let mut absence = Absence {
        name: host.to_owned(),
        has_others: false,
        zone: None,
        kept: None,
        server: lookup.to_string(),
    };
    if let Ok(resolver) = lookup.resolver()
        && let Ok(Ok(reply)) = timeout(DNS, resolver.ask(host, RecordType::A)).await
        && reply.addresses().is_empty()
    {
        absence.has_others = !reply.is_no_name();
        absence.zone = reply.zone();
        absence.kept = reply.negative_ttl();
        absence.server = format!("resolver {}", shown(reply.server));
    }
    NotYet {
        absence,
        is_kept: true,
        is_partial: false,
    }
}

fn shown(server: SocketAddr) -> String {
    if server.port() == PORT {
        server.ip().to_string()
    } else {
        server.to_string()
    }
}

/// The addresses of a route.
#[derive(Debug, Default)]
pub struct Own {
    /// The addresses in its status, each once, with names among them resolved.
    pub at: Vec<IpAddr>,
    /// Why a name in its status has no address.
    pub unresolved: Option<ResolveError>,
}

/// Resolves the addresses in the status of a route. The system may know a name that the configured servers do not, such
/// as that of a load balancer of this network.
pub async fn addresses_of(lookup: &Lookup, status: impl IntoIterator<Item = &str>) -> Own {
    let found = status.into_iter().take(MOST_ADDRESSES).map(|name| async move {
        match lookup.addresses(name, DNS).await {
            Err(_) if *lookup != Lookup::System => resolve(name, DNS).await,
            found => found,
        }
    });
    let mut own = Own::default();
    for found in join_all(found).await {
        match found {
            Ok(found) => {
                for address in found {
                    if !own.at.contains(&address) {
                        own.at.push(address);
                    }
                }
            }
            Err(error) => own.unresolved = Some(error),
        }
    }
    own
}

/// The error for a name without an address, which is not sent to the CA. `asked` is who says so. `of` stands for the host: its name, or `it`.
pub fn nowhere(of: &str, error: &ResolveError, asked: &dyn fmt::Display, own: &[IpAddr]) -> SolveError {
    let to = match own {
        [] => "the address of the ingress controller".to_owned(),
        own => list(own),
    };
    let why = match error {
        ResolveError::DomainFails { cause, .. } => {
            return SolveError::new(format!(
                "the name servers of {of} fail, and the CA would find no address either: {cause}"
            ))
            .hint(format!("check the domain's name servers; {SPLIT}"));
        }
        ResolveError::NoName { .. } => "there is no such name",
        _ => "it has neither an A nor an AAAA record",
    };
    // Without an address of the route nothing can be checked directly.
    let at = if own.is_empty() { " --connect HOST:PORT" } else { "" };
    SolveError::new(format!(
        "DNS has no address for {of}, and the CA would find none (asked: {asked}): {why}"
    ))
    .hint(format!(
        "point an A or AAAA record to {to}, or use DNS-01 (--dns); {SPLIT}{at}"
    ))
}

/// The error if nothing leads to a host: neither DNS nor an address of its `route`, if it has one.
pub fn no_way(host: &str, error: &ResolveError, lookup: &Lookup, route: Option<&str>) -> SolveError {
    let of_route = match route {
        None => "no route has it".to_owned(),
        Some(route) => format!("{route} has no address in its status"),
    };
    let of_dns = if error.is_definite() {
        format!("{error} (asked: {lookup})")
    } else {
        error.to_string()
    };
    SolveError::new(format!(
        "the answer of {host} cannot be checked, because nothing says where the host is: {of_route}, and {of_dns}"
    ))
    .hint(
        "name its address with --connect HOST:PORT, or a name server that knows it with --resolver ADDRESS; --self-check wait=30s leaves \
         the check to the CA, once the controller has had that time",
    )
}

const SPLIT: &str = "if only this network does not know the host (split DNS), ask another resolver (--resolver ADDRESS) or use --self-check direct";

/// The note if nothing is known about a host.
pub fn unknown(of: &str, error: &ResolveError) -> String {
    format!("whether DNS has an address for {of} is not known: {error}")
}

/// Joins addresses: `192.0.2.7, 2001:db8::7`.
pub fn list(all: &[IpAddr]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{
        ResponseCode,
        testing::{NameServer, Says, ScriptedServer},
    };

    #[tokio::test]
    async fn only_what_dns_says_itself_keeps_a_host_from_the_ca() {
        let server = NameServer::start(&[
            ("gone.example", Says::Code(ResponseCode::NXDomain)),
            ("broken.example", Says::Code(ResponseCode::ServFail)),
            ("refused.example", Says::Code(ResponseCode::Refused)),
        ])
        .await;
        let lookup = Lookup::of(&[server.address]);
        for (host, said) in [
            ("gone.example", "): there is no such name"),
            ("bare.example", "): it has neither an A nor an AAAA record"),
            (
                "broken.example",
                "the name servers of it fail, and the CA would find no address either",
            ),
        ] {
            let InDns::Nowhere(error) = ask(&lookup, host).await else {
                panic!("{host}");
            };
            let words = nowhere("it", &error, &lookup, &[]).message;
            assert!(words.contains(said), "{words}");
        }
        let InDns::Unknown(error) = ask(&lookup, "refused.example").await else {
            panic!("a refusal says nothing of the host");
        };
        let words = no_way("refused.example", &error, &lookup, None).message;
        assert!(words.contains("REFUSED") && !words.contains("no address"), "{words}");
    }

    #[tokio::test]
    async fn what_a_resolver_keeps_is_told_with_its_end_and_asked_again_then() {
        let resolver = ScriptedServer::start(([127, 0, 0, 1], 0), |asked| match asked.name {
            "www.shop.example" => asked.a([192, 0, 2, 7]),
            "late.shop.example" => asked.none(ResponseCode::NoError, "shop.example", 40, 300),
            _ => asked.none(ResponseCode::NXDomain, "shop.example", 900, 300),
        })
        .await;
        let lookup = Lookup::of(&[resolver.address]);
        let found = awaited(&lookup, None, "www.shop.example", DNS).await;
        assert!(matches!(found, Ok(InDns::At(_))), "{found:?}");
        for (host, kept, others) in [
            ("new.shop.example", 300, ""),
            ("late.shop.example", 40, ", which has others"),
        ] {
            let not_yet = awaited(&lookup, None, host, DNS).await.unwrap_err();
            assert_eq!(
                not_yet.words("it", host),
                format!(
                    "it does not resolve yet: its A or AAAA record is missing in zone shop.example (asked: resolver {}{others})",
                    resolver.address
                )
            );
            assert_eq!(not_yet.again(), Some(Duration::from_secs(kept + 1)));
            let error = not_yet.error(host, &["192.0.2.7".parse().unwrap()]);
            assert!(error.waiting, "{error:?}");
            let hint = error.hint.unwrap();
            for words in [
                "point an A or AAAA record to 192.0.2.7",
                "that resolver keeps this answer until ",
                "--resolve-timeout",
            ] {
                assert!(hint.contains(words), "{words}: {hint}");
            }
        }
    }

    #[tokio::test]
    async fn a_resolver_is_not_asked_for_a_host_while_the_name_servers_are_late() {
        let resolver = ScriptedServer::start(([127, 0, 0, 1], 0), |asked| {
            asked.is_silent = asked.kind == RecordType::NS;
        })
        .await;
        let lookup = Lookup::of(&[resolver.address]);
        let authorities = Authorities::new(lookup.resolver().unwrap(), []);
        let limit = Duration::from_millis(200);
        let found = awaited(&lookup, Some(&authorities), "new.shop.example", limit).await;
        let Ok(InDns::Unknown(error)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(
            error.to_string(),
            "the name servers of its zone gave no answer about new.shop.example within 0.2 s"
        );
        assert_eq!(resolver.asked(), ["NS shop.example"]);
    }

    #[test]
    fn a_record_that_one_server_lacks_is_not_told_as_missing_everywhere() {
        let not_yet = NotYet {
            absence: Absence {
                name: "shop.example".into(),
                has_others: false,
                zone: Some("shop.example".into()),
                kept: None,
                server: "ns2.shop.example (192.0.2.54)".into(),
            },
            is_kept: false,
            is_partial: true,
        };
        assert_eq!(
            not_yet.words("it", "shop.example"),
            "it does not resolve everywhere: its A or AAAA record is missing in zone shop.example at ns2.shop.example \
             (192.0.2.54), and is there at others"
        );
    }

    #[test]
    fn an_alias_that_leads_to_nothing_yet_names_its_end() {
        let not_yet = NotYet {
            absence: Absence {
                name: "lb.cloud.example".into(),
                has_others: false,
                zone: None,
                kept: Some(Duration::from_mins(5)),
                server: "ns1.cloud.example (192.0.2.53)".into(),
            },
            is_kept: false,
            is_partial: false,
        };
        assert_eq!(
            not_yet.words("shop.example", "shop.example"),
            "shop.example does not resolve yet: its CNAME leads to lb.cloud.example, whose A or AAAA record is missing (asked: \
             ns1.cloud.example (192.0.2.53))"
        );
        assert_eq!(not_yet.again(), None);
        assert!(not_yet.hint(&[]).contains("keeps for up to 5m that there is none"));
    }
}
