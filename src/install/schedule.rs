//! When a `CronJob` looks: often enough for the lifetime of its certificate, and at a moment of its own, so that a CA and a
//! cluster are not asked by everybody at once.

use crate::{
    object::Seconds,
    text::time::{DAY, HOUR},
    x509::Fingerprint,
};

/// How many looks a lifetime has at least. A renewal has a third of the lifetime, so that it is tried several times.
const LOOKS: Seconds = 24;
/// The hours between two looks, of those that a day is a multiple of.
const HOURS: [Seconds; 7] = [12, 8, 6, 4, 3, 2, 1];
/// The lifetime that is presumed where nothing else is known: 90 days, which are to become 45.
pub const USUAL: Seconds = 90 * DAY;
/// The lifetime of Let's Encrypt's profile `shortlived`: 160 hours (<https://letsencrypt.org/docs/profiles/>).
const SHORTLIVED: Seconds = 160 * HOUR;
/// A certificate that lives shorter is not for a clock that strikes once an hour.
pub const SHORTEST: Seconds = 12 * HOUR;

/// The lifetime that a profile of Let's Encrypt gives; the usual one for every other.
pub fn lifetime(profile: Option<&str>) -> Seconds {
    match profile {
        Some("shortlived") => SHORTLIVED,
        _ => USUAL,
    }
}

/// The schedule for a certificate with this lifetime, as a `CronJob` has it. It never looks less often than once a day, and
/// `what` always has the same minute and hour.
pub fn schedule(lifetime: Seconds, what: &str) -> String {
    let digest = Fingerprint::of(what.as_bytes()).0;
    let (minute, hour) = (digest[0] % 60, Seconds::from(digest[1]));
    let most = lifetime / LOOKS / HOUR;
    if most >= 24 {
        return format!("{minute} {} * * *", hour % 24);
    }
    match HOURS.iter().find(|hours| **hours <= most).copied().unwrap_or(1) {
        1 => format!("{minute} * * * *"),
        every => {
            let hours: Vec<String> = (hour % every..24)
                .step_by(usize::try_from(every).unwrap_or(1))
                .map(|hour| hour.to_string())
                .collect();
            format!("{minute} {} * * *", hours.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lives_long_is_looked_at_daily_and_who_lives_six_days_every_six_hours() {
        let hours = |lifetime| {
            let schedule = schedule(lifetime, "shop/shop-tls");
            let fields: Vec<&str> = schedule.split(' ').collect();
            assert_eq!((fields.len(), &fields[2..]), (5, &["*"; 3][..]), "{schedule}");
            assert!(fields[0].parse::<u8>().unwrap() < 60);
            match fields[1] {
                "*" => 24,
                list => list
                    .split(',')
                    .map(|hour| hour.parse::<u8>().unwrap())
                    .filter(|hour| *hour < 24)
                    .count(),
            }
        };
        for (lifetime, looks) in [
            (398 * DAY, 1),
            (90 * DAY, 1),
            (45 * DAY, 1),
            (24 * DAY, 1),
            (10 * DAY, 3),
            (160 * HOUR, 4),
            (2 * DAY, 12),
            (DAY, 24),
            (SHORTEST, 24),
        ] {
            assert_eq!(hours(lifetime), looks, "{} h", lifetime / HOUR);
        }
        assert_eq!(lifetime(Some("shortlived")) / HOUR, 160);
        assert_eq!(lifetime(Some("tlsserver")), lifetime(None));
    }

    #[test]
    fn moments_are_stable_and_spread() {
        let of = |n: usize| schedule(USUAL, &format!("shop/tls-{n}"));
        assert_eq!(of(1), of(1));
        let different: std::collections::BTreeSet<String> = (0..100).map(of).collect();
        assert!(different.len() > 80, "{different:?}");
    }
}
