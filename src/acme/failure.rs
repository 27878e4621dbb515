//! Why there was no answer: from the HTTP client's errors to ours.

use std::{error::Error, io};

use rustls::{CertificateError, pki_types::UnixTime};

use super::{
    error::{AcmeError, shown},
    http::Limits,
    reach::NotResolved,
};
use crate::{clock, object::Seconds};

/// What a request failed of, to this URL.
pub(super) fn of(url: &str, error: reqwest::Error, limits: &Limits) -> AcmeError {
    let url = shown(url);
    if error.is_timeout() {
        let after = if error.is_connect() {
            limits.connect()
        } else {
            limits.request
        };
        return AcmeError::TimedOut { url, after };
    }
    if let Some(unresolved) = NotResolved::within(&error) {
        return AcmeError::Unresolved {
            url,
            reason: crate::text::clear(&unresolved.to_string()).into_owned(),
        };
    }
    if let Some(problem) = certificate_error(&error)
        && let Some(outdated) = outdated(&url, problem)
    {
        return outdated;
    }
    let connected = !error.is_connect();
    let reason = chain(error);
    if connected {
        AcmeError::Broken { url, reason }
    } else {
        AcmeError::Unreachable { url, reason }
    }
}

/// Whether a proxy has made no connection.
pub(super) fn is_of_proxy(error: &reqwest::Error) -> bool {
    let words = crate::error::chain(error);
    words.contains("tunnel error") || words.contains("SOCKS")
}

/// An error with its causes, cleared; without the URL, which our own errors name.
pub(super) fn chain(error: reqwest::Error) -> String {
    let text = crate::error::chain(&error.without_url());
    crate::text::clear(&text).into_owned()
}

/// What rustls says of the server's certificate, where an error comes from that.
fn certificate_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(problem)) = error.downcast_ref() {
            return Some(problem);
        }
        // What an I/O error was made of is not its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map_or_else(|| error.source(), |inner| Some(inner));
    }
    None
}

/// A certificate outside of its time, by this machine's clock.
fn outdated(url: &str, problem: &CertificateError) -> Option<AcmeError> {
    let seconds = |time: &UnixTime| Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX);
    let (words, at, now) = match problem {
        CertificateError::ExpiredContext { time, not_after } => ("has expired: it was valid until", not_after, time),
        CertificateError::NotValidYetContext { time, not_before } => {
            ("is not valid yet: it is valid from", not_before, time)
        }
        CertificateError::Expired => return Some(undated(url, "has expired")),
        CertificateError::NotValidYet => return Some(undated(url, "is not valid yet")),
        _ => return None,
    };
    Some(AcmeError::Outdated {
        url: url.to_owned(),
        words: format!("{words} {}", crate::text::date_time(seconds(at))),
        now: seconds(now),
    })
}

fn undated(url: &str, words: &str) -> AcmeError {
    AcmeError::Outdated {
        url: url.to_owned(),
        words: words.to_owned(),
        now: clock::now(),
    }
}

#[cfg(test)]
mod tests;
