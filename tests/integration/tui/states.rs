//! Every state that a cluster and a terminal can be in.

use kubectl_certs::check::finding;
use kubectl_certs::{
    check::Finding,
    object::{
        Forbidden, Kind, NotJudged,
        doing::{Doing, DoingBy, DoingState, Heard},
    },
    report::Status,
    scan::About,
    tui::{
        Message, Ui,
        item::Item,
        message::{Link, SourceInfo, Trouble},
    },
};

use super::{
    Desk, SIZES, at_sizes,
    desk::{place, ui, whole},
    example::example,
};

#[track_caller]
fn from_dark(name: &str, mut act: impl FnMut(&mut Desk)) {
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::dark(size, ui(), place());
        act(&mut desk);
        desk
    });
    insta::assert_snapshot!(name, seen);
}

#[track_caller]
fn from_example(name: &str, mut act: impl FnMut(&mut Desk)) {
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::new(size);
        act(&mut desk);
        desk
    });
    insta::assert_snapshot!(name, seen);
}

pub(super) fn manifests() -> SourceInfo {
    SourceInfo {
        manifests: Some("docs/example".to_owned()),
        ..SourceInfo::default()
    }
}

pub(super) fn read_only() -> Ui {
    Ui {
        read_only: true,
        ..ui()
    }
}

#[test]
fn the_first_frame_has_nothing_but_where_it_will_come_from() {
    from_dark("first", |_| {});
}

#[test]
fn rows_stream_in() {
    from_dark("streaming", |desk| {
        let set = example().items.iter().take(12).cloned().collect();
        let rows = Message::Rows {
            whole: false,
            set,
            gone: Vec::new(),
        };
        desk.tell([
            Message::Progress {
                hosts: 12,
                secrets: 340,
            },
            rows,
        ]);
    });
}

#[test]
fn an_empty_cluster() {
    from_dark("empty", |desk| {
        desk.tell([
            whole(Vec::new()),
            Message::Read {
                live: true,
                took_ms: 20,
            },
        ]);
    });
}

#[test]
fn an_empty_namespace() {
    from_dark("empty-namespace", |desk| {
        let namespaces = vec!["quiet".to_owned()];
        let here = SourceInfo { namespaces, ..place() };
        desk.tell([
            Message::Connected(here),
            whole(Vec::new()),
            Message::Read {
                live: true,
                took_ms: 20,
            },
        ]);
    });
}

#[test]
fn what_could_not_be_read_says_why_and_what_to_do() {
    from_dark("failed", |desk| {
        let trouble = Trouble::new("cannot reach https://10.0.0.1:6443: connection refused")
            .hint("is the cluster up, and the VPN? --context chooses another one");
        desk.tell([Message::ReadFailed(trouble)]);
    });
}

/// What may not be listed has a line of its own.
/// A Secret that no route uses, with something wrong.
pub(super) fn alone() -> Item {
    let key = kubectl_certs::object::Key::new("edge", "left-over");
    Item {
        about: About::Secret(Box::new(key.clone())),
        secrets: vec![key].into(),
        ..forbidden()
    }
}

pub(super) fn forbidden() -> Item {
    let forbidden = Forbidden {
        kind: Kind::Gateway,
        namespace: Some("edge".into()),
        name: None,
        verb: "list",
    };
    Item {
        about: About::Forbidden(0),
        served: None,
        namespace: "edge".into(),
        route: None,
        host: None,
        secrets: Vec::new().into(),
        sole: false,
        class: None,
        created: None,
        labels: Box::default(),
        certificate: None,
        evidence: None,
        answer: None,
        doings: Box::default(),
        data_keys: None,
        renewer: None,
        reach: std::sync::Arc::default(),
        findings: Box::new([Finding::new(finding::Forbidden(forbidden))]),
        ignored: Box::new([]),
        status: Status::Unknown,
        urgency: kubectl_certs::check::Urgency::Later,
    }
}

#[test]
fn what_may_not_be_read_is_a_line() {
    from_example("forbidden", |desk| {
        let rows = Message::Rows {
            whole: false,
            set: vec![forbidden()],
            gone: Vec::new(),
        };
        desk.tell([rows]);
    });
}

#[test]
fn what_is_not_chosen_or_not_judged_is_counted() {
    let route = kubectl_certs::object::carrier::carrier("route.openshift.io/v1", "Route").expect("a carrier");
    let found = NotJudged {
        carrier: route,
        api_version: "route.openshift.io/v1".into(),
        count: Some(3),
    };
    let mut desk = Desk::new((200, 50));
    desk.hides("not chosen").hides("not judged");
    desk.tell([Message::LeftOut(12), Message::NotJudged(vec![found])])
        .shows("12 not chosen")
        .shows("3 not checked")
        .shows("1 in the log");
    desk.tell([Message::LeftOut(0), Message::NotJudged(Vec::new())])
        .hides("not chosen")
        .hides("not judged");
}

#[test]
fn a_lost_connection_says_how_old_the_screen_is() {
    from_example("lost", |desk| {
        desk.tell([Message::Link(Link::Lost("the server closed the connection".to_owned()))])
            .wait(95_000);
    });
    let mut desk = Desk::usual();
    desk.tell([Message::Link(Link::Lost("gone".to_owned()))]).wait(61_000);
    desk.shows("connection lost, 61s old");
    desk.tell([Message::Link(Link::Up)])
        .hides("connection lost")
        .shows("live");
}

#[test]
fn another_day() {
    from_example("another-day", |desk| {
        desk.command("at 2027-01-15");
    });
    from_example("another-day-timeline", |desk| {
        desk.press("4 l l l");
    });
}

#[test]
fn read_only_and_manifests() {
    let seen = at_sizes(&SIZES, |size| Desk::with(size, read_only(), place()));
    insta::assert_snapshot!("read-only", seen);
    let seen = at_sizes(&SIZES, |size| Desk::with(size, ui(), manifests()));
    insta::assert_snapshot!("manifests", seen);
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::with(size, ui(), manifests());
        desk.press("?");
        desk
    });
    insta::assert_snapshot!("manifests-help", seen);
}

#[test]
fn problems_filters_and_marks() {
    from_example("problems", |desk| {
        desk.press("ctrl-z");
    });
    from_example("filter", |desk| {
        desk.press("/").write("shop");
    });
    from_example("filter-nothing", |desk| {
        desk.press("/").write("zzz").press("enter");
    });
    from_example("marks", |desk| {
        desk.press("space space j space");
    });
}

#[test]
fn an_empty_list_says_what_empties_it_and_which_key_clears_that() {
    let mut desk = Desk::usual();
    desk.command("ns edge")
        .command("problems")
        .press("/")
        .write("zzz")
        .press("enter");
    desk.shows("None of 35 rows is chosen by the filter /zzz, problems only, namespace edge.")
        .shows("esc clears the first of these, pressed again the next.");
    desk.press("2")
        .shows("None of 25 Secrets is chosen by the filter /zzz, problems only, namespace edge.");
    desk.press("1 esc").hides("None of");
    // Nothing is chosen among, and nothing is wrong: no key clears that.
    let mut desk = Desk::usual();
    let healthy = example().items.iter().filter(|item| item.status == Status::Healthy);
    desk.tell([whole(healthy.cloned().collect())]).press("3");
    desk.shows("Nothing here has a finding.").hides("esc clears");
    // What the program was started with.
    let started = |flags: &[&str], left_out: usize| {
        let mut place = place();
        place.check_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut desk = Desk::with((120, 40), ui(), place);
        desk.tell([whole(Vec::new()), Message::LeftOut(left_out)]);
        desk
    };
    started(&["--reason", "NotServed"], 35).shows("None of 35 rows is chosen by --reason NotServed, with which");
    started(&["--selector", "app=none"], 0).shows("No route that --selector app=none chooses is served over TLS");
}

#[test]
fn small_terminals_work_and_smaller_ones_say_so() {
    let mut all = String::new();
    for keys in ["", "enter", "2", "3", "4", "6", "?", "R", "c", "e"] {
        all.extend(["[", keys, "]\n"]);
        all.push_str(&at_sizes(&[(60, 15), (40, 10)], |size| {
            let mut desk = Desk::new(size);
            desk.press(keys);
            desk
        }));
    }
    insta::assert_snapshot!("small", all);
    let seen = at_sizes(&[(39, 10), (40, 9), (20, 4), (3, 1)], Desk::new);
    insta::assert_snapshot!("too-small", seen);
    let mut desk = Desk::new((30, 5));
    desk.press("j j enter ? esc q q");
    assert_eq!(desk.ended, Some(None), "keys work on a terminal that is too small");
}

#[test]
fn a_terminal_that_becomes_smaller_is_drawn_before_the_program_hears_of_it() {
    for keys in ["", "enter", "2", "3", "4", "6", "?", "R"] {
        let mut desk = Desk::new((200, 50));
        desk.press(keys);
        for (width, height) in [(100, 30), (60, 15), (10, 3), (1, 1), (250, 60)] {
            desk.resize_unheard(width, height);
        }
        desk.resize(120, 40)
            .shows(if keys == "2" { "25 Secrets" } else { "35 hosts" });
    }
}

#[test]
fn what_a_controller_does_with_a_host_has_a_column() {
    let mut desk = Desk::new((300, 50));
    desk.press("ctrl-w").shows("CONTROLLER").hides("failed 4 times");
    let mut item = example()
        .items
        .iter()
        .find(|item| item.host.is_some() && item.is_shown())
        .expect("a host")
        .clone();
    item.doings = Box::new([DoingBy {
        by: std::sync::Arc::default(),
        heard: Heard::Gone { last: None },
        doing: Doing {
            state: DoingState::BackOff,
            failures: 4,
            ..Doing::of(item.secrets[0].clone())
        },
    }]);
    let rows = |item: Item| Message::Rows {
        whole: false,
        set: vec![item],
        gone: Vec::new(),
    };
    desk.tell([rows(item.clone())]).shows("failed 4 times");
    item.doings = Box::default();
    desk.tell([rows(item)]).hides("failed 4 times");
}
