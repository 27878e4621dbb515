//! What is remembered of the certificates of a Secret: when each was stored, when it was first seen served, and how much life
//! was left to the one before. It is kept with the pair, so that it can be told years later whether every renewal was in time.

use serde::{Deserialize, Serialize};

use crate::{object::Seconds, text::time::DAY, x509::Fingerprint};

/// How long a tenure that has ended is remembered, in seconds: an auditor's year, and some weeks more.
const REMEMBERED: Seconds = 400 * DAY;
/// How many are remembered at most, the latest ones: a year of certificates that live for six days needs some 120.
const MOST: usize = 200;

/// One certificate's time as the present one of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// The first 16 digits of the SHA-256 of its leaf.
    pub sha256: String,
    /// When it was stored, or was about to be, in seconds since 1970.
    pub at: Seconds,
    /// The end of its validity, in seconds since 1970.
    pub until: Seconds,
    /// When it was first seen that every address of its hosts serves it; `None` if nobody has seen that, or noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Seconds>,
    /// How much life was left to the certificate that it replaced, in seconds; negative if that had expired. `None` if it
    /// replaced none that this installation had kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Seconds>,
    /// Whether it was put back, because the one after it was not served.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}

impl Tenure {
    /// One that begins.
    pub fn new(of: &Fingerprint, at: Seconds, until: Seconds, left: Option<Seconds>) -> Self {
        Self {
            sha256: of.short(),
            at,
            until,
            served: None,
            left,
            back: false,
        }
    }

    /// Whether it is a renewal: it replaced a certificate that was kept, and was not put back.
    pub fn is_renewal(&self) -> bool {
        self.left.is_some() && !self.back
    }
}

/// The tenures of one Secret, the present one last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Nothing is known of what was before this moment, in seconds since 1970. `None` if there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seconds>,
    /// The tenures.
    #[serde(default)]
    pub tenures: Vec<Tenure>,
}

impl History {
    /// Takes note of a certificate that is the present one from now on, and forgets what is too old.
    pub fn begin(&mut self, tenure: Tenure) {
        let now = tenure.at;
        self.tenures.push(tenure);
        let had = self.tenures.len();
        let is_old = |ended: Seconds| ended <= now.saturating_sub(REMEMBERED);
        // A tenure ends with the beginning of the next.
        while let [_, next, ..] = self.tenures.as_slice()
            && (is_old(next.at) || self.tenures.len() > MOST)
        {
            self.tenures.remove(0);
        }
        if self.tenures.len() < had {
            self.from = self.tenures.first().map(|first| first.at);
        }
    }

    /// Takes note that the present certificate was seen served, if it is this one. Returns whether that is news.
    pub fn serves(&mut self, of: &Fingerprint, at: Seconds) -> bool {
        let present = self.tenures.last_mut();
        match present.filter(|present| present.sha256 == of.short() && present.served.is_none()) {
            Some(present) => {
                present.served = Some(at);
                true
            }
            None => false,
        }
    }

    /// The present certificate's.
    pub fn present(&self) -> Option<&Tenure> {
        self.tenures.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Seconds = 1_800_000_000;

    fn tenure(name: &str, at: Seconds) -> Tenure {
        Tenure::new(&Fingerprint::of(name.as_bytes()), at, at + 90 * DAY, Some(30 * DAY))
    }

    #[test]
    fn the_first_look_that_sees_a_certificate_served_is_the_one_that_is_remembered() {
        let mut history = History::default();
        history.begin(tenure("old", NOW));
        history.begin(tenure("new", NOW + 60 * DAY));
        let (old, new) = (Fingerprint::of(b"old"), Fingerprint::of(b"new"));
        assert!(
            !history.serves(&old, NOW + 60 * DAY),
            "it is not the present one any more"
        );
        assert!(history.serves(&new, NOW + 60 * DAY + 7));
        assert!(!history.serves(&new, NOW + 61 * DAY));
        assert_eq!(history.present().unwrap().served, Some(NOW + 60 * DAY + 7));
        assert_eq!(history.tenures[0].served, None);
    }

    #[test]
    fn a_tenure_is_forgotten_400_days_after_its_end_and_then_it_is_said_from_when_on_all_is_known() {
        let mut history = History::default();
        for number in 0..10 {
            history.begin(tenure(&number.to_string(), NOW + number * 60 * DAY));
        }
        // The last began at day 540. The one of day 120 ended at day 180, which is 360 days before; that of day 60 ended 420
        // days before.
        assert_eq!(history.tenures[0].at, NOW + 120 * DAY);
        assert_eq!(history.from, Some(NOW + 120 * DAY));
        let mut short = History::default();
        for number in 0..250 {
            short.begin(tenure(&number.to_string(), NOW + number * DAY));
        }
        assert_eq!((short.tenures.len(), short.from), (200, Some(NOW + 50 * DAY)));
    }

    #[test]
    fn what_is_stored_is_short_and_reads_back() {
        let mut history = History::default();
        history.begin(Tenure {
            left: None,
            ..tenure("a", NOW)
        });
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(
            text,
            r#"{"tenures":[{"sha256":"ca978112ca1bbdca","at":1800000000,"until":1807776000}]}"#
        );
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
        assert_eq!(serde_json::from_str::<History>("{}").unwrap(), History::default());
    }
}
