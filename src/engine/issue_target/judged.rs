//! What was decided about a Secret, judged again once its Lease is held: another run may have renewed it meanwhile.

use super::super::{failure::TargetError, run::Run};
use crate::{
    acme::Stage,
    apply::{
        KeyKind,
        secret::{SHA256, Slots, Target as Present},
    },
    check,
    object::{Seconds, annotation::ISSUED_AT_DIRECTORY},
    plan::{Target, target::names_of},
    x509::{Certificate, KeyState, Parsed},
};

/// What a certificate has to be so that no other one is ordered.
pub(super) struct Wanted<'a> {
    /// The names and the certificate for which the decision was made ([`Target::held`]).
    pub(super) target: &'a Target,
    /// The kind of key that was asked for.
    pub(super) key_kind: Option<KeyKind>,
    /// The URL of the CA's directory.
    pub(super) directory: &'a str,
    /// Those of CAs whose certificates will do too.
    pub(super) others: &'a [String],
    /// Whether that CA is a staging CA.
    pub(super) staging: bool,
    /// The present time.
    pub(super) now: Seconds,
}

impl Run {
    /// Judges a target again by its Secret, read under the Lease. Nothing is ordered if the Secret holds another
    /// certificate than the one for which the renewal was decided, and that one will do or has more names than were
    /// planned.
    #[allow(clippy::result_large_err)] // Called once for each certificate.
    pub(super) fn judged_again(&self, target: &Target, present: &Present, slots: &Slots) -> Result<(), TargetError> {
        // A rehearsal stores nothing, so that nobody can have been faster.
        if self.parts.options.rehearsal {
            return Ok(());
        }
        let wanted = Wanted {
            target,
            key_kind: self.parts.options.key_kind,
            directory: self.parts.client.acme().directory_url(),
            others: &self.parts.options.directories,
            staging: self.parts.issuer.stage == Stage::Staging,
            now: crate::clock::now(),
        };
        wanted.judge(present, slots)
    }
}

impl Wanted<'_> {
    #[allow(clippy::result_large_err)] // Called once for each certificate.
    fn judge(&self, present: &Present, slots: &Slots) -> Result<(), TargetError> {
        let target = self.target;
        let parsed = present.held(slots);
        let Some((parsed, leaf)) = parsed.as_ref().and_then(|parsed| Some((parsed, parsed.bundle.leaf()?))) else {
            return Ok(());
        };
        let unchanged = match target.held.as_ref().map(|held| held.sha256) {
            // The decision may be about other data keys than those that an option names.
            Some(found) => found == leaf.sha256 || present.holds(found),
            None => *slots != Slots::default(),
        };
        if unchanged {
            return Ok(());
        }
        if self.will_do(present, slots, parsed, leaf) {
            return Err(TargetError::RenewedMeanwhile {
                secret: target.secret.clone(),
                until: leaf.not_after,
            });
        }
        // How they are proved was not planned, and nobody has agreed to it.
        let names = target.names.lost(names_of(leaf));
        if names.is_empty() {
            return Ok(());
        }
        Err(TargetError::MoreNames {
            secret: target.secret.clone(),
            names,
        })
    }

    /// Whether a certificate is what would be ordered: usable, for all names, not due, and of the CA and the kind of key
    /// that were chosen.
    fn will_do(&self, present: &Present, slots: &Slots, parsed: &Parsed, leaf: &Certificate) -> bool {
        let usable = parsed.bundle.key == KeyState::Matches
            && !leaf.self_signed
            && self.now < check::due_by_lifetime(leaf.not_before, leaf.not_after);
        let covers = self
            .target
            .names
            .order
            .iter()
            .all(|name| leaf.names.cover(&name.to_string()));
        let kind = self.key_kind.is_none_or(|kind| KeyKind::of(&leaf.key) == Some(kind));
        usable
            && covers
            && kind
            && present.revoked(leaf.sha256).is_none()
            && present.holds_staging(slots) == self.staging
            && self.is_of_ca(present, leaf)
    }

    /// Whether it comes from the chosen CA, as far as the note on the Secret tells.
    fn is_of_ca(&self, present: &Present, leaf: &Certificate) -> bool {
        if present.annotation(SHA256) != Some(leaf.sha256.to_string().as_str()) {
            return true;
        }
        present
            .annotation(ISSUED_AT_DIRECTORY)
            .is_none_or(|directory| directory == self.directory || self.others.iter().any(|it| it == directory))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        object::Key,
        plan::{Names, target::CurrentCertificate},
        x509::{
            Fingerprint,
            testing::{Authority, Issued},
        },
    };

    const NOW: Seconds = 1_800_000_000;
    const CA: &str = "https://ca.example/directory";

    /// A target for which the decision was made when its Secret held `found`.
    fn decided(found: Option<&Issued>, hosts: &[&str]) -> Target {
        Target {
            secret: Key::new("shop", "shop-tls"),
            uses: Vec::new(),
            names: Names::join(hosts.iter().copied(), Vec::new(), false),
            held: found.map(|leaf| CurrentCertificate {
                sha256: Fingerprint::of(&leaf.der),
                not_before: 0,
                not_after: NOW,
                issuer: "Root".to_owned(),
                staging: false,
            }),
            changes_ca: None,
        }
    }

    fn holding(leaf: &Issued, key: &str, annotations: &Value) -> Present {
        let object = json!({
            "metadata": {"annotations": annotations},
            "stringData": {"tls.crt": leaf.pem(), "tls.key": key},
        });
        Present::of(Key::new("shop", "shop-tls"), Some(object))
    }

    fn wanted(target: &Target) -> Wanted<'_> {
        Wanted {
            target,
            key_kind: None,
            directory: CA,
            others: &[],
            staging: false,
            now: NOW,
        }
    }

    fn judged(wanted: &Wanted<'_>, present: &Present) -> Result<(), Box<TargetError>> {
        wanted.judge(present, &Slots::default()).map_err(Box::new)
    }

    #[test]
    fn nothing_is_ordered_where_another_run_was_faster_and_only_then() {
        let root = Authority::root("Root");
        let (old, new) = (root.leaf("a.example"), root.leaf("a.example"));
        let target = decided(Some(&old), &["a.example"]);
        let with = |leaf: &Issued| holding(leaf, &leaf.key_pem(), &json!({}));
        assert!(judged(&wanted(&target), &with(&old)).is_ok());
        let gone = Present::of(target.secret.clone(), None);
        assert!(judged(&wanted(&target), &gone).is_ok());
        let error = judged(&wanted(&target), &with(&new)).unwrap_err();
        assert!(error.is_done_elsewhere());
        assert!(
            error
                .to_string()
                .starts_with("Secret shop/shop-tls was renewed by another run meanwhile, until 4096-01-01"),
            "{error}"
        );
        // There was none when it was decided.
        let none = decided(None, &["a.example"]);
        assert!(judged(&wanted(&none), &with(&new)).unwrap_err().is_done_elsewhere());
    }

    #[test]
    fn a_certificate_that_will_not_do_is_renewed_unless_it_would_lose_names() {
        let root = Authority::root("Root");
        let old = root.leaf("a.example");
        let target = decided(Some(&old), &["a.example"]);
        let other = root.leaf("b.example");
        let present = |leaf: &Issued, annotations: &Value| holding(leaf, &leaf.key_pem(), annotations);
        let error = judged(&wanted(&target), &present(&other, &json!({}))).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("holds a certificate for b.example too by now"),
            "{error}"
        );

        let again = |present: &Present, wanted: &Wanted<'_>| judged(wanted, present).is_ok();
        let new = root.leaf("a.example");
        let sha256 = Fingerprint::of(&new.der).to_string();
        assert!(
            again(&holding(&new, &old.key_pem(), &json!({})), &wanted(&target)),
            "no usable key"
        );
        let revoked = json!({"kubectl-certs.io/revoked": format!("{sha256} superseded")});
        assert!(again(&present(&new, &revoked), &wanted(&target)));
        let elsewhere =
            json!({"kubectl-certs.io/sha256": sha256, "kubectl-certs.io/directory": "https://other.example/dir"});
        assert!(again(&present(&new, &elsewhere), &wanted(&target)), "of another CA");
        let others = ["https://other.example/dir".to_owned()];
        let beside = Wanted {
            others: &others,
            ..wanted(&target)
        };
        assert!(!again(&present(&new, &elsewhere), &beside), "of one that will do too");
        let here = json!({"kubectl-certs.io/sha256": sha256, "kubectl-certs.io/directory": CA});
        assert!(!again(&present(&new, &here), &wanted(&target)));
        let staged = json!({"kubectl-certs.io/sha256": sha256, "kubectl-certs.io/stage": "staging"});
        assert!(again(&present(&new, &staged), &wanted(&target)), "of a staging CA");
        let rsa = Wanted {
            key_kind: Some(KeyKind::Rsa2048),
            ..wanted(&target)
        };
        assert!(again(&present(&new, &json!({})), &rsa), "of another kind of key");
        let due = root.leaf_with("a.example", |params| {
            params.not_before = rcgen::date_time_ymd(2026, 11, 1);
            params.not_after = rcgen::date_time_ymd(2027, 1, 30);
        });
        assert!(
            again(&present(&due, &json!({})), &wanted(&target)),
            "due by its lifetime"
        );
    }

    #[test]
    fn the_certificate_of_another_data_key_is_no_change() {
        let root = Authority::root("Root");
        let (old, new) = (root.leaf("a.example"), root.leaf("a.example"));
        let target = decided(Some(&old), &["a.example"]);
        let object = json!({"metadata": {}, "stringData": {
            "tls.crt": old.pem(), "tls.key": old.key_pem(), "own.crt": new.pem(), "own.key": new.key_pem(),
        }});
        let present = Present::of(target.secret.clone(), Some(object));
        let slots = Slots {
            certificate: "own.crt".to_owned(),
            key: "own.key".to_owned(),
        };
        assert!(wanted(&target).judge(&present, &slots).is_ok());
    }
}
