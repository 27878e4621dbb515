//! A plan in the form in which it is shown to the user before consent.

use super::steps::Step;
use crate::{object::Key, text::CommandLine};

/// The effect of a certificate that is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing that serves traffic is changed.
    Rehearsal,
    /// The certificate is stored, but no client trusts it.
    Staging,
    /// Clients trust the certificate, or it comes from the user's own CA. Also if nothing is ordered, but what serves
    /// traffic is changed.
    Production,
}

impl Stage {
    /// The badge in the header.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Rehearsal => "REHEARSAL",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// Something that a production order would refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The message: `would be refused: ...`.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

/// How many of a plan's Secrets a production order would refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// For how many Secrets nothing would be ordered.
    pub whole: usize,
    /// How many certificates would be issued without some of their names.
    pub partly: usize,
}

/// What a run will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The name of the issuer.
    pub issuer: String,
    /// The effect of its certificates; `None` if none is ordered.
    pub stage: Option<Stage>,
    /// The Secrets, each with its steps in order.
    pub targets: Vec<(Key, Vec<Step>)>,
    /// Secrets that are left out, with their number and the reason: `2 certificates not due yet`.
    pub left_out: Vec<String>,
    /// The effect on the CA's rate limits, one line each.
    pub limits: Vec<String>,
    /// Notes that the user should see before consent.
    pub notes: Vec<String>,
    /// Secrets that were named too and are refused, one line each.
    pub left: Vec<String>,
    /// What a production order would refuse.
    pub refusals: Vec<Refusal>,
    /// For how many of the Secrets.
    pub refused: Refused,
    /// The cluster that is changed: `context prod-eu`; `None` if none is.
    pub place: Option<String>,
    /// The question to the user: `Renew Secret shop/web-tls with letsencrypt?`; `None` if nothing that serves traffic
    /// is changed.
    pub question: Option<String>,
    /// The number of orders, if it is so large that the user has to confirm it.
    pub number: Option<usize>,
    /// The command line that does the same, if it is only known now.
    pub command: Option<CommandLine>,
}
