//! The command line below each view prints what the view shows.

use std::collections::{BTreeMap, BTreeSet};

use kubectl_certs::{
    report::Status,
    text::parse_time,
    tui::{Effect, model::View, update::printed::view_command},
};
use serde_json::Value;

use super::{
    Desk,
    hands::{of_manifests, printed},
};

/// A view of the example at its noon, after some keys.
fn view(keys: &str, filter: &str) -> Desk {
    let mut desk = of_manifests((200, 50));
    desk.model.at = parse_time("2026-12-01T12:00:00Z");
    desk.press(keys);
    if !filter.is_empty() {
        desk.press("/").write(filter).press("enter");
    }
    desk
}

/// The items that the command below the view prints. The line stands on the screen.
#[track_caller]
fn items(desk: &mut Desk) -> Vec<Value> {
    let command = view_command(&desk.model).expect("a command");
    desk.shows(&command.to_string());
    let line: Vec<String> = command.and(["-o", "json"]).words;
    let json: Value = serde_json::from_str(&printed(&line)).expect("JSON");
    json["items"].as_array().expect("items").clone()
}

const FILTERS: [&str; 4] = ["", "shop", "!shop", "-l app.kubernetes.io/name=api"];

#[test]
fn of_the_secrets() {
    for filter in FILTERS {
        let mut desk = view("2", filter);
        let printed: BTreeMap<String, String> = items(&mut desk)
            .iter()
            .filter_map(|group| Some((group["name"].as_str()?.to_owned(), group["status"].as_str()?.to_owned())))
            .collect();
        let mut shown: BTreeMap<String, Status> = BTreeMap::new();
        for item in desk.model.rows.iter() {
            if let Some(secret) = item.row("").secret() {
                let worst = shown.entry(secret.to_string()).or_insert(item.status);
                *worst = item.status.max(*worst);
            }
        }
        let shown: BTreeMap<String, String> = shown.into_iter().map(|(k, s)| (k, s.as_str().to_owned())).collect();
        assert_eq!(printed, shown, "{filter}");
        // Only those are not printed for which another is served, and the healthy ones that no route uses.
        for line in &desk.model.derived.secrets.lines {
            let mut items = desk.model.rows.iter().filter(|item| item.secret() == Some(&line.key));
            let alone = line.hosts == 0 && line.status == Status::Healthy;
            assert!(
                alone || shown.contains_key(&line.key.to_string()) || items.all(|item| item.served.is_some()),
                "{filter}: {}",
                line.key
            );
        }
    }
}

#[test]
fn of_the_findings() {
    for (keys, filter) in [("3", ""), ("3", "shop"), ("ctrl-z 3", "!shop")] {
        let mut desk = view(keys, filter);
        let mut printed: BTreeMap<String, usize> = BTreeMap::new();
        for item in items(&mut desk) {
            let findings = item["findings"].as_array().expect("findings").iter();
            let reasons: BTreeSet<String> = findings
                .map(|f| f["reason"].as_str().expect("one").to_owned())
                .collect();
            for reason in reasons {
                *printed.entry(reason).or_default() += 1;
            }
        }
        let groups = desk.model.derived.findings.iter();
        let shown: BTreeMap<String, usize> = groups.map(|group| (group.reason.to_string(), group.count)).collect();
        assert!(!shown.is_empty());
        assert_eq!(printed, shown, "{keys} {filter}");
    }
}

#[test]
fn of_the_timeline() {
    for filter in ["", "shop"] {
        for at in 0..view("4", filter).model.derived.timeline.buckets.len() {
            let mut desk = view("4", filter);
            desk.press(&"j ".repeat(at));
            let bucket = desk.model.derived.timeline.buckets[at].clone();
            let printed = items(&mut desk);
            let (from, until) = (bucket.from.unwrap_or(i64::MIN), bucket.until.unwrap_or(i64::MAX));
            let ends = |item: &Value| {
                let end = parse_time(item["notAfter"].as_str().expect("an end")).expect("a time");
                (from..until).contains(&end)
            };
            let expire: BTreeSet<&str> = printed
                .iter()
                .filter(|item| ends(item))
                .map(|item| item["sha256"].as_str().expect("one"))
                .collect();
            assert_eq!(expire.len(), bucket.expire, "{filter} {bucket:?}");
            assert_eq!(printed.len(), bucket.named, "{filter} {bucket:?}");
        }
    }
}

#[test]
fn of_the_namespaces() {
    for filter in FILTERS {
        let mut desk = view("6", filter);
        let printed: BTreeMap<String, u64> = items(&mut desk)
            .iter()
            .map(|group| {
                (
                    group["name"].as_str().expect("a name").to_owned(),
                    group["rows"].as_u64().expect("rows"),
                )
            })
            .collect();
        let lines = desk.model.derived.namespaces.iter();
        let shown: BTreeMap<String, u64> = lines
            .map(|line| (line.name.to_string(), u64::try_from(line.total()).expect("few")))
            .collect();
        assert_eq!(printed, shown, "{filter}");
    }
}

#[test]
fn each_is_copied() {
    for keys in ["1", "2", "3", "4", "6"] {
        let mut desk = Desk::usual();
        desk.press(keys);
        let command = view_command(&desk.model).expect("a command").to_string();
        desk.shows(&command).press("c v");
        assert!(desk.effects().contains(&Effect::Copy(command.clone())), "{command}");
        // As a command too: on a run `c` cancels.
        desk.command("copy").press("v");
        assert!(desk.effects().contains(&Effect::Copy(command)));
    }
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([super::runs::planned(
            1,
            super::runs::of_checkout(kubectl_certs::tui::order::Stage::Rehearsal),
        )])
        .press("enter esc 5");
    assert_eq!(desk.model.view, View::Orders);
    desk.shows("kubectl certs renew secret/checkout-tls -n shop --context prod-eu")
        .command("copy")
        .press("v");
    let copied = "kubectl certs renew secret/checkout-tls -n shop --context prod-eu".to_owned();
    assert!(desk.effects().contains(&Effect::Copy(copied)));
}
