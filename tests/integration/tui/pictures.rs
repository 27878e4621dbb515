//! The pictures of the README and the guide are frames of today's screen.

use kubectl_certs::{
    event::EventKind,
    object::Key,
    tui::{
        Message,
        order::{Ending, Stage},
    },
};

use super::{
    Desk, root,
    runs::{course, happened, of_checkout, plan, planned},
    svg::{Shot, film, svg},
};

const RENEW: &str = "UPDATE_PICTURES=1 cargo test --test integration tui::pictures";

/// Compares a frame with the picture in the tree, or puts it there.
#[track_caller]
fn picture(name: &str, title: &str, desk: &Desk) {
    same(name, &svg(desk.buffer(), title));
}

#[track_caller]
fn same(name: &str, drawn: &str) {
    let path = root().join("docs/guide/pictures").join(format!("{name}.svg"));
    if std::env::var_os("UPDATE_PICTURES").is_some_and(|value| !value.is_empty()) {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        std::fs::write(&path, drawn).expect("it can be written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == drawn,
        "{} is not what the screen shows: look at it after\n{RENEW}",
        path.display()
    );
}

/// A person looks for what is wrong, and rehearses a renewal: what the README shows first.
#[test]
fn a_film_from_the_first_finding_to_a_rehearsal() {
    let mut desk = Desk::new((112, 30));
    let mut shots: Vec<Shot> = Vec::new();
    let shoot = |desk: &Desk, shots: &mut Vec<Shot>, ms| shots.push((desk.buffer().clone(), ms));
    shoot(&desk, &mut shots, 2_500);
    let still = 0;
    for ms in [400, 400, 900] {
        desk.press("j");
        shoot(&desk, &mut shots, ms);
    }
    desk.press("k k k");
    shoot(&desk, &mut shots, 600);
    desk.press("enter");
    shoot(&desk, &mut shots, 4_000);
    desk.press("esc R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    shoot(&desk, &mut shots, 3_500);
    desk.press("enter");
    shoot(&desk, &mut shots, 500);
    let host = "checkout.larkspur.example";
    let events = course(host).into_iter().take(6);
    for kind in events.chain([EventKind::CleanedUp { count: 4 }, EventKind::Done]) {
        desk.wait(700)
            .tell([happened(1, &Key::new("shop", "checkout-tls"), kind)]);
        shoot(&desk, &mut shots, 700);
    }
    desk.tell([Message::Ended(
        1,
        Ending::Good("the rehearsal passed, and nothing that serves traffic was changed".to_owned()),
    )]);
    shoot(&desk, &mut shots, 4_500);
    same(
        "film",
        &film(&shots, still, "From the first finding to a rehearsal of its renewal"),
    );
}

#[test]
fn hosts() {
    let desk = Desk::new((132, 34));
    picture("hosts", "Every host of a cluster, the worst first", &desk);
}

#[test]
fn detail() {
    let mut desk = Desk::new((160, 40));
    desk.press("j j j j enter");
    picture("detail", "A host and all about it, side by side", &desk);
}

#[test]
fn a_plan() {
    let mut desk = Desk::new((132, 34));
    desk.press("R").tell([planned(1, of_checkout(Stage::Rehearsal))]);
    desk.press("t")
        .tell([planned(2, of_checkout(Stage::Production))])
        .press("enter")
        .write("prod-");
    picture(
        "plan",
        "The plan of a renewal in production, which wants the context's name",
        &desk,
    );
}

#[test]
fn a_run() {
    let targets = [
        ("checkout-tls", "checkout.larkspur.example"),
        ("wholesale-tls", "trade.larkspur.example"),
    ];
    let mut desk = Desk::new((132, 34));
    desk.press("space space R")
        .tell([planned(1, plan(Stage::Rehearsal, &targets))])
        .press("enter");
    for (at, (secret, host)) in targets.iter().enumerate() {
        for kind in course(host).into_iter().take(6 - 3 * at) {
            desk.wait(700).tell([happened(1, &Key::new("shop", *secret), kind)]);
        }
    }
    let note = EventKind::Note {
        text: "the certificate that is stored was issued by another CA".to_owned(),
    };
    desk.tell([happened(1, &Key::new("shop", "checkout-tls"), note)]);
    picture("run", "A rehearsal of two certificates, under way", &desk);
}

#[test]
fn timeline() {
    let mut desk = Desk::new((132, 34));
    desk.press("4 pagedown");
    picture(
        "timeline",
        "What expires when, and what each issuer has to renew",
        &desk,
    );
}
