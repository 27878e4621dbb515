//! The windows of plans and runs: what is read first, what came of each step, how long it took, which keys are offered, and
//! what is said no longer than it holds.

use kubectl_certs::{
    event::EventKind,
    object::Key,
    plan::{Refusal, Refused, steps::Step},
    tui::{
        Effect, Message,
        message::Trouble,
        order::{Ending, Plan, Stage},
    },
};

use super::{
    Desk, SIZES,
    popups::{begin, trouble},
    renewals::started,
    runs::{checkout, course, happened, of_checkout, plan, planned},
    writes::{put_back, restart, revocation},
};

const SMALL: (u16, u16) = (80, 24);

/// A rollback of the first Secret, of which nothing has happened yet.
fn rollback(size: (u16, u16)) -> (Desk, u64) {
    let mut desk = Desk::new(size);
    desk.command("rollback");
    let (id, ..) = started(&mut desk);
    let step = |step: Step| (checkout(), step);
    let all = [
        step(Step::Lease {
            object: Key::new("shop", "kubectl-certs-5d1f"),
        }),
        step(Step::Backup {
            object: Key::new("shop", "checkout-tls-before"),
        }),
    ];
    let mut plan = put_back();
    let mut first: Vec<Step> = all.into_iter().map(|(_, step)| step).collect();
    first.append(&mut plan.targets[0].1);
    first.push(Step::Look {
        hosts: vec!["checkout.larkspur.example".to_owned()],
        seconds: 60,
    });
    plan.targets[0].1 = first;
    desk.tell([planned(id, plan)])
        .press("enter")
        .write("prod-eu")
        .press("enter");
    (desk, id)
}

fn leased() -> EventKind {
    EventKind::Leased {
        place: "Lease shop/kubectl-certs-5d1f".to_owned(),
    }
}

fn stored() -> EventKind {
    EventKind::Stored {
        place: "Secret shop/checkout-tls".to_owned(),
    }
}

#[test]
fn each_step_of_a_rollback_shows_what_came_of_it() {
    let (mut desk, id) = rollback((120, 40));
    desk.shows("○ take Lease").shows("○ put certificate 7f3c back");
    desk.wait(300).tell([happened(id, &checkout(), leased())]);
    desk.shows("✓ take Lease").shows("◐ put certificate 7f3c back");
    desk.wait(300).tell([happened(id, &checkout(), stored())]);
    desk.shows("✓ keep the pair that is replaced")
        .shows("✓ put certificate 7f3c back")
        .shows("◐ wait until checkout.larkspur.example serves it");
    let served = EventKind::Served {
        host: "checkout.larkspur.example".to_owned(),
        after_ms: 300,
    };
    desk.wait(300).tell([
        happened(id, &checkout(), served),
        happened(id, &checkout(), EventKind::Done),
        Message::Ended(id, Ending::Good("it is back".to_owned())),
    ]);
    desk.shows("✓ wait until").shows("it is back").hides("○").hides("◐");

    let (mut desk, id) = rollback((120, 40));
    let failed = EventKind::Failed {
        error: "somebody has changed it".to_owned(),
        hint: None,
    };
    desk.tell([
        happened(id, &checkout(), leased()),
        happened(id, &checkout(), failed),
        Message::Ended(id, Ending::Bad(Trouble::new("somebody has changed it"))),
    ]);
    desk.shows("✓ take Lease")
        .shows("✗ put certificate 7f3c back")
        .shows("- wait until")
        .hides("○");
}

#[test]
fn each_step_of_a_restart_and_of_a_revocation_shows_what_came_of_it() {
    let mut desk = Desk::usual();
    desk.press("r");
    let (id, ..) = started(&mut desk);
    desk.tell([planned(id, restart())])
        .press("enter")
        .write("prod-eu")
        .press("enter");
    let restarted = EventKind::Restarted {
        workload: "deployment/checkout".to_owned(),
    };
    desk.tell([
        happened(id, &checkout(), restarted),
        happened(id, &checkout(), EventKind::Done),
    ]);
    desk.shows("✓ restart deployment/checkout").hides("○");

    let mut desk = Desk::usual();
    desk.command("revoke").press("m");
    let (id, ..) = started(&mut desk);
    desk.tell([planned(id, revocation())])
        .press("enter")
        .write("prod-eu checkout-tls")
        .press("enter")
        .shows("○ revoke certificate");
    desk.tell([happened(id, &checkout(), EventKind::Done)])
        .shows("✓ revoke certificate")
        .hides("○");
}

#[test]
fn a_run_begins_when_its_question_is_answered() {
    let mut desk = Desk::usual();
    desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    desk.wait(65_000).press("5");
    // A view is behind the plan: it is left first.
    desk.press("enter").wait(2_000).shows("running  2.0 s");
    desk.tell([Message::Ended(1, Ending::Good("done".to_owned()))])
        .wait(10_000)
        .shows("done  2.0 s")
        .press("esc 5")
        .shows("12:01:05")
        .shows("2.0 s");
}

#[test]
fn names_that_were_left_out_are_told_as_on_the_command_line() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        let mut plan = of_checkout(Stage::Rehearsal);
        let new = Step::Prove {
            name: "new.larkspur.example".parse().expect("a name"),
            method: kubectl_certs::event::Method::Http01,
            through: "Ingress shop/checkout (Traefik), answered by a Pod".to_owned(),
        };
        plan.targets[0].1.insert(4, new);
        desk.press("R").tell([planned(1, plan)]).press("enter");
        let failed = EventKind::ChallengeFailed {
            name: "new.larkspur.example".parse().expect("a name"),
            detail: "203.0.113.7 answered 404".to_owned(),
        };
        desk.tell([happened(1, &checkout(), failed)]);
        for kind in course("checkout.larkspur.example").into_iter().take(6) {
            desk.tell([happened(1, &checkout(), kind)]);
        }
        let left_out = EventKind::LeftOut {
            names: vec!["new.larkspur.example".parse().expect("a name")],
            why: "new.larkspur.example: 203.0.113.7 answered 404".to_owned(),
            hint: None,
        };
        let ending = Ending::Partly {
            said: "rehearsed, 1 name left out".to_owned(),
            trouble: Trouble::new("without new.larkspur.example: 203.0.113.7 answered 404"),
        };
        desk.tell([happened(1, &checkout(), left_out), Message::Ended(1, ending)])
            .shows("rehearsed, 1 name left out")
            .shows("without new.larkspur.example: 203.0.113.7 answered 404")
            .shows("✗ validate new.larkspur.example")
            .shows("✓ validate checkout.larkspur.example")
            .hides("failed  ");
        // The narrowest table cuts it.
        desk.press("esc 5").shows("rehearsed, 1 name left o").hides("failed");
    }
}

#[test]
fn why_a_run_failed_is_on_its_first_page() {
    let mut desk = Desk::new(SMALL);
    let secrets = ["checkout-tls", "wholesale-tls", "gift-cards-tls"].map(|name| (name, "checkout.larkspur.example"));
    desk.press("R")
        .tell([planned(1, plan(Stage::Production, &secrets))])
        .press("enter")
        .write("prod-eu")
        .press("enter");
    for kind in course("checkout.larkspur.example").into_iter().take(5) {
        desk.tell([happened(1, &checkout(), kind)]);
    }
    // Whoever has scrolled down, or left the window, sees it as well.
    desk.press("G").hides("running  ");
    desk.tell([Message::Ended(1, Ending::Bad(trouble()))])
        .shows("the CA refused checkout.larkspur.example")
        .shows("hint: ");
    desk.press("esc 5 enter")
        .shows("the CA refused checkout.larkspur.example")
        .shows("hint: ");
}

#[test]
fn of_several_runs_the_one_that_failed_comes_first() {
    let mut desk = Desk::new(SMALL);
    desk.press("space j space space R");
    desk.tell([
        planned(
            1,
            plan(Stage::Rehearsal, &[("payroll-tls", "payroll.intra.larkspur.example")]),
        ),
        planned(2, of_checkout(Stage::Rehearsal)),
    ])
    .press("enter");
    desk.tell([
        Message::Ended(1, Ending::Good("the rehearsal passed".to_owned())),
        Message::Ended(2, Ending::Bad(trouble())),
    ])
    .shows("the CA refused checkout.larkspur.example");
}

#[test]
fn where_there_is_no_plan_to_carry_out_that_is_all_that_is_said() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([Message::Ended(1, Ending::Bad(Trouble::new("nothing was ordered")))])
        .press("Y")
        .shows("Y does nothing here")
        .hides("go: ");
}

#[test]
fn a_plan_of_many_begins_with_what_it_comes_to() {
    let many: Vec<(String, String)> = (1..=30)
        .map(|n| (format!("site-{n}-tls"), format!("site-{n}.larkspur.example")))
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.press("R").tell([planned(
            1,
            Plan {
                left_out: vec!["2 names that no route has".to_owned()],
                ..plan(Stage::Rehearsal, &many)
            },
        )]);
        desk.shows("30 Secrets, 30 hosts, at letsencrypt-staging; no CA changes")
            .shows("left out: 2 names that no route has");
        // The plans of several namespaces are one window, and one sum.
        desk.press("esc space j space space R");
        desk.tell([
            planned(2, plan(Stage::Rehearsal, &many[..3])),
            planned(3, plan(Stage::Rehearsal, &many[3..5])),
        ])
        .shows("5 Secrets, 5 hosts, at letsencrypt-staging; no CA changes");
        let mut desk = Desk::new(size);
        desk.press("R")
            .tell([planned(1, of_checkout(Stage::Rehearsal))])
            .hides("1 Secret");
    }
}

/// The keys at the bottom.
fn keys(desk: &Desk) -> String {
    desk.line(desk.size().1 - 1)
}

#[test]
fn a_window_offers_only_the_keys_that_do_something_in_it() {
    for size in SIZES {
        for (command, plan) in [("rollback", put_back()), ("restart", restart())] {
            let mut desk = Desk::new(size);
            desk.command(command);
            let (id, ..) = started(&mut desk);
            assert!(!keys(&desk).contains("enter"), "{command}: {}", keys(&desk));
            desk.tell([planned(id, plan)]);
            let offered = keys(&desk);
            assert!(
                offered.contains("enter go") && offered.contains("esc back"),
                "{command}: {offered}"
            );
            for word in ["rehearsal", "issuer", "solver", "advertise", "flags", "keep"] {
                assert!(!offered.contains(word), "{command}: {offered}");
            }
        }
        let mut desk = Desk::new(size);
        desk.press("R");
        assert!(
            !keys(&desk).contains("solver") && !keys(&desk).contains("enter"),
            "{}",
            keys(&desk)
        );
        desk.tell([planned(1, of_checkout(Stage::Rehearsal))]);
        assert!(keys(&desk).contains("s solver"), "{}", keys(&desk));
        desk.press("enter");
        assert!(keys(&desk).contains("c cancel"), "{}", keys(&desk));
        assert!(!keys(&desk).contains("solver"), "{}", keys(&desk));
        desk.tell([Message::Ended(1, Ending::Good("done".to_owned()))]);
        assert!(!keys(&desk).contains("cancel"), "{}", keys(&desk));
        desk.press("esc 5");
        assert!(!keys(&desk).contains("cancel"), "{}", keys(&desk));
    }
    let mut desk = Desk::new((200, 50));
    begin(&mut desk, Stage::Rehearsal);
    assert!(!keys(&desk).contains("down"), "nothing to scroll: {}", keys(&desk));
}

#[test]
fn what_a_field_of_a_plan_takes_is_read_whole_on_a_narrow_screen() {
    for (key, words) in [
        ("i", "(`production:` keeps it)"),
        ("s", "(`http01.solver:` keeps it)"),
        ("a", "(`http01.advertise:` keeps it)"),
        ("f", "empty: none"),
    ] {
        let mut desk = Desk::new(SMALL);
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
        desk.press(key);
        let screen = desk.screen();
        let text: Vec<&str> = screen
            .lines()
            .filter_map(|line| line.split('│').nth(1))
            .map(str::trim)
            .collect();
        assert!(text.join(" ").contains(words), "{key}: {words}:\n{screen}");
    }
}

#[test]
fn a_notice_goes_with_what_it_speaks_of() {
    let mut desk = Desk::usual();
    desk.press("R x")
        .shows("the plan is being made: x works once it is there");
    desk.tell([planned(1, of_checkout(Stage::Production))])
        .hides("works once it is there");
    desk.press("enter enter").shows("or press Esc to cancel");
    desk.write("prod-eu").press("enter").hides("or press Esc to cancel");
    desk.press("c").shows("cancelling: temporary objects");
    desk.tell([Message::Ended(1, Ending::Cancelled)])
        .hides("cancelling: temporary objects");

    let mut desk = Desk::usual();
    desk.press("R x esc").hides("works once it is there");
    desk.press("R")
        .tell([planned(2, of_checkout(Stage::Production))])
        .press("enter enter")
        .shows("or press Esc to cancel")
        .press("esc")
        .hides("or press Esc to cancel");

    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc w").shows("the bell rings when");
    desk.tell([Message::Ended(1, Ending::Good("all is well".to_owned()))])
        .hides("the bell rings when");

    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    desk.press("esc")
        .command("ctx staging")
        .shows("ctx: a renewal is running");
    desk.tell([Message::Ended(1, Ending::Dropped)])
        .hides("ctx: a renewal is running");
}

#[test]
fn what_was_said_of_a_mistake_goes_with_what_is_done_next() {
    for next in [":", "4", "R", "?"] {
        let mut desk = Desk::new(SMALL);
        desk.command("revok").shows("did you mean :revoke?");
        // Whoever moves about may still read it.
        desk.press("j j k").shows("did you mean :revoke?");
        desk.press(next).hides("did you mean");
    }
    let mut desk = Desk::new(SMALL);
    desk.command("sort foo")
        .shows("sort by one of")
        .press("esc")
        .command("sort expires")
        .hides("sort by one of");
}

#[test]
fn what_is_waited_for_stands_in_the_window_of_the_run() {
    let mut desk = Desk::usual();
    begin(&mut desk, Stage::Rehearsal);
    let reason = "30s before the CA is asked to validate checkout.larkspur.example".to_owned();
    desk.tell([happened(1, &checkout(), EventKind::Waiting { reason })])
        .shows("waits: 30s before the CA is asked to validate");
}

#[test]
fn what_does_not_answer_is_named_while_a_plan_is_made_and_while_a_run_goes_on() {
    let ca = || Some("waiting for the CA letsencrypt-staging to answer".to_owned());
    for size in [(40, 10), (80, 24), (120, 40)] {
        let mut desk = Desk::new(size);
        desk.press("R").hides("waiting for");
        desk.tell([Message::Waits(1, 0, ca())]).shows("waiting for the CA");
        desk.tell([Message::Waits(1, 0, None)]).hides("waiting for");
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        desk.hides("waiting for")
            .tell([
                Message::Waits(1, 1, Some("waiting for the API server to answer".to_owned())),
                Message::Waits(1, 2, ca()),
            ])
            .shows("running")
            .shows("waiting for the CA");
        desk.press("esc 5");
        if size.0 > 80 {
            desk.shows("waiting for the CA letsencrypt-staging");
        }
        desk.press("enter")
            .tell([Message::Waits(1, 2, None)])
            .shows("waiting for the API server");
        desk.tell([Message::Ended(1, Ending::Bad(trouble()))])
            .hides("waiting for");
        // It may come later than the end.
        desk.tell([Message::Waits(1, 3, ca())]).hides("waiting for");
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        let reason = "the CA to accept the order".to_owned();
        desk.tell([happened(1, &checkout(), EventKind::Waiting { reason })]);
        let line = desk.find("waits: the CA to accept the order").1;
        assert_eq!(
            line,
            desk.find("running  0 ms").1 + 1,
            "below the state:\n{}",
            desk.screen()
        );
    }
}

#[test]
fn a_command_that_is_typed_over_a_window_is_carried_out_or_refused_and_its_letters_are_no_keys() {
    let mut desk = Desk::usual();
    desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    // Enter ends the command, and says nothing to the plan.
    desk.command("copy").shows("copied: kubectl certs renew ");
    desk.command("secrets")
        .shows(":secrets waits until this window is closed");
    let effects = desk.effects();
    assert!(
        matches!(&effects[..], [Effect::Run { .. }, Effect::Copy(command)] if command.contains("-n shop")),
        "{effects:?}"
    );
    desk.press("enter")
        .command("copy")
        .shows("copied: kubectl certs renew ");
    let effects = desk.effects();
    assert!(
        matches!(&effects[..], [Effect::Answer { yes: true, .. }, Effect::Copy(_)]),
        "nothing is cancelled: {effects:?}"
    );
    // What is only read gives way.
    desk.command("secrets").shows("25 Secrets").hides("take Lease");
}

/// A plan of which production would refuse some.
fn hindered(id: u64, secrets: &[(&str, &str)], refused: Refused) -> Message {
    let about = |name: &str| Refusal {
        what: format!("would be refused: Secret shop/{name} is owned by Helm"),
        hint: Some("change the chart's values; --force writes it anyway".to_owned()),
    };
    let refusals = secrets.iter().take(refused.whole).map(|(name, _)| about(name));
    planned(
        id,
        Plan {
            refusals: refusals.collect(),
            refused,
            ..plan(Stage::Rehearsal, secrets)
        },
    )
}

#[test]
fn what_would_be_refused_is_counted_and_stands_before_the_steps() {
    let many: Vec<(String, String)> = (1..=12)
        .map(|n| (format!("site-{n}-tls"), format!("site-{n}.larkspur.example")))
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.press("R");
        desk.tell([hindered(1, &many, Refused { whole: 2, partly: 1 })])
            .shows("12 Secrets, 12 hosts, at letsencrypt-staging")
            .shows("2 of 12 Secrets would be refused, 1 would be issued without some names")
            .shows("would be refused: Secret shop/site-1-tls is owned by Helm")
            .shows("would be refused: Secret shop/site-2-tls is owned by Helm");
        let line = |desk: &Desk, text: &str| desk.find(text).1;
        assert!(line(&desk, "site-2-tls is owned by Helm") < line(&desk, "1. take Lease"));
        assert_eq!(
            desk.screen().matches("--force writes it anyway").count(),
            1,
            "told once"
        );
        // Of one Secret it is not counted, and stands first all the same.
        let mut desk = Desk::new(size);
        desk.press("R");
        desk.tell([hindered(1, &many[..1], Refused { whole: 1, partly: 0 })])
            .hides("1 of 1 Secret");
        assert!(line(&desk, "is owned by Helm") < line(&desk, "1. take Lease"));
    }
}

#[test]
fn a_window_of_what_has_ended_offers_all_fields_of_a_plan() {
    let endings = [Ending::Bad(trouble()), Ending::Good("the rehearsal passed".to_owned())];
    for ending in endings {
        let mut desk = Desk::new((200, 50));
        begin(&mut desk, Stage::Rehearsal);
        desk.tell([Message::Ended(1, ending)]);
        let offered = keys(&desk);
        for key in [
            "i issuer",
            "s solver",
            "a advertise",
            "f flags",
            "t rehearsal/production",
        ] {
            assert!(offered.contains(key), "{key}: {offered}");
        }
    }
    let mut desk = Desk::new(SMALL);
    begin(&mut desk, Stage::Rehearsal);
    desk.tell([Message::Ended(1, Ending::Bad(trouble()))]);
    assert!(keys(&desk).contains("i issuer"), "{}", keys(&desk));
}

#[test]
fn the_badge_says_what_the_window_below_it_says() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Production);
        desk.tell([Message::Ended(2, Ending::Good("renewed".to_owned()))])
            .shows("renew PRODUCTION");
        assert!(desk.line(0).ends_with("PRODUCTION letsencrypt"), "{}", desk.screen());
        desk.press("?");
        assert!(desk.line(0).contains("PRODUCTION"), "over it too: {}", desk.screen());
        desk.press("esc esc");
        assert!(desk.line(0).contains("REHEARSAL"), "what comes next: {}", desk.screen());
        desk.press("5 enter").shows("renew PRODUCTION");
        assert!(desk.line(0).contains("PRODUCTION"), "{}", desk.screen());
        // An issuer that is named is no rehearsal, from the moment on that its plan is made.
        desk.press("esc 1 R")
            .tell([planned(3, of_checkout(Stage::Rehearsal))])
            .press("i")
            .write("internal-ca")
            .press("enter")
            .shows("renew: PRODUCTION");
        assert!(desk.line(0).contains("PRODUCTION internal-ca"), "{}", desk.screen());
    }
}
