//! Looks once a second at what Traefik shows for each of many hosts, and remembers every moment at which somebody would
//! have met something else than a good certificate. It shares nothing with the program.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Display},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::{pki::now, tls};

/// How often each host is looked at.
const EACH: Duration = Duration::from_secs(1);
/// How many handshakes are under way at once.
const AT_ONCE: usize = 8;

/// What is wrong with what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// There is no handshake.
    NoHandshake,
    /// Traefik's own certificate.
    Default,
    /// It is not for the host.
    OtherHost,
    /// It has expired.
    Expired,
}

/// A time in which a host that was served before was not.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    pub(crate) host: String,
    pub(crate) fault: Fault,
    /// From the first to the last look that saw it, and at least one look.
    pub(crate) lasted: Duration,
    /// What the last look said.
    pub(crate) words: String,
}

impl Display for Gap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.lasted.as_secs_f64();
        write!(
            out,
            "{}: {:?} for {seconds:.1} s ({})",
            self.host, self.fault, self.words
        )
    }
}

/// A certificate that a host has shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// SHA-256 of the leaf.
    pub(crate) sha256: Vec<u8>,
    /// When it was seen first.
    pub(crate) at: Instant,
}

#[derive(Default)]
struct Host {
    shown: Vec<Shown>,
    /// What is wrong now, since when.
    now: Option<(Fault, Instant)>,
    looks: usize,
}

#[derive(Default)]
struct State {
    hosts: BTreeMap<String, Host>,
    gaps: Vec<Gap>,
}

/// Looks until it is dropped.
pub(crate) struct Watcher {
    state: Arc<Mutex<State>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Watcher {
    /// Looks at hosts. A gap begins only where a good certificate was seen before.
    pub(crate) fn of(hosts: &[String]) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        for host in hosts {
            locked(&state).hosts.insert(host.clone(), Host::default());
        }
        let over = Arc::new(AtomicBool::new(false));
        let threads = (0..AT_ONCE.min(hosts.len()))
            .map(|part| {
                let own: Vec<String> = hosts.iter().skip(part).step_by(AT_ONCE).cloned().collect();
                let (state, over) = (Arc::clone(&state), Arc::clone(&over));
                std::thread::spawn(move || rounds(&own, &state, &over))
            })
            .collect();
        Self { state, over, threads }
    }

    /// The certificates that a host has shown so far, the oldest first.
    pub(crate) fn shown(&self, host: &str) -> Vec<Shown> {
        let state = locked(&self.state);
        state.hosts.get(host).map(|host| host.shown.clone()).unwrap_or_default()
    }

    /// How many hosts have shown a good certificate so far.
    pub(crate) fn served(&self) -> usize {
        let state = locked(&self.state);
        state.hosts.values().filter(|host| !host.shown.is_empty()).count()
    }

    /// Ends it. All gaps, those included that have not ended, and how many looks there were at the host with the fewest.
    pub(crate) fn end(mut self) -> (Vec<Gap>, usize) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a look");
        }
        let mut state = locked(&self.state);
        let open: Vec<Gap> = state
            .hosts
            .iter()
            .filter_map(|(name, host)| {
                let (fault, since) = host.now.filter(|_| !host.shown.is_empty())?;
                Some(gap(name, fault, since, "it has not ended"))
            })
            .collect();
        state.gaps.extend(open);
        let fewest = state.hosts.values().map(|host| host.looks).min().unwrap_or_default();
        (std::mem::take(&mut state.gaps), fewest)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gap(host: &str, fault: Fault, since: Instant, words: &str) -> Gap {
    Gap {
        host: host.to_owned(),
        fault,
        lasted: since.elapsed(),
        words: words.to_owned(),
    }
}

fn rounds(hosts: &[String], state: &Mutex<State>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        for host in hosts {
            let seen = look(host);
            note(&mut locked(state), host, seen);
            if over.load(Ordering::Relaxed) {
                return;
            }
        }
        std::thread::sleep(EACH.saturating_sub(begin.elapsed()));
    }
}

fn note(state: &mut State, name: &str, seen: Result<Shown, (Fault, String)>) {
    let Some(host) = state.hosts.get_mut(name) else { return };
    host.looks += 1;
    let before = host.now.take();
    let ended = match seen {
        Ok(shown) => {
            if host.shown.last().is_none_or(|last| last.sha256 != shown.sha256) {
                host.shown.push(shown);
            }
            before.map(|(fault, since)| (fault, since, String::new()))
        }
        Err((fault, words)) => {
            let same = before.filter(|(other, _)| *other == fault);
            host.now = Some(same.unwrap_or((fault, Instant::now())));
            before
                .filter(|(other, _)| *other != fault)
                .map(|(other, since)| (other, since, words))
        }
    };
    if let Some((fault, since, words)) = ended
        && !host.shown.is_empty()
        // One that was not served before has not lost anything.
        && host.shown.first().is_some_and(|first| first.at < since)
    {
        state.gaps.push(gap(name, fault, since, &words));
    }
}

fn look(host: &str) -> Result<Shown, (Fault, String)> {
    let leaf = tls::served(host).map_err(|words| (Fault::NoHandshake, words))?;
    if tls::is_traefiks_own(&leaf) {
        return Err((Fault::Default, String::new()));
    }
    let (_, read) = X509Certificate::from_der(&leaf).map_err(|error| (Fault::NoHandshake, error.to_string()))?;
    let names = read.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let is_for_it = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .any(|name| name == host);
    if !is_for_it {
        return Err((Fault::OtherHost, read.subject().to_string()));
    }
    let not_after = read.validity().not_after.timestamp();
    if not_after < now().unix_timestamp() {
        return Err((Fault::Expired, format!("ended at {not_after}")));
    }
    Ok(Shown {
        sha256: digest::digest(&digest::SHA256, &leaf).as_ref().to_vec(),
        at: Instant::now(),
    })
}

/// Gaps by what was wrong, in words; nothing if there is none.
pub(crate) fn in_words(gaps: &[Gap]) -> String {
    let mut of: HashMap<Fault, (usize, Duration)> = HashMap::new();
    for gap in gaps {
        let entry = of.entry(gap.fault).or_default();
        *entry = (entry.0 + 1, entry.1.max(gap.lasted));
    }
    let mut of: Vec<_> = of.into_iter().collect();
    of.sort_unstable_by_key(|(fault, _)| *fault);
    let each = |(fault, (count, longest)): &(Fault, (usize, Duration))| {
        format!("{count} {fault:?}, at most {:.0} s", longest.as_secs_f64())
    };
    of.iter().map(each).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_host_has_a_gap_from_the_first_bad_look_after_a_good_one_and_one_that_was_never_served_has_none() {
    let shown = |number: u8| Shown {
        sha256: vec![number],
        at: Instant::now(),
    };
    let mut state = State::default();
    state.hosts.insert("a".to_owned(), Host::default());
    let bad = |fault| Err((fault, String::new()));
    note(&mut state, "a", bad(Fault::Default));
    note(&mut state, "a", Ok(shown(1)));
    assert!(state.gaps.is_empty());
    note(&mut state, "a", bad(Fault::Default));
    note(&mut state, "a", bad(Fault::Default));
    note(&mut state, "a", bad(Fault::Expired));
    note(&mut state, "a", Ok(shown(1)));
    note(&mut state, "a", Ok(shown(2)));
    let faults: Vec<Fault> = state.gaps.iter().map(|gap| gap.fault).collect();
    assert_eq!(faults, [Fault::Default, Fault::Expired]);
    let host = &state.hosts["a"];
    assert_eq!((host.shown.len(), host.looks), (2, 7));
}
