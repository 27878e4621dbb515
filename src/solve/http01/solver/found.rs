//! Waits until a host resolves. A record that is made from the route (external-dns) comes some time after it, and an
//! order for a name that no CA finds would fail and be counted.

use std::{net::IpAddr, time::Duration};

use tokio::time::{Instant, sleep};

use super::Http01;
use crate::{
    clock::Pauses,
    event::{EventKind, Teller},
    name::Name,
    net::dns::Authorities,
    object::Text,
    solve::{
        SolveError,
        http01::{
            in_dns::{self, InDns, Own},
            permit::waits_for_dns,
            self_check::clock,
        },
    },
};

/// The pauses between two looks at the authoritative servers.
const AGAIN: Pauses = Pauses::growing(Duration::from_secs(1), Duration::from_secs(5), (3, 2));

/// How long one look may take: longer than one zone's servers have, so that their silence is remembered. The DNS of some
/// networks never answers, and then nothing is waited for.
const LOOK: Duration = Duration::from_secs(4);

impl Http01 {
    /// Waits until a host resolves, unless the settings leave that to the CA. A host that is not expected is looked up
    /// once. A server that lacks for all that time what others have is told, and stops nothing: it may be stale, and the
    /// host has been served for long.
    pub(super) async fn until_it_resolves(
        &self,
        name: &Name,
        is_expected: bool,
        tell: &Teller,
    ) -> Result<(), SolveError> {
        let options = &self.options;
        let counts = waits_for_dns(options.self_check, &options.backend);
        let Some(place) = self
            .places
            .get(name)
            .filter(|_| counts && name.base().is_some() && !self.api.is_dry_run())
        else {
            return Ok(());
        };
        let (host, until) = (name.to_string(), Instant::now() + options.resolve_timeout);
        let (mut pauses, mut said) = (AGAIN, String::new());
        loop {
            let not_yet = match in_dns::awaited(&options.lookup, self.authorities(), &host, LOOK).await {
                Ok(InDns::At(_) | InDns::Unknown(_)) => return Ok(()),
                Ok(InDns::Nowhere(error)) => {
                    let own = self.own(&place.addresses).await;
                    return Err(in_dns::nowhere(&host, &error, &options.lookup, &own));
                }
                Err(not_yet) => not_yet,
            };
            let left = until.saturating_duration_since(Instant::now());
            let words = not_yet.words(&host, &host);
            if not_yet.is_partial && (left.is_zero() || !is_expected) {
                let text = format!("{words}: {}", not_yet.hint_of_server());
                tell.tell(EventKind::Note { text });
                return Ok(());
            }
            if !is_expected {
                let own = self.own(&place.addresses).await;
                let server = &not_yet.absence.server;
                return Err(in_dns::nowhere(&host, &not_yet.as_answer(), server, &own));
            }
            // A resolver says the same until it has forgotten it.
            let pause = not_yet.again().unwrap_or_else(|| pauses.take().min(left));
            if left.is_zero() || pause > left {
                return Err(not_yet.error(&host, &self.own(&place.addresses).await));
            }
            if words != said {
                tell.tell(EventKind::Waiting {
                    reason: format!("{words}; until {}", clock(left)),
                });
                said = words;
            }
            sleep(pause).await;
        }
    }

    /// Who is asked for names that may not exist yet; `None` if the system has no resolver.
    pub(super) fn authorities(&self) -> Option<&Authorities> {
        let make = || {
            let resolver = self.options.lookup.resolver().ok()?;
            Some(Authorities::new(
                resolver,
                self.options.zones.iter().map(String::as_str),
            ))
        };
        self.authorities.get_or_init(make).as_ref()
    }

    /// The addresses of a route, with names among them resolved.
    async fn own(&self, addresses: &[Text]) -> Vec<IpAddr> {
        let Own { at, .. } = in_dns::addresses_of(&self.options.lookup, addresses.iter().map(Text::as_str)).await;
        at
    }
}
