//! Controllers whose choice is not known. The Secret that the route names for the host is assumed to be served.

use crate::inventory::{Inventory, binding::Binding};

use super::{Serving, choice::fittest};

/// The best of the named Secrets, whether or not it covers the host.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    fittest(inventory.named(binding), &binding.host).map_or_else(|| inventory.without_any(binding), Serving::Named)
}
