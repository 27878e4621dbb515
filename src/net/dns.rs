//! Direct DNS queries (RFC 1035) to recursors, to single name servers, and to the authoritative servers of a name. No
//! answer is cached, so every answer is current.
//!
//! [`super::address`] uses the system's `getaddrinfo`. This module is for record types that it does not support, and
//! for complete answers.

mod authority;
mod presence;
mod reply;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub use hickory_proto::{op::ResponseCode, rr::RecordType};
use hickory_proto::{
    op::{Edns, Message, OpCode, Query},
    rr::Name,
};

pub use authority::{Authoritative, Authorities};
pub use presence::{Absence, Presence};
pub use reply::{Caa, Reply};
pub use wire::{Via, exchange};

/// The file in which the system lists its recursors.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The port of DNS.
pub const PORT: u16 = 53;
/// How long one server has for one answer; twice as long at the second attempt.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer over UDP, in bytes, before TCP is used: it fits every network (RFC 9715).
const PAYLOAD: u16 = 1232;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The text is not a name.
    #[error("{0:?} is not a DNS name")]
    Name(String),
    /// The system has no resolver.
    #[error("the system names no DNS resolver: {0}")]
    NoServers(String),
    /// The server does not answer.
    #[error("{server} does not answer about {what} within {} s", after.as_secs_f32())]
    Silent {
        /// The server.
        server: SocketAddr,
        /// The query: `TXT a.example`.
        what: String,
        /// The time limit.
        after: Duration,
    },
    /// The server cannot be reached.
    #[error("{server} cannot be asked: {cause}")]
    Unreachable {
        /// The server.
        server: SocketAddr,
        /// The message of the system.
        cause: String,
        /// Whether this machine has no route to it at all, such as to an IPv6 address from a network without IPv6.
        no_way: bool,
    },
    /// The answer of the server is not valid DNS.
    #[error("{server} answers {what} with something that is not a DNS message: {cause}")]
    Garbled {
        /// The server.
        server: SocketAddr,
        /// The query.
        what: String,
        /// What is wrong with the answer.
        cause: String,
    },
    /// No authoritative server can be asked.
    #[error("no name server can be asked: {0}")]
    NoAuthority(String),
    /// The server does not serve the zone of the name.
    #[error("{server} does not serve the zone of {what}")]
    Lame {
        /// The server.
        server: SocketAddr,
        /// The query.
        what: String,
    },
    /// The server refuses or fails to answer.
    #[error("{server} answers {what} with {}", code_word(*code))]
    Refused {
        /// The server.
        server: SocketAddr,
        /// The query.
        what: String,
        /// The response code.
        code: ResponseCode,
    },
}

/// The usual name of a response code in DNS tools: `SERVFAIL`.
pub fn code_word(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NXRRSet => "NXRRSET".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        other => format!("response code {}", u16::from(other)),
    }
}

/// The name in the form in which it is sent: absolute, ASCII.
pub fn name(text: &str) -> Result<Name, DnsError> {
    let wrong = || DnsError::Name(crate::text::shorten(text, 300).into_owned());
    let mut name = Name::from_ascii(text).map_err(|_| wrong())?;
    name.set_fqdn(true);
    Ok(name)
}

/// The name in its usual form: lower case, without the trailing dot; the root is `.`.
pub fn shown(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    match text.strip_suffix('.') {
        Some(bare) if !bare.is_empty() => bare.to_owned(),
        _ => text,
    }
}

/// Reads a server in the form of `--resolver`: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`.
pub fn server(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT))
    })
}

/// Asks one server for what it knows itself (RD is not set), over UDP first, and over TCP if the answer is truncated.
pub async fn query(server: SocketAddr, of: &str, kind: RecordType, timeout: Duration) -> Result<Reply, DnsError> {
    ask(server, &name(of)?, kind, false, timeout).await
}

async fn ask(
    server: SocketAddr,
    of: &Name,
    kind: RecordType,
    recursive: bool,
    timeout: Duration,
) -> Result<Reply, DnsError> {
    let mut message = Message::query();
    message.metadata.op_code = OpCode::Query;
    message.metadata.recursion_desired = recursive;
    message.add_query(Query::query(of.clone(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD).set_version(0);
    message.set_edns(edns);
    let what = DnsQuestion { of, kind };
    let wrong = |error: io::Error| what.failed(server, timeout, &error);
    let answered = tokio::time::timeout(timeout, async {
        let bytes = exchange(server, &message, Via::Udp).await.map_err(wrong)?;
        let reply = what.read(server, &bytes)?;
        if !reply.message.metadata.truncation {
            return Ok(reply);
        }
        let bytes = exchange(server, &message, Via::Tcp).await.map_err(wrong)?;
        what.read(server, &bytes)
    });
    answered.await.unwrap_or_else(|_| {
        Err(DnsError::Silent {
            server,
            what: what.to_string(),
            after: timeout,
        })
    })
}

/// A query.
struct DnsQuestion<'a> {
    of: &'a Name,
    kind: RecordType,
}

impl fmt::Display for DnsQuestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, shown(self.of))
    }
}

impl DnsQuestion<'_> {
    fn read(&self, server: SocketAddr, bytes: &[u8]) -> Result<Reply, DnsError> {
        match Message::from_vec(bytes) {
            Ok(message) => Ok(Reply { message, server }),
            Err(error) => Err(DnsError::Garbled {
                server,
                what: self.to_string(),
                cause: error.to_string(),
            }),
        }
    }

    fn failed(&self, server: SocketAddr, after: Duration, error: &io::Error) -> DnsError {
        if error.kind() == io::ErrorKind::TimedOut {
            return DnsError::Silent {
                server,
                what: self.to_string(),
                after,
            };
        }
        DnsError::Unreachable {
            server,
            cause: error.to_string(),
            no_way: matches!(
                error.kind(),
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
            ),
        }
    }
}

/// The addresses in `nameserver` lines (resolv.conf(5)), each once. The zone of an IPv6 address (`fe80::1%eth0`) is
/// dropped.
fn name_servers(text: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let address = words
            .next()
            .and_then(|word| word.split('%').next()?.parse::<IpAddr>().ok());
        let server = address.map(|address| SocketAddr::new(address, PORT));
        servers.extend(server.filter(|server| !servers.contains(server)));
    }
    servers
}

/// Recursors, which follow delegations and CNAMEs. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// Uses these servers in this order.
    pub fn of(servers: Vec<SocketAddr>) -> Self {
        Self { servers }
    }

    /// Uses the servers of the system, in the order of `/etc/resolv.conf`.
    pub fn system() -> Result<Self, DnsError> {
        let file =
            std::fs::read(RESOLV_CONF).map_err(|error| DnsError::NoServers(format!("{RESOLV_CONF}: {error}")))?;
        let servers = name_servers(&String::from_utf8_lossy(&file));
        if servers.is_empty() {
            return Err(DnsError::NoServers(format!("{RESOLV_CONF} has none")));
        }
        Ok(Self { servers })
    }

    /// The servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Asks the servers one after the other, each twice at most, until one returns an answer or says that there is none
    /// (NXDOMAIN). Otherwise returns the last error.
    pub async fn ask(&self, of: &str, kind: RecordType) -> Result<Reply, DnsError> {
        let of = name(of)?;
        let mut last = DnsError::NoServers("none is given".to_owned());
        for timeout in [TIMEOUT, TIMEOUT * 2] {
            for server in self.servers.iter().copied() {
                match ask(server, &of, kind, true, timeout).await.and_then(Reply::usable) {
                    Ok(reply) => return Ok(reply),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    /// The texts of a name, each joined from its parts. CNAMEs are followed.
    pub async fn txt(&self, of: &str) -> Result<Vec<String>, DnsError> {
        Ok(self.ask(of, RecordType::TXT).await?.texts())
    }

    /// The addresses of a name, IPv4 first; empty if there is no such name. CNAMEs are followed. It is an error only if
    /// neither query is answered.
    pub async fn addresses(&self, of: &str) -> Result<Vec<IpAddr>, DnsError> {
        Ok(self.look_up(of).await?.unwrap_or_default())
    }

    /// Like [`Self::addresses`]; `None` if there is no such name.
    pub async fn look_up(&self, of: &str) -> Result<Option<Vec<IpAddr>>, DnsError> {
        let (v4, v6) = futures_util::future::join(self.ask(of, RecordType::A), self.ask(of, RecordType::AAAA)).await;
        // A name that does not exist has no record of any type (RFC 8020).
        if [&v4, &v6].into_iter().flatten().any(Reply::is_no_name) {
            return Ok(None);
        }
        match (v4.map(|reply| reply.addresses()), v6.map(|reply| reply.addresses())) {
            (Ok(mut all), Ok(more)) => {
                all.extend(more);
                Ok(Some(all))
            }
            (Ok(all), Err(_)) | (Err(_), Ok(all)) if !all.is_empty() => Ok(Some(all)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// The name of which a name is an alias (CNAME), one step.
    pub async fn cname(&self, of: &str) -> Result<Option<String>, DnsError> {
        Ok(self.ask(of, RecordType::CNAME).await?.cname())
    }

    /// The name servers of a zone.
    pub async fn ns(&self, zone: &str) -> Result<Vec<String>, DnsError> {
        Ok(self.ask(zone, RecordType::NS).await?.name_servers())
    }

    /// The zone according to the answer for a name's SOA, if it names one: the name itself or one above.
    pub async fn soa(&self, of: &str) -> Result<Option<String>, DnsError> {
        Ok(self.ask(of, RecordType::SOA).await?.zone())
    }

    /// The CAA records of exactly this name (CNAMEs are followed, the tree is not climbed; RFC 8659).
    pub async fn caa(&self, of: &str) -> Result<Vec<Caa>, DnsError> {
        Ok(self.ask(of, RecordType::CAA).await?.caa())
    }
}
