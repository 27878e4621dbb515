//! Complete answers: written by a small encoder, split anywhere, truncated, corrupted.

mod both;
mod encode;
mod events;
mod json_lists;
mod lists;
mod views;

use secrecy::ExposeSecret;

use super::*;

/// Everything in a view, including the key of a Secret.
fn picture(object: &Object) -> String {
    match object {
        Object::Secret(secret) => {
            let key = secret.key.as_ref().map(|key| key.expose_secret().to_vec());
            format!("{object:?} {key:?}")
        }
        _ => format!("{object:?}"),
    }
}

/// Decodes one object; for a Secret, with the known data keys.
fn object(format: Format, kind: Kind, body: &[u8]) -> Result<Object, DecodeError> {
    super::object(format, kind, &Bytes::copy_from_slice(body), &DataKeys::default())
}

/// Decodes a list that arrives in these frames.
fn decode<'a>(
    format: Format,
    kind: Kind,
    frames: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<String>, ListEnd), DecodeError> {
    let mut decoder = ListDecoder::new(format, kind, &DataKeys::default());
    let mut seen = Vec::new();
    for frame in frames {
        decoder.push(&Bytes::copy_from_slice(frame), &mut |object| {
            seen.push(picture(&object));
        })?;
    }
    Ok((seen, decoder.finish()?))
}

/// Splits a body at these positions.
fn cut<'a>(body: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (body.len() + 1)).collect();
    places.sort_unstable();
    let (mut frames, mut from) = (Vec::new(), 0);
    for place in places.into_iter().chain([body.len()]) {
        frames.push(&body[from..place]);
        from = place;
    }
    frames
}

#[test]
fn a_format_is_known_by_its_media_type() {
    for (content_type, expected) in [
        ("application/json", Some(Format::Json)),
        ("Application/JSON; charset=utf-8", Some(Format::Json)),
        ("application/json;stream=watch", Some(Format::Json)),
        ("application/vnd.kubernetes.protobuf", Some(Format::Protobuf)),
        ("application/vnd.kubernetes.protobuf;stream=watch", None),
        ("application/yaml", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(Format::of(content_type), expected, "{content_type}");
    }
}
