//! Serial numbers.

use crate::x509::{der::unsigned, octets::Octets};

/// The serial number of a certificate, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial(Octets);

impl From<&[u8]> for Serial {
    /// Makes a serial number of its bytes, the most significant first.
    fn from(bytes: &[u8]) -> Self {
        Self(unsigned(bytes).into())
    }
}

impl Serial {
    /// The bytes, the most significant first, without leading zeros.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for Serial {
    /// Writes lower-case hexadecimal with two digits a byte, like OpenSSL and CAs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_bytes_of_zeros_are_left_out_and_a_digit_is_not() {
        for (bytes, text) in [
            (&[][..], "00"),
            (&[0, 0], "00"),
            (&[0, 0x0a, 0xbc, 0x00], "0abc00"),
            (&[0, 0xff], "ff"),
            (
                &[0x10; 30],
                "101010101010101010101010101010101010101010101010101010101010",
            ),
        ] {
            assert_eq!(Serial::from(bytes).to_string(), text);
        }
    }
}
