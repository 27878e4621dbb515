//! Text from outside is anybody's: it may not leave its cell, whatever it holds.

use std::sync::Arc;

use kubectl_certs::{
    event::{Event, EventKind},
    object::Key,
    tui::{
        Message,
        item::Item,
        message::{Level, Link, LogLine, SourceInfo, Trouble},
        order::{Ending, Stage},
    },
    x509::{Certificate, San},
};

use super::{
    Desk, SIZES, at_sizes,
    desk::{place, ui, whole},
    example::{example, noon},
    popups::{begin, window},
    runs::{checkout, of_checkout, planned},
};

/// Clears the screen, moves the cursor, sets a title, rings; turns writing around; breaks the line; is wide; is long.
pub(super) const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gnp\u{2066}\u{200b}\r\nnext\tline 証明書の期限切れ🔥e\u{301}\u{ad}";

/// A host of 300 letters.
pub(super) fn long() -> String {
    "long".repeat(75)
}

pub(super) fn items() -> Vec<Item> {
    let hostile = example().items.iter().enumerate().map(|(at, item)| {
        let text = format!("{at}{HOSTILE}");
        let mut item = item.clone();
        item.namespace = text.as_str().into();
        if let Some((_, name, listener)) = &mut item.route {
            *name = text.as_str().into();
            *listener = Some(text.as_str().into());
        }
        if item.host.is_some() {
            item.host = Some(if at % 2 == 0 { text.clone() } else { long() }.into());
        }
        item.secrets = vec![Key::new(text.as_str(), text.as_str()); 3].into();
        item.class = Some(text.as_str().into());
        item.labels = vec![(text.as_str().into(), text.as_str().into())].into();
        item.certificate = item
            .certificate
            .as_deref()
            .map(|certificate| Arc::new(hostile_certificate(certificate, &text)));
        item
    });
    hostile.collect()
}

fn hostile_certificate(certificate: &Certificate, text: &str) -> Certificate {
    let mut certificate = certificate.clone();
    let mut issuer = (*certificate.issuer).clone();
    issuer.short = text.into();
    issuer.full = text.into();
    certificate.issuer = Arc::new(issuer);
    certificate.names = vec![San::Dns(text.into()), San::Dns(long().into())].into();
    certificate
}

fn hostile_place() -> SourceInfo {
    let text = HOSTILE.to_owned();
    SourceInfo {
        context: text.clone(),
        cluster: text.clone(),
        user: text.clone(),
        namespaces: vec![text.clone(), long()],
        manifests: None,
        contexts: vec![text.clone()],
        flags: vec!["--context".to_owned(), text],
        ..SourceInfo::default()
    }
}

fn trouble() -> Trouble {
    Trouble::new(format!("{HOSTILE} {}", long())).hint(HOSTILE)
}

fn hostile(size: (u16, u16)) -> Desk {
    let mut desk = Desk::dark(size, ui(), hostile_place());
    desk.tell([whole(items()), Message::Read { live: true, took_ms: 1 }]);
    desk
}

/// The desk looks at every frame that it has drawn for what is harmful.
#[test]
fn every_view_shows_it_as_letters() {
    for (name, keys) in [
        ("hosts", "ctrl-w"),
        ("secrets", "2"),
        ("findings", "3"),
        ("timeline", "4"),
        ("namespaces", "6"),
        ("copy", "c"),
    ] {
        let seen = at_sizes(&SIZES, |size| {
            let mut desk = hostile(size);
            desk.press(keys);
            desk
        });
        assert!(seen.contains("\\x1b[2J"), "{seen}");
        insta::assert_snapshot!(format!("hostile-{name}"), seen);
    }
}

#[test]
fn what_is_asked_for_said_and_planned_is_shown_as_letters() {
    for size in SIZES {
        let mut desk = hostile(size);
        let mut plan = of_checkout(Stage::Production);
        plan.issuer = HOSTILE.to_owned();
        plan.limits = vec![HOSTILE.to_owned(), long()];
        plan.notes = vec![HOSTILE.to_owned(), long()];
        plan.targets = vec![(Key::new(HOSTILE, HOSTILE), plan.targets.remove(0).1)];
        for key in ["y", "u", "x"] {
            desk.press(key);
            let window = window(&desk);
            desk.tell([Message::Text {
                window,
                lines: Err(trouble()),
            }])
            .shows("\\x1b[2J")
            .press("esc");
        }
        desk.press("enter").press("esc esc");
        desk.press("R")
            .tell([planned(1, plan)])
            .shows("\\x1b[2J")
            .press("enter")
            .write("prod")
            .press("esc");
        desk.tell([Message::Log(LogLine {
            at: noon(),
            level: Level::Error,
            text: format!("{HOSTILE} {}", long()),
        })]);
        desk.press("L").shows("\\x1b[2J").press("esc");
        desk.tell([Message::Asked(9, HOSTILE.to_owned())]).wait(500).press("n");
        desk.tell([Message::Written(Err(trouble()))]).shows("\\x1b[2J");
        desk.tell([Message::Written(Ok(HOSTILE.to_owned())), Message::Pem(Err(trouble()))]);
        desk.tell([Message::Link(Link::Lost(HOSTILE.to_owned()))])
            .wait(20_000)
            .shows("connection lost: \\x1b[2J");
        desk.command("revoke").press("k").write("x").press("esc");
        desk.command(&format!("ctx {HOSTILE}"))
            .press("o")
            .write(HOSTILE)
            .press("esc");
        desk.press("/").write(HOSTILE).press("enter").press("/ esc");
        desk.press("space space R esc z esc p 6 enter");
    }
}

#[test]
fn what_a_ca_says_is_shown_as_letters() {
    for size in SIZES {
        let mut desk = Desk::new(size);
        begin(&mut desk, Stage::Rehearsal);
        let happened = |kind| {
            Message::Happened(
                1,
                Box::new(Event {
                    secret: Some(checkout()),
                    kind,
                }),
            )
        };
        desk.tell([
            happened(EventKind::Waiting {
                reason: HOSTILE.to_owned(),
            }),
            happened(EventKind::Note {
                text: format!("{HOSTILE}{}", long()),
            }),
            Message::Said(1, HOSTILE.to_owned()),
            Message::Happened(
                1,
                Box::new(Event {
                    secret: None,
                    kind: EventKind::Note {
                        text: HOSTILE.to_owned(),
                    },
                }),
            ),
            happened(EventKind::Failed {
                error: HOSTILE.to_owned(),
                hint: Some(HOSTILE.to_owned()),
            }),
            Message::Ended(1, Ending::Bad(trouble())),
        ]);
        desk.shows("\\x1b[2J").press("esc 5").shows("failed");
    }
}

#[test]
fn a_cluster_that_cannot_be_read_says_it_in_letters() {
    for size in SIZES {
        let mut desk = Desk::dark(size, ui(), place());
        desk.tell([Message::ReadFailed(trouble())]).shows("\\x1b[2J");
    }
}
