//! Where a certificate is in use, according to stored Secrets and to what servers send.

use std::{collections::BTreeMap, fmt, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{
    check::Probed,
    inventory::{BindingId, Inventory, ingress::covers_host},
    net::{
        Lookup, ResolveError,
        address::HTTPS,
        probe::{self, ProbeRequest, probe_all},
    },
    object::{Key, Text},
    x509::{Certificate, Fingerprint},
};

/// A place where a certificate is in use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A Secret that a route uses holds the certificate.
    Stored {
        /// The Secret.
        secret: Key,
        /// The route, as `Ingress shop/web`.
        route: String,
        /// The host.
        host: Text,
    },
    /// A server sends the certificate.
    Served {
        /// The host that was requested.
        host: Text,
        /// The server's address and port.
        address: Text,
    },
}

impl Use {
    /// The Secret that holds the certificate, if it is a Secret.
    pub fn secret(&self) -> Option<&Key> {
        match self {
            Self::Stored { secret, .. } => Some(secret),
            Self::Served { .. } => None,
        }
    }
}

impl fmt::Display for Use {
    /// Writes a clause, not cleared for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored { secret, route, host } => {
                write!(f, "it is in Secret {secret}, which {route} uses for {host}")
            }
            Self::Served { host, address } => write!(f, "{address} serves it for {host}"),
        }
    }
}

/// The bindings that may use a certificate: the Secret that is named for them holds it, or it covers their host.
pub fn bindings(inventory: &Inventory, leaf: &Certificate) -> Vec<BindingId> {
    let all = inventory.bindings().iter();
    all.filter(|(_, binding)| {
        leaf.names.cover(&binding.host)
            || binding
                .secrets
                .iter()
                .any(|secret| holds(inventory, secret, leaf.sha256))
    })
    .map(|(id, _)| id)
    .collect()
}

fn holds(inventory: &Inventory, secret: &Key, leaf: Fingerprint) -> bool {
    let stored = inventory.secrets().get(secret);
    stored
        .and_then(|stored| stored.leaf())
        .is_some_and(|held| held.sha256 == leaf)
}

/// The places where a certificate is in use, according to the stored Secrets and the results of probes.
pub fn uses(inventory: &Inventory, leaf: Fingerprint, probed: &BTreeMap<BindingId, Probed>) -> Vec<Use> {
    let mut uses = Vec::new();
    for (id, binding) in inventory.bindings().iter() {
        for secret in binding.secrets.iter().filter(|secret| holds(inventory, secret, leaf)) {
            uses.push(Use::Stored {
                secret: secret.clone(),
                route: binding.route.to_string(),
                host: binding.host.clone(),
            });
        }
        let at = probed.get(&id).map_or(&[][..], |probed| &probed.at);
        for at in at {
            if at.served.leaf().is_some_and(|served| served.sha256 == leaf) {
                uses.push(Use::Served {
                    host: binding.host.clone(),
                    address: at.address.clone(),
                });
            }
        }
    }
    uses.sort();
    uses.dedup();
    uses
}

/// The most names of a certificate that are looked up.
const MOST_NAMES: usize = 32;

/// How long DNS may take for one name. A user who revokes a leaked key should not wait longer.
pub const LOOKUP: Duration = Duration::from_secs(3);

/// The names of the certificate that are looked up.
pub fn looked_up(leaf: &Certificate) -> Vec<String> {
    leaf.names.iter().take(MOST_NAMES).map(ToString::to_string).collect()
}

/// The places that DNS leads to for the names of a certificate.
#[derive(Debug, Default)]
pub struct ByName {
    /// Where the certificate is served.
    pub uses: Vec<Use>,
    /// The names for which DNS gave no answer, so that it is not known whether they serve the certificate.
    pub unanswered: Vec<String>,
    /// The reason, for one of those names.
    pub why: Option<ResolveError>,
}

/// Finds the servers that DNS leads to for the names of the certificate and that serve it, including other clusters and
/// machines. A name without an address, or a server that does not answer, serves nothing. All names are looked up at
/// once, each for at most [`LOOKUP`]; each connection takes at most `limit`.
pub async fn served(leaf: &Certificate, lookup: &Lookup, limit: Duration) -> ByName {
    let names = looked_up(leaf);
    let found = join_all(names.iter().map(|name| lookup.addresses(name, LOOKUP))).await;
    let mut by_name = ByName::default();
    let mut targets = Vec::new();
    for (name, found) in names.into_iter().zip(found) {
        match found {
            Ok(addresses) => targets.extend(addresses.into_iter().map(|address| ProbeRequest {
                address: (address, HTTPS).into(),
                server_name: name.clone(),
            })),
            Err(error) if error.is_unanswered() => {
                by_name.unanswered.push(name);
                by_name.why.get_or_insert(error);
            }
            Err(_) => {}
        }
    }
    let answers = probe_all(&targets, probe::CONCURRENCY, limit).await;
    let shows = |chain: &[Vec<u8>]| chain.first().is_some_and(|der| Fingerprint::of(der) == leaf.sha256);
    by_name.uses = targets
        .into_iter()
        .zip(answers)
        .filter(|(_, answer)| answer.as_ref().is_ok_and(|served| shows(&served.chain)))
        .map(|(target, _)| Use::Served {
            host: target.server_name.into(),
            address: target.address.to_string().into(),
        })
        .collect();
    by_name
}

/// Whether a certificate is only served because its replacement is not served yet: no Secret that a route uses holds
/// it, and for each host that still gets it, a route names a Secret with another certificate.
pub fn is_replaced(inventory: &Inventory, leaf: Fingerprint, uses: &[Use]) -> bool {
    let replaced = |host: &str| {
        inventory.bindings().iter().any(|(_, binding)| {
            (binding.host == host || covers_host(host, &binding.host))
                && binding.secrets.iter().any(|secret| {
                    let stored = inventory.secrets().get(secret);
                    stored.and_then(|s| s.leaf()).is_some_and(|held| held.sha256 != leaf)
                })
        })
    };
    uses.iter().all(|one| match one {
        Use::Stored { .. } => false,
        Use::Served { host, .. } => replaced(host),
    })
}

/// The pause between two probes of servers that should load a replacement.
const PAUSE: Duration = Duration::from_millis(500);

/// Probes the servers that sent a certificate again until none sends it, for at most `wait`: a controller loads a
/// Secret's new certificate a moment after it was stored. Returns the remaining uses. Servers that answer nothing, or
/// nothing readable, do not count. Each connection takes at most `limit`.
pub async fn until_replaced(uses: Vec<Use>, leaf: Fingerprint, wait: Duration, limit: Duration) -> Vec<Use> {
    let end = Instant::now() + wait;
    let mut left = uses;
    while !left.is_empty() && Instant::now() + PAUSE < end {
        sleep(PAUSE).await;
        let shown = join_all(left.iter().map(async |one| {
            let Use::Served { host, address } = one else {
                return true;
            };
            let Ok(address) = address.parse::<SocketAddr>() else {
                return true;
            };
            let server_name = host.to_string();
            let answer = probe::probe(&ProbeRequest { address, server_name }, limit).await;
            answer.is_ok_and(|served| served.chain.first().is_some_and(|der| Fingerprint::of(der) == leaf))
        }))
        .await;
        let mut shown = shown.into_iter();
        left.retain(|_| shown.next().unwrap_or(true));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{digest, ingress, leaf, own},
        net::dns::{
            ResponseCode,
            testing::{NameServer, Says},
        },
        object::{Change, Object},
    };

    #[test]
    fn only_what_was_replaced_everywhere_is_worth_waiting_for() {
        let mut inventory = Inventory::new("", false);
        inventory.store(own("shop", "shop-tls", &["shop.example"]));
        inventory.apply(Change::Set(Object::Ingress(ingress(
            "shop",
            "web",
            &[(&["shop.example"], "shop-tls")],
        ))));
        inventory.derive();
        let now = inventory
            .secrets()
            .get(&Key::new("shop", "shop-tls"))
            .and_then(|s| s.leaf())
            .unwrap()
            .sha256;
        let served = |host: &str| Use::Served {
            host: host.into(),
            address: "192.0.2.1:443".into(),
        };
        let old = digest("the certificate before");
        assert!(is_replaced(&inventory, old, &[served("shop.example")]));
        assert!(
            is_replaced(&inventory, old, &[served("*.example")]),
            "a wildcard's name stands for the hosts below it"
        );
        assert!(
            !is_replaced(&inventory, now, &[served("shop.example")]),
            "it is the one that is stored"
        );
        let elsewhere = [served("shop.example"), served("other.example")];
        assert!(
            !is_replaced(&inventory, old, &elsewhere),
            "no route of this cluster will serve another there"
        );
        let stored = Use::Stored {
            secret: Key::new("shop", "copy"),
            route: "Ingress shop/web".into(),
            host: "shop.example".into(),
        };
        assert!(!is_replaced(&inventory, old, &[stored]));
    }

    #[tokio::test]
    async fn a_server_that_answers_nothing_serves_nothing_and_what_is_stored_stays_in_use() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let gone = Use::Served {
            host: "shop.example".into(),
            address: address.into(),
        };
        let limit = Duration::from_millis(300);
        let left = until_replaced(vec![gone], digest("old"), Duration::from_secs(5), limit).await;
        assert_eq!(left, []);
    }

    #[tokio::test]
    async fn dns_that_gives_no_answer_costs_a_few_seconds_whatever_the_number_of_names_and_proves_nothing() {
        let server = NameServer::start(&[
            ("silent.example", Says::Nothing),
            ("gone.example", Says::Code(ResponseCode::NXDomain)),
        ])
        .await;
        let names: Vec<String> = (0..20).map(|n| format!("h{n}.silent.example")).collect();
        let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
        all.push("gone.example");
        let began = Instant::now();
        let found = served(&leaf(&all), &Lookup::of(&[server.address]), probe::TIMEOUT).await;
        assert!(
            began.elapsed() < LOOKUP + Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(found.unanswered.len(), 20, "{found:?}");
        assert!(found.why.unwrap().to_string().contains("gave no answer"));
    }
}
