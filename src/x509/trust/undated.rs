//! Certificates as webpki is shown them: valid at any time, and without a critical extension.
//!
//! webpki checks dates and stops at the first that is wrong, so an expired certificate would hide an untrusted one, and
//! windows that do not overlap would leave no moment at which to verify. It is therefore given copies with a wide
//! validity, and the signature is verified over what was really signed. The dates themselves are judged in `check`.
//!
//! webpki knows fewer extensions than clients do (no policies), so it is shown none as critical: `rules` judges that.

use std::ops::Range;

use crate::x509::der::{BOOLEAN, GENERALIZED_TIME, Outline, SEQUENCE, UTC_TIME};

/// A moment inside of every window: 2033-05-18.
pub(super) const MOMENT: u64 = 2_000_000_000;

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];

/// A certificate and its copy.
pub(super) struct Undated<'a> {
    /// The copy, which is what webpki sees.
    pub(super) der: Vec<u8>,
    /// What was signed, in the original.
    signed: &'a [u8],
    /// Where it is in the copy.
    signed_at: Range<usize>,
}

impl<'a> Undated<'a> {
    /// The copy of a certificate. A leaf's CA flag is cleared: that a leaf is a CA is a finding of its own, and no
    /// reason for clients to refuse it.
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

    /// What was really signed, when `message` is the signed part of this copy: the same bytes in memory, because two
    /// certificates may differ in nothing but their dates.
    pub(super) fn original(&self, message: &[u8]) -> Option<&'a [u8]> {
        let copy = self.der.get(self.signed_at.clone())?;
        std::ptr::eq(copy, message).then_some(self.signed)
    }
}
