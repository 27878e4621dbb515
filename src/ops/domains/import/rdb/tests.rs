use proptest::prelude::*;

use super::*;

/// A string as a server writes it that compresses nothing.
fn string(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    let mut out = match length {
        0..=63 => vec![u8::try_from(length).unwrap()],
        _ => [&[0x80][..], &length.to_be_bytes()].concat(),
    };
    out.extend(text);
    out
}

/// The same compressed, as far as that is done by runs of literals alone.
fn compressed(text: &[u8]) -> Vec<u8> {
    let body: Vec<u8> = text
        .chunks(32)
        .flat_map(|run| [&[u8::try_from(run.len() - 1).unwrap()][..], run].concat())
        .collect();
    let length = |of: usize| [&[0x80][..], &u32::try_from(of).unwrap().to_be_bytes()].concat();
    [vec![0xc3], length(body.len()), length(text.len()), body].concat()
}

/// A dump of these strings, the second of them compressed.
pub(in crate::ops::domains::import) fn dump(all: &[(&str, &str)]) -> Vec<u8> {
    let mut out = b"REDIS0010".to_vec();
    out.extend([&[opcode::AUX][..], &string(b"redis-ver"), &string(b"7.0.15")].concat());
    out.extend([
        opcode::DATABASE,
        0,
        opcode::SIZES,
        u8::try_from(all.len().min(63)).unwrap(),
        0,
    ]);
    for (n, (key, value)) in all.iter().enumerate() {
        out.push(0);
        out.extend(string(key.as_bytes()));
        out.extend(match n % 2 {
            0 => string(value.as_bytes()),
            _ => compressed(value.as_bytes()),
        });
    }
    out.push(opcode::END);
    out.extend([0; 8]);
    out
}

fn all(dump: &[u8]) -> Result<Vec<(String, String)>, RdbError> {
    let mut reader = Reader::open(dump)?;
    let mut found = Vec::new();
    while let Some((key, value)) = reader.next(|key| key.ends_with(b":latest"))? {
        let value = match value {
            Value::Text(text) => String::from_utf8_lossy(&text).into_owned(),
            other => format!("{other:?}"),
        };
        found.push((String::from_utf8_lossy(&key).into_owned(), value));
    }
    Ok(found)
}

#[test]
fn strings_are_read_and_every_other_type_is_passed_over() {
    let mut out = b"REDIS0012".to_vec();
    let mut put = |kind: u8, value: &[u8]| {
        out.push(kind);
        out.extend(string(format!("{kind}").as_bytes()));
        out.extend(value);
    };
    let (a, b) = (string(b"a"), compressed(b"bb"));
    put(0, &[0xc0, 7]);
    put(1, &[&[2][..], &a, &b].concat());
    put(3, &[&[2][..], &a, &[3], b"1.5", &b, &[254]].concat());
    put(4, &[&[1][..], &a, &b].concat());
    put(5, &[&[1][..], &a, &[0; 8]].concat());
    put(7, &[&[9, 2, 7, 3][..], &[0; 4], &[4], &[0; 8], &[5], &a, &[0]].concat());
    put(18, &[&[1, 2][..], &a].concat());
    put(24, &[&[0; 8][..], &[1, 0], &a, &b].concat());
    put(25, &[&[0; 8][..], &a].concat());
    let group = [&a[..], &[1, 2, 3, 1], &[0; 24], &[1, 1], &a, &[0; 16], &[1], &[0; 16]].concat();
    put(21, &[&[1][..], &a, &b, &[1, 2, 3, 4, 5, 6, 7, 8, 1], &group].concat());
    out.extend([
        opcode::EXPIRES_MS,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        opcode::FREQUENCY,
        1,
        opcode::IDLE,
        1,
    ]);
    out.push(0);
    out.extend([string(b"shop.example:latest"), string(b"here")].concat());
    out.push(opcode::END);
    let found = all(&out).unwrap();
    assert_eq!(found, [("shop.example:latest".to_owned(), "here".to_owned())]);
    // One of the keys has another type.
    let list = [&b"REDIS0012\x01"[..], &string(b"x:latest"), &[1], &a, &[255]].concat();
    assert_eq!(all(&list).unwrap(), [("x:latest".to_owned(), "Other".to_owned())]);
}

#[test]
fn what_reaches_back_is_written_out() {
    // "ab" and then ten bytes that begin two bytes before: the run overlaps itself.
    let bytes = [1, b'a', b'b', 7 << 5, 1, 1];
    assert_eq!(decompressed(&bytes, 12).unwrap().as_slice(), b"abababababab");
    assert!(decompressed(&bytes, 11).is_none(), "it becomes longer than it says");
    assert!(
        decompressed(&[1 << 5, 9], 3).is_none(),
        "it reaches back before the beginning"
    );
}

#[test]
fn what_is_no_dump_is_said_with_what_to_do() {
    let newer = [b"REDIS0099".to_vec(), vec![255]].concat();
    let unknown = [&b"REDIS0012\x63"[..], &string(b"x"), &[255]].concat();
    for (dump, words) in [
        (b"*2\r\n$6\r\nSELECT".to_vec(), "is no dump of Redis"),
        (b"{}".to_vec(), "is no dump of Redis"),
        (newer, "is of version 99"),
        (unknown, "something of type 99"),
    ] {
        let error = all(&dump).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    let whole = dump(&[("a:latest", "1"), ("b:latest", "22")]);
    let last = whole.len() - 9;
    for end in 9..=last {
        assert!(matches!(all(&whole[..end]), Err(RdbError::CutOff)), "{end}");
    }
}

#[test]
fn what_is_too_large_is_passed_over_and_the_next_is_found() {
    let large = "x".repeat(usize::try_from(LARGEST).unwrap() + 1);
    let found = all(&dump(&[
        ("a:latest", &large),
        ("b:latest", "y"),
        (&large, "z"),
        ("c:latest", "z"),
    ]))
    .unwrap();
    assert_eq!(found[0].1, format!("TooLarge({})", large.len()));
    assert_eq!(
        found[1..].iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["y", "z"]
    );
    // A length that is a lie takes no memory.
    let lie = [&b"REDIS0012\x00"[..], &string(b"a:latest"), &[0x81], &[0xff; 8]].concat();
    assert!(matches!(all(&lie), Err(RdbError::CutOff)));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_or_run_on(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = all(&bytes);
        let _ = all(&[b"REDIS0012".to_vec(), bytes.clone()].concat());
        let _ = decompressed(&bytes, 64);
    }

    #[test]
    fn what_was_written_is_read(values in proptest::collection::vec(proptest::collection::vec(32_u8..127, 1..200), 0..8)) {
        let values: Vec<String> = values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect();
        let keys: Vec<String> = (0..values.len()).map(|n| format!("h{n}.example:latest")).collect();
        let pairs: Vec<(&str, &str)> = keys.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        let found = all(&dump(&pairs)).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        prop_assert_eq!(found, pairs);
    }
}
