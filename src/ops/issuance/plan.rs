//! What an issuance is about to do, as it is shown before anybody agrees to it.

use std::collections::{BTreeMap, BTreeSet};

use super::Issuance;
use crate::{
    acme,
    engine::{
        foreseen::Obstacle,
        prepare::{Prepared, Preparing},
    },
    name::Name,
    object::Key,
    ops::foreseen,
    plan::{
        MANY_ORDERS, Plan, Stage, Target,
        limits::{OrderKind, effect},
        steps::Step,
    },
    text::{counted, first_few},
};

impl Issuance<'_> {
    /// Everything that would be done, for whoever is asked.
    pub(super) fn plan(
        &self,
        preparing: &Preparing<'_>,
        prepared: &Prepared,
        said: &[String],
        obstacles: &[Obstacle],
    ) -> Plan {
        let targets = preparing.targets;
        let chosen = &self.settings.chosen;
        let stage = match (chosen.rehearsal, chosen.issuer.stage) {
            (true, _) => Stage::Rehearsal,
            (false, acme::Stage::Staging) => Stage::Staging,
            (false, acme::Stage::Production | acme::Stage::Own) => Stage::Production,
        };
        let edits = edits(preparing, prepared);
        Plan {
            issuer: chosen.issuer.name.clone(),
            stage: Some(stage),
            targets: steps(preparing, prepared, targets),
            left_out: self.left_out.clone(),
            limits: self.limits(targets),
            place: self.connection().and_then(|_| self.context.place()),
            question: self.question(targets, edits.is_some()),
            number: self.number(targets.len()),
            notes: said.iter().cloned().chain(edits).collect(),
            left: self.left.iter().map(ToString::to_string).collect(),
            refusals: foreseen::refusals(obstacles),
            refused: foreseen::refused(obstacles, targets),
            command: None,
        }
    }

    /// The effect on the limits of the CA, as far as the certificates of the cluster show it.
    fn limits(&self, targets: &[Target]) -> Vec<String> {
        let chosen = &self.settings.chosen;
        let Some(limits) = &chosen.limits else {
            return vec![format!("{}'s are not known", chosen.issuer.name)];
        };
        let seen = super::seen(self.inventory(), self.settings);
        let orders: Vec<(&[Name], OrderKind)> = targets
            .iter()
            .map(|target| {
                let names = target.names.order.as_slice();
                (names, OrderKind::of(limits, seen.knows(names), false))
            })
            .collect();
        effect(limits, &[seen.buckets()], &orders, crate::clock::now())
    }

    /// What is asked: of a rehearsal only where it touches what serves traffic.
    fn question(&self, targets: &[Target], edits: bool) -> Option<String> {
        let name = &self.settings.chosen.issuer.name;
        match targets {
            _ if self.settings.chosen.rehearsal => edits.then(|| "Continue?".to_owned()),
            [] => None,
            [one] if one.held.is_none() => Some(format!("Order a certificate for Secret {} from {name}?", one.secret)),
            [one] => Some(format!("Renew Secret {} with {name}?", one.secret)),
            more => Some(format!("Renew {} Secrets with {name}?", more.len())),
        }
    }

    /// How many orders it is, where that is too many for a yes.
    fn number(&self, count: usize) -> Option<usize> {
        let chosen = &self.settings.chosen;
        let counts = !chosen.rehearsal && chosen.issuer.stage != acme::Stage::Staging && !self.is_bounded;
        (counts && count > MANY_ORDERS).then_some(count)
    }
}

/// Each Secret with its steps.
pub(super) fn steps(preparing: &Preparing<'_>, prepared: &Prepared, targets: &[Target]) -> Vec<(Key, Vec<Step>)> {
    let steps = |target: &Target| (target.secret.clone(), preparing.steps(target, prepared));
    targets.iter().map(steps).collect()
}

/// That live Ingresses are edited for a moment, where they are.
pub(super) fn edits(preparing: &Preparing<'_>, prepared: &Prepared) -> Option<String> {
    let edited: Vec<Key> = prepared.edited(preparing).into_iter().collect();
    let which = if edited.len() == 1 { "Ingress" } else { "Ingresses" };
    (!edited.is_empty()).then(|| {
        format!(
            "live {which} {} edited for a moment: a path for each challenge is added, then removed",
            match edited.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", first_few(several)),
            }
        )
    })
}

/// The names that are ordered although no route has them any more, where there are any.
pub(super) fn unrouted(targets: &[Target]) -> Option<String> {
    let names: BTreeSet<String> = targets
        .iter()
        .flat_map(|target| target.names.unrouted.iter().map(ToString::to_string))
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let (have, it) = if names.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    (!names.is_empty()).then(|| {
        format!(
            "{} {have} ordered that no route has any more: {}; --only-route-hosts leaves {it} out",
            counted(names.len(), "name"),
            first_few(&names)
        )
    })
}

/// The changes of CA among targets, a line for each pair of CAs.
pub(super) fn ca_changes(targets: &[Target]) -> Vec<String> {
    let mut changes: BTreeMap<&(String, String), Vec<&Key>> = BTreeMap::new();
    for target in targets {
        if let Some(change) = &target.changes_ca {
            changes.entry(change).or_default().push(&target.secret);
        }
    }
    let line = |((from, to), secrets): (&(String, String), Vec<&Key>)| {
        format!("CA changes: {from} → {to} ({})", first_few(&secrets))
    };
    changes.into_iter().map(line).collect()
}
