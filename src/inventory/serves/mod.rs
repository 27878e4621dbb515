//! Which Secret a client is expected to get for a binding, by what is known of its controller.
//!
//! One file a controller answers one question, `serves(host)`: a Secret that is named for the host, another one, the controller's
//! default certificate, nothing, or chance. Its documentation says in which file and version of the controller's source the rule
//! stands. What is common to them is in `choice`.

mod choice;
mod crowd;
mod gateway;
mod listed;
mod memo;
mod nginx;
mod shown;
mod store;
mod traefik;

use super::{Inventory, binding::Binding, controller::Controller, secrets::Stored};

pub use choice::{covers, usable};
pub use gateway::Recipients;
pub(super) use memo::Memo;
pub use shown::Rivalry;
pub(super) use store::NamedByStores;
pub use store::{DefaultCertificate, Why};

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
