//! Checks the answer like the CA, before the CA is told: a failed challenge cannot be tried again, and failures are
//! counted.
//!
//! Every address is asked until all show the answer, because the controller may not serve the solver's objects at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    challenge_path,
    fetch::{FetchError, Page, Ports, fetch},
    guard::Guard,
    in_dns::{self, InDns, Own, list},
};
use crate::{
    clock::{self, Pauses},
    event::{EventKind, Teller},
    net::{self, HostPort, Lookup},
    object::Text,
    solve::SolveError,
    text::time,
};

/// The first and the longest pause between two fetches from one address.
const PAUSES: Pauses = Pauses::growing(Duration::from_millis(25), Duration::from_secs(1), (3, 2));
/// For this long each pause is a little longer than the one before; afterwards by half.
const SOON: Duration = Duration::from_secs(2);
/// How long DNS is waited for once the answer has been seen at the route's own addresses, because the DNS of some
/// networks never answers.
const SLOW_DNS: Duration = Duration::from_secs(1);
/// How many times an address without any answer is tried, if there is another way to check.
const TRIES: usize = 2;
/// How many characters of a wrong body are quoted.
const QUOTED: usize = 120;

/// How long the check runs before it reports anything.
const SILENT: Duration = Duration::from_secs(5);

/// Reports what is seen instead of the answer, and remembers the last report for each address.
#[derive(Debug, Clone, Default)]
pub struct CheckReporter(Option<(Teller, LastTold)>);

/// The last report for each address.
type LastTold = Arc<Mutex<HashMap<IpAddr, String>>>;

impl CheckReporter {
    /// Makes a reporter for one check.
    pub fn to(tell: &Teller) -> Self {
        Self(Some((tell.clone(), Arc::default())))
    }

    /// Reports what an address shows, if it is new.
    fn tell(&self, address: IpAddr, word: &str, left: Duration) {
        let Some((tell, said)) = &self.0 else { return };
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(&address).is_some_and(|last| last == word) {
            return;
        }
        said.insert(address, word.to_owned());
        drop(said);
        tell.tell(EventKind::Waiting {
            reason: format!("{word}; until {}", clock(left)),
        });
    }
}

/// The time of day after this duration, in UTC: `14:03:20 UTC`.
pub(super) fn clock(left: Duration) -> String {
    let at = clock::seconds(clock::since_epoch() + left);
    let text = time::date_time(at);
    let clock = text.split_once('T').map_or(text.as_str(), |(_, clock)| clock);
    format!("{} UTC", clock.trim_end_matches('Z'))
}

/// The parameters of a check.
#[derive(Debug, Clone)]
pub struct Look {
    /// The host: a DNS name or an IP address.
    pub host: String,
    /// The token.
    pub token: String,
    /// The expected answer.
    pub key_authorization: String,
    /// The addresses in the status of the route: IP addresses or names.
    pub addresses: Vec<Text>,
    /// `--connect`: the address of the route if the status has none, or if another one is right from here. Its port,
    /// which is that of HTTPS, is not used.
    pub connect: Option<HostPort>,
    /// Which addresses may be requested; those of the route are added.
    pub guard: Guard,
    /// Looks up addresses.
    pub lookup: Lookup,
    /// The ports for http and https.
    pub ports: Ports,
    /// How long to wait for the answer.
    pub limit: Duration,
    /// Whether the check fails at once for a host that this DNS does not know, because the CA would not find it either.
    /// Not from inside of a cluster, whose DNS may be different.
    pub dns_counts: bool,
    /// Whether to quote a wrong body; not if others may read the report.
    pub quote: bool,
    /// Reports what is seen meanwhile.
    pub telling: CheckReporter,
}

/// The result of a successful check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerSeen {
    /// The addresses that showed the answer, or where the check ran.
    pub at: Vec<String>,
    /// What could not be checked from here, and what was checked instead.
    pub note: Option<String>,
}

/// What one address showed last instead of the answer.
#[derive(Debug)]
enum Saw {
    Page(Page),
    Nothing(FetchError),
}

impl Saw {
    /// Whether the cause is this machine's network alone.
    fn is_ours(&self) -> bool {
        matches!(self, Self::Nothing(error) if error.is_ours())
    }
}

/// One address that did not show the answer.
#[derive(Debug)]
struct Missed {
    address: IpAddr,
    saw: Saw,
}

impl Look {
    fn path(&self) -> String {
        challenge_path(&self.token)
    }

    /// The URL of the challenge: `http://HOST/.well-known/acme-challenge/TOKEN`.
    pub fn url(&self) -> String {
        if self.host.contains(':') {
            format!("http://[{}]{}", self.host, self.path())
        } else {
            format!("http://{}{}", self.host, self.path())
        }
    }

    /// Checks like the CA, at every address in DNS. If this network cannot reach the host (split DNS, hairpin NAT), the
    /// route's own addresses are used instead, and a note says so. `Err(None)` if there are none either, or if they
    /// cannot be reached: then the check has to run inside of the cluster.
    pub async fn automatic(&self) -> Result<AnswerSeen, Option<SolveError>> {
        let begin = Instant::now();
        let deadline = begin + self.limit;
        let own = self.own_addresses().await.at;
        let guard = self.guard_with(&own);
        // Both at once, because only when the first has failed is it known which one counts.
        let mut stand_in = std::pin::pin!(self.all(&own, &guard, deadline, false));
        let mut stood_in = None;
        let mut dns = std::pin::pin!(in_dns::ask(&self.lookup, &self.host));
        let of_dns = loop {
            let enough = stood_in.as_ref().is_some_and(Vec::is_empty) && !own.is_empty();
            tokio::select! {
                found = &mut dns => break match found {
                    InDns::At(found) => Ok(found),
                    InDns::Nowhere(error) if self.dns_counts => {
                        return Err(Some(in_dns::nowhere(&self.host, &error, &self.lookup, &own)));
                    }
                    InDns::Nowhere(error) => Err(error.to_string()),
                    InDns::Unknown(error) => Err(in_dns::unknown("the host", &error)),
                },
                missed = &mut stand_in, if stood_in.is_none() => stood_in = Some(missed),
                () = tokio::time::sleep_until(begin + SLOW_DNS), if enough => {
                    break Err(format!("{} gave no answer about the host within {} s", self.lookup, SLOW_DNS.as_secs()));
                }
            }
        };
        let by_dns = match of_dns {
            Ok(addresses) => addresses,
            Err(_) if own.is_empty() => return Err(None),
            Err(why) => {
                let missed = match stood_in {
                    Some(missed) => missed,
                    None => stand_in.await,
                };
                return self.stood_in(&own, &missed, &why);
            }
        };
        let can_give_up = !own.is_empty();
        let mut as_the_ca = std::pin::pin!(self.all(&by_dns, &guard, deadline, can_give_up));
        let missed = loop {
            tokio::select! {
                missed = &mut as_the_ca => break missed,
                found = &mut stand_in, if stood_in.is_none() => stood_in = Some(found),
            }
        };
        let good = |missed: &[Missed]| -> Vec<String> {
            let failed = |a: &&IpAddr| missed.iter().any(|m| m.address == **a);
            by_dns.iter().filter(|a| !failed(a)).map(ToString::to_string).collect()
        };
        if missed.is_empty() {
            return Ok(AnswerSeen {
                at: good(&missed),
                note: None,
            });
        }
        let no_way = |m: &Missed| matches!(&m.saw, Saw::Nothing(FetchError::NoRoute { .. }));
        if missed.len() < by_dns.len() && missed.iter().all(no_way) {
            let unseen: Vec<String> = missed.iter().map(|m| m.address.to_string()).collect();
            return Ok(AnswerSeen {
                at: good(&missed),
                note: Some(format!(
                    "this network cannot reach {}: whether the answer is there is not known",
                    unseen.join(" and ")
                )),
            });
        }
        if missed.len() == by_dns.len() && missed.iter().all(|m| m.saw.is_ours()) {
            let why = self.words(&missed);
            if own.iter().all(|address| by_dns.contains(address)) {
                return Err(None);
            }
            let missed = match stood_in {
                Some(missed) => missed,
                None => stand_in.await,
            };
            return self.stood_in(&own, &missed, &why);
        }
        let mut error = self.failure(&missed);
        if !own.is_empty() && net::elsewhere(&by_dns, &own) {
            error.hint = Some(format!(
                "{} has {}, but the route is at {}: point the record there, or, if only this network sees another \
                 address (split DNS), use --self-check direct",
                self.lookup,
                list(&by_dns),
                list(&own)
            ));
        }
        Err(Some(error))
    }

    /// Checks at the route's own addresses, with the name of the host.
    pub async fn direct(&self) -> Result<AnswerSeen, SolveError> {
        let Own { at: own, unresolved } = self.own_addresses().await;
        if let Some(error) = unresolved.filter(|_| own.is_empty()) {
            return Err(
                SolveError::new(format!("where the route of {} is, is not known: {error}", self.host)).hint(
                    "name its address with --connect HOST:PORT, or a name server that knows it with --resolver ADDRESS",
                ),
            );
        }
        if own.is_empty() {
            return Err(SolveError::new(format!("the route of {} has no address to check", self.host)).hint(
                "wait until its controller has written one to the status, name one with --connect HOST:PORT, or check in another \
                 way (--self-check auto, cluster or off)",
            ));
        }
        let missed = self
            .all(&own, &self.guard_with(&own), Instant::now() + self.limit, false)
            .await;
        if missed.is_empty() {
            return Ok(AnswerSeen {
                at: own.iter().map(ToString::to_string).collect(),
                note: None,
            });
        }
        Err(self.failure(&missed))
    }

    fn stood_in(&self, own: &[IpAddr], missed: &[Missed], why: &str) -> Result<AnswerSeen, Option<SolveError>> {
        if missed.is_empty() {
            let at: Vec<String> = own.iter().map(ToString::to_string).collect();
            return Ok(AnswerSeen {
                note: Some(format!(
                    "{why}; the answer is there at the route's own address {}",
                    at.join(", ")
                )),
                at,
            });
        }
        if missed.iter().all(|m| m.saw.is_ours()) {
            return Err(None);
        }
        Err(Some(self.failure(missed)))
    }

    /// The addresses of the route, with names among them resolved.
    async fn own_addresses(&self) -> Own {
        let names: Vec<&str> = match &self.connect {
            Some(connect) => vec![&connect.host],
            None => self.addresses.iter().map(Text::as_str).collect(),
        };
        in_dns::addresses_of(&self.lookup, names).await
    }

    fn guard_with(&self, own: &[IpAddr]) -> Guard {
        let mut guard = self.guard.clone();
        guard.own.extend(own);
        guard
    }

    /// Asks all addresses until each has shown the answer or the time is over. Returns those that have not.
    async fn all(&self, addresses: &[IpAddr], guard: &Guard, deadline: Instant, give_up: bool) -> Vec<Missed> {
        let one = |address| async move {
            let saw = self.until(address, guard, deadline, give_up).await?;
            Some(Missed { address, saw })
        };
        join_all(addresses.iter().copied().map(one))
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// Asks one address until it shows the answer. Otherwise returns what it showed last.
    async fn until(&self, address: IpAddr, guard: &Guard, deadline: Instant, give_up: bool) -> Option<Saw> {
        let (path, begin, mut pauses, mut last) = (self.path(), Instant::now(), PAUSES, None);
        for attempt in 1.. {
            let fetched = timeout_at(
                deadline,
                fetch(&self.host, &path, address, self.ports, guard, &self.lookup),
            )
            .await;
            let Ok(fetched) = fetched else { break };
            let saw = match fetched {
                Ok(page) if self.is_right(&page) => return None,
                Ok(page) => Saw::Page(page),
                Err(error) => Saw::Nothing(error),
            };
            let hopeless = match &saw {
                Saw::Nothing(FetchError::NotAsked { .. }) => true,
                Saw::Nothing(FetchError::NoRoute { .. }) => give_up || attempt >= TRIES,
                saw => give_up && saw.is_ours() && attempt >= TRIES,
            };
            if begin.elapsed() >= SILENT && !hopeless {
                let word = self.word(address, &saw);
                self.telling
                    .tell(address, &word, deadline.saturating_duration_since(Instant::now()));
            }
            last = Some(saw);
            if hopeless || Instant::now() + pauses.due() >= deadline {
                break;
            }
            sleep(pauses.due()).await;
            if begin.elapsed() < SOON {
                pauses.grow_by((9, 8));
            } else {
                pauses.grow();
            }
        }
        Some(last.unwrap_or_else(|| {
            Saw::Nothing(FetchError::NoAnswer {
                address: (address, self.ports.http).into(),
            })
        }))
    }

    /// Whether the page is the expected answer. Trailing white space is ignored (RFC 8555, section 8.3).
    fn is_right(&self, page: &Page) -> bool {
        (200..300).contains(&page.status) && page.body.trim_ascii_end() == self.key_authorization.as_bytes()
    }

    fn failure(&self, missed: &[Missed]) -> SolveError {
        let error = SolveError::new(format!(
            "{} does not show the answer: {}",
            self.url(),
            self.words(missed)
        ));
        match missed.iter().find_map(|m| hint(&m.saw)) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn words(&self, missed: &[Missed]) -> String {
        missed
            .iter()
            .map(|m| self.word(m.address, &m.saw))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn word(&self, address: IpAddr, saw: &Saw) -> String {
        match saw {
            Saw::Nothing(error) => crate::error::chain(error),
            Saw::Page(page) => {
                let way = match page.redirects.last() {
                    Some(last) => format!(" after a redirect to {}", crate::text::shorten(last, QUOTED)),
                    None => String::new(),
                };
                let body = String::from_utf8_lossy(&page.body);
                let body = if body.trim().is_empty() {
                    "an empty body".to_owned()
                } else if self.quote {
                    format!("{:?}", crate::text::shorten(body.trim(), QUOTED))
                } else {
                    "another body".to_owned()
                };
                format!("{address} answers {}{way} with {body}", page.status)
            }
        }
    }
}

/// What to do about a wrong answer.
fn hint(saw: &Saw) -> Option<&'static str> {
    Some(match saw {
        Saw::Page(page) => match page.status {
            401 | 403 | 407 => {
                "something in front requires a login or a source address for this path too: exempt \
                 /.well-known/acme-challenge/ from it, or use DNS-01"
            }
            502..=504 => {
                "the controller does not reach the solver: look for a NetworkPolicy that cuts it off from Pods or outside \
                 addresses, and for a firewall"
            }
            _ if !page.redirects.is_empty() => {
                "a redirect leads past the answer: serve /.well-known/acme-challenge/ on port 80 without a redirect, or use \
                 DNS-01"
            }
            404 => {
                "the server there does not know the path: is it this route's controller, and has it loaded the solver's object \
                 (kubectl describe)?"
            }
            200..=299 => {
                "another server answers for the path: an application or another solver takes precedence for this host"
            }
            _ => return None,
        },
        Saw::Nothing(FetchError::NoAnswer { .. } | FetchError::NoRoute { .. }) => {
            "is port 80 open? If only this network cannot reach the host, use --self-check direct or cluster"
        }
        Saw::Nothing(FetchError::NotAsked { .. }) => {
            "a host's DNS must not lead this program to such addresses: if they are yours, allow them in the settings \
             (http01.allowAddresses)"
        }
        Saw::Nothing(FetchError::Broken { .. }) => "is port 80 open, and does it speak HTTP?",
        Saw::Nothing(_) => return None,
    })
}

#[cfg(test)]
mod tests;
