//! Whether certificates were renewed in time, for whoever has to show it: from what is kept of each ([`History`]), from what its
//! Secret holds now, and from the lines of the controller.

use std::collections::BTreeMap;

use super::{
    audit::{Audit, Issued},
    tenure::{History, Tenure},
};
use crate::object::{Key, Seconds};

/// How far apart a kept pair and a line may put the same moment, in seconds: the pair is kept before the certificate is stored.
const APART: Seconds = 120;

/// What the Secret of a kept certificate holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The kept certificate, and a route uses the Secret, or a wildcard is declared.
    Kept,
    /// The kept certificate, and nothing uses the Secret: it is not renewed any more.
    Unused,
    /// Another certificate: somebody has ordered or stored one since.
    Another {
        /// The end of its validity, in seconds since 1970.
        until: Seconds,
    },
    /// No certificate, or there is no such Secret.
    Nothing,
    /// That is not known, because it could not be read.
    Unread,
}

/// What is known of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The Secret.
    pub secret: Key,
    /// The names of the present certificate.
    pub names: Vec<String>,
    /// What is remembered.
    pub history: History,
    /// What the Secret holds.
    pub holds: Holds,
}

/// A time for which there was no valid certificate although one was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// When the certificate ended, in seconds since 1970.
    pub from: Seconds,
    /// When its successor was stored; `None` if there is none.
    pub until: Option<Seconds>,
}

/// What is proved of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The Secret.
    pub secret: Key,
    /// The names of the present certificate.
    pub names: Vec<String>,
    /// What the Secret holds.
    pub holds: Holds,
    /// The end of the validity of the present certificate, in seconds since 1970.
    pub until: Seconds,
    /// How many renewals there were.
    pub renewals: usize,
    /// How many of them are in the lines alone.
    pub by_lines: usize,
    /// The least life that was left to a certificate when its successor was stored, in seconds, and when that was. `None`
    /// without a renewal.
    pub least: Option<(Seconds, Seconds)>,
    /// The times without a valid certificate.
    pub expiries: Vec<Expiry>,
    /// When the present certificate was stored, in seconds since 1970.
    pub stored: Seconds,
    /// When it was first seen served; `None` if that is not known.
    pub served: Option<Seconds>,
    /// From when on all renewals are known, where that is after the beginning of the period.
    pub known_from: Option<Seconds>,
}

/// What is proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// The certificates, sorted by Secret.
    pub lines: Vec<Line>,
    /// The renewals that kept pairs have and the lines lack, although lines of that time were read: Secret, and when.
    pub missing: Vec<(Key, Seconds)>,
}

impl Proof {
    /// How many renewals there were.
    pub fn renewals(&self) -> usize {
        self.lines.iter().map(|line| line.renewals).sum()
    }

    /// How many certificates expired while they were kept.
    pub fn expired(&self) -> usize {
        self.lines.iter().map(|line| line.expiries.len()).sum()
    }

    /// The certificate to which the least life was left when its successor was stored.
    pub fn least(&self) -> Option<(&Line, (Seconds, Seconds))> {
        let all = self.lines.iter().filter_map(|line| Some((line, line.least?)));
        all.min_by_key(|(_, least)| *least)
    }
}

/// Judges what is known of the time from `since` until `now`.
pub fn prove(known: Vec<Known>, audit: Option<&Audit>, since: Seconds, now: Seconds) -> Proof {
    let mut proof = Proof::default();
    let mut by_secret: BTreeMap<Key, Known> = BTreeMap::new();
    for one in known {
        by_secret.insert(one.secret.clone(), one);
    }
    for (_, one) in by_secret {
        let issued = audit.and_then(|audit| audit.issued.get(&one.secret));
        let issued = issued.map_or([].as_slice(), Vec::as_slice);
        if let Some(audit) = audit {
            let tenures = one.history.tenures.iter().filter(|it| !it.back && it.at >= since);
            let missing = tenures.filter(|it| is_missing(it, issued, audit));
            proof.missing.extend(missing.map(|it| (one.secret.clone(), it.at)));
        }
        proof.lines.extend(line(one, issued, since, now));
    }
    proof
}

/// Whether lines of the time were read, and none of them has the certificate.
fn is_missing(tenure: &Tenure, issued: &[Issued], audit: &Audit) -> bool {
    let is_covered = audit.covers(tenure.at) && audit.covers(tenure.at.saturating_add(APART));
    is_covered && issued.iter().all(|issued| issued.sha256 != tenure.sha256)
}

fn line(known: Known, issued: &[Issued], since: Seconds, now: Seconds) -> Option<Line> {
    let Known {
        secret,
        names,
        mut history,
        holds,
    } = known;
    for tenure in &mut history.tenures {
        let told = issued.iter().find(|issued| issued.sha256 == tenure.sha256);
        tenure.served = tenure.served.or(told.and_then(|told| told.served));
    }
    let extra = of_lines(&history, issued);
    let all = || extra.iter().chain(&history.tenures).filter(|it| it.at >= since);
    let renewals = all().filter(|it| it.is_renewal());
    let least = renewals.clone().filter_map(|it| Some((it.left?, it.at))).min();
    let mut expiries: Vec<Expiry> = all()
        .filter_map(|it| {
            let left = it.left.filter(|left| *left < 0)?;
            Some(Expiry {
                from: it.at.saturating_add(left),
                until: Some(it.at),
            })
        })
        .collect();
    let present = history.present()?;
    let until = match holds {
        Holds::Another { until } => until,
        _ => present.until,
    };
    // Of one that is no longer wanted nothing is proved, and of one that could not be read only what is kept.
    let counts = !matches!(holds, Holds::Unused | Holds::Nothing);
    if counts && until <= now {
        expiries.push(Expiry {
            from: until,
            until: None,
        });
    }
    let is_earlier = |from: &Seconds| *from > since;
    let first_of_lines = extra.first().map(|first| first.at);
    Some(Line {
        secret,
        holds,
        until,
        renewals: renewals.count(),
        by_lines: extra.iter().filter(|it| it.at >= since && it.is_renewal()).count(),
        least,
        expiries,
        stored: present.at,
        served: present.served,
        known_from: history
            .from
            .map(|from| first_of_lines.map_or(from, |first| first.min(from)))
            .filter(is_earlier),
        names,
    })
}

/// The tenures that only the lines have, from the time of which nothing is kept. The life that was left follows from the line
/// before.
fn of_lines(history: &History, issued: &[Issued]) -> Vec<Tenure> {
    let Some(from) = history.from else { return Vec::new() };
    let mut before: Option<Seconds> = None;
    let mut extra = Vec::new();
    for one in issued {
        let is_kept = history.tenures.iter().any(|it| it.sha256 == one.sha256);
        if one.at < from && !is_kept {
            extra.push(Tenure {
                sha256: one.sha256.clone(),
                at: one.at,
                until: one.until,
                served: one.served,
                left: before.map(|until| until.saturating_sub(one.at)),
                back: false,
            });
        }
        before = Some(one.until);
    }
    extra
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::audit::Chain,
        text::time::{DAY, HOUR},
        x509::Fingerprint,
    };

    const NOW: Seconds = 1_800_000_000;

    fn tenure(name: &str, days_ago: i64, left: Option<Seconds>) -> Tenure {
        let at = NOW - days_ago * DAY;
        Tenure::new(&Fingerprint::of(name.as_bytes()), at, at + 90 * DAY, left)
    }

    fn known(name: &str, tenures: Vec<Tenure>, holds: Holds) -> Known {
        Known {
            secret: Key::new("shop", name),
            names: vec![format!("{name}.example")],
            history: History { from: None, tenures },
            holds,
        }
    }

    /// Proves what is known of the last 90 days.
    fn proof(all: Vec<Known>, audit: Option<&Audit>) -> Proof {
        prove(all, audit, NOW - 90 * DAY, NOW)
    }

    #[test]
    fn renewals_of_the_period_are_counted_and_the_least_life_is_that_of_the_one_that_was_latest() {
        let web = vec![
            tenure("a", 200, None),
            // 140 days ago is before the period.
            tenure("b", 140, Some(2 * DAY)),
            tenure("c", 80, Some(30 * DAY)),
            tenure("d", 20, Some(29 * DAY)),
        ];
        let new = vec![tenure("e", 10, None)];
        let all = proof(
            vec![known("web", web, Holds::Kept), known("new", new, Holds::Kept)],
            None,
        );
        assert_eq!(
            (all.renewals(), all.expired()),
            (2, 0),
            "the first of `new` is no renewal"
        );
        let (line, least) = all.least().unwrap();
        assert_eq!((&*line.secret.name, least), ("web", (29 * DAY, NOW - 20 * DAY)));
        assert_eq!((line.until, line.known_from), (NOW + 70 * DAY, None));
        assert_eq!(all.lines[0].least, None, "sorted by Secret, and `new` has no renewal");
    }

    #[test]
    fn a_successor_that_came_too_late_and_one_that_never_came_are_expiries() {
        let late = vec![tenure("a", 100, None), tenure("b", 8, Some(-2 * DAY))];
        let never = vec![tenure("c", 91, None)];
        let all = proof(
            vec![known("late", late, Holds::Kept), known("never", never, Holds::Kept)],
            None,
        );
        let of = |at: usize| all.lines[at].expiries.clone();
        let (from, until) = (NOW - 10 * DAY, Some(NOW - 8 * DAY));
        assert_eq!(of(0), [Expiry { from, until }]);
        let from = NOW - DAY;
        assert_eq!(of(1), [Expiry { from, until: None }]);
        assert_eq!(all.expired(), 2);
        // One that was late before the period is another period's.
        let before = vec![
            tenure("a", 300, None),
            tenure("b", 95, Some(-DAY)),
            tenure("c", 35, Some(30 * DAY)),
        ];
        assert_eq!(proof(vec![known("x", before, Holds::Kept)], None).expired(), 0);
    }

    #[test]
    fn what_is_no_longer_used_does_not_expire_and_what_the_secret_holds_by_now_counts() {
        let ended = |holds| {
            let all = proof(vec![known("web", vec![tenure("a", 100, None)], holds)], None);
            all.expired()
        };
        assert_eq!(ended(Holds::Unused), 0);
        assert_eq!(ended(Holds::Nothing), 0);
        assert_eq!(ended(Holds::Unread), 1, "nobody has said that it is not wanted");
        assert_eq!(
            ended(Holds::Another { until: NOW + DAY }),
            0,
            "a command line has renewed it"
        );
        assert_eq!(ended(Holds::Another { until: NOW - DAY }), 1);
    }

    #[test]
    fn what_was_put_back_is_no_renewal() {
        let back = Tenure {
            back: true,
            ..tenure("a", 9, Some(80 * DAY))
        };
        let tenures = vec![tenure("a", 70, None), tenure("b", 10, Some(30 * DAY)), back];
        let all = proof(vec![known("web", tenures, Holds::Kept)], None);
        assert_eq!((all.renewals(), all.least().unwrap().1.0), (1, 30 * DAY));
    }

    fn line_of(name: &str, days_ago: i64, served: Option<Seconds>) -> Issued {
        let it = tenure(name, days_ago, None);
        Issued {
            sha256: it.sha256,
            at: it.at + 3,
            until: it.until,
            served,
        }
    }

    fn audit(days: (i64, i64), issued: Vec<Issued>) -> Audit {
        Audit {
            chains: vec![Chain {
                period: (NOW - days.0 * DAY, NOW - days.1 * DAY),
                lines: 9,
                is_whole: true,
            }],
            issued: [(Key::new("shop", "web"), issued)].into(),
            ..Audit::default()
        }
    }

    #[test]
    fn the_lines_tell_what_an_earlier_version_did_not_keep() {
        let mut one = known("web", vec![tenure("c", 20, Some(30 * DAY))], Holds::Kept);
        one.history.from = Some(NOW - 20 * DAY);
        let alone = proof(vec![one.clone()], None);
        assert_eq!(alone.lines[0].known_from, Some(NOW - 20 * DAY));
        let issued = vec![
            line_of("a", 88, None),
            // 88 - 25 = 63 days later, with 27 days left, and the three seconds that its own line is later cancel out.
            line_of("b", 25, Some(NOW - 25 * DAY + 9)),
            line_of("c", 20, Some(NOW - 20 * DAY + 7)),
        ];
        let all = proof(vec![one], Some(&audit((89, 0), issued)));
        let line = &all.lines[0];
        assert_eq!((line.renewals, line.by_lines), (2, 1));
        assert_eq!(line.least, Some((27 * DAY - 3, NOW - 25 * DAY + 3)));
        assert_eq!(line.served, Some(NOW - 20 * DAY + 7), "the kept pair does not say");
        assert_eq!((all.expired(), all.missing.len()), (0, 0));
        assert_eq!(line.known_from, Some(NOW - 88 * DAY + 3));
    }

    #[test]
    fn a_renewal_that_lines_of_its_time_do_not_have_is_missed_in_them() {
        let one = || {
            known(
                "web",
                vec![tenure("a", 30, None), tenure("b", 10, Some(HOUR))],
                Holds::Kept,
            )
        };
        let missing = |lines: &Audit| proof(vec![one()], Some(lines)).missing;
        let both = vec![line_of("a", 30, None), line_of("b", 10, None)];
        assert_eq!(missing(&audit((40, 0), both)), []);
        let less = vec![line_of("a", 30, None)];
        assert_eq!(
            missing(&audit((40, 0), less)),
            [(Key::new("shop", "web"), NOW - 10 * DAY)]
        );
        assert_eq!(
            missing(&audit((40, 20), vec![])),
            [(Key::new("shop", "web"), NOW - 30 * DAY)]
        );
        assert_eq!(missing(&audit((8, 0), vec![])), [], "no line of that time was read");
    }
}
