//! What a forecast comes to: what is to be done now.

use std::collections::BTreeMap;

use super::Course;
use crate::{
    object::Seconds,
    plan::limits::{LimitOf, Limits},
    text::time::DAY,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// The limits are not known: the settings can say them.
    TellLimits,
    /// Nothing: no limit holds up anything.
    Nothing,
    /// The account's limit of new orders holds some up: names come over more days, or the CA is asked for more.
    Spread {
        /// How many new orders the limit permits in a day.
        a_day: i64,
    },
    /// A domain gets more certificates than its limit permits: a wildcard, or more names in one certificate.
    Join {
        /// The domain.
        domain: String,
        /// How many certificates the limit permits in a week.
        a_week: i64,
    },
    /// The same names are ordered too often: Secrets that hold the same certificate become one.
    Share {
        /// The names.
        set: String,
        /// The longest of the lifetimes for which that is so, in seconds.
        lifetime: Seconds,
    },
    /// Validations of a name have failed: its cause is mended first.
    Mend {
        /// The name.
        name: String,
    },
    /// Certificates end before their successor can be ordered.
    Early {
        /// How many.
        late: usize,
        /// The lifetime, in seconds.
        lifetime: Seconds,
    },
}

/// What follows from the courses of a year, the most urgent first.
pub fn advice(courses: &[Course], limits: Option<&Limits>) -> Vec<Advice> {
    let Some(limits) = limits else {
        return vec![Advice::TellLimits];
    };
    let mut all: Vec<Advice> = courses
        .iter()
        .filter(|course| course.late > 0)
        .map(|course| Advice::Early {
            late: course.late,
            lifetime: course.lifetime,
        })
        .collect();
    // Each limit that binds, and the longest lifetime for which it does.
    let mut binding: BTreeMap<LimitOf, Seconds> = BTreeMap::new();
    for course in courses {
        for held in course.weeks.iter().flat_map(|week| &week.held) {
            let lifetime = binding.entry(held.limit.clone()).or_default();
            *lifetime = (*lifetime).max(course.lifetime);
        }
    }
    for (limit, lifetime) in binding {
        all.push(match limit {
            LimitOf::Orders => Advice::Spread {
                a_day: limits.orders.map_or(0, |limit| limit.burst() * DAY / limit.period()),
            },
            LimitOf::Domain(domain) => Advice::Join {
                domain,
                a_week: limits
                    .domain
                    .map_or(0, |limit| limit.burst() * 7 * DAY / limit.period()),
            },
            LimitOf::SameNames(set) => Advice::Share { set, lifetime },
            LimitOf::Failures(name) => Advice::Mend { name },
        });
    }
    if all.is_empty() {
        all.push(Advice::Nothing);
    }
    all
}
