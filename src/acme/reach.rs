//! Which addresses an ACME server may have. A directory names URLs, redirects lead on, and names resolve: none of these may make this
//! program talk to what only this machine or its cloud may ask.

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::net::ResolveError;

/// How long a name's lookup may take: a question whose packet is lost is sent again after five seconds.
const LOOKUP: Duration = Duration::from_secs(6);

/// A name that has no address, or of which DNS does not say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotResolved(String);

impl NotResolved {
    /// The one that another error comes from, where one does.
    pub(super) fn within<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(unresolved) = error.downcast_ref() {
                return Some(unresolved);
            }
            next = error.source();
        }
        None
    }
}

/// The rule of one directory.
///
/// - Link-local addresses, where clouds keep credentials (169.254.169.254), and those that no server has are never asked.
/// - This machine is asked where the user names it: the directory itself is there. A directory elsewhere cannot lead to it.
/// - Private addresses are asked: private CAs are there, and a directory in the public network gains nothing from sending its own clients
///   there, who send nothing but signed requests for certificates.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// The directory's host, in lower case.
    directory: Arc<str>,
    /// Whether the directory is on this machine, or names are a proxy's business.
    here: Arc<AtomicBool>,
}

impl Reach {
    /// Of a directory's URL; `proxied` where a proxy resolves names, and may itself be on this machine.
    pub(super) fn of(directory: &str, proxied: bool) -> Self {
        let url = Url::parse(directory).ok();
        let here = url.as_ref().is_some_and(is_here);
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        Self {
            directory: host.to_ascii_lowercase().into(),
            here: Arc::new(AtomicBool::new(proxied || here)),
        }
    }

    /// Whether a URL may be asked, as far as it says itself where it leads.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let here = || self.here.load(Ordering::Relaxed);
        match literal(url) {
            Some(address) if is_refused(address) => false,
            _ => !is_here(url) || here() || url.host_str() == Some(&self.directory),
        }
    }

    /// Those of a name's addresses that may be asked.
    fn choose(&self, name: &str, found: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let named = name.eq_ignore_ascii_case(&self.directory);
        let mut refused = None;
        let mut chosen = Vec::new();
        for socket in found {
            let here = socket.ip().to_canonical().is_loopback();
            if here && named {
                self.here.store(true, Ordering::Relaxed);
            }
            if is_refused(socket.ip()) || (here && !self.here.load(Ordering::Relaxed)) {
                refused = Some(socket.ip());
            } else {
                chosen.push(socket);
            }
        }
        match refused {
            Some(address) if chosen.is_empty() => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{name} is at {address}, where no ACME server is allowed"),
            )),
            _ => Ok(chosen),
        }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let asked = || name.as_str().to_owned();
            let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((name.as_str(), 0)))
                .await
                .map_err(|_| unresolved(&ResolveError::late(asked(), LOOKUP)))?
                .map_err(|error| unresolved(&ResolveError::of_system(asked(), &error)))?;
            let chosen = reach.choose(name.as_str(), found)?;
            let addresses: Addrs = Box::new(chosen.into_iter());
            Ok(addresses)
        })
    }
}

fn unresolved(error: &ResolveError) -> NotResolved {
    NotResolved(match error {
        ResolveError::NoName { name } => format!("{name} does not resolve: there is no such name"),
        ResolveError::NoAddress { name } => {
            format!("{name} does not resolve: it has neither an A nor an AAAA record")
        }
        other => other.to_string(),
    })
}

/// The address that a URL names in place of a host.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Whether a URL says itself that it leads to this machine.
pub(super) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let name = host == "localhost" || host.ends_with(".localhost");
    name || literal(url).is_some_and(|address| address.to_canonical().is_loopback())
}

/// Addresses that are never asked.
fn is_refused(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let other = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4 == Ipv4Addr::BROADCAST || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    other || address.is_unspecified() || address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_directory_cannot_lead_to_what_only_this_machine_may_ask() {
        let public = Reach::of("https://ca.example/dir", false);
        let here = Reach::of("https://127.0.0.1:14000/dir", false);
        let proxied = Reach::of("https://ca.example/dir", true);
        for (to, by_public, by_here) in [
            ("https://ca.example/new", true, true),
            ("https://10.99.0.3/new", true, true),
            ("https://169.254.169.254/latest", false, false),
            ("https://[fe80::1]/", false, false),
            ("https://[::ffff:169.254.169.254]/", false, false),
            ("https://0.0.0.0/", false, false),
            ("https://127.0.0.1/", false, true),
            ("https://[::1]/", false, true),
            ("https://localhost:15000/", false, true),
        ] {
            assert_eq!(public.allows(&url(to)), by_public, "{to}");
            assert_eq!(here.allows(&url(to)), by_here, "{to}");
            assert_eq!(proxied.allows(&url(to)), by_here, "{to}");
        }
    }

    #[test]
    fn a_name_without_an_address_is_told_from_dns_that_gives_no_answer() {
        let of = |words: &str| {
            unresolved(&ResolveError::of_system("ca.example".into(), &io::Error::other(words))).to_string()
        };
        assert_eq!(
            of("Name or service not known"),
            "ca.example does not resolve: there is no such name"
        );
        let silent = of("Temporary failure in name resolution");
        assert!(
            silent.contains("gave no answer about ca.example") && !silent.contains("does not resolve"),
            "{silent}"
        );
    }

    #[test]
    fn what_a_name_resolves_to_is_held_to_the_same_rule() {
        let all = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| SocketAddr::new(t.parse().unwrap(), 0))
                .collect::<Vec<_>>()
        };
        let reach = Reach::of("https://ca.example/dir", false);
        let chosen = reach.choose("other.example", all(&["127.0.0.1", "192.0.2.1"]).into_iter());
        assert_eq!(chosen.unwrap(), all(&["192.0.2.1"]));
        let error = reach
            .choose("other.example", all(&["169.254.1.1"]).into_iter())
            .unwrap_err();
        assert!(error.to_string().contains("other.example is at 169.254.1.1"), "{error}");
        assert!(reach.choose("other.example", all(&["127.0.0.1"]).into_iter()).is_err());
        // The user named a directory of this machine: what it names may be here too.
        assert!(reach.choose("CA.example", all(&["127.0.0.1"]).into_iter()).is_ok());
        assert!(reach.choose("other.example", all(&["127.0.0.1"]).into_iter()).is_ok());
    }
}
