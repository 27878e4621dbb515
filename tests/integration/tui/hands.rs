//! What an operator presses and types does what they mean.

use crossterm::event::Event;
use kubectl_certs::{
    event::{EventKind, Method},
    object::Key,
    scan::About,
    text::parse_time,
    tui::{
        Effect, Message,
        item::Item,
        message::{SourceInfo, Trouble},
        model::{SPLIT, View},
        order::{Ending, Stage},
        run::Input,
        update::texts::{show_command, status_command},
    },
};

use super::{
    Desk,
    desk::{place, ui, whole},
    popups::begin,
    runs::{checkout, course, happened, of_checkout, planned},
};
use crate::support::run::program;

/// The example as manifests, as who starts the program with `-f` has it.
pub(super) fn of_manifests(size: (u16, u16)) -> Desk {
    let manifests = SourceInfo {
        manifests: Some("docs/example".to_owned()),
        flags: vec!["-f".to_owned(), "docs/example".to_owned()],
        ca_flags: vec!["--ca-file".to_owned(), "docs/example/root.pem".to_owned()],
        ..SourceInfo::default()
    };
    Desk::with(size, ui(), manifests)
}

/// What the program prints for these words.
pub(super) fn printed(words: &[String]) -> String {
    let output = std::process::Command::new(program())
        .args(words)
        .env("HOME", "/nonexistent")
        .env("COLUMNS", "200")
        .current_dir(super::root())
        .output()
        .expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_settings_file_that_was_named_is_in_every_command_that_reads_settings() {
    let mut desk = Desk::usual();
    desk.model.place.config_flags = vec!["--config".to_owned(), "own.yaml".to_owned()];
    desk.press("2").shows("--config own.yaml");
    desk.press("R");
    let renewal = desk.effects().into_iter().find_map(|effect| match effect {
        Effect::Run { command, .. } => Some(command.to_string()),
        _ => None,
    });
    let renewal = renewal.expect("a run");
    assert!(renewal.contains("--config own.yaml"), "{renewal}");
    desk.press("esc").command("rollback");
    let back = desk.effects().into_iter().rev().find_map(|effect| match effect {
        Effect::Run { command, .. } => Some(command.to_string()),
        _ => None,
    });
    let back = back.expect("a run");
    assert!(
        back.contains("rollback") && back.contains("--config own.yaml"),
        "{back}"
    );
}

#[test]
fn escape_ends_only_what_was_begun_in_the_screen() {
    let mut desk = Desk::usual();
    let begun = parse_time("2026-12-24");
    (desk.model.at, desk.model.begun_at) = (begun, begun);
    desk.press("esc esc esc").shows("AS OF 2026-12-24").effects();
    desk.command("at 2027-01-01").shows("AS OF 2027-01-01");
    desk.press("esc").shows("AS OF 2026-12-24");
    assert_eq!(desk.effects().last(), Some(&Effect::At(begun)));
    desk.press("esc").shows("AS OF 2026-12-24").shows("q quits");
}

#[test]
fn escape_leads_back_to_the_line_that_enter_went_on_from() {
    for (view, line) in [("3", 2), ("6", 1), ("4", 5)] {
        let mut desk = Desk::usual();
        desk.press(view).press(&"j ".repeat(line));
        let before = (desk.model.view, desk.model.cursor().at, desk.model.rows.sort());
        desk.press("enter").press("/").write("shop").press("enter ctrl-z j");
        assert_eq!(desk.model.view, View::Hosts);
        desk.press("esc esc");
        assert_eq!((desk.model.view, desk.model.filter.as_str()), (View::Hosts, ""));
        desk.press("esc");
        let after = (desk.model.view, desk.model.cursor().at, desk.model.rows.sort());
        assert_eq!(after, before, "{view}");
        assert_eq!(desk.model.rows.len(), desk.model.rows.total(), "nothing of it is left");
    }
}

#[test]
fn q_closes_a_window_before_it_quits() {
    for open in ["?", "e", "c", "L", "R"] {
        let mut desk = Desk::usual();
        desk.press(open).press("q");
        assert_eq!(desk.ended, None, "{open}");
        assert!(desk.model.popups.is_empty(), "{open}");
        desk.press("q");
        assert_eq!(desk.ended, Some(None), "{open}");
    }
    let mut desk = Desk::new((80, 24));
    desk.press("enter q").hides("ingress/checkout in shop");
    assert_eq!(desk.ended, None, "what takes the table's place is closed too");
    desk.press("enter ctrl-c");
    assert_eq!(desk.ended, Some(None), "ctrl-c leads out of everything");
}

#[test]
fn tab_moves_the_keys_to_the_picture_and_that_is_seen() {
    let mut desk = Desk::new((SPLIT, 40));
    desk.press("enter")
        .shows("tab picture/table")
        .shows("┌ ingress/checkout in shop");
    desk.press("tab").shows("┏ > ingress/checkout in shop").press("j j");
    assert_eq!(desk.model.detail.as_ref().map(|detail| detail.scroll), Some(2));
    assert_eq!(desk.model.view, View::Hosts);
    desk.press("tab j");
    assert_eq!(desk.model.cursor().at, 1);
    desk.press("?").shows("to the detail beside the");
}

#[test]
fn the_header_counts_what_is_shown_and_no_secrets_as_hosts() {
    let mut desk = Desk::usual();
    desk.shows("35 hosts  ").tell([Message::Rows {
        whole: false,
        set: vec![super::states::alone(), super::states::forbidden()],
        gone: Vec::new(),
    }]);
    desk.shows("35 hosts, 1 Secret, 1 unread  ");
    // Of what could not be read no status is known, as in the last line of `status`: only the Secret's is.
    desk.shows("? 1 unknown");
    let mut desk = Desk::usual();
    let summary = printed(&words(
        "status -f docs/example --ca-file docs/example/root.pem --at 2026-12-01T12:00:00Z -o json",
    ));
    let json: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    let critical = json["items"].as_array().expect("items").iter();
    let critical = critical.filter(|item| item["status"] == "critical").count();
    desk.shows(&format!("{critical} critical"));
    desk.press("/").write("shop").press("enter").shows("11 of 35");
    let here = desk
        .model
        .rows
        .iter()
        .filter(|item| item.status.as_str() == "critical")
        .count();
    assert_ne!(here, critical);
    desk.shows(&format!("✗ {here} critical"))
        .shows("11 of 35 hosts")
        .shows(" here");
}

#[test]
fn the_header_of_the_secrets_counts_secrets() {
    let mut desk = of_manifests((200, 50));
    desk.model.at = parse_time("2026-12-01T12:00:00Z");
    desk.press("2").shows("25 Secrets  ");
    let by = "status -f docs/example --ca-file docs/example/root.pem --at 2026-12-01T12:00:00Z --by secret -o json";
    let json: serde_json::Value = serde_json::from_str(&printed(&words(by))).expect("JSON");
    let groups = json["items"].as_array().expect("groups");
    let critical = groups
        .iter()
        .filter(|group| group["status"] == "critical" && group["name"].is_string());
    desk.shows(&format!("✗ {} critical", critical.count()));
    desk.press("/")
        .write("checkout")
        .press("enter")
        .shows("1 of 25 Secrets  ✗ 1 critical");
    desk.press("/")
        .write(" nothing")
        .press("enter")
        .shows("0 of 25 Secrets here");
}

#[test]
fn no_line_is_without_a_name_on_a_narrow_screen() {
    let mut desk = Desk::new((80, 24));
    desk.tell([super::desk::whole(vec![
        super::states::alone(),
        super::states::forbidden(),
    ])]);
    desk.shows("secret/left-over")
        .shows("list gateways")
        .shows("1 Secret, 1 unread");
    // A column of its own says it where there is room for that.
    desk.resize(200, 50).hides("secret/left-over").shows("left-over");
    let screen = desk.screen();
    assert_eq!(screen.matches("list gateways").count(), 1, "{screen}");
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_command_below_the_table_prints_what_the_table_shows() {
    let typed = [
        ("", ""),
        ("/", "shop"),
        ("/", "!shop"),
        ("/", "-f chkout"),
        ("/", "-l app=web"),
        (":", "ns blog"),
        (":", "hosts shop /tls"),
        (":", "problems"),
        (":", "sort expires"),
        (":", "sort expires reverse"),
        (":", "sort worst reverse"),
    ];
    for (key, text) in typed {
        let mut desk = of_manifests((200, 50));
        // What the example has at its noon.
        desk.model.at = parse_time("2026-12-01T12:00:00Z");
        if !key.is_empty() {
            desk.press(key).write(text).press("enter");
        }
        let mut line = status_command(&desk.model).words;
        assert!(
            line.windows(2).any(|pair| pair == ["--at", "2026-12-01T12:00:00Z"]),
            "{line:?}"
        );
        line.extend(words("-o json"));
        let json: serde_json::Value = serde_json::from_str(&printed(&line)).expect("JSON");
        let items = json["items"].as_array().expect("items");
        let mut printed: Vec<String> = items
            .iter()
            .map(|item| item["host"].as_str().unwrap_or("").to_owned())
            .collect();
        let mut shown: Vec<String> = desk
            .model
            .rows
            .iter()
            .map(|item| item.host.as_deref().unwrap_or("").to_owned())
            .collect();
        if !text.starts_with("sort") {
            printed.sort();
            shown.sort();
        }
        assert_eq!(printed, shown, "{key}{text}: {line:?}");
    }
    // A reason that a finding led to.
    let mut desk = of_manifests((200, 50));
    desk.model.at = parse_time("2026-12-01T12:00:00Z");
    desk.press("3 enter");
    let mut line = status_command(&desk.model).words;
    line.extend(words("-o json"));
    let json: serde_json::Value = serde_json::from_str(&printed(&line)).expect("JSON");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(desk.model.rows.len()));
    // The picture's, and what is copied of it.
    let of = desk.model.subject().expect("a line");
    let show = show_command(&desk.model, &of);
    assert!(show.has("--at"), "{show}");
    let shown = printed(&show.words);
    assert!(shown.contains(of.key.name.as_str()));
    desk.press("c").press("c");
    assert!(desk.effects().contains(&Effect::Copy(show.to_string())));
}

#[test]
fn what_follows_a_command_counts_or_is_refused() {
    let mut desk = Desk::usual();
    desk.command("ing shop").shows("ns shop").shows("11 of 35");
    desk.command("hosts all").hides("of 35 hosts");
    desk.command("hosts /wiki").shows("/wiki");
    desk.command("sec blog /recipes").shows("ns blog").shows("/recipes");
    assert_eq!(desk.model.view, View::Secrets);
    desk.press("esc esc")
        .command("explain orderfailed")
        .shows("OrderFailed")
        .press("esc");
    desk.command("explain OrderFaild").shows("OrderFailed");
    assert!(desk.model.popups.is_empty());
    for refused in [
        "wide open",
        "renew now",
        "q please",
        "orders shop",
        "log 3",
        "problems yes",
    ] {
        desk.command(refused).shows("takes no argument");
        assert_eq!((desk.ended, desk.model.popups.len()), (None, 0), "{refused}");
    }
}

#[test]
fn completion_goes_through_all_that_fits_and_commands_come_back() {
    let mut desk = Desk::new((80, 24));
    let line = |desk: &Desk| desk.line(22);
    desk.press(":").write("re");
    assert!(line(&desk).contains("renew restart revoke"), "{}", line(&desk));
    desk.press("tab");
    assert!(line(&desk).starts_with(":renew"), "{}", line(&desk));
    desk.press("tab tab");
    assert!(line(&desk).starts_with(":revoke"), "{}", line(&desk));
    desk.press("backtab backtab backtab");
    assert!(line(&desk).starts_with(":read"), "{}", line(&desk));
    desk.press("esc :");
    assert!(
        line(&desk).contains(" +"),
        "what does not fit is counted: {}",
        line(&desk)
    );
    desk.press("esc").command("ns shop").command("sort host").press(": up");
    assert!(line(&desk).starts_with(":sort host"), "{}", line(&desk));
    desk.press("up");
    assert!(line(&desk).starts_with(":ns shop"), "{}", line(&desk));
    desk.press("down down");
    assert!(line(&desk).starts_with(":    "), "{}", line(&desk));
}

#[test]
fn a_key_that_means_nothing_says_so_once() {
    let mut desk = Desk::usual();
    desk.press("d")
        .shows("d does nothing here; ? lists the keys")
        .wait(9_000)
        .hides("does nothing");
    desk.press("d")
        .hides("does nothing")
        .press("v")
        .shows("v does nothing here");
}

#[test]
fn a_key_that_does_nothing_in_a_window_is_named_with_those_that_lead_on() {
    let mut desk = Desk::new((80, 24));
    desk.press("e R")
        .shows("R does nothing here; esc closes the window, ? lists the keys")
        .press("enter")
        .shows("enter does nothing here; esc closes the window")
        .press("esc")
        .hides("does nothing here");
    desk.press("? enter")
        .shows("enter does nothing here; esc closes the window")
        .press("esc c p p")
        .effects();
    begin(&mut desk, Stage::Rehearsal);
    desk.tell([Message::Asked(1, "Does it exist?".to_owned())])
        .wait(1_000)
        .press("enter")
        .shows("enter does nothing here; y says yes, n says no")
        .press("n esc");
    // Nothing to open says so too, and so does what has no finding.
    desk.press("/")
        .write("zzz")
        .press("enter enter")
        .shows("open: there is no line");
    desk.press("esc G enter enter")
        .shows("enter explains the finding of the line, and it has none; esc leads back");
}

#[test]
fn what_was_said_gives_way_to_the_next_key_and_to_time() {
    let below = |desk: &Desk| desk.line(22);
    let mut desk = Desk::new((80, 24));
    let command = below(&desk);
    assert!(command.starts_with("kubectl certs status"), "{command}");
    desk.press("M").shows("the mouse belongs to the terminal").press("j");
    assert_eq!(below(&desk), command);
    desk.press("M").wait(3_000);
    assert_eq!(below(&desk), command);
    desk.press("[").shows("there is no previous view").wait(5_000);
    assert_eq!(below(&desk), command);
    desk.press("[ s").hides("there is no previous view");
}

#[test]
fn marks_stay_with_their_view() {
    let mut desk = Desk::usual();
    desk.press("space j space").shows("2 marked");
    let marks = desk.model.marks.clone();
    desk.press("2").hides("marked").press("space").shows("1 marked");
    desk.press("4 1").shows("2 marked");
    assert_eq!(desk.model.marks, marks);
    desk.press("2").shows("1 marked").press("tab [ [").shows("2 marked");
    // Of those that no line shows it is said.
    desk.press("1 3 enter").shows("2 marked (");
    desk.press("esc 1").shows("2 marked").hides("2 marked (");
    // Nothing else is renewed than what is marked in the view.
    desk.press("2 R");
    let renewed = desk.effects().into_iter().filter_map(|effect| match effect {
        Effect::Run { command, .. } => Some(command.to_string()),
        _ => None,
    });
    let renewed: Vec<String> = renewed.collect();
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_eq!(renewed[0].matches("secret/").count(), 1, "{renewed:?}");
    // They are known by their names when all is read anew.
    desk.press("esc")
        .tell([whole(desk_items())])
        .press("1")
        .shows("2 marked");
}

fn desk_items() -> Vec<Item> {
    super::example::example().items.clone()
}

#[test]
fn an_issuer_that_ends_a_rehearsal_says_so_before_and_after() {
    for size in super::SIZES {
        let mut desk = Desk::new(size);
        desk.press("R")
            .tell([planned(1, of_checkout(Stage::Rehearsal))])
            .press("i")
            .shows("what it issues is stored, unlike")
            .write("internal-ca")
            .press("enter");
        let own = kubectl_certs::tui::order::Plan {
            issuer: "internal-ca".to_owned(),
            ..of_checkout(Stage::Production)
        };
        let told = "No longer a rehearsal: what internal-ca issues is stored in the Secrets.";
        desk.shows(told).tell([planned(2, own.clone())]).shows(told);
        assert!(desk.find(told).1 < desk.find("1. take Lease").1);
        // Other fields do not hide it; who turns it by its own key knows it.
        desk.press("s")
            .write("endpoint")
            .press("enter")
            .tell([planned(3, own)])
            .shows(told);
        desk.press("t")
            .tell([planned(4, of_checkout(Stage::Rehearsal))])
            .hides("No longer a rehearsal")
            .press("t")
            .tell([planned(5, of_checkout(Stage::Production))])
            .hides("No longer a rehearsal");
    }
}

#[test]
fn an_explanation_has_the_names_of_the_line() {
    let mut desk = Desk::new((200, 50));
    desk.press("e").shows("Expired").shows("checkout-tls");
    desk.press("esc enter enter enter")
        .shows("checkout-tls")
        .shows("kubectl certs explain Expired");
}

#[test]
fn marks_are_copied_and_survive_a_rehearsal_that_leads_on_to_production() {
    let mut desk = Desk::usual();
    desk.press("space space c")
        .shows("shop/checkout shop/wholesale")
        .press("s");
    assert!(
        desk.effects()
            .contains(&Effect::Copy("shop/checkout-tls shop/wholesale-tls".to_owned()))
    );
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("enter");
    let told = "2 rehearsals passed; nothing that serves traffic was changed";
    desk.tell([Message::Ended(1, Ending::Good(told.to_owned()))])
        .shows("t plans the same in production");
    assert_eq!(desk.model.marks.len(), 2);
    desk.effects();
    desk.press("t");
    let commands: Vec<String> = desk
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Run { command, .. } => Some(command.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        commands,
        ["kubectl certs renew secret/checkout-tls secret/wholesale-tls -n shop --context prod-eu --production"]
    );
    desk.tell([planned(2, of_checkout(Stage::Production))]).press("esc");
    assert_eq!(desk.model.marks.len(), 2, "a plan that was left changes no mark");
    // What did not pass leads nowhere.
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.tell([Message::Ended(1, Ending::Bad(Trouble::new("no")))])
        .hides("plans the same in production");
}

#[test]
fn what_is_typed_before_the_plan_is_there_answers_nothing() {
    let mut desk = Desk::usual();
    desk.press("R t").effects();
    desk.press("enter")
        .shows("the plan is being made: enter works once")
        .write("prod-eu")
        .press("enter");
    assert_eq!(desk.effects(), [], "nothing of the name was a key");
    assert_eq!(desk.model.popups.len(), 1);
    desk.tell([planned(2, of_checkout(Stage::Production))])
        .hides("> ")
        .press("enter")
        .shows("Type prod-eu to continue");
    assert_eq!(desk.effects(), []);
}

#[test]
fn a_plan_that_could_not_be_made_offers_no_go() {
    let mut desk = Desk::usual();
    desk.press("R t");
    desk.tell([Message::Ended(2, Ending::Bad(Trouble::new("not this way")))])
        .shows("not this way")
        .hides("enter go")
        .shows("esc back")
        .press("enter")
        .hides("go: ")
        .shows("enter does nothing here; esc closes the window, ? lists the keys");
}

#[test]
fn a_namespace_that_is_not_there_changes_nothing() {
    let mut desk = Desk::with(
        (120, 40),
        ui(),
        SourceInfo {
            namespaces: vec!["shop".to_owned()],
            ..place()
        },
    );
    desk.command("ns nosuch").shows("reading ...");
    assert_eq!(desk.effects(), [Effect::Namespaces(vec!["nosuch".to_owned()])]);
    desk.tell([Message::NoNamespace {
        name: "nosuch".to_owned(),
        meant: Some("nosuchshop".to_owned()),
    }])
    .shows("there is no namespace nosuch; did you mean nosuchshop?")
    .shows("ns shop")
    .shows("live")
    .hides("connection lost");
}

#[test]
fn the_cross_is_on_the_step_that_failed_and_times_are_those_of_the_step() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Production);
    let name = || "checkout.larkspur.example".parse().expect("a name");
    let kinds = [
        EventKind::Ordered {
            url: "https://ca.example/order/1".to_owned(),
            names: vec![name()],
            resumed: false,
        },
        EventKind::Presented {
            name: name(),
            method: Method::Http01,
            place: "http://checkout.larkspur.example/".to_owned(),
        },
        EventKind::ChallengeFailed {
            name: name(),
            detail: "403".to_owned(),
        },
        EventKind::CleanedUp { count: 4 },
        EventKind::Failed {
            error: "the CA refused it".to_owned(),
            hint: None,
        },
    ];
    for kind in kinds {
        desk.wait(3_000).tell([happened(2, &checkout(), kind)]);
    }
    desk.shows("✗ validate checkout.larkspur.example")
        .shows("✓ remove everything temporary")
        .shows("- restart deployment/checkout (skipped)")
        .hides("✗ remove");
    // Each from its own start: three seconds lie between two events.
    desk.shows("(3.0 s)").hides("(9.0 s)").hides("(0 ms)").hides("(15 s)");
}

#[test]
fn what_nobody_saw_served_has_no_tick() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Production);
    let unseen = course("checkout.larkspur.example").into_iter();
    for kind in unseen.filter(|kind| !matches!(kind, EventKind::Served { .. })) {
        desk.tell([happened(2, &checkout(), kind)]);
    }
    desk.shows("? wait until").shows("(not known)").hides("✓ wait until");
}

#[test]
fn issuer_solver_and_address_are_fields_of_the_plan() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .effects();
    let started = |desk: &mut Desk| {
        let run = desk.effects().into_iter().find_map(|effect| match effect {
            Effect::Run { command, .. } => Some(command.to_string()),
            _ => None,
        });
        run.unwrap_or_default()
    };
    desk.press("s")
        .shows("pod, endpoint, service or in-place")
        .write("endpoint")
        .press("enter");
    let usual = "kubectl certs renew secret/checkout-tls -n shop --context prod-eu";
    assert_eq!(started(&mut desk), format!("{usual} --solver endpoint"));
    // A plan that the command refused says why, and can be fixed where it stands.
    desk.tell([Message::Ended(
        2,
        Ending::Bad(Trouble::new("--solver endpoint needs --advertise")),
    )])
    .shows("needs --advertise")
    .press("a")
    .write("10.0.0.7:8089")
    .press("enter");
    let reached = format!("{usual} --solver endpoint --advertise 10.0.0.7:8089");
    assert_eq!(started(&mut desk), reached);
    desk.tell([planned(3, of_checkout(Stage::Rehearsal))])
        .press("i")
        .write("internal-ca")
        .press("enter");
    assert_eq!(started(&mut desk), format!("{reached} --issuer internal-ca"));
    desk.tell([planned(4, of_checkout(Stage::Production))]).press("t");
    assert_eq!(
        started(&mut desk),
        reached,
        "the other stage of a named issuer is a rehearsal"
    );
    // The next renewal has them too; an issuer is asked for anew.
    desk.press("esc R");
    assert_eq!(started(&mut desk), reached);
    desk.tell([planned(6, of_checkout(Stage::Rehearsal))])
        .press("s ctrl-u")
        .write("--force")
        .press("enter")
        .shows("one word, not a flag");
}

#[test]
fn whatever_flag_a_refusal_asks_for_is_taken_where_it_is_told() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.effects();
    // The run's own window tells of the failure, and takes what it asks for.
    let refused = Trouble::new("the self-check does not reach it").hint("look with --self-check direct");
    desk.tell([Message::Ended(1, Ending::Bad(refused))])
        .shows("look with --self-check direct")
        .press("f")
        .shows("more flags of `kubectl certs renew`")
        .write("--self-check=direct --overwrite-with-staging")
        .press("enter");
    let started = |desk: &mut Desk| {
        let run = desk.effects().into_iter().find_map(|effect| match effect {
            Effect::Run { command, .. } => Some(command.to_string()),
            _ => None,
        });
        run.unwrap_or_default()
    };
    let usual = "kubectl certs renew secret/checkout-tls -n shop --context prod-eu";
    assert_eq!(
        started(&mut desk),
        format!("{usual} --self-check direct --overwrite-with-staging")
    );
    desk.tell([planned(2, of_checkout(Stage::Rehearsal))])
        .press("f ctrl-u")
        .write("--dns pdns")
        .press("enter");
    assert_eq!(started(&mut desk), format!("{usual} --dns pdns"));
    // They were for that plan alone.
    desk.press("esc R");
    assert_eq!(started(&mut desk), usual);
    desk.tell([planned(4, of_checkout(Stage::Rehearsal))]);
    for (typed, told) in [
        ("--context other", "--context is no flag that a plan takes here"),
        ("--wait", "--wait needs a value"),
        ("--solver pod", "--solver has a key of its own"),
        ("web", "web is no flag"),
    ] {
        desk.press("f ctrl-u").write(typed).press("enter").shows(told);
        assert_eq!(started(&mut desk), "", "{typed}");
    }
}

#[test]
fn force_is_for_one_plan_and_is_never_kept() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("s")
        .write("endpoint")
        .press("enter")
        .tell([planned(2, of_checkout(Stage::Rehearsal))])
        .press("f")
        .write("--force")
        .press("enter");
    desk.tell([planned(3, of_checkout(Stage::Rehearsal))]).shows("--force");
    desk.effects();
    desk.press("K");
    let kept: Vec<_> = desk
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Keep { settings, .. } => Some(settings),
            _ => None,
        })
        .collect();
    assert_eq!(kept, [vec![("http01.solver".to_owned(), "endpoint".to_owned())]]);
}

#[test]
fn fields_of_a_plan_are_kept_in_the_settings_after_a_question_that_shows_the_lines() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("K")
        .shows("no issuer, solver or address was chosen");
    desk.press("s")
        .write("endpoint")
        .press("enter")
        .press("K")
        .shows("K works once it is there");
    desk.tell([planned(2, of_checkout(Stage::Rehearsal))]).effects();
    let wanted = vec![("http01.solver".to_owned(), "endpoint".to_owned())];
    let kept = |desk: &mut Desk| {
        let all = desk.effects().into_iter();
        all.filter_map(|effect| match effect {
            Effect::Keep { settings, agreed } => Some((settings, agreed)),
            _ => None,
        })
        .collect::<Vec<_>>()
    };
    desk.press("K");
    assert_eq!(kept(&mut desk), [(wanted.clone(), None)]);
    let lines = vec!["-   solver: pod".to_owned(), "+   solver: endpoint".to_owned()];
    let proposal = Message::Keeps {
        settings: wanted.clone(),
        file: "/home/ann/.config/kubectl-certs/config.yaml".to_owned(),
        lines: lines.clone(),
    };
    desk.tell([proposal.clone()])
        .shows("/home/ann/.config/kubectl-certs/config.yaml")
        .shows("+   solver: endpoint")
        .wait(1_000)
        .press("n");
    assert_eq!(kept(&mut desk), []);
    desk.tell([proposal]).wait(1_000).press("y");
    assert_eq!(kept(&mut desk), [(wanted, Some(lines))]);
    desk.tell([Message::Kept(Ok("/home/ann/x.yaml".to_owned()))])
        .shows("kept in /home/ann/x.yaml")
        // The plan is still there.
        .shows("rehears");
}

#[test]
fn digits_are_the_views_from_every_window_that_is_only_read() {
    for open in ["?", "e", "L"] {
        let mut desk = Desk::usual();
        desk.press(open).press("4");
        assert_eq!(
            (desk.model.view, desk.model.popups.len()),
            (View::Timeline, 0),
            "{open}"
        );
    }
    let mut desk = Desk::usual();
    desk.press("R 4");
    assert_eq!(
        (desk.model.view, desk.model.popups.len()),
        (View::Hosts, 1),
        "a plan waits"
    );
}

#[test]
fn every_column_can_be_seen_on_a_narrow_screen() {
    let mut desk = Desk::new((80, 24));
    desk.hides("ISSUER")
        .press("z")
        .shows("no room: > goes to it")
        .press("esc");
    desk.press("> > > >")
        .shows("HOST")
        .shows("ISSUER")
        .shows("checkout.larkspur.example");
    desk.press("> >").shows("REASON").shows("HOST");
    desk.press("< < < < < <").hides("ISSUER").shows("REASON");
}

#[test]
fn sorting_goes_to_the_top_and_the_place_in_the_list_is_seen() {
    let mut desk = Desk::new((80, 24));
    desk.press("G").shows("35 of 35").press("H").shows(" 1 of 35");
    assert_eq!((desk.model.cursor().at, desk.model.cursor().top), (0, 0));
}

#[test]
fn the_place_in_a_long_list_is_seen_on_a_narrow_screen() {
    // Beside the tabs there is room for the place in a list of this length, but not for its last ones.
    let tabs: usize = View::ALL.iter().map(|view| view.word().len() + 4).sum();
    let mut desk = Desk::new((u16::try_from(tabs + 12).expect("narrow"), 24));
    let one = desk.model.rows.get(0).expect("a line").clone();
    let many = (0..10_004).map(|number| Item {
        about: About::Secret(Box::new(Key::new("shop", format!("tls-{number}")))),
        ..one.clone()
    });
    desk.tell([whole(many.collect())]).press("j j j");
    desk.shows(" 4 of 10,004").press(&"j ".repeat(120)).shows(" 124/10,004");
    let tabs = |desk: &Desk| desk.screen().lines().nth(2).expect("the views").trim_end().to_owned();
    desk.press("G");
    assert!(tabs(&desk).ends_with(" 10,004"), "{}", desk.screen());
}

#[test]
fn manifests_are_read_again() {
    let mut desk = of_manifests((120, 40));
    desk.press("ctrl-r");
    assert_eq!(desk.effects(), [Effect::Read]);
}

#[test]
fn what_has_just_changed_is_marked_for_a_minute() {
    let mut desk = Desk::usual();
    desk.hides("•");
    let mut changed = desk.model.rows.get(3).expect("a line").clone();
    changed.class = Some("another".into());
    desk.tell([Message::Rows {
        whole: false,
        set: vec![changed, desk.model.rows.get(5).expect("a line").clone()],
        gone: Vec::new(),
    }]);
    assert_eq!(
        desk.screen().matches('•').count(),
        1,
        "what is as it was is not marked:\n{}",
        desk.screen()
    );
    desk.wait(59_000).shows("•").wait(2_000).hides("•");
}

#[test]
fn what_is_pasted_into_the_filter_finds_its_row() {
    let mut desk = Desk::usual();
    desk.press("/")
        .comes(Input::Terminal(Event::Paste(
            "https://wiki.intra.larkspur.example/start".to_owned(),
        )))
        .press("enter")
        .shows("1 of 35");
    assert!(desk.selected().contains("wiki.intra"), "{}", desk.screen());
}

#[test]
fn the_mouse_can_be_left_to_the_terminal() {
    let mut desk = Desk::usual();
    desk.press("M").shows("the mouse belongs to the terminal").press("M");
    assert_eq!(desk.effects(), [Effect::Mouse(false), Effect::Mouse(true)]);
}

#[test]
fn the_help_begins_with_the_view_that_is_looked_at() {
    let mut desk = Desk::new((80, 24));
    desk.press("?").shows("In this view: hosts").shows("mark the line");
    desk.press("esc 4 ?")
        .shows("In this view: timeline")
        .shows("a day earlier");
}
