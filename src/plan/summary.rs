//! A plan in a line or two, before its steps: how many Secrets and hosts, at which CA, other changes, what would be
//! refused, and what is left out.

use std::collections::BTreeSet;

use super::{Refused, steps::Step};
use crate::{
    object::Key,
    text::{first_of, grouped},
};

/// How many issuers are named.
const NAMED: usize = 3;

/// The lines of the summary of a plan; none if its steps can be read as quickly. Not cleared for a terminal.
pub fn summary<'a>(
    targets: impl IntoIterator<Item = &'a (Key, Vec<Step>)>,
    refused: Refused,
    left_out: &[String],
) -> Vec<String> {
    let (mut secrets, mut changes) = (0, 0);
    let (mut hosts, mut issuers, mut workloads) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (secret, steps) in targets {
        secrets += 1;
        for step in steps {
            match step {
                Step::Order {
                    issuer,
                    names,
                    changes_ca,
                    ..
                } => {
                    hosts.extend(names);
                    issuers.insert(issuer.as_str());
                    changes += usize::from(changes_ca.is_some());
                }
                Step::Restart { workload } => {
                    workloads.insert((&secret.namespace, workload.as_str()));
                }
                _ => {}
            }
        }
    }
    let mut lines = Vec::new();
    if secrets > 1 {
        let mut line = counted(secrets, "Secret");
        for (count, word) in [(hosts.len(), "host"), (workloads.len(), "workload to restart")] {
            if count > 0 {
                line = format!("{line}, {}", counted(count, word));
            }
        }
        if !issuers.is_empty() {
            let issuers: Vec<&str> = issuers.into_iter().collect();
            let change = match changes {
                0 => "no CA changes".to_owned(),
                1 => "the CA of 1 changes".to_owned(),
                many => format!("the CA of {many} changes"),
            };
            line = format!("{line}, at {}; {change}", first_of(&issuers, NAMED));
        }
        lines.push(line);
        lines.extend(said(refused, secrets));
    }
    if !left_out.is_empty() {
        lines.push(format!("left out: {}", left_out.join(", ")));
    }
    lines
}

/// How many of the Secrets would be refused; `None` if none would.
fn said(refused: Refused, secrets: usize) -> Option<String> {
    let parts = [
        (refused.whole, "would be refused"),
        (refused.partly, "would be issued without some names"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).enumerate();
    let parts: Vec<String> = parts
        .map(|(at, (count, what))| match at {
            0 => format!("{} of {} {what}", grouped(*count), counted(secrets, "Secret")),
            _ => format!("{} {what}", grouped(*count)),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A number with its noun: `1 Secret`, `2 workloads to restart`.
fn counted(count: usize, word: &str) -> String {
    let (first, rest) = word.split_once(' ').map_or((word, ""), |(first, rest)| (first, rest));
    let many = if count == 1 { "" } else { "s" };
    let space = if rest.is_empty() { "" } else { " " };
    format!("{} {first}{many}{space}{rest}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str], changes: bool) -> Step {
        Step::Order {
            issuer: "letsencrypt".into(),
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
            profile: None,
            replaces: false,
            key: "ecdsa-p256".into(),
            changes_ca: changes.then(|| ("DigiCert".into(), "Let's Encrypt".into())),
        }
    }

    fn restart(workload: &str) -> Step {
        Step::Restart {
            workload: workload.into(),
        }
    }

    #[test]
    fn many_secrets_are_counted_with_their_hosts_issuer_and_changes_of_ca() {
        let targets = [
            (Key::new("shop", "a"), vec![order(&["a.example", "b.example"], true)]),
            (
                Key::new("shop", "b"),
                vec![order(&["b.example", "c.example"], false), restart("deployment/web")],
            ),
        ];
        let left_out = [
            "3 certificates not due yet".to_owned(),
            "1 of cert-manager's".to_owned(),
        ];
        assert_eq!(
            summary(&targets, Refused::default(), &left_out),
            [
                "2 Secrets, 3 hosts, 1 workload to restart, at letsencrypt; the CA of 1 changes",
                "left out: 3 certificates not due yet, 1 of cert-manager's"
            ]
        );
        let refused = Refused { whole: 1, partly: 1 };
        assert_eq!(
            summary(&targets, refused, &[])[1..],
            ["1 of 2 Secrets would be refused, 1 would be issued without some names"]
        );
        assert_eq!(
            summary(&targets[..1], Refused { whole: 1, partly: 0 }, &[]),
            [""; 0],
            "one is read as quickly"
        );
        let restarts = [
            (
                Key::new("shop", "a"),
                vec![restart("deployment/web"), restart("deployment/api")],
            ),
            (Key::new("shop", "b"), vec![restart("deployment/web")]),
        ];
        assert_eq!(
            summary(&restarts, Refused::default(), &[]),
            ["2 Secrets, 2 workloads to restart"]
        );
    }
}
