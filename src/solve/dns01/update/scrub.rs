//! Removes credentials from messages of others: some providers require them in the URL, and URLs are part of errors.

use secrecy::{ExposeSecret, SecretString};

use crate::text::encoded;

/// Replaces a credential.
const HIDDEN: &str = "***";
/// The shortest credential that is removed. Shorter ones would remove ordinary words.
const SHORTEST: usize = 4;

/// The text without the queries of URLs and without the secrets, as they are or percent-encoded.
pub(super) fn scrub(text: &str, secrets: &[SecretString]) -> String {
    let mut text = without_queries(text);
    for secret in secrets {
        // Each line of a document.
        for part in secret
            .expose_secret()
            .lines()
            .map(str::trim)
            .filter(|part| part.len() >= SHORTEST)
        {
            text = text.replace(part, HIDDEN);
            let encoded = encoded(part);
            if encoded != part {
                text = text.replace(encoded.as_ref(), HIDDEN);
            }
        }
    }
    text
}

fn without_queries(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_url = false;
    let mut in_query = false;
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("http://") || rest.starts_with("https://") {
            in_url = true;
        }
        if in_url && (c.is_whitespace() || matches!(c, ')' | '"' | '\'' | '>' | '<')) {
            in_url = false;
            in_query = false;
        }
        if in_url && c == '?' && !in_query {
            in_query = true;
            out.push_str("?...");
        }
        if !in_query {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_secret_nor_a_query_is_left() {
        let secrets = [
            SecretString::from("s3cr/et+"),
            SecretString::from("-----BEGIN\nMIIEvq\n"),
        ];
        for (text, left) in [
            (
                "Failed to send request to https://a.test/update?token=abc&txt=v: error sending (https://a.test/?x=1)",
                "Failed to send request to https://a.test/update?... error sending (https://a.test/?...)",
            ),
            ("HTTP 403: token s3cr/et+ is bad", "HTTP 403: token *** is bad"),
            ("path /s3cr%2Fet%2B/x", "path /***/x"),
            ("bad key MIIEvq", "bad key ***"),
            ("why? because", "why? because"),
        ] {
            assert_eq!(scrub(text, &secrets), left);
        }
    }
}
