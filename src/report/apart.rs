//! What a report is not about: rows that were not chosen, kinds that are not read. A report says so, as it would look like all
//! being well otherwise.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{check::Reason, object::NotJudged};

/// What was left out of a report because it was not chosen (`--reason`, `--min-severity`, `--filter`, `--between`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
pub struct LeftOut {
    /// Items.
    pub items: usize,
    /// Findings of the items that are listed.
    pub findings: usize,
}

impl LeftOut {
    /// Whether nothing was left out.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A finding that was there when a report was saved, and is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// What had it: `shop: ingress/web: shop.example`. Not cleared.
    pub subject: String,
    /// Its reason.
    pub reason: Reason,
}

/// What a report is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// When the saved report was made, as it says itself. Not cleared.
    pub evaluated_at: String,
    /// How many rows have nothing new.
    pub as_before: usize,
    /// What is gone.
    pub gone: Vec<Gone>,
}

/// What a report is not about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Apart<'a> {
    /// What was not chosen.
    pub left_out: LeftOut,
    /// The flag that chose among the routes before any was read, so that nobody knows how many it left out.
    pub routes_chosen_by: Option<&'a str>,
    /// What carries certificates and is not read.
    pub not_judged: &'a [NotJudged],
    /// What was there before, where only what is new is shown.
    pub since: Option<&'a Since>,
    /// Whether no Secret was read by choice, so that what is stored and not served is not seen.
    pub secrets_left_out: bool,
}

impl Apart<'_> {
    /// Whether Secrets were read, as documents have it.
    pub(super) fn secrets_read(&self) -> bool {
        !self.secrets_left_out
    }

    /// The kinds that are not read, as documents have them.
    pub(super) fn kinds(&self) -> Vec<KindItem<'_>> {
        let item = |found: &'_ NotJudged| KindItem {
            api_version: found.api_version.to_string(),
            kind: found.carrier.kind,
            count: found.count,
            serves_hosts: found.carrier.serves,
        };
        self.not_judged.iter().map(item).collect()
    }

    /// What it is compared with, as documents have it.
    pub(super) fn since_item(&self) -> Option<SinceItem<'_>> {
        let gone = |gone: &'_ Gone| GoneItem {
            subject: gone.subject.clone(),
            reason: gone.reason.as_str(),
        };
        self.since.map(|since| SinceItem {
            evaluated_at: &since.evaluated_at,
            as_before: since.as_before,
            gone: since.gone.iter().map(gone).collect(),
        })
    }
}

/// What a report is compared with.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
#[serde(rename_all = "camelCase")]
pub(super) struct SinceItem<'a> {
    /// As the saved report says.
    evaluated_at: &'a str,
    /// The number of items without new findings.
    as_before: usize,
    /// Findings that no longer exist.
    gone: Vec<GoneItem>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), inline))]
struct GoneItem {
    subject: String,
    #[cfg_attr(test, schemars(with = "super::schema::ReasonName"))]
    reason: &'static str,
}

/// One kind that is not read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("additionalProperties" = false), rename = "notJudged"))]
#[serde(rename_all = "camelCase")]
pub(super) struct KindItem<'a> {
    /// The group and version in which they were found.
    api_version: String,
    /// Their kind.
    kind: &'a str,
    /// Their number; null if they could not be counted.
    count: Option<u64>,
    /// Whether hosts are served with their certificates: --strict fails for these.
    serves_hosts: bool,
}

/// What is not seen where no Secret was read by choice.
pub const SECRETS_LEFT_OUT: &str =
    "no Secret was read (--no-secrets): certificates that are stored and not served are not seen";

/// One line about what is there and is not judged; `None` where there is nothing. `tried` is whether somebody has tried to count it.
///
/// `not judged: 3 Route (route.openshift.io/v1), which are not read; ...`
pub fn not_judged(found: &[NotJudged], tried: bool) -> Option<String> {
    let uncounted = if tried { "; no list of them could be read" } else { "" };
    let mut out = String::new();
    for one in found.iter().filter(|one| one.count.is_some()) {
        let comma = if out.is_empty() { "" } else { ", " };
        let count = one.count.unwrap_or_default();
        let _ = write!(out, "{comma}{count} {} ({})", one.carrier.kind, one.api_version);
    }
    for one in found.iter().filter(|one| one.count.is_none()) {
        let comma = if out.is_empty() { "" } else { ", " };
        let _ = write!(out, "{comma}any {} ({}{uncounted})", one.carrier.kind, one.api_version);
    }
    if out.is_empty() {
        return None;
    }
    let next = if found.iter().any(|one| one.carrier.serves) {
        "; `kubectl certs show HOST:443` checks the certificate that one of their hosts serves"
    } else {
        ""
    };
    Some(format!("not checked, because these kinds are not read: {out}{next}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::carrier::carrier;

    #[test]
    fn what_is_not_judged_is_counted_by_kind_and_says_what_to_do() {
        let found = |api_version: &str, kind: &str, count| NotJudged {
            carrier: carrier(api_version, kind).expect("a carrier"),
            api_version: api_version.into(),
            count,
        };
        let policy = found("gateway.networking.k8s.io/v1", "BackendTLSPolicy", Some(2));
        let route = found("route.openshift.io/v1", "Route", Some(3));
        let gateway = found("networking.istio.io/v1", "Gateway", None);
        assert_eq!(not_judged(&[], true), None);
        assert_eq!(
            not_judged(&[found("networking.istio.io/v1", "Gateway", None)], false).as_deref(),
            Some(
                "not checked, because these kinds are not read: any Gateway (networking.istio.io/v1); `kubectl certs show HOST:443` \
                 checks the certificate that one of their hosts serves"
            )
        );
        assert_eq!(
            not_judged(std::slice::from_ref(&policy), true).as_deref(),
            Some("not checked, because these kinds are not read: 2 BackendTLSPolicy (gateway.networking.k8s.io/v1)")
        );
        assert_eq!(
            not_judged(&[gateway, route, policy], true).as_deref(),
            Some(
                "not checked, because these kinds are not read: 3 Route (route.openshift.io/v1), 2 BackendTLSPolicy \
                 (gateway.networking.k8s.io/v1), any Gateway (networking.istio.io/v1; no list of them could be read); \
                 `kubectl certs show HOST:443` checks the certificate that one of their hosts serves"
            )
        );
    }
}
