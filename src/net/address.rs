//! The addresses at which a host is probed, and whether DNS leads to them.

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
/// The most addresses of one name that are used. A limit is necessary because DNS answers come from outside.
pub const MOST_ADDRESSES: usize = 16;

// A lookup without an answer keeps a thread until the system's resolver gives up, so only a few run at a time.
static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(16)));

/// `HOST:PORT` as users write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

/// The text is not `HOST:PORT`.
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
        // Without brackets, `2001:db8::1` would be split at its last group.
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

/// The addresses of `host`, each once, in the order of the answer, at most [`MOST_ADDRESSES`]. An IP address resolves
/// to itself.
///
/// The system's resolver is used, like by every other client of this machine, so that `/etc/hosts` and search domains
/// count. A wildcard resolves the name that [`asked`] makes of it. A lookup that exceeds `timeout` continues in the
/// background until the system's resolver gives up.
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
    // A separate task keeps the permit until the thread is free, whether or not anybody still waits.
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

/// Each address once, in the given order, at most [`MOST_ADDRESSES`].
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

/// The source of the addresses of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--connect HOST:PORT`.
    Connect,
    /// The status of the route, which its controller writes.
    Status,
    /// DNS of the host, which clients use.
    Dns,
}

/// The addresses at which a host of a route is probed.
#[derive(Debug)]
pub struct Addresses {
    /// Their source.
    pub origin: Origin,
    /// The addresses with their port, each once; never empty.
    pub sockets: Vec<SocketAddr>,
    /// Host names in the status that do not resolve. The other addresses are probed all the same.
    pub unresolved: Vec<ResolveError>,
}

/// The addresses at which `host` of a route is probed: those of `connect` if it is given, otherwise the addresses in
/// the route's `status` (IP addresses or host names) with `port` (443, or that of the Gateway's listener), otherwise
/// those of the host in DNS.
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

/// Whether no server can have an address: unspecified (`0.0.0.0/8`, `::`), multicast or broadcast.
pub fn is_refused(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let other = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4 == Ipv4Addr::BROADCAST,
        IpAddr::V6(_) => false,
    };
    other || address.is_unspecified() || address.is_multicast()
}

/// Whether a host resolves to other addresses than those of its route: `resolved` and the route's `expected` addresses
/// have none in common.
///
/// It returns false where two lists cannot tell:
/// - one of them is empty (nothing resolved, or the route has no address yet);
/// - they share no address family: a status often lists only IPv4, while DNS returns IPv6 to this machine;
/// - all expected addresses are private (RFC 1918, RFC 4193, RFC 6598, loopback, link-local) and a resolved one is
///   public, or the other way round: address translation, a cloud provider's front or split DNS is between them.
///
/// If the status of a route has a host name (a cloud provider's load balancer), compare with what that name resolves to
/// at the same moment. If a balancer answers with a changing subset of its addresses, resolve both names several times
/// and pass the unions.
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
