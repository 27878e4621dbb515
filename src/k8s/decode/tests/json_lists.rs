//! Lists in JSON.

use proptest::prelude::*;

use super::*;

const BEFORE: &str = r#"{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"900","continue":"next","remainingItemCount":12},"items":[
  {"metadata":{"name":"a","labels":{"brace":"}]{[","quote":"\"]}","end":"\\"}}}, {"metadata":{"name":"ä"}}] , "more":[1,{"x":"]"}],"flag":true}
"#;
const AFTER: &str = r#"{"apiVersion":"x/v1","items":[{"metadata":{"name":"a","labels":{"brace":"}]{[","quote":"\"]}","end":"\\"}}},{"metadata":{"name":"ä"}}],"kind":"NamespaceList","metadata":{"continue":"next","resourceVersion":"900","remainingItemCount":12}}"#;

fn whole(body: &str) -> Result<(Vec<String>, ListEnd), DecodeError> {
    decode(Format::Json, Kind::Namespace, [body.as_bytes()])
}

#[test]
fn metadata_may_come_before_or_after_the_items() {
    let before = whole(BEFORE).expect("before");
    assert_eq!(before.0.len(), 2);
    assert!(before.0[1].contains('ä'));
    assert_eq!(before.1.resource_version, "900");
    assert_eq!(before.1.continue_token.as_deref(), Some("next"));
    assert_eq!(before.1.remaining, Some(12));
    assert_eq!(whole(AFTER), Ok(before));
}

#[test]
fn an_empty_list_is_a_list() {
    for body in [
        r#"{"items":[],"metadata":{}}"#,
        r#"{"items":null,"metadata":{"continue":""}}"#,
        r#" { "items" : [ ] } "#,
    ] {
        assert_eq!(whole(body), Ok((Vec::new(), ListEnd::default())), "{body}");
    }
}

#[test]
fn what_is_no_list_is_an_error() {
    for body in [
        r#"{"items":{}}"#,
        r#"{"items":nope}"#,
        r#"{"items":"x"}"#,
        "{}",
        r#"{"metadata":{}}"#,
    ] {
        assert_eq!(whole(body), Err(DecodeError::NotAList), "{body}");
    }
    assert!(matches!(
        whole(r#"{"kind":"Status","items":[]}"#),
        Err(DecodeError::Kind { .. })
    ));
    for body in [
        "[]",
        "x",
        "{]",
        "{1",
        r#"{"items":[,]}"#,
        r#"{"items":[]]"#,
        r#"{"items" []}"#,
        r#"{"items":[]} x"#,
        r#"{"a":1,}"#,
        r#"{"metadata":[]}"#,
        "<html>",
    ] {
        assert!(
            matches!(whole(body), Err(DecodeError::Json(_))),
            "{body}: {:?}",
            whole(body)
        );
    }
}

#[test]
fn a_list_that_ends_early_is_an_error_at_every_byte() {
    for body in [BEFORE.trim_end(), AFTER] {
        for length in 0..body.len() {
            let result = decode(Format::Json, Kind::Namespace, [&body.as_bytes()[..length]]);
            assert_eq!(result, Err(DecodeError::Ended), "{length}");
        }
    }
}

#[test]
fn an_item_that_cannot_be_decoded_is_named_and_left_out() {
    let body = r#"{"items":[{"metadata":{"name":"odd","namespace":"shop"},"data":{"tls.key":["hunter2"]}},
        null,7,"x",[{}],{"metadata":{}},{"metadata":{"name":"good"}},{"data":"hunter2"}]}"#;
    let (seen, end) = decode(Format::Json, Kind::Secret, [body.as_bytes()]).expect("a list");
    assert_eq!(seen.len(), 1);
    assert_eq!(end.skipped.len(), 7);
    assert_eq!(end.skipped[0].key, Some(Key::new("shop", "odd")));
    for skipped in &end.skipped {
        let told = format!("{} {skipped:?}", skipped.error);
        assert!(!told.contains("hunter2"), "no value of a Secret in an error: {told}");
    }
}

#[test]
fn an_item_without_end_is_too_large() {
    let mut decoder = ListDecoder::new(Format::Json, Kind::Secret, &DataKeys::default());
    let mut sink = |_| ();
    let begin = Bytes::from_static(br#"{"items":[{"a":""#);
    assert_eq!(decoder.push(&begin, &mut sink), Ok(()));
    let frame = Bytes::from(vec![b'a'; 1 << 20]);
    let results: Vec<_> = (0..9).map(|_| decoder.push(&frame, &mut sink)).collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 7);
    assert_eq!(results[8], Err(DecodeError::TooLarge));
    let one = format!(r#"{{"items":["{}"]}}"#, "a".repeat(MAX_ITEM));
    assert_eq!(whole(&one), Err(DecodeError::TooLarge));
}

#[test]
fn one_object_knows_when_its_certificate_changed() {
    let body = br#"{"metadata":{"name":"a","namespace":"b","managedFields":[
        {"manager":"x","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:data":{"f:tls.crt":{}}}},
        {"manager":"y","time":"2026-01-02T00:00:00Z","fieldsV1":{"f:data":{".":{},"f:tls.crt":{}}}},
        {"manager":"z","time":"2026-01-03T00:00:00Z","fieldsV1":{"f:data":{"f:ca.crt":{}}}},
        {"manager":"z","time":"2026-01-04T00:00:00Z","fieldsV1":{"f:metadata":{}}}]}}"#;
    let Ok(Object::Secret(secret)) = object(Format::Json, Kind::Secret, body) else {
        panic!("a Secret")
    };
    assert_eq!(secret.data_changed, crate::text::parse_time("2026-01-02"));
}

proptest! {
    #[test]
    fn frames_may_end_anywhere(places in prop::collection::vec(any::<usize>(), 0..12)) {
        let expected = whole(BEFORE);
        prop_assert!(expected.is_ok());
        for body in [BEFORE, AFTER] {
            prop_assert_eq!(&decode(Format::Json, Kind::Namespace, cut(body.as_bytes(), &places)), &expected);
        }
    }

    #[test]
    fn damage_never_panics_and_does_not_depend_on_the_frames(
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut body = AFTER.as_bytes().to_vec();
        for (place, byte) in damage {
            let place = place % body.len();
            body[place] = byte;
        }
        let expected = decode(Format::Json, Kind::Namespace, [&body[..]]);
        prop_assert_eq!(decode(Format::Json, Kind::Namespace, cut(&body, &places)), expected);
    }

    #[test]
    fn any_text_is_a_list_or_an_error(text in r#"[{}\[\]",:a1 \\"]{0,60}"#, bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = whole(&text);
        let _ = whole(&format!("{{\"items\":[{text}"));
        let _ = decode(Format::Json, Kind::Secret, [&bytes[..]]);
        let _ = status(Format::Json, &bytes);
    }
}
