//! Checks a host as the CA sees it: its addresses in DNS, and the answer at port 80 for the path of a challenge.

use std::{collections::BTreeSet, net::IpAddr};

use futures_util::future::join_all;

use super::{LIMIT, Preflight, SharedChecks};
use crate::{
    acme::Stage,
    engine::prepare::Prepared,
    error::Blame,
    name::Name,
    net::{Lookup, ResolveError, address::is_private, elsewhere},
    object::Text,
    plan::{
        Target,
        preflight::{Check, Grade, Topic},
    },
    settings::value::SelfCheck,
    solve::{
        SolveError,
        http01::{
            Guard, Ports, challenge_path,
            fetch::{FetchError, Page, fetch},
            in_dns::{self, InDns, list},
            own_token, waits_for_dns,
        },
    },
};

/// How many characters of a body are quoted.
const QUOTED: usize = 60;

/// The answer of one address.
#[derive(Debug)]
pub(super) struct AddressAnswer {
    pub(super) address: IpAddr,
    pub(super) what: Result<Page, FetchError>,
}

impl Preflight<'_> {
    /// Checks the DNS of a host that is proved over HTTP, and its port 80.
    pub(super) async fn host(
        &self,
        target: &Target,
        name: &Name,
        prepared: Option<&Prepared>,
        shared: &SharedChecks,
    ) -> Vec<Check> {
        let host = name.to_string();
        let route = prepared.and_then(|prepared| prepared.addresses_of(name)).or_else(|| {
            let used = target.use_of(name)?;
            Some(used.addresses.as_slice())
        });
        let connect = self.connect.as_ref().map(|connect| [Text::from(connect.host.as_str())]);
        let route = connect
            .as_ref()
            .map_or(route.unwrap_or_default(), |named| named.as_slice());
        let lookup = &shared.lookup;
        let in_dns::Own { at: own, unresolved } = in_dns::addresses_of(lookup, route.iter().map(Text::as_str)).await;
        let self_check = self.settings.http01.self_check;
        let waits = prepared.map_or(self_check == SelfCheck::Auto, |prepared| {
            waits_for_dns(self_check, &prepared.backend)
        });
        let mut looked = in_dns::awaited(lookup, shared.authorities.as_ref(), &host, in_dns::DNS).await;
        let mut stale = None;
        if let Err(not_yet) = &looked
            && not_yet.is_partial
        {
            let check = Check::warning(Topic::Dns, not_yet.words("it", &host));
            stale = Some(check.hint(Some(not_yet.hint_of_server())).of(host.clone()));
            looked = Ok(in_dns::ask(lookup, &host).await);
        }
        let found = match (name, looked) {
            (Name::Ip(address), _) => vec![*address],
            (_, Ok(InDns::At(found))) => found,
            // The resolver has asked that server.
            (_, Ok(_)) if stale.is_some() => return stale.into_iter().collect(),
            (_, Err(not_yet)) if waits && !target.names.unrouted.contains(name) => {
                let check = Check::waiting(Topic::Dns, not_yet.words("it", &host));
                return vec![check.hint(Some(not_yet.hint(&own))).of(host)];
            }
            (_, Err(not_yet)) => {
                let error = in_dns::nowhere("it", &not_yet.as_answer(), &not_yet.absence.server, &own);
                return vec![no_address(&error, waits, self_check).of(host)];
            }
            (_, Ok(InDns::Nowhere(error))) => {
                let error = in_dns::nowhere("it", &error, lookup, &own);
                return vec![no_address(&error, waits, self_check).of(host)];
            }
            (_, Ok(InDns::Unknown(error))) => {
                let check = Check::warning(Topic::Dns, in_dns::unknown("it", &error)).of(host);
                return vec![check.hint(Some("name another resolver with --resolver ADDRESS"))];
            }
        };
        let guard = Guard {
            own: own.clone(),
            allowed: self.settings.http01.said.allow_addresses.clone().unwrap_or_default(),
            cluster: Guard::surroundings(|name| std::env::var(name).ok()),
        };
        let path = challenge_path(&own_token("preflight"));
        let all: BTreeSet<IpAddr> = found.iter().chain(&own).copied().collect();
        let looks = all
            .into_iter()
            .map(|address| look(&host, &path, address, &guard, lookup));
        let shown = join_all(looks).await;
        let at = |addresses: &[IpAddr]| -> Vec<&AddressAnswer> {
            shown.iter().filter(|s| addresses.contains(&s.address)).collect()
        };
        let public = self.settings.chosen.issuer.stage != Stage::Own;
        let route_name = target
            .use_of(name)
            .map_or_else(|| "the route".to_owned(), |used| used.route.to_string());
        let leads = leads(&at(&found), &at(&own), unresolved.as_ref(), public, &route_name, lookup);
        let port_80 = port_80(&at(&found), &at(&own));
        let checks = [leads.of(host.clone()), port_80.of(host)];
        stale.into_iter().chain(checks).collect()
    }
}

async fn look(host: &str, path: &str, address: IpAddr, guard: &Guard, lookup: &Lookup) -> AddressAnswer {
    let ports = Ports::default();
    let what = tokio::time::timeout(LIMIT, fetch(host, path, address, ports, guard, lookup)).await;
    AddressAnswer {
        address,
        what: what.unwrap_or_else(|_| {
            Err(FetchError::NoAnswer {
                address: (address, ports.http).into(),
            })
        }),
    }
}

/// Judges a host without an address as the run does: the run asks the CA anyway only if it is configured to check
/// elsewhere.
fn no_address(error: &SolveError, waits: bool, self_check: SelfCheck) -> Check {
    if waits {
        return Check::because(Topic::Dns, error);
    }
    Check::warning(Topic::Dns, error.message.as_str()).hint(Some(format!(
        "the CA is asked anyway (--self-check {self_check}), and has to find an address in its own DNS"
    )))
}

/// Judges whether DNS leads to the route. `unresolved` is the reason why a name in the route's status has no address.
pub(super) fn leads(
    found: &[&AddressAnswer],
    own: &[&AddressAnswer],
    unresolved: Option<&ResolveError>,
    public: bool,
    route: &str,
    lookup: &Lookup,
) -> Check {
    let addresses = |shown: &[&AddressAnswer]| -> Vec<IpAddr> { shown.iter().map(|s| s.address).collect() };
    let (found_at, own_at) = (addresses(found), addresses(own));
    if elsewhere(&found_at, &own_at) {
        let message = format!(
            "resolves to {} (says {lookup}), but {route} is at {}",
            list(&found_at),
            list(&own_at)
        );
        // A proxy in front, such as a CDN, returns the same page as the route.
        return if same_page(found, own) {
            Check::warning(Topic::Dns, format!("{message}: a proxy there passes requests on")).hint(Some(
                "it has to pass /.well-known/acme-challenge/ on as well, over http at port 80",
            ))
        } else {
            Check::fails(Topic::Dns, Blame::Acme, message).hint(Some(format!(
                "point the record to {}, or use DNS-01 (--dns)",
                list(&own_at)
            )))
        };
    }
    if public && found_at.iter().all(|address| is_private(*address)) {
        return Check::warning(
            Topic::Dns,
            format!(
                "resolves to {} (says {lookup}), where no public CA can reach it",
                list(&found_at)
            ),
        )
        .hint(Some(
            "check the public DNS with --resolver ADDRESS; a host that is private everywhere needs DNS-01",
        ));
    }
    let compared = if let Some(error) = unresolved.filter(|_| own_at.is_empty()) {
        format!("; where {route} is, is not known: {error}")
    } else if own_at.is_empty() {
        "; the route has no address to compare with".to_owned()
    } else if found_at.iter().any(|address| own_at.contains(address)) {
        format!(", where {route} is")
    } else {
        format!("; {route} is at {}, behind address translation", list(&own_at))
    };
    Check::ok(
        Topic::Dns,
        format!("resolves to {} (says {lookup}){compared}", list(&found_at)),
    )
}

fn same_page(found: &[&AddressAnswer], own: &[&AddressAnswer]) -> bool {
    let page = |shown: &&AddressAnswer| shown.what.as_ref().ok().map(|page| (page.status, page.body.clone()));
    let (Some(Some(a)), Some(Some(b))) = (found.first().map(page), own.first().map(page)) else {
        return false;
    };
    a == b
}

/// Judges the answers of the addresses for a token that does not exist.
pub(super) fn port_80(found: &[&AddressAnswer], own: &[&AddressAnswer]) -> Check {
    let mut all: Vec<(Grade, String, Option<&'static str>)> = found.iter().map(|shown| judge(shown)).collect();
    // If only this network cannot reach the address (hairpin NAT), the answer of the route's own address counts.
    let unseen = |shown: &&&AddressAnswer| shown.what.as_ref().is_err_and(FetchError::is_ours);
    let own_answers = own.iter().any(|shown| shown.what.is_ok());
    if found.iter().filter(unseen).count() == found.len()
        && own_answers
        && let Some((grade, ..)) = all.iter_mut().max_by_key(|(grade, ..)| *grade)
    {
        *grade = Grade::Warning;
    }
    all.sort_by_key(|(grade, ..)| std::cmp::Reverse(*grade));
    let (grade, hint) = all
        .first()
        .map_or((Grade::Ok, None), |(grade, _, hint)| (*grade, *hint));
    let message = all
        .into_iter()
        .map(|(_, message, _)| message)
        .collect::<Vec<_>>()
        .join("; ");
    Check {
        grade,
        ..Check::fails(Topic::Port80, Blame::Acme, message).hint(hint)
    }
}

const REACH: &str = "open port 80 to everybody; if only this network cannot reach the host, run with --self-check direct or \
                     cluster";

fn judge(shown: &AddressAnswer) -> (Grade, String, Option<&'static str>) {
    let page = match &shown.what {
        Ok(page) => page,
        Err(error) => {
            let grade = match error {
                FetchError::NoRoute { .. } | FetchError::NotAsked { .. } => Grade::Warning,
                FetchError::Resolve { cause, .. } if cause.is_unanswered() => Grade::Warning,
                _ => Grade::Fails,
            };
            let hint = match error {
                FetchError::NoAnswer { .. } | FetchError::Broken { .. } => Some(REACH),
                FetchError::NoRoute { .. } => {
                    Some("try from a network that can reach it: the CA asks this address too")
                }
                FetchError::NotAsked { .. } => Some("a CA does not connect to such an address either"),
                FetchError::Resolve { cause, .. } if cause.is_unanswered() => Some(
                    "where the redirect leads is not known here: name another resolver with --resolver ADDRESS, or serve \
                     /.well-known/acme-challenge/ on port 80 without a redirect",
                ),
                FetchError::Redirect { .. } | FetchError::TooManyRedirects { .. } | FetchError::Resolve { .. } => {
                    Some("serve /.well-known/acme-challenge/ on port 80 without a redirect, or use DNS-01 (--dns)")
                }
            };
            return (grade, crate::error::chain(error), hint);
        }
    };
    let way = match page.redirects.last() {
        Some(last) => format!(" after a redirect to {}", crate::text::shorten(last, QUOTED)),
        None => String::new(),
    };
    let answers = format!("{} answers {}{way}", shown.address, page.status);
    match page.status {
        401 | 403 | 407 => (
            Grade::Warning,
            answers,
            Some(
                "the login may be the application's, which a challenge does not reach; if it is in front of the controller, it \
                 has to let /.well-known/acme-challenge/ through",
            ),
        ),
        200..=299 => {
            let body = String::from_utf8_lossy(&page.body);
            (
                Grade::Warning,
                format!(
                    "{answers} with {:?} for a token that does not exist",
                    crate::text::shorten(body.trim(), QUOTED)
                ),
                Some(
                    "another server answers for every path: if it is not behind the route's controller, it has to pass \
                     /.well-known/acme-challenge/ on",
                ),
            )
        }
        _ if page.redirects.is_empty() => (Grade::Ok, answers, None),
        _ => (
            Grade::Ok,
            format!(
                "{answers}, which a CA follows; the challenge's own path is served without one if the controller can"
            ),
            None,
        ),
    }
}
