//! Controllers whose choice is not known: what the route names for the host is taken to be served.

use crate::inventory::{Inventory, binding::Binding};

use super::{Serving, choice::fittest};

/// The best of the Secrets that are named, whether it covers the host or not.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    fittest(inventory.named(binding), &binding.host).map_or_else(|| inventory.without_any(binding), Serving::Named)
}
