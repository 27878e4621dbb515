//! `GET /v1/certificate?server_name=`: the pair of a host, as Caddy's `get_certificate http` asks for it.
//!
//! The contract is the one of `HTTPCertGetter` (Caddy v2.10, modules/caddytls/certmanagers.go): the query has `server_name`,
//! and `signature_schemes` and `cipher_suites` as lists of hexadecimal numbers; 200 has the chain and the private key in PEM, in
//! any order; 204 says that the host is not managed here, and any other status that there is no certificate now. Caddy keeps no
//! answer (certmagic, handshake.go, `getCertFromAnyCertManager`) and sends no header that is not in the URL.

use std::sync::Arc;

use axum::{
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};

use super::{Shared, answer::Answer, problem::Problem, tls::Peer};
use crate::{domain::Host, text::url::query_fields};

/// What a chain with its key is called.
const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file");

/// The pair of a host. Other fields of the query are for other answers: there is one certificate for each host.
pub(super) async fn certificate(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        may_have_pairs(&shared, &peer, &headers).await?;
        let fields = query_fields(uri.query().unwrap_or_default());
        let fields = fields.ok_or_else(|| Problem::request("The query is not UTF-8."))?;
        let name = fields.into_iter().find(|(name, _)| name == "server_name");
        let (_, name) = name.ok_or_else(|| Problem::request("The query has no server_name."))?;
        if name.is_empty() {
            // A client that names no server: there is none for it here.
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let host = Host::parse(&name, &shared.options.platform)?;
        match shared.source.pair(host, peer.address).await {
            Answer::Pair(body) => {
                let headers = [
                    (header::CONTENT_TYPE, PEM),
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                ];
                Ok((headers, body.bytes()).into_response())
            }
            Answer::NotOurs => Ok(StatusCode::NO_CONTENT.into_response()),
            Answer::Busy => Err(Problem::busy()),
            Answer::NotYet(why) => Err(why.into()),
            Answer::Failed => Err(Problem::unavailable()),
        }
    };
    answered.await.unwrap_or_else(Problem::into_response)
}

async fn may_have_pairs(shared: &Shared, peer: &Peer, headers: &HeaderMap) -> Result<(), Problem> {
    let caller = shared.caller(peer, headers).await?;
    let next = "Ask whoever runs the platform: the settings say who gets certificates.";
    if !caller.may_have_pairs {
        let reason = "This caller gets no certificates, because private keys are with them.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", reason, next));
    }
    if !peer.is_private {
        let reason = "Private keys are sent over TLS alone.";
        let next = "Give the server a certificate in the settings, and ask by https.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "needsTls", reason, next));
    }
    Ok(())
}
