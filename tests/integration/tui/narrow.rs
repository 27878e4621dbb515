//! Narrow and low terminals: which columns give first, and what stays on the screen whatever has no room.

use kubectl_certs::tui::{
    Message, Ui,
    item::Item,
    message::{SourceInfo, Trouble},
    order::{Ending, Stage},
};
use proptest::prelude::*;

use super::{
    Desk,
    desk::{place, ui, whole},
    example::example,
    hostile,
    popups::begin,
    renewals::started,
    rows::STATUSES,
    runs::{checkout, of_checkout, plan, planned},
    states::{alone, forbidden},
    writes::{put_back, revocation},
};

const WORDS: [&str; 5] = ["✗ critical", "! warning", "? unknown", "· info", "✓ healthy"];

/// Rows of several namespaces, with hosts that are longer than any column.
fn pool() -> Vec<Item> {
    let mut pool = example().items.clone();
    pool.extend(hostile::items());
    pool.extend([alone(), forbidden()]);
    pool
}

/// The lines of the table, without its heads.
fn lines(desk: &Desk) -> Vec<String> {
    let lines = desk.model.lines();
    let top = if desk.size().1 < 20 { 3 } else { 4 };
    let lines = (top..desk.size().1 - 2).map(|y| desk.line(y)).take(lines);
    // What is wrong with the first of a reason stands below them.
    lines.take_while(|line| !line.starts_with('┌')).collect()
}

fn heads(desk: &Desk) -> String {
    desk.line(if desk.size().1 < 20 { 2 } else { 3 })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn no_status_is_cut_and_namespaces_are_seen_where_there_are_several(
        rows in prop::collection::vec((0..70_usize, 0..5_usize), 1..30), width in 40..200_u16, height in prop::sample::select(vec![10, 16, 24, 50_u16]),
        view in prop::sample::select(vec!["1", "2", "3"]), wide in any::<bool>(),
    ) {
        let pool = pool();
        let item = |(at, status): &(usize, usize)| Some(Item { status: STATUSES[*status], ..pool.get(*at)?.clone() });
        let mut desk = Desk::new((width, height));
        desk.tell([whole(rows.iter().filter_map(item).collect())]).press(view);
        if wide {
            desk.press("ctrl-w");
        }
        for line in lines(&desk).iter().filter(|line| !line.is_empty()) {
            prop_assert!(WORDS.iter().any(|word| line.contains(word)), "{}", desk.screen());
        }
        // A view in which nothing stands has a sentence in place of its heads.
        if width >= 80 && view != "3" && desk.model.lines() > 0 {
            prop_assert!(heads(&desk).contains(" NAMESPACE"), "{}", desk.screen());
        }
    }
}

#[test]
fn namespaces_and_whole_words_have_room_at_80_columns_and_reasons_give_first() {
    for view in ["1", "2"] {
        let mut desk = Desk::new((80, 24));
        desk.command("ns all").press(view);
        desk.shows("STATUS")
            .shows("NAMESPACE")
            .shows("✗ critical")
            .shows("REASON");
        // Of one namespace the column would say the same in each line.
        desk.command("ns shop").press(view).shows("✗ critical");
    }
    let mut desk = Desk::new((80, 24));
    desk.command("ns shop")
        .hides(" NAMESPACE ")
        .shows("checkout.larkspur.example");
}

#[test]
fn two_namespaces_that_begin_alike_are_told_apart_at_80_columns_beside_long_hosts() {
    let names = ["screen-try", "screen-two"];
    let rows = names.iter().enumerate().map(|(at, name)| Item {
        namespace: (*name).into(),
        host: Some("checkout-of-a-rather-long-name.larkspur.example".into()),
        ..example().items[at].clone()
    });
    let mut desk = Desk::new((80, 24));
    desk.tell([whole(rows.collect())]);
    desk.shows("screen-try").shows("screen-two").shows("✓ healthy");
    // The head has room for the sign of how it is sorted.
    desk.press("P").shows("NAMESPACE ↑").shows("screen-two");
}

/// The stage above, and below the keys that decide.
#[track_caller]
fn decides(desk: &Desk, badge: &str, keys: &[&str]) {
    let screen = desk.screen();
    let (head, foot) = (desk.line(0), desk.line(desk.size().1 - 1));
    assert!(head.starts_with("prod-eu "), "no context above:\n{screen}");
    assert!(head.contains(badge), "no {badge} above:\n{screen}");
    for key in keys {
        assert!(foot.contains(key), "no {key:?} below:\n{screen}");
    }
}

const SMALL: [(u16, u16); 5] = [(40, 10), (60, 16), (80, 24), (40, 50), (200, 10)];

/// The settings of somebody whose issuer has a long name.
fn long_issuer(size: (u16, u16)) -> Desk {
    let settings = Ui {
        staging: "the-staging-directory-of-larkspur-and-others".to_owned(),
        ..ui()
    };
    Desk::with(size, settings, place())
}

#[test]
fn badge_and_keys_that_decide_are_seen_at_every_size() {
    for size in SMALL {
        let mut desk = Desk::new(size);
        decides(&desk, "REHEARSAL", &["? help", "q quit"]);
        // A plan, before and after it is there, and where the context has to be typed.
        desk.press("R");
        decides(&desk, "REHEARSAL", &["esc back"]);
        let many: Vec<(String, String)> = (1..=30)
            .map(|n| (format!("site-{n}-tls"), format!("site-{n}.larkspur.example")))
            .collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        desk.tell([planned(1, plan(Stage::Production, &many))]);
        decides(&desk, "PRODUCTION", &["enter go", "esc back"]);
        desk.press("enter").shows("> ");
        decides(&desk, "PRODUCTION", &["enter continues", "esc cancels"]);
        desk.write("not this").shows("> not this");
        // A run, and one that has failed or passed.
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        decides(&desk, "REHEARSAL", &["esc back", "c cancel"]);
        desk.tell([Message::Ended(1, Ending::Bad(Trouble::new("the CA is away")))])
            .shows("the CA is away");
        decides(&desk, "REHEARSAL", &["esc back"]);
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        desk.tell([Message::Ended(1, Ending::Good("it passed".to_owned()))]);
        decides(
            &desk,
            "REHEARSAL",
            &["t rehearsal/production", if size.0 > 40 { "esc back" } else { "" }],
        );
        // A question of any length.
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        desk.tell([Message::Asked(
            1,
            "a line of a long question\n".repeat(40) + "Does it exist?",
        )]);
        decides(&desk, "REHEARSAL", &["y yes", "n no", "esc back"]);
        desk.shows("a line of a long question")
            .press("G")
            .shows("Does it exist?");
        // The writes that order nothing.
        let mut desk = Desk::new(size);
        desk.command("rollback");
        let (id, ..) = started(&mut desk);
        desk.tell([planned(id, put_back())]);
        decides(&desk, "PRODUCTION", &["enter go", "esc back"]);
        let mut desk = Desk::new(size);
        desk.command("revoke");
        decides(&desk, "", &["enter choose", "esc back"]);
        desk.press("down down down")
            .shows("> u  unspecified")
            .press("up up enter");
        let (id, ..) = started(&mut desk);
        desk.tell([planned(id, revocation())]);
        decides(&desk, "PRODUCTION", &["enter go", "esc back"]);
        // What the issuer is called takes the place of no context.
        let mut desk = long_issuer(size);
        decides(&desk, "REHEARSAL", &["? help"]);
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
        decides(&desk, "REHEARSAL", &["enter go", "esc back"]);
    }
}

#[test]
fn what_is_told_while_a_window_is_open_is_seen_on_a_low_screen() {
    let mut desk = Desk::new((60, 16));
    desk.press("R").tell([planned(1, of_checkout(Stage::Production))]);
    desk.press("enter enter")
        .shows("type \"prod-eu\", or press Esc to cancel");
    // It becomes another size while the window is open.
    desk.resize(40, 10).shows("> ").resize(200, 50).shows("> ");
    desk.write("prod-eu").press("enter").shows("running");
    assert_eq!(
        desk.model.run(1).map(|run| run.progress.contains_key(&checkout())),
        Some(false)
    );
}

#[test]
fn a_menu_shows_the_line_that_is_chosen_however_low_it_is() {
    let mut desk = Desk::new((40, 10));
    desk.press("z");
    for _ in 0..14 {
        desk.press("down");
    }
    desk.shows("LABELS");
}

#[test]
fn to_go_on_is_offered_only_where_something_waits_for_it() {
    let nothing: &[fn(&mut Desk)] = &[
        |desk| {
            desk.press("?");
        },
        |desk| {
            desk.press("L");
        },
        |desk| {
            desk.command("revoke")
                .press("c")
                .tell([Message::Ended(1, Ending::Bad(Trouble::new("in use")))]);
        },
        |desk| begin(desk, Stage::Rehearsal),
        |desk| {
            begin(desk, Stage::Rehearsal);
            desk.tell([Message::Ended(1, Ending::Good("it passed".to_owned()))]);
        },
        |desk| {
            begin(desk, Stage::Rehearsal);
            desk.tell([Message::Ended(1, Ending::Bad(Trouble::new("it failed")))]);
        },
    ];
    for (number, act) in nothing.iter().enumerate() {
        let mut desk = Desk::new((80, 24));
        act(&mut desk);
        desk.hides(" go ").effects();
        desk.press("enter Y").hides("go: ").hides("there is no plan");
        assert_eq!(desk.effects(), [], "{number}");
        assert_eq!(desk.model.popups.len(), 1, "{number}:\n{}", desk.screen());
    }
}

#[test]
fn a_place_without_a_name_has_its_badge_too() {
    let mut desk = Desk::with(
        (40, 10),
        ui(),
        SourceInfo {
            context: String::new(),
            ..place()
        },
    );
    desk.shows("REHEARSAL letsencrypt-staging");
}

#[test]
fn columns_are_as_wide_as_what_is_shown_needs() {
    let mut desk = Desk::new((80, 24));
    let long = Item {
        host: Some("checkout-of-a-rather-long-name-that-fills-a-column.larkspur.example".into()),
        ..example().items[0].clone()
    };
    let short = |at: usize| Item {
        namespace: "lab".into(),
        host: Some(format!("a{at}.example").into()),
        ..example().items[at].clone()
    };
    desk.tell([whole(vec![long, short(1), short(2)])]);
    let head = |desk: &Desk, text: &str| heads(desk).find(text).expect("a head");
    let wide = head(&desk, "EXPIRES") - head(&desk, "HOST");
    desk.command("ns lab");
    let narrow = head(&desk, "EXPIRES") - head(&desk, "HOST");
    assert!(
        narrow < wide && narrow < 24,
        "{wide}, then {narrow}:\n{}",
        desk.screen()
    );
}

#[test]
fn the_one_namespace_of_all_lines_stands_in_the_header_alone() {
    for view in ["1", "2"] {
        let mut desk = Desk::new((200, 50));
        desk.press(view).shows(" NAMESPACE ");
        desk.command("ns shop").hides(" NAMESPACE ").shows("ns shop");
        desk.press("z")
            .shows("all lines are of one, which stands above")
            .press("esc");
        let one = SourceInfo {
            namespaces: vec!["shop".to_owned()],
            ..place()
        };
        let mut desk = Desk::with((200, 50), ui(), one);
        let of_shop = example().items.iter().filter(|item| item.namespace == "shop").cloned();
        desk.tell([whole(of_shop.collect())]).press(view).hides(" NAMESPACE ");
    }
}

#[test]
fn no_window_leaves_a_strip_that_says_nothing() {
    for width in 60..100 {
        let mut desk = Desk::new((width, 24));
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
        for window in ["", "esc ?", "esc e", "esc L", "esc c"] {
            desk.press(window);
            let top = (0..24)
                .map(|y| desk.line(y))
                .find(|line| line.contains('┌'))
                .expect("a frame");
            let cells = top.chars().position(|c| c == '┐').expect("its end")
                - top.chars().position(|c| c == '┌').expect("its begin")
                + 1;
            let beside = usize::from(width) - cells;
            assert!(
                beside == 0 || beside >= 12,
                "{window}: {beside} of {width}:\n{}",
                desk.screen()
            );
        }
    }
}

#[test]
fn what_the_timeline_tells_is_cut_nowhere() {
    for width in [40, 50, 60, 70, 80, 100, 120, 200] {
        let mut desk = Desk::new((width, 40));
        desk.press("4");
        let screen = desk.screen();
        let issuers = screen.lines().find(|line| line.starts_with("ISSUER")).expect("a head");
        assert!(
            issuers.ends_with(" 30 d") || issuers.ends_with(" RATE LIMITS"),
            "{screen}"
        );
        assert!(width < 60 || issuers.ends_with(" RATE LIMITS"), "{screen}");
        let when = screen.lines().find(|line| line.starts_with("WHEN")).expect("a head");
        assert!(when.ends_with("DUE") || when.ends_with(" due"), "{screen}");
        let lines = screen
            .lines()
            .skip_while(|line| !line.starts_with("ISSUER"))
            .skip(1)
            .take_while(|line| !line.is_empty());
        for line in lines.take_while(|line| !line.starts_with("kubectl")) {
            assert!(width < 60 || !line.ends_with('…'), "{screen}");
        }
    }
}
