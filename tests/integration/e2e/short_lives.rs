//! Certificates that live for 200 seconds, kept for five minutes: nobody ever meets anything else than a good one.

use std::time::Duration;

use crate::support::{
    pebble::SHORT_LIVES,
    short_lives::{Lives, keep},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn ten_certificates_of_200_seconds_are_renewed_for_five_minutes_without_a_gap_and_not_more_often_than_they_need() {
    let lives = Lives {
        count: 10,
        profile: SHORT_LIVES[1],
        lasts: Duration::from_mins(5),
    };
    let kept = keep("short", &lives);
    assert!(kept.gaps.is_empty(), "{:?} {:?}", kept.gaps, kept.trouble);
    // A handshake takes less than a second on any machine.
    assert!(kept.looks > 150, "{}", kept.looks);
    assert!(kept.fewest >= 3, "the first and two renewals: {}", kept.fewest);
    assert_eq!(kept.orders.len(), 10, "{:?}", kept.orders);
    assert!(
        kept.most() <= kept.allowed,
        "{} of {}: {:?}",
        kept.most(),
        kept.allowed,
        kept.orders
    );
    assert_eq!(kept.refused, 0);
}
