//! The part of DER that is read by hand: elements with their positions, and the parts of a certificate.

use std::ops::Range;

use crate::object::Seconds;

/// BOOLEAN.
pub(crate) const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(crate) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;
/// `UTCTime`.
pub(crate) const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`.
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// SET.
pub(crate) const SET: u8 = 0x31;

/// The tag of `[n]`, constructed.
pub(crate) const fn context(n: u8) -> u8 {
    0xa0 | n
}

/// One element: its tag, its value, and the position of both in the whole.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// The tag, length and value.
    pub(crate) whole: &'a [u8],
    /// The offset of `value` in the bytes from which the first reader was made.
    pub(crate) at: usize,
}

impl<'a> Element<'a> {
    /// A reader of the elements inside.
    pub(crate) fn inside(&self) -> DerReader<'a> {
        DerReader {
            rest: self.value,
            at: self.at,
        }
    }

    /// The range of tag, length and value in the bytes from which the first reader was made.
    pub(crate) fn range(&self) -> Range<usize> {
        let end = self.at + self.value.len();
        end - self.whole.len()..end
    }
}

/// Reads one element after the other. Lengths have to be definite and at most four bytes long; anything else gives
/// `None`.
#[derive(Clone)]
pub(crate) struct DerReader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> DerReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element. If there is none, the reader does not move.
    pub(crate) fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, after_tag) = self.rest.split_first()?;
        let (&first, after_first) = after_tag.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, header) = if first < 0x80 {
            (usize::from(first), 2)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let bytes = after_first.get(..count)?;
            let length = bytes.iter().fold(0usize, |sum, b| (sum << 8) | usize::from(*b));
            (length, 2 + count)
        };
        let end = header.checked_add(length)?;
        let whole = self.rest.get(..end)?;
        let element = Element {
            tag,
            value: &whole[header..],
            whole,
            at: self.at + header,
        };
        self.rest = &self.rest[end..];
        self.at += end;
        Some(element)
    }

    /// The next element, if it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        if *self.rest.first()? == tag { self.next() } else { None }
    }
}

/// The parts of a certificate (RFC 5280, section 4.1). Names and algorithms come without their outer SEQUENCE, as in
/// webpki.
#[derive(Clone)]
pub(crate) struct Outline<'a> {
    /// The signed part with tag and length, and its position.
    pub(crate) signed: &'a [u8],
    pub(crate) signed_at: Range<usize>,
    /// The version: 1, 2 or 3.
    pub(crate) version: u8,
    /// The bytes of the serial number.
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    /// notBefore and notAfter.
    pub(crate) validity: [Element<'a>; 2],
    /// subjectPublicKeyInfo, with tag and length.
    pub(crate) public_key: &'a [u8],
    /// The outer signatureAlgorithm.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    extensions: Option<DerReader<'a>>,
}

impl<'a> Outline<'a> {
    /// Reads the outline of one certificate; `None` if its structure is not that of a certificate.
    pub(crate) fn of(der: &'a [u8]) -> Option<Self> {
        let mut certificate = DerReader::new(der).expect(SEQUENCE)?.inside();
        let signed = certificate.expect(SEQUENCE)?;
        let algorithm = certificate.expect(SEQUENCE)?.value;
        let signature = certificate.expect(BIT_STRING)?.value.get(1..)?;

        let mut fields = signed.inside();
        let version = match fields.expect(context(0)) {
            Some(explicit) => explicit.inside().expect(INTEGER)?.value.last()?.saturating_add(1),
            None => 1,
        };
        let serial = fields.expect(INTEGER)?.value;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.value;
        let mut validity = fields.expect(SEQUENCE)?.inside();
        let validity = [validity.next()?, validity.next()?];
        let subject = fields.expect(SEQUENCE)?.value;
        let public_key = fields.expect(SEQUENCE)?.whole;
        let mut extensions = None;
        while let Some(field) = fields.next() {
            if field.tag == context(3) {
                extensions = field.inside().expect(SEQUENCE).map(|list| list.inside());
            }
        }
        Some(Self {
            signed: signed.whole,
            signed_at: signed.range(),
            version,
            serial,
            issuer,
            subject,
            validity,
            public_key,
            algorithm,
            signature,
            extensions,
        })
    }

    /// The value of the extension with this OID, given as its content bytes.
    pub(crate) fn extension(&self, oid: &[u8]) -> Option<Element<'a>> {
        self.extensions().find(|e| e.oid == oid).map(|e| e.value)
    }

    /// The extensions in order, up to the first one that is malformed.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let mut list = self.extensions.clone();
        std::iter::from_fn(move || {
            let mut parts = list.as_mut()?.next()?.inside();
            Some(Extension {
                oid: parts.expect(OID)?.value,
                flag: parts.expect(BOOLEAN),
                value: parts.expect(OCTET_STRING)?,
            })
        })
    }
}

/// One extension of a certificate.
pub(crate) struct Extension<'a> {
    /// The content bytes of its OID.
    pub(crate) oid: &'a [u8],
    /// `critical`, if it is encoded.
    pub(crate) flag: Option<Element<'a>>,
    /// The OCTET STRING with the value.
    pub(crate) value: Element<'a>,
}

impl Extension<'_> {
    /// Whether software that does not know the extension must refuse the certificate.
    pub(crate) fn is_critical(&self) -> bool {
        self.flag.is_some_and(|flag| flag.value.iter().any(|byte| *byte != 0))
    }
}

/// Reads a `UTCTime` or `GeneralizedTime` in the form for certificates (RFC 5280, section 4.1.2.5).
pub(crate) fn moment(time: &Element<'_>) -> Option<Seconds> {
    let digits = time.value.strip_suffix(b"Z")?;
    let (year, rest) = digits.split_at_checked(if time.tag == UTC_TIME { 2 } else { 4 })?;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |sum: i64, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let year = match (time.tag, number(year)?) {
        (GENERALIZED_TIME, year) => year,
        (UTC_TIME, year) if year < 50 => 2000 + year,
        (UTC_TIME, year) => 1900 + year,
        _ => return None,
    };
    let (pairs, []) = rest.as_chunks::<2>() else {
        return None;
    };
    let [month, day, hour, minute, second] = <[[u8; 2]; 5]>::try_from(pairs).ok()?;
    let (month, day) = (number(&month)?, number(&day)?);
    // Count days since 1970-03-01 in a calendar whose years begin in March.
    let (from_march, year) = if month > 2 {
        (month - 3, year)
    } else {
        (month + 9, year - 1)
    };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * from_march + 2) / 5
        + day
        - 1
        - 719_468;
    Some(((days * 24 + number(&hour)?) * 60 + number(&minute)?) * 60 + number(&second)?)
}

/// The OID of the algorithm, its parameters, and the key of a subjectPublicKeyInfo.
pub(crate) fn public_key_parts(info: &[u8]) -> Option<(&[u8], Option<Element<'_>>, &[u8])> {
    let mut parts = DerReader::new(info).expect(SEQUENCE)?.inside();
    let mut algorithm = parts.expect(SEQUENCE)?.inside();
    let oid = algorithm.expect(OID)?.value;
    let key = parts.expect(BIT_STRING)?.value.get(1..)?;
    Some((oid, algorithm.next(), key))
}

/// The bytes of an INTEGER without leading zeros.
pub(crate) fn unsigned(value: &[u8]) -> &[u8] {
    let zeros = value.iter().take_while(|b| **b == 0).count();
    &value[zeros..]
}

/// The length in bits of an unsigned INTEGER.
pub(crate) fn bits(value: &[u8]) -> u32 {
    let value = unsigned(value);
    let Some(first) = value.first() else { return 0 };
    u32::try_from(value.len() * 8).map_or(u32::MAX, |all| all - first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_lengths_are_refused_and_places_are_right() {
        for wrong in [
            &[0x30][..],
            &[0x30, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x88, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x1f, 0x01, 0x00],
            &[0x30, 0x05, 0x00],
        ] {
            assert!(DerReader::new(wrong).next().is_none(), "{wrong:?}");
        }
        let der = [0x30, 0x07, 0x02, 0x01, 0x05, 0x04, 0x02, 0xab, 0xcd];
        let mut inside = DerReader::new(&der).next().expect("sequence").inside();
        assert!(inside.expect(OCTET_STRING).is_none());
        assert_eq!(inside.next().map(|e| e.range()), Some(2..5));
        let octets = inside.next().expect("octets");
        assert_eq!((octets.at, octets.value), (7, &[0xab, 0xcd][..]));
        assert!(inside.is_empty());
    }

    #[test]
    fn moments_are_seconds_since_1970() {
        let of = |tag, text: &str| {
            let der = [&[tag, u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
            moment(&DerReader::new(&der).next().expect("element"))
        };
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "691231235959Z", Some(-1)),
            (UTC_TIME, "000229120000Z", Some(951_825_600)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, "19000301000000Z", Some(-2_203_891_200)),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "70010100000xZ", None),
            (UTC_TIME, "700101000000+0100", None),
            (OCTET_STRING, "700101000000Z", None),
        ] {
            assert_eq!(of(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn bits_of_integers() {
        assert_eq!(bits(&[0x00, 0x80, 0x00]), 16);
        assert_eq!(bits(&[0x01, 0x00]), 9);
        assert_eq!(bits(&[]), 0);
    }

    proptest::proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Outline::of(&bytes);
            let _ = public_key_parts(&bytes);
        }
    }
}
