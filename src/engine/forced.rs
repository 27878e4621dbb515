//! What `--force` overrides: the user sees the reasons that would otherwise stop a renewal before agreeing to it.

use futures_util::{StreamExt as _, stream};

use super::{
    certmanager,
    prepare::{Preparing, slots},
};
use crate::{
    apply::{
        Api, Permits,
        secret::{self, Refusal},
    },
    check,
    inventory::Inventory,
    object::Key,
};

/// How many Secrets are read at once.
const AT_ONCE: usize = 16;

/// A line for each reason that `--force` overrides; none without `--force`. Secrets that cannot be read are reported by
/// the run itself. Not cleared for a terminal.
pub async fn lines(preparing: &Preparing<'_>) -> Vec<String> {
    if !preparing.settings.certificate.force {
        return Vec::new();
    }
    let of_targets = stream::iter(preparing.targets).map(|target| of_one(preparing, &target.secret));
    let all: Vec<Vec<String>> = of_targets.buffered(AT_ONCE).collect().await;
    all.into_iter()
        .flatten()
        .map(|line| format!("--force: {line}"))
        .collect()
}

async fn of_one(preparing: &Preparing<'_>, secret: &Key) -> Vec<String> {
    let inventory = preparing.inventory;
    let mut lines: Vec<String> = certmanager::asked_for(inventory, secret)
        .into_iter()
        .map(|asked| asked.what)
        .collect();
    let Some(connection) = preparing.connection else {
        let owner = owned_by_another(inventory, secret);
        lines.extend(owner.map(|owner| format!("Secret {secret} belongs to {owner}, which may write over it")));
        return lines;
    };
    let reader = Api::new(connection.clone(), Permits::none());
    if let Ok(present) = secret::Target::read(&reader, secret).await {
        let against = secret::stopped(&present, &slots(preparing.settings));
        lines.extend(against.iter().map(|refusal| match refusal {
            Refusal::Owned { .. } => format!("{refusal}, which may write over it"),
            _ => refusal.to_string(),
        }));
    }
    lines
}

/// The owner that writes a Secret of the manifests, if it is not this program.
fn owned_by_another(inventory: &Inventory, secret: &Key) -> Option<String> {
    let stored = inventory.secrets().get(secret)?;
    let owner = check::owner(inventory, secret)?;
    (!check::is_claimed(stored)).then_some(owner)
}
