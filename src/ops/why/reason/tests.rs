use std::sync::Arc;

use super::*;
use crate::{
    object::doing::{Doing, DoingBy, DoingState, Heard, Installation, Orders},
    ops::{
        pause::{Pause, Told},
        why::{
            declared::Declared,
            facts::{AskingRoute, Controller, Controllers, Held, Said},
        },
    },
};

const NOW: Seconds = 1_800_000_000;

/// Everything is good.
fn good() -> Facts {
    Facts {
        now: NOW,
        host: "shop.example".to_owned(),
        routes: vec![AskingRoute {
            name: "Ingress shop/web".to_owned(),
            kind: "ingress".to_owned(),
            namespace: "shop".to_owned(),
            object: "web".to_owned(),
            asks: true,
        }],
        secret: Some(Key::new("shop", "shop-tls")),
        elsewhere: false,
        hold: None,
        controllers: Controllers::Found(vec![Controller {
            namespace: "kubectl-certs".to_owned(),
            says: None,
            told: Ok(Told::Order),
            leader: Ok(Some(Held {
                who: "pod-1".to_owned(),
                since: NOW - 600,
                until: NOW + 13,
            })),
        }]),
        declared: Vec::new(),
        doings: Vec::new(),
        under_way: None,
        journal: None,
        events: Vec::new(),
        stored: Stored::Certificate {
            names: "shop.example".to_owned(),
            covers: true,
            not_before: NOW - 600,
            not_after: NOW + 86_400,
            due_at: Some(NOW + 3_600),
        },
        resolves: Ok("192.0.2.1".to_owned()),
        served: Stands::Good("192.0.2.1:443".to_owned()),
    }
}

/// The same without a certificate.
fn missing() -> Facts {
    Facts {
        stored: Stored::Absent,
        served: Stands::Bad("the default certificate is served".to_owned()),
        ..good()
    }
}

fn said(at: Seconds, reason: &str, is_failure: bool) -> Said {
    Said {
        at,
        reason: reason.to_owned(),
        message: "the challenge failed".to_owned(),
        count: 3,
        is_failure,
    }
}

#[track_caller]
fn mark(answer: &Answer, step: &str) -> Mark {
    answer.lines.iter().find(|line| line.step == step).unwrap().mark
}

#[test]
fn what_is_good_says_until_when_and_who_renews_it() {
    let answer = answer(&good());
    assert!(answer.is_good && answer.next.is_none());
    assert_eq!(
        answer.why,
        "shop.example is served as it should be, until 2027-01-16T08:00:00Z; it is renewed at 2027-01-15T09:00:00Z"
    );
    let steps: Vec<&str> = answer.lines.iter().map(|line| line.step).collect();
    assert_eq!(
        steps,
        [
            "routes",
            "asked",
            "rule",
            "controller",
            "told",
            "leader",
            "order",
            "events",
            "dns",
            "stored",
            "served"
        ]
    );
}

#[test]
#[allow(clippy::too_many_lines)] // It is a table.
fn the_first_thing_that_is_wrong_in_the_chain_is_why() {
    type Change = Box<dyn Fn(&mut Facts)>;
    let told = |told: Told| -> Change {
        Box::new(move |facts| {
            let Controllers::Found(all) = &mut facts.controllers else {
                return;
            };
            let Some(one) = all.first_mut() else { return };
            one.told = Ok(told.clone());
        })
    };
    let pause = Pause {
        reason: "the CA moves".to_owned(),
        until: None,
        by: "ops".to_owned(),
        at: NOW - 60,
    };
    let cases: Vec<(&str, Mark, Change, &str, &str)> = vec![
        (
            "routes",
            Mark::Failing,
            Box::new(|f| f.secret = None),
            "names no Secret for shop.example",
            "spec.tls",
        ),
        (
            "asked",
            Mark::Held,
            Box::new(|f| f.routes[0].asks = false),
            "no route asks for it",
            "kubectl annotate ingress web -n shop kubernetes.io/tls-acme=true",
        ),
        (
            "rule",
            Mark::Held,
            Box::new(|f| f.hold = Some(("OtherOwner".to_owned(), "Helm writes it".to_owned()))),
            "the rule OtherOwner holds it: Helm writes it",
            "show secret/shop-tls -n shop",
        ),
        (
            "controller",
            Mark::Failing,
            Box::new(|f| f.controllers = Controllers::Found(Vec::new())),
            "no controller is installed",
            "kubectl certs renew shop.example",
        ),
        (
            "told",
            Mark::Held,
            told(Told::Nothing),
            "nobody has told the controller",
            "resume -n kubectl-certs",
        ),
        (
            "told",
            Mark::Held,
            told(Told::Pause(pause)),
            "paused since 2027-01-15T07:59:00Z: the CA moves",
            "resume",
        ),
        (
            "order",
            Mark::Waiting,
            Box::new(|f| {
                f.under_way = Some(Held {
                    who: "pod-1".to_owned(),
                    since: NOW - 5,
                    until: NOW + 30,
                });
            }),
            "an order is under way: pod-1 has been working on it",
            "",
        ),
        (
            "events",
            Mark::Failing,
            Box::new(|f| {
                f.events = vec![
                    said(NOW - 900, "ChallengeFailed", true),
                    said(NOW - 60, "CertificateFailed", true),
                ];
            }),
            "it has failed since 2027-01-15T07:45:00Z: the challenge failed",
            "preflight shop.example",
        ),
        (
            "dns",
            Mark::Failing,
            Box::new(|f| f.resolves = Err(Some("shop.example does not resolve".to_owned()))),
            "shop.example does not resolve, so that HTTP-01 cannot prove it",
            "make a record",
        ),
        (
            "leader",
            Mark::Failing,
            Box::new(|f| {
                let Controllers::Found(all) = &mut f.controllers else {
                    return;
                };
                let Some(one) = all.first_mut() else { return };
                one.leader = Ok(Some(Held {
                    who: "pod-1".to_owned(),
                    since: NOW - 900,
                    until: NOW - 60,
                }));
            }),
            "no replica of the controller orders: pod-1 led",
            "get pods",
        ),
    ];
    // Each is the reason although everything after it in the list is wrong, too.
    let order = [
        "routes",
        "rule",
        "asked",
        "controller",
        "told",
        "told",
        "events",
        "dns",
        "order",
        "leader",
    ];
    for (step, is, change, why, next) in &cases {
        let mut facts = missing();
        change(&mut facts);
        let found = answer(&facts);
        assert!(!found.is_good, "{step}");
        assert_eq!(mark(&found, step), *is, "{step}: {found:?}");
        assert!(found.why.contains(why), "{step}: {}", found.why);
        assert!(found.next.unwrap_or_default().contains(next), "{step}");
        // What comes later does not hide it.
        let rank = |step: &str| order.iter().position(|it| *it == step);
        for (other, _, change, ..) in cases.iter().filter(|(other, ..)| rank(other) > rank(step)) {
            change(&mut facts);
            assert!(answer(&facts).why.contains(why), "{step} before {other}");
        }
    }
}

#[test]
fn a_success_ends_the_failures_before_it_and_nothing_wrong_is_a_turn() {
    let mut facts = missing();
    facts.events = vec![
        said(NOW - 900, "ChallengeFailed", true),
        said(NOW - 60, "CertificateIssued", false),
    ];
    let found = answer(&facts);
    assert_eq!(mark(&found, "events"), Mark::Done);
    assert!(found.why.contains("at its next turn"), "{}", found.why);
    assert_eq!(found.next, None);
}

#[test]
fn what_is_stored_and_not_served_is_about_what_is_served_whoever_asks() {
    let mut facts = good();
    facts.served = Stands::Bad("192.0.2.1:443 serves another certificate".to_owned());
    facts.routes[0].asks = false;
    let found = answer(&facts);
    assert!(
        found.why.contains("clients do not get it: 192.0.2.1:443"),
        "{}",
        found.why
    );
    assert!(found.next.unwrap().contains("kubectl certs probe shop.example"));
    // It is good all the same where only nobody renews it.
    facts.served = Stands::Good("192.0.2.1:443".to_owned());
    let found = answer(&facts);
    assert!(
        found.is_good && found.why.contains("nobody renews it unattended"),
        "{}",
        found.why
    );
}

#[test]
fn an_expired_or_foreign_certificate_is_not_good_although_it_is_served() {
    let with = |covers: bool, not_after: Seconds| {
        let mut facts = good();
        facts.stored = Stored::Certificate {
            names: "other.example".to_owned(),
            covers,
            not_before: 0,
            not_after,
            due_at: None,
        };
        answer(&facts)
    };
    let ended = with(true, NOW - 1);
    assert!(
        !ended.is_good && ended.why.contains("renews it at its next turn"),
        "{ended:?}"
    );
    assert_eq!(mark(&ended, "stored"), Mark::Failing);
    assert!(!with(false, NOW + 9).is_good);
}

/// What a controller says.
fn does(state: DoingState, heard: Heard) -> Vec<DoingBy> {
    let by = Installation {
        namespace: "kubectl-certs".into(),
        orders: Orders::Allowed,
        ..Installation::default()
    };
    let doing = Doing {
        state,
        reason: "TwoADay".into(),
        message: "the CA refuses".into(),
        since: Some(NOW - 3_600),
        until: Some(NOW + 600),
        failures: 4,
        ..Doing::of(Key::new("shop", "shop-tls"))
    };
    let by = Arc::new(by);
    vec![DoingBy { by, heard, doing }]
}

#[test]
fn what_only_the_controller_knows_is_told_in_its_words_and_not_as_present_if_it_does_not_run() {
    let of = |state, heard| Facts {
        doings: does(state, heard),
        ..missing()
    };
    let failing = answer(&of(DoingState::BackOff, Heard::Running));
    assert!(failing.why.contains("failed 4 times since"), "{}", failing.why);
    assert!(failing.next.unwrap().contains("kubectl certs preflight"));
    let line = failing.lines.iter().find(|line| line.step == "does").unwrap();
    assert_eq!((line.mark, line.until), (Mark::Failing, Some(NOW + 600)));
    let held = answer(&of(DoingState::Held, Heard::Running));
    assert!(held.why.contains("the rule TwoADay holds it"), "{}", held.why);
    // What DNS says is more exact than that something is waited for.
    let mut waiting = of(DoingState::Waiting, Heard::Running);
    assert!(answer(&waiting).why.contains("looks again at"));
    waiting.resolves = Err(Some("shop.example does not resolve".to_owned()));
    assert!(answer(&waiting).why.contains("HTTP-01 cannot prove it"));
    let gone = answer(&of(DoingState::BackOff, Heard::Gone { last: Some(NOW - 60) }));
    assert!(!gone.why.contains("failed 4 times"), "{}", gone.why);
    let line = gone.lines.iter().find(|line| line.step == "does").unwrap();
    assert!(
        line.mark == Mark::Unknown && line.text.contains("does not run now"),
        "{line:?}"
    );
}

#[test]
fn a_wildcard_that_is_declared_asks_and_a_controller_that_follows_other_namespaces_does_not_order() {
    let mut facts = missing();
    facts.routes[0].asks = false;
    assert!(answer(&facts).why.contains("no route asks"));
    facts.declared = vec![Declared {
        names: vec!["*.shop.example".to_owned()],
        by: "the annotation kubectl-certs.io/wildcard of Namespace shop".to_owned(),
    }];
    let declared = answer(&facts);
    assert!(!declared.why.contains("no route asks"), "{}", declared.why);
    let asked = declared.lines.iter().find(|line| line.step == "asked").unwrap();
    assert!(
        asked.mark == Mark::Done && asked.text.contains("declares *.shop.example"),
        "{asked:?}"
    );
    let Controllers::Found(all) = &mut facts.controllers else {
        panic!("there is one")
    };
    all[0].says = Some(Arc::new(Installation {
        issuer: "letsencrypt".into(),
        follows: Some(vec!["blog".into()]),
        ..Installation::default()
    }));
    let elsewhere = answer(&facts);
    assert_eq!(elsewhere.why, "no controller follows namespace shop");
    let line = elsewhere.lines.iter().find(|line| line.step == "controller").unwrap();
    assert!(
        line.text.contains("(issuer letsencrypt), which does not follow"),
        "{line:?}"
    );
}

#[test]
fn a_copy_says_of_what_it_is_one_and_what_holds_it() {
    let mut facts = missing();
    facts.routes[0].asks = false;
    facts.declared = vec![Declared {
        names: vec!["that it is a copy of Secret infra/apps-tls".to_owned()],
        by: "the annotation kubectl-certs.io/copy-of of Ingress shop/web".to_owned(),
    }];
    facts.hold = Some((
        "CopyNotGranted".to_owned(),
        "Secret infra/apps-tls permits no copy".to_owned(),
    ));
    let answer = answer(&facts);
    assert_eq!(
        (answer.why.as_str(), answer.next),
        (
            "the rule CopyNotGranted holds it: Secret infra/apps-tls permits no copy",
            None
        )
    );
    let asked = answer.lines.iter().find(|line| line.step == "asked").unwrap();
    assert!(
        asked
            .text
            .ends_with("declares that it is a copy of Secret infra/apps-tls"),
        "{}",
        asked.text
    );
}
