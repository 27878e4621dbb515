use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Asked, Marks, Moved, OrderState, Purpose, RecordKind, Served, dns::ownership, testing::*},
    text::time::{DAY, HOUR},
};

fn missing() -> Looked {
    let to_set = |purpose, kind, name: &str, value: &str| ToSet {
        purpose,
        kind,
        name: name.into(),
        value: value.into(),
    };
    Looked {
        traffic: false,
        seen: "www.example.com leads to 203.0.113.9".into(),
        missing: vec![
            to_set(
                Purpose::Traffic,
                RecordKind::Cname,
                "www.example.com",
                "edge.platform.example",
            ),
            to_set(
                Purpose::Challenge,
                RecordKind::Cname,
                "_acme-challenge.www.example.com",
                "www.example.com.proofs.platform.example",
            ),
        ],
        ..led_here()
    }
}

fn yes() -> Record {
    Record {
        asked: Some(Asked {
            at: NOW,
            said: Said::Yes,
            renewal: false,
        }),
        dns: Some(led_here()),
        ..record()
    }
}

fn said(said: Said) -> Record {
    Record {
        asked: Some(Asked {
            at: NOW,
            said,
            renewal: false,
        }),
        due: NOW + 60,
        ..record()
    }
}

fn with_order(order: OrderState, of: Record) -> Record {
    Record {
        order: Some(order),
        ..of
    }
}

#[test]
#[allow(clippy::too_many_lines)] // It is a table.
fn each_state_is_told_with_its_reason_and_what_the_customer_does_next() {
    let failed = || OrderState::Failed {
        at: NOW + 5,
        reason: "the CA cannot reach the name: connection refused".into(),
        next: "open port 80 for the CA".into(),
        until: NOW + HOUR,
    };
    let limited = || OrderState::Limited {
        reason: "300 orders of the account in 3h".into(),
        until: NOW + HOUR,
    };
    let valid = "The certificate is valid until 2027-04-15T08:00:00Z";
    let month = || served(90 * DAY);
    for (record, state_of, reason, next, until) in [
        (
            record(),
            State::Asked,
            "The host is registered, and the application is asked whether it is a customer's.".to_owned(),
            "Nothing has to be done.",
            None,
        ),
        (
            said(Said::NotNow("it answered 500".into())),
            State::Asked,
            "The application did not say whether the host is a customer's: it answered 500.".to_owned(),
            "Nothing has to be done: it is asked again.",
            Some(60),
        ),
        (
            said(Said::No),
            State::Refused,
            "The application said at 2027-01-15T08:00:00Z that the host is nobody's.".to_owned(),
            "Add the host in the application: it is asked again.",
            Some(60),
        ),
        (
            Record {
                dns: Some(missing()),
                due: NOW + 15,
                ..yes()
            },
            State::Dns,
            "The name does not lead here: www.example.com leads to 203.0.113.9 (seen at ns1.example.com (192.0.2.53)).".to_owned(),
            "Set `www.example.com. CNAME edge.platform.example.`. For a certificate before traffic moves, set \
             `_acme-challenge.www.example.com. CNAME www.example.com.proofs.platform.example.`.",
            Some(15),
        ),
        (
            yes(),
            State::Validating,
            "The records are there, and the certificate is ordered next.".to_owned(),
            "Nothing has to be done.",
            None,
        ),
        (
            with_order(OrderState::Validating { since: NOW }, yes()),
            State::Validating,
            "The CA has been looking at the proof since 2027-01-15T08:00:00Z.".to_owned(),
            "Nothing has to be done.",
            None,
        ),
        (
            with_order(failed(), yes()),
            State::Validating,
            "The certificate could not be made at 2027-01-15T08:00:05Z: the CA cannot reach the name: connection refused.".to_owned(),
            "Open port 80 for the CA. It is tried again at 2027-01-15T09:00:00Z.",
            Some(HOUR),
        ),
        (
            with_order(OrderState::Issuing { since: NOW }, yes()),
            State::Issuing,
            "The name is proved, and the certificate has been in the making since 2027-01-15T08:00:00Z.".to_owned(),
            "Nothing has to be done.",
            None,
        ),
        (month(), State::Active, format!("{valid}."), "Nothing has to be done.", None),
        (
            with_order(failed(), month()),
            State::Renewing,
            format!(
                "{valid}. The attempt to renew it failed at 2027-01-15T08:00:05Z: the CA cannot reach the name: connection refused."
            ),
            "Open port 80 for the CA. It is tried again at 2027-01-15T09:00:00Z.",
            Some(HOUR),
        ),
        (
            with_order(OrderState::Validating { since: NOW }, month()),
            State::Renewing,
            format!("{valid}, and the next one is being made."),
            "Nothing has to be done.",
            None,
        ),
        (
            with_order(limited(), yes()),
            State::Limited,
            "A limit of the CA leaves nothing: 300 orders of the account in 3h.".to_owned(),
            "Nothing has to be done: it is ordered when there is room.",
            Some(HOUR),
        ),
        (
            with_order(
                OrderState::Blocked {
                    reason: "the names policy does not permit it".into(),
                },
                yes(),
            ),
            State::Blocked,
            "A rule of the platform keeps the certificate from being ordered: the names policy does not permit it.".to_owned(),
            "Ask the platform: nothing happens before it has changed the rule.",
            None,
        ),
        (
            Record {
                paused: Some("unpaid".into()),
                ..month()
            },
            State::Paused,
            "The host is paused: unpaid.".to_owned(),
            "Have it resumed by the platform.",
            None,
        ),
        (
            Record {
                released: Some(NOW),
                ..month()
            },
            State::Released,
            "The host was released at 2027-01-15T08:00:00Z: nothing is ordered for it any more.".to_owned(),
            "Register it again if it is to be served.",
            None,
        ),
    ] {
        let told = state(&record, NOW);
        assert_eq!(told.state, state_of, "{record:?}");
        assert_eq!((told.reason, told.next.as_str()), (reason, next));
        assert_eq!(told.until, until.map(|later: Seconds| NOW + later), "{state_of}");
    }
}

#[test]
fn a_certificate_and_what_is_served_are_two_lights() {
    let mut record = yes();
    let lights = |record: &Record, now| {
        let told = state(record, now);
        (told.state, told.certificate, told.served)
    };
    assert_eq!(lights(&record, NOW), (State::Validating, false, None));
    // The certificate comes before traffic moves.
    record.dns = Some(Looked {
        challenge: true,
        ..missing()
    });
    record.pair = Some(pair(NOW, 90 * DAY));
    assert_eq!(lights(&record, NOW), (State::Active, true, None));
    assert!(
        state(&record, NOW)
            .next
            .starts_with("Set `www.example.com. CNAME edge.platform.example.`.")
    );
    record.dns = Some(led_here());
    record.served = Some(Served {
        at: NOW,
        present: false,
        seen: "the server shows its default certificate".into(),
    });
    assert_eq!(lights(&record, NOW), (State::Active, true, Some(false)));
    assert_eq!(
        state(&record, NOW).reason,
        "The certificate is valid until 2027-04-15T08:00:00Z, and is not served yet: the server shows its default certificate."
    );
    record.served = Some(Served {
        at: NOW,
        present: true,
        seen: String::new(),
    });
    assert_eq!(lights(&record, NOW), (State::Active, true, Some(true)));
    // It ends.
    let told = state(&record, NOW + 91 * DAY);
    assert_eq!((told.state, told.certificate), (State::Validating, false));
    assert!(
        told.reason
            .starts_with("The certificate ended at 2027-04-15T08:00:00Z. "),
        "{told:?}"
    );
}

#[test]
fn a_marked_host_is_active_and_says_when_it_would_be_released() {
    let mut record = served(90 * DAY);
    record.marks = Some(Marks {
        first: NOW - 2 * DAY,
        answers: 2,
    });
    let told = state(&record, NOW);
    assert_eq!((told.state, told.until), (State::Active, Some(NOW + 5 * DAY)));
    assert!(
        told.reason
            .ends_with("The application has said 2 times since 2027-01-13T08:00:00Z that the host is nobody's."),
        "{told:?}"
    );
    assert!(is_permitted(&record));
}

#[test]
fn another_tenant_is_told_when_and_how_it_may_have_the_host_and_nothing_of_its_owner() {
    let mut record = served(90 * DAY);
    record.moved = Some(Moved { to: blog(), at: NOW });
    let proof = ownership(&record.host, &blog(), "7f3a");
    let told = state_for(&record, &blog(), &proof, NOW);
    assert_eq!((told.state, told.until, told.certificate), (State::Moved, None, false));
    assert!(
        told.next.contains(&proof.to_string()) && !told.reason.contains("shop"),
        "{told:?}"
    );
    record.release(NOW + DAY);
    let told = state_for(&record, &blog(), &proof, NOW + DAY);
    assert_eq!((told.state, told.until), (State::Moved, Some(NOW + 8 * DAY)));
    assert!(told.next.ends_with("or wait until 2027-01-23T08:00:00Z."), "{told:?}");
    // The owner sees its own state.
    assert_eq!(
        state_for(&record, &shop(), &proof, NOW + DAY),
        state(&record, NOW + DAY)
    );
}

#[test]
fn only_what_the_application_wants_and_dns_allows_is_permitted() {
    assert!(is_permitted(&yes()));
    for (why, record) in [
        ("nobody was asked", record()),
        ("the application says no", said(Said::No)),
        (
            "it says nothing, and nothing is served",
            said(Said::NotNow("500".into())),
        ),
        ("nobody has looked", Record { dns: None, ..yes() }),
        (
            "a record is missing",
            Record {
                dns: Some(missing()),
                ..yes()
            },
        ),
        (
            "it is paused",
            Record {
                paused: Some("unpaid".into()),
                ..yes()
            },
        ),
        (
            "it has left",
            Record {
                released: Some(NOW),
                ..served(DAY)
            },
        ),
        (
            "nobody has proved it",
            Record {
                dns: Some(Looked {
                    ownership: Some(false),
                    ..led_here()
                }),
                ..yes()
            },
        ),
    ] {
        assert!(!is_permitted(&record), "{why}");
    }
    for said in [Said::No, Said::NotNow("500".into())] {
        let mut record = served(90 * DAY);
        record.answered(said, true, NOW);
        assert!(is_permitted(&record), "what is served goes on");
    }
}

#[test]
fn the_words_are_those_that_are_told() {
    let words: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(
        words.join(" "),
        "asked refused dns validating issuing active renewing moved paused limited blocked released"
    );
    for state in State::ALL {
        assert_eq!(State::named(state.as_str()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    assert_eq!(State::named("pending"), None);
}

#[test]
fn a_record_is_kept_as_json_that_older_and_newer_programs_read_without_a_key() {
    let mut record = served(90 * DAY);
    record.order = Some(OrderState::Failed {
        at: NOW,
        reason: "refused".into(),
        next: String::new(),
        until: NOW + 60,
    });
    record.marks = Some(Marks { first: NOW, answers: 1 });
    record.dns = Some(missing());
    let material = crate::domain::Material {
        chain: "CHAIN".into(),
        key: "hunter2".into(),
    };
    record.pair.as_mut().unwrap().material = Some(std::sync::Arc::new(material));
    let json = serde_json::to_value(&record).unwrap();
    let text = format!("{json} {record:?}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        json["asked"],
        serde_json::json!({"at": NOW, "answer": "yes", "renewal": false})
    );
    assert_eq!(json["order"]["state"], "failed");
    assert_eq!(json["dns"]["missing"][0]["type"], "CNAME");
    assert_eq!(json["pair"]["secret"], "shop/domain-www.example.com");
    let mut newer = json.clone();
    newer["later"] = serde_json::json!({"field": 1});
    newer["pair"]["later"] = serde_json::json!(1);
    let read: Record = serde_json::from_value(newer).unwrap();
    record.pair.as_mut().unwrap().material = None;
    assert_eq!(read, record);
    let least = serde_json::json!({"host": "www.example.com", "tenant": "shop", "since": NOW, "due": NOW});
    assert_eq!(
        serde_json::from_value::<Record>(least).unwrap(),
        super::super::testing::record()
    );
    for (field, wrong) in [("host", "a@b"), ("tenant", "Shop")] {
        let mut json = json.clone();
        json[field] = wrong.into();
        assert!(serde_json::from_value::<Record>(json).is_err(), "{wrong}");
    }
}

fn records() -> impl Strategy<Value = Record> {
    let order = prop_oneof![
        Just(None),
        Just(Some(OrderState::Validating { since: NOW })),
        Just(Some(OrderState::Issuing { since: NOW })),
        (any::<i64>(), ".{0,20}", "([a-z][a-z ]{0,20})?").prop_map(|(until, reason, next)| Some(OrderState::Failed {
            at: NOW,
            reason,
            next,
            until
        })),
        any::<i64>().prop_map(|until| Some(OrderState::Limited {
            reason: String::new(),
            until
        })),
        ".{0,20}".prop_map(|reason| Some(OrderState::Blocked { reason })),
    ];
    let said = prop_oneof![
        Just(None),
        Just(Some(Said::Yes)),
        Just(Some(Said::No)),
        ".{0,20}".prop_map(|why| Some(Said::NotNow(why))),
    ];
    let dns = prop_oneof![Just(None), Just(Some(led_here())), Just(Some(missing()))];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (
        order,
        said,
        dns,
        flags,
        prop::option::of((any::<i64>(), 0_i64..1 << 40)),
    )
        .prop_map(|(order, said, dns, (released, paused, marked, renewal), life)| Record {
            order,
            asked: said.map(|said| Asked { at: NOW, said, renewal }),
            dns,
            released: released.then_some(NOW),
            paused: paused.then(String::new),
            marks: marked.then_some(Marks { first: NOW, answers: 3 }),
            pair: life.map(|(from, life)| pair(from / 4, life)),
            ..record()
        })
}

proptest! {
    #[test]
    fn whatever_a_record_says_it_has_one_state_with_whole_sentences(record in records(), now in any::<i64>()) {
        let told = state(&record, now / 4);
        for text in [&told.reason, &told.next] {
            prop_assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text}");
        }
        prop_assert!(told.until.is_none_or(|until| until > now / 4));
        let waits = [State::Asked, State::Refused, State::Dns, State::Paused, State::Released];
        if is_permitted(&record) {
            prop_assert!(!waits.contains(&told.state), "{told:?}");
        }
        let next = crate::domain::next_question(&record);
        prop_assert_eq!(next.is_none(), record.released.is_some() || record.paused.is_some());
    }

    #[test]
    fn a_record_comes_back_from_a_store_as_it_was_put(record in records()) {
        let json = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }
}

#[test]
fn a_host_is_proved_by_what_is_there() {
    let proof = |traffic: bool, challenge: bool, standing: bool| {
        let looked = Looked {
            traffic,
            challenge,
            standing,
            ..led_here()
        };
        looked.proof()
    };
    for (traffic, challenge, standing, expected) in [
        (false, false, false, None),
        (true, false, false, Some(Method::Http01)),
        (true, true, false, Some(Method::Http01)),
        (false, true, false, Some(Method::Dns01)),
        (false, true, true, Some(Method::DnsPersist01)),
        (true, true, true, Some(Method::DnsPersist01)),
    ] {
        assert_eq!(
            proof(traffic, challenge, standing),
            expected,
            "{traffic} {challenge} {standing}"
        );
    }
}
