use super::*;
use crate::inventory::fixtures::{digest, key};

const AT: Seconds = 1_000_000;

fn secret() -> Key {
    key("shop", "shop-tls")
}

fn aftermath(left: Left, is_seen: bool) -> Aftermath {
    let witness = Witness {
        host: "shop.example".to_owned(),
        address: ([192, 0, 2, 7], 443).into(),
    };
    Aftermath {
        stored_at: AT,
        new: digest("new"),
        old: Some(digest("old")),
        witnesses: is_seen.then_some(witness).into_iter().collect(),
        left,
        served_at: None,
    }
}

fn care(left: Left, is_seen: bool) -> Aftercare {
    let mut care = Aftercare::default();
    care.begin(&secret(), aftermath(left, is_seen), AT);
    care
}

fn sees(care: &mut Aftercare, sight: Sight, now: Seconds) -> News {
    let taken = care.due(now);
    assert!(
        matches!(taken.as_slice(), [(_, Due::Look { .. })]),
        "{taken:?} at {now}, next {:?}",
        care.next_wake()
    );
    assert_eq!(care.due(now), [], "it is under way");
    let complaint = Some("192.0.2.7:443 serves another".to_owned());
    care.looked(&secret(), digest("new"), Looked { complaint, sight }, now)
}

#[test]
fn silence_is_looked_at_ever_more_seldom_and_ends_by_itself_without_anything_else() {
    let mut care = care(Left::Serving, true);
    let mut now = AT;
    for pause in [10, 60, 600, 3_600, 3_600] {
        assert!(matches!(sees(&mut care, Sight::Nothing, now), News::Still(_)));
        assert_eq!(care.next_wake(), Some(now + pause));
        assert_eq!(care.due(now + pause - 1), []);
        now += pause;
    }
    assert_eq!(care.due(now).len(), 1);
    let served = Looked {
        complaint: None,
        sight: Sight::New,
    };
    assert_eq!(care.looked(&secret(), digest("new"), served, now), News::Served);
    assert_eq!(care.next_wake(), None);
}

#[test]
fn what_is_proved_is_undone_once_and_then_it_is_looked_at_the_former_pair_alone() {
    let mut care = care(Left::Serving, true);
    for at in [0, 15, 30] {
        sees(&mut care, Sight::Neither, AT + at);
    }
    let both = Both {
        refused: digest("new"),
        former: digest("old"),
    };
    assert_eq!(care.due(AT + 30), [(secret(), Due::Undo(both))]);
    // The cluster did not answer: it has to be proved again.
    care.not_undone(&secret(), true, AT + 31);
    let mut now = care.next_wake().unwrap();
    for _ in 0..3 {
        sees(&mut care, Sight::Neither, now);
        now += 15;
    }
    assert_eq!(care.due(now), [(secret(), Due::Undo(both))]);
    care.undone(&secret(), both, now);
    let next = care.next_wake().unwrap();
    let Some((_, Due::Look { new, old, witnesses })) = care.due(next).pop() else {
        panic!("a look");
    };
    assert_eq!((new, old, witnesses), (digest("old"), None, vec![]));
    // That one is never taken out, whatever is seen.
    for number in 0..5 {
        let looked = Looked {
            complaint: Some("another".to_owned()),
            sight: Sight::Neither,
        };
        care.looked(&secret(), digest("old"), looked, next + number * 15);
        let next = care.next_wake().unwrap();
        assert!(matches!(care.due(next).as_slice(), [(_, Due::Look { .. })]));
    }
}

#[test]
fn a_former_pair_that_may_not_come_back_is_never_tried_again() {
    let mut care = care(Left::Serving, true);
    for at in [0, 15, 30] {
        sees(&mut care, Sight::Neither, AT + at);
    }
    care.due(AT + 30);
    care.not_undone(&secret(), false, AT + 30);
    for _ in 0..6 {
        let now = care.next_wake().unwrap();
        assert!(matches!(sees(&mut care, Sight::Neither, now), News::Still(_)));
    }
}

#[test]
fn a_restart_is_tried_again_and_then_it_is_looked_whether_it_is_served() {
    let mut care = care(Left::Restart, true);
    assert_eq!(care.due(AT + 9), []);
    assert_eq!(care.due(AT + 10), [(secret(), Due::Restart(AT))]);
    let failed = Err("deployment/web does not come back".to_owned());
    assert!(matches!(care.restarted(&secret(), failed, AT + 20), News::Still(_)));
    assert_eq!(care.due(AT + 80), [(secret(), Due::Restart(AT))]);
    care.restarted(&secret(), Ok(()), AT + 90);
    assert!(matches!(sees(&mut care, Sight::New, AT + 90), News::Still(_)));
}

#[test]
fn another_certificate_or_a_route_that_is_gone_ends_it_and_a_picture_that_lags_does_not() {
    let mut care = care(Left::Serving, false);
    let holds = |name: &'static str| move |_: &Key| Some(Some(digest(name)));
    assert_eq!(care.drop_others(AT + 1, holds("old")), [], "the write is not seen yet");
    assert_eq!(care.drop_others(AT + 2, holds("new")), []);
    assert_eq!(care.drop_others(AT + 3, holds("newer")), [secret()]);
    assert!(!care.has(&secret()));
    let mut care = self::care(Left::Serving, false);
    assert_eq!(care.drop_others(AT + 1, |_| None), [secret()], "no route asks for it");
    let mut care = self::care(Left::Serving, false);
    assert_eq!(care.drop_others(AT + LAG, holds("old")), [secret()]);
}

#[test]
fn what_is_served_leaves_nothing_to_do() {
    let mut care = care(Left::Serving, true);
    care.begin(&secret(), aftermath(Left::Nothing, true), AT);
    assert_eq!(care.next_wake(), None);
}

#[test]
fn a_certificate_that_was_there_before_its_clients_is_looked_at_at_once_and_not_after_they_have_left() {
    let mut care = Aftercare::default();
    care.look_at(&secret(), digest("new"), AT);
    let taken = care.due(AT);
    assert!(
        matches!(taken.as_slice(), [(_, Due::Look { old: None, witnesses, .. })] if witnesses.is_empty()),
        "{taken:?}"
    );
    let not_yet = Looked {
        complaint: Some("192.0.2.7:443 serves another".to_owned()),
        sight: Sight::Nothing,
    };
    assert!(matches!(
        care.looked(&secret(), digest("new"), not_yet, AT),
        News::Still(_)
    ));
    assert_eq!(care.next_wake(), Some(AT + 10));
    care.leave(&secret());
    assert_eq!(care.next_wake(), None);
}
