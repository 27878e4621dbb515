//! Whether a value is visible: every authoritative server of the zone is asked, at every address.

#[cfg(test)]
mod tests;

use std::{fmt, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::zone::TxtName;
use crate::{
    clock::Pauses,
    net::dns::{self, DnsError, RecordType, Reply, Resolver, ResponseCode, code_word},
    solve::SolveError,
};

/// The default limit for propagation.
pub const TIMEOUT: Duration = Duration::from_mins(2);
/// The pauses between two rounds of queries. The first is short, because a primary shows a value at once.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(50), Duration::from_secs(2));
/// How long one server has for one answer.
const ANSWER: Duration = Duration::from_secs(3);
/// After how many queries, and how much time, a server that never answered is skipped if the others have the value.
const PATIENCE: (u32, Duration) = (3, Duration::from_secs(5));
/// More name servers than any zone has. A limit is necessary because DNS answers come from outside.
const MOST_SERVERS: usize = 32;

/// How to wait for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until every authoritative server shows it, for at most this long.
    Ask(Duration),
    /// For exactly this long, without queries (`--propagation-wait 60s`).
    Fixed(Duration),
    /// Not at all (`--propagation-wait off`).
    Off,
}

impl Wait {
    /// Combines `--propagation-timeout` and `--propagation-wait`. A fixed wait of zero is none.
    pub fn of(timeout: Duration, fixed: Option<Duration>) -> Self {
        match fixed {
            None => Self::Ask(timeout),
            Some(Duration::ZERO) => Self::Off,
            Some(time) => Self::Fixed(time),
        }
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self::Ask(TIMEOUT)
    }
}

/// The result of waiting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Propagation {
    /// The servers that showed the value.
    pub(super) at: Vec<String>,
    /// Notes worth reporting: servers that were skipped.
    pub(super) notes: Vec<String>,
}

/// A server that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    name: String,
    pub(super) address: SocketAddr,
    /// Whether it is asked as a recursor.
    recursor: bool,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.address.ip())
    }
}

/// The answers of one server so far.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ServerState {
    /// It has the value.
    Has,
    /// It answers for the zone, but lacks the value; it has this many others.
    Lacks(usize),
    /// It does not answer, or not for the zone.
    Useless(Useless),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Useless {
    /// How many times it was asked.
    times: u32,
    /// Whether the other servers are enough.
    given_up: bool,
    why: String,
}

/// Waits until the value is visible at its place.
pub(super) async fn wait(
    resolver: &Resolver,
    place: &TxtName,
    value: &str,
    wait: Wait,
) -> Result<Propagation, SolveError> {
    let limit = match wait {
        Wait::Off => return Ok(Propagation::default()),
        Wait::Fixed(time) => {
            sleep(time).await;
            return Ok(Propagation::default());
        }
        Wait::Ask(limit) => limit,
    };
    let servers = servers(resolver, place).await?;
    let recursors = resolver.servers().iter().map(|&address| Server {
        name: "resolver".to_owned(),
        address,
        recursor: true,
    });
    watch(&servers, &recursors.collect::<Vec<_>>(), place, value, limit).await
}

/// The name servers of the zone, each at each of its addresses.
pub(super) async fn servers(resolver: &Resolver, place: &TxtName) -> Result<Vec<Server>, SolveError> {
    let zone = &place.zone;
    let unknown = |error: &DnsError| {
        SolveError::new(format!("cannot find the name servers of {zone}: {error}"))
            .hint("name another resolver with --resolver, or wait a fixed time with --propagation-wait 60s")
    };
    let mut names = resolver.ns(zone).await.map_err(|e| unknown(&e))?;
    names.sort();
    names.dedup();
    names.truncate(MOST_SERVERS);
    let found = join_all(names.iter().map(|name| resolver.addresses(name))).await;
    let mut servers: Vec<Server> = Vec::new();
    let mut last = DnsError::NoServers(format!("{zone} has no NS records"));
    for (name, addresses) in names.into_iter().zip(found) {
        match addresses {
            Ok(addresses) => servers.extend(addresses.into_iter().map(|ip| Server {
                name: name.clone(),
                address: (ip, dns::PORT).into(),
                recursor: false,
            })),
            Err(error) => last = error,
        }
    }
    if servers.is_empty() {
        return Err(unknown(&last));
    }
    servers.truncate(MOST_SERVERS);
    Ok(servers)
}

/// Asks all servers that lack the value, in rounds, until each has it.
async fn watch(
    servers: &[Server],
    recursors: &[Server],
    place: &TxtName,
    value: &str,
    limit: Duration,
) -> Result<Propagation, SolveError> {
    let mut since = Instant::now();
    let until = since + limit;
    let mut asked = servers.to_vec();
    let mut states = vec![ServerState::Useless(Useless::default()); asked.len()];
    let mut notes = Vec::new();
    let mut pauses = PAUSES;
    loop {
        round(&asked, &mut states, &place.name, value, until).await;
        for state in &mut states {
            if let ServerState::Useless(useless) = state {
                useless.given_up |= useless.times >= PATIENCE.0 && since.elapsed() >= PATIENCE.1;
            }
        }
        if let Some(left_out) = settled(&asked, &states) {
            notes.extend(left_out);
            let has = asked
                .iter()
                .zip(&states)
                .filter(|(_, state)| **state == ServerState::Has);
            let at = has.map(|(server, _)| server.to_string()).collect();
            return Ok(Propagation { at, notes });
        }
        if states
            .iter()
            .all(|state| matches!(state, ServerState::Useless(useless) if useless.given_up))
        {
            let Some(said) = unreachable(&asked, &states, place) else {
                // Name servers cannot be reached from everywhere. The resolvers see what the resolver of a CA would.
                notes.push(format!(
                    "no name server of {} can be asked from here: the resolver is",
                    place.zone
                ));
                asked = recursors.to_vec();
                states = vec![ServerState::Useless(Useless::default()); asked.len()];
                since = Instant::now();
                continue;
            };
            return Err(said);
        }
        if Instant::now() + pauses.due() >= until {
            return Err(late(&asked, &states, place, limit));
        }
        sleep(pauses.take()).await;
    }
}

/// Asks the servers that have not shown the value, all at once.
async fn round(asked: &[Server], states: &mut [ServerState], name: &str, value: &str, until: Instant) {
    let questions = asked.iter().zip(states.iter_mut()).map(|(server, state)| async move {
        if *state == ServerState::Has {
            return;
        }
        let answer = timeout_at(until, question(server, name)).await;
        let (next, no_way) = match answer {
            Ok(Ok(reply)) => (judge(server, &reply, value), false),
            Ok(Err(error)) => (
                Err(error.to_string()),
                matches!(error, DnsError::Unreachable { no_way: true, .. }),
            ),
            // The end of the whole wait is not the fault of the server.
            Err(_) => return,
        };
        match (next, &mut *state) {
            (Ok(next), _) => *state = next,
            (Err(why), ServerState::Useless(useless)) => {
                useless.times += 1;
                useless.given_up |= no_way;
                useless.why = why;
            }
            // It did serve the zone a moment ago.
            (Err(_), ServerState::Lacks(_) | ServerState::Has) => {}
        }
    });
    join_all(questions).await;
}

async fn question(server: &Server, name: &str) -> Result<Reply, DnsError> {
    if server.recursor {
        return Resolver::of(vec![server.address]).ask(name, RecordType::TXT).await;
    }
    dns::query(server.address, name, RecordType::TXT, ANSWER).await
}

/// What an answer says about the value. It is an error if it says nothing about the zone.
fn judge(server: &Server, reply: &Reply, value: &str) -> Result<ServerState, String> {
    let code = reply.code();
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(format!("answers {}", code_word(code)));
    }
    let texts = reply.texts();
    if texts.iter().any(|text| text == value) {
        return Ok(ServerState::Has);
    }
    if !server.recursor && !reply.is_authoritative() {
        return Err("does not serve the zone".to_owned());
    }
    Ok(ServerState::Lacks(texts.len()))
}

/// Whether enough servers have shown the value: the notes about servers that were skipped. `None`: not yet.
fn settled(asked: &[Server], states: &[ServerState]) -> Option<Vec<String>> {
    let has = states.contains(&ServerState::Has);
    let done = states.iter().all(|state| match state {
        ServerState::Has => true,
        ServerState::Lacks(_) => false,
        ServerState::Useless(useless) => useless.given_up,
    });
    // One address of a server is enough to know what it has, because this machine may have no IPv6.
    let seen = |name: &str| {
        let mut all = asked.iter().zip(states);
        all.any(|(server, state)| server.name == name && *state == ServerState::Has)
    };
    (has && done).then(|| {
        let left_out = asked.iter().zip(states).filter_map(|(server, state)| match state {
            ServerState::Useless(useless) if !seen(&server.name) => {
                Some(format!("name server {server} is left out: {}", useless.why))
            }
            _ => None,
        });
        left_out.collect()
    })
}

/// The error if even the recursors do not answer; `None` if they have not been asked.
fn unreachable(asked: &[Server], states: &[ServerState], place: &TxtName) -> Option<SolveError> {
    asked.iter().any(|server| server.recursor).then(|| {
        SolveError::new(format!(
            "neither a name server of {} nor a resolver can be asked about {}: {}",
            place.zone,
            place.name,
            sayings(asked, states)
        ))
        .hint("let this machine ask name servers (port 53), or wait a fixed time with --propagation-wait 60s")
    })
}

fn late(asked: &[Server], states: &[ServerState], place: &TxtName, limit: Duration) -> SolveError {
    SolveError::new(format!(
        "the TXT record {} is not seen everywhere within {} s: {}",
        place.name,
        limit.as_secs_f32(),
        sayings(asked, states)
    ))
    .hint("give it longer with --propagation-timeout, or check that these servers pick up changes of the zone")
}

fn sayings(asked: &[Server], states: &[ServerState]) -> String {
    let said = asked.iter().zip(states).filter_map(|(server, state)| match state {
        ServerState::Has => None,
        ServerState::Lacks(0) => Some(format!("{server} has no value")),
        ServerState::Lacks(1) => Some(format!("{server} has another value")),
        ServerState::Lacks(others) => Some(format!("{server} has {others} other values")),
        ServerState::Useless(useless) if useless.times == 0 => Some(format!("{server} has not answered")),
        ServerState::Useless(useless) => Some(format!("{server}: {}", useless.why)),
    });
    said.collect::<Vec<_>>().join("; ")
}
