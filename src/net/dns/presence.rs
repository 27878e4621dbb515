//! Whether a host has an address, according to the authoritative servers of its zone.

use std::time::Duration;

use hickory_proto::rr::Name;

use super::{
    DnsError, RecordType, Reply,
    authority::{Authorities, Zone},
    name, shown,
};

/// How many CNAMEs are followed. Resolvers give up at 8 to 16.
const MOST_ALIASES: usize = 16;

/// Whether a host has an address.
#[derive(Debug)]
pub enum Presence {
    /// Every server that answers has one.
    Here,
    /// Some servers have one, and this one has none yet, or no more.
    Partial(Absence),
    /// No server has one.
    Absent(Absence),
    /// The servers cannot be asked from here.
    Unknown(DnsError),
}

/// A host without an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// The name without an address: the host, or the end of its CNAMEs.
    pub name: String,
    /// Whether the name has other records.
    pub has_others: bool,
    /// The zone, if the answer names it.
    pub zone: Option<String>,
    /// How long a resolver may keep that there is none (RFC 2308), or still keeps it if it was asked itself.
    pub kept: Option<Duration>,
    /// The server that says so: `ns1.shop.example (192.0.2.53)`.
    pub server: String,
}

/// What one server says about the addresses of a name.
enum Said {
    Has,
    Alias(String),
    None(Reply),
    Nothing,
}

fn said(v4: Option<Reply>, v6: Option<Reply>) -> Said {
    let of_v4 = v4.filter(Reply::is_authoritative);
    let of_v6 = v6.filter(Reply::is_authoritative);
    let has = |reply: &Option<Reply>| reply.as_ref().is_some_and(|reply| !reply.addresses().is_empty());
    if has(&of_v4) || has(&of_v6) {
        return Said::Has;
    }
    let alias = of_v4.iter().chain(&of_v6).find_map(Reply::cname);
    match (alias, of_v4, of_v6) {
        (Some(target), ..) => Said::Alias(target),
        // Both have to say so, unless there is no such name at all.
        (None, Some(reply), Some(_)) => Said::None(reply),
        (None, Some(reply), None) | (None, None, Some(reply)) if reply.is_no_name() => Said::None(reply),
        _ => Said::Nothing,
    }
}

/// What the servers of a zone say together about the addresses of a name.
#[derive(Default)]
struct SaidByAll {
    has: bool,
    alias: Option<String>,
    /// What the first one says that has none.
    none: Option<Absence>,
}

impl SaidByAll {
    async fn about(of: &Name, zone: &Zone) -> Self {
        let mut all = Self::default();
        for (server, v4, v6) in zone.addresses_at_all(of).await {
            match said(v4, v6) {
                Said::Has => all.has = true,
                Said::Alias(target) => all.alias = Some(target),
                Said::None(reply) => {
                    all.none.get_or_insert_with(|| Absence {
                        has_others: !reply.is_no_name(),
                        zone: reply.zone(),
                        kept: reply.negative_ttl(),
                        server,
                        name: shown(of),
                    });
                }
                Said::Nothing => {}
            }
        }
        all
    }

    fn is_absent(&self) -> bool {
        self.none.is_some() && !self.has && self.alias.is_none()
    }
}

impl Authorities {
    /// Whether a host has an address at all of its servers. Its CNAMEs are followed. A recursor is not asked about it,
    /// except for what its operator has told it.
    pub async fn presence(&self, host: &str) -> Presence {
        let presence = match self.at_servers(host).await {
            Ok(presence) => presence,
            Err(error) => return Presence::Unknown(error),
        };
        if matches!(presence, Presence::Absent(_) | Presence::Partial(_))
            && let Ok(host) = name(host)
            && self.resolver().has_told(&host).await
        {
            return Presence::Here;
        }
        presence
    }

    async fn at_servers(&self, host: &str) -> Result<Presence, DnsError> {
        let mut at = host.trim_end_matches('.').to_ascii_lowercase();
        let mut lacking = None;
        for _ in 0..MOST_ALIASES {
            let of = name(&at)?;
            let zone = self.ask(&at, RecordType::A).await?.served_by;
            let mut said = SaidByAll::about(&of, &zone).await;
            if said.is_absent()
                && let Some(inner) = self.inner(&zone, &of).await
            {
                let inner = inner?;
                said = SaidByAll::about(&of, &inner).await;
            }
            match said {
                SaidByAll {
                    alias: Some(target),
                    none,
                    ..
                } => {
                    lacking = lacking.or(none);
                    at = target;
                }
                SaidByAll { has: true, none, .. } => {
                    return Ok(lacking.or(none).map_or(Presence::Here, Presence::Partial));
                }
                SaidByAll {
                    none: Some(absence), ..
                } => return Ok(Presence::Absent(absence)),
                _ => return Err(DnsError::NoAuthority(format!("none answers about {}", shown(&of)))),
            }
        }
        Err(DnsError::NoAuthority(format!("the CNAMEs of {host} do not end")))
    }
}
