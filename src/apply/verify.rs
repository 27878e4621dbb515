//! Waits until the new certificate is served at every address of a host.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::{
    clock::Pauses,
    event::{EventKind, Teller},
    net::{self, ProbeError},
    x509::Fingerprint,
};

/// How long is waited by default.
pub const WAIT: Duration = Duration::from_mins(1);
/// The first and the longest pause between two probes. A controller that watches Secrets serves a new certificate
/// within tens of milliseconds.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(50), Duration::from_secs(2));
/// For this long each pause is a little longer than the one before; afterwards pauses double.
const SOON: Duration = Duration::from_secs(3);

/// A host, and the addresses at which it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedHost {
    /// The host: a name, or a wildcard, for which a name below it is requested.
    pub host: String,
    /// All addresses of its route, with the port.
    pub addresses: Vec<SocketAddr>,
}

/// What an address served last.
#[derive(Debug)]
pub enum Seen {
    /// The new certificate.
    New,
    /// Another certificate.
    Other(Fingerprint),
    /// No certificate.
    Nothing(ProbeError),
}

/// The result for a host.
#[derive(Debug)]
pub struct Outcome {
    /// The host.
    pub host: String,
    /// Each address, with what it served last.
    pub seen: Vec<(SocketAddr, Seen)>,
    /// The time from the store until every address served the certificate, or until waiting ended.
    pub after: Duration,
}

impl Outcome {
    /// Whether every address serves the new certificate.
    pub fn is_served(&self) -> bool {
        !self.seen.is_empty() && self.seen.iter().all(|(_, seen)| matches!(seen, Seen::New))
    }

    /// What the addresses that do not serve it do instead: `192.0.2.7:443 still serves another certificate (SHA-256
    /// ab12)`; `None` if all serve it.
    pub fn complaint(&self) -> Option<String> {
        if self.seen.is_empty() {
            return Some("there is no address to ask".into());
        }
        let words: Vec<String> = self
            .seen
            .iter()
            .filter_map(|(address, seen)| match seen {
                Seen::New => None,
                Seen::Other(sha256) => Some(format!(
                    "{address} still serves another certificate (SHA-256 {})",
                    sha256.short()
                )),
                Seen::Nothing(error) => Some(format!("{address}: {error}")),
            })
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Probes every address of every host until it serves the certificate with this fingerprint, all at once, for at most
/// `wait`; each is probed at least once. Reports each host that serves it, with the time since it was `stored`, because
/// workloads may have been restarted in between. The outcomes are in the order of the places.
pub async fn served(
    places: &[ServedHost],
    new: Fingerprint,
    stored: Instant,
    wait: Duration,
    tell: &Teller,
) -> Vec<Outcome> {
    let start = Instant::now();
    let hosts = places.iter().enumerate().map(|(at, place)| async move {
        let addresses = place
            .addresses
            .iter()
            .map(|address| until(&place.host, *address, new, start + wait));
        let seen = futures_util::future::join_all(addresses).await;
        let outcome = Outcome {
            host: place.host.clone(),
            seen: place.addresses.iter().copied().zip(seen).collect(),
            after: stored.elapsed(),
        };
        if outcome.is_served() {
            tell.tell(EventKind::Served {
                host: outcome.host.clone(),
                after_ms: u64::try_from(outcome.after.as_millis()).unwrap_or(u64::MAX),
            });
        }
        (at, outcome)
    });
    let mut outcomes: Vec<_> = stream::iter(hosts)
        .buffer_unordered(net::probe::CONCURRENCY)
        .collect()
        .await;
    outcomes.sort_unstable_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Probes one address until it serves the certificate, or the time is over.
async fn until(host: &str, address: SocketAddr, new: Fingerprint, end: Instant) -> Seen {
    let target = net::ProbeRequest {
        address,
        server_name: host.to_owned(),
    };
    let (begin, mut pauses) = (Instant::now(), PAUSES);
    loop {
        let seen = match net::probe(&target, net::probe::TIMEOUT).await {
            Ok(served) => match served.chain.first().map(|der| Fingerprint::of(der)) {
                Some(sha256) if sha256 == new => return Seen::New,
                Some(sha256) => Seen::Other(sha256),
                None => Seen::Nothing(ProbeError::NoCertificate),
            },
            Err(error) => Seen::Nothing(error),
        };
        if Instant::now() + pauses.due() >= end {
            return seen;
        }
        sleep(pauses.due()).await;
        if begin.elapsed() < SOON {
            pauses.grow_by((9, 8));
        } else {
            pauses.grow();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::event::{Event, Listen};

    #[derive(Default)]
    struct Heard(Mutex<Vec<EventKind>>);

    impl Listen for Heard {
        fn hear(&self, event: &Event) {
            self.0.lock().unwrap().push(event.kind.clone());
        }
    }

    /// Starts a server with its own certificate, which is returned.
    async fn serving(host: &str) -> (SocketAddr, Vec<u8>) {
        let own = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let der = own.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![der.clone()], key)
                .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = acceptor.accept(tcp).await;
            }
        });
        (address, der.to_vec())
    }

    #[tokio::test]
    async fn how_long_it_took_counts_from_when_it_was_stored_whatever_came_in_between() {
        let (address, der) = serving("shop.example").await;
        let places = [ServedHost {
            host: "shop.example".into(),
            addresses: vec![address],
        }];
        let heard = Arc::new(Heard::default());
        let tell = Teller::new(Arc::clone(&heard) as Arc<dyn Listen>);
        // Workloads were restarted meanwhile.
        let stored = Instant::now().checked_sub(Duration::from_secs(7)).unwrap();
        let outcomes = served(&places, Fingerprint::of(&der), stored, Duration::from_secs(5), &tell).await;
        assert!(outcomes[0].is_served(), "{:?}", outcomes[0].complaint());
        let heard = heard.0.lock().unwrap();
        let [EventKind::Served { after_ms, .. }] = heard.as_slice() else {
            panic!("{heard:?}");
        };
        assert!((7_000..12_000).contains(after_ms), "{after_ms} ms");
    }

    #[tokio::test]
    async fn a_host_that_cannot_be_asked_is_told_with_the_reason_and_within_the_time() {
        // A port that was free a moment ago, so nothing listens there.
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let places = [
            ServedHost {
                host: "shop.example".into(),
                addresses: vec![free],
            },
            ServedHost {
                host: "other.example".into(),
                addresses: vec![],
            },
        ];
        let outcomes = served(
            &places,
            Fingerprint::of(b"x"),
            Instant::now(),
            Duration::ZERO,
            &Teller::silent(),
        )
        .await;
        assert_eq!(outcomes[0].host, "shop.example");
        assert!(!outcomes[0].is_served());
        let complaint = outcomes[0].complaint().unwrap();
        assert!(complaint.contains("connection refused"), "{complaint}");
        assert!(!outcomes[1].is_served());
        assert_eq!(outcomes[1].complaint().unwrap(), "there is no address to ask");
    }
}
