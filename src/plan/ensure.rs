//! Whether a certificate has to be ordered so that a Secret is as it is wanted: from what it holds, the names that are
//! wanted, and when it is due. Pure.

use std::{collections::BTreeSet, fmt};

use crate::{name::Name, text::first_of};

/// How many names a sentence lists.
const NAMED: usize = 5;

/// What is in the Secret now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Present {
    /// There is no such Secret.
    Missing,
    /// It holds nothing that can be served, for this reason.
    Unusable(String),
    /// It holds a certificate and its key.
    Held(Held),
}

/// A certificate that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The names that can be ordered.
    pub names: BTreeSet<Name>,
    /// Other names of the certificate.
    pub others: Vec<String>,
    /// Whether it comes from a staging CA.
    pub staging: bool,
    /// When it is due.
    pub due: Dueness,
}

/// Whether a certificate is due, as far as that is known without asking its CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dueness {
    /// It is due, for this reason.
    Now(&'static str),
    /// The CA may want it renewed by now (ARI, RFC 9773), and has to be asked.
    AskCa,
    /// It is not due.
    NotYet,
}

/// Why a certificate has to be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// There is no such Secret.
    Missing,
    /// What it holds cannot be served, for this reason.
    Unusable(String),
    /// It holds a certificate of a staging CA, and a trusted one is wanted.
    Staging,
    /// It is due, for this reason.
    Due(&'static str),
    /// Other names are wanted than it has.
    Names {
        /// The names that it lacks.
        added: Vec<Name>,
        /// The names that it has too many.
        removed: Vec<String>,
    },
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A certificate is ordered.
    Order(Need),
    /// The CA is asked whether it wants the certificate renewed by now.
    AskCa,
    /// Nothing.
    Nothing,
}

/// Decides. `wanted` are the names of an order, without those that a wildcard among them covers; `trusted` is whether
/// the chosen CA is not a staging CA.
///
/// What keeps clients from being served comes first, because [`Need::can_wait`] depends on it.
pub fn decide(present: &Present, wanted: &[Name], trusted: bool) -> Decision {
    let held = match present {
        Present::Missing => return Decision::Order(Need::Missing),
        Present::Unusable(why) => return Decision::Order(Need::Unusable(why.clone())),
        Present::Held(held) => held,
    };
    if held.staging && trusted {
        return Decision::Order(Need::Staging);
    }
    if let Dueness::Now(why) = held.due {
        return Decision::Order(Need::Due(why));
    }
    let added: Vec<Name> = wanted
        .iter()
        .filter(|name| !held.names.contains(*name))
        .cloned()
        .collect();
    let left = held.names.iter().filter(|name| !wanted.contains(name));
    let removed: Vec<String> = left.map(ToString::to_string).chain(held.others.clone()).collect();
    if !added.is_empty() || !removed.is_empty() {
        return Decision::Order(Need::Names { added, removed });
    }
    match held.due {
        Dueness::AskCa => Decision::AskCa,
        Dueness::NotYet | Dueness::Now(_) => Decision::Nothing,
    }
}

impl Need {
    /// Whether what is there can be served meanwhile. Then an order in which one name fails is not stored without that
    /// name: the next run would order the same again, day after day.
    pub fn can_wait(&self) -> bool {
        matches!(self, Self::Names { .. })
    }
}

impl fmt::Display for Need {
    /// Writes the reason as it follows the name of the Secret and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it does not exist yet"),
            Self::Unusable(why) => f.write_str(why),
            Self::Staging => f.write_str("its certificate is from a staging CA, which no client trusts"),
            Self::Due(why) => write!(f, "due, {why}"),
            Self::Names { added, removed } => {
                f.write_str("its names change:")?;
                if !added.is_empty() {
                    write!(f, " {} added", first_of(added, NAMED))?;
                }
                if !removed.is_empty() {
                    let comma = if added.is_empty() { "" } else { "," };
                    write!(f, "{comma} {} removed", first_of(removed, NAMED))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<Name> {
        all.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn held(all: &[&str]) -> Held {
        Held {
            names: names(all).into_iter().collect(),
            others: Vec::new(),
            staging: false,
            due: Dueness::NotYet,
        }
    }

    /// What is decided for `a.example` and `b.example`, in words.
    fn decided(present: &Present, trusted: bool) -> String {
        match decide(present, &names(&["a.example", "b.example"]), trusted) {
            Decision::Order(need) => format!("{}{need}", if need.can_wait() { "can wait: " } else { "" }),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_certificate_is_ordered_for_each_reason_and_for_none_else() {
        let both = || held(&["a.example", "b.example"]);
        let due = Dueness::Now("it has expired");
        for (present, trusted, expected) in [
            (Present::Missing, true, "it does not exist yet"),
            (
                Present::Unusable("it holds no certificate".into()),
                true,
                "it holds no certificate",
            ),
            (Present::Held(both()), true, "Nothing"),
            (
                Present::Held(Held {
                    due: Dueness::AskCa,
                    ..both()
                }),
                true,
                "AskCa",
            ),
            (Present::Held(Held { due, ..both() }), true, "due, it has expired"),
            (
                Present::Held(held(&["a.example"])),
                true,
                "can wait: its names change: b.example added",
            ),
            (
                Present::Held(held(&["a.example", "b.example", "*.c.example"])),
                true,
                "can wait: its names change: *.c.example removed",
            ),
            (
                Present::Held(Held {
                    others: vec!["old_host".into()],
                    ..held(&["a.example"])
                }),
                true,
                "can wait: its names change: b.example added, old_host removed",
            ),
            (
                Present::Held(Held {
                    staging: true,
                    ..both()
                }),
                true,
                "its certificate is from a staging CA, which no client trusts",
            ),
            // Who orders at staging wants what it issues, and who holds a trusted one keeps it.
            (
                Present::Held(Held {
                    staging: true,
                    ..both()
                }),
                false,
                "Nothing",
            ),
            (Present::Held(both()), false, "Nothing"),
        ] {
            assert_eq!(decided(&present, trusted), expected, "{present:?}");
        }
    }

    #[test]
    fn what_cannot_wait_comes_before_what_can_and_before_a_question() {
        let other = held(&["c.example"]);
        let due = Dueness::Now("it has expired");
        assert_eq!(
            decided(&Present::Held(Held { due, ..other.clone() }), true),
            "due, it has expired"
        );
        let staging = Held {
            staging: true,
            ..other.clone()
        };
        assert!(decided(&Present::Held(staging), true).contains("staging"));
        let asked = Held {
            due: Dueness::AskCa,
            ..other
        };
        assert!(decided(&Present::Held(asked), true).contains("names change"));
    }

    #[test]
    fn the_order_of_names_makes_no_difference() {
        let present = Present::Held(held(&["b.example", "a.example"]));
        assert_eq!(
            decide(&present, &names(&["b.example", "a.example"]), true),
            Decision::Nothing
        );
    }
}
