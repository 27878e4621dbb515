//! What the names policy leaves of the names of a certificate.

use super::{Asked, Hold};
use crate::{
    inventory::{Inventory, NameDenied, Stored},
    name::Name,
    plan::{
        names::Names,
        target::{Target, is_counted, names_of},
    },
    policy::NamesRule,
    text::first_few,
};

/// The kind of the key of a new certificate, where the settings name none.
const USUAL_KEY: &str = "ecdsa-p256";

/// What the names policy says of a Secret that gets a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The names that routes ask for and that are left out, with the reason.
    pub denied: Option<String>,
    /// How many certificates its namespace may order anew within a day.
    pub orders_a_day: Option<usize>,
}

/// Leaves what the names policy does not permit out of the names of a target. Returns what it says of the rest, and the rule
/// that holds the first name that is left out.
pub(super) fn bounded(
    inventory: &Inventory,
    target: &mut Target,
    declared: &[String],
    asked: &Asked,
) -> (Bounds, Option<Hold>) {
    let mut bounds = Bounds::default();
    let Some(policy) = inventory.policy() else {
        return (bounds, None);
    };
    let stored = inventory.secrets().get(&target.secret);
    let mut terms = asked.terms.clone();
    if terms.key_type.is_empty() {
        let leaf = stored.and_then(Stored::leaf);
        terms.key_type = leaf.map_or_else(|| USUAL_KEY.to_owned(), |leaf| leaf.key.to_string());
    }
    let (mut permitted, mut denied): (Vec<String>, Vec<NameDenied>) = (Vec::new(), Vec::new());
    let mut limit = |rule: Option<&NamesRule>| {
        let of_rule = rule.and_then(|rule| rule.orders_a_day);
        bounds.orders_a_day = bounds.orders_a_day.into_iter().chain(of_rule).min();
    };
    let ids = inventory.bindings_of_secret(&target.secret).iter();
    for binding in ids.filter_map(|id| inventory.bindings().get(*id)) {
        if !is_counted(binding, stored) {
            continue;
        }
        match inventory.name_permitted(binding, &terms) {
            Ok(rule) => {
                limit(rule);
                permitted.push(binding.host.to_string());
            }
            Err(one) => denied.push(*one),
        }
    }
    let namespace = &target.secret.namespace;
    let may = |name: &Name| inventory.permitted(policy, namespace, &name.to_string(), Some(&terms));
    for name in declared.iter().filter_map(|name| name.parse::<Name>().ok()) {
        match inventory.declared_permitted(namespace, &name.to_string().into(), &terms) {
            Ok(rule) => {
                limit(rule);
                permitted.push(name.to_string());
            }
            Err(one) => denied.push(*one),
        }
    }
    // A wildcard of the present certificate would stay for the sake of a host below it: whoever put it there, it is permitted or goes.
    let held: Vec<Name> = stored.and_then(Stored::leaf).into_iter().flat_map(names_of).collect();
    let kept = held.iter().filter(|name| may(name).is_ok()).cloned();
    let impossible = std::mem::take(&mut target.names.impossible);
    let mut names = Names::join(permitted.iter().map(String::as_str), kept, true);
    // What it serves by such a wildcard is not new, so that it is renewed in its time.
    let is_served = |name: &&Name| held.iter().any(|has| has.covers(name));
    names.present = names.order.iter().filter(is_served).cloned().collect();
    names.impossible = impossible;
    target.names = names;
    let words: Vec<String> = denied.iter().map(|one| format!("{}: {one}", one.host)).collect();
    bounds.denied = (!words.is_empty()).then(|| first_few(&words));
    (bounds, denied.into_iter().next().map(Hold::from))
}
