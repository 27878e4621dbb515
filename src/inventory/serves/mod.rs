//! Which Secret a client is expected to get for a binding, by what is known of its controller.
//!
//! One file a controller answers one question, `serves(host)`: a Secret that is named for the host, another one, the controller's
//! default certificate, nothing, or chance. Its documentation says in which file and version of the controller's source the rule
//! stands. What is common to them is in `choice`.

mod choice;
mod gateway;
mod listed;
mod nginx;
mod store;
mod traefik;

use crate::object::Seconds;

use super::{
    Inventory,
    binding::{Binding, Origin, RouteKey},
    controller::Controller,
    ingress::EVERY_HOST,
    secrets::Stored,
    settle::MANY,
};

pub use choice::{covers, usable};
pub use gateway::Recipients;
pub(super) use store::NamedByStores;
pub use store::{DefaultCertificate, Rivalry, Why};

/// Which Secret is expected to be served for a binding.
#[derive(Debug, Clone, Copy)]
pub enum Serving<'a> {
    /// One that is named for it.
    Named(&'a Stored),
    /// One that another route brought, or that is listed for other hosts of the same Ingress.
    Other(&'a Stored),
    /// The controller's default certificate: the Secret that it was told to take, where that is known.
    Default(Option<&'a Stored>),
    /// One of these two: what is not known decides which. The first is what the latest versions serve, where versions differ.
    Chance(&'a Stored, &'a Stored, Rivalry),
    /// None of those that are known.
    Nothing,
    /// What decides it could not be read: nothing is known.
    Unread,
}

impl<'a> Serving<'a> {
    /// The Secret, whoever brought it; the first of those that chance takes one of.
    pub fn stored(self) -> Option<&'a Stored> {
        match self {
            Self::Named(stored) | Self::Other(stored) | Self::Chance(stored, ..) => Some(stored),
            Self::Default(stored) => stored,
            Self::Nothing | Self::Unread => None,
        }
    }

    /// The same for a binding whose host another route decides for.
    fn of_another(self) -> Self {
        match self {
            Self::Named(stored) => Self::Other(stored),
            same => same,
        }
    }
}

impl Inventory {
    /// Which Secret is expected to be served for a binding, as far as its controller is known.
    pub fn serving(&self, binding: &Binding) -> Serving<'_> {
        let controller = self.controller(&binding.route);
        if controller == Controller::IngressNginx {
            return nginx::serves(self, binding);
        }
        if let Some(winner) = self.winner(binding, controller)
            && winner.route != binding.route
        {
            return self.serves(winner, controller).of_another();
        }
        self.serves(binding, controller)
    }

    /// What a route gets for a host, were there no other route of that host that decides.
    fn serves(&self, binding: &Binding, controller: Controller) -> Serving<'_> {
        match controller {
            // Of a ListenerSet, Traefik's choice is not known: it is taken as the Gateway API has it.
            Controller::Traefik if !binding.route.kind.is_listener_set() => traefik::serves(self, binding),
            _ if binding.listener.is_some() => gateway::serves(self, binding),
            _ => listed::serves(self, binding),
        }
    }

    /// Of several routes of one host, the one whose certificate counts: the oldest, where the controller has that rule
    /// and every route says when it was made. Ingresses without any tls entry do not take part, and of ingress-nginx's those
    /// without a rule for the host; of two of the same second, ingress-nginx takes the later by name (store.go,
    /// `sortIngressSlice`).
    pub fn winner(&self, binding: &Binding, controller: Controller) -> Option<&Binding> {
        if !controller.oldest_wins() || binding.host == EVERY_HOST {
            return None;
        }
        let ids = self.bindings_of_host(&binding.host);
        if ids.len() < 2 {
            return None;
        }
        let nginx = controller == Controller::IngressNginx;
        let mut oldest: Option<(Seconds, &Binding)> = None;
        for other in ids.iter().take(MANY).filter_map(|id| self.bindings.get(*id)) {
            if !self.shares_hosts(&binding.route, &other.route)
                || !self.has_tls(&other.route)
                || (nginx && (!other.in_rules || matches!(other.origin, Origin::Alias | Origin::Redirect)))
            {
                continue;
            }
            let made = self.created(&other.route)?;
            let goes_before = |old: &Binding| {
                if nginx {
                    other.route > old.route
                } else {
                    other.route < old.route
                }
            };
            if oldest.is_none_or(|(at, old)| made < at || (made == at && goes_before(old))) {
                oldest = Some((made, other));
            }
        }
        oldest.map(|(_, winner)| winner)
    }

    fn has_tls(&self, route: &RouteKey) -> bool {
        self.ingress_of(route).is_some_and(|ingress| !ingress.tls.is_empty())
    }

    /// What clients get where none of the Secrets that a binding names is there: nothing is known while one could not be read.
    fn without_any<'a>(&self, binding: &Binding) -> Serving<'a> {
        if binding.secrets.iter().any(|key| self.is_unread(key)) {
            Serving::Unread
        } else {
            Serving::Nothing
        }
    }

    /// The Secrets that a binding names and that are there, in their order.
    fn named<'a>(&'a self, binding: &Binding) -> impl Iterator<Item = &'a Stored> {
        binding.secrets.iter().filter_map(|key| self.secrets.get(key))
    }
}
