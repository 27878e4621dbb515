//! The record that stays, by which DNS-PERSIST-01 proves a name (draft-ietf-acme-dns-persist, "Validation Record
//! Format"): what it has to say, and whether the records that are there do.

use super::caa::{domain_of, parameters};
use crate::{
    object::Seconds,
    text::{date_time, first_of, shorten},
};

/// The label below which the record is.
pub const LABEL: &str = "_validation-persist";
/// How many bytes one string of a TXT record can have (RFC 1035, section 3.3).
const STRING: usize = 255;
/// How many characters of a record, and how many other CAs, are named.
const SHOWN: usize = 200;
const NAMED: usize = 3;

/// What a record has to allow.
#[derive(Debug, Clone, Copy)]
pub struct StandingQuery<'a> {
    /// The domains by which a record names the CA; empty if the CA does not say.
    pub issuers: &'a [String],
    /// The URL of the account.
    pub account: &'a str,
    /// Whether the wildcard below the domain is proved as well.
    pub wildcard: bool,
}

/// Why the records of a domain do not allow an order. The messages fit "`_validation-persist.shop.example` ...".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum StandingError {
    /// There is no record.
    #[error("has no TXT record")]
    None,
    /// The records name other CAs.
    #[error("names other CAs: {0}")]
    Others(String),
    /// The record for this CA cannot be read.
    #[error("has a record that cannot be read: {0:?}")]
    Malformed(String),
    /// The record for this CA names no account, or another one.
    #[error("lets another account order: {0}")]
    Account(String),
    /// The record is not good for the wildcard.
    #[error("lets this account order, but no wildcard: policy=wildcard is missing")]
    Policy,
    /// The record has ended.
    #[error("let this account order until {}", date_time(*.0))]
    Ended(Seconds),
}

impl StandingQuery<'_> {
    /// The value that the record needs. Without a domain that names the CA, a word stands for it.
    pub fn value(&self) -> String {
        let issuer = self.issuers.first().map_or("CA-DOMAIN", String::as_str);
        let policy = if self.wildcard { "; policy=wildcard" } else { "" };
        format!("{issuer}; accounturi={}{policy}", self.account)
    }

    /// The record that a domain needs, as a zone file has it.
    pub fn record(&self, domain: &str) -> String {
        let value = self.value();
        let strings: Vec<String> = value
            .as_bytes()
            .chunks(STRING)
            .map(|part| format!("\"{}\"", String::from_utf8_lossy(part)))
            .collect();
        format!("{LABEL}.{domain}. IN TXT {}", strings.join(" "))
    }

    /// Whether one of the TXT records of a domain allows the order now: until when it does, if it says so. The error is
    /// that of the record that comes nearest.
    pub fn judge(&self, texts: &[String], now: Seconds) -> Result<Option<Seconds>, StandingError> {
        let mut others = Vec::new();
        let mut nearest = StandingError::None;
        for text in texts {
            let issuer = domain_of(text);
            if !self.issuers.is_empty() && !self.issuers.iter().any(|own| own == issuer) {
                others.push(shorten(issuer, SHOWN).into_owned());
                continue;
            }
            match self.one(text, now) {
                Ok(until) => return Ok(until),
                Err(error) => nearest = nearest.max(error),
            }
        }
        Err(match nearest {
            StandingError::None if !others.is_empty() => StandingError::Others(first_of(&others, NAMED)),
            nearest => nearest,
        })
    }

    fn one(&self, text: &str, now: Seconds) -> Result<Option<Seconds>, StandingError> {
        let malformed = || StandingError::Malformed(shorten(text, SHOWN).into_owned());
        let parameters = parameters(text).ok_or_else(malformed)?;
        let one = |wanted: &str| -> Result<Option<&str>, StandingError> {
            let mut of = parameters.iter().filter(|(tag, _)| tag.eq_ignore_ascii_case(wanted));
            match (of.next(), of.next()) {
                (found, None) => Ok(found.map(|(_, value)| *value)),
                _ => Err(malformed()),
            }
        };
        let account = one("accounturi")?.filter(|account| !account.is_empty());
        let account = account.ok_or_else(malformed)?;
        let until = match one("persistuntil")? {
            None => None,
            Some(until) => Some(until.parse::<Seconds>().map_err(|_| malformed())?),
        };
        let policy = one("policy")?;
        if account != self.account {
            return Err(StandingError::Account(shorten(account, SHOWN).into_owned()));
        }
        if let Some(until) = until.filter(|until| *until < now) {
            return Err(StandingError::Ended(until));
        }
        if self.wildcard && !policy.is_some_and(|policy| policy.eq_ignore_ascii_case("wildcard")) {
            return Err(StandingError::Policy);
        }
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "https://ca.example/acct/7";

    fn judged(texts: &[&str], wildcard: bool) -> String {
        let issuers = ["ca.example".to_owned(), "ca.test".to_owned()];
        let asked = StandingQuery {
            issuers: &issuers,
            account: ACCOUNT,
            wildcard,
        };
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        match asked.judge(&texts, 1_800_000_000) {
            Ok(None) => "ok".to_owned(),
            Ok(Some(until)) => format!("until {until}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_record_that_names_ca_and_account_is_enough() {
        let plain = format!("ca.example; accounturi={ACCOUNT}");
        let spaced = format!("\t ca.test ;AccountURI\t= {ACCOUNT} ; Policy=WILDCARD; new=thing");
        let until = format!("{plain}; persistUntil=1900000000");
        let ended = format!("{plain}; persistUntil=1700000000");
        for (texts, wildcard, expected) in [
            (&[plain.as_str()][..], false, "ok"),
            (&[spaced.as_str()], true, "ok"),
            (
                &["v=spf1 -all", "other.example; accounturi=x", plain.as_str()],
                false,
                "ok",
            ),
            (&[until.as_str()], false, "until 1900000000"),
            (&[ended.as_str(), until.as_str()], false, "until 1900000000"),
            (&[], false, "has no TXT record"),
            (
                &["other.example; accounturi=x", "CA.example; accounturi=x"],
                false,
                "names other CAs: other.example, CA.example",
            ),
            (
                &[plain.as_str()],
                true,
                "lets this account order, but no wildcard: policy=wildcard is missing",
            ),
            (
                &[&format!("{plain}; policy=all")],
                true,
                "lets this account order, but no wildcard: policy=wildcard is missing",
            ),
            (
                &["ca.example; accounturi=https://ca.example/acct/8"],
                false,
                "lets another account order: https://ca.example/acct/8",
            ),
            (
                &[ended.as_str()],
                false,
                "let this account order until 2023-11-14T22:13:20Z",
            ),
            (
                &["ca.example"],
                false,
                "has a record that cannot be read: \"ca.example\"",
            ),
            (
                &["ca.example; accounturi=a; accounturi=a"],
                false,
                "has a record that cannot be read: \"ca.example; accounturi=a; accounturi=a\"",
            ),
            (
                &["ca.example; accounturi=a; persistUntil=soon"],
                false,
                "has a record that cannot be read: \"ca.example; accounturi=a; persistUntil=soon\"",
            ),
        ] {
            assert_eq!(judged(texts, wildcard), expected, "{texts:?}");
        }
    }

    #[test]
    fn the_record_that_is_printed_is_one_that_is_taken() {
        let issuers = ["ca.example".to_owned()];
        for wildcard in [false, true] {
            let asked = StandingQuery {
                issuers: &issuers,
                account: ACCOUNT,
                wildcard,
            };
            assert_eq!(asked.judge(&[asked.value()], 0), Ok(None));
        }
        let asked = StandingQuery {
            issuers: &issuers,
            account: ACCOUNT,
            wildcard: true,
        };
        assert_eq!(
            asked.record("shop.example"),
            "_validation-persist.shop.example. IN TXT \"ca.example; accounturi=https://ca.example/acct/7; policy=wildcard\""
        );
        let long = format!("https://ca.example/{}", "a".repeat(300));
        let asked = StandingQuery {
            issuers: &[],
            account: &long,
            wildcard: false,
        };
        let record = asked.record("shop.example");
        assert_eq!(record.matches('"').count(), 4, "{record}");
        assert!(record.contains("\"CA-DOMAIN; accounturi="), "{record}");
        assert_eq!(
            asked.judge(&[asked.value()], 0),
            Ok(None),
            "a CA that does not say its name"
        );
    }
}
