//! Who is asked for the addresses of hosts that a CA is to find: the system, or the name servers of the settings.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{
    address::{MOST_ADDRESSES, ResolveError, resolve},
    dns::{DnsError, PORT, Resolver, ResponseCode},
    name::{Asked, asked},
};

/// Who is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lookup {
    /// The system, as every other client of this machine does.
    #[default]
    System,
    /// These name servers.
    Servers(Resolver),
}

impl Lookup {
    /// The named servers, or the system where none is.
    pub fn of(servers: &[SocketAddr]) -> Self {
        match servers {
            [] => Self::System,
            servers => Self::Servers(Resolver::of(servers.to_vec())),
        }
    }

    /// Name servers for records that the system has no words for.
    pub fn resolver(&self) -> Result<Resolver, DnsError> {
        match self {
            Self::System => Resolver::system(),
            Self::Servers(resolver) => Ok(resolver.clone()),
        }
    }

    /// The addresses of a host, at most [`MOST_ADDRESSES`]; an address is its own.
    pub async fn addresses(&self, host: &str, timeout: Duration) -> Result<Vec<IpAddr>, ResolveError> {
        let deadline = Instant::now() + timeout;
        let Self::Servers(resolver) = self else {
            let found = resolve(host, timeout).await;
            return match found {
                // The system does not tell servers that fail from a network without DNS.
                Err(error @ ResolveError::Failed { .. }) if !error.is_definite() => {
                    Err(failing(host, deadline).await.unwrap_or(error))
                }
                found => found,
            };
        };
        let name = match asked(host)? {
            Asked::Address(address) => return Ok(vec![address]),
            Asked::Default => return Err(ResolveError::NothingToAsk),
            Asked::Name(name) => name,
        };
        match timeout_at(deadline, resolver.addresses(&name)).await {
            Err(_) => Err(ResolveError::Timeout { name, after: timeout }),
            Ok(Ok(found)) if found.is_empty() => Err(ResolveError::None { name }),
            Ok(Ok(mut found)) => {
                found.truncate(MOST_ADDRESSES);
                Ok(found)
            }
            Ok(Err(cause)) => Err(ResolveError::Servers { cause }),
        }
    }
}

/// What the system's name servers say of a host, where they say that its own fail.
async fn failing(host: &str, deadline: Instant) -> Option<ResolveError> {
    let resolver = Resolver::system().ok()?;
    let said = timeout_at(deadline, resolver.addresses(host)).await.ok()?;
    let error = ResolveError::Servers { cause: said.err()? };
    error.is_definite().then_some(error)
}

/// Whether a name server says that those of the domain fail: everybody is told the same.
pub(super) fn is_failing(error: &DnsError) -> bool {
    matches!(
        error,
        DnsError::Refused {
            code: ResponseCode::ServFail,
            ..
        }
    )
}

impl fmt::Display for Lookup {
    /// `this machine's DNS`, `resolver 192.0.2.53`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Servers(resolver) = self else {
            return f.write_str("this machine's DNS");
        };
        let shown = |server: &SocketAddr| match server.port() {
            PORT => server.ip().to_string(),
            _ => server.to_string(),
        };
        let all: Vec<String> = resolver.servers().iter().map(shown).collect();
        write!(f, "resolver {}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_is_named() {
        assert_eq!(Lookup::of(&[]).to_string(), "this machine's DNS");
        let servers = ["192.0.2.53:53", "[2001:db8::53]:5353"].map(|server| server.parse().unwrap());
        assert_eq!(
            Lookup::of(&servers).to_string(),
            "resolver 192.0.2.53, [2001:db8::53]:5353"
        );
    }

    #[tokio::test]
    async fn an_address_is_asked_of_nobody() {
        let nobody = Lookup::of(&["127.0.0.1:9".parse().unwrap()]);
        let found = nobody.addresses("192.0.2.7", Duration::from_secs(1)).await.unwrap();
        assert_eq!(found, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        let error = nobody
            .addresses("shop.example", Duration::from_secs(5))
            .await
            .unwrap_err();
        assert!(!error.is_definite(), "{error}");
    }
}
