//! Whether the next run continues an order that this one has kept. It is only announced if it is certain.

use std::collections::BTreeSet;

use super::{
    failure::{Next, TargetError},
    issue_target::Replaced,
    journal::{Entry, Journal},
    run::Run,
    store::Destination,
};
use crate::{
    apply::secret::{self, Target as Present},
    error::Diagnose,
    name::Name,
    plan::{Names, Target, target::names_of},
};

impl Run {
    /// The error of an order that is kept, extended by what the next run does with it.
    pub(super) async fn kept(
        &self,
        error: TargetError,
        target: &Target,
        before: &Present,
        options: &secret::Options,
        journal: &Journal,
    ) -> TargetError {
        // A run that has taken over has the order too, and a certificate that was refused once is refused again.
        if error.is_taken()
            || matches!(
                error,
                TargetError::Pair(_) | TargetError::Older { .. } | TargetError::Defect(_)
            )
        {
            return error;
        }
        let entry = journal.entry().await;
        if entry.order.is_none() {
            return error;
        }
        let now = match (&self.parts.destination, &error) {
            (Destination::Cluster(api), TargetError::Changed(key)) => Present::read(api, key).await.ok(),
            _ => None,
        };
        match self.next(target, before, now.as_ref(), options, &entry) {
            Some(next) => TargetError::Kept {
                error: Box::new(error),
                next,
            },
            None => error,
        }
    }

    /// What the same command does, if it arrives at the same order. `now` is the present state of the Secret, if it was
    /// changed.
    fn next(
        &self,
        target: &Target,
        before: &Present,
        now: Option<&Present>,
        options: &secret::Options,
        entry: &Entry,
    ) -> Option<Next> {
        let present = now.unwrap_or(before);
        let (names_before, names_now) = (names(before, options), names(present, options));
        let order = if names_before == names_now {
            target.names.order.clone()
        } else if target.uses.is_empty() {
            // What else the user asked for is not known here.
            return None;
        } else {
            let hosts = target.uses.iter().flat_map(|used| &used.hosts);
            Names::join(hosts.map(|(host, _)| host.as_str()), names_now, false).order
        };
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        let kind = self.parts.options.key_kind;
        let kind = kind.or_else(|| Replaced::of(present, &options.slots)?.kind());
        if order != entry.names || kind.is_some_and(|kind| kind.as_str() != entry.key_type) {
            return None;
        }
        Some(if self.parts.options.rehearsal {
            Next::GoesOn
        } else {
            match secret::may_be_written(present, options) {
                Ok(()) => Next::GoesOn,
                Err(refusal) => Next::Refused {
                    hint: refusal.hint(),
                    why: refusal.to_string(),
                },
            }
        })
    }
}

fn names(present: &Present, options: &secret::Options) -> BTreeSet<Name> {
    let parsed = present.held(&options.slots);
    let leaf = parsed.as_ref().and_then(|parsed| parsed.bundle.leaf());
    leaf.map(|leaf| names_of(leaf)).into_iter().flatten().collect()
}
