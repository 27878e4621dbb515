//! What controllers do with the certificates of hosts, in words, below a table.

use std::{collections::BTreeSet, sync::Arc};

use super::{item, rows::Rows};
use crate::{
    object::{Seconds, doing::Installation},
    plan::doing::sentence,
    text::{counted, first_of},
};

/// So many are told one by one.
const TOLD: usize = 5;
/// So many hosts are named in one line.
const NAMED: usize = 3;

/// A line for each thing that a controller does, with the hosts that it does it for, in the order of the rows; then what the
/// `controllers` had no room for. Nothing where there is nothing to say of the rows. Not cleared for a terminal.
pub fn lines(rows: &Rows<'_>, controllers: &[Arc<Installation>], now: Seconds) -> Vec<String> {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    let mut more = BTreeSet::new();
    for row in rows.iter().filter(|row| !row.doings.is_empty()) {
        let of = match (row.host, row.secret()) {
            (Some(host), _) => item::host(host),
            (None, Some(secret)) => secret.name.as_str(),
            (None, None) => continue,
        };
        for text in row.doings.iter().map(|one| sentence(one, now)) {
            if let Some((_, of_hosts)) = told.iter_mut().find(|(known, _)| *known == text) {
                of_hosts.push(of);
            } else if told.len() < TOLD {
                told.push((text, vec![of]));
            } else {
                more.insert(of);
            }
        }
    }
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|(text, hosts)| format!("{}: {text}", first_of(&hosts, NAMED)))
        .collect();
    if !more.is_empty() {
        lines.push(format!(
            "of {} more it says something too: `-o json` has all",
            counted(more.len(), "host")
        ));
    }
    if !lines.is_empty() {
        lines.extend(controllers.iter().filter(|by| by.left_out > 0).map(|by| {
            format!(
                "the controller ({}) had no room to say what it does with {}",
                by.namespace,
                counted(by.left_out, "more certificate")
            )
        }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        object::{
            Key, Kind,
            doing::{Doing, DoingBy, DoingState, Doings, Heard},
        },
        report::fixtures::{NOW, RowFixture},
    };

    fn said(message: &str) -> Vec<DoingBy> {
        vec![DoingBy {
            by: Arc::new(Installation {
                namespace: "certs".into(),
                ..Installation::default()
            }),
            heard: Heard::Running,
            doing: Doing {
                state: DoingState::BackOff,
                message: message.into(),
                failures: 1,
                ..Doing::of(Key::new("shop", "shop-tls"))
            },
        }]
    }

    #[test]
    fn what_is_said_of_several_hosts_is_told_once_and_what_has_no_room_is_counted() {
        let doings: Vec<Vec<DoingBy>> = (0..9)
            .map(|n| said(&format!("m{}", n / 2)))
            .chain([said("last")])
            .collect();
        let fixtures: Vec<RowFixture> = (0..11)
            .map(|n| {
                let host = format!("{n}.example");
                RowFixture::new(Some((Kind::Ingress, "web", None)), Some(&host), Some("shop-tls"))
            })
            .collect();
        let rows: Vec<_> = fixtures
            .iter()
            .zip(doings.iter().map(Vec::as_slice).chain([&[][..]]))
            .map(|(fixture, doings)| {
                let mut row = fixture.row();
                row.doings = Doings::new(doings, None);
                row
            })
            .collect();
        let full = Arc::new(Installation {
            namespace: "certs".into(),
            left_out: 7,
            ..Installation::default()
        });
        let told = lines(&rows.into(), &[full], NOW);
        assert_eq!(told.len(), 7, "{told:#?}");
        assert_eq!(
            told[0],
            "0.example, 1.example: the controller (certs) failed: m0; next try now"
        );
        assert_eq!(told[5], "of 1 host more it says something too: `-o json` has all");
        assert_eq!(
            told[6],
            "the controller (certs) had no room to say what it does with 7 more certificates"
        );
        assert!(lines(&Vec::new().into(), &[], NOW).is_empty());
    }
}
