//! Watches.

use proptest::prelude::*;

use super::*;

const STREAM: &str = r#"{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"n","resourceVersion":"1"}}}
{"type":"MODIFIED","object":{"metadata":{"name":"a}","namespace":"n","resourceVersion":"2"}}}
{"object":{"metadata":{"name":"a","namespace":"n","resourceVersion":"3"}},"type":"DELETED"}
{"type":"BOOKMARK","object":{"kind":"Secret","metadata":{"resourceVersion":"4"}}}
{"type":"ADDED","object":{"metadata":{"name":"odd","namespace":"n","resourceVersion":"5"},"data":["hunter2"]}}
{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}}
"#;

const EVENTS: [&str; 6] = [
    "set n/a 1",
    "set n/a} 2",
    "gone n/a 3",
    "bookmark 4",
    "unreadable n/odd 5",
    "error 410 Expired",
];

fn told(event: &Event) -> String {
    assert!(!format!("{event:?}").contains("hunter2"));
    match event {
        Event::Set(object, version) => format!("set {} {version}", object.meta().key()),
        Event::Gone(key, version) => format!("gone {key} {version}"),
        Event::Bookmark(version) => format!("bookmark {version}"),
        Event::Error(status) => format!("error {} {}", status.code, status.reason),
        Event::Unreadable(skipped, version) => {
            format!("unreadable {} {version}", skipped.key.as_ref().expect("a key"))
        }
    }
}

fn watch<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<String>, DecodeError> {
    let (mut decoder, mut seen) = (EventDecoder::new(Kind::Secret, &DataKeys::default()), Vec::new());
    for frame in frames {
        decoder.push(frame, &mut |event| seen.push(told(&event)))?;
    }
    Ok(seen)
}

#[test]
fn each_line_is_an_event() {
    assert_eq!(watch([STREAM.as_bytes()]), Ok(EVENTS.map(str::to_owned).to_vec()));
    let half = STREAM.trim_end().trim_end_matches('}');
    assert_eq!(watch([half.as_bytes()]).map(|seen| seen.len()), Ok(5));
}

#[test]
fn what_is_no_event_ends_the_watch() {
    for stream in [
        "x",
        "[]",
        r#"{"type":"ADDED"}"#,
        r#"{"type":"NEW","object":{}}"#,
        r#"{"type":"DELETED","object":{}}"#,
    ] {
        assert!(watch([stream.as_bytes()]).is_err(), "{stream}");
    }
    let mut decoder = EventDecoder::new(Kind::Secret, &DataKeys::default());
    assert!(decoder.push(b"x", &mut |_| ()).is_err());
    assert!(decoder.push(STREAM.as_bytes(), &mut |_| ()).is_err());
}

proptest! {
    #[test]
    fn frames_may_end_anywhere(places in prop::collection::vec(any::<usize>(), 0..12)) {
        prop_assert_eq!(watch(cut(STREAM.as_bytes(), &places)), Ok(EVENTS.map(str::to_owned).to_vec()));
    }

    #[test]
    fn any_bytes_are_events_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut decoder = EventDecoder::new(Kind::Secret, &DataKeys::default());
        let _ = decoder.push(&[b"{", &bytes[..]].concat(), &mut |_| ());
    }
}
