//! Which Secret a client is expected to get for a binding, according to the known behaviour of its controller.
//!
//! Each controller has one file, which answers one question, `serves(host)`: a Secret that is named for the host,
//! another Secret, the controller's default certificate, nothing, or chance. The documentation of the file says in
//! which file and version of the controller's source the rule is. What they share is in `choice`.

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

/// The Secret that is expected to be served for a binding.
#[derive(Debug, Clone, Copy)]
pub enum Serving<'a> {
    /// A Secret that is named for the binding.
    Named(&'a Stored),
    /// A Secret that another route brought, or that the same Ingress lists for other hosts.
    Other(&'a Stored),
    /// The controller's default certificate, with the Secret that it is configured to take, if that is known.
    Default(Option<&'a Stored>),
    /// One of two Secrets; what decides between them is not known. The first is the one that the latest versions serve,
    /// if versions differ.
    Chance(&'a Stored, &'a Stored, Rivalry),
    /// None of the known Secrets.
    Nothing,
    /// Unknown, because the deciding objects could not be read.
    Unread,
}

impl<'a> Serving<'a> {
    /// The Secret, whichever route brought it; the first of two between which chance decides.
    pub fn stored(self) -> Option<&'a Stored> {
        match self {
            Self::Named(stored) | Self::Other(stored) | Self::Chance(stored, ..) => Some(stored),
            Self::Default(stored) => stored,
            Self::Nothing | Self::Unread => None,
        }
    }

    /// The same result for a binding whose host another route decides.
    fn of_another(self) -> Self {
        match self {
            Self::Named(stored) => Self::Other(stored),
            same => same,
        }
    }
}

impl Inventory {
    /// The Secret that is expected to be served for a binding, as far as its controller is known.
    pub fn serving(&self, binding: &Binding) -> Serving<'_> {
        if self.secrets_left_out {
            return Serving::Unread;
        }
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

    /// The Secret that a route would get for a host if no other route decided.
    fn serves(&self, binding: &Binding, controller: Controller) -> Serving<'_> {
        match controller {
            // How Traefik treats a ListenerSet is not known; the rules of the Gateway API are assumed.
            Controller::Traefik if !binding.route.kind.is_listener_set() => traefik::serves(self, binding),
            _ if binding.listener.is_some() => gateway::serves(self, binding),
            _ => listed::serves(self, binding),
        }
    }

    /// What clients get if none of the Secrets exists that a binding names. The result is unknown if one of them could
    /// not be read.
    fn without_any<'a>(&self, binding: &Binding) -> Serving<'a> {
        if binding.secrets.iter().any(|key| self.is_unread(key)) {
            Serving::Unread
        } else {
            Serving::Nothing
        }
    }

    /// The existing Secrets that a binding names, in order.
    fn named<'a>(&'a self, binding: &Binding) -> impl Iterator<Item = &'a Stored> {
        binding.secrets.iter().filter_map(|key| self.secrets.get(key))
    }
}
