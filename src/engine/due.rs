//! What is due: what the CA says (ARI, RFC 9773), else what the certificate's lifetime says.

use std::hash::{BuildHasher as _, Hasher as _};

use futures_util::{StreamExt as _, stream};

use crate::{
    acme::{Acme, CertId},
    check::{self, Fact, Rules},
    inventory::Inventory,
    object::Seconds,
    plan::Target,
};

/// How many certificates the CA is asked about at the same time.
const AT_ONCE: usize = 16;

/// Whether a certificate is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Now, and why.
    Now(&'static str),
    /// Not yet: by the CA from this moment, where it says one.
    Later(Option<Seconds>),
}

/// Judges each target, in their order. The CA is asked about those that it may have issued; whoever else issued them, their
/// lifetime decides.
pub async fn judge(acme: &Acme, inventory: &Inventory, targets: &[Target], rules: Rules) -> Vec<Due> {
    stream::iter(targets)
        .map(|target| one(acme, inventory, target, rules))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn one(acme: &Acme, inventory: &Inventory, target: &Target, rules: Rules) -> Due {
    let Some(held) = &target.held else {
        return Due::Now("it holds no certificate");
    };
    if rules.now > held.not_after {
        return Due::Now("it has expired");
    }
    if acme.directory().renewal_info.is_some()
        && let Some(id) = id_of(inventory, target)
        && let Ok(info) = acme.renewal_info(&id).await
    {
        let seed = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let moment = info.moment(seed);
        return if moment <= rules.now {
            Due::Now("the CA says so")
        } else {
            Due::Later(Some(moment))
        };
    }
    by_verdict(inventory, target, rules)
}

/// What the checks say of the Secret: one rule for `status` and for renewals.
fn by_verdict(inventory: &Inventory, target: &Target, rules: Rules) -> Due {
    let Some(verdict) = check::secret(inventory, &target.secret, rules) else {
        return Due::Now("it holds no certificate");
    };
    let due = verdict.findings.iter().find_map(|finding| match finding.fact {
        Fact::RenewalDue { .. } => Some("most of its lifetime is over"),
        Fact::RenewNow { .. } => Some("the window that the CA gave has passed"),
        Fact::Expired { .. } => Some("it has expired"),
        _ => None,
    });
    due.map_or(Due::Later(verdict.changes_at), Due::Now)
}

/// The id by which the CA knows the certificate that a Secret holds; `None` when it holds none, or one without key id.
pub(super) fn id_of(inventory: &Inventory, target: &Target) -> Option<CertId> {
    let leaf = inventory.secrets().get(&target.secret)?.leaf()?;
    let key_id = leaf.authority_key_id.as_deref()?;
    Some(CertId::new(key_id, leaf.serial.bytes()))
}
