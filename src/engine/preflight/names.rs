//! Checks the names of an order, as far as they can be judged without a request.

use crate::{
    acme::Issuer,
    engine::issue_target::orderable,
    error::Blame,
    plan::{
        Target,
        ca::Ca,
        preflight::{Check, Topic},
    },
};

/// Checks whether the CA accepts so many names, and each of them.
pub(super) fn names(target: &Target, issuer: &Issuer, ca: &Ca) -> Vec<Check> {
    if let Err(error) = orderable(target, issuer) {
        return vec![Check::because(Topic::Names, &error)];
    }
    let all: Vec<String> = target.names.order.iter().map(ToString::to_string).collect();
    let message = match all.as_slice() {
        [a] => a.clone(),
        [a, b] => format!("{a}, {b}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more", rest.len()),
        [] => String::new(),
    };
    let refused = target.names.order.iter().filter_map(|name| {
        let (message, hint) = ca.refuses(name, issuer.profile.as_deref())?;
        let check = Check::fails(Topic::Names, Blame::Acme, message).of(name.to_string());
        Some(check.hint(Some(hint)))
    });
    let refused: Vec<Check> = refused.collect();
    if refused.is_empty() {
        vec![Check::ok(Topic::Names, message)]
    } else {
        refused
    }
}
