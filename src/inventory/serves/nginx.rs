//! ingress-nginx: the Secret of the tls entry that lists the host, where it can be used and covers it.

use crate::{
    inventory::{
        Inventory,
        binding::{Binding, Origin},
        secrets::Stored,
    },
    object::Key,
};

use super::{
    Serving,
    choice::{covers, fittest, usable},
};

/// The Secret that is named; for a host that no tls entry lists, any Secret of that Ingress whose names cover it.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    let best = fittest(inventory.named(binding), &binding.host);
    if let Some(stored) = best.filter(|stored| covers(stored, &binding.host)) {
        return Serving::Named(stored);
    }
    if let Some(other) = of_the_same_ingress(inventory, binding) {
        return Serving::Other(other);
    }
    best.map_or(Serving::Nothing, Serving::Named)
}

fn of_the_same_ingress<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<&'a Stored> {
    if binding.origin != Origin::RuleOnly {
        return None;
    }
    let ingress = inventory.ingress_of(&binding.route)?;
    let names = ingress.tls.iter().filter_map(|entry| entry.secret.as_ref());
    names
        .filter_map(|name| {
            let key = Key::new(ingress.meta.namespace.clone(), name.clone());
            inventory.secrets.get(&key)
        })
        .find(|stored| usable(stored) && covers(stored, &binding.host))
}
