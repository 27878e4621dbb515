//! Answers from a program that goes on: one responder for all orders, and routes that lead to it and stay.
//!
//! A route that stays costs a controller nothing for each challenge, where an object for each would have its
//! configuration loaded anew each time. It answers only for the tokens of orders in progress, and only for their hosts.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    CHALLENGE_PREFIX,
    place::{ChallengeRoute, Class},
    responder::{Answering, Responder},
    table::{Routing, Row},
};
use crate::{inventory::Controller, name::Name};

/// The answers that are under way, by their tokens.
#[derive(Debug, Default)]
pub struct Answers(Mutex<HashMap<String, (String, String)>>);

impl Answers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives this answer for a host until it is removed.
    pub fn add(&self, name: &Name, token: &str, answer: &str) {
        self.lock()
            .insert(token.to_owned(), (name.to_string(), answer.to_owned()));
    }

    /// Ends an answer. Returns whether there was one.
    pub fn remove(&self, token: &str) -> bool {
        self.lock().remove(token).is_some()
    }

    /// The answer to a token that is asked for at a host, in the form of the header `Host`.
    pub fn of(&self, host: Option<&str>, token: &str) -> Option<String> {
        let all = self.lock();
        let (name, answer) = all.get(token)?;
        let asked = host.map(without_port)?;
        asked.eq_ignore_ascii_case(name).then(|| answer.clone())
    }
}

/// A host without its port and the brackets of an IPv6 address.
fn without_port(host: &str) -> &str {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next().unwrap_or(inside);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// The classes that lead to a responder.
#[derive(Debug, Default)]
struct Led {
    classes: BTreeSet<String>,
    /// When the last was added.
    since: Option<Instant>,
}

/// How long a route that stays may take to show an answer.
const AT_ONCE: Duration = Duration::from_secs(2);
/// The same of one that was just written: Traefik loads changes every two seconds
/// (`providers.providersThrottleDuration`), and more seldom where it has much to do. Whoever does not wait for it makes an
/// object for each host, which gives it more to do.
const AT_FIRST: Duration = Duration::from_secs(30);

/// The responder of a program that goes on, and the classes of controllers whose requests are led to it.
#[derive(Debug)]
pub struct Standing {
    answers: Arc<Answers>,
    led: Mutex<Led>,
    responder: Responder,
}

impl Standing {
    /// Listens at this address.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub async fn start(listen: SocketAddr) -> std::io::Result<Self> {
        let answers = Arc::<Answers>::default();
        let responder = Responder::start(listen, Answering::Only(Arc::clone(&answers))).await?;
        Ok(Self {
            answers,
            led: Mutex::default(),
            responder,
        })
    }

    /// The address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.responder.address()
    }

    /// The answers that are under way.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Takes note of the classes to which a route that stays has been given, as [`class_of`] words them.
    pub fn led_by(&self, classes: BTreeSet<String>) {
        let mut led = self.led();
        if !classes.is_subset(&led.classes) {
            led.since = Some(Instant::now());
        }
        led.classes = classes;
    }

    fn led(&self) -> MutexGuard<'_, Led> {
        self.led.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a route that stays may take to show an answer: what is left of the time that a new one may take, so that a host
    /// to which it does not lead waits for that once.
    pub(super) fn patience(&self) -> Duration {
        patience_at(self.led().since.map(|since| since.elapsed()))
    }

    /// Whether requests for the hosts of a place may be led here by a route that stays. Only Traefik's routes can stay:
    /// it orders all of them by their priority. The Gateway API matches hostnames first, and ingress-nginx gives each
    /// host a server of its own, so that a route without a host is never reached beside one with it. A proxy of the user's own
    /// needs no route at all.
    pub(super) fn may_lead(&self, place: &ChallengeRoute, row: &Row) -> bool {
        place.class == Class::Proxy
            || place.controller == Controller::Traefik
                && matches!(row.routing, Routing::Ingress | Routing::IngressRoute)
                && self.led().classes.contains(&class_of(&place.class))
    }
}

/// The patience with a route that is so old; `None` where there is none.
fn patience_at(age: Option<Duration>) -> Duration {
    AT_FIRST.saturating_sub(age.unwrap_or(AT_FIRST)).max(AT_ONCE)
}

/// A class in words that tell field, annotation and default apart.
pub fn class_of(class: &Class) -> String {
    match class {
        Class::Field(name) => format!("field {name}"),
        Class::Annotation(name) => format!("annotation {name}"),
        Class::Default => "default".to_owned(),
        Class::Proxy => "proxy".to_owned(),
    }
}

/// The path below which a route that stays leads here.
pub const PATH: &str = CHALLENGE_PREFIX;

/// The priority of a route that stays: below that of any rule for a host and the exact path of a token, which Traefik
/// computes from the rule's length, so that the routes of cert-manager and of command lines come first
/// (<https://doc.traefik.io/traefik/routing/routers/#priority>). `Host(` + "`a.b`" + `) && Path(` + the path of a token
/// of 43 characters is at least 91 characters long.
pub const PRIORITY: u32 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_for_its_host_alone_and_only_while_its_order_is_under_way() {
        let answers = Answers::default();
        answers.add(&"shop.example".parse().unwrap(), "abc", "abc.print");
        for host in ["shop.example", "SHOP.example:80"] {
            assert_eq!(answers.of(Some(host), "abc").as_deref(), Some("abc.print"), "{host}");
        }
        for (host, token) in [
            (Some("other.example"), "abc"),
            (None, "abc"),
            (Some("shop.example"), "abd"),
        ] {
            assert_eq!(answers.of(host, token), None);
        }
        assert!(answers.remove("abc") && !answers.remove("abc"));
        assert_eq!(answers.of(Some("shop.example"), "abc"), None);
        answers.add(&"2001:db8::1".parse().unwrap(), "six", "six.print");
        assert!(answers.of(Some("[2001:db8::1]:80"), "six").is_some());
    }

    #[test]
    fn a_new_route_is_waited_for_once_and_not_anew_by_whoever_has_waited() {
        let seconds = |age: Option<u64>| patience_at(age.map(Duration::from_secs)).as_secs();
        assert_eq!(
            [Some(0), Some(10), Some(29), Some(60), None].map(seconds),
            [30, 20, 2, 2, 2]
        );
    }

    #[test]
    fn the_priority_is_below_that_of_the_shortest_rule_for_a_host_and_a_token() {
        let token = "a".repeat(43);
        let shortest = format!("Host(`a.b`) && Path(`{CHALLENGE_PREFIX}{token}`)");
        assert!(PRIORITY < u32::try_from(shortest.len()).unwrap(), "{}", shortest.len());
    }
}
