//! Copies of certificates for webpki that are valid at any time and have no critical extension.
//!
//! webpki checks dates and stops at the first error, so that an expired certificate would hide an untrusted one, and
//! validities that do not overlap would leave no moment for verification. For this reason webpki gets copies with a
//! wide validity, while signatures are verified over the original bytes. The dates themselves are judged in `check`.
//!
//! webpki knows fewer extensions than clients do (no policies), so no extension in a copy is critical. `rules` judges
//! critical extensions.

use std::ops::Range;

use crate::x509::der::{BOOLEAN, GENERALIZED_TIME, Outline, SEQUENCE, UTC_TIME};

/// A moment within every validity: 2033-05-18.
pub(super) const MOMENT: u64 = 2_000_000_000;

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];

/// A certificate and its copy.
pub(super) struct Undated<'a> {
    /// The copy, which webpki sees.
    pub(super) der: Vec<u8>,
    /// The signed part of the original.
    signed: &'a [u8],
    /// The position of the signed part in the copy.
    signed_at: Range<usize>,
}

impl<'a> Undated<'a> {
    /// Makes the copy of a certificate. The CA flag of a leaf is cleared, because a leaf that is a CA has its own
    /// finding, and clients do not refuse it for that.
    pub(super) fn of(original: &'a [u8], outline: &Outline<'a>, leaf: bool) -> Self {
        let mut der = original.to_vec();
        let wide: [(&[u8], &[u8]); 2] = [
            (b"700101000000Z", b"19700101000000Z"),
            (b"491231235959Z", b"20491231235959Z"),
        ];
        for (time, (utc, generalized)) in outline.validity.iter().zip(wide) {
            let new = match time.tag {
                UTC_TIME => utc,
                GENERALIZED_TIME => generalized,
                _ => continue,
            };
            if let Some(old) = der
                .get_mut(time.at..time.at + time.value.len())
                .filter(|old| old.len() == new.len())
            {
                old.copy_from_slice(new);
            }
        }
        for flag in outline.extensions().filter_map(|extension| extension.flag) {
            if let Some(byte) = der.get_mut(flag.at).filter(|_| flag.value.len() == 1) {
                *byte = 0;
            }
        }
        if leaf {
            let flag = outline
                .extension(BASIC_CONSTRAINTS)
                .and_then(|value| value.inside().expect(SEQUENCE))
                .and_then(|fields| fields.inside().expect(BOOLEAN));
            if let Some(byte) = flag.and_then(|flag| der.get_mut(flag.at)) {
                *byte = 0;
            }
        }
        Self {
            der,
            signed: outline.signed,
            signed_at: outline.signed_at.clone(),
        }
    }

    /// The original signed bytes, if `message` is the signed part of this copy. It has to be the same memory, because
    /// two certificates may differ only in their dates.
    pub(super) fn original(&self, message: &[u8]) -> Option<&'a [u8]> {
        let copy = self.der.get(self.signed_at.clone())?;
        std::ptr::eq(copy, message).then_some(self.signed)
    }
}
