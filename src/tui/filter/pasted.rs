//! What is pasted into a filter: a certificate stands for its fingerprint, a serial number for its digits.

use crate::x509::{Fingerprint, Serial, pem};

/// Nobody pastes a larger certificate.
const LARGEST: usize = 1 << 20;

/// Why nothing of it is put into the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is a private key, which no screen shows.
    PrivateKey,
    /// It begins as PEM does, and no certificate can be read in it.
    NoCertificate,
}

/// What a pasted text puts into the filter: the fingerprint of the first certificate of PEM, else the first line that says
/// something.
pub fn pasted(text: &str) -> Result<String, Refused> {
    if text.contains("-----BEGIN ") {
        let certificate = pem::blocks(text.as_bytes()).find(pem::Block::is_certificate);
        return match certificate.map(|block| block.decode(LARGEST)) {
            Some(Ok(der)) => Ok(Fingerprint::of(&der).to_string()),
            _ if text.contains("PRIVATE KEY") => Err(Refused::PrivateKey),
            _ => Err(Refused::NoCertificate),
        };
    }
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    Ok(line.unwrap_or_default().to_owned())
}

/// A serial number or a fingerprint as tools print it (`serial=0A..`, `SHA256 Fingerprint=AA:BB`, `0x0a..`): its digits of
/// base 16 alone. Everything else is itself.
pub(super) fn digits_of(word: &str) -> &str {
    let value = word.rsplit_once('=').map_or(word, |(_, value)| value);
    let value = value
        .strip_prefix("0x")
        .or_else(|| value.strip_prefix("0X"))
        .unwrap_or(value);
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == ':';
    if value.len() >= 8 && value.chars().all(is_hex) {
        value
    } else {
        word
    }
}

/// So many decimal digits are a serial number as Go prints it, and no number that somebody looks for in names.
const DECIMAL: usize = 15;
/// RFC 5280 allows serial numbers of 20 octets, and 49 decimal digits.
const LONGEST: usize = 49;

/// A serial number that is written in decimal, as Go prints it; `None` where the word is none.
pub(super) fn from_decimal(word: &str) -> Option<Serial> {
    if !(DECIMAL..=LONGEST).contains(&word.len()) || !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in word.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = u8::try_from(carry & 0xff).unwrap_or_default();
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, u8::try_from(carry & 0xff).unwrap_or_default());
            carry >>= 8;
        }
    }
    Some(Serial::from(bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_read_as_tools_print_them() {
        assert_eq!(digits_of("serial=03E7A1B2C3"), "03E7A1B2C3");
        assert_eq!(digits_of("Fingerprint=AA:BB:CC:DD"), "AA:BB:CC:DD");
        assert_eq!(digits_of("0x03e7a1b2c3"), "03e7a1b2c3");
        assert_eq!(digits_of("app=web"), "app=web");
        let bytes = |word: &str| from_decimal(word).map(|serial| serial.bytes().to_vec());
        assert_eq!(bytes("18446744073709551616"), Some(vec![1, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(bytes("000000000000255"), Some(vec![0xff]));
        assert_eq!(from_decimal("123456"), None);
        assert_eq!(from_decimal(&"9".repeat(50)), None);
    }

    #[test]
    fn a_key_is_refused_and_what_is_no_certificate_too() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        assert_eq!(pasted(&pem("EC PRIVATE KEY")), Err(Refused::PrivateKey));
        assert_eq!(pasted(&pem("X509 CRL")), Err(Refused::NoCertificate));
        let both = pasted(&(pem("PRIVATE KEY") + &pem("CERTIFICATE")));
        assert_eq!(both, Ok(Fingerprint::of(&[0, 0, 0]).to_string()));
        assert_eq!(pasted("\n  web.example \nmore"), Ok("web.example".to_owned()));
    }
}
