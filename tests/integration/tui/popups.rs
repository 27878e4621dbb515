//! Every window, on three sizes of terminal.

use kubectl_certs::{
    event::EventKind,
    report::show::Tone,
    tui::{
        Message,
        message::{Level, LogLine, Trouble},
        model::popup::{Popup, WindowId},
        order::{Ending, Stage},
    },
};

use super::{
    Desk, SIZES, at_sizes,
    example::noon,
    runs::{checkout, course, happened, of_checkout, plan, planned},
};

#[track_caller]
fn see(name: &str, mut act: impl FnMut(&mut Desk)) {
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::new(size);
        act(&mut desk);
        desk
    });
    insta::assert_snapshot!(name, seen);
}

/// The number of the window on top, which its text comes back with.
pub(super) fn window(desk: &Desk) -> WindowId {
    match desk.model.popups.last() {
        Some(Popup::Text(text)) => text.id,
        other => panic!("no window waits for a text: {other:?}"),
    }
}

/// The renewal of the first host runs as a stage.
pub(super) fn begin(desk: &mut Desk, stage: Stage) {
    desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    if stage == Stage::Production {
        desk.press("t")
            .tell([planned(2, of_checkout(stage))])
            .press("enter")
            .write("prod-eu");
    }
    desk.press("enter");
}

pub(super) fn trouble() -> Trouble {
    Trouble::new(
        "the CA refused checkout.larkspur.example: 203.0.113.7: Invalid response from \
               http://checkout.larkspur.example/.well-known/acme-challenge/iXdQ2Z5y: 404",
    )
    .hint("`kubectl certs preflight checkout -n shop` says what stands in the way")
}

#[test]
fn help() {
    see("help", |desk| {
        desk.press("?");
    });
}

#[test]
fn help_to_its_end() {
    see("help-end", |desk| {
        desk.press("? G");
    });
}

#[test]
fn yaml_on_its_way_there_and_not_to_be_had() {
    let yaml = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: checkout\n  namespace: shop\nspec:\n  tls:\n  - hosts:\n    - checkout.larkspur.example\n    secretName: checkout-tls";
    see("text-reading", |desk| {
        desk.press("y");
    });
    see("text", |desk| {
        desk.press("y");
        let lines = yaml.lines().map(|line| vec![(Tone::Plain, line.to_owned())]).collect();
        let window = window(desk);
        desk.tell([Message::Text {
            window,
            lines: Ok(lines),
        }]);
    });
    see("text-failed", |desk| {
        desk.press("y");
        let trouble =
            Trouble::new("ada may not get ingresses in namespace shop").hint("docs/guide/rights.md lists the rights");
        let window = window(desk);
        desk.tell([Message::Text {
            window,
            lines: Err(trouble),
        }]);
    });
}

#[test]
fn explanation() {
    see("explain", |desk| {
        desk.press("e");
    });
}

#[test]
fn log_empty_and_with_lines() {
    see("log-empty", |desk| {
        desk.press("L");
    });
    see("log", |desk| {
        let line = |level, text: &str| {
            Message::Log(LogLine {
                at: noon(),
                level,
                text: text.to_owned(),
            })
        };
        desk.tell([
            line(Level::Note, "connected to larkspur-eu-1"),
            line(
                Level::Warning,
                "the right to watch pods is missing: their changes are not seen; read again to see them",
            ),
            line(Level::Error, "connection lost: the server closed it"),
        ]);
        desk.press("L");
    });
}

#[test]
fn plan_being_made() {
    see("plan-making", |desk| {
        desk.press("R");
    });
}

#[test]
fn plan_of_a_rehearsal() {
    see("plan-rehearsal", |desk| {
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    });
}

#[test]
fn plan_of_production_which_wants_the_name_of_the_context() {
    let production = |desk: &mut Desk| {
        desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
        desk.press("t").tell([planned(2, of_checkout(Stage::Production))]);
    };
    see("plan-production", production);
    see("plan-production-typed", |desk| {
        production(desk);
        desk.press("enter").write("prod-e");
    });
    see("plan-production-wrong", |desk| {
        production(desk);
        desk.press("enter").write("prod-us").press("enter");
    });
}

#[test]
fn plan_that_could_not_be_made() {
    see("plan-failed", |desk| {
        let trouble = Trouble::new("Secret shop/checkout-tls is written by cert-manager's Certificate shop/checkout")
            .hint("`kubectl cert-manager renew checkout -n shop` renews it");
        desk.press("R").tell([Message::Ended(1, Ending::Bad(trouble))]);
    });
}

#[test]
fn plan_of_several() {
    see("plan-several", |desk| {
        desk.press("space j space R");
        desk.tell([
            planned(
                1,
                plan(Stage::Rehearsal, &[("payroll-tls", "payroll.intra.larkspur.example")]),
            ),
            planned(
                2,
                plan(
                    Stage::Rehearsal,
                    &[
                        ("checkout-tls", "checkout.larkspur.example"),
                        ("wholesale-tls", "trade.larkspur.example"),
                    ],
                ),
            ),
        ]);
    });
}

#[test]
fn run_half_way() {
    see("run-half", |desk| {
        begin(desk, Stage::Production);
        for kind in course("checkout.larkspur.example").into_iter().take(6) {
            desk.wait(700).tell([happened(2, &checkout(), kind)]);
        }
    });
}

#[test]
fn run_that_ended_well() {
    see("run-done", |desk| {
        begin(desk, Stage::Production);
        for kind in course("checkout.larkspur.example") {
            desk.wait(700).tell([happened(2, &checkout(), kind)]);
        }
        desk.tell([Message::Ended(
            2,
            Ending::Good("shop/checkout-tls: valid until 2027-03-01".to_owned()),
        )]);
    });
}

#[test]
fn run_that_failed() {
    see("run-failed", |desk| {
        begin(desk, Stage::Rehearsal);
        for kind in course("checkout.larkspur.example").into_iter().take(4) {
            desk.wait(700).tell([happened(1, &checkout(), kind)]);
        }
        let failed = EventKind::ChallengeFailed {
            name: "checkout.larkspur.example".parse().expect("a name"),
            detail: "203.0.113.7 answered 404".to_owned(),
        };
        let ended = EventKind::Failed {
            error: trouble().what,
            hint: None,
        };
        desk.tell([happened(1, &checkout(), failed), happened(1, &checkout(), ended)]);
        desk.tell([Message::Ended(1, Ending::Bad(trouble()))]);
    });
}

#[test]
fn run_of_several_certificates_side_by_side() {
    let targets = [
        ("checkout-tls", "checkout.larkspur.example"),
        ("wholesale-tls", "trade.larkspur.example"),
    ];
    let many: Vec<(String, String)> = (1..=7)
        .map(|n| (format!("site-{n}-tls"), format!("site-{n}.larkspur.example")))
        .collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(secret, host)| (secret.as_str(), host.as_str()))
        .collect();
    for (name, targets) in [("run-two", &targets[..]), ("run-many", &many)] {
        see(name, |desk| {
            desk.press("R")
                .tell([planned(1, plan(Stage::Rehearsal, targets))])
                .press("enter");
            for (behind, (secret, host)) in targets.iter().enumerate() {
                let key = kubectl_certs::object::Key::new("shop", *secret);
                let all = course(host);
                let so_far = all.len().saturating_sub(behind * 2);
                for kind in all.into_iter().take(so_far) {
                    desk.wait(300).tell([happened(1, &key, kind)]);
                }
            }
        });
    }
}

#[test]
fn question() {
    see("ask", |desk| {
        begin(desk, Stage::Rehearsal);
        let question = "The CA has terms of service: https://ca.example/terms.pdf\nAre they agreed to?";
        desk.tell([Message::Asked(1, question.to_owned())]);
    });
}

#[test]
fn quitting_while_a_renewal_runs() {
    see("quit", |desk| {
        begin(desk, Stage::Rehearsal);
        desk.press("esc q");
    });
}

#[test]
fn file_to_save_to() {
    see("save", |desk| {
        desk.press("o");
    });
}

#[test]
fn menus() {
    see("copy", |desk| {
        desk.press("c");
    });
    see("columns", |desk| {
        desk.press("z j");
    });
    see("revoke", |desk| {
        desk.command("revoke");
    });
}

#[test]
fn revocation_is_planned_and_wants_the_name_of_the_secret() {
    see("revoke-typed", |desk| {
        desk.command("revoke").press("m");
        desk.tell([planned(1, super::writes::revocation())])
            .press("enter")
            .write("prod-eu checkout");
    });
}

#[test]
fn rollback_asks() {
    see("rollback", |desk| {
        desk.command("rollback");
    });
}

#[test]
fn commands_that_fit_what_is_typed() {
    see("prompt", |desk| {
        desk.press(":").write("re");
    });
    see("prompt-ns", |desk| {
        desk.press(":").write("ns ");
    });
}
