//! The certificate that is replaced, and what the CA may be told of it.

use super::super::run::Run;
use crate::{
    acme::CertId,
    apply::{
        KeyKind,
        secret::{Slots, Target as Present},
    },
    plan::limits::belongs_to,
    x509::{Fingerprint, KeyAlgorithm},
};

impl Run {
    /// The renewal of which the CA may be told: of a certificate that belongs to this account according to the note on its
    /// Secret, and for which the CA has a window.
    pub(super) async fn replaces(&self, held: Option<&Replaced>, present: &Present) -> Option<Renewal> {
        let held = held.filter(|_| !self.parts.options.rehearsal)?;
        let noted = |key: &str| present.annotation(key);
        if !belongs_to(noted, &held.sha256, self.parts.client.account_url()) {
            return None;
        }
        let id = held.id.clone()?;
        // Without an answer the order still names the certificate that it replaces, because the CA knows its window.
        let info = self.parts.client.acme().renewal_info(&id).await.ok();
        let now = crate::clock::now();
        let in_window = info.is_some_and(|info| info.is_open(now));
        Some(Renewal { id, in_window })
    }
}

/// A renewal of which the CA may be told.
pub(in crate::engine) struct Renewal {
    pub(in crate::engine) id: CertId,
    pub(in crate::engine) in_window: bool,
}

/// The certificate that is replaced.
pub(in crate::engine) struct Replaced {
    sha256: Fingerprint,
    id: Option<CertId>,
    algorithm: KeyAlgorithm,
}

impl Replaced {
    pub(in crate::engine) fn of(present: &Present, slots: &Slots) -> Option<Self> {
        let parsed = present.held(slots)?;
        let position = parsed.bundle.leaf?;
        let leaf = parsed.bundle.leaf()?;
        Some(Self {
            sha256: leaf.sha256,
            id: parsed.der.get(position).and_then(|der| CertId::of(der)),
            algorithm: leaf.key.clone(),
        })
    }

    /// The kind of its key, if new keys of that kind can be generated.
    pub(in crate::engine) fn kind(&self) -> Option<KeyKind> {
        KeyKind::of(&self.algorithm)
    }
}
