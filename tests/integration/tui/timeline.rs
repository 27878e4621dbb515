//! The timeline: which days it shows, whose they are, and what Enter chooses.

use std::collections::BTreeSet;

use kubectl_certs::{
    text::parse_time,
    tui::{item::Item, update::texts::status_command},
};

use super::{
    Desk,
    hands::{of_manifests, printed},
};

#[test]
fn days_in_which_nothing_happens_are_one_line() {
    let mut desk = Desk::new((200, 50));
    desk.press("4");
    let buckets = &desk.model.derived.timeline.buckets;
    let folded: Vec<_> = buckets.iter().skip(2).collect();
    assert!(folded.len() > 5, "{buckets:?}");
    for pair in folded.windows(2) {
        assert!(!(pair[0].is_empty() && pair[1].is_empty()), "{pair:?}");
    }
    // Nothing is left out: each line begins where the one above ends.
    for pair in buckets.windows(2).skip(1) {
        assert_eq!(pair[0].until, pair[1].from);
    }
    // Healthy Secrets that no route uses expire like all others.
    let mut certificates: Vec<_> = desk
        .model
        .rows
        .everything()
        .filter_map(|item| Some(item.certificate.as_ref()?.sha256))
        .collect();
    certificates.sort_unstable_by_key(|fingerprint| fingerprint.0);
    certificates.dedup();
    let expire: usize = buckets.iter().map(|bucket| bucket.expire).sum();
    assert_eq!(expire, certificates.len());
    let empty = buckets
        .iter()
        .find(|bucket| bucket.is_empty() && bucket.period().to_string().len() == 22);
    let period = empty.expect("several days").period().to_string();
    desk.shows(&format!("{}..{}", &period[..10], &period[17..]));
}

#[test]
fn the_busiest_days_have_names_too() {
    for size in [(80, 24), (200, 50)] {
        let mut desk = Desk::new(size);
        desk.press("4");
        let buckets = &desk.model.derived.timeline.buckets;
        let busiest = (0..buckets.len()).max_by_key(|at| buckets[*at].expire).expect("lines");
        let host = buckets[busiest].names.first().cloned().expect("a host");
        desk.press(&"j ".repeat(busiest));
        let y = usize::from(desk.model.hits.lines.y) + busiest - desk.model.cursor().top;
        let line = desk.line(u16::try_from(y).expect("a line of the screen"));
        assert!(line.contains(&host[..8]), "{host}: {line}");
        let named = buckets_named(&desk, busiest);
        assert!(named == 1 || line.contains(" +"), "{line}");
    }
}

fn buckets_named(desk: &Desk, at: usize) -> usize {
    desk.model.derived.timeline.buckets[at].named
}

#[test]
fn enter_chooses_what_expires_or_falls_due_then() {
    let lines = of_manifests((200, 50)).press("4").model.derived.timeline.buckets.len();
    let (mut chosen, mut alone) = (0, BTreeSet::new());
    for at in 0..lines {
        let mut desk = of_manifests((200, 50));
        desk.model.at = parse_time("2026-12-01T12:00:00Z");
        desk.press("4").press(&"j ".repeat(at));
        let bucket = desk.model.derived.timeline.buckets[at].clone();
        desk.press("enter");
        if bucket.is_empty() {
            desk.shows("nothing expires or falls due then");
            continue;
        }
        chosen += 1;
        desk.shows(&format!("between {}", bucket.period()));
        let shown: Vec<String> = named(&desk);
        assert!(!shown.is_empty() && shown.len() < desk.model.rows.total());
        alone.extend(shown.iter().filter(|name| name.ends_with("-tls")).cloned());
        let mut line = status_command(&desk.model).words;
        line.extend(["-o", "json"].map(str::to_owned));
        let json: serde_json::Value = serde_json::from_str(&printed(&line)).expect("JSON");
        let items = json["items"].as_array().expect("items").iter();
        let printed: Vec<String> = items
            .map(|item| {
                let name = item["host"].as_str().or(item["secrets"][0]["name"].as_str());
                name.unwrap_or("").to_owned()
            })
            .collect();
        assert_eq!(printed, shown, "{line:?}");
        desk.press("esc").shows("certificates as of");
        assert_eq!((desk.model.cursor().at, desk.model.rows.choice().between), (at, None));
    }
    assert!(chosen > 3, "{chosen}");
    let secrets: Vec<&str> = alone.iter().map(String::as_str).collect();
    assert_eq!(
        secrets,
        ["mqtt-tls", "partners-tls"],
        "no route uses these, and they are healthy"
    );
}

/// The host of each row, or its Secret where it has no host.
fn named(desk: &Desk) -> Vec<String> {
    let name = |item: &Item| match (&item.host, item.secret()) {
        (Some(host), _) => host.to_string(),
        (None, secret) => secret.map(|key| key.name.to_string()).unwrap_or_default(),
    };
    desk.model.rows.iter().map(name).collect()
}

#[test]
fn what_is_past_has_expired_or_is_overdue_for_renewal() {
    let mut desk = Desk::usual();
    desk.press("4").shows("expired/overdue");
    let now = desk.model.now();
    let past = desk.model.derived.timeline.buckets[0].clone();
    assert_eq!((past.expire, past.due), (1, 2), "one that is due has expired too");
    desk.press("g enter")
        .shows("2 of 35 hosts, 0 of 2 Secrets")
        .shows(" ago  ");
    let expired = |item: &Item| item.certificate.as_ref().is_some_and(|c| c.not_after < now);
    assert_eq!(desk.model.rows.iter().filter(|item| expired(item)).count(), 1);
}

#[test]
fn the_cursor_of_the_timeline_stays_on_a_small_screen() {
    let mut desk = Desk::new((80, 24));
    desk.press("4").shows("█ expire ░ due");
    for _ in 0..60 {
        desk.press("j");
        let (top, at) = (desk.model.cursor().top, desk.model.cursor().at);
        assert!(
            at >= top && at < top + usize::from(desk.model.hits.lines.height),
            "{}",
            desk.screen()
        );
    }
    let last = desk.model.derived.timeline.buckets.last().expect("lines");
    assert_eq!(last.until, None, "the last line is all that comes later");
}
