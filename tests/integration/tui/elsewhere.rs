//! Another context, another reading, another day: what is done is done to what is on the screen.

use kubectl_certs::tui::{
    Effect, Message,
    item::Item,
    message::{Link, SourceInfo, Trouble},
    model::{Reading, View},
    order::{Ending, Stage},
};

use super::{
    Desk,
    desk::{place, whole},
    example::example,
    popups::begin,
    runs::{checkout, course, happened, of_checkout, planned},
};

const READ: Message = Message::Read {
    live: true,
    took_ms: 90,
};

/// The example as another reading would have it: the same hosts under other numbers.
fn renumbered() -> Vec<Item> {
    let items = example().items.clone();
    let mut numbers: Vec<_> = items.iter().map(|item| item.about.clone()).collect();
    numbers.rotate_left(7);
    let again = items.into_iter().zip(numbers);
    again.map(|(item, about)| Item { about, ..item }).collect()
}

fn marked_hosts(desk: &Desk) -> Vec<String> {
    let marks = desk.model.marks.iter();
    let mut hosts: Vec<String> = marks
        .filter_map(|about| Some(desk.model.rows.about(about)?.host.as_ref()?.to_string()))
        .collect();
    hosts.sort();
    hosts
}

#[test]
fn marks_and_the_cursor_stay_on_their_hosts_when_everything_is_read_again() {
    let mut desk = Desk::usual();
    desk.press("j j space j space");
    let (hosts, here) = (marked_hosts(&desk), desk.model.item().expect("a line").host.clone());
    assert_eq!(hosts.len(), 2);
    desk.press("ctrl-r").tell([whole(renumbered()), READ]);
    assert_eq!(marked_hosts(&desk), hosts);
    assert_eq!(desk.model.item().expect("a line").host, here);
}

#[test]
fn nothing_is_written_while_another_context_is_connected_to() {
    let mut desk = Desk::usual();
    desk.command("ctx staging");
    assert!(desk.effects().contains(&Effect::Context("staging".to_owned())));
    desk.press("R").shows("wait for the connection to the other context");
    desk.command("rollback")
        .shows("wait for the connection to the other context");
    assert_eq!(desk.effects(), []);
    let there = SourceInfo {
        context: "staging".to_owned(),
        ..place()
    };
    desk.press("space").tell([Message::Connected(there)]);
    // Runs follow what the header says, and nothing of the cluster before is left.
    assert_eq!(desk.effects(), [Effect::RunsIn("staging".to_owned())]);
    desk.shows("staging").hides("checkout.larkspur.example");
    assert!(desk.model.marks.is_empty());
    desk.tell([whole(example().items.clone()), READ]).press("R");
    assert!(matches!(desk.effects().as_slice(), [Effect::Run { .. }]));
}

#[test]
fn a_context_that_cannot_be_reached_leaves_the_one_that_is_shown() {
    let mut desk = Desk::usual();
    desk.command("ctx staging");
    desk.tell([Message::ReadFailed(Trouble::new("sign-in failed"))])
        .shows("sign-in failed")
        .shows("checkout.larkspur.example")
        .shows("live");
    desk.effects();
    desk.press("R");
    assert!(matches!(desk.effects().as_slice(), [Effect::Run { .. }]));
}

#[test]
fn a_reading_that_fails_says_how_old_the_one_before_is() {
    let mut desk = Desk::usual();
    desk.press("ctrl-r")
        .tell([Message::ReadFailed(Trouble::new("connection refused"))])
        .wait(90_000)
        .shows("connection lost, 90s old")
        .shows("checkout.larkspur.example");
    // A verdict that time changes is no news of the cluster.
    let one = example().items.first().cloned().expect("an item");
    desk.tell([Message::Rows {
        whole: false,
        set: vec![one],
        gone: Vec::new(),
    }])
    .shows("connection lost, 90s old");
    desk.tell([whole(renumbered()), READ]).hides("connection lost");
    assert!(matches!(desk.model.reading, Reading::Done { .. }));
    desk.tell([Message::Link(Link::Up)]);
}

#[test]
fn what_may_not_be_watched_is_not_called_live() {
    let mut desk = Desk::usual();
    desk.tell([Message::Unwatched("pods")]).shows("live, without pods");
}

#[test]
fn another_namespace_takes_the_place_of_the_one_before() {
    let place = SourceInfo {
        namespaces: vec!["shop".to_owned()],
        ..place()
    };
    let mut desk = Desk::with((120, 40), super::desk::ui(), place);
    desk.press("6 enter");
    assert!(desk.model.rows.choice().namespace.is_some());
    desk.command("ns blog");
    assert_eq!(desk.model.rows.choice().namespace, None);
    assert!(desk.effects().contains(&Effect::Namespaces(vec!["blog".to_owned()])));
}

#[test]
fn escape_leads_back_to_the_namespaces_of_the_start_and_no_further() {
    let place = SourceInfo {
        namespaces: vec!["shop".to_owned()],
        ..place()
    };
    let mut desk = Desk::with((120, 40), super::desk::ui(), place);
    let read = |desk: &mut Desk| -> Vec<Vec<String>> {
        let effects = desk.effects().into_iter();
        let named = effects.filter_map(|effect| match effect {
            Effect::Namespaces(names) => Some(names),
            _ => None,
        });
        named.collect()
    };
    desk.command("ns blog").command("ns all");
    assert_eq!(read(&mut desk), [vec!["blog".to_owned()], Vec::new()]);
    desk.press("esc");
    assert_eq!(read(&mut desk), [vec!["shop".to_owned()]]);
    desk.press("esc").shows("q quits");
    assert_eq!(read(&mut desk), [[""; 0]; 0]);
}

#[test]
fn the_second_part_of_a_renewal_has_a_plan_of_its_own() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.effects();
    for kind in course("checkout.larkspur.example") {
        desk.tell([happened(1, &checkout(), kind)]);
    }
    desk.tell([planned(1, of_checkout(Stage::Rehearsal))])
        .shows("enter rehearses it");
    assert_eq!(desk.effects(), [], "nothing is answered before somebody has read it");
    desk.press("esc");
    assert_eq!(desk.effects(), [Effect::Answer { id: 1, yes: false }]);
    desk.tell([Message::Ended(
        1,
        Ending::Good("1 renewed; the rest was left as it is".to_owned()),
    )])
    .press("5")
    .shows("renew");
    assert_eq!(desk.model.runs.len(), 1, "what was done stays among the orders");
}

#[test]
fn what_cannot_be_taken_back_is_not_cancelled() {
    let mut desk = Desk::usual();
    desk.command("rollback")
        .tell([planned(1, of_checkout(Stage::Production))])
        .press("enter")
        .write("prod-eu")
        .press("enter");
    desk.effects();
    desk.press("5").press("c").shows("can no longer be cancelled");
    assert_eq!(desk.effects(), []);
    desk.shows("running");
}

#[test]
fn a_reason_shows_its_hosts_and_no_others() {
    let mut desk = Desk::usual();
    desk.press("3");
    let reason = desk.model.derived.findings[0].reason;
    let count = desk.model.derived.findings[0].count;
    desk.press("enter").shows(&format!("reason {reason}"));
    assert_eq!((desk.model.view, desk.model.rows.len()), (View::Hosts, count));
    desk.shows(&format!("status -A --reason {reason}"));
    desk.press("esc");
    assert_eq!(desk.model.rows.len(), desk.model.rows.total());
}

#[test]
fn a_question_waits_behind_a_name_that_is_typed_and_goes_with_its_run() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc o");
    desk.effects();
    desk.tell([Message::Asked(1, "Are the terms agreed to?".to_owned())])
        .hides("Are the terms agreed to?")
        .shows("a question is open")
        .write("any")
        .press("esc")
        .shows("Are the terms agreed to?")
        .press("esc");
    assert_eq!(desk.effects(), [], "nobody can have read it");
    desk.tell([Message::Ended(1, Ending::Cancelled)])
        .hides("Are the terms agreed to?");
}

#[test]
fn serial_numbers_and_fingerprints_are_found_with_colons_or_without() {
    let mut desk = Desk::usual();
    let item = example().items.iter().find(|item| item.certificate.is_some());
    let certificate = item.and_then(|item| item.certificate.clone()).expect("a certificate");
    let fingerprint: Vec<String> = certificate.sha256.0.iter().map(|b| format!("{b:02X}")).collect();
    for typed in [
        fingerprint.join(":"),
        fingerprint.concat(),
        certificate.serial.to_string(),
    ] {
        desk.press("/").write(&typed).press("enter");
        assert!(!desk.model.rows.is_empty(), "{typed}");
        assert!(
            desk.model
                .rows
                .iter()
                .all(|item| item.certificate == Some(certificate.clone()))
        );
        desk.press("esc");
    }
}

#[test]
fn the_timeline_is_saved_as_it_is_shown() {
    let mut desk = Desk::usual();
    desk.press("4").command("save t.md");
    let written = desk.effects().into_iter().find_map(|effect| match effect {
        Effect::Write { bytes, .. } => Some(String::from_utf8(bytes).expect("text")),
        _ => None,
    });
    let text = written.expect("a file");
    assert!(text.starts_with("| WHEN | EXPIRE | DUE | NAMES |"), "{text}");
    assert!(text.contains("| expired/overdue | 1 | 2 | "), "{text}");
    assert!(text.contains("secret/mqtt-tls"), "{text}");
}

#[test]
fn the_wheel_scrolls_the_picture_that_it_is_over() {
    let mut desk = Desk::new((160, 30));
    desk.press("enter");
    let at = desk.model.cursor().at;
    desk.mouse(crossterm::event::MouseEventKind::ScrollDown, 120, 10);
    let detail = desk.model.detail.as_ref().expect("a picture");
    assert!(detail.scroll > 0 && desk.model.cursor().at == at);
}

#[test]
fn a_namespace_of_which_nothing_was_read_is_looked_for_and_what_is_shown_stays() {
    let mut desk = Desk::usual();
    for command in ["ns shp", "secrets shp /wiki"] {
        desk.command(command);
        assert_eq!(
            desk.effects(),
            [Effect::LookForNamespace("shp".to_owned())],
            "{command}"
        );
        assert_eq!(
            (desk.model.view, desk.model.filter.as_str()),
            (View::Hosts, ""),
            "{command}"
        );
        desk.tell([Message::NoNamespace {
            name: "shp".to_owned(),
            meant: None,
        }])
        .shows("there is no namespace shp; did you mean shop?")
        .shows("live");
    }
    desk.tell([Message::NothingIn("quiet".to_owned())])
        .shows("nothing in namespace quiet is served over TLS");
    // Manifests have no others.
    let mut desk = super::hands::of_manifests((120, 40));
    desk.command("ns shp")
        .shows("nothing in namespace shp is served over TLS; did you mean shop?");
    assert_eq!(desk.effects(), []);
}
