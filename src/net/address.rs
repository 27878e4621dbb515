//! At which addresses a host is asked, and whether DNS leads to them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use tokio::{net::lookup_host, sync::Semaphore, time::Instant};

use super::{
    name::{RequestedHost, asked},
    unresolved::{ResolveError, why},
};
use crate::object::Text;

/// The port of HTTPS.
pub const HTTPS: u16 = 443;
/// At most so many addresses of one name are asked; DNS answers come from outside.
pub const MOST_ADDRESSES: usize = 16;

// A lookup that the system's resolver does not answer keeps a thread until the resolver gives up: few at a time.
static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(16)));

/// `HOST:PORT` as users write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

/// A text that is not `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT, such as shop.example:443 or [2001:db8::1]:443, and got {text:?}")]
pub struct NotHostPort {
    /// The text.
    pub text: String,
}

impl FromStr for HostPort {
    type Err = NotHostPort;

    fn from_str(text: &str) -> Result<Self, NotHostPort> {
        let wrong = || NotHostPort { text: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        // `2001:db8::1` without brackets would be cut at its last group.
        if host.contains(':') != bracketed.is_some() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let port: u16 = port.parse().map_err(|_| wrong())?;
        match asked(host) {
            Ok(RequestedHost::Name(_) | RequestedHost::Address(_)) if port != 0 && !host.starts_with("*.") => {
                Ok(Self {
                    host: host.to_owned(),
                    port,
                })
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The addresses of `host`, each once, in the order of the answer, at most [`MOST_ADDRESSES`]; an address is its own.
///
/// By the system's resolver, as every other client of this machine resolves: `/etc/hosts` and search domains count.
/// A wildcard resolves the name that [`asked`] makes of it. A lookup that outlives `timeout` ends by itself in the
/// background, when the system's resolver gives up.
pub async fn resolve(host: &str, timeout: Duration) -> Result<Vec<IpAddr>, ResolveError> {
    let name = match asked(host)? {
        RequestedHost::Address(address) => return Ok(vec![address]),
        RequestedHost::Default => return Err(ResolveError::NothingToAsk),
        RequestedHost::Name(name) => name,
    };
    let timed_out = |name| ResolveError::late(name, timeout);
    let deadline = Instant::now() + timeout;
    let Ok(Ok(permit)) = tokio::time::timeout_at(deadline, Arc::clone(&LOOKUPS).acquire_owned()).await else {
        return Err(timed_out(name));
    };
    let query = name.clone();
    // A task of its own keeps the permit until the thread is free, whether or not anybody still waits.
    let lookup = tokio::spawn(async move {
        let _permit = permit;
        lookup_host((query.as_str(), 0))
            .await
            .map(|found| distinct(found.map(|a| a.ip())))
    });
    match tokio::time::timeout_at(deadline, lookup).await {
        Err(_) => Err(timed_out(name)),
        Ok(Ok(Ok(addresses))) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(Ok(_))) => Err(ResolveError::NoAddress { name }),
        Ok(Ok(Err(cause))) => Err(why(ResolveError::of_system(name, &cause), deadline).await),
        Ok(Err(join)) => Err(ResolveError::of_system(name, &io::Error::other(join))),
    }
}

/// Each address once, in the order given, the first [`MOST_ADDRESSES`].
fn distinct(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept = Vec::new();
    for address in found.map(|a| a.to_canonical()) {
        if !kept.contains(&address) {
            kept.push(address);
        }
        if kept.len() == MOST_ADDRESSES {
            break;
        }
    }
    kept
}

/// Where the addresses of a route come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--connect HOST:PORT`.
    Connect,
    /// The route's status: what the controller says it serves at.
    Status,
    /// DNS of the host: what clients use.
    Dns,
}

/// The addresses at which a host of a route is asked.
#[derive(Debug)]
pub struct Addresses {
    /// Where they come from.
    pub origin: Origin,
    /// The addresses with their port, each once; never empty.
    pub sockets: Vec<SocketAddr>,
    /// Host names of the status that do not resolve; the others are asked all the same.
    pub unresolved: Vec<ResolveError>,
}

/// The addresses at which `host` of a route is asked: those of `connect` when it is given, else the route's `status`
/// addresses (IP addresses or host names) with `port` (443, or the Gateway listener's), else what DNS says of the host.
pub async fn addresses(
    connect: Option<&HostPort>,
    status: &[Text],
    port: u16,
    host: &str,
    timeout: Duration,
) -> Result<Addresses, ResolveError> {
    if let Some(HostPort { host, port }) = connect {
        let found = resolve(host, timeout).await?;
        return Ok(all_at(Origin::Connect, found, *port));
    }
    if status.is_empty() {
        return Ok(all_at(Origin::Dns, resolve(host, timeout).await?, port));
    }
    let lookups = status.iter().take(MOST_ADDRESSES).map(|s| resolve(s, timeout));
    let (mut found, mut unresolved) = (Vec::new(), Vec::new());
    for answer in futures_util::future::join_all(lookups).await {
        match answer {
            Ok(more) => found.extend(more),
            Err(error) => unresolved.push(error),
        }
    }
    if found.is_empty() {
        return Err(unresolved.pop().unwrap_or(ResolveError::NothingToAsk));
    }
    Ok(Addresses {
        unresolved,
        ..all_at(Origin::Status, found, port)
    })
}

fn all_at(origin: Origin, found: Vec<IpAddr>, port: u16) -> Addresses {
    Addresses {
        origin,
        sockets: distinct(found.into_iter())
            .into_iter()
            .map(|a| SocketAddr::new(a, port))
            .collect(),
        unresolved: Vec::new(),
    }
}

/// Whether an address is one that no server has: unspecified (`0.0.0.0/8`, `::`), multicast or broadcast.
pub fn is_refused(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let other = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4 == Ipv4Addr::BROADCAST,
        IpAddr::V6(_) => false,
    };
    other || address.is_unspecified() || address.is_multicast()
}

/// Whether a host resolves away from its route: `resolved` and the route's `expected` addresses have none in common.
///
/// It answers "no" where two lists cannot tell:
/// - one of them is empty (nothing resolved, or the route has no address yet);
/// - they share no address family: a status often lists IPv4 alone, while DNS gives IPv6 to this machine;
/// - all expected addresses are private (RFC 1918, RFC 4193, RFC 6598, loopback, link-local) and a resolved one is
///   public, or the other way round: address translation, a cloud's front or split DNS lies between them.
///
/// A route whose status has a host name (a cloud's load balancer) is compared by what that name resolves to at the same
/// moment; of a balancer that answers with a changing part of its addresses, resolve both names more than once and pass
/// the unions.
pub fn elsewhere(resolved: &[IpAddr], expected: &[IpAddr]) -> bool {
    let resolved: Vec<IpAddr> = resolved.iter().map(IpAddr::to_canonical).collect();
    let expected: Vec<IpAddr> = expected.iter().map(IpAddr::to_canonical).collect();
    let comparable = |a: &IpAddr, b: &IpAddr| a.is_ipv4() == b.is_ipv4() && is_private(*a) == is_private(*b);
    resolved.iter().any(|r| expected.iter().any(|e| comparable(r, e))) && !resolved.iter().any(|r| expected.contains(r))
}

/// Whether an address is not routed on the public Internet.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests;
