//! Where the solver checks the answer from, and at which addresses.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Http01, Made, Shared};
use crate::{
    apply::Purpose,
    event::{EventKind, Teller},
    object::resource::{GATEWAY, INGRESS, POD},
    object::{Key, Kind, Text},
    settings::value::SelfCheck,
    solve::{
        Challenge, SolveError,
        http01::{
            Backend, ChallengeRoute,
            check::{Question, Report},
            container::is_own,
            in_dns::{self, InDns},
            objects,
            permit::looks_from_inside,
            pod,
            self_check::{AnswerSeen, CheckReporter, Look},
            table::Row,
        },
        patience::told,
    },
};

/// How often a route without an address is read again.
const AGAIN: Duration = Duration::from_secs(1);

impl Http01 {
    /// Checks that the answer is visible, and meanwhile that the answering Pod does not end.
    pub(super) async fn look(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        shared: Option<&Shared>,
        about: &Key,
        tell: &Teller,
    ) -> Result<AnswerSeen, SolveError> {
        let looked = self.look_from_here(challenge, place, row, shared, about, tell);
        let Some(shared) = shared else {
            return looked.await;
        };
        let pods = self.pods(place, shared);
        tokio::select! {
            seen = looked => match seen {
                Ok(seen) => Ok(seen),
                Err(error) => Err(pods.explain(error).await),
            },
            ended = pods.until_it_is_gone(tell) => Err(ended),
        }
    }

    async fn look_from_here(
        &self,
        challenge: &Challenge,
        place: &ChallengeRoute,
        row: &Row,
        shared: Option<&Shared>,
        about: &Key,
        tell: &Teller,
    ) -> Result<AnswerSeen, SolveError> {
        let mut look = Look {
            host: challenge.name.to_string(),
            token: challenge.token.clone(),
            key_authorization: challenge.key_authorization.clone(),
            addresses: place.addresses.clone(),
            connect: self.options.connect.clone(),
            guard: self.options.guard.clone(),
            lookup: self.options.lookup.clone(),
            ports: self.options.ports,
            limit: self.options.limit.unwrap_or(row.patience),
            dns_counts: true,
            quote: true,
            telling: CheckReporter::to(tell),
        };
        let inside = looks_from_inside(&self.options);
        match self.options.self_check {
            SelfCheck::Off => Ok(AnswerSeen::default()),
            SelfCheck::Wait(length) => {
                let words = || waits(&look.host, length);
                told(tell, words, sleep(length)).await;
                Ok(AnswerSeen::default())
            }
            SelfCheck::Direct => {
                if look.connect.is_none() {
                    if place.route.is_none() {
                        return Err(SolveError::new(format!(
                            "no route has the host {}: --self-check direct has no address to check",
                            challenge.name
                        ))
                        .hint("name one with --connect HOST:PORT, or follow DNS: --self-check auto"));
                    }
                    self.find_addresses(place, &mut look, tell).await;
                }
                look.direct().await
            }
            SelfCheck::Cluster if inside => {
                self.find_way(place, &mut look, tell).await?;
                self.look_from_inside(challenge, &look, place, shared, about).await
            }
            SelfCheck::Auto | SelfCheck::Cluster => {
                let mut seen = look.automatic().await;
                // The route's controller may by now have written an address that was missing when the route was read.
                if matches!(seen, Err(None)) && look.connect.is_none() && look.addresses.is_empty() && !inside {
                    self.find_addresses(place, &mut look, tell).await;
                    if !look.addresses.is_empty() {
                        seen = look.automatic().await;
                    }
                }
                match seen {
                    Ok(seen) => Ok(seen),
                    Err(Some(error)) => Err(error),
                    Err(None) if inside => {
                        self.find_way(place, &mut look, tell).await?;
                        self.look_from_inside(challenge, &look, place, shared, about).await
                    }
                    Err(None) => {
                        self.find_way(place, &mut look, tell).await?;
                        Err(SolveError::new(format!(
                            "whether {} shows the answer cannot be checked from here: this network reaches neither the host nor an \
                             address of its route",
                            look.url()
                        ))
                        .hint(other_checks(&self.options.backend)))
                    }
                }
            }
        }
    }

    /// Ensures that there is an address to check. Without one a Pod would check nothing until its time is over.
    async fn find_way(&self, place: &ChallengeRoute, look: &mut Look, tell: &Teller) -> Result<(), SolveError> {
        if !look.addresses.is_empty() {
            return Ok(());
        }
        if let Some(connect) = &look.connect {
            look.addresses.push(connect.host.as_str().into());
            return Ok(());
        }
        let looked = match in_dns::awaited(&look.lookup, self.authorities(), &look.host, in_dns::DNS).await {
            Err(not_yet) if not_yet.is_partial => Ok(in_dns::ask(&look.lookup, &look.host).await),
            looked => looked,
        };
        let error = match looked {
            Ok(InDns::At(found)) => {
                look.addresses = found.iter().map(|address| Text::from(address.to_string())).collect();
                return Ok(());
            }
            Ok(InDns::Nowhere(error) | InDns::Unknown(error)) => error,
            Err(not_yet) => not_yet.as_answer(),
        };
        self.find_addresses(place, look, tell).await;
        // This program itself uses the DNS of the cluster, which may be different.
        let asks = looks_from_inside(&self.options) && is_own(&self.options.pod.image);
        if asks || !look.addresses.is_empty() {
            return Ok(());
        }
        let route = place.route.as_ref().map(ToString::to_string);
        Err(in_dns::no_way(&look.host, &error, &look.lookup, route.as_deref()))
    }

    /// Reads the addresses of the route again as long as it has none and there is time, which is deducted from that of
    /// the check.
    async fn find_addresses(&self, place: &ChallengeRoute, look: &mut Look, tell: &Teller) {
        let Some(route) = &place.route else { return };
        let (begin, mut told) = (Instant::now(), false);
        loop {
            let now = self.addresses(place).await;
            if !now.is_empty() {
                look.addresses = now;
            }
            if !look.addresses.is_empty() || begin.elapsed() + AGAIN >= look.limit {
                break;
            }
            if !std::mem::replace(&mut told, true) {
                tell.tell(EventKind::Waiting {
                    reason: format!("an address in the status of {route}"),
                });
            }
            sleep(AGAIN).await;
        }
        look.limit = look.limit.saturating_sub(begin.elapsed()).max(AGAIN);
    }

    /// The present addresses in the status of the place's route; empty if it cannot be read.
    async fn addresses(&self, place: &ChallengeRoute) -> Vec<Text> {
        let of_gateway = place.parents.iter().find(|parent| parent.kind == Kind::Gateway);
        let (resource, key) = match (&place.route, of_gateway) {
            (Some(route), _) if route.kind == Kind::Ingress => (INGRESS, route.key.clone()),
            (Some(route), _) if route.kind == Kind::Gateway => (GATEWAY, route.key.clone()),
            (Some(_), Some(parent)) => (GATEWAY, Key::new(parent.namespace.clone(), parent.name.clone())),
            _ => return Vec::new(),
        };
        let Ok(Some(object)) = self.api.get(resource, &key).await else {
            return Vec::new();
        };
        in_status(&object["status"])
    }

    async fn look_from_inside(
        &self,
        challenge: &Challenge,
        look: &Look,
        place: &ChallengeRoute,
        shared: Option<&Shared>,
        about: &Key,
    ) -> Result<AnswerSeen, SolveError> {
        let question = Question {
            host: look.host.clone(),
            token: look.token.clone(),
            thumbprint: self.options.thumbprint.to_string(),
            addresses: look.addresses.clone(),
            limit: look.limit,
        };
        let identity = format!("{}/{}/{}/check", self.options.run, challenge.name, challenge.token);
        let name = Purpose::Solver.name(&identity);
        let mut options = self.options.pod.clone();
        let start = pod::START.as_secs() + look.limit.as_secs();
        options.deadline = u32::try_from(start).unwrap_or(u32::MAX);
        let key = Key::new(place.namespace.clone(), name.clone());
        let owner = shared.and_then(|shared| shared.owner.as_ref());
        let object = objects::check_pod(&place.namespace, &name, owner, &question, &options);
        self.note(challenge, Made::Object(POD, key.clone()));
        self.create(POD, object, about).await?;
        let words = pod::last_words(&self.api, &key, Duration::from_secs(start)).await?;
        Report::read(&words)
    }
}

/// Other ways to check the answer, depending on what gives it.
fn other_checks(backend: &Backend) -> &'static str {
    match backend {
        Backend::Endpoint { .. } => {
            "name an address of the route with --connect HOST:PORT, or check in another way: --self-check wait=30s, off"
        }
        _ => {
            "name an address of the route with --connect HOST:PORT, or check in another way: --self-check cluster, wait=30s, off"
        }
    }
}

/// What a fixed wait is waiting for.
fn waits(host: &str, length: Duration) -> String {
    format!(
        "{} before the CA is asked to validate {host}, as --self-check says: the answer is not checked from here",
        humantime::format_duration(length)
    )
}

/// The addresses in a status: `loadBalancer.ingress` of an Ingress, `addresses` of a Gateway.
fn in_status(status: &Value) -> Vec<Text> {
    let none = Vec::new();
    let ingress = status["loadBalancer"]["ingress"].as_array().unwrap_or(&none);
    let gateway = status["addresses"].as_array().unwrap_or(&none);
    let of_ingress = ingress
        .iter()
        .filter_map(|entry| entry["ip"].as_str().or_else(|| entry["hostname"].as_str()));
    let of_gateway = gateway.iter().filter_map(|entry| entry["value"].as_str());
    of_ingress.chain(of_gateway).map(Text::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fixed_wait_says_how_long_and_for_what() {
        assert_eq!(
            waits("shop.example", Duration::from_secs(90)),
            "1m 30s before the CA is asked to validate shop.example, as --self-check says: the answer is not checked from here"
        );
    }

    #[test]
    fn addresses_are_found_in_the_status_of_both_kinds() {
        let ingress = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "lb.example"}, {}]}});
        assert_eq!(in_status(&ingress), ["192.0.2.7", "lb.example"].map(Text::from));
        let gateway = json!({"addresses": [{"type": "IPAddress", "value": "192.0.2.8"}]});
        assert_eq!(in_status(&gateway), [Text::from("192.0.2.8")]);
        assert!(in_status(&Value::Null).is_empty());
    }
}
