//! Probes bindings: what is served at each address of their routes, as facts for `check`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    check::{Probed, ProbedAt, ServedChain},
    inventory::{BindingId, Inventory, RouteKey},
    net::{
        ResolveError,
        address::{HostPort, Origin, addresses, elsewhere, resolve},
        probe::{CONCURRENCY, ProbeError, ProbeRequest, ServerHandshake, probe_all},
    },
    object::Text,
    x509::{Interner, Judge, Parsed, bundle},
};
use futures_util::StreamExt as _;

/// How bindings are probed.
#[derive(Debug, Clone)]
pub struct ProbeOptions {
    /// `--connect`: this address in place of the routes' own.
    pub connect: Option<HostPort>,
    /// How long one connection may take.
    pub timeout: Duration,
    /// How long DNS may take for one name.
    pub lookup: Duration,
    /// Whether the first address of each route is enough.
    pub one_each: bool,
    /// Whether DNS is asked as well where a route says itself where it is.
    pub compare_dns: bool,
}

/// After so many names without any answer, DNS is not asked for more: each would cost the whole time limit.
const SILENT: usize = 8;

/// One answer, for a picture of it.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// The binding that was asked for.
    pub binding: BindingId,
    /// The address that was asked.
    pub address: SocketAddr,
    /// What it served.
    pub result: Result<ServerHandshake, ProbeError>,
}

/// A binding to be probed, with all that asking needs: the inventory may change meanwhile.
#[derive(Debug, Clone)]
pub struct ProbeTarget {
    /// The binding.
    pub binding: BindingId,
    /// Its route.
    pub route: RouteKey,
    /// Its host.
    pub host: Text,
    port: u16,
    /// Where the route's status says it is.
    status: Vec<Text>,
}

/// What was found at the places of bindings, not judged yet.
#[derive(Debug)]
pub struct ProbeResults {
    places: Vec<(ProbeTarget, ProbeAddresses)>,
    position: HashMap<(SocketAddr, Text), usize>,
    results: Vec<Result<ServerHandshake, ProbeError>>,
}

/// Probes the bindings: 32 connections at once, each server name at each address once.
pub async fn probe(
    inventory: &Inventory,
    ids: &[BindingId],
    options: &ProbeOptions,
    judge: &Judge,
) -> (BTreeMap<BindingId, Probed>, Vec<ProbeAnswer>) {
    ask(places(inventory, ids), options).await.judged(judge)
}

/// The places of bindings; those that are not there any more are left out.
pub fn places(inventory: &Inventory, ids: &[BindingId]) -> Vec<ProbeTarget> {
    ids.iter()
        .filter_map(|id| {
            let binding = inventory.bindings().get(*id)?;
            Some(ProbeTarget {
                binding: *id,
                route: binding.route.clone(),
                host: binding.host.clone(),
                port: binding.port,
                status: inventory.addresses(&binding.route).to_vec(),
            })
        })
        .collect()
}

/// Asks at all places.
pub async fn ask(places: Vec<ProbeTarget>, options: &ProbeOptions) -> ProbeResults {
    let silent = &AtomicUsize::new(0);
    let places: Vec<(ProbeTarget, ProbeAddresses)> = futures_util::stream::iter(places)
        .map(|place| async move {
            let found = find(&place, options, silent).await;
            (place, found)
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let mut targets = Vec::new();
    let mut position = HashMap::new();
    for (place, found) in &places {
        for socket in &found.sockets {
            position.entry((*socket, place.host.clone())).or_insert_with(|| {
                targets.push(ProbeRequest {
                    address: *socket,
                    server_name: place.host.to_string(),
                });
                targets.len() - 1
            });
        }
    }
    let results = probe_all(&targets, CONCURRENCY, options.timeout).await;
    ProbeResults {
        places,
        position,
        results,
    }
}

impl ProbeResults {
    /// Leaves out what was found for places that are others by now.
    pub fn retain(&mut self, keep: impl Fn(&ProbeTarget) -> bool) {
        self.places.retain(|(place, _)| keep(place));
    }

    /// The chains that were served, each once, not judged yet.
    pub fn chains(&self) -> Vec<Parsed> {
        let served = self.results.iter().filter_map(|result| result.as_ref().ok());
        let once: BTreeSet<&[Vec<u8>]> = served.map(|served| served.chain.as_slice()).collect();
        let mut interner = Interner::new();
        once.into_iter()
            .map(|chain| bundle::parse_chain(chain, &mut interner))
            .collect()
    }

    /// The facts for `check`, and each answer once.
    pub fn judged(self, judge: &Judge) -> (BTreeMap<BindingId, Probed>, Vec<ProbeAnswer>) {
        let mut interner = Interner::new();
        let chains: Vec<ServedChain> = self
            .results
            .iter()
            .map(|result| chain(result, &mut interner, judge))
            .collect();
        let mut results: Vec<_> = self.results.into_iter().map(Some).collect();
        let mut probed = BTreeMap::new();
        let mut answers = Vec::new();
        for (place, found) in self.places {
            let mut facts = Probed {
                resolved: found.resolved,
                expected: found.expected,
                at: Vec::new(),
            };
            if let Some(why) = found.why {
                facts.at.push(ProbedAt {
                    address: found.asked,
                    served: why,
                });
            }
            for socket in found.sockets {
                let Some(at) = self.position.get(&(socket, place.host.clone())) else {
                    continue;
                };
                facts.at.push(ProbedAt {
                    address: compact_str::format_compact!("{socket}"),
                    served: chains[*at].clone(),
                });
                // The first binding that asked for it shows it; the facts are everybody's.
                answers.extend(results[*at].take().map(|result| ProbeAnswer {
                    binding: place.binding,
                    address: socket,
                    result,
                }));
            }
            probed.insert(place.binding, facts);
        }
        (probed, answers)
    }
}

/// Where a binding is asked for.
#[derive(Debug, Default)]
struct ProbeAddresses {
    sockets: Vec<SocketAddr>,
    /// What stood for the address when nothing could be asked.
    asked: Text,
    /// Why nothing could be asked.
    why: Option<ServedChain>,
    resolved: Option<Vec<Text>>,
    expected: Vec<Text>,
}

async fn find(at: &ProbeTarget, options: &ProbeOptions, silent: &AtomicUsize) -> ProbeAddresses {
    // A wildcard has no address of its own.
    let plain = !at.host.starts_with('*');
    let place = addresses(options.connect.as_ref(), &at.status, at.port, &at.host, options.lookup).await;
    let place = match place {
        Ok(place) => place,
        Err(error) => {
            return ProbeAddresses {
                asked: at.host.clone(),
                why: Some(if error.is_unanswered() {
                    ServedChain::Unasked(error.to_string())
                } else {
                    ServedChain::Nothing(error.to_string())
                }),
                ..ProbeAddresses::default()
            };
        }
    };
    let mut found = ProbeAddresses {
        sockets: place.sockets,
        ..ProbeAddresses::default()
    };
    if options.one_each {
        found.sockets.truncate(1);
    }
    // Only a route that says where it is can be missed by DNS.
    if options.compare_dns
        && place.origin == Origin::Status
        && plain
        && at.host.parse::<IpAddr>().is_err()
        && silent.load(Ordering::Relaxed) < SILENT
    {
        let resolved = match resolve(&at.host, options.lookup).await {
            Ok(resolved) => resolved,
            Err(error) => {
                silent.fetch_add(
                    usize::from(matches!(error, ResolveError::Timeout { .. })),
                    Ordering::Relaxed,
                );
                return found;
            }
        };
        let expected: Vec<IpAddr> = found.sockets.iter().map(SocketAddr::ip).collect();
        let texts = |ips: &[IpAddr]| ips.iter().map(|ip| compact_str::format_compact!("{ip}")).collect();
        if elsewhere(&resolved, &expected) {
            found.expected = texts(&expected);
        }
        found.resolved = Some(texts(&resolved));
    }
    found
}

fn chain(result: &Result<ServerHandshake, ProbeError>, interner: &mut Interner, judge: &Judge) -> ServedChain {
    let served = match result {
        Ok(served) => served,
        Err(error) => return ServedChain::Nothing(crate::error::chain(error)),
    };
    let mut parsed = bundle::parse_chain(&served.chain, interner);
    let first_unread = parsed.bundle.unreadable.iter().any(|(position, _)| *position == 0);
    if first_unread || parsed.bundle.certificates.is_empty() {
        let why = if served.chain.is_empty() {
            "the server sent no certificate"
        } else {
            "the server sent a certificate that cannot be read"
        };
        return ServedChain::Nothing(why.to_owned());
    }
    // The first certificate is what clients judge, whatever the others are.
    parsed.bundle.leaf = Some(0);
    parsed.bundle.trust = judge.judge(&parsed);
    ServedChain::Certificates(Box::new(parsed.bundle))
}
