//! The pauses after failures, the same at each look.

use crate::{
    object::{Key, Seconds},
    text::time::{DAY, MINUTE},
    x509::Fingerprint,
};

/// The pauses after the first failures in a row; after more, the last. Let's Encrypt advises these
/// (<https://letsencrypt.org/docs/integration-guide/>, "Retrying Failures").
const AFTER: [Seconds; 4] = [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY];
/// The first and the longest pause between two questions whether a CA is back.
const PROBE: Seconds = 15;
const LONGEST_PROBE: Seconds = 5 * MINUTE;

/// The pause after so many failures in a row, in seconds: between nine tenths of it and all.
pub(super) fn after_failures(failures: u32, of: &Key) -> Seconds {
    let nth = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = AFTER.get(nth).or(AFTER.last()).copied().unwrap_or(DAY);
    shortened(pause, &format!("{of} {failures}"))
}

/// The pause before a CA that is down is asked again, after so many times in vain, in seconds.
pub(super) fn after_probes(probes: u32, issuer: &str) -> Seconds {
    let pause = PROBE.saturating_mul(1_i64.checked_shl(probes.min(30)).unwrap_or(1));
    shortened(pause.min(LONGEST_PROBE), &format!("{issuer} {probes}"))
}

/// A pause less up to a tenth of it, by what a text says: tasks that failed together do not come back together.
fn shortened(pause: Seconds, by: &str) -> Seconds {
    let [first, ..] = Fingerprint::of(by.as_bytes()).0;
    pause - pause * Seconds::from(first) / 2_560
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fails_is_tried_after_1_10_and_100_minutes_and_then_daily() {
        for (failures, pause) in [(1, 60), (2, 600), (3, 6_000), (4, DAY), (5, DAY), (u32::MAX, DAY)] {
            let all: Vec<Seconds> = (0..300)
                .map(|n| after_failures(failures, &Key::new("shop", format!("tls-{n}"))))
                .collect();
            assert!(
                all.iter().all(|it| (pause * 9 / 10..=pause).contains(it)),
                "{failures}: {all:?}"
            );
            let (least, most) = (all.iter().min(), all.iter().max());
            assert!(least < most, "they do not come back together");
            assert_eq!(all[7], after_failures(failures, &Key::new("shop", "tls-7")));
        }
    }

    #[test]
    fn a_ca_that_is_down_is_asked_within_minutes_however_long_it_is() {
        let pauses: Vec<Seconds> = (0..40).map(|n| after_probes(n, "letsencrypt")).collect();
        assert!((13..=15).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| (13..=300).contains(pause)), "{pauses:?}");
        assert!(pauses[5..].iter().all(|pause| *pause >= 270), "{pauses:?}");
    }
}
