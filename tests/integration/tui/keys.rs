//! Each key of the table, in the view where it applies: what a person notices. Windows and renewals have files of their own.

use crossterm::event::MouseEventKind;
use kubectl_certs::{
    report::order::Field,
    tui::{
        Effect, Message,
        keymap::{Action, Keymap},
        message::Signal,
        model::{
            View,
            popup::{Popup, TextOf},
        },
        run::Input,
    },
};

use super::{
    Desk,
    desk::{place, ui},
    states::{manifests, read_only},
};

/// The line of the table on which the cursor is.
fn at(desk: &Desk) -> usize {
    desk.model.cursor().at
}

#[test]
fn arrows_letters_and_page_keys_move() {
    let mut desk = Desk::new((80, 24));
    assert!(
        desk.selected().contains("checkout.larkspur.e"),
        "the worst is under the cursor first"
    );
    for (keys, line) in [
        ("j", 1),
        ("down down", 3),
        ("k", 2),
        ("up up up", 0),
        ("pagedown", 17),
        ("pageup", 0),
        ("ctrl-f", 17),
        ("ctrl-b", 0),
        ("G", 34),
        ("g", 0),
        ("end", 34),
        ("home", 0),
    ] {
        assert_eq!(at(desk.press(keys)), line, "{keys}");
    }
    desk.press("G");
    assert!(
        desk.selected().contains("cupping.larkspur"),
        "what is at the end is scrolled to:\n{}",
        desk.screen()
    );
}

#[test]
fn enter_opens_and_escape_leads_back() {
    let mut desk = Desk::usual();
    desk.press("j enter")
        .shows("ingress/wholesale in shop")
        .shows("kubectl certs show wholesale -n shop --context prod-eu");
    desk.press("j").shows("ingress/gift-cards in shop");
    desk.press("enter j j");
    assert_eq!(
        desk.model.detail.as_ref().map(|detail| detail.scroll),
        Some(2),
        "a second Enter moves into it"
    );
    desk.press("esc k").shows("ingress/wholesale in shop");
    desk.press("esc").hides("ingress/wholesale in shop");
    desk.press("/")
        .write("shop")
        .press("enter ctrl-z space")
        .shows("6 of 35")
        .shows("1 marked");
    desk.press("esc").shows("19 of 35");
    desk.press("esc").hides("19 of 35 hosts").shows("1 marked");
    desk.press("esc").hides("1 marked");
    desk.press("esc").shows("q quits");
    desk.press("3 esc");
    assert_eq!(desk.model.view, View::Hosts);
}

#[test]
fn digits_and_tab_show_the_views() {
    let mut desk = Desk::usual();
    let [.., last] = View::ALL;
    for (key, view) in [
        ("2", View::Secrets),
        ("3", View::Findings),
        ("4", View::Timeline),
        ("5", View::Orders),
        ("6", View::Namespaces),
        ("1", View::Hosts),
        ("tab", View::Secrets),
        ("tab", View::Findings),
        ("backtab", View::Secrets),
        ("backtab backtab", last),
        ("tab", View::Hosts),
    ] {
        desk.press(key);
        assert_eq!(desk.model.view, view, "{key}");
    }
}

#[test]
fn brackets_go_through_the_history() {
    let mut desk = Desk::usual();
    desk.press("[").shows("previous: there is no previous view");
    desk.press("/").write("shop").press("enter j j 3 6").press("[");
    assert_eq!(desk.model.view, View::Findings);
    desk.press("[").shows("/shop");
    assert_eq!((desk.model.view, at(&desk)), (View::Hosts, 2), "where one was");
    desk.press("]");
    assert_eq!(desk.model.view, View::Findings);
    desk.press("] ]").shows("next: there is no next view");
    assert_eq!(desk.model.view, View::Namespaces);
}

#[test]
fn enter_leads_from_a_reason_a_namespace_and_a_day_to_its_hosts() {
    let mut desk = Desk::usual();
    desk.press("3").press("/").write("duplicate").press("enter enter");
    assert_eq!((desk.model.view, desk.model.rows.len()), (View::Hosts, 2));
    desk.press("esc esc 6 j enter").shows("ns blog");
    assert_eq!((desk.model.view, desk.model.rows.len()), (View::Hosts, 8));
    desk.press("esc 4 G enter");
    assert!(desk.selected().contains("wiki.intra"), "{}", desk.screen());
    desk.press("4 g enter");
    assert!(desk.selected().contains("checkout"), "{}", desk.screen());
}

#[test]
fn the_timeline_is_moved_by_days() {
    let mut desk = Desk::usual();
    let day = |desk: &mut Desk, keys: &str| {
        desk.press(keys);
        (desk.effects(), desk.model.at)
    };
    let midnight = |days: i64| super::example::noon() - 43_200 + days * 86_400;
    desk.press("4");
    assert_eq!(
        day(&mut desk, "right"),
        (vec![Effect::At(Some(midnight(1)))], Some(midnight(1)))
    );
    desk.shows("AS OF 2026-12-02");
    assert_eq!(day(&mut desk, "l").1, Some(midnight(2)));
    assert_eq!(day(&mut desk, "left").1, Some(midnight(1)));
    assert_eq!(day(&mut desk, "h"), (vec![Effect::At(None)], None));
    assert_eq!(day(&mut desk, "h").1, Some(midnight(-1)));
    desk.press("1 l").hides("AS OF 2026-12-01");
    desk.press("R").shows("renew: another day is shown");
    assert_eq!(day(&mut desk, "esc"), (vec![Effect::At(None)], None));
}

#[test]
fn the_filter_counts_as_it_is_typed() {
    let mut desk = Desk::usual();
    desk.press("/")
        .write("s")
        .write("hop")
        .shows("11 of 35")
        .hides("payroll");
    desk.press("backspace backspace backspace backspace")
        .hides("of 35 hosts");
    desk.press("backspace j");
    assert_eq!(
        (at(&desk), desk.model.prompt.is_none()),
        (1, true),
        "what is empty is left by Backspace"
    );
    desk.press("/")
        .write("!shop")
        .press("enter")
        .shows("24 of 35")
        .hides("checkout");
    desk.press("/ esc").hides("of 35 hosts");
    desk.press("/")
        .write("-f chkout")
        .press("enter")
        .shows("checkout")
        .shows("1 of 35");
    desk.press("/ esc /")
        .write("secret/api-tls")
        .press("enter")
        .shows("1 of 35");
    desk.press("/ esc /")
        .write("x")
        .press("down ctrl-c")
        .hides("of 35 hosts");
    desk.press("/")
        .write("shop")
        .press("enter 2")
        .shows("checkout-tls")
        .hides("payroll-tls");
}

#[test]
fn labels_choose_too() {
    let mut desk = Desk::usual();
    let has = |label: (&str, &str)| {
        super::example::example()
            .items
            .iter()
            .filter(|item| item.labels.iter().any(|(k, v)| (k.as_str(), v.as_str()) == label))
            .count()
    };
    let (key, value) = super::example::example()
        .items
        .iter()
        .find_map(|item| item.labels.first().cloned())
        .expect("the example has labels");
    desk.press("/").write(&format!("-l {key}={value}")).press("enter");
    assert_eq!(desk.model.rows.len(), has((&key, &value)));
    desk.press("/ esc /")
        .write(&format!("-l {key}!={value}"))
        .press("enter");
    assert_eq!(desk.model.rows.len(), 35 - has((&key, &value)));
}

#[test]
fn problems_only() {
    let mut desk = Desk::usual();
    desk.press("ctrl-z")
        .shows("19 of 35")
        .shows("problems only")
        .hides("healthy   ");
    desk.press("ctrl-z").hides("problems only");
}

#[test]
fn sort_keys_sort_and_turn_around() {
    let mut desk = Desk::usual();
    let sorted = |desk: &Desk| (desk.model.rows.sort().by, desk.model.rows.sort().reverse);
    for (key, field, head) in [
        ("N", Field::Name, "ROUTE ↑"),
        ("P", Field::Namespace, "NAMESPACE ↑"),
        ("H", Field::Host, "HOST ↑"),
        ("S", Field::Status, "STATUS ↑"),
        ("E", Field::Expires, "EXPIRES ↑"),
    ] {
        desk.press(key).shows(head);
        assert_eq!(sorted(&desk), (Some(field), false));
        desk.press(key).shows(&head.replace('↑', "↓"));
        assert_eq!(sorted(&desk), (Some(field), true));
    }
    desk.press("A");
    assert_eq!(sorted(&desk).0, Some(Field::Age));
    desk.press("H g").press("j").press("E");
    assert_eq!(at(&desk), 0, "whoever sorts wants to see what is first");
}

#[test]
fn s_goes_through_the_columns_and_back_to_worst_first() {
    let mut desk = Desk::usual();
    let mut seen = Vec::new();
    for _ in 0..9 {
        desk.press("s");
        seen.push(desk.model.rows.sort().by);
    }
    let first = seen.iter().position(Option::is_none).expect("worst first comes again");
    assert_eq!(first, 7, "{seen:?}");
    desk.press("6 s s").shows("NAMESPACE ↑");
    desk.press("4 s").hides("↑");
    assert_eq!(desk.model.view, View::Timeline);
}

#[test]
fn wide_and_columns_change_what_is_drawn() {
    let mut desk = Desk::new((200, 50));
    desk.hides("ALGORITHM").press("ctrl-w").shows("SHA256").shows("CLASS");
    desk.press("ctrl-w").hides("SHA256");
    desk.press("z")
        .shows("a  STATUS      shown")
        .press("l")
        .shows("l  ALGORITHM   shown");
    desk.press("down down space esc").shows("ALGORITHM");
    desk.press("z j enter esc").hides("NAMESPACE ");
    desk.press("z q");
    assert!(desk.model.popups.is_empty(), "q leads out of a menu too");
}

#[test]
fn marks_and_ranges() {
    let mut desk = Desk::usual();
    desk.press("ctrl-\\").shows("unmark: nothing is marked").wait(10_000);
    desk.press("space").shows("1 marked");
    assert_eq!(at(&desk), 1, "the next line is the next to be marked");
    desk.press("j j ctrl-space").shows("4 marked");
    desk.press("k space").shows("3 marked");
    desk.press("ctrl-4").hides("marked");
    desk.press("2 space j ctrl-space").shows("3 marked");
    desk.press("1").hides("marked");
    desk.press("j space j space p");
    let Some(Effect::Probe(chosen)) = desk.effects().pop() else {
        panic!("no probe")
    };
    assert_eq!(chosen.len(), 2, "an action is for what is marked");
}

#[test]
fn probe_asks_the_hosts() {
    let mut desk = Desk::usual();
    desk.press("p")
        .shows("probing 1 host  kubectl certs probe checkout -n shop --context prod-eu");
    assert!(matches!(desk.effects().as_slice(), [Effect::Probe(chosen)] if chosen.len() == 1));
    desk.tell([Message::Probed(1)]).shows("1 host was probed");
}

#[test]
fn texts_are_asked_for_and_shown() {
    let mut desk = Desk::usual();
    for (key, text, title) in [
        ("u", TextOf::Users, "used by ingress/checkout in shop"),
        ("x", TextOf::Certificates, "certificates of ingress/checkout in shop"),
        ("y", TextOf::Yaml, "yaml of ingress/checkout in shop"),
    ] {
        desk.press(key).shows(title).shows("reading ...");
        let effects = desk.effects();
        let [Effect::Text { window, what, .. }] = effects.as_slice() else {
            panic!("{key}: {effects:?}");
        };
        assert_eq!(*what, text, "{key}");
        let lines = Ok(vec![vec![(
            kubectl_certs::report::show::Tone::Plain,
            "what was asked for".to_owned(),
        )]]);
        desk.tell([Message::Text {
            window: *window,
            lines: lines.clone(),
        }])
        .shows("what was asked for");
        desk.press("esc")
            .tell([Message::Text { window: *window, lines }])
            .hides("what was asked for");
    }
    desk.press("2 x").shows("certificates of secret/checkout-tls in shop");
}

#[test]
fn e_explains_the_worst_finding() {
    let mut desk = Desk::usual();
    desk.press("e")
        .shows("kubectl certs explain Expired")
        .press("pagedown")
        .press("G")
        .press("esc");
    desk.press("3 j e")
        .shows("kubectl certs explain RefNotPermitted")
        .press("esc");
    desk.press("1 G e").shows("explain: nothing is wrong there");
}

#[test]
fn a_page_is_broken_once_for_a_narrow_screen() {
    let mut desk = Desk::new((80, 24));
    desk.command("explain HostMismatch");
    let lines: Vec<String> = (0..24)
        .map(|y| desk.line(y).trim_matches(['│', ' ']).to_owned())
        .skip_while(|line| !line.starts_with("A host of the route"))
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(lines.len() > 4, "{lines:?}");
    for pair in lines.windows(2) {
        let next = pair[1].split(' ').next().unwrap_or_default();
        assert!(pair[0].len() + 1 + next.len() > 76, "{pair:?}");
    }
}

#[test]
fn c_copies_by_the_terminal() {
    let mut desk = Desk::usual();
    let copied = |desk: &mut Desk, keys: &str| {
        desk.press(keys);
        desk.effects()
    };
    let text = |text: &str| vec![Effect::Copy(text.to_owned())];
    assert_eq!(copied(&mut desk, "c n"), text("shop/checkout"));
    desk.shows("copied: shop/checkout");
    assert_eq!(copied(&mut desk, "c h"), text("checkout.larkspur.example"));
    assert_eq!(copied(&mut desk, "c s"), text("shop/checkout-tls"));
    assert_eq!(
        copied(&mut desk, "c c"),
        text("kubectl certs show checkout -n shop --context prod-eu")
    );
    assert_eq!(
        copied(&mut desk, "c r"),
        text("kubectl certs renew secret/checkout-tls -n shop --context prod-eu")
    );
    assert_eq!(copied(&mut desk, "c down enter"), text("checkout.larkspur.example"));
    let pem = copied(&mut desk, "c p");
    assert!(matches!(pem.as_slice(), [Effect::Pem(_)]), "{pem:?}");
    desk.tell([Message::Pem(Ok("-----BEGIN CERTIFICATE-----".to_owned()))])
        .shows("without the key");
    assert_eq!(desk.effects(), text("-----BEGIN CERTIFICATE-----"));
    desk.press("c esc").hides("PEM");
    desk.press("5 c").shows("cancel: it has ended");
}

#[test]
fn o_saves_the_view_in_several_forms() {
    let mut desk = Desk::usual();
    let saved = |desk: &mut Desk, view: &str, name: &str| {
        desk.press(view).press("o ctrl-u").write(name).press("enter");
        match desk.effects().as_slice() {
            [Effect::Write { path, bytes }] => {
                assert_eq!(path.to_str(), Some(name));
                String::from_utf8(bytes.clone()).expect("UTF-8")
            }
            other => panic!("{name}: {other:?}\n{}", desk.screen()),
        }
    };
    desk.press("o").shows("> certs-hosts.md").press("esc");
    let table = saved(&mut desk, "1", "all.txt");
    assert!(
        table
            .lines()
            .next()
            .is_some_and(|head| head.contains("HOST") && head.contains("REASON")),
        "{table}"
    );
    assert_eq!(table.lines().count(), 36);
    let markdown = saved(&mut desk, "1", "all.md");
    assert!(
        markdown.starts_with("| STATUS | NAMESPACE |") && markdown.lines().count() == 37,
        "{markdown}"
    );
    let json: serde_json::Value = serde_json::from_str(&saved(&mut desk, "1", "all.json")).expect("JSON");
    assert_eq!(
        (&json["kind"], json["items"].as_array().map(Vec::len)),
        (&"StatusList".into(), Some(35))
    );
    assert!(saved(&mut desk, "1", "all.yaml").contains("kind: StatusList"));
    let secrets: serde_json::Value = serde_json::from_str(&saved(&mut desk, "2", "secrets.json")).expect("JSON");
    assert_eq!(secrets[0]["secret"], "checkout-tls");
    assert!(saved(&mut desk, "6", "namespaces.txt").contains("FIRST EXPIRY"));
    desk.press("1 o")
        .write(".exe")
        .press("enter")
        .shows("save: .exe is not one of .md, .json, .yaml and .txt");
    desk.press("o ctrl-u enter").shows("save: name a file");
    assert_eq!(desk.effects(), Vec::new());
    desk.tell([Message::Written(Ok("all.md".to_owned()))])
        .shows("saved as all.md");
}

#[test]
fn reading_again_the_log_and_the_help() {
    let mut desk = Desk::usual();
    desk.press("ctrl-r").shows("reading ...");
    assert_eq!(desk.effects(), [Effect::Read]);
    desk.press("L L")
        .shows("the log is empty")
        .press("esc")
        .hides("the log is empty");
    desk.press("? ?")
        .shows("to the first line")
        .press("G")
        .shows(":rollback")
        .press("esc")
        .hides(":rollback");
}

#[test]
fn the_help_names_every_action_with_its_keys() {
    let mut desk = Desk::new((200, 150));
    desk.press("?");
    for action in Action::ALL {
        let keys: Vec<String> = desk
            .model
            .ui
            .keymap
            .keys(*action)
            .iter()
            .map(ToString::to_string)
            .collect();
        // The help stands in columns, in which a long line is broken between words.
        let begins: String = action.help().chars().take(24).collect();
        let begins = begins.rsplit_once(' ').map_or(begins.as_str(), |(words, _)| words);
        desk.shows(&format!("  {:<16} {begins}", keys.join(", ")));
    }
}

#[test]
fn q_and_ctrl_c_quit() {
    for key in ["q", "ctrl-c"] {
        for before in ["", "2", "enter", "?", "e", "c"] {
            let mut desk = Desk::usual();
            desk.press(before).press(key);
            // A window is closed first.
            if desk.ended.is_none() && key == "q" {
                desk.press(key);
            }
            assert_eq!(desk.ended, Some(None), "{before} {key}");
        }
    }
}

#[test]
fn commands_do_what_keys_do() {
    let mut desk = Desk::usual();
    desk.command("ns shop").shows("ns shop").shows("11 of 35");
    desk.command("ns all").hides("of 35 hosts");
    desk.command("ns");
    assert_eq!(desk.model.view, View::Namespaces);
    desk.command("secrets")
        .command("hosts")
        .command("sort expires reverse")
        .shows("EXPIRES ↓")
        .command("sort worst")
        .press("g");
    desk.command("sort weight")
        .shows("sort by one of worst, status, expires");
    desk.command("filter blog").shows("/blog").press("esc");
    desk.command("problems").shows("problems only").command("problems");
    desk.command("at 2027-01-01").shows("AS OF 2027-01-01");
    desk.command("at tomorrowish")
        .shows("is not a date: write :at 2027-01-31, or :at now");
    desk.command("at")
        .shows("the view is as of 2027-01-01T00:00:00Z: write :at 2027-01-31 for another day, or :at now")
        .shows("AS OF 2027-01-01");
    desk.command("at now").hides("AS OF");
    desk.command("at").shows("the view is as of now");
    desk.effects();
    desk.command("ctx").shows("contexts: prod-eu, prod-us, staging");
    desk.command("ctx prod-sa")
        .shows("the kubeconfig has no context prod-sa; did you mean prod-eu?");
    desk.command("ctx staging").shows("reading ...");
    assert_eq!(desk.effects(), [Effect::Context("staging".to_owned())]);
    desk.command("save here.md");
    assert!(matches!(desk.effects().as_slice(), [Effect::Write { .. }]));
    desk.command("read");
    assert_eq!(desk.effects(), [Effect::Read]);
    desk.command("explain")
        .shows("explain Expired")
        .press("esc")
        .command("help")
        .shows("one line up")
        .press("esc");
    desk.command("log").shows("newest first").press("esc");
    desk.command("wide")
        .command("wide")
        .command("renwe")
        .shows("there is no command :renwe; did you mean :renew?");
    desk.command("").command("q");
    assert_eq!(desk.ended, Some(None));
}

#[test]
fn commands_are_completed() {
    let mut desk = Desk::usual();
    let typed = |desk: &mut Desk, start: &str| {
        desk.press(":").write(start).press("tab");
        let line = desk.line(38).split("    ").next().unwrap_or_default().to_owned();
        desk.press("esc");
        line
    };
    assert_eq!(typed(&mut desk, "find"), ":findings");
    assert_eq!(typed(&mut desk, "ctx s"), ":ctx staging");
    assert_eq!(typed(&mut desk, "ctx p"), ":ctx prod-", "as far as it is certain");
    assert_eq!(typed(&mut desk, "ns in"), ":ns intranet");
    assert_eq!(typed(&mut desk, "sort ex"), ":sort expires");
    assert_eq!(typed(&mut desk, "zzz"), ":zzz");
    desk.press(":")
        .write("sor")
        .press("tab")
        .write("hos")
        .press("tab enter")
        .shows("HOST ↑");
    desk.press(":").write("q").press("backspace backspace").shows("q quit");
}

#[test]
fn a_namespace_that_was_not_read_is_read() {
    let mut desk = Desk::with(
        (120, 40),
        ui(),
        kubectl_certs::tui::message::SourceInfo {
            namespaces: vec!["shop".to_owned()],
            ..place()
        },
    );
    desk.command("ns blog");
    assert_eq!(desk.effects(), [Effect::Namespaces(vec!["blog".to_owned()])]);
    desk.command("ns all");
    assert_eq!(desk.effects(), [Effect::Namespaces(Vec::new())]);
}

#[test]
fn the_mouse_scrolls_chooses_sorts_and_presses() {
    let mut desk = Desk::usual();
    desk.mouse(MouseEventKind::ScrollDown, 20, 10);
    assert_eq!(at(&desk), 3);
    desk.mouse(MouseEventKind::ScrollUp, 20, 10);
    assert_eq!(at(&desk), 0);
    desk.click(20, 8);
    assert_eq!(at(&desk), 4);
    desk.click(20, 8).shows("ingress/storefront-preview in shop");
    desk.press("esc")
        .click_on("EXPIRES")
        .shows("EXPIRES ↑")
        .click_on("EXPIRES")
        .shows("EXPIRES ↓");
    desk.click_on("2 secrets");
    assert_eq!(desk.model.view, View::Secrets);
    desk.click_on("1 hosts")
        .click_on("/ filter")
        .write("shop")
        .press("enter")
        .shows("/shop");
    desk.click_on("? help").shows("one line up");
    let top = desk.screen();
    desk.mouse(MouseEventKind::ScrollDown, 20, 10);
    assert_ne!(desk.screen(), top, "the wheel scrolls a window");
    desk.press("esc").click(119, 39).click(0, 0).click_on("q quit");
    assert_eq!(desk.ended, Some(None));
}

#[test]
fn a_click_beside_a_window_does_nothing_behind_it() {
    let mut desk = Desk::usual();
    desk.press("e").click(20, 4).click(4, 3).click(5, 2);
    assert_eq!(
        (at(&desk), desk.model.view, desk.model.popups.len()),
        (0, View::Hosts, 1)
    );
}

#[test]
fn read_only_refuses_every_write_and_says_why() {
    let mut desk = Desk::with((120, 40), read_only(), place());
    desk.shows("READ-ONLY");
    for (keys, command) in [
        ("R", ""),
        ("r", ""),
        ("", "revoke"),
        ("", "rollback"),
        ("", "renew"),
        ("2 R", "restart"),
    ] {
        desk.press(keys);
        if !command.is_empty() {
            desk.command(command);
        }
        desk.shows("the program is read-only").wait(10_000);
        assert_eq!(
            (desk.effects(), desk.model.popups.len()),
            (Vec::new(), 0),
            "{keys} {command}"
        );
    }
    desk.press("?").shows("(the program");
}

#[test]
fn manifests_say_what_needs_a_cluster() {
    let mut desk = Desk::with((120, 40), ui(), manifests());
    desk.shows("manifests docs/example")
        .hides("REHEARSAL")
        .hides("PRODUCTION");
    for (key, words) in [
        ("R", "renew: needs a cluster"),
        ("r", "restart: needs a cluster"),
        ("y", "yaml: needs a cluster"),
    ] {
        desk.press(key).shows(words);
    }
    desk.command("ctx prod-eu").shows("ctx: needs a cluster");
    desk.command("revoke").shows("revoke: needs a cluster");
    assert_eq!(desk.effects(), Vec::new());
    desk.press("c")
        .hides("renewal")
        .press("esc enter")
        .shows("ingress/checkout in shop");
}

#[test]
fn what_has_no_line_says_so() {
    let mut desk = Desk::usual();
    desk.press("/").write("zzz").press("enter");
    for (key, words) in [
        ("R", "renew: there is no line"),
        ("p", "probe: there is no line"),
        ("y", "yaml: there is no line"),
        ("space", "mark: there is no line"),
        ("w", "wait: no renewal is running"),
    ] {
        desk.press(key).shows(words);
    }
    desk.press("enter j k G g e u x");
    desk.press("c")
        .shows("v  view  kubectl certs status -A --filter=zzz")
        .press("esc");
    desk.press("esc /")
        .write("partners")
        .press("enter R")
        .shows("renew: the line names no Secret");
}

#[test]
fn keys_of_the_settings_take_the_place_of_the_usual_ones() {
    let keymap = Keymap::with(&[("secrets".to_owned(), vec!["f2".to_owned(), "v".to_owned()])].into()).expect("keys");
    let settings = kubectl_certs::tui::Ui { keymap, ..ui() };
    let mut desk = Desk::with((120, 40), settings, place());
    desk.shows("f2 secrets").press("2");
    assert_eq!(desk.model.view, View::Hosts);
    desk.press("v");
    assert_eq!(desk.model.view, View::Secrets);
}

#[test]
fn signals_are_heard() {
    let mut desk = Desk::usual();
    desk.comes(Input::Suspend);
    assert_eq!(
        (desk.suspended(), desk.ended),
        (1, None),
        "it goes on after it was stopped"
    );
    for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
        let mut desk = Desk::usual();
        desk.shows("35 hosts").press("R").comes(Input::Terminate(signal));
        assert_eq!(desk.ended, Some(Some(signal)));
    }
}

#[test]
fn what_is_pasted_is_typed_and_pasted_names_do_not_count() {
    let paste = |text: &str| Input::Terminal(crossterm::event::Event::Paste(text.to_owned()));
    let mut desk = Desk::usual();
    desk.press("/")
        .comes(paste("shop\nrm -rf\n"))
        .press("enter")
        .shows("/shop");
    desk.press("esc")
        .press("R")
        .tell([super::runs::planned(
            1,
            super::runs::of_checkout(kubectl_certs::tui::order::Stage::Production),
        )])
        .effects();
    desk.press("enter")
        .comes(paste("prod-eu"))
        .press("enter")
        .shows("type \"prod-eu\"");
    assert!(matches!(desk.model.popups.last(), Some(Popup::Plan(_))));
    assert_eq!(desk.effects(), Vec::new());
    desk.press("esc").comes(paste("q")).shows("/q").shows("2 of 35");
}

#[test]
fn what_cannot_be_sorted_or_opened_says_why() {
    let mut desk = Desk::usual();
    desk.command("secrets")
        .press("H")
        .shows("by host: this view has no such column");
    let mut desk = Desk::usual();
    desk.tell([Message::Rows {
        whole: false,
        set: vec![super::states::forbidden()],
        gone: Vec::new(),
    }])
    .press("/")
    .write("Forbidden")
    .press("enter enter")
    .shows("this kind could not be read");
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let mut desk = Desk::usual();
    desk.press("enter")
        .resize(80, 24)
        .shows("ingress/checkout in shop")
        .hides("payroll");
    desk.resize(40, 10)
        .shows("ingress/checkout in shop")
        .resize(39, 10)
        .shows("40x10 are needed")
        .resize(200, 50)
        .shows("payroll.intra");
}
