//! Every view, and the picture of one line beside it or in its place, on three sizes of terminal.

use kubectl_certs::tui::order::Stage;

use super::{
    Desk, SIZES, at_sizes,
    runs::{checkout, course, happened, of_checkout, planned},
};

/// The example after some keys.
#[track_caller]
fn after(name: &str, keys: &str) {
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::new(size);
        desk.press(keys);
        desk
    });
    insta::assert_snapshot!(name, seen);
}

#[test]
fn hosts() {
    after("hosts", "");
}

#[test]
fn hosts_with_all_columns() {
    after("hosts-wide", "ctrl-w");
}

#[test]
fn secrets() {
    after("secrets", "2 j");
}

#[test]
fn findings() {
    after("findings", "3 j");
}

#[test]
fn timeline() {
    after("timeline", "4 j");
}

#[test]
fn orders_before_there_are_any() {
    after("orders-none", "5");
}

#[test]
fn orders() {
    let seen = at_sizes(&SIZES, |size| {
        let mut desk = Desk::new(size);
        desk.press("R")
            .tell([planned(1, of_checkout(Stage::Rehearsal))])
            .press("enter");
        for kind in course("checkout.larkspur.example") {
            desk.wait(700).tell([happened(1, &checkout(), kind)]);
        }
        let good = kubectl_certs::tui::order::Ending::Good("the rehearsal passed".to_owned());
        desk.tell([kubectl_certs::tui::Message::Ended(1, good)]);
        desk.press("esc j R")
            .tell([planned(2, of_checkout(Stage::Rehearsal))])
            .press("enter esc 5");
        desk.wait(2_000);
        desk
    });
    insta::assert_snapshot!("orders", seen);
}

#[test]
fn namespaces() {
    after("namespaces", "6 j");
}

#[test]
fn detail_beside_the_table_or_in_its_place() {
    after("detail", "enter");
}

#[test]
fn detail_of_a_secret_scrolled() {
    after("detail-secret", "2 j enter enter j j j");
}

#[test]
fn detail_of_what_is_healthy() {
    after("detail-healthy", "G enter");
}
