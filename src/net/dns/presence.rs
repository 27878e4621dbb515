//! Whether a host has an address, according to the authoritative servers of its zone.

use std::time::Duration;

use super::{DnsError, RecordType, Reply, authority::Authorities, name, shown};

/// How many CNAMEs are followed. Resolvers give up at 8 to 16.
const MOST_ALIASES: usize = 16;

/// Whether a host has an address.
#[derive(Debug)]
pub enum Presence {
    /// Every server that answers has one.
    Here,
    /// A server has none yet.
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

impl Authorities {
    /// Whether a host has an address at all of its servers. Its CNAMEs are followed. A recursor is not asked about it,
    /// except for what its operator has told it.
    pub async fn presence(&self, host: &str) -> Presence {
        let presence = self.at_servers(host).await;
        if matches!(presence, Presence::Absent(_))
            && let Ok(host) = name(host)
            && self.resolver().has_told(&host).await
        {
            return Presence::Here;
        }
        presence
    }

    async fn at_servers(&self, host: &str) -> Presence {
        let mut at = host.trim_end_matches('.').to_ascii_lowercase();
        for _ in 0..MOST_ALIASES {
            let asked = match name(&at) {
                Ok(asked) => asked,
                Err(error) => return Presence::Unknown(error),
            };
            let zone = match self.ask(&at, RecordType::A).await {
                Ok(answer) => answer.served_by,
                Err(error) => return Presence::Unknown(error),
            };
            let (mut has, mut alias) = (false, None);
            for (server, v4, v6) in zone.addresses_at_all(&asked).await {
                match said(v4, v6) {
                    Said::Has => has = true,
                    Said::Alias(target) => alias = Some(target),
                    Said::None(reply) => {
                        return Presence::Absent(Absence {
                            has_others: !reply.is_no_name(),
                            zone: reply.zone(),
                            kept: reply.negative_ttl(),
                            server,
                            name: at,
                        });
                    }
                    Said::Nothing => {}
                }
            }
            match alias {
                Some(target) => at = target,
                None if has => return Presence::Here,
                None => {
                    return Presence::Unknown(DnsError::NoAuthority(format!("none answers about {}", shown(&asked))));
                }
            }
        }
        Presence::Unknown(DnsError::NoAuthority(format!("the CNAMEs of {host} do not end")))
    }
}
