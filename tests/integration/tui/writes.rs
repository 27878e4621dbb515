//! What writes without ordering anything: rollback, restart, revocation. Each is asked for as a renewal in production is.

use kubectl_certs::{
    object::Key,
    plan::steps::Step,
    tui::{
        CommandLine, Effect, Message, Ui,
        item::Item,
        message::Trouble,
        order::{Ending, Job, Plan, Stage},
    },
};

use super::{
    Desk, SIZES,
    desk::{place, ui},
    renewals::started,
    runs::{checkout, of_checkout, planned},
};

/// A plan that orders nothing.
fn writes(steps: Vec<Step>, notes: &[&str]) -> Plan {
    Plan {
        targets: vec![(checkout(), steps)],
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        ..Plan::default()
    }
}

pub(super) fn put_back() -> Plan {
    let step = Step::PutBack {
        secret: checkout(),
        serial: "7f3c".to_owned(),
    };
    writes(vec![step], &["it holds 0a1b, by R13", "it will hold 7f3c, by R11"])
}

pub(super) fn restart() -> Plan {
    let step = Step::Restart {
        workload: "deployment/checkout".to_owned(),
    };
    let words = ["rollout", "restart", "deployment/checkout", "-n", "shop"];
    Plan {
        command: Some(CommandLine {
            program: "kubectl",
            words: words.map(str::to_owned).into(),
        }),
        ..writes(vec![step], &[])
    }
}

pub(super) fn revocation() -> Plan {
    let step = Step::Revoke {
        serial: "0a1b".to_owned(),
        issuer: "letsencrypt".to_owned(),
        reason: "keyCompromise".to_owned(),
    };
    writes(vec![step], &[])
}

/// Each write, how it is begun, its plan, and what has to be typed for it.
fn all() -> [(&'static str, &'static str, Plan, &'static str); 3] {
    [
        ("rollback", "rollback", put_back(), "prod-eu"),
        ("restart", "restart", restart(), "prod-eu"),
        ("revoke", "revoke", revocation(), "prod-eu checkout-tls"),
    ]
}

/// Begins a write, up to where its plan is made.
fn begin(desk: &mut Desk, command: &str) -> u64 {
    desk.command(command);
    if command == "revoke" {
        desk.press("m");
    }
    started(desk).0
}

#[test]
fn every_write_is_in_earnest_by_its_badge_and_wants_the_name_of_the_context() {
    for (job, command, plan, word) in all() {
        for size in SIZES {
            let mut desk = Desk::new(size);
            desk.shows("REHEARSAL letsencrypt-staging");
            let id = begin(&mut desk, command);
            desk.hides("REHEARSAL").shows(" PRODUCTION ");
            desk.tell([planned(id, plan.clone())])
                .shows(&format!("{job}: PRODUCTION"))
                .hides("REHEARSAL")
                .hides("letsencrypt-staging");
            desk.press("enter")
                .shows(&format!("This is production. Type {word} to continue:"));
            assert_eq!(desk.effects(), [], "one Enter writes nothing: {job}");
            desk.press("enter")
                .shows(&format!("type {word:?}, or press Esc to cancel"));
            assert_eq!(desk.effects(), [], "{job}");
            desk.write(word).press("enter");
            assert_eq!(desk.effects(), [Effect::Answer { id, yes: true }], "{job}");
            desk.shows(&format!("{job} PRODUCTION"))
                .hides("REHEARSAL")
                .press("esc 5")
                .shows("PRODUCTION");
            desk.tell([Message::Ended(id, Ending::Good("done".to_owned()))])
                .shows("REHEARSAL letsencrypt-staging");
        }
    }
}

#[test]
fn without_protection_a_key_is_enough_where_it_can_be_undone() {
    let settings = Ui {
        unprotected: vec!["prod-eu".to_owned()],
        ..ui()
    };
    for (job, command, plan, _) in all() {
        let mut desk = Desk::with((120, 40), settings.clone(), place());
        let id = begin(&mut desk, command);
        desk.tell([planned(id, plan)]).press("enter");
        if job == "revoke" {
            desk.shows("Type checkout-tls to continue:")
                .write("checkout-tls")
                .press("enter");
        }
        assert_eq!(desk.effects(), [Effect::Answer { id, yes: true }], "{job}");
    }
}

#[test]
fn staging_certificates_that_are_stored_want_the_name_too() {
    let mut desk = Desk::usual();
    desk.press("R")
        .tell([planned(1, of_checkout(Stage::Staging))])
        .press("enter")
        .shows("Staging certificates are stored, which no client trusts. Type prod-eu to continue:");
    assert!(!desk.effects().contains(&Effect::Answer { id: 1, yes: true }));
}

#[test]
pub(super) fn restarts_are_planned_with_their_command() {
    let mut desk = Desk::usual();
    desk.press("r")
        .shows("planning: restart of the workloads that use shop/checkout-tls")
        .hides("kubectl rollout");
    let (id, job, _) = started(&mut desk);
    assert_eq!(job, Job::Restart(vec![checkout()]));
    desk.tell([planned(id, restart())])
        .shows("kubectl rollout restart deployment/checkout -n shop");
    desk.press("t").shows("nothing is ordered here");
    desk.press("enter").write("prod-eu").press("enter").shows("running");
    assert_eq!(desk.effects(), [Effect::Answer { id, yes: true }]);
}

#[test]
fn a_secret_that_no_workload_uses_leaves_no_command_that_does_nothing() {
    let mut desk = Desk::usual();
    desk.press("r");
    let (id, ..) = started(&mut desk);
    let told = "no workload uses Secret shop/checkout-tls";
    desk.tell([Message::Ended(id, Ending::Good(told.to_owned()))])
        .shows(told)
        .hides("kubectl rollout");
    desk.press("esc 5")
        .shows("shop/checkout-tls")
        .hides("kubectl rollout")
        .press("enter")
        .shows(told)
        .hides("kubectl rollout");
}

#[test]
fn revocation_takes_a_reason_and_the_name_of_the_secret() {
    let mut desk = Desk::usual();
    // `j` and `k` move, as in every list.
    desk.command("revoke")
        .shows("revoke Secret shop/checkout-tls: the reason")
        .press("j j k")
        .shows("m  key-compromise")
        .press("m");
    let (id, job, command) = started(&mut desk);
    assert_eq!(job, Job::Revoke);
    assert_eq!(
        command,
        "kubectl certs revoke checkout-tls --reason key-compromise -n shop --context prod-eu"
    );
    desk.tell([planned(id, revocation())])
        .shows("1. revoke certificate 0a1b at letsencrypt for good, reason keyCompromise")
        .shows("note: a revocation cannot be undone")
        .shows("note: 1 host is served with it");
    desk.press("enter")
        .write("prod-eu checkout")
        .press("enter")
        .shows("type \"prod-eu checkout-tls\"");
    assert_eq!(desk.effects(), []);
    desk.write("-tls").press("enter").shows("running");
    assert_eq!(desk.effects(), [Effect::Answer { id, yes: true }]);
    let mut desk = Desk::usual();
    desk.command("revoke")
        .press("down down enter")
        .shows("--reason cessation-of-operation")
        .press("esc");
    assert!(desk.model.runs.is_empty());
}

#[test]
fn rollback_is_planned_with_both_pairs() {
    let mut desk = Desk::usual();
    desk.command("rollback").shows("the plan is being made");
    let (id, job, command) = started(&mut desk);
    assert_eq!(job, Job::Rollback);
    assert_eq!(command, "kubectl certs rollback checkout-tls -n shop --context prod-eu");
    desk.tell([planned(id, put_back())])
        .shows("it holds 0a1b, by R13")
        .shows("it will hold 7f3c, by R11");
    assert_eq!(desk.effects(), []);
}

#[test]
fn rollback_is_of_all_that_are_marked_and_revocation_of_one() {
    let mut desk = Desk::usual();
    desk.press("space space")
        .command("revoke")
        .shows("revoke: one Secret at a time, but 2 are marked: ctrl-\\ clears the marks");
    assert!(desk.model.popups.is_empty());
    desk.command("rollback");
    let runs = desk.effects();
    let rollbacks = runs
        .iter()
        .filter(|effect| matches!(effect, Effect::Run { job: Job::Rollback, .. }));
    assert_eq!((rollbacks.count(), runs.len()), (2, 2), "{runs:?}");
}

#[test]
fn a_secret_is_named_as_on_the_command_line() {
    let mut desk = Desk::usual();
    desk.command("rollback secret/checkout-tls")
        .shows("is in which namespace? write NAMESPACE/NAME");
    desk.command("rollback ingress/checkout").shows("is no Secret");
    desk.model.place.namespaces = vec!["shop".to_owned()];
    desk.command("rollback secret/checkout-tls");
    let (.., command) = started(&mut desk);
    assert_eq!(command, "kubectl certs rollback checkout-tls -n shop --context prod-eu");
}

#[test]
fn a_secret_that_no_route_uses_is_revoked_without_force() {
    let mut desk = Desk::usual();
    let alone = Item {
        secrets: vec![Key::new("edge", "left-over")].into(),
        certificate: super::example::example()
            .items
            .iter()
            .find_map(|item| item.certificate.clone()),
        ..super::states::forbidden()
    };
    desk.tell([Message::Rows {
        whole: false,
        set: vec![alone],
        gone: Vec::new(),
    }])
    .command("secrets")
    .press("/")
    .write("left-over")
    .press("enter")
    .command("revoke")
    .press("s");
    let (id, ..) = started(&mut desk);
    desk.tell([planned(id, revocation())])
        .shows("no route that was read uses it")
        .hides("--force");
}

#[test]
fn force_is_never_added_by_itself_and_is_taken_where_it_is_typed() {
    for command in ["revoke", "rollback"] {
        for (typed, forced) in [("", false), (" --force", true)] {
            let mut desk = Desk::usual();
            desk.command(&format!("{command}{typed}"));
            if command == "revoke" {
                desk.press("s");
            }
            let (.., line) = started(&mut desk);
            assert_eq!(line.contains("--force"), forced, "{line}");
        }
        // What else follows is a Secret, or is refused.
        let mut desk = Desk::usual();
        desk.command(&format!("{command} shop/kubectl-certs-backup-5d1f"));
        if command == "revoke" {
            let key = Key::new("shop", "kubectl-certs-backup-5d1f");
            desk.tell([Message::Secret {
                key,
                is_there: Ok(true),
            }])
            .press("s");
        }
        let (.., line) = started(&mut desk);
        assert!(
            line.contains(&format!("{command} kubectl-certs-backup-5d1f ")) && line.contains(" -n shop"),
            "{line}"
        );
        let mut desk = Desk::usual();
        desk.command(&format!("{command} web"))
            .shows(&format!(
                "{command}: \"web\" is no Secret: write NAMESPACE/NAME, secret/NAME or --force"
            ))
            .command(&format!("{command} shop/a shop/b"))
            .shows("one Secret at a time");
        assert_eq!(desk.effects(), []);
        desk.press(":")
            .write(&format!("{command} --f"))
            .press("tab")
            .shows(&format!(":{command} --force"));
    }
}

#[test]
fn a_revocation_of_what_is_in_use_leads_on_in_the_words_of_the_screen() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        desk.command("revoke").press("s");
        let (id, ..) = started(&mut desk);
        let trouble = Trouble {
            yields_to_force: true,
            ..Trouble::new("the certificate is in use: it is in Secret shop/checkout-tls")
                .hint("renew it first; --force revokes it anyway")
        };
        desk.tell([Message::Ended(id, Ending::Bad(trouble))])
            .shows("the certificate is in use")
            .shows("hint: renew it first")
            .shows("here: esc and then R renews it first")
            .hides("enter go");
        // And what it says is so.
        desk.press("esc R").shows("renew").press("esc").effects();
        desk.command("revoke --force").press("s");
        let (id, ..) = started(&mut desk);
        desk.tell([Message::Ended(
            id,
            Ending::Bad(Trouble::new("the CA is away").hint("--force revokes nothing either")),
        )])
        .shows("the CA is away")
        .hides("here: ");
    }
}

#[test]
fn a_secret_that_is_not_there_is_told_before_anybody_is_asked_for_a_reason() {
    let looked_for = |desk: &mut Desk| {
        let effects = desk.effects().into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::LookForSecret(key) => Some(key.to_string()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let answer = |key: Key, there: bool| Message::Secret {
        key,
        is_there: Ok(there),
    };
    let checkout = || Key::new("shop", "chekout-tls");
    let mut desk = Desk::usual();
    desk.command("revoke shop/chekout-tls")
        .shows("looking for Secret shop/chekout-tls")
        .hides("the reason");
    assert_eq!(looked_for(&mut desk), ["shop/chekout-tls"]);
    desk.tell([answer(checkout(), false)])
        .shows("revoke: there is no Secret shop/chekout-tls; did you mean shop/checkout-tls?")
        .hides("the reason");
    // One that is there and no line has.
    desk.command("revoke shop/chekout-tls --force")
        .tell([answer(checkout(), true)])
        .shows("revoke Secret shop/chekout-tls: the reason")
        .press("m");
    let (.., command) = started(&mut desk);
    assert!(
        command.contains("--reason key-compromise") && command.ends_with("--force"),
        "{command}"
    );
    // Who has gone on meanwhile is asked nothing.
    desk.press("esc")
        .command("revoke shop/chekout-tls")
        .press("j")
        .tell([answer(checkout(), true)])
        .hides("the reason");
    // What a line shows needs no question to the cluster.
    desk.press("g").command("revoke").shows("the reason");
    desk.effects();
    desk.press("esc")
        .command("revoke shop/checkout-tls")
        .shows("the reason");
    assert_eq!(looked_for(&mut desk), [""; 0]);
    let trouble = Trouble::new("ada may not get secrets in namespace shop");
    desk.press("esc")
        .command("revoke shop/chekout-tls")
        .tell([Message::Secret {
            key: checkout(),
            is_there: Err(trouble),
        }])
        .shows("may not get secrets")
        .hides("the reason");
}
