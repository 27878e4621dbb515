//! The contents of an answer.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record},
};

use super::{DnsError, shown};

/// One answer, unchanged.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) message: Message,
    /// The server that sent it.
    pub server: SocketAddr,
}

/// A CAA record (RFC 8659, section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caa {
    /// Whether a CA that does not know the tag must not issue.
    pub critical: bool,
    /// `issue`, `issuewild`, `iodef`, ...: lower case.
    pub tag: String,
    /// Its value, unchanged.
    pub value: String,
}

impl Reply {
    /// The response code.
    pub fn code(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    /// Whether the server is authoritative for the zone.
    pub fn is_authoritative(&self) -> bool {
        self.message.metadata.authoritative
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the answer itself if it is one, even if it is empty; an error for SERVFAIL, REFUSED and the like.
    pub fn usable(self) -> Result<Self, DnsError> {
        match self.code() {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(self),
            code => Err(DnsError::Refused {
                server: self.server,
                what: self.asked(),
                code,
            }),
        }
    }

    /// Whether it says that there is no such name. If an alias leads to a name that does not exist, the alias exists.
    pub fn is_no_name(&self) -> bool {
        self.code() == ResponseCode::NXDomain && self.cname().is_none()
    }

    fn asked(&self) -> String {
        let query = self.message.queries.first();
        query.map_or_else(
            || "a question".to_owned(),
            |q| format!("{} {}", q.query_type(), shown(q.name())),
        )
    }

    fn answers(&self) -> impl Iterator<Item = &RData> {
        self.message.answers.iter().map(|record| &record.data)
    }

    /// The texts, each joined from its parts.
    pub fn texts(&self) -> Vec<String> {
        let texts = self.answers().filter_map(|data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        texts.collect()
    }

    /// The TTL of the texts, in seconds; `None` without texts.
    pub fn text_ttl(&self) -> Option<u32> {
        let text = self.message.answers.iter().find(|r| matches!(r.data, RData::TXT(_)));
        text.map(|record| record.ttl)
    }

    /// The addresses.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let addresses = self.answers().filter_map(|data| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        });
        addresses.collect()
    }

    /// The name of which the requested name is an alias.
    pub fn cname(&self) -> Option<String> {
        let asked = self.message.queries.first()?.name();
        self.message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *asked => Some(shown(&target.0)),
            _ => None,
        })
    }

    /// The name servers.
    pub fn name_servers(&self) -> Vec<String> {
        let servers = self.answers().filter_map(|data| match data {
            RData::NS(server) => Some(shown(&server.0)),
            _ => None,
        });
        servers.collect()
    }

    /// The zone of the SOA in the answer: that of the requested name, or of one above (RFC 2308, section 3). The root,
    /// which contains no host, does not count.
    pub fn zone(&self) -> Option<String> {
        let asked = self.message.queries.first()?.name();
        let all = self.message.answers.iter().chain(&self.message.authorities);
        let mut soas = all.filter(|record| matches!(record.data, RData::SOA(_)));
        let zone = &soas.find(|record| record.name.zone_of(asked))?.name;
        (!zone.is_root()).then(|| shown(zone))
    }

    /// How long resolvers may keep that there is no such record, after they got this answer: the smaller one of the
    /// SOA's TTL and its minimum (RFC 2308, section 5). In the answer of a resolver, what is left of it. `None` if
    /// the answer has records, or no SOA.
    pub fn negative_ttl(&self) -> Option<Duration> {
        if !self.message.answers.is_empty() && self.cname().is_none() {
            return None;
        }
        self.message.authorities.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(Duration::from_secs(record.ttl.min(soa.minimum).into())),
            _ => None,
        })
    }

    /// The zone below `above` to which a server refers that does not serve it, and the names of its servers (RFC 1034,
    /// section 4.3.2, step 3b). `None` if the answer is no referral, or leads back up.
    pub(super) fn referral(&self, above: &Name) -> Option<(Name, Vec<String>)> {
        if self.is_authoritative() || self.code() != ResponseCode::NoError || !self.message.answers.is_empty() {
            return None;
        }
        let asked = self.message.queries.first()?.name();
        let is_below = |zone: &Name| zone.zone_of(asked) && above.zone_of(zone) && zone != above;
        let mut servers = self.message.authorities.iter().filter_map(|record| match &record.data {
            RData::NS(server) if is_below(&record.name) => Some((&record.name, shown(&server.0))),
            _ => None,
        });
        let (zone, first) = servers.next()?;
        let others = servers.filter(|(of, _)| *of == zone).map(|(_, server)| server);
        Some((zone.clone(), std::iter::once(first).chain(others).collect()))
    }

    /// The name servers of exactly the requested name.
    pub(super) fn own_name_servers(&self) -> Vec<String> {
        let Some(asked) = self.message.queries.first().map(hickory_proto::op::Query::name) else {
            return Vec::new();
        };
        let servers = self.message.answers.iter().filter_map(|record| match &record.data {
            RData::NS(server) if record.name == *asked => Some(shown(&server.0)),
            _ => None,
        });
        servers.collect()
    }

    /// The addresses that come with an answer for a name server that it names (glue). A server may only give those of
    /// names within its own zone `by`, and none that leads to this machine, to this link or to a group.
    pub(super) fn glue(&self, server: &str, by: &Name) -> Vec<IpAddr> {
        let of_server = |record: &&Record| by.zone_of(&record.name) && shown(&record.name) == server;
        let given = self.message.additionals.iter().filter(of_server);
        let addresses = given.filter_map(|record| match &record.data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        });
        addresses.filter(|address| can_be_elsewhere(*address)).collect()
    }

    /// The primary server of the zone according to its SOA.
    pub fn primary(&self) -> Option<String> {
        let mut all = self.message.answers.iter().chain(&self.message.authorities);
        all.find_map(|record| match &record.data {
            RData::SOA(soa) => Some(shown(&soa.mname)),
            _ => None,
        })
    }

    /// The CAA records.
    pub fn caa(&self) -> Vec<Caa> {
        let records = self.answers().filter_map(|data| match data {
            RData::CAA(caa) => Some(Caa {
                critical: caa.issuer_critical,
                tag: caa.tag.to_ascii_lowercase(),
                value: String::from_utf8_lossy(&caa.value).into_owned(),
            }),
            _ => None,
        });
        records.collect()
    }
}

/// Whether an address can be that of another machine. Private addresses can: internal zones are served there.
fn can_be_elsewhere(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_near = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(is_near || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}
