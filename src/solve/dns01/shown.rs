//! The TXT records of a name as the name servers of its zone show them: what a CA would see, and no cache.

use futures_util::future::join_all;

use super::{propagation, zone};
use crate::{
    net::dns::{self, Authorities, RecordType, ResponseCode},
    solve::SolveError,
};

/// The records that one server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownTexts {
    /// The server: its name and address.
    pub server: String,
    /// The texts, each joined from its parts.
    pub texts: Vec<String>,
}

/// Asks every authoritative server of the zone where a name ends. If none of them can be asked from here, the resolver
/// is. Every CNAME is followed, also one by a wildcard: a CA that only reads the records does the same.
pub async fn shown_texts(authorities: &Authorities, name: &str) -> Result<Vec<ShownTexts>, SolveError> {
    let resolver = authorities.resolver();
    let place = zone::find(authorities, name, true).await?.place;
    // Where nobody says who serves the zone, the resolver may still have the records.
    let servers = propagation::servers(resolver, &place).await.unwrap_or_default();
    let asked = servers.iter().map(|server| {
        let name = &place.name;
        async move {
            let reply = dns::query(server.address, name, RecordType::TXT, dns::TIMEOUT)
                .await
                .ok()?;
            let answers = matches!(reply.code(), ResponseCode::NoError | ResponseCode::NXDomain);
            (answers && reply.is_authoritative()).then(|| ShownTexts {
                server: server.to_string(),
                texts: reply.texts(),
            })
        }
    });
    let shown: Vec<ShownTexts> = join_all(asked).await.into_iter().flatten().collect();
    if !shown.is_empty() {
        return Ok(shown);
    }
    let texts = resolver.txt(&place.name).await.map_err(|error| {
        SolveError::new(format!(
            "neither a name server of {} nor the resolver can be asked about {}: {error}",
            place.zone, place.name
        ))
        .hint("let this machine ask name servers (port 53), or name another resolver with --resolver")
    })?;
    Ok(vec![ShownTexts {
        server: "the resolver".to_owned(),
        texts,
    }])
}
