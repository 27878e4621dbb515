//! Serial numbers.

use crate::x509::{der::unsigned, octets::Octets};

/// A certificate's serial number, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial(Octets);

impl From<&[u8]> for Serial {
    /// The number of these bytes, the most significant first.
    fn from(bytes: &[u8]) -> Self {
        Self(unsigned(bytes).into())
    }
}

impl Serial {
    /// Its bytes, the most significant first, without leading zeros.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for Serial {
    /// Lower-case hexadecimal without leading zeros.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((first, rest)) = self.0.split_first() else {
            return f.write_str("0");
        };
        write!(f, "{first:x}")?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_left_out() {
        for (bytes, text) in [
            (&[][..], "0"),
            (&[0, 0], "0"),
            (&[0, 0x0a, 0xbc, 0x00], "abc00"),
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
