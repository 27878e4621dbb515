//! What a server says when it refuses (RFC 7807, RFC 8555 section 6.7).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::lenient::{elements, or_default};
use crate::{name::Name, text::Clear};

/// What the types of ACME's own errors begin with.
const URN: &str = "urn:ietf:params:acme:error:";

/// The longest quotation of what a server said, in characters.
const QUOTED: usize = 200;

/// A problem document, or the error of an order or a challenge. Nothing in it is cleared; its `Display` is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Problem {
    /// Its type, as the server gave it: usually `urn:ietf:params:acme:error:...`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// What happened, for people.
    #[serde(deserialize_with = "or_default")]
    pub detail: String,
    /// The HTTP status, where the document has one.
    #[serde(deserialize_with = "or_default")]
    pub status: Option<u16>,
    /// What is wrong with which identifier.
    #[serde(deserialize_with = "elements")]
    pub subproblems: Vec<Subproblem>,
    /// A page about this occurrence.
    #[serde(deserialize_with = "or_default")]
    pub instance: Option<String>,
}

/// A problem with one identifier (RFC 8555, section 6.7.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Subproblem {
    /// Its type.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// What happened, for people.
    #[serde(deserialize_with = "or_default")]
    pub detail: String,
    /// The identifier.
    #[serde(deserialize_with = "or_default")]
    pub identifier: Option<Identifier>,
}

/// An identifier on the wire (RFC 8555, section 9.7.7; RFC 8738).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// `dns` or `ip`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name or the address.
    pub value: String,
}

impl From<&Name> for Identifier {
    fn from(name: &Name) -> Self {
        let kind = if matches!(name, Name::Ip(_)) { "ip" } else { "dns" };
        Self {
            kind: kind.to_owned(),
            value: name.to_string(),
        }
    }
}

impl Identifier {
    /// The name; `None` for a type that is not known, or a value that is not of its type.
    pub fn name(&self) -> Option<Name> {
        let name: Name = self.value.parse().ok()?;
        let fits = match self.kind.as_str() {
            "dns" => !matches!(name, Name::Ip(_)),
            "ip" => matches!(name, Name::Ip(_)),
            _ => false,
        };
        fits.then_some(name)
    }
}

impl Problem {
    /// The type without ACME's prefix: `rateLimited`, `dns`, ...
    pub fn short(&self) -> &str {
        short(&self.kind)
    }

    /// Whether it is ACME's error of this name: `badNonce`, `rateLimited`, ...
    pub fn is(&self, name: &str) -> bool {
        self.kind.strip_prefix(URN).is_some_and(|kind| kind == name)
    }

    /// Whether it says in words that an account has been deactivated or revoked, and not the external account that it is
    /// bound to.
    pub(super) fn ends_account(&self) -> bool {
        let detail = self.detail.to_ascii_lowercase();
        let external = ["external", "binding"].iter().any(|word| detail.contains(word));
        !external && (detail.contains("deactivated") || (detail.contains("account") && detail.contains("revoked")))
    }

    /// The names that the server complains about one by one.
    pub fn names(&self) -> Vec<Name> {
        let identifiers = self.subproblems.iter().filter_map(|sub| sub.identifier.as_ref());
        identifiers.filter_map(Identifier::name).collect()
    }
}

fn short(kind: &str) -> &str {
    match kind.strip_prefix(URN).unwrap_or(kind) {
        "" | "about:blank" => "refused",
        kind => kind,
    }
}

impl fmt::Display for Problem {
    /// One line: `dns: no A record for shop.example`, then what is wrong with single names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Clear(self.short()))?;
        if !self.detail.is_empty() {
            write!(f, ": {}", Clear(self.detail.trim()))?;
        }
        for (i, sub) in self.subproblems.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { "; " })?;
            if let Some(identifier) = &sub.identifier {
                write!(f, "{}: ", Clear(&identifier.value))?;
            }
            write!(f, "{}", Clear(short(&sub.kind)))?;
            if !sub.detail.is_empty() {
                write!(f, ": {}", Clear(sub.detail.trim()))?;
            }
        }
        if self.subproblems.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

/// What a server said in place of what was expected: on one line, cleared, cut to 200 characters; empty when it said
/// nothing.
pub(super) fn quote(body: &[u8]) -> String {
    // A whole megabyte need not be looked at for its beginning.
    let body = String::from_utf8_lossy(body.get(..4 * 1024).unwrap_or(body));
    let mut text = String::new();
    for word in body.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        if text.chars().count() > QUOTED {
            text = crate::text::shorten(&text, QUOTED).into_owned();
            break;
        }
    }
    crate::text::clear(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_that_names_what_is_wrong_with_each_name() {
        let problem: Problem = serde_json::from_str(
            r#"{"type": "urn:ietf:params:acme:error:malformed", "detail": "Some names\u001b[31m were rejected",
                "status": 400, "subproblems": [
                {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "policy forbids",
                 "identifier": {"type": "dns", "value": "*.Example.ORG"}},
                {"type": "urn:ietf:params:acme:error:dns", "identifier": {"type": "ip", "value": "192.0.2.1"}}]}"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "malformed: Some names\\x1b[31m were rejected (*.Example.ORG: rejectedIdentifier: policy forbids; \
             192.0.2.1: dns)"
        );
        assert!(problem.is("malformed") && !problem.is("rateLimited"));
        assert_eq!(
            problem.names(),
            ["*.example.org".parse().unwrap(), "192.0.2.1".parse().unwrap()]
        );
    }

    #[test]
    fn an_external_account_that_has_ended_is_not_the_account() {
        for (detail, ends) in [
            ("Account is not valid, has status \"deactivated\"", true),
            ("the account has been revoked", true),
            ("the external account key has been deactivated", false),
            ("External account binding: this account key was revoked", false),
            ("the certificate has been revoked", false),
        ] {
            let problem = Problem {
                detail: detail.to_owned(),
                ..Problem::default()
            };
            assert_eq!(problem.ends_account(), ends, "{detail}");
        }
    }

    #[test]
    fn a_problem_without_a_type_is_a_refusal() {
        let problem: Problem = serde_json::from_str(r#"{"detail": "no"}"#).unwrap();
        assert_eq!(problem.to_string(), "refused: no");
        assert_eq!(Problem::default().to_string(), "refused");
    }

    #[test]
    fn nulls_and_other_forms_in_a_problem_are_passed_over() {
        let problem: Problem = serde_json::from_str(
            r#"{"type": "urn:ietf:params:acme:error:malformed", "detail": "no such role", "status": "400",
                "subproblems": null, "instance": null}"#,
        )
        .unwrap();
        assert_eq!(problem.to_string(), "malformed: no such role");
        let problem: Problem = serde_json::from_str(
            r#"{"type": null, "detail": "no", "subproblems": [7, {"type": null, "detail": "policy",
                "identifier": {"type": "dns", "value": "a.example"}}, {"detail": "why", "identifier": null}]}"#,
        )
        .unwrap();
        assert_eq!(
            problem.to_string(),
            "refused: no (a.example: refused: policy; refused: why)"
        );
    }

    #[test]
    fn what_is_no_problem_document_is_quoted_on_one_line_cleared_and_cut() {
        assert_eq!(
            quote(b"<html>\n  <h1>502 Bad\tGateway</h1>\x1b[2J"),
            "<html> <h1>502 Bad Gateway</h1>\\x1b[2J"
        );
        let long = quote("ä".repeat(100_000).as_bytes());
        assert_eq!(long.chars().count(), QUOTED + 1, "{long}");
        assert_eq!(quote(b" \n"), "");
    }

    #[test]
    fn an_identifier_is_read_by_its_type() {
        let identifier = |kind: &str, value: &str| Identifier {
            kind: kind.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(identifier("dns", "Shop.example").name(), "shop.example".parse().ok());
        assert_eq!(identifier("dns", "192.0.2.1").name(), None);
        assert_eq!(identifier("email", "a@shop.example").name(), None);
        assert_eq!(
            Identifier::from(&"::1".parse::<Name>().unwrap()),
            identifier("ip", "::1")
        );
        assert_eq!(
            Identifier::from(&"*.shop.example".parse::<Name>().unwrap()),
            identifier("dns", "*.shop.example")
        );
    }
}
