//! Asks the authoritative servers of a name, and never a recursor: a recursor remembers that a name does not exist yet
//! (RFC 2308), and would tell that to a CA that asks it next.
//!
//! A recursor is only asked about zones that exist, for their servers: so its view counts where a network has one of
//! its own (split DNS). From such a zone on, delegations are followed as a recursor does (RFC 1034, section 5.3.3).

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::{join, join_all},
    stream::FuturesUnordered,
};
use hickory_proto::rr::Name;
use tokio::time::{Instant, sleep, timeout};

use super::{DnsError, PORT, RecordType, Reply, Resolver, ResponseCode, ask, name, shown};

/// How long one authoritative server has for one answer, at the second attempt; a third of it at the first.
const ANSWER: Duration = Duration::from_millis(1500);
/// How much later the next server is asked as well, if one does not answer.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long all servers of a zone have, and a recursor that is asked for them. Whoever looks has more time, so that a
/// silence is remembered for the next name.
const LONGEST: Duration = Duration::from_secs(2);
/// How long the servers of a zone are remembered.
const FRESH: Duration = Duration::from_mins(1);
/// How many addresses of a zone's servers are asked. A limit is necessary because DNS answers come from outside.
const MOST_SERVERS: usize = 8;
/// How many delegations are followed.
const MOST_CUTS: usize = 16;

/// A server of a zone.
#[derive(Debug)]
struct AuthorityServer {
    /// Its name.
    name: String,
    address: SocketAddr,
    /// Whether it has failed to answer. Then it is not waited for again.
    is_silent: AtomicBool,
}

impl std::fmt::Display for AuthorityServer {
    /// Writes `ns1.shop.example (192.0.2.53)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.address.ip())
    }
}

impl AuthorityServer {
    /// Asks it. It is an error if it does not serve the zone of the name and refers to nobody below `zone`.
    async fn ask(&self, zone: &Name, of: &Name, kind: RecordType) -> Result<Reply, DnsError> {
        // A datagram may be lost.
        let mut asked = ask(self.address, of, kind, false, ANSWER / 3).await;
        if matches!(asked, Err(DnsError::Silent { .. })) {
            asked = ask(self.address, of, kind, false, ANSWER).await;
        }
        if matches!(asked, Err(DnsError::Silent { .. } | DnsError::Unreachable { .. })) {
            self.is_silent.store(true, Ordering::Relaxed);
        }
        let reply = asked?.usable()?;
        if reply.is_authoritative() || reply.referral(zone).is_some() {
            return Ok(reply);
        }
        Err(DnsError::Lame {
            server: self.address,
            what: format!("{kind} {}", shown(of)),
        })
    }
}

/// A zone with its servers.
#[derive(Debug)]
pub(super) struct Zone {
    name: Name,
    servers: Vec<AuthorityServer>,
}

impl Zone {
    /// The servers that are worth asking: those that have answered so far, or all if none has.
    fn servers(&self) -> Vec<&AuthorityServer> {
        let speaks = |server: &&AuthorityServer| !server.is_silent.load(Ordering::Relaxed);
        let speaking: Vec<&AuthorityServer> = self.servers.iter().filter(speaks).collect();
        if speaking.is_empty() {
            self.servers.iter().collect()
        } else {
            speaking
        }
    }

    /// The answer of the first server that has one; the others are asked when it takes long or fails.
    async fn ask(&self, of: &Name, kind: RecordType) -> Result<Reply, DnsError> {
        let servers = self.servers();
        let (mut next, mut asked) = (servers.iter(), FuturesUnordered::new());
        let mut last = DnsError::NoAuthority(format!("{} has no name servers", shown(&self.name)));
        loop {
            if let Some(server) = next.next() {
                asked.push(server.ask(&self.name, of, kind));
            } else if asked.is_empty() {
                return Err(last);
            }
            tokio::select! {
                Some(answer) = asked.next() => match answer {
                    Ok(reply) => return Ok(reply),
                    Err(error) => last = error,
                },
                () = sleep(HEAD_START) => {}
            }
        }
    }

    /// What each of its servers says about the IPv4 and the IPv6 addresses of a name, with the server. `None` if it says
    /// nothing.
    pub(super) async fn addresses_at_all(&self, of: &Name) -> Vec<(String, Option<Reply>, Option<Reply>)> {
        let asked = self.servers().into_iter().map(|server| async move {
            let (v4, v6) = join(
                server.ask(&self.name, of, RecordType::A),
                server.ask(&self.name, of, RecordType::AAAA),
            )
            .await;
            (server.to_string(), v4.ok(), v6.ok())
        });
        join_all(asked).await
    }
}

/// What is known of a zone.
#[derive(Debug, Clone)]
enum ZoneState {
    /// These serve it.
    Served(Arc<Zone>),
    /// The recursor says that there is no such zone, or has no answer about it.
    NoZone(Option<DnsError>),
    /// Its servers cannot be asked from here.
    Unreachable(DnsError),
}

/// The place where it is kept what is known of one zone.
#[derive(Debug, Default)]
struct ZoneCell {
    /// Locked only to read or to set it.
    known: Mutex<Option<(Instant, ZoneState)>>,
    /// Held by the one that asks, so that many names at once ask about a zone once.
    asking: tokio::sync::Mutex<()>,
}

impl ZoneCell {
    fn fresh(&self) -> Option<ZoneState> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, state) = known.as_ref()?;
        (since.elapsed() < FRESH).then(|| state.clone())
    }

    fn keep(&self, state: ZoneState) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), state));
    }
}

/// An authoritative answer.
#[derive(Debug)]
pub struct Authoritative {
    /// The answer.
    pub reply: Reply,
    /// The zone whose servers gave it.
    pub(super) served_by: Arc<Zone>,
}

/// Finds authoritative servers, and asks them. Remembers for a minute who serves a zone, and no other answer.
#[derive(Debug)]
pub struct Authorities {
    resolver: Resolver,
    /// Zones that exist, according to the settings.
    told: Vec<Name>,
    /// The port of all authoritative servers.
    port: u16,
    /// Locked only to look up a zone or to add one, never while a server is asked: zones do not wait for each other.
    zones: Mutex<HashMap<Name, Arc<ZoneCell>>>,
}

impl Authorities {
    /// Finds servers with this recursor. `told` are zones that are known to exist, such as those of the settings.
    pub fn new<'a>(resolver: Resolver, told: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            resolver,
            told: told.into_iter().filter_map(|zone| name(zone).ok()).collect(),
            port: PORT,
            zones: Mutex::default(),
        }
    }

    /// The recursor.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Asks the servers of the zone that contains a name. It is an error if none of them can be asked from here.
    pub async fn ask(&self, of: &str, kind: RecordType) -> Result<Authoritative, DnsError> {
        let of = name(of)?;
        let mut zone = self.start(&of, |_| true).await?;
        for _ in 0..MOST_CUTS {
            let reply = self.answer(&zone, &of, kind).await?;
            let Some((below, servers)) = reply.referral(&zone.name) else {
                return Ok(Authoritative { reply, served_by: zone });
            };
            zone = self.enter(&below, servers, &reply, &zone.name).await?;
        }
        Err(endless(&of))
    }

    /// The name servers to which a zone is delegated, according to the servers of the zone above; empty if it is not. A
    /// recursor is not asked about the zone, which may not be delegated yet. It is an error if no zone above is known,
    /// or if none of its servers can be asked from here.
    pub async fn delegated(&self, zone: &str) -> Result<Vec<String>, DnsError> {
        let of = name(zone)?;
        let mut above = self.start(&of, |zone| *zone != of).await?;
        for _ in 0..MOST_CUTS {
            let reply = self.answer(&above, &of, RecordType::NS).await?;
            above = match reply.referral(&above.name) {
                Some((below, servers)) if below == of => return Ok(servers),
                Some((below, servers)) => self.enter(&below, servers, &reply, &above.name).await?,
                // The server of the zone above may serve this one too.
                None => return Ok(reply.own_name_servers()),
            };
        }
        Err(endless(&of))
    }

    /// The answer of a zone's servers. If there is none, that is remembered: the next name need not wait for the same
    /// silence.
    async fn answer(&self, zone: &Zone, of: &Name, kind: RecordType) -> Result<Reply, DnsError> {
        let silent = || DnsError::NoAuthority(format!("those of {} do not answer", shown(&zone.name)));
        let answered = timeout(LONGEST, zone.ask(of, kind)).await;
        let answered = answered.unwrap_or_else(|_| Err(silent()));
        if let Err(error) = &answered
            && !matches!(error, DnsError::Refused { .. } | DnsError::Lame { .. })
        {
            self.cell(&zone.name).keep(ZoneState::Unreachable(error.clone()));
        }
        answered
    }

    /// The deepest zone that is known to contain the name, among those that `may` be it.
    async fn start(&self, of: &Name, may: impl Fn(&Name) -> bool) -> Result<Arc<Zone>, DnsError> {
        let mut last = DnsError::NoAuthority(format!("no zone above {} has any", shown(of)));
        for zone in self.candidates(of) {
            if !may(&zone) {
                continue;
            }
            let state = if let Some(state) = self.deepest(of, &zone, &may) {
                state
            } else {
                let find = async { self.look_up(&zone).await.unwrap_or_else(ZoneState::Unreachable) };
                self.once(&zone, |_| true, find).await
            };
            match state {
                ZoneState::Served(zone) => return Ok(zone),
                ZoneState::Unreachable(error) => return Err(error),
                ZoneState::NoZone(why) => last = why.unwrap_or(last),
            }
        }
        Err(last)
    }

    /// What is known of the deepest zone that contains the name and is at or below `top`.
    fn deepest(&self, of: &Name, top: &Name, may: impl Fn(&Name) -> bool) -> Option<ZoneState> {
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let holding = zones.iter().filter_map(|(known, cell)| {
            let holds = known.zone_of(of) && top.zone_of(known) && may(known);
            let state = holds.then(|| cell.fresh()).flatten()?;
            (!matches!(state, ZoneState::NoZone(_))).then(|| (known.iter().count(), state))
        });
        holding.max_by_key(|(labels, _)| *labels).map(|(_, state)| state)
    }

    /// The deepest zone between one that has answered and a name that the recursor knows and the zone's servers do not:
    /// that of a network of its own (conditional forwarding). The recursor is only asked for name servers, and not
    /// about the name itself. `None` if there is none.
    pub(super) async fn inner(&self, zone: &Zone, of: &Name) -> Option<Result<Arc<Zone>, DnsError>> {
        let between = (zone.name.iter().count() + 1..of.iter().count()).rev();
        let between = between.take(MOST_CUTS).map(|labels| of.trim_to(labels));
        let looks = between.map(|zone| async move {
            // The zone's servers have answered, and that counts if the recursor does not.
            let unknown = |error| ZoneState::NoZone(Some(error));
            let find = async { self.look_up(&zone).await.unwrap_or_else(unknown) };
            self.once(&zone, |_| true, find).await
        });
        join_all(looks).await.into_iter().find_map(|state| match state {
            ZoneState::Served(zone) => Some(Ok(zone)),
            ZoneState::Unreachable(error) => Some(Err(error)),
            ZoneState::NoZone(_) => None,
        })
    }

    fn cell(&self, zone: &Name) -> Arc<ZoneCell> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(zones.entry(zone.clone()).or_default())
    }

    /// What is known of a zone if it `counts`, and what `find` says otherwise. Only one at a time asks about a zone.
    async fn once(
        &self,
        zone: &Name,
        counts: impl Fn(&ZoneState) -> bool,
        find: impl Future<Output = ZoneState>,
    ) -> ZoneState {
        let cell = self.cell(zone);
        let _alone = cell.asking.lock().await;
        if let Some(state) = cell.fresh().filter(counts) {
            return state;
        }
        let state = find.await;
        cell.keep(state.clone());
        state
    }

    /// What the recursor says of a zone. It is an error if it does not answer.
    async fn look_up(&self, zone: &Name) -> Result<ZoneState, DnsError> {
        match timeout(LONGEST, self.resolver.ask(&shown(zone), RecordType::NS)).await {
            Ok(Ok(reply)) if reply.own_name_servers().is_empty() => Ok(ZoneState::NoZone(None)),
            Ok(Ok(reply)) => Ok(self.served(zone, reply.own_name_servers(), &reply, zone).await),
            // It answers, and has no answer about this zone.
            Ok(Err(error @ DnsError::Refused { .. })) => Ok(ZoneState::NoZone(Some(error))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(DnsError::NoAuthority("the resolver does not answer".to_owned())),
        }
    }

    /// Where to begin, the best first: a zone of the settings, the domain that is registered in most cases, the
    /// top-level domain, and the domains between. The name itself may not exist, and is not among them unless the
    /// settings name it.
    fn candidates(&self, of: &Name) -> Vec<Name> {
        let mut told: Vec<Name> = self.told.iter().filter(|zone| zone.zone_of(of)).cloned().collect();
        told.sort_by_key(|zone| std::cmp::Reverse(zone.iter().count()));
        let labels = of.iter().count();
        let above = [2, 1].into_iter().chain(3..labels);
        let above = above.filter(|count| *count < labels).map(|count| of.trim_to(count));
        told.into_iter().chain(above).collect()
    }

    /// A zone below one whose server has referred to it, so that it exists. `by` is the one that refers.
    async fn enter(&self, zone: &Name, referred: Vec<String>, reply: &Reply, by: &Name) -> Result<Arc<Zone>, DnsError> {
        let exists = |state: &ZoneState| !matches!(state, ZoneState::NoZone(_));
        let find = async {
            // The recursor may know other servers of it than the world, and its view counts.
            match self.look_up(zone).await {
                Ok(state) if exists(&state) => state,
                _ => self.served(zone, referred, reply, by).await,
            }
        };
        match self.once(zone, exists, find).await {
            ZoneState::Served(zone) => Ok(zone),
            ZoneState::Unreachable(error) => Err(error),
            ZoneState::NoZone(_) => Err(DnsError::NoAuthority(format!("{} has none", shown(zone)))),
        }
    }

    /// The zone with the addresses of its servers. `reply` is the answer that names them, and `by` the zone whose
    /// servers may give their addresses along with it.
    async fn served(&self, zone: &Name, names: Vec<String>, reply: &Reply, by: &Name) -> ZoneState {
        let names: Vec<String> = names.into_iter().take(MOST_SERVERS).collect();
        let found = join_all(names.iter().map(|server| async move {
            let asked = timeout(LONGEST, self.resolver.addresses(server)).await;
            match asked.ok().and_then(Result::ok) {
                Some(found) if !found.is_empty() => found,
                _ => reply.glue(server, by),
            }
        }));
        let found = found.await;
        let servers = names.iter().zip(found).flat_map(|(server, addresses)| {
            addresses.into_iter().map(|ip| AuthorityServer {
                name: server.clone(),
                address: (ip, self.port).into(),
                is_silent: AtomicBool::new(false),
            })
        });
        let servers: Vec<AuthorityServer> = servers.take(MOST_SERVERS).collect();
        if servers.is_empty() {
            return ZoneState::Unreachable(DnsError::NoAuthority(format!(
                "the name servers of {} have no address",
                shown(zone)
            )));
        }
        ZoneState::Served(Arc::new(Zone {
            name: zone.clone(),
            servers,
        }))
    }
}

fn endless(of: &Name) -> DnsError {
    DnsError::NoAuthority(format!("the delegations of {} do not end", shown(of)))
}

impl Resolver {
    /// Whether a recursor has addresses for a name without asking anybody, because its operator has told it so
    /// (`local-data`, `address=`, a hosts file). It is asked without recursion, and so remembers nothing.
    pub(super) async fn has_told(&self, of: &Name) -> bool {
        let asked = self.servers().iter().flat_map(|server| {
            [RecordType::A, RecordType::AAAA]
                .map(move |kind| async move { ask(*server, of, kind, false, ANSWER).await })
        });
        let has = |answer: Result<Reply, DnsError>| {
            answer.is_ok_and(|reply| reply.code() == ResponseCode::NoError && !reply.addresses().is_empty())
        };
        join_all(asked).await.into_iter().any(has)
    }
}
