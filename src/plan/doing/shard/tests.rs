use proptest::prelude::*;

use super::*;

fn doing(name: &str, state: DoingState, message: &str) -> Doing {
    Doing {
        state,
        message: message.into(),
        ..Doing::of(Key::new("shop", name))
    }
}

fn value(data: &BTreeMap<String, String>) -> Value {
    serde_json::to_value(data).unwrap()
}

fn installation() -> Installation {
    Installation {
        id: "abc".into(),
        issuer: "letsencrypt".into(),
        orders: Orders::Paused {
            since: 7,
            reason: "a move".into(),
        },
        ca_down_since: Some(9),
        follows: Some(vec!["shop".into()]),
        wildcards: vec![["a=b".into(), "*.{namespace}.example".into(), "wildcard-tls".into()]],
        rehearsals: vec![
            Rehearsal {
                issuer: "second".into(),
                at: 10,
                failed: None,
            },
            Rehearsal {
                issuer: "third".into(),
                at: 11,
                failed: Some("refused".into()),
            },
        ],
        ..Installation::default()
    }
}

#[test]
fn what_is_written_is_read_back_and_the_controller_is_in_the_first_alone() {
    let full = Doing {
        reason: "renewal".into(),
        since: Some(1),
        until: Some(2),
        failures: 3,
        after: Some(AfterStoring {
            at: 4,
            message: "not served".into(),
            is_unrestarted: true,
        }),
        without: Some("new.example".into()),
        asked: Some(5),
        names: Some("beef".into()),
        issued: vec![6, 7],
        elsewhere: Some(("second".into(), "first does not answer".into())),
        bound: Some("second: there is no account".into()),
        ..doing("a", DoingState::BackOff, "refused")
    };
    let all = vec![full, doing("b", DoingState::Held, "Helm writes it")];
    let by = installation();
    let shard = decode(&value(&encode(&by, 0, &all))).unwrap();
    assert_eq!((shard.doings, shard.left_out), (all.clone(), 0));
    assert_eq!(shard.about, Some(by.clone()));
    let other = encode(&by, 1, &all);
    assert_eq!(decode(&value(&other)).unwrap().about, None);
    // The order in which they come does not matter.
    let turned: Vec<Doing> = all.into_iter().rev().collect();
    assert_eq!(encode(&by, 1, &turned), other);
}

#[test]
fn one_that_is_spoilt_or_another_ones_is_an_error_as_a_whole() {
    let good = value(&encode(&installation(), 0, &[doing("a", DoingState::Ready, "")]));
    let spoilt = |key: &str, text: &str| {
        let mut data = good.clone();
        data[key] = text.into();
        decode(&data)
    };
    assert!(decode(&good).is_ok());
    assert!(matches!(spoilt("version", "2"), Err(ShardError::Version(_))));
    assert_eq!(spoilt("controller", "{"), Err(ShardError::About));
    for line in [
        "nonsense",
        "{}",
        r#"{"secret":"shop","state":"Ready"}"#,
        r#"{"secret":"shop/a","state":"Done"}"#,
    ] {
        assert_eq!(spoilt("certificates", line), Err(ShardError::Line(1)), "{line}");
    }
    assert!(decode(&Value::Null).is_err());
}

#[test]
fn text_of_another_is_cleared_and_cut() {
    let hostile = format!("\x1b[31m{}", "x".repeat(5_000));
    let mut data = value(&encode(&installation(), 0, &[doing("a", DoingState::Held, "m")]));
    data["certificates"] = serde_json::json!({"secret": "shop/a", "state": "Held", "message": hostile})
        .to_string()
        .into();
    let read = decode(&data).unwrap();
    let message = &read.doings[0].message;
    assert!(
        message.starts_with("\\x1b[31mx") && message.chars().count() <= MESSAGE + 1,
        "{message}"
    );
}

#[test]
fn what_has_no_room_is_cut_then_left_out_and_counted_and_what_only_waits_its_turn_goes_first() {
    let long = "y".repeat(1_000);
    let mut all: Vec<Doing> = (0..4_000)
        .map(|n| doing(&format!("ready-{n:04}"), DoingState::Ready, &long))
        .collect();
    all.push(doing("z-failing", DoingState::BackOff, &long));
    let (text, left_out) = lines(&all, 200_000);
    assert!(text.len() <= 200_000);
    let shown = text.lines().count();
    assert_eq!(shown + left_out, all.len());
    assert!(shown > 800 && left_out > 0, "{shown}");
    assert!(text.contains("z-failing") && !text.contains(&"y".repeat(SHORT + 1)));
    let data = encode(&installation(), 1, &all[..2_000]);
    assert!(data.values().map(String::len).sum::<usize>() < 1 << 20);
    // All of a ConfigMap's content is at most so long.
    const { assert!(LARGEST + (64 << 10) < 1 << 20) };
}

proptest! {
    #[test]
    fn nothing_from_outside_causes_a_panic(version in "1|2|", lines in ".*", about in ".*", left in ".*") {
        let data = serde_json::json!({
            "version": version, "certificates": lines, "controller": about, "leftOut": left,
        });
        let _ = decode(&data);
    }

    #[test]
    fn each_secret_has_its_place(name in "[a-z]{1,40}") {
        let key = Key::new("shop", name);
        prop_assert!(of_secret(&key) < SHARDS);
        prop_assert_eq!(of_secret(&key), of_secret(&key));
    }
}
