//! The names of an order, as far as they can be judged without asking anybody.

use crate::{
    acme::{Issuer, Stage},
    engine::course::orderable,
    error::Exit,
    name::Name,
    plan::{
        Target,
        preflight::{Blame, Check, Topic},
    },
};

/// How many, whether the CA takes so many, and whether it takes each of them.
pub(super) fn names(target: &Target, issuer: &Issuer) -> Vec<Check> {
    if let Err(error) = orderable(target, issuer) {
        let blame = if error.exit() == Exit::Usage {
            Blame::Usage
        } else {
            Blame::Acme
        };
        return vec![Check::fails(Topic::Names, blame, error.to_string()).hint(error.hint())];
    }
    let all: Vec<String> = target.names.order.iter().map(ToString::to_string).collect();
    let message = match all.as_slice() {
        [a] => a.clone(),
        [a, b] => format!("{a}, {b}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more", rest.len()),
        [] => String::new(),
    };
    let mut checks = vec![Check::ok(Topic::Names, message)];
    if issuer.stage != Stage::Own {
        checks.extend(target.names.order.iter().filter_map(|name| of_public_ca(name, issuer)));
    }
    checks
}

/// Why Let's Encrypt does not issue for a name.
fn of_public_ca(name: &Name, issuer: &Issuer) -> Option<Check> {
    let fails = |message: String, hint: &str| {
        let check = Check::fails(Topic::Names, Blame::Acme, message).of(name.to_string());
        Some(check.hint(Some(hint)))
    };
    match name.base() {
        None if issuer.profile.as_deref() != Some("shortlived") => fails(
            "an IP address is certified only under the profile shortlived".to_owned(),
            "choose it with --profile shortlived",
        ),
        None => None,
        Some(base) => {
            let public = psl::suffix(base.as_bytes()).is_some_and(|suffix| suffix.is_known());
            if public {
                return None;
            }
            fails(
                format!("{} issues for public domains only, and this is not one", issuer.name),
                "issue it with a CA of your own: --issuer NAME",
            )
        }
    }
}
