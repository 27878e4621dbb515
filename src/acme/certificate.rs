//! The certificate of an order, and the chain that is wanted (RFC 8555, sections 7.4.2 and 9.1).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{client::Client, engine::Ask, error::AcmeError, http::HttpAnswer};
use crate::x509::pem;

/// The most alternate chains that are fetched.
const ALTERNATES: usize = 8;

/// A certificate with its chain, as the CA sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// All certificates in PEM, the leaf first; written anew, so that nothing else is in it.
    pub pem: String,
    /// The same in DER.
    pub certificates: Vec<Vec<u8>>,
    /// How many other chains the CA offers.
    pub alternates: usize,
    /// Who issued the last certificate: the root's common name, where the root is left out as usual.
    pub issuer: String,
    /// Whether a chain was preferred, and none is as wanted: this is the CA's first one then.
    pub preference_missed: bool,
    /// Why the first of the other chains could not be had that could not be, if the wanted one may be among them.
    pub unread: Option<AcmeError>,
}

/// A chain, and the issuers of its certificates in short, from the leaf on.
struct ChainRead {
    certificates: Vec<Vec<u8>>,
    issuers: Vec<String>,
}

impl ChainRead {
    /// RFC 8555, section 9.1: nothing but certificates is taken.
    fn of(answer: &HttpAnswer) -> Result<Self, AcmeError> {
        let wrong = |reason: String| AcmeError::malformed(&answer.url, reason);
        let (mut certificates, mut issuers) = (Vec::new(), Vec::new());
        for block in pem::blocks(&answer.body) {
            if !block.is_certificate() {
                return Err(wrong(format!("{} in it is not a certificate", ordinal(block.position))));
            }
            if certificates.len() == pem::COUNT_CAP {
                return Err(wrong("there are too many certificates in it".to_owned()));
            }
            let unreadable =
                |reason: String| wrong(format!("{} in it cannot be read: {reason}", ordinal(block.position)));
            let der = block
                .decode(pem::CERTIFICATE_CAP)
                .map_err(|error| unreadable(error.to_string()))?;
            let issuer = issuer_of(&der).ok_or_else(|| unreadable("it is not a certificate".to_owned()))?;
            issuers.push(issuer);
            certificates.push(der);
        }
        if certificates.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
        Ok(Self { certificates, issuers })
    }

    fn ends_at(&self, name: &str) -> bool {
        self.issuers.last().is_some_and(|issuer| issuer == name)
    }

    fn into_chain(self, alternates: usize, preference_missed: bool, unread: Option<AcmeError>) -> Chain {
        Chain {
            pem: self.certificates.iter().map(|der| pem_of(der)).collect(),
            alternates,
            issuer: self.issuers.last().cloned().unwrap_or_default(),
            certificates: self.certificates,
            preference_missed,
            unread,
        }
    }
}

/// The common name of who issued a certificate, or all of the name when there is none.
fn issuer_of(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let issuer = certificate.issuer();
    let common = issuer.iter_common_name().last().and_then(|name| name.as_str().ok());
    Some(common.map_or_else(|| issuer.to_string(), str::to_owned))
}

fn ordinal(position: usize) -> String {
    format!("block {}", position + 1)
}

fn pem_of(der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let mut text = String::with_capacity(body.len() + body.len() / 64 + 64);
    text.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

impl Client {
    /// Downloads a certificate with its chain. `preferred` is the common name of the issuer at the end of the chain
    /// that is wanted (a root, such as `ISRG Root X1`); then the alternates are looked at too, and the first that fits
    /// is taken. When none ends there, one in which any certificate was issued by it is; when there is none, the CA's
    /// first one. An alternate that cannot be had is passed over: the certificate is there.
    pub async fn certificate(&self, url: &str, preferred: Option<&str>) -> Result<Chain, AcmeError> {
        let answer = self.ask(&Ask::Read(url)).await?;
        let first = ChainRead::of(&answer)?;
        let links = answer.links.iter().filter(|(relation, _)| relation == "alternate");
        let others: Vec<&str> = links.map(|(_, url)| url.as_str()).collect();
        let Some(name) = preferred else {
            return Ok(first.into_chain(others.len(), false, None));
        };
        let (mut chains, mut unread) = (vec![first], None);
        for url in others.iter().take(ALTERNATES) {
            if chains.last().is_some_and(|chain| chain.ends_at(name)) {
                break;
            }
            let answer = self.ask(&Ask::Read(url)).await;
            match answer.and_then(|answer| ChainRead::of(&answer)) {
                Ok(chain) => chains.push(chain),
                Err(error) => unread = unread.or(Some(error)),
            }
        }
        let ends = chains.iter().position(|chain| chain.ends_at(name));
        let through = || {
            chains
                .iter()
                .position(|chain| chain.issuers.iter().any(|issuer| issuer == name))
        };
        let found = ends.or_else(through);
        let unread = unread.filter(|_| ends.is_none());
        Ok(chains
            .swap_remove(found.unwrap_or(0))
            .into_chain(others.len(), found.is_none(), unread))
    }
}

#[cfg(test)]
mod tests;
