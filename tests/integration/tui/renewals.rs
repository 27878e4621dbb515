//! From R to the end of a renewal: plans, gates, cancelling, failures, the bell.

use kubectl_certs::tui::{
    Effect, Message, Ui,
    message::Trouble,
    model::{View, popup::Popup},
    order::{Ending, Job, RunState, Stage},
};

use super::{
    Desk,
    desk::{place, ui},
    popups::{begin, trouble},
    runs::{checkout, course, happened, of_checkout, plan, planned},
};

/// The command of the one run that was started.
#[track_caller]
pub(super) fn started(desk: &mut Desk) -> (u64, Job, String) {
    let run = desk.effects().into_iter().find_map(|effect| match effect {
        Effect::Run { id, job, command } => Some((id, job, command.to_string())),
        _ => None,
    });
    run.unwrap_or_else(|| panic!("nothing was started:\n{}", desk.screen()))
}

const REHEARSAL: &str = "kubectl certs renew secret/checkout-tls -n shop --context prod-eu";

#[test]
fn a_plan_comes_first_and_is_a_rehearsal() {
    let mut desk = Desk::usual();
    desk.press("R").shows("the plan is being made").shows(REHEARSAL);
    assert_eq!(started(&mut desk), (1, Job::Renew, REHEARSAL.to_owned()));
    desk.press("enter").shows("the plan is being made");
    desk.tell([planned(1, of_checkout(Stage::Rehearsal))])
        .shows("renew: REHEARSAL")
        .shows("this is a rehearsal");
    desk.press("enter").shows("renew REHEARSAL").shows("running");
    assert_eq!(desk.effects(), [Effect::Answer { id: 1, yes: true }]);
}

#[test]
fn escape_drops_the_plan() {
    let mut desk = Desk::usual();
    desk.press("R esc");
    assert!(
        desk.effects().contains(&Effect::Cancel(1)),
        "one that is being made is given up"
    );
    desk.press("R")
        .tell([planned(2, of_checkout(Stage::Rehearsal))])
        .press("esc")
        .hides("renew: REHEARSAL");
    assert!(desk.effects().contains(&Effect::Answer { id: 2, yes: false }));
    assert!(desk.model.runs.is_empty());
    desk.tell([planned(1, of_checkout(Stage::Rehearsal))]);
    assert_eq!(
        desk.effects(),
        [Effect::Answer { id: 1, yes: false }],
        "one that comes too late is refused"
    );
}

#[test]
fn t_makes_it_production_and_back() {
    let mut desk = Desk::usual();
    let production = format!("{REHEARSAL} --production");
    desk.press("R").effects();
    desk.press("t").shows(&production);
    let effects = desk.effects();
    assert!(
        effects.contains(&Effect::Cancel(1)),
        "nobody waits for a plan that is not wanted: {effects:?}"
    );
    desk.tell([planned(2, of_checkout(Stage::Production))])
        .shows("renew: PRODUCTION")
        .shows("PRODUCTION letsencrypt");
    desk.press("t");
    let effects = desk.effects();
    assert!(effects.contains(&Effect::Answer { id: 2, yes: false }), "{effects:?}");
    desk.tell([planned(3, of_checkout(Stage::Rehearsal))])
        .shows("REHEARSAL letsencrypt-staging")
        .press("t");
    assert_eq!(started(&mut desk), (4, Job::Renew, production));
}

#[test]
fn production_wants_the_name_of_the_context() {
    for size in super::SIZES {
        let mut desk = Desk::new(size);
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
        desk.press("t")
            .tell([planned(2, of_checkout(Stage::Production))])
            .press("enter");
        desk.shows("This is production. Type prod-eu to continue:");
        desk.effects();
        desk.press("enter").shows("type \"prod-eu\", or press Esc to cancel");
        desk.write("q")
            .press("enter")
            .press("backspace")
            .write("prod-eu")
            .shows("> prod-eu");
        assert_eq!(desk.effects(), Vec::new(), "nothing before the name is right");
        desk.press("enter").shows("renew PRODUCTION");
        assert_eq!(desk.effects(), [Effect::Answer { id: 2, yes: true }]);
    }
}

#[test]
fn a_context_without_protection_wants_no_name() {
    let settings = Ui {
        unprotected: vec!["prod-eu".to_owned()],
        ..ui()
    };
    let mut desk = Desk::with((120, 40), settings, place());
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Production))])
        .press("enter")
        .shows("renew PRODUCTION");
    assert!(desk.effects().contains(&Effect::Answer { id: 1, yes: true }));
}

#[test]
fn marked_lines_are_renewed_together_one_command_a_namespace() {
    let mut desk = Desk::usual();
    desk.press("space space j space R");
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
        [
            "kubectl certs renew secret/recipes-tls -n blog --context prod-eu",
            "kubectl certs renew secret/checkout-tls secret/wholesale-tls -n shop --context prod-eu",
        ]
    );
    let shop = plan(Stage::Rehearsal, &[("checkout-tls", "checkout.larkspur.example")]);
    desk.tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("enter")
        .shows("the plan is being made");
    desk.tell([planned(2, shop)]).press("enter");
    assert_eq!(
        desk.effects(),
        [Effect::Answer { id: 1, yes: true }, Effect::Answer { id: 2, yes: true }]
    );
    assert_eq!(
        desk.model.marks.len(),
        3,
        "after a rehearsal the same ones are meant again"
    );
}

#[test]
fn steps_light_up_while_the_table_stays_usable() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Production);
    desk.shows("○ restart deployment/checkout").press("esc j j");
    assert_eq!(desk.model.cursor().at, 2);
    for kind in course("checkout.larkspur.example").into_iter().take(8) {
        desk.wait(500).tell([happened(2, &checkout(), kind)]);
    }
    desk.shows("1 running")
        .press("5")
        .shows("running")
        .press("enter")
        .shows("✓ restart deployment/checkout (500 ms)");
    desk.shows("◐ wait until").shows("○ remove everything temporary");
    desk.tell([Message::Ended(2, Ending::Good("valid until 2027-03-01".to_owned()))])
        .shows("valid until 2027-03-01");
    desk.press("esc").shows("done").hides("1 running");
}

#[test]
fn c_cancels_and_the_run_cleans_up() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.effects();
    desk.press("c")
        .shows("cancelling: temporary objects are being removed")
        .shows("cancelling");
    assert_eq!(desk.effects(), [Effect::Cancel(1)]);
    desk.press("c").shows("cancel: it has ended");
    let ended = Trouble::new("cancelled: everything temporary was removed");
    desk.tell([Message::Ended(1, Ending::Bad(ended))])
        .press("esc 5 c")
        .shows("cancel: it has ended");
    desk.press("1 R")
        .tell([planned(2, of_checkout(Stage::Rehearsal))])
        .press("enter esc 5");
    desk.effects();
    desk.press("c");
    assert_eq!(desk.effects(), [Effect::Cancel(2)], "from the list of orders too");
}

#[test]
fn a_failure_opens_its_explanation_unless_something_else_is_open() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc")
        .tell([Message::Ended(1, Ending::Bad(trouble()))])
        .shows("the CA refused")
        .shows("hint: ");
    assert!(matches!(desk.model.popups.as_slice(), [Popup::Run(_)]));
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc e").tell([Message::Ended(1, Ending::Bad(trouble()))]);
    desk.shows("explain Expired").shows("renew failed: the CA refused");
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc")
        .tell([Message::Ended(1, Ending::Good("all is well".to_owned()))])
        .shows("renew: all is well");
}

#[test]
fn w_rings_the_bell_once_everything_has_ended() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc j R")
        .tell([planned(2, of_checkout(Stage::Rehearsal))])
        .press("enter esc w")
        .shows("the bell rings when");
    desk.effects();
    desk.tell([Message::Ended(1, Ending::Good("one".to_owned()))]);
    assert_eq!(desk.effects(), Vec::new());
    desk.tell([Message::Ended(2, Ending::Good("two".to_owned()))]);
    assert_eq!(desk.effects(), [Effect::Bell]);
    begin(&mut desk, Stage::Rehearsal);
    assert!(!desk.model.ring);
}

#[test]
fn w_twice_rings_no_bell() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc w w").shows("the bell does not ring");
    desk.effects();
    desk.tell([Message::Ended(1, Ending::Good("one".to_owned()))]);
    assert_eq!(desk.effects(), Vec::new());
}

#[test]
fn quitting_while_one_runs_asks() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("q")
        .hides("in progress")
        .press("q")
        .shows("1 renewal is in progress.");
    assert_eq!(desk.ended, None);
    desk.press("n")
        .hides("in progress")
        .press("ctrl-c esc")
        .hides("in progress");
    assert_eq!(desk.ended, None);
    desk.press("q y");
    assert_eq!(desk.ended, Some(None));
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("q q q");
    assert_eq!(desk.ended, None, "whoever leaves windows with q leaves this one too");
    desk.press("ctrl-c ctrl-c");
    assert_eq!(desk.ended, Some(None), "a second ctrl-c means it");
}

#[test]
fn the_question_whether_to_quit_goes_with_the_last_run_and_the_result_is_seen() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("ctrl-c").shows("1 renewal is in progress.");
    desk.tell([Message::Ended(1, Ending::Good("the rehearsal passed".to_owned()))]);
    desk.hides("in progress").hides("Quit?").shows("the rehearsal passed");
    assert_eq!(desk.ended, None, "nobody has answered");
}

#[test]
fn the_help_over_a_plan_begins_with_the_keys_of_the_plan() {
    let mut desk = Desk::new((80, 24));
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("?")
        .shows("In this plan")
        .shows("carry the plan out")
        .shows("more flags of")
        .hides("mark the line");
}

#[test]
fn a_command_or_a_namespace_that_is_far_from_all_says_where_they_are_listed() {
    let mut desk = Desk::usual();
    desk.command("foo").shows("there is no command :foo; :help lists them");
    desk.tell([Message::NothingIn("qqqqqq".to_owned())])
        .shows("; see :namespaces");
}

#[test]
fn a_plan_alone_does_not_keep_anybody() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Rehearsal))])
        .press("q q");
    assert_eq!(desk.ended, Some(None));
}

#[test]
fn questions_of_a_run_are_answered() {
    for (key, yes) in [("y", true), ("n", false), ("esc", false)] {
        let mut desk = Desk::usual();
        begin(&mut desk, Stage::Rehearsal);
        desk.effects();
        desk.tell([Message::Asked(1, "Are the terms agreed to?".to_owned())])
            .shows("Are the terms agreed to?")
            .wait(500)
            .press(key);
        assert_eq!(desk.effects(), [Effect::Answer { id: 1, yes }], "{key}");
        desk.hides("Are the terms agreed to?");
    }
}

#[test]
fn what_is_being_typed_answers_no_question() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc").effects();
    desk.press("/").write("pa");
    desk.tell([Message::Asked(1, "Are the terms agreed to?".to_owned())])
        .hides("Are the terms agreed to?")
        .shows("a question is open")
        .write("y");
    assert_eq!(desk.effects(), []);
    // The end of the line shows the question; what was meant for the line does not answer it.
    desk.press("enter").shows("Are the terms agreed to?").press("y n enter");
    assert_eq!(desk.effects(), []);
    desk.wait(500)
        .press("enter")
        .shows("Are the terms agreed to?")
        .press("y");
    assert_eq!(desk.effects(), [Effect::Answer { id: 1, yes: true }]);
    desk.hides("a question is open").shows("/pay");
}

#[test]
fn a_reason_is_not_renewed_by_its_example() {
    let mut desk = Desk::usual();
    desk.press("3");
    desk.command("renew")
        .shows("the line is a reason: Enter shows its hosts");
    desk.command("revoke").shows("the line is a reason");
    assert_eq!(desk.effects(), []);
}

#[test]
fn another_context_waits_for_what_runs() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc").effects();
    desk.command("ctx staging").shows("ctx: a renewal is running");
    assert_eq!(desk.effects(), Vec::new());
    assert_eq!(desk.model.run(1).map(|run| run.state.clone()), Some(RunState::Running));
    assert_eq!(desk.model.view, View::Hosts);
}
