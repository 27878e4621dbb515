//! Secrets that cert-manager is asked for and has not yet started with. They belong to cert-manager, for renewals and
//! preflights alike.

use crate::{check::asked_of_cert_manager, inventory::Inventory, object::Key};

/// Why nothing is ordered for such a Secret without `--force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFor {
    /// The reason, not cleared for a terminal.
    pub what: String,
    /// What to do.
    pub hint: &'static str,
}

/// Describes the route whose annotation asks cert-manager for a Secret which no Certificate writes yet; `None` if there
/// is no such route.
pub fn asked_for(inventory: &Inventory, secret: &Key) -> Option<AskedFor> {
    let route = asked_of_cert_manager(inventory, secret)?;
    Some(AskedFor {
        what: format!(
            "Secret {secret} is cert-manager's: an annotation of {} {} asks for it, but there is no Certificate yet",
            route.kind.as_str(),
            route.key.name
        ),
        hint: "cert-manager creates the Certificate once its issuer exists; `kubectl get events` shows what it is waiting for; --force orders \
               here anyway",
    })
}
