//! What DNS says of a host that is proved over HTTP: preflight and the run find it out, judge it and tell it here, alike.

use std::{net::IpAddr, time::Duration};

use futures_util::future::join_all;

use crate::{
    net::{Lookup, ResolveError, address::MOST_ADDRESSES, resolve},
    solve::SolveError,
};

/// How long DNS may take.
pub const DNS: Duration = Duration::from_secs(5);

/// What DNS says.
#[derive(Debug)]
pub enum InDns {
    /// It leads there.
    At(Vec<IpAddr>),
    /// The CA would find no address either, and count the failure.
    Nowhere(ResolveError),
    /// It says nothing here; elsewhere it may.
    Unknown(ResolveError),
}

/// Asks for the addresses of a host.
pub async fn ask(lookup: &Lookup, host: &str) -> InDns {
    match lookup.addresses(host, DNS).await {
        Ok(found) => InDns::At(found),
        Err(error) if error.is_definite() => InDns::Nowhere(error),
        Err(error) => InDns::Unknown(error),
    }
}

/// The addresses of a route's status, each once, names among them resolved: what the named servers do not know, the system may, such as
/// a load balancer of this network.
pub async fn addresses_of(lookup: &Lookup, status: impl IntoIterator<Item = &str>) -> Vec<IpAddr> {
    let found = status.into_iter().take(MOST_ADDRESSES).map(|name| async move {
        match lookup.addresses(name, DNS).await {
            Ok(found) => found,
            Err(_) if *lookup != Lookup::System => resolve(name, DNS).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    });
    let mut own: Vec<IpAddr> = Vec::new();
    for address in join_all(found).await.into_iter().flatten() {
        if !own.contains(&address) {
            own.push(address);
        }
    }
    own
}

/// Why a name that leads nowhere is not sent to the CA. `of` stands for the host: its name, or `it`.
pub fn nowhere(of: &str, error: &ResolveError, lookup: &Lookup, own: &[IpAddr]) -> SolveError {
    let to = match own {
        [] => "the address of the ingress controller".to_owned(),
        own => list(own),
    };
    let said = match error {
        ResolveError::Servers { cause } => {
            return SolveError::new(format!(
                "the name servers of {of} fail, and the CA would find no address either: {cause}"
            ))
            .hint(format!("check the domain's name servers; {SPLIT}"));
        }
        _ => format!("DNS has no address for {of}, and the CA would find none (asked: {lookup})"),
    };
    // Without an address of its own there is nothing that could be checked directly.
    let at = if own.is_empty() { " --connect HOST:PORT" } else { "" };
    SolveError::new(said).hint(format!(
        "point an A or AAAA record to {to}, or use DNS-01 (--dns); {SPLIT}{at}"
    ))
}

/// That nothing leads to a host: neither DNS nor an address of its `route`, where it has one.
pub fn no_way(host: &str, error: &ResolveError, lookup: &Lookup, route: Option<&str>) -> SolveError {
    let of_route = match route {
        None => "no route has it".to_owned(),
        Some(route) => format!("{route} has no address in its status"),
    };
    let of_dns = if error.is_definite() {
        format!("DNS has no address for it (asked: {lookup})")
    } else {
        format!("{lookup} does not answer ({error})")
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

/// What is told where nothing is known of a host.
pub fn unknown(of: &str, error: &ResolveError, lookup: &Lookup) -> String {
    format!("whether DNS has an address for {of} is not known: {lookup} does not answer ({error})")
}

/// `192.0.2.7, 2001:db8::7`
pub fn list(all: &[IpAddr]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
