//! URLs: encoding of their parts, and removal of credentials for messages.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All characters except RFC 3986's unreserved ones.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, except for the slashes of a path.
const NOT_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// One part of a URL, with everything except RFC 3986's unreserved characters percent-encoded.
pub fn encoded(part: &str) -> Cow<'_, str> {
    utf8_percent_encode(part, RESERVED).into()
}

/// A path, encoded except for its slashes, so that no first segment looks like a scheme.
pub fn encoded_path(path: &str) -> Cow<'_, str> {
    utf8_percent_encode(path, NOT_IN_PATH).into()
}

/// A part of a URL, decoded; `None` if the bytes are not UTF-8.
pub fn decoded(part: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(part).decode_utf8().ok()
}

/// The fields of a query (`a=1&b=%20x+y`), decoded, in their order; `None` if one is not UTF-8. A plus is a space, as forms
/// have it.
pub fn query_fields(query: &str) -> Option<Vec<(String, String)>> {
    let text = |part: &str| decoded(&part.replace('+', " ")).map(Cow::into_owned);
    let fields = query.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Some((text(name)?, text(value)?))
        })
        .collect()
}

/// A URL without the user and the password that it may contain: `https://me:secret@host/x` becomes `https://host/x`.
/// Text without a scheme is assumed to begin with the host.
pub fn without_user(url: &str) -> Cow<'_, str> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[start..];
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{}{}", &url[..start], &rest[at + 1..])),
        None => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_does_not_allow_in_a_part_is_encoded() {
        assert_eq!(encoded("web-tls_1.~"), "web-tls_1.~");
        assert_eq!(encoded("../a b?ä%"), "..%2Fa%20b%3F%C3%A4%25");
        assert_eq!(encoded_path("a:b/c d#1.yaml"), "a%3Ab/c%20d%231.yaml");
    }

    #[test]
    fn the_fields_of_a_query_are_decoded_once() {
        let fields = |query| query_fields(query).map(|all| all.into_iter().map(|(a, b)| format!("{a}|{b}")).collect());
        let some = |all: &[&str]| Some(all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(fields("a=1&b=%20x+y&&c"), some(&["a|1", "b| x y", "c|"]));
        assert_eq!(fields("a=%252f=%3D"), some(&["a|%2f=="]));
        assert_eq!(fields(""), some(&[]));
        assert_eq!(fields("a=%ff"), None);
        assert_eq!(decoded("a%2fb"), Some("a/b".into()));
    }

    #[test]
    fn user_and_password_are_left_out_and_nothing_else() {
        for (url, shown) in [
            ("https://me:secret@host:6443/x?y=a@b", "https://host:6443/x?y=a@b"),
            ("https://me@host", "https://host"),
            ("https://me:p@ss@host/", "https://host/"),
            ("me:secret@host:6443", "host:6443"),
            ("https://host/a@b", "https://host/a@b"),
            ("https://host", "https://host"),
            ("socks5://u:p@[::1]:1080", "socks5://[::1]:1080"),
            ("", ""),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in ".*") {
            let _ = without_user(&text);
        }
    }
}
