//! The last line of a status, for stderr.

use std::{fmt::Write, time::Duration};

use super::row::{Row, Status};

/// One line: how many hosts there are, what else was judged, their states with the worst first, and how long it took.
///
/// `15 hosts, 2 Secrets without a route: 3 critical, 3 warning, 11 healthy (0.12 s)`
pub fn summary(rows: &[Row<'_>], elapsed: Duration) -> String {
    let count = |f: &dyn Fn(&Row<'_>) -> bool| rows.iter().filter(|r| f(r)).count();
    let hosts = count(&|r| r.host.is_some());
    let routes = count(&|r| r.host.is_none() && r.route.is_some());
    let secrets = rows.len() - hosts - routes;
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
    for status in [
        Status::Critical,
        Status::Warning,
        Status::Unknown,
        Status::Info,
        Status::Healthy,
    ] {
        let n = count(&|r| r.status == status);
        if n > 0 {
            let all = if n == rows.len() && n > 1 {
                "all".to_owned()
            } else {
                n.to_string()
            };
            let _ = write!(out, "{separator}{all} {}", status.as_str());
            separator = ", ";
        }
    }
    let seconds = elapsed.as_secs_f64();
    let _ = write!(out, " ({seconds:.*} s)", if seconds < 10.0 { 2 } else { 0 });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::Shop;

    #[test]
    fn it_counts_in_words_that_fit_the_number() {
        let shop = Shop::new();
        let rows = shop.rows();
        let ms = Duration::from_millis(123);
        assert_eq!(
            summary(&rows, ms),
            "8 hosts, 1 route without a host, 1 Secret without a route: 3 critical, 2 warning, 1 unknown, 2 info, \
             2 healthy (0.12 s)"
        );
        assert_eq!(summary(&[], ms), "nothing here is served over TLS (0.12 s)");
        let healthy: Vec<_> = rows.iter().filter(|r| r.status == Status::Healthy).cloned().collect();
        assert_eq!(
            summary(&healthy, Duration::from_secs(83)),
            "2 hosts: all healthy (83 s)"
        );
        assert_eq!(summary(&healthy[..1], ms), "1 host: 1 healthy (0.12 s)");
    }
}
