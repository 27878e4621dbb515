//! Customers' domains: a table, whole sentences about one, or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::present::grid::padded;
use crate::{
    domain::{Looked, Record, Said, Told},
    object::{Key, Seconds},
    text::{
        Clear, lines,
        time::{date, date_time},
        width::cut,
    },
};

/// The most cells of a sentence in the table, unless everything is shown.
const SENTENCE: usize = 60;

/// One Domain.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Namespace and host.
    pub key: &'a Key,
    /// Its Secret.
    pub secret: &'a Key,
    /// What is known of it, or why that cannot be read.
    pub record: Result<&'a Record, &'a str>,
    /// Where it stands; `None` if its record cannot be read.
    pub told: Option<&'a Told>,
}

/// The table, cleared. With `wide`, nothing is cut, and the certificate is in it.
pub fn table(all: &[Shown<'_>], wide: bool, namespaces: bool, headers: bool) -> String {
    let mut lines: Vec<Vec<String>> = Vec::with_capacity(all.len() + 1);
    if headers {
        let mut head = vec!["HOST", "TENANT", "STATE", "REASON", "NEXT", "UNTIL"];
        if namespaces {
            head.insert(0, "NAMESPACE");
        }
        if wide {
            head.extend(["CERTIFICATE", "SERVED", "SECRET"]);
        }
        lines.push(head.into_iter().map(str::to_owned).collect());
    }
    lines.extend(all.iter().map(|shown| cells(shown, wide, namespaces)));
    padded(&lines).map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn cells(shown: &Shown<'_>, wide: bool, namespaces: bool) -> Vec<String> {
    let clear = |text: &str| Clear(text).to_string();
    let sentence = |text: &str| match text.trim_end_matches('.') {
        "" => "-".to_owned(),
        text if wide => clear(text),
        text => cut(&clear(text), SENTENCE).into_owned(),
    };
    let record = shown.record.ok();
    let tenant = record.map_or("-", |record| record.tenant.as_str());
    let mut cells = vec![clear(&shown.key.name), clear(tenant)];
    if namespaces {
        cells.insert(0, clear(&shown.key.namespace));
    }
    let until = shown.told.and_then(|told| told.until);
    cells.extend([
        shown.told.map_or("unknown", |told| told.state.as_str()).to_owned(),
        sentence(
            shown
                .told
                .map_or_else(|| shown.record.err().unwrap_or_default(), |told| &told.reason),
        ),
        sentence(shown.told.map_or("", |told| &told.next)),
        until.map_or_else(|| "-".to_owned(), date_time),
    ]);
    if wide {
        let pair = record.and_then(|record| record.pair.as_ref());
        cells.extend([
            pair.map_or_else(|| "-".to_owned(), |pair| format!("until {}", date(pair.not_after))),
            match shown.told.and_then(|told| told.served) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "-",
            }
            .to_owned(),
            clear(&shown.secret.name),
        ]);
    }
    cells
}

/// The names of the objects, one a line, as `kubectl get -o name` has them. Cleared.
pub fn names(all: &[Shown<'_>]) -> String {
    lines(
        all.iter()
            .map(|shown| format!("domain.kubectl-certs.io/{}", Clear(&shown.key.name))),
    )
}

/// One document with all of them, and the host after which the next page begins.
pub fn list_json(all: &[Shown<'_>], next: Option<&str>, now: Seconds) -> String {
    let items: Vec<Value> = all.iter().map(item).collect();
    document(&json!({
        "apiVersion": "kubectl-certs/v1", "kind": "DomainStatusList", "evaluatedAt": date_time(now), "items": items, "next": next,
    }))
}

/// One document about one of them.
pub fn show_json(shown: &Shown<'_>, now: Seconds) -> String {
    let mut value = json!({"apiVersion": "kubectl-certs/v1", "kind": "DomainStatus", "evaluatedAt": date_time(now)});
    if let (Some(all), Value::Object(more)) = (value.as_object_mut(), item(shown)) {
        all.extend(more);
    }
    document(&value)
}

fn document(value: &Value) -> String {
    format!("{value:#}\n")
}

fn item(shown: &Shown<'_>) -> Value {
    let record = shown.record.ok();
    let pair = record.and_then(|record| record.pair.as_ref());
    let served = record.and_then(|record| record.served.as_ref());
    let told = shown.told;
    let missing = record.and_then(|record| record.dns.as_ref()).map(|dns| &dns.missing);
    json!({
        "namespace": shown.key.namespace.as_str(), "host": shown.key.name.as_str(),
        "tenant": record.map(|record| record.tenant.as_str()),
        "state": told.map_or("unknown", |told| told.state.as_str()),
        "reason": told.map_or_else(|| shown.record.err().unwrap_or_default(), |told| &told.reason),
        "next": told.map(|told| &told.next),
        "until": told.and_then(|told| told.until).map(date_time),
        "certificate": {
            "valid": told.map(|told| told.certificate),
            "notBefore": pair.map(|pair| date_time(pair.not_before)), "notAfter": pair.map(|pair| date_time(pair.not_after)),
            "serial": pair.map(|pair| pair.serial.as_str()),
        },
        "served": {
            "present": told.and_then(|told| told.served),
            "seenAt": served.map(|served| date_time(served.at)), "seen": served.map(|served| served.seen.as_str()),
        },
        "secret": shown.secret.name.as_str(),
        "missing": missing,
    })
}

/// All about one, for people. Cleared, with a newline at the end.
pub fn text(shown: &Shown<'_>) -> String {
    let mut out = format!("{}\n", shown.key.name);
    let mut line = |name: &str, what: &str| {
        if !what.is_empty() {
            let _ = writeln!(out, "  {name:<13}{what}");
        }
    };
    line("tenant", shown.record.map_or("-", |record| record.tenant.as_str()));
    line("namespace", &shown.key.namespace);
    match (shown.told, shown.record) {
        (Some(told), _) => {
            line("state", told.state.as_str());
            line("reason", &told.reason);
            line("next", &told.next);
            line("until", &told.until.map(date_time).unwrap_or_default());
        }
        (None, Err(why)) => {
            line("state", "unknown");
            line("reason", &format!("its record cannot be read: {why}"));
        }
        (None, Ok(_)) => {}
    }
    if let Ok(record) = shown.record {
        facts(record, shown, &mut line);
    }
    let mut out = out
        .lines()
        .map(|line| Clear(line).to_string() + "\n")
        .collect::<String>();
    let dns = shown.record.ok().and_then(|record| record.dns.as_ref());
    if let Some(dns) = dns.filter(|dns| !dns.missing.is_empty()) {
        out.push_str("\nRecords to set; of several for one purpose, one is enough:\n");
        out.push_str(&records(dns));
    }
    out
}

fn facts(record: &Record, shown: &Shown<'_>, line: &mut impl FnMut(&str, &str)) {
    match &record.pair {
        Some(pair) => line(
            "certificate",
            &format!(
                "valid from {} until {}, in Secret {}",
                date(pair.not_before),
                date(pair.not_after),
                pair.secret.as_ref().unwrap_or(shown.secret)
            ),
        ),
        None => line("certificate", "none yet"),
    }
    match &record.served {
        Some(served) if served.present => line("served", &format!("yes, seen at {}", date_time(served.at))),
        Some(served) => line("served", &format!("no, at {}: {}", date_time(served.at), served.seen)),
        None => line("served", "nobody has looked yet"),
    }
    if let Some(asked) = &record.asked {
        let said = match &asked.said {
            Said::Yes => "yes".to_owned(),
            Said::No => "no".to_owned(),
            Said::NotNow(why) => format!("not now: {why}"),
        };
        line("application", &format!("{said}, at {}", date_time(asked.at)));
    }
    if let Some(dns) = &record.dns {
        let at = if dns.server.is_empty() {
            String::new()
        } else {
            format!(", by {}", dns.server)
        };
        line("dns", &format!("seen at {}{at}{}", date_time(dns.at), seen(dns)));
    }
    line("registered", &date_time(record.since));
}

fn seen(dns: &Looked) -> String {
    if dns.seen.is_empty() {
        String::new()
    } else {
        format!(": {}", dns.seen)
    }
}

fn records(dns: &Looked) -> String {
    let lines: Vec<Vec<String>> = dns
        .missing
        .iter()
        .map(|record| {
            let purpose = match record.purpose {
                crate::domain::Purpose::Traffic => "traffic",
                crate::domain::Purpose::Challenge => "certificate",
                crate::domain::Purpose::Ownership => "ownership",
            };
            vec![format!("  {purpose}"), Clear(&record.to_string()).to_string()]
        })
        .collect();
    padded(&lines).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Asked, Purpose, RecordKind, ToSet, state};

    fn record() -> Record {
        let mut record = Record::new(
            "shop.example.com".parse().unwrap(),
            "acme".parse().unwrap(),
            1_796_083_200,
        );
        record.asked = Some(Asked {
            at: 1_796_083_260,
            said: Said::Yes,
            renewal: false,
        });
        record.dns = Some(Looked {
            at: 1_796_083_261,
            server: "192.0.2.53".into(),
            traffic: false,
            challenge: false,
            standing: false,
            kept: None,
            ownership: None,
            missing: vec![ToSet {
                purpose: Purpose::Traffic,
                kind: RecordKind::Cname,
                name: "shop.example.com".into(),
                value: "edge.platform.example".into(),
            }],
            seen: "it leads to \u{1b}[31m198.51.100.7".to_owned(),
        });
        record
    }

    fn with<T>(record: &Record, take: impl FnOnce(&Shown<'_>) -> T) -> T {
        let told = state(record, 1_796_083_300);
        take(&Shown {
            key: &Key::new("customers", "shop.example.com"),
            secret: &Key::new("customers", "domain-shop.example.com"),
            record: Ok(record),
            told: Some(&told),
        })
    }

    #[test]
    fn one_host_is_shown_with_the_records_to_set_and_nothing_changes_a_terminal() {
        let shown = with(&record(), text);
        assert!(shown.starts_with("shop.example.com\n  tenant       acme\n"), "{shown}");
        assert!(shown.contains("state        dns\n"), "{shown}");
        assert!(
            shown.contains("  traffic   shop.example.com. CNAME edge.platform.example.\n"),
            "{shown}"
        );
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn the_table_has_a_line_a_host_and_json_has_what_a_script_needs() {
        let shown = with(&record(), |one| table(&[*one], true, true, true));
        assert!(shown.starts_with("NAMESPACE   HOST"), "{shown}");
        assert_eq!(shown.lines().count(), 2);
        assert!(shown.contains("domain-shop.example.com"), "{shown}");
        let page = with(&record(), |one| {
            list_json(&[*one], Some("shop.example.com"), 1_796_083_300)
        });
        let page: Value = serde_json::from_str(&page).unwrap();
        assert_eq!(
            (&page["next"], &page["items"][0]["state"]),
            (&"shop.example.com".into(), &"dns".into())
        );
        assert_eq!(page["items"][0]["missing"][0]["type"], "CNAME");
        assert_eq!(
            with(&record(), |one| names(&[*one])),
            "domain.kubectl-certs.io/shop.example.com\n"
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_said_and_hides_no_other() {
        let shown = Shown {
            key: &Key::new("customers", "shop.example.com"),
            secret: &Key::new("customers", "domain-shop.example.com"),
            record: Err("missing field `host`"),
            told: None,
        };
        assert!(
            text(&shown).contains("its record cannot be read: missing field"),
            "{}",
            text(&shown)
        );
        assert!(
            table(&[shown], false, false, false).contains("unknown"),
            "{}",
            table(&[shown], false, false, false)
        );
    }
}
