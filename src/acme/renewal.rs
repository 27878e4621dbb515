//! Renewal information (ARI, RFC 9773): when the CA wants a certificate to be renewed.

use std::fmt;

use serde::Deserialize;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use super::{client::Acme, error::AcmeError, http::HttpAnswer, jws::base64url, lenient::or_default};
use crate::{
    object::Seconds,
    text::{parse_time, time},
};

/// What the CA knows a certificate by: its issuer's key and its serial number (RFC 9773, section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertId(String);

impl CertId {
    /// The id of a certificate (DER); `None` when it cannot be read, or names no key of its issuer.
    pub fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let issuer = certificate
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref(),
                _ => None,
            })?;
        Some(Self::new(issuer.0, certificate.raw_serial()))
    }

    /// The id by the bytes of the authority key identifier's keyIdentifier and those of the serial number, the most
    /// significant first.
    pub fn new(authority_key_id: &[u8], serial: &[u8]) -> Self {
        let zeros = serial.iter().take_while(|byte| **byte == 0).count();
        let mut bytes = serial.get(zeros..).unwrap_or_default().to_vec();
        // DER's INTEGER: a number that would look negative has a zero before it.
        if bytes.first().is_none_or(|first| *first >= 0x80) {
            bytes.insert(0, 0);
        }
        Self(format!("{}.{}", base64url(authority_key_id), base64url(bytes)))
    }

    /// The id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When the CA wants a certificate to be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalInfo {
    /// The start of the window.
    pub start: Seconds,
    /// Its end, later than the start.
    pub end: Seconds,
    /// A page that says why, during an incident for example. Not cleared.
    pub explanation_url: Option<String>,
    /// How long to wait before asking again, in seconds: 1 minute to 1 day, 6 hours where the CA says nothing.
    pub retry_after: Seconds,
}

impl RenewalInfo {
    /// The moment in the window that `seed` stands for; see [`moment`].
    pub fn moment(&self, seed: u64) -> Seconds {
        moment(self.start, self.end, seed)
    }

    /// Whether the window is open at a moment: a renewal within it may count towards no limit (RFC 9773, section 5).
    pub fn is_open(&self, now: Seconds) -> bool {
        self.start <= now && now <= self.end
    }

    fn of(answer: &HttpAnswer) -> Result<Self, AcmeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            suggested_window: Window,
            #[serde(default, rename = "explanationURL", deserialize_with = "or_default")]
            explanation_url: Option<String>,
        }
        #[derive(Deserialize)]
        struct Window {
            start: String,
            end: String,
        }
        let raw: Raw = answer.json()?;
        let (start, end) = (
            parse_time(&raw.suggested_window.start),
            parse_time(&raw.suggested_window.end),
        );
        // RFC 9773, section 4.2: a window that ends before it starts is no information.
        let window = start.zip(end).filter(|(start, end)| start < end);
        let Some((start, end)) = window else {
            return Err(AcmeError::malformed(&answer.url, "its window is not one"));
        };
        let wait = answer
            .retry_after
            .and_then(|wait| Seconds::try_from(wait.as_secs()).ok());
        Ok(Self {
            start,
            end,
            explanation_url: raw.explanation_url,
            retry_after: wait.unwrap_or(6 * time::HOUR).clamp(time::MINUTE, time::DAY),
        })
    }
}

/// A moment in a window, as good as random for a random or hashed `seed`, and the same for the same one (RFC 9773,
/// section 4.2). A moment that has passed means now.
pub fn moment(start: Seconds, end: Seconds, seed: u64) -> Seconds {
    let length = end.saturating_sub(start).max(0).unsigned_abs().saturating_add(1);
    // SplitMix64's last step: neighbouring seeds fall far apart.
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    start.saturating_add_unsigned(mixed % length)
}

impl Acme {
    /// Asks when a certificate is to be renewed. Needs no account. Fails with [`AcmeError::NotOffered`] at a CA that
    /// has no renewal information, and with [`AcmeError::Refused`] for a certificate that is not its own.
    pub async fn renewal_info(&self, certificate: &CertId) -> Result<RenewalInfo, AcmeError> {
        let Some(base) = &self.directory().renewal_info else {
            return Err(AcmeError::NotOffered("renewal information (ARI)"));
        };
        let url = format!("{}/{certificate}", base.trim_end_matches('/'));
        RenewalInfo::of(&self.http().get(&url).await?)
    }
}

#[cfg(test)]
mod tests;
