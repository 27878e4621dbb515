//! Secrets that were named with others and are refused: they are left out, and the others are renewed.

use std::{collections::BTreeSet, fmt, time::Duration};

use crate::text::counted;
use crate::{
    engine::{failure::TargetError, run::Outcome},
    event::{EventKind, Teller},
    plan::Target,
};

use super::{Front, OpError};

/// One that is left out.
#[derive(Debug, Clone)]
pub(super) struct Left {
    target: Target,
    /// Why.
    what: String,
    /// What to do.
    hint: Option<String>,
}

impl Left {
    pub(super) fn new(target: &Target, what: String, hint: Option<String>) -> Self {
        Self {
            target: target.clone(),
            what,
            hint,
        }
    }

    /// For the summary.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome {
            secret: self.target.secret.clone(),
            names: self.target.names.order.clone(),
            changes_ca: None,
            first: false,
            result: Err(TargetError::NotOurs {
                message: self.what.clone(),
                hint: self.hint.clone(),
            }),
            took: Duration::ZERO,
            aftermath: None,
        }
    }

    /// For whoever follows the run.
    pub(super) fn tell(&self, tell: &Teller) {
        tell.about(self.target.secret.clone()).tell(EventKind::Failed {
            error: self.what.clone(),
            hint: self.hint.clone(),
        });
    }
}

impl fmt::Display for Left {
    /// A line of a plan. Not cleared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "left out: {}", self.what)
    }
}

/// Tells them before anything is asked, with how many they are and what to do.
pub(super) fn tell(left: &[Left], front: &dyn Front) {
    if left.is_empty() {
        return;
    }
    front.note(&format!("{} left out of this run", counted(left.len(), "Secret")));
    let mut hints = BTreeSet::new();
    for one in left {
        front.note(&one.to_string());
        if let Some(hint) = one.hint.as_deref().filter(|hint| hints.insert(*hint)) {
            front.hint(hint);
        }
    }
}

/// The failure that they come to where nothing else was named.
pub(super) fn failure(left: &[Left]) -> OpError {
    let Some(first) = left.first() else {
        return OpError::usage("nothing was renewed");
    };
    let more = match left.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    OpError::usage(format!("{}{more}", first.what)).hint_if(first.hint.clone())
}
