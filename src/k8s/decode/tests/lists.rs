//! Lists in protobuf.

use proptest::prelude::*;

use super::{
    encode::{Message, envelope, list, meta, new, secret},
    *,
};

fn secrets(count: usize) -> Vec<Message> {
    (0..count)
        .map(|i| secret("shop", &format!("tls-{i}"), "kubernetes.io/tls", &vec![b'a'; i * 37]))
        .collect()
}

fn whole(body: &[u8]) -> Result<(Vec<String>, ListEnd), DecodeError> {
    decode(Format::Protobuf, Kind::Secret, [body])
}

#[test]
fn a_list_is_its_items_and_its_end() {
    let (seen, end) = whole(&list("SecretList", "next", &secrets(3))).expect("a list");
    assert_eq!(seen.len(), 3);
    assert!(seen[2].contains("tls-2"));
    assert_eq!(end.resource_version, "900");
    assert_eq!(end.continue_token.as_deref(), Some("next"));
    assert_eq!(end.remaining, Some(12));
    let (seen, end) = whole(&list("SecretList", "", &[])).expect("an empty list");
    assert_eq!((seen.len(), end.continue_token), (0, None));
}

#[test]
fn a_list_that_ends_early_is_an_error_at_every_byte() {
    let body = list("SecretList", "", &secrets(2));
    // Two empty strings of two bytes each follow the message of the list. Without them nothing is missing.
    for length in 0..body.len() {
        let frames = [&body[..length]];
        let result = decode(Format::Protobuf, Kind::Secret, frames);
        let complete = [body.len() - 4, body.len() - 2].contains(&length);
        let expected = if complete { Ok(2) } else { Err(DecodeError::Ended) };
        assert_eq!(
            result.map(|(seen, _)| seen.len()),
            expected,
            "{length} of {}",
            body.len()
        );
    }
}

#[test]
fn unknown_fields_and_another_order_are_tolerated() {
    let item = secret("a", "b", "", b"");
    let raw = new()
        .fixed(7)
        .message(2, &item)
        .number(9, u64::MAX)
        .bytes(5, vec![0; 300])
        .bytes(6, "")
        .message(1, &new().bytes(2, "5"))
        .message(2, &item);
    let unknown = new()
        .number(14, 3)
        .bytes(15, "later")
        .message(2, &raw)
        .fixed(16)
        .message(1, &new().bytes(1, "v1").bytes(2, "SecretList"))
        .bytes(20, "later");
    let body = [b"k8s\0", &unknown.0[..]].concat();
    let frames: Vec<&[u8]> = body.chunks(1).collect();
    let (seen, end) = decode(Format::Protobuf, Kind::Secret, frames).expect("a list");
    assert_eq!((seen.len(), end.resource_version.as_str()), (2, "5"));
}

#[test]
fn an_item_that_cannot_be_decoded_is_named_and_left_out() {
    let broken = new().message(1, &meta("shop", "odd")).bytes(2, b"\x0a\x7f");
    let nameless = new().message(1, &new().bytes(3, "shop"));
    let mut items = secrets(2);
    items.insert(1, broken);
    items.insert(0, nameless);
    items.push(Message(b"\xff\xff".to_vec()));
    let (seen, end) = whole(&list("SecretList", "", &items)).expect("a list");
    assert_eq!(seen.len(), 2);
    let skipped: Vec<_> = end.skipped.into_iter().map(|s| (s.key, s.error.to_string())).collect();
    let words = |text: &str| text.to_owned();
    assert_eq!(
        skipped,
        [
            (None, words("the object has no name")),
            (
                Some(Key::new("shop", "odd")),
                words("malformed protobuf: Entry.key: Secret.data: buffer underflow")
            ),
            (None, words("malformed protobuf: invalid varint")),
        ]
    );
}

#[test]
fn many_broken_items_are_counted() {
    let (seen, end) = whole(&list("SecretList", "", &vec![new(); 1500])).expect("a list");
    assert_eq!((seen.len(), end.skipped.len(), end.skipped_more), (0, 1000, 500));
}

#[test]
fn what_is_no_list_of_the_kind_is_an_error() {
    let kind = |body: &[u8], kind| decode(Format::Protobuf, kind, [body]).map(|(seen, _)| seen.len());
    let good = list("SecretList", "", &secrets(1));
    assert!(matches!(kind(&good, Kind::Pod), Err(DecodeError::Kind { .. })));
    assert_eq!(
        kind(&good, Kind::Gateway),
        Err(DecodeError::NoProtobufOf(Kind::Gateway))
    );
    assert_eq!(kind(b"{\"kind\":", Kind::Secret), Err(DecodeError::NotProtobuf));
    let huge = [b"k8s\0".as_slice(), b"\x12\x80\x80\x80\x80\x01\x12\x80\x80\x80\x08"].concat();
    assert_eq!(kind(&huge, Kind::Secret), Err(DecodeError::TooLarge));
    let beyond = [b"k8s\0".as_slice(), b"\x12\x03\x12\x05aaaaa"].concat();
    assert_eq!(kind(&beyond, Kind::Secret), Err(Malformed::Length.into()));
    let group = [b"k8s\0".as_slice(), b"\x0b"].concat();
    assert_eq!(kind(&group, Kind::Secret), Err(Malformed::Group.into()));
    let twice = [&good[..], &new().bytes(2, "").0].concat();
    assert_eq!(kind(&twice, Kind::Secret), Err(Malformed::Twice.into()));
    let encoded = [&good[..], &new().bytes(3, "gzip").0].concat();
    assert_eq!(kind(&encoded, Kind::Secret), Err(DecodeError::Encoding("gzip".into())));
    let number = [b"k8s\0", &new().number(2, 1).0[..]].concat();
    assert_eq!(kind(&number, Kind::Secret), Err(Malformed::Type.into()));
}

#[test]
fn an_error_of_the_list_stays() {
    let mut decoder = ListDecoder::new(Format::Protobuf, Kind::Secret, &DataKeys::default());
    assert_eq!(
        decoder.push(&Bytes::from_static(b"<html>"), &mut |_| ()),
        Err(DecodeError::NotProtobuf)
    );
    assert_eq!(
        decoder.push(&Bytes::from_static(b"k8s\0"), &mut |_| ()),
        Err(DecodeError::NotProtobuf)
    );
    assert_eq!(decoder.finish().err(), Some(DecodeError::NotProtobuf));
}

#[test]
fn one_object_is_read_whole_or_not_at_all() {
    let body = envelope("Secret", &secret("a", "b", "", b"PEM"));
    assert!(object(Format::Protobuf, Kind::Secret, &body).is_ok());
    for length in 0..body.len() - 4 {
        assert!(
            object(Format::Protobuf, Kind::Secret, &body[..length]).is_err(),
            "{length}"
        );
    }
    assert!(matches!(
        object(Format::Protobuf, Kind::Pod, &body),
        Err(DecodeError::Kind { .. })
    ));
}

#[test]
fn a_status_is_read_in_either_format() {
    let details = new().bytes(1, "x").bytes(3, "secrets").number(5, 7).bytes(6, "");
    let message = new()
        .message(1, &new().bytes(2, ""))
        .bytes(2, "Failure")
        .bytes(3, "too many requests")
        .bytes(4, "TooManyRequests")
        .message(5, &details)
        .number(6, 429);
    let json = br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too many requests",
        "reason":"TooManyRequests","details":{"kind":"secrets","retryAfterSeconds":7},"code":429}"#;
    let expected = Status {
        code: 429,
        reason: "TooManyRequests".into(),
        message: "too many requests".into(),
        retry_after: Some(7),
    };
    assert_eq!(
        status(Format::Protobuf, &envelope("Status", &message)),
        Some(expected.clone())
    );
    assert_eq!(status(Format::Json, json), Some(expected));
    assert_eq!(status(Format::Protobuf, &envelope("Secret", &message)), None);
    assert_eq!(status(Format::Json, b"{\"kind\":\"Secret\"}"), None);
    assert_eq!(status(Format::Json, b"Unauthorized"), None);
    let refused = decode(Format::Protobuf, Kind::Secret, [&envelope("Status", &message)[..]]);
    assert!(matches!(refused, Err(DecodeError::Kind { .. })));
}

const KINDS: [Kind; 11] = [
    Kind::Secret,
    Kind::Ingress,
    Kind::IngressClass,
    Kind::Namespace,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::ServiceAccount,
];

proptest! {
    #[test]
    fn frames_may_end_anywhere(count in 0usize..5, places in prop::collection::vec(any::<usize>(), 0..12)) {
        let body = list("SecretList", "t", &secrets(count));
        let expected = whole(&body);
        prop_assert!(expected.is_ok());
        prop_assert_eq!(decode(Format::Protobuf, Kind::Secret, cut(&body, &places)), expected);
    }

    #[test]
    fn damage_never_panics_and_does_not_depend_on_the_frames(
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        places in prop::collection::vec(any::<usize>(), 0..6),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let mut body = list(&format!("{}List", kind.as_str()), "t", &secrets(2));
        for (place, byte) in damage {
            let place = place % body.len();
            body[place] = byte;
        }
        let expected = decode(Format::Protobuf, kind, [&body[..]]);
        prop_assert_eq!(decode(Format::Protobuf, kind, cut(&body, &places)), expected);
    }

    #[test]
    fn any_bytes_are_an_object_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in prop::sample::select(&KINDS[..])) {
        let _ = object(Format::Protobuf, kind, &bytes);
        let _ = object(Format::Protobuf, kind, &envelope("", &Message(bytes.clone())));
        let _ = decode(Format::Protobuf, kind, [&b"k8s\0"[..], &bytes[..]]);
        let _ = status(Format::Protobuf, &envelope("Status", &Message(bytes.clone())));
        let _ = view::decode(kind, bytes.into(), &DataKeys::default());
    }

    #[test]
    fn any_fields_are_an_object_or_an_error(
        fields in prop::collection::vec((1u32..40, prop::collection::vec(any::<u8>(), 0..20)), 0..12),
        path in prop::collection::vec(1u32..27, 0..6),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let inner = fields.iter().fold(new(), |message, (field, bytes)| message.bytes(*field, bytes));
        let _ = view::decode(kind, new().nested(&path, &inner).0.into(), &DataKeys::default());
    }
}
