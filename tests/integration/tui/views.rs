//! Every view, on three sizes of terminal.

use super::{Desk, SIZES, at_sizes};

#[test]
fn hosts_secrets_findings_and_namespaces() {
    for (name, keys) in [("hosts", ""), ("secrets", "2"), ("findings", "3"), ("namespaces", "6"), ("timeline", "4"), ("orders-none", "5")] {
        let seen = at_sizes(&SIZES, |size| {
            let mut desk = Desk::new(size);
            desk.press(keys);
            desk
        });
        insta::assert_snapshot!(name, seen);
    }
}
