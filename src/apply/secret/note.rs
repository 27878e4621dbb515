//! The annotations for a Secret with a certificate. They contain only public facts.

use serde_json::{Map, Value};

use crate::{
    apply::{Pair, RunId, mark},
    object::{
        Seconds,
        annotation::{
            CLAIM, ISSUED_ACCOUNT as ACCOUNT, ISSUED_AT_DIRECTORY as DIRECTORY, ISSUED_KIND as KIND, RENEWAL_WINDOW,
            ROLLED_BACK,
        },
    },
    plan::limits::OrderKind,
    text::date_time,
    x509::Fingerprint,
};

pub use crate::object::annotation::{
    ISSUED_AT, ISSUED_BY, ISSUED_FROM as ISSUER, ISSUED_ORDER as ORDER, ISSUED_SHA256 as SHA256, REVOKED, STAGE,
};

/// The reason in an annotation for a revoked certificate, if it is about this one.
pub(in crate::apply) fn reason_of(annotation: &str, of: Fingerprint) -> Option<&str> {
    let (sha256, reason) = annotation.split_once(' ')?;
    (sha256 == of.to_string()).then_some(reason)
}

/// All annotations of this program on a Secret that stays.
pub(in crate::apply) const NOTED: [&str; 13] = [
    ACCOUNT,
    DIRECTORY,
    KIND,
    ISSUED_BY,
    ISSUED_AT,
    ISSUER,
    ORDER,
    SHA256,
    STAGE,
    mark::RUN,
    RENEWAL_WINDOW,
    REVOKED,
    ROLLED_BACK,
];

/// The origin of a certificate.
#[derive(Debug, Clone)]
pub struct Note {
    /// The id of the run.
    pub run: RunId,
    /// The name of the issuer.
    pub issuer: String,
    /// The URL of the directory.
    pub directory: String,
    /// The URL of the order.
    pub order: Option<String>,
    /// The URL of the account to which the certificate belongs.
    pub account: Option<String>,
    /// What the order counted towards, if it was counted.
    pub kind: Option<OrderKind>,
    /// When the certificate was written, in seconds since 1970.
    pub at: Seconds,
    /// The start and end of the renewal window (ARI).
    pub window: Option<(Seconds, Seconds)>,
    /// The installation that keeps the certificate renewed. Without one, the claim that is there stays.
    pub claim: Option<String>,
}

impl Note {
    /// The annotations as a patch. Null removes those of an earlier certificate.
    pub(super) fn annotations(&self, pair: &Pair, staging: bool) -> Map<String, Value> {
        let text = |value: String| Value::String(value);
        let window = self
            .window
            .map(|(start, end)| format!("{}/{}", date_time(start), date_time(end)));
        [
            (
                ISSUED_BY,
                text(format!("{} {}", mark::MANAGER, env!("CARGO_PKG_VERSION"))),
            ),
            (ISSUED_AT, text(date_time(self.at))),
            (ISSUER, text(self.issuer.clone())),
            (DIRECTORY, text(self.directory.clone())),
            (ORDER, self.order.clone().map_or(Value::Null, text)),
            (ACCOUNT, self.account.clone().map_or(Value::Null, text)),
            (
                KIND,
                self.kind.map_or(Value::Null, |kind| text(kind.as_str().to_owned())),
            ),
            (SHA256, text(pair.sha256().to_string())),
            (STAGE, if staging { text("staging".into()) } else { Value::Null }),
            (mark::RUN, text(self.run.to_string())),
            (RENEWAL_WINDOW, window.map_or(Value::Null, text)),
            (REVOKED, Value::Null),
            (ROLLED_BACK, Value::Null),
        ]
        .into_iter()
        .chain(self.claim.clone().map(|claim| (CLAIM, text(claim))))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}
