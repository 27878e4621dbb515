//! Why a name has no address here: DNS says that there is none, or it is not known whether there is one.

use std::{io, net::SocketAddr, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    dns::{DnsError, PORT, Resolver, ResponseCode},
    name::InvalidName,
};
use crate::error::{Blame, Diagnose};

/// How long the system's name servers are asked why the system has no answer.
const WHY: Duration = Duration::from_secs(1);

/// Why a name has no addresses here.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The text is not a valid name.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// There is neither a name nor an address of the route.
    #[error("the route has no host and no address in its status: name one with --connect HOST:PORT")]
    NothingToAsk,
    /// DNS says that the name does not exist.
    #[error("DNS has no address for {name}: there is no such name")]
    NoName {
        /// The name.
        name: String,
    },
    /// DNS has the name, but no address for it.
    #[error("DNS has no address for {name}: it has neither an A nor an AAAA record")]
    NoAddress {
        /// The name.
        name: String,
    },
    /// The name servers of the domain fail, according to a server that can resolve the domain above.
    #[error("the name servers of {name} fail: {cause}")]
    DomainFails {
        /// The name.
        name: String,
        /// The answer.
        cause: DnsError,
    },
    /// There was no answer in time.
    #[error("{who} gave no answer about {name} within {} s", after.as_secs_f32())]
    Timeout {
        /// The source that was asked: `this machine's DNS (192.0.2.53)`.
        who: String,
        /// The name.
        name: String,
        /// The time limit.
        after: Duration,
    },
    /// The source that was asked cannot answer, or cannot be reached.
    #[error("{who} gave no answer about {name}: {cause}")]
    NoAnswer {
        /// The source that was asked: `this machine's DNS (192.0.2.53)`.
        who: String,
        /// The name.
        name: String,
        /// The answer instead, in words.
        cause: String,
    },
}

impl ResolveError {
    /// Whether nobody else would find an address: DNS says so, or the domain's own name servers fail.
    pub fn is_definite(&self) -> bool {
        matches!(
            self,
            Self::NoName { .. } | Self::NoAddress { .. } | Self::DomainFails { .. }
        )
    }

    /// Whether there was no answer about the address, which does not prove that there is none.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::NoAnswer { .. })
    }

    /// The error if the system's resolver gave no answer in time.
    pub(crate) fn late(name: String, after: Duration) -> Self {
        Self::Timeout {
            who: system(),
            name,
            after,
        }
    }

    /// Classifies an error of the system's resolver. Its errors have no kind, only the words of `gai_strerror` of
    /// glibc, musl or macOS.
    pub(crate) fn of_system(name: String, error: &io::Error) -> Self {
        let text = error.to_string();
        let words = resolvers_words(&text);
        let said = words.to_lowercase();
        if is_one_of(&said, &NO_NAME) {
            Self::NoName { name }
        } else if is_one_of(&said, &NO_ADDRESS) {
            Self::NoAddress { name }
        } else {
            Self::NoAnswer {
                who: system(),
                name,
                cause: words.to_owned(),
            }
        }
    }
}

impl Diagnose for ResolveError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::InvalidName(_) | Self::NothingToAsk => return None,
                Self::NoName { .. } | Self::NoAddress { .. } => {
                    "check the name; --connect HOST:PORT names the address of a host that is not in this DNS"
                }
                Self::DomainFails { .. } => {
                    "check the domain's name servers; --connect HOST:PORT names the address meanwhile"
                }
                Self::Timeout { .. } | Self::NoAnswer { .. } => {
                    "whether there is an address is not known: check the network and the name servers of this machine \
                     (/etc/resolv.conf), or name the address with --connect HOST:PORT"
                }
            }
            .to_owned(),
        )
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

/// The words of the system's resolver for a name that does not exist.
const NO_NAME: [&str; 2] = ["name or service not known", "name does not resolve"];
/// Its words for a name without an address. macOS has one error for both, and in both cases there is no address.
const NO_ADDRESS: [&str; 3] = ["no address associated", "no usable address", "nodename nor servname"];

fn is_one_of(said: &str, known: &[&str]) -> bool {
    known.iter().any(|known| said.contains(known))
}

/// The words of the system's resolver, without the prefix of the standard library.
pub fn resolvers_words(said: &str) -> &str {
    said.strip_prefix("failed to lookup address information: ")
        .unwrap_or(said)
}

/// Whether the words of the system's resolver, within those of another error, say that a name has no address, and not
/// merely that there was no answer.
pub fn says_no_address(words: &str) -> bool {
    let said = words.to_lowercase();
    is_one_of(&said, &NO_NAME) || is_one_of(&said, &NO_ADDRESS)
}

/// The name of the system's resolver, with its name servers if its file has any.
fn system() -> String {
    match Resolver::system() {
        Ok(resolver) => format!("this machine's DNS ({})", shown(&resolver)),
        Err(_) => "this machine's DNS".to_owned(),
    }
}

/// Lists the servers: `192.0.2.53, [2001:db8::53]:5353`.
pub(super) fn shown(resolver: &Resolver) -> String {
    let shown = |server: &SocketAddr| match server.port() {
        PORT => server.ip().to_string(),
        _ => server.to_string(),
    };
    let all: Vec<String> = resolver.servers().iter().map(shown).collect();
    all.join(", ")
}

/// Why the system has no answer, if its name servers say more than it does: the system does not distinguish a domain
/// whose servers fail from a network without DNS.
pub(super) async fn why(error: ResolveError, deadline: Instant) -> ResolveError {
    let ResolveError::NoAnswer { who, name, .. } = &error else {
        return error;
    };
    let deadline = deadline.min(Instant::now() + WHY);
    let Ok(resolver) = Resolver::system() else {
        return error;
    };
    match timeout_at(deadline, resolver.addresses(name)).await {
        Ok(Err(cause)) => of_servers(&resolver, who.clone(), name.clone(), cause, deadline).await,
        _ => error,
    }
}

/// Classifies a failed answer of name servers.
pub(super) async fn of_servers(
    resolver: &Resolver,
    who: String,
    name: String,
    cause: DnsError,
    deadline: Instant,
) -> ResolveError {
    let is_domains = timeout_at(deadline, resolver.is_domains_fault(&name, &cause)).await;
    if is_domains == Ok(true) {
        ResolveError::DomainFails { name, cause }
    } else {
        ResolveError::NoAnswer {
            who,
            name,
            cause: cause.to_string(),
        }
    }
}

impl Resolver {
    /// Whether an error about a name is caused by the domain, so that everybody gets it. Name servers that cannot reach
    /// others answer SERVFAIL too, but then for the domains above as well.
    pub async fn is_domains_fault(&self, name: &str, error: &DnsError) -> bool {
        let DnsError::Refused {
            code: ResponseCode::ServFail,
            ..
        } = error
        else {
            return false;
        };
        let mut above = name.trim_end_matches('.');
        while let Some((_, parent)) = above.split_once('.') {
            above = parent;
            if self.soa(above).await.is_ok() {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::testing::{NameServer, Says};

    fn of_system(words: &str) -> ResolveError {
        let error = io::Error::other(format!("failed to lookup address information: {words}"));
        ResolveError::of_system("shop.example".to_owned(), &error)
    }

    #[test]
    fn no_such_name_no_address_and_no_answer_are_told_apart() {
        for (words, is_definite, said) in [
            (
                "Name or service not known",
                true,
                "DNS has no address for shop.example: there is no such name",
            ),
            (
                "Name does not resolve",
                true,
                "DNS has no address for shop.example: there is no such name",
            ),
            (
                "No address associated with hostname",
                true,
                "DNS has no address for shop.example: it has neither an A nor an AAAA record",
            ),
            (
                "Temporary failure in name resolution",
                false,
                "gave no answer about shop.example: Temporary failure",
            ),
            ("Try again", false, "gave no answer about shop.example: Try again"),
            (
                "Non-recoverable failure in name resolution",
                false,
                "gave no answer about shop.example: Non-recoverable",
            ),
            (
                "Too many open files (os error 24)",
                false,
                "gave no answer about shop.example: Too many open files",
            ),
        ] {
            let error = of_system(words);
            assert_eq!(error.is_definite(), is_definite, "{words}");
            assert_eq!(error.is_unanswered(), !is_definite, "{words}");
            assert!(error.to_string().contains(said), "{error}");
        }
        assert!(of_system("Try again").hint().unwrap().contains("not known"));
    }

    #[tokio::test]
    async fn a_domain_fails_only_where_the_domain_above_is_known() {
        let deadline = || Instant::now() + Duration::from_secs(5);
        let failing = |what: &str| DnsError::Refused {
            server: (std::net::Ipv4Addr::LOCALHOST, PORT).into(),
            what: what.to_owned(),
            code: ResponseCode::ServFail,
        };
        let broken_domain = NameServer::start(&[("shop.example", Says::Code(ResponseCode::ServFail))]).await;
        let cut_off = NameServer::start(&[("", Says::Code(ResponseCode::ServFail))]).await;
        for (server, is_domains) in [(&broken_domain, true), (&cut_off, false)] {
            let resolver = Resolver::of(vec![server.address]);
            let found = of_servers(
                &resolver,
                "resolver 192.0.2.53".to_owned(),
                "www.shop.example".to_owned(),
                failing("A www.shop.example"),
                deadline(),
            )
            .await;
            assert_eq!(found.is_definite(), is_domains, "{found}");
            assert_eq!(found.is_unanswered(), !is_domains, "{found}");
            assert!(found.to_string().contains("SERVFAIL"), "{found}");
        }
    }
}
