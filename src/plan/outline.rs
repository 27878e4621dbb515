//! What a run is about to do, as it is shown to whoever is asked.

use super::steps::Step;
use crate::{object::Key, text::CommandLine};

/// What a certificate that is ordered is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing that serves traffic is changed.
    Rehearsal,
    /// No client trusts it, and it is stored.
    Staging,
    /// Clients trust it, or it is of a CA of the user's own; or nothing is ordered, and what serves traffic is changed.
    Production,
}

impl Stage {
    /// The badge of the header.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Rehearsal => "REHEARSAL",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// Something that an order in earnest would refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// `would be refused: ...`.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

/// How many of a plan's Secrets an order in earnest would refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// Nothing would be ordered for so many.
    pub whole: usize,
    /// So many would be issued without some of their names.
    pub partly: usize,
}

/// What a run is about to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The issuer's name.
    pub issuer: String,
    /// What its certificates are good for, and whether they are stored; `None` where none is ordered.
    pub stage: Option<Stage>,
    /// The Secrets, each with its steps in their order.
    pub targets: Vec<(Key, Vec<Step>)>,
    /// What could be meant and is left out, each counted: `2 certificates not due yet`.
    pub left_out: Vec<String>,
    /// What it does to the CA's rate limits, a line each.
    pub limits: Vec<String>,
    /// What else the user should know before.
    pub notes: Vec<String>,
    /// What was named too and is refused, a line each.
    pub left: Vec<String>,
    /// What an order in earnest would refuse.
    pub refusals: Vec<Refusal>,
    /// For how many of the Secrets that is.
    pub refused: Refused,
    /// Which cluster is changed: `context prod-eu`; `None` where none is.
    pub place: Option<String>,
    /// What is asked: `Renew Secret shop/web-tls with letsencrypt?`; `None` where nothing that serves traffic is touched.
    pub question: Option<String>,
    /// How many orders it is where that is so many that the number has to be said.
    pub number: Option<usize>,
    /// The command line that does the same, where it is known only now.
    pub command: Option<CommandLine>,
}
