//! When a certificate is renewed unattended: the same moment at every look, spread over the window in which the CA, or
//! the lifetime, has it renewed.
//!
//! The moment is the start of the window + HMAC-SHA256(install, certificate) × its length. It is written nowhere: after a
//! restart, on another replica and in a restored cluster it is the same, and 10,000 certificates of one day are spread.

use aws_lc_rs::hmac;

use crate::{
    check,
    inventory::Stored,
    object::Seconds,
    x509::{Certificate, Fingerprint},
};

/// How much of the lifetime renewals without a window of the CA are spread over, and how long after the moment of the
/// lifetime's rule the last of them is: one in so many.
const SPREAD: Seconds = 33;

/// From when and until when a certificate is renewed, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub start: Seconds,
    /// The last moment, which is never before the first.
    pub end: Seconds,
}

impl Window {
    /// The window of a certificate with this validity. The CA's window (RFC 9773) counts where it begins before the
    /// backstop, and until the backstop: a CA may name one that is after the certificate's end, or that ends in 2099. The
    /// window is never before the moment from which [`check`] has the certificate due.
    pub fn of(not_before: Seconds, not_after: Seconds, suggested: Option<(Seconds, Seconds)>) -> Self {
        let due = check::due_by_lifetime(not_before, not_after);
        let backstop = backstop(not_before, not_after);
        match suggested {
            Some((start, end)) if start <= end && start < backstop => Self {
                start,
                end: end.min(backstop),
            },
            _ => Self {
                start: due,
                end: backstop,
            },
        }
    }

    /// The moment in the window that a share of it leads to: none of it is the start, all of it the end.
    fn at(self, share: u64) -> Seconds {
        let length = u128::from(self.end.abs_diff(self.start));
        let into = length.saturating_mul(u128::from(share)) >> u64::BITS;
        // It is at most the length, which is that of two moments.
        self.start
            .saturating_add(Seconds::try_from(into).unwrap_or(Seconds::MAX))
            .min(self.end)
    }
}

/// The last moment at which a certificate with this validity is renewed, whatever its CA suggests: a thirty-third of its
/// lifetime after it is due by its lifetime, in seconds since 1970.
pub fn backstop(not_before: Seconds, not_after: Seconds) -> Seconds {
    let due = check::due_by_lifetime(not_before, not_after);
    let lifetime = not_after.saturating_sub(not_before).max(0);
    due.saturating_add(lifetime / SPREAD)
}

/// When an install renews a certificate, in seconds since 1970. `suggested` is the CA's window (RFC 9773).
pub fn renewal(install: &str, leaf: &Certificate, suggested: Option<(Seconds, Seconds)>) -> Seconds {
    Window::of(leaf.not_before, leaf.not_after, suggested).at(share(install, &leaf.sha256))
}

/// When an install renews the certificate of a Secret, by the window that is noted on it; `None` if it has none.
pub fn renewal_of(install: &str, stored: &Stored) -> Option<Seconds> {
    let leaf = stored.leaf()?;
    Some(renewal(install, leaf, check::renewal_window(stored)))
}

/// When a certificate with this validity is renewed that waits a share, of 2^64, of its window, for a forecast: what a CA will issue
/// has no hash yet, and no window of the CA.
pub fn of_share((not_before, not_after): (Seconds, Seconds), share: u64) -> Seconds {
    Window::of(not_before, not_after, None).at(share)
}

/// The share of its window that a certificate waits, of 2^64.
pub fn share(install: &str, certificate: &Fingerprint) -> u64 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, install.as_bytes());
    let tag = hmac::sign(&key, &certificate.0);
    let first = tag.as_ref().iter().take(8);
    first.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        inventory::fixtures::{bundle, digest, leaf, stored, with_annotation},
        object::annotation,
        text::time::{DAY, HOUR},
    };

    fn certificate(name: &str, not_before: Seconds, lifetime: Seconds) -> Certificate {
        let mut of = leaf(&[name]);
        of.sha256 = digest(name);
        (of.not_before, of.not_after) = (not_before, not_before.saturating_add(lifetime));
        of
    }

    #[test]
    fn ten_thousand_certificates_of_one_day_are_renewed_evenly_over_their_window() {
        for (lifetime, suggested) in [
            (90 * DAY, None),
            (90 * DAY, Some((59 * DAY, 61 * DAY))),
            (160 * HOUR, None),
            (200, None),
        ] {
            let window = Window::of(0, lifetime, suggested);
            let mut parts = [0_u32; 10];
            for number in 0..10_000 {
                let of = certificate(&format!("{number}.example"), 0, lifetime);
                let at = renewal("install", &of, suggested);
                let into = (at - window.start) * 10 / (window.end - window.start);
                parts[usize::try_from(into.min(9)).unwrap()] += 1;
            }
            // A window of a few seconds has no even tenths.
            let (least, most) = if lifetime > DAY { (850, 1_150) } else { (500, 3_500) };
            let fits = |part: &u32| (least..most).contains(part) || lifetime <= DAY && *part == 0;
            assert!(parts.iter().all(fits), "{lifetime}: {parts:?}");
        }
    }

    #[test]
    fn another_install_and_another_certificate_have_other_moments() {
        let of = |install: &str, name: &str| renewal(install, &certificate(name, 0, 90 * DAY), None);
        assert_eq!(of("a", "x.example"), of("a", "x.example"));
        assert_ne!(of("a", "x.example"), of("b", "x.example"));
        assert_ne!(of("a", "x.example"), of("a", "y.example"));
    }

    #[test]
    fn the_window_of_the_ca_counts_until_the_backstop() {
        let day = |from: Seconds, to: Seconds| (from * DAY, to * DAY);
        let window = |suggested| {
            let Window { start, end } = Window::of(0, 90 * DAY, suggested);
            (start, end)
        };
        let last = 60 * DAY + 90 * DAY / 33;
        assert_eq!(window(None), (60 * DAY, last));
        assert_eq!(window(Some(day(59, 61))), day(59, 61));
        // The CA has it replaced at once.
        assert_eq!(window(Some(day(1, 2))), day(1, 2));
        assert_eq!(window(Some(day(-9, -8))), day(-9, -8));
        for (suggested, expected) in [
            (day(59, 30_000), (59 * DAY, last)),
            (day(80, 81), (60 * DAY, last)),
            (day(30_000, 30_001), (60 * DAY, last)),
            (day(61, 60), (60 * DAY, last)),
        ] {
            assert_eq!(window(Some(suggested)), expected, "{suggested:?}");
        }
        // Half of a short life, and then a thirty-third of it.
        assert_eq!(Window::of(0, 200, Some((100, 104))), Window { start: 100, end: 104 });
        assert_eq!(Window::of(0, 200, None), Window { start: 100, end: 106 });
    }

    #[test]
    fn the_window_that_is_noted_on_a_secret_is_read() {
        let mut of = stored("shop", "shop-tls", bundle(certificate("x.example", 0, 90 * DAY)));
        let without = renewal_of("install", &of).unwrap();
        let noted = "1970-01-02T00:00:00Z/1970-01-03T00:00:00Z";
        of.meta = with_annotation(of.meta, annotation::RENEWAL_WINDOW, noted);
        let at = renewal_of("install", &of).unwrap();
        assert!((DAY..=2 * DAY).contains(&at) && without >= 60 * DAY, "{at} {without}");
    }

    proptest! {
        #[test]
        fn the_moment_is_the_same_at_each_look_and_never_after_the_backstop(
            name in "[a-z]{1,8}", not_before in any::<Seconds>(), not_after in any::<Seconds>(),
            suggested in any::<Option<(Seconds, Seconds)>>(),
        ) {
            let mut of = certificate(&name, 0, 0);
            (of.not_before, of.not_after) = (not_before, not_after);
            let at = renewal("install", &of, suggested);
            prop_assert_eq!(at, renewal("install", &of, suggested));
            let window = Window::of(not_before, not_after, suggested);
            prop_assert!(window.start <= at && at <= window.end);
            prop_assert!(at <= backstop(not_before, not_after));
        }

        #[test]
        fn a_certificate_with_a_real_validity_is_renewed_before_it_ends(
            not_before in 0..4_000_000_000_i64, lifetime in 2..400 * DAY, suggested in any::<Option<(Seconds, Seconds)>>(),
        ) {
            let of = certificate("x.example", not_before, lifetime);
            let at = renewal("install", &of, suggested);
            prop_assert!(at < of.not_after);
            // What the check has due by then is what the moment is for.
            let due = check::due_by_lifetime(of.not_before, of.not_after);
            let since = suggested.map_or(due, |(start, end)| if start <= end { start.min(due) } else { due });
            prop_assert!(at >= since);
        }
    }
}
