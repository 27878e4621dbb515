//! The names of an order: every host that the Secret serves, and every name of its certificate.

use std::collections::BTreeSet;

use crate::name::{Name, NameError};

/// The hint for a name that fails and that no route has any more.
pub const UNROUTED: &str =
    "no route has this name any more: a renewal with --only-route-hosts leaves it out of the certificate";

/// The names of an order, and why each is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The names to order, sorted, without those that a wildcard among them covers.
    pub order: Vec<Name>,
    /// The names of `order` that the present certificate has or covers. Losing one would take a host out of service.
    pub present: BTreeSet<Name>,
    /// Whether an order is of use only with a name that the present certificate does not have.
    pub for_new: bool,
    /// The names of the present certificate that are left out (`--only-route-hosts`).
    pub dropped: Vec<Name>,
    /// The names of `order` that no route has any more, although routes have others. `--only-route-hosts` would leave
    /// them out.
    pub unrouted: BTreeSet<Name>,
    /// Hosts of routes that a wildcard of the order covers.
    pub covered: Vec<Name>,
    /// Hosts of routes for which no certificate can be ordered, with the reasons.
    pub impossible: Vec<(String, NameError)>,
    /// Whether names of the certificate that no route has are left out.
    pub only_hosts: bool,
}

impl Names {
    /// Joins the hosts of the routes that use a Secret with the names of its certificate.
    ///
    /// Without `only_hosts`, no name is lost. A name that a wildcard of the same order covers is left out, because
    /// Let's Encrypt refuses such an order as redundant.
    pub fn join<'a>(
        hosts: impl IntoIterator<Item = &'a str>,
        certificate: impl IntoIterator<Item = Name>,
        only_hosts: bool,
    ) -> Self {
        let mut names = Self {
            only_hosts,
            ..Self::default()
        };
        let mut all = BTreeSet::new();
        for host in hosts {
            match host.parse::<Name>() {
                Ok(name) => drop(all.insert(name)),
                Err(error) => names.impossible.push((host.to_owned(), error)),
            }
        }
        let held: BTreeSet<Name> = certificate.into_iter().collect();
        // A wildcard of the certificate stays if it covers a host of a route.
        let serves = |name: &Name| all.iter().any(|host| name.covers(host));
        let (kept, dropped): (Vec<Name>, Vec<Name>) =
            held.iter().cloned().partition(|name| !only_hosts || serves(name));
        names.dropped = dropped;
        let left_over: BTreeSet<Name> = if all.is_empty() {
            BTreeSet::new()
        } else {
            kept.iter().filter(|name| !serves(name)).cloned().collect()
        };
        all.extend(kept.iter().cloned());
        let (covered, order): (Vec<Name>, Vec<Name>) = all
            .iter()
            .cloned()
            .partition(|name| all.iter().any(|other| other != name && other.covers(name)));
        names.covered = covered;
        names.present = order
            .iter()
            .filter(|name| held.iter().any(|has| has.covers(name)))
            .cloned()
            .collect();
        names.unrouted = order.iter().filter(|name| left_over.contains(*name)).cloned().collect();
        names.order = order;
        names
    }

    /// The names of another certificate that an order of these names would lose.
    pub fn lost(&self, certificate: impl IntoIterator<Item = Name>) -> Vec<Name> {
        let kept = |name: &Name| self.only_hosts || self.order.iter().any(|ordered| ordered.covers(name));
        certificate.into_iter().filter(|name| !kept(name)).collect()
    }

    /// The names that the present certificate does not have. If one of them fails, the others are ordered without it.
    pub fn new_names(&self) -> impl Iterator<Item = &Name> {
        self.order.iter().filter(|name| !self.present.contains(*name))
    }

    /// The same names without some that failed.
    #[must_use]
    pub fn without(&self, failed: &BTreeSet<Name>) -> Self {
        let mut rest = self.clone();
        rest.order.retain(|name| !failed.contains(name));
        rest.present.retain(|name| !failed.contains(name));
        rest.unrouted.retain(|name| !failed.contains(name));
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(hosts: &[&str], certificate: &[&str], only: bool) -> Names {
        Names::join(
            hosts.iter().copied(),
            certificate.iter().map(|n| n.parse().unwrap()),
            only,
        )
    }

    fn shown<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<String> {
        names.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_another_certificate_has_would_be_lost_unless_it_is_covered_or_not_wanted() {
        let other = || ["x.w.example", "old.example", "a.example"].map(|name| name.parse().unwrap());
        let names = join(&["a.example", "*.w.example"], &[], false);
        assert_eq!(shown(&names.lost(other())), ["old.example"]);
        assert!(join(&["a.example"], &[], true).lost(other()).is_empty());
    }

    #[test]
    fn no_name_is_lost_unless_asked_for() {
        let names = join(&["a.example", "new.example"], &["a.example", "old.example"], false);
        assert_eq!(shown(&names.order), ["a.example", "new.example", "old.example"]);
        assert_eq!(shown(names.new_names()), ["new.example"]);
        assert_eq!(shown(&names.unrouted), ["old.example"]);
        assert!(
            join(&[], &["old.example"], false).unrouted.is_empty(),
            "without routes there is nothing else to order"
        );
        assert!(
            join(&["a.shop.example"], &["*.shop.example"], false)
                .unrouted
                .is_empty()
        );
        let names = join(&["a.example", "new.example"], &["a.example", "old.example"], true);
        assert_eq!(shown(&names.order), ["a.example", "new.example"]);
        assert_eq!(shown(&names.dropped), ["old.example"]);
    }

    #[test]
    fn what_a_wildcard_covers_is_not_ordered_beside_it() {
        let names = join(
            &["a.shop.example", "b.a.shop.example", "shop.example"],
            &["*.shop.example"],
            true,
        );
        assert_eq!(
            shown(&names.order),
            ["b.a.shop.example", "shop.example", "*.shop.example"]
        );
        assert_eq!(shown(&names.covered), ["a.shop.example"]);
        assert!(names.dropped.is_empty());
        assert_eq!(shown(&names.present), ["*.shop.example"]);
    }

    #[test]
    fn a_host_that_the_present_wildcard_serves_is_not_new() {
        let names = join(&["*.shop.example", "a.shop.example"], &["*.shop.example"], false);
        assert_eq!(names.new_names().count(), 0);
    }

    #[test]
    fn hosts_that_nobody_can_certify_are_told() {
        let names = join(&["*", "ok.example"], &[], false);
        assert_eq!(shown(&names.order), ["ok.example"]);
        assert_eq!(names.impossible.len(), 1);
    }
}
