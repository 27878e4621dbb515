//! The last line of a status, for stderr.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use super::{row::Status, rows::Rows};

/// One line: how many hosts there are, what else was judged, their states with the worst first, and how long it took.
///
/// `15 hosts, 2 Secrets without a route: 3 critical, 3 warning, 11 healthy (0.12 s)`
pub fn summary(rows: &Rows<'_>, elapsed: Duration) -> String {
    let (mut hosts, mut routes, mut secrets) = (0, 0, 0);
    let mut of_status: BTreeMap<Status, usize> = BTreeMap::new();
    for row in rows.iter() {
        *match (row.host, row.route) {
            (Some(_), _) => &mut hosts,
            (None, Some(_)) => &mut routes,
            (None, None) => &mut secrets,
        } += 1;
        *of_status.entry(row.status).or_default() += 1;
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
    if rows.is_empty() {
        out.push_str("nothing here is served over TLS");
    }
    let mut separator = ": ";
    // The worst first.
    for (status, n) in of_status.into_iter().rev() {
        let all = if n == rows.len() && n > 1 {
            "all".to_owned()
        } else {
            n.to_string()
        };
        let _ = write!(out, "{separator}{all} {}", status.as_str());
        separator = ", ";
    }
    let seconds = elapsed.as_secs_f64();
    let _ = write!(out, " ({seconds:.*} s)", if seconds < 10.0 { 2 } else { 0 });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Row, fixtures::Shop};

    #[test]
    fn it_counts_in_words_that_fit_the_number() {
        let shop = Shop::new();
        let rows = shop.rows();
        let ms = Duration::from_millis(123);
        assert_eq!(
            summary(&rows.clone().into(), ms),
            "8 hosts, 1 route without a host, 1 Secret without a route: 3 critical, 2 warning, 1 unknown, 2 info, \
             2 healthy (0.12 s)"
        );
        assert_eq!(
            summary(&Vec::new().into(), ms),
            "nothing here is served over TLS (0.12 s)"
        );
        let healthy: Vec<Row<'_>> = rows.iter().filter(|r| r.status == Status::Healthy).copied().collect();
        assert_eq!(
            summary(&healthy.clone().into(), Duration::from_secs(83)),
            "2 hosts: all healthy (83 s)"
        );
        assert_eq!(summary(&healthy[..1].to_vec().into(), ms), "1 host: 1 healthy (0.12 s)");
    }
}
