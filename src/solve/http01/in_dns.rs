//! What DNS says about a host that is proved over HTTP. The preflight and the run share this code, so that they judge
//! it alike.

use std::{net::IpAddr, time::Duration};

use futures_util::future::join_all;

use crate::{
    net::{Lookup, ResolveError, address::MOST_ADDRESSES, resolve},
    solve::SolveError,
};

/// How long DNS may take.
pub const DNS: Duration = Duration::from_secs(5);

/// The answer of DNS.
#[derive(Debug)]
pub enum InDns {
    /// The host has these addresses.
    At(Vec<IpAddr>),
    /// The CA would find no address either, and would count the failure.
    Nowhere(ResolveError),
    /// DNS does not answer here; elsewhere it may.
    Unknown(ResolveError),
}

/// Looks up the addresses of a host.
pub async fn ask(lookup: &Lookup, host: &str) -> InDns {
    match lookup.addresses(host, DNS).await {
        Ok(found) => InDns::At(found),
        Err(error) if error.is_definite() => InDns::Nowhere(error),
        Err(error) => InDns::Unknown(error),
    }
}

/// The addresses of a route.
#[derive(Debug, Default)]
pub struct Own {
    /// The addresses in its status, each once, with names among them resolved.
    pub at: Vec<IpAddr>,
    /// Why a name in its status has no address.
    pub unresolved: Option<ResolveError>,
}

/// Resolves the addresses in the status of a route. The system may know a name that the configured servers do not, such
/// as that of a load balancer of this network.
pub async fn addresses_of(lookup: &Lookup, status: impl IntoIterator<Item = &str>) -> Own {
    let found = status.into_iter().take(MOST_ADDRESSES).map(|name| async move {
        match lookup.addresses(name, DNS).await {
            Err(_) if *lookup != Lookup::System => resolve(name, DNS).await,
            found => found,
        }
    });
    let mut own = Own::default();
    for found in join_all(found).await {
        match found {
            Ok(found) => {
                for address in found {
                    if !own.at.contains(&address) {
                        own.at.push(address);
                    }
                }
            }
            Err(error) => own.unresolved = Some(error),
        }
    }
    own
}

/// The error for a name without an address, which is not sent to the CA. `of` stands for the host: its name, or `it`.
pub fn nowhere(of: &str, error: &ResolveError, lookup: &Lookup, own: &[IpAddr]) -> SolveError {
    let to = match own {
        [] => "the address of the ingress controller".to_owned(),
        own => list(own),
    };
    let why = match error {
        ResolveError::DomainFails { cause, .. } => {
            return SolveError::new(format!(
                "the name servers of {of} fail, and the CA would find no address either: {cause}"
            ))
            .hint(format!("check the domain's name servers; {SPLIT}"));
        }
        ResolveError::NoName { .. } => "there is no such name",
        _ => "it has neither an A nor an AAAA record",
    };
    // Without an address of the route nothing can be checked directly.
    let at = if own.is_empty() { " --connect HOST:PORT" } else { "" };
    SolveError::new(format!(
        "DNS has no address for {of}, and the CA would find none (asked: {lookup}): {why}"
    ))
    .hint(format!(
        "point an A or AAAA record to {to}, or use DNS-01 (--dns); {SPLIT}{at}"
    ))
}

/// The error if nothing leads to a host: neither DNS nor an address of its `route`, if it has one.
pub fn no_way(host: &str, error: &ResolveError, lookup: &Lookup, route: Option<&str>) -> SolveError {
    let of_route = match route {
        None => "no route has it".to_owned(),
        Some(route) => format!("{route} has no address in its status"),
    };
    let of_dns = if error.is_definite() {
        format!("{error} (asked: {lookup})")
    } else {
        error.to_string()
    };
    SolveError::new(format!(
        "the answer of {host} cannot be checked, because nothing says where the host is: {of_route}, and {of_dns}"
    ))
    .hint(
        "name its address with --connect HOST:PORT, or a name server that knows it with --resolver ADDRESS; --self-check wait=30s leaves \
         the check to the CA, once the controller has had that time",
    )
}

const SPLIT: &str = "if only this network does not know the host (split DNS), ask another resolver (--resolver ADDRESS) or use --self-check direct";

/// The note if nothing is known about a host.
pub fn unknown(of: &str, error: &ResolveError) -> String {
    format!("whether DNS has an address for {of} is not known: {error}")
}

/// Joins addresses: `192.0.2.7, 2001:db8::7`.
pub fn list(all: &[IpAddr]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{
        ResponseCode,
        testing::{NameServer, Says},
    };

    #[tokio::test]
    async fn only_what_dns_says_itself_keeps_a_host_from_the_ca() {
        let server = NameServer::start(&[
            ("gone.example", Says::Code(ResponseCode::NXDomain)),
            ("broken.example", Says::Code(ResponseCode::ServFail)),
            ("refused.example", Says::Code(ResponseCode::Refused)),
        ])
        .await;
        let lookup = Lookup::of(&[server.address]);
        for (host, said) in [
            ("gone.example", "): there is no such name"),
            ("bare.example", "): it has neither an A nor an AAAA record"),
            (
                "broken.example",
                "the name servers of it fail, and the CA would find no address either",
            ),
        ] {
            let InDns::Nowhere(error) = ask(&lookup, host).await else {
                panic!("{host}");
            };
            let words = nowhere("it", &error, &lookup, &[]).message;
            assert!(words.contains(said), "{words}");
        }
        let InDns::Unknown(error) = ask(&lookup, "refused.example").await else {
            panic!("a refusal says nothing of the host");
        };
        let words = no_way("refused.example", &error, &lookup, None).message;
        assert!(words.contains("REFUSED") && !words.contains("no address"), "{words}");
    }
}
