//! One line of the log for each request, as kubectl has them from `-v 6` on.

use std::{fmt::Display, time::Instant};

use http::{Method, StatusCode};

/// The target of these lines: they come at a level of their own.
const LOG: &str = "kubectl_certs::requests";

/// Parameters whose values are told; what another holds may be a token.
const TOLD: [&str; 12] = [
    "allowWatchBookmarks",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "force",
    "labelSelector",
    "limit",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "timeoutSeconds",
    "watch",
];

/// A request under way.
#[derive(Debug)]
pub(crate) struct PendingRequest {
    what: String,
    at: Instant,
}

impl PendingRequest {
    /// A request that is being sent to `url`. Its body and its headers are not told.
    pub(crate) fn new(method: &Method, url: impl Display) -> Self {
        if !log::log_enabled!(target: LOG, log::Level::Debug) {
            return Self {
                what: String::new(),
                at: Instant::now(),
            };
        }
        Self {
            what: what(method, &url.to_string()),
            at: Instant::now(),
        }
    }

    /// The beginning of the answer is there.
    pub(crate) fn answered(&self, status: StatusCode) {
        log::debug!(target: LOG, "{} {status} in {} milliseconds", self.what, self.at.elapsed().as_millis());
    }

    /// There is no answer.
    pub(crate) fn failed(&self, error: &dyn Display) {
        let error = error.to_string();
        let error = crate::text::clear(&error);
        let took = self.at.elapsed().as_millis();
        log::debug!(target: LOG, "{} failed after {took} milliseconds: {error}", self.what);
    }
}

/// The method and the URL, without what may be secret.
fn what(method: &Method, url: &str) -> String {
    let url = crate::text::without_user(url);
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url.as_ref(), None),
    };
    let mut what = format!("{method} {path}");
    for (number, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        what.push(if number == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if !TOLD.contains(&name) => {
                what.push_str(name);
                what.push_str("=...");
            }
            _ => what.push_str(parameter),
        }
    }
    crate::text::clear(&what).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_no_token_and_no_password() {
        let url =
            "https://alice:secret@10.0.0.1:6443/api/v1/secrets?limit=500&continue=eyJ2IjoibWV0&labelSelector=a%3Db";
        assert_eq!(
            what(&Method::GET, url),
            "GET https://10.0.0.1:6443/api/v1/secrets?limit=500&continue=...&labelSelector=a%3Db"
        );
    }
}
