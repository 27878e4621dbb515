//! The names of one certificate. If there are many, a lookup for a host does not examine each of them.

use std::{fmt, ops::Deref};

use super::{certificate::San, names};
use crate::object::Text;

/// The largest number of names that are examined one by one.
const FEW: usize = 16;

/// The dNSName and iPAddress entries of a subjectAltName, in order.
#[derive(Clone, Default)]
pub struct Sans {
    all: Vec<San>,
    /// An index of the names; `None` if there are few.
    many: Option<Box<Many>>,
}

#[derive(Clone)]
struct Many {
    /// The positions of the dNSNames, sorted by text.
    sorted: Box<[u32]>,
    /// The positions of the wildcards that are too broad, in order.
    broad: Box<[u32]>,
}

impl Sans {
    /// Whether one of the names is valid for the host, by the rules of [`names::covered`].
    pub fn cover(&self, host: &str) -> bool {
        let Some(many) = &self.many else {
            return names::covered(host, &self.all);
        };
        let host = names::normalized(host);
        if let Some(address) = names::address(&host) {
            return self
                .all
                .iter()
                .any(|san| matches!(san, San::Ip(name) if *name == address));
        }
        let has = |name: &str| many.sorted.binary_search_by(|at| self.dns(*at).cmp(name)).is_ok();
        let covering = names::NameForms::of(&host);
        covering.itself.is_some_and(has) || covering.parent.is_some_and(|parent| has(&format!("*.{parent}")))
    }

    /// The wildcards directly below a public suffix, by the rules of [`names::wildcard_too_broad`], in order.
    pub fn too_broad(&self) -> impl Iterator<Item = &Text> {
        let positions = self.many.as_ref().map_or(&[][..], |many| &many.broad);
        let few = if self.many.is_some() { &[][..] } else { &self.all };
        let of_many = positions.iter().filter_map(|at| self.all.get(*at as usize));
        of_many.chain(few).filter_map(|san| match san {
            San::Dns(name) if self.many.is_some() || names::wildcard_too_broad(name) => Some(name),
            _ => None,
        })
    }

    fn dns(&self, at: u32) -> &str {
        match self.all.get(at as usize) {
            Some(San::Dns(name)) => name,
            _ => "",
        }
    }
}

impl From<Vec<San>> for Sans {
    fn from(all: Vec<San>) -> Self {
        let mut this = Self { all, many: None };
        if this.all.len() > FEW {
            let is_dns = |(at, san): (u32, &San)| matches!(san, San::Dns(_)).then_some(at);
            let mut sorted: Vec<u32> = (0..).zip(&this.all).filter_map(is_dns).collect();
            let is_broad = |at: &u32| names::wildcard_too_broad(this.dns(*at));
            let broad = sorted.iter().copied().filter(is_broad).collect();
            sorted.sort_unstable_by(|a, b| this.dns(*a).cmp(this.dns(*b)));
            let sorted = sorted.into();
            this.many = Some(Box::new(Many { sorted, broad }));
        }
        this
    }
}

impl FromIterator<San> for Sans {
    fn from_iter<I: IntoIterator<Item = San>>(names: I) -> Self {
        names.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Sans {
    type Target = [San];

    fn deref(&self) -> &[San] {
        &self.all
    }
}

impl<'a> IntoIterator for &'a Sans {
    type Item = &'a San;
    type IntoIter = std::slice::Iter<'a, San>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

impl PartialEq for Sans {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Sans {}

impl fmt::Debug for Sans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host() -> impl Strategy<Value = String> {
        let label = prop_oneof!["[ab]", Just("*".to_owned()), Just(String::new()), Just("a*".to_owned())];
        proptest::collection::vec(label, 0..4).prop_map(|labels| labels.join("."))
    }

    #[test]
    fn wildcards_that_are_too_broad_are_found_among_few_and_many() {
        let broad = |rest: usize| {
            let names = ["*.com", "*.shop.com", "*.co.uk"].map(|name| San::Dns(name.into()));
            let names: Sans = names.into_iter().chain(vec![San::Dns("a".into()); rest]).collect();
            names.too_broad().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(broad(0), ["*.com", "*.co.uk"]);
        assert_eq!(broad(FEW), ["*.com", "*.co.uk"]);
    }

    proptest! {
        #[test]
        fn many_names_cover_what_each_of_them_does(
            names in proptest::collection::vec(host(), 0..12),
            addresses in 0_u8..4,
            asked in host(),
        ) {
            let names: Vec<San> = names.iter().map(|name| San::Dns(name.as_str().into())).collect();
            let some = (0..addresses).map(|n| San::Ip([192, 0, 2, n].into()));
            let rest = (0..FEW).map(|n| San::Dns(format!("n{n}.example").as_str().into()));
            let many: Sans = names.into_iter().chain(some).chain(rest).collect();
            for host in [asked.as_str(), "192.0.2.2", "n3.example", "a.n3.example", ""] {
                prop_assert_eq!(many.cover(host), names::covered(host, &many), "{}", host);
            }
        }
    }
}
