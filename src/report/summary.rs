//! The last line of a status, for stderr.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use super::{
    apart::{Apart, SECRETS_LEFT_OUT},
    rows::Rows,
};
use crate::check::row::Status;

/// One line: how many hosts there are, what else was judged, their states with the worst first, what is excused or was not
/// chosen, and how long it took.
///
/// `15 hosts, 2 Secrets without a route: 3 critical, 3 warning, 11 healthy (0.12 s)`
pub fn summary(rows: &Rows<'_>, apart: &Apart<'_>, elapsed: Duration) -> String {
    let (mut hosts, mut routes, mut secrets, mut excused) = (0, 0, 0, 0);
    let mut of_status: BTreeMap<Status, usize> = BTreeMap::new();
    let mut unread: Vec<&str> = Vec::new();
    for row in rows.iter() {
        if let Some(list) = row.unread() {
            if !unread.contains(&list.kind.plural()) {
                unread.push(list.kind.plural());
            }
            continue;
        }
        *match (row.host, row.route) {
            (Some(_), _) => &mut hosts,
            (None, Some(_)) => &mut routes,
            (None, None) => &mut secrets,
        } += 1;
        *of_status.entry(row.status).or_default() += 1;
        excused += row.ignored.len();
    }
    let mut out = String::new();
    for (n, one, many) in [
        (hosts, "host", "hosts"),
        (routes, "route without a host", "routes without a host"),
        (secrets, "Secret without a route", "Secrets without a route"),
    ] {
        if n > 0 {
            let comma = if out.is_empty() { "" } else { ", " };
            let _ = write!(out, "{comma}{n} {}", if n == 1 { one } else { many });
        }
    }
    let all = hosts + routes + secrets;
    if all == 0 {
        match apart.routes_chosen_by {
            _ if apart.left_out.items > 0 && apart.since.is_none() => out.push_str("no row is chosen"),
            _ if !unread.is_empty() => out.push_str("nothing could be read"),
            _ if apart.since.is_some() => out.push_str("nothing is new"),
            Some(flag) => {
                let _ = write!(out, "no route that {flag} chooses is served over TLS");
            }
            None if apart.not_judged.is_empty() => out.push_str("nothing here is served over TLS"),
            None => out.push_str("nothing that was read here is served over TLS"),
        }
    }
    let mut separator = ": ";
    // The worst first.
    for (status, n) in of_status.into_iter().rev() {
        let all = if n == all && n > 1 {
            "all".to_owned()
        } else {
            n.to_string()
        };
        let _ = write!(out, "{separator}{all} {}", status.as_str());
        separator = ", ";
    }
    if !unread.is_empty() {
        unread.sort_unstable();
        let _ = write!(out, "; not read: {}", unread.join(", "));
    }
    if apart.secrets_left_out {
        let _ = write!(out, "; {SECRETS_LEFT_OUT}");
    }
    let counted = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    if excused > 0 {
        let _ = write!(
            out,
            "; {}",
            counted(excused, "finding is excused", "findings are excused")
        );
    }
    if let Some(since) = apart.since {
        let rows = counted(since.as_before, "row", "rows");
        let gone = counted(since.gone.len(), "finding", "findings");
        let _ = write!(out, "; since {}: {rows} as before, {gone} gone", since.evaluated_at);
    }
    if !apart.left_out.is_nothing() {
        let parts = [
            (apart.left_out.items, counted(apart.left_out.items, "row", "rows")),
            (
                apart.left_out.findings,
                counted(apart.left_out.findings, "other finding", "other findings"),
            ),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(_, text)| text)
            .collect();
        let _ = write!(out, "; not chosen: {}", parts.join(" and "));
    }
    let seconds = elapsed.as_secs_f64();
    let _ = write!(out, " ({seconds:.*} s)", if seconds < 10.0 { 2 } else { 0 });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Row,
        apart::{LeftOut, Since},
        fixtures::Shop,
    };

    #[test]
    fn it_counts_in_words_that_fit_the_number() {
        let shop = Shop::new();
        let rows = shop.rows();
        let ms = Duration::from_millis(123);
        let all = Apart::default();
        assert_eq!(
            summary(&rows.clone().into(), &all, ms),
            "8 hosts, 1 route without a host, 1 Secret without a route: 3 critical, 2 warning, 1 unknown, 2 info, \
             2 healthy (0.12 s)"
        );
        assert_eq!(
            summary(&Vec::new().into(), &all, ms),
            "nothing here is served over TLS (0.12 s)"
        );
        let healthy: Vec<Row<'_>> = rows.iter().filter(|r| r.status == Status::Healthy).copied().collect();
        assert_eq!(
            summary(&healthy.clone().into(), &all, Duration::from_secs(83)),
            "2 hosts: all healthy (83 s)"
        );
        let one = healthy[..1].to_vec();
        assert_eq!(summary(&one.clone().into(), &all, ms), "1 host: 1 healthy (0.12 s)");
        let left_out = Apart {
            secrets_left_out: true,
            ..all
        };
        assert_eq!(
            summary(&one.clone().into(), &left_out, ms),
            "1 host: 1 healthy; no Secret was read (--no-secrets): certificates that are stored and not served are not seen (0.12 s)"
        );
        let chosen = |items, findings| Apart {
            left_out: LeftOut { items, findings },
            ..all
        };
        assert_eq!(
            summary(&one.clone().into(), &chosen(32, 1), ms),
            "1 host: 1 healthy; not chosen: 32 rows and 1 other finding (0.12 s)"
        );
        assert_eq!(
            summary(&Vec::new().into(), &chosen(1, 0), ms),
            "no row is chosen; not chosen: 1 row (0.12 s)"
        );
        let labels = Apart {
            routes_chosen_by: Some("-l"),
            ..all
        };
        assert_eq!(
            summary(&Vec::new().into(), &labels, ms),
            "no route that -l chooses is served over TLS (0.12 s)"
        );
        let since = Since {
            evaluated_at: "2026-11-30T00:00:00Z".into(),
            as_before: 33,
            gone: Vec::new(),
        };
        let compared = Apart {
            since: Some(&since),
            ..all
        };
        assert_eq!(
            summary(&Vec::new().into(), &compared, ms),
            "nothing is new; since 2026-11-30T00:00:00Z: 33 rows as before, 0 findings gone (0.12 s)"
        );
        let excused = Row {
            ignored: &rows[0].findings[..1],
            ..one[0]
        };
        assert_eq!(
            summary(&vec![excused].into(), &all, ms),
            "1 host: 1 healthy; 1 finding is excused (0.12 s)"
        );
    }
}
