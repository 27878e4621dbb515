//! The tables: printed, and written into `docs/performance.md`.

use std::{fmt::Write as _, io::Write as _, path::Path, process::Command, time::Duration};

use crate::{machine::machine, many::Many, names::Names, route, single};

const BEGIN: &str = "<!-- written by tests/bench/run issue: begin -->";
const END: &str = "<!-- written by tests/bench/run issue: end -->";

/// All figures.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) single: Vec<single::Row>,
    pub(crate) route: Vec<route::Row>,
    pub(crate) many: Option<Many>,
    pub(crate) names: Vec<Names>,
}

impl Page {
    pub(crate) fn print(&self) {
        let _ = writeln!(std::io::stdout().lock(), "{}", self.tables());
    }

    /// Replaces what stands between the marks of the page.
    pub(crate) fn write(&self) {
        let path = Path::new("docs/performance.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(BEGIN).expect("a mark in docs/performance.md");
        let (_, after) = rest.split_once(END).expect("a second mark in docs/performance.md");
        let written = format!(
            "{before}{BEGIN}\n\n{}\n\n{}\n{END}{after}",
            surroundings(),
            self.tables().trim_end()
        );
        std::fs::write(path, written).unwrap();
    }

    fn tables(&self) -> String {
        let mut out = String::new();
        if !self.single.is_empty() {
            out += "| one certificate | Pebble's Retry-After | client | whole process | over lego | must reach | held back by Pebble | \
                    over that | must reach |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
        }
        for row in &self.single {
            let lego = self.single.iter().find(|other| {
                other.client == "lego" && other.challenge == row.challenge && other.retry_after == row.retry_after
            });
            let over = lego.map_or(String::new(), |lego| {
                format!("{:.3}", row.wall.as_secs_f64() / lego.wall.as_secs_f64())
            });
            // What is asked of this program is asked of no other.
            let ours = !["lego", "certbot"].contains(&row.client);
            let asked = |words: &'static str| if ours { words } else { "" };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {over} | {} | {} | {} | {} |",
                row.challenge,
                row.retry_after,
                row.client,
                seconds(row.wall),
                asked(if row.challenge == "DNS-01" {
                    "≤ 0.05"
                } else {
                    "≤ 0.2"
                }),
                milliseconds(row.held),
                times(row.wall, row.held),
                asked("≤ 1.5"),
            );
        }
        if !self.route.is_empty() {
            out += "\n| `renew` of one Ingress, `--solver` | from start to served | must reach | waiting for the cluster and Traefik | for \
                    Pebble | own time | must reach |\n| --- | --- | --- | --- | --- | --- | --- |\n";
        }
        for row in &self.route {
            // A Pod's start is the cluster's: it is reported beside.
            let asked = |words: &'static str| if row.solver == "endpoint" { words } else { "" };
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} | {} | {} | {} |",
                row.solver,
                seconds(row.served),
                asked("≤ 3 s"),
                milliseconds(row.traefik),
                milliseconds(row.pebble),
                milliseconds(row.own),
                asked("≤ 500 ms"),
            );
        }
        if let Some(many) = &self.many {
            let routes = u32::try_from(many.routes).unwrap_or(u32::MAX);
            let rate = |time: Duration| f64::from(routes) / time.as_secs_f64();
            let _ = writeln!(
                out,
                "\n| `renew --all`, concurrency 8 | whole process, all served | certificates/s | must reach | from the first order on |\n\
                 | --- | --- | --- | --- | --- |\n| {} Ingresses | {} | {:.1} | ≥ 15 | {:.1} |",
                many.routes,
                seconds(many.wall),
                rate(many.wall),
                rate(many.ordering),
            );
        }
        if !self.names.is_empty() {
            out += "\n| one certificate with 100 names, DNS-01, whole process | the CA beside | the same behind 60 ms |\n| --- | --- | --- |\n";
            for row in &self.names {
                let _ = writeln!(
                    out,
                    "| {} | {} | {} |",
                    row.program,
                    seconds(row.near),
                    seconds(row.far)
                );
            }
        }
        out
    }
}

fn surroundings() -> String {
    let versions: Vec<String> = ["lego", "certbot"].into_iter().map(version).collect();
    format!(
        "{}; {}; kube-apiserver, Traefik, Pebble, PowerDNS and the resolver on the same machine; {}.",
        time::OffsetDateTime::now_utc().date(),
        machine(),
        versions.join(", "),
    )
}

/// As Debian names it.
fn version(package: &str) -> String {
    let asked = Command::new("apt-cache").args(["policy", package]).output();
    let text = asked
        .map(|out| String::from_utf8_lossy(&out.stdout).into_owned())
        .unwrap_or_default();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    format!("{package} {}", line.unwrap_or("of Debian"))
}

/// How many times one is the other; nothing where there is none.
fn times(one: Duration, other: Duration) -> String {
    if other.is_zero() {
        String::new()
    } else {
        format!("{:.2}", one.as_secs_f64() / other.as_secs_f64())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
