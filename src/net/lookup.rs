//! Looks up the addresses of hosts that a CA has to find, with the system's resolver or the name servers of the
//! settings.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{
    address::{MOST_ADDRESSES, resolve},
    dns::{DnsError, Resolver},
    name::{RequestedHost, asked},
    unresolved::{ResolveError, of_servers, shown},
};

/// The source of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lookup {
    /// The system's resolver, which every other client of this machine uses.
    #[default]
    System,
    /// These name servers.
    Servers(Resolver),
}

impl Lookup {
    /// These servers, or the system if there are none.
    pub fn of(servers: &[SocketAddr]) -> Self {
        match servers {
            [] => Self::System,
            servers => Self::Servers(Resolver::of(servers.to_vec())),
        }
    }

    /// Name servers for record types that the system's resolver does not support.
    pub fn resolver(&self) -> Result<Resolver, DnsError> {
        match self {
            Self::System => Resolver::system(),
            Self::Servers(resolver) => Ok(resolver.clone()),
        }
    }

    /// The addresses of a host, at most [`MOST_ADDRESSES`]. An IP address resolves to itself.
    pub async fn addresses(&self, host: &str, timeout: Duration) -> Result<Vec<IpAddr>, ResolveError> {
        let deadline = Instant::now() + timeout;
        let Self::Servers(resolver) = self else {
            return resolve(host, timeout).await;
        };
        let name = match asked(host)? {
            RequestedHost::Address(address) => return Ok(vec![address]),
            RequestedHost::Default => return Err(ResolveError::NothingToAsk),
            RequestedHost::Name(name) => name,
        };
        match timeout_at(deadline, resolver.look_up(&name)).await {
            Err(_) => Err(ResolveError::Timeout {
                who: self.to_string(),
                name,
                after: timeout,
            }),
            Ok(Ok(None)) => Err(ResolveError::NoName { name }),
            Ok(Ok(Some(found))) if found.is_empty() => Err(ResolveError::NoAddress { name }),
            Ok(Ok(Some(mut found))) => {
                found.truncate(MOST_ADDRESSES);
                Ok(found)
            }
            Ok(Err(cause)) => Err(of_servers(resolver, self.to_string(), name, cause, deadline).await),
        }
    }
}

impl fmt::Display for Lookup {
    /// Writes `this machine's DNS` or `resolver 192.0.2.53`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Servers(resolver) = self else {
            return f.write_str("this machine's DNS");
        };
        write!(f, "resolver {}", shown(resolver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{
        ResponseCode,
        testing::{NameServer, Says},
    };

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
        assert!(error.is_unanswered(), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("resolver 127.0.0.1:9 gave no answer about shop.example: "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn named_servers_tell_no_such_name_from_no_address_and_from_no_answer() {
        let server = NameServer::start(&[
            ("gone.example", Says::Code(ResponseCode::NXDomain)),
            ("bare.example", Says::Code(ResponseCode::NoError)),
            ("broken.example", Says::Code(ResponseCode::ServFail)),
            ("refused.example", Says::Code(ResponseCode::Refused)),
            ("silent.example", Says::Nothing),
        ])
        .await;
        let lookup = Lookup::of(&[server.address]);
        for (host, is_definite, said) in [
            ("gone.example", true, "there is no such name"),
            ("bare.example", true, "it has neither an A nor an AAAA record"),
            ("broken.example", true, "the name servers of broken.example fail: "),
            ("refused.example", false, "REFUSED"),
            (
                "silent.example",
                false,
                "gave no answer about silent.example within 1 s",
            ),
        ] {
            let error = lookup.addresses(host, Duration::from_secs(1)).await.unwrap_err();
            assert_eq!(error.is_definite(), is_definite, "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
        // Servers that fail for every domain say nothing about this one.
        let cut_off = NameServer::start(&[("", Says::Code(ResponseCode::ServFail))]).await;
        let error = Lookup::of(&[cut_off.address])
            .addresses("shop.example", Duration::from_secs(2))
            .await
            .unwrap_err();
        assert!(
            error.is_unanswered() && error.to_string().contains("SERVFAIL"),
            "{error}"
        );
    }
}
