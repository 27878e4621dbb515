//! One word of a filter: what it is looked for as is found out once, and not for each of a hundred thousand rows.

use std::fmt::Write as _;

use super::{contains, pasted::from_decimal};
use crate::{tui::item::Item, x509::Serial};

/// So many digits are asked for before serial numbers and fingerprints are compared.
const DIGITS: usize = 6;

/// A word, in lower case and without white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    text: String,
    /// Its digits of base 16 without their colons, where it is made of enough of them.
    digits: Option<String>,
    /// The serial number that it is in decimal.
    serial: Option<Serial>,
}

impl From<&str> for Word {
    /// Reads a word that is in lower case.
    fn from(text: &str) -> Self {
        let plain: String = text.chars().filter(|c| *c != ':').collect();
        let is_digits = plain.len() >= DIGITS && plain.bytes().all(|b| b.is_ascii_hexdigit());
        Self {
            text: text.to_owned(),
            digits: is_digits.then_some(plain),
            serial: from_decimal(text),
        }
    }
}

impl Word {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether rows that have it have `other` too, for certain. A word with a /, or of digits, is looked for where others are not;
    /// a serial number in decimal is another word than its beginning.
    pub fn narrows(&self, other: &Self) -> bool {
        self.text.contains(&other.text)
            && self.is_joined() == other.is_joined()
            && self.digits.is_some() == other.digits.is_some()
            && self.serial.is_none()
    }

    /// Whether it is in one of the columns of an item, of which `text` has the texts. It has no white space, so it is found
    /// within one.
    pub fn is_in(&self, item: &Item, text: &str) -> bool {
        text.contains(&self.text) || self.is_in_a_joined_cell(item) || self.is_in_digits(item)
    }

    fn is_joined(&self) -> bool {
        self.text.contains(['/', ':'])
    }

    /// Names that stand in one cell are found as they stand there: `ingress/web`, `shop/web-tls`.
    fn is_in_a_joined_cell(&self, item: &Item) -> bool {
        self.is_joined() && contains(&joined_text(item), &self.text)
    }

    /// Whether it is in the serial number or the fingerprint: both are written as digits of base 16, with colons or without. A
    /// serial number in decimal is all of it.
    fn is_in_digits(&self, item: &Item) -> bool {
        let (Some(digits), Some(certificate)) = (&self.digits, &item.certificate) else {
            return false;
        };
        self.serial.as_ref() == Some(&certificate.serial)
            || format!("{} {}", certificate.serial, certificate.sha256).contains(digits)
    }
}

/// The cells in which names are joined, a line each.
pub(super) fn joined_text(item: &Item) -> String {
    let mut text = String::new();
    if let Some((kind, name, listener)) = &item.route {
        let _ = write!(text, "{}/{}/{name}", item.namespace, kind.as_str());
        if let Some(listener) = listener {
            let _ = write!(text, ":{listener}");
        }
    }
    for secret in &item.secrets {
        let _ = write!(text, "\nsecret/{}\n{secret}", secret.name);
    }
    text
}
