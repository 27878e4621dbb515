//! Listeners of the Gateway API, but for Traefik's: the certificates that a listener refers to are served for its hosts.

use crate::inventory::{Inventory, binding::Binding};

use super::{Serving, choice::fittest};

/// The best of the Secrets that the listener refers to and may use.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    fittest(inventory.named(binding), &binding.host).map_or(Serving::Nothing, Serving::Named)
}
