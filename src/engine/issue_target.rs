//! The course of one certificate: lease, journal, order, verification, store, restart, and the check that it is served.

mod finish;
mod judged;
mod replaced;

use std::sync::{Arc, PoisonError, atomic::AtomicBool};

pub(super) use replaced::{Renewal, Replaced};

use finish::{Storing, WithLeftOut, without};

use super::{
    authorize::{AuthorizationRequest, Refused},
    cleanup, defect,
    failure::TargetError,
    journal::{self, Entry, Journal, JournalError, Left, LeftEntry},
    lease::{Lease, Taking},
    obtain::{ObtainError, OrderRequest},
    run::{Issued, Run},
    store::Destination,
};
use crate::{
    acme::{AcmeError, Issuer, Stage},
    apply::{
        KeyKind,
        key::PrivateKey,
        secret::{self, Slots, Target as Present},
    },
    event::{EventKind, Teller},
    name::Name,
    plan::{
        Names, Target,
        limits::{Exceeded, OrderKind},
    },
    solve::dns01::Dns01,
};

impl Run {
    /// Runs the whole course, from the lease to the end.
    pub(super) async fn issue_target(&self, target: &Target, tell: &Teller) -> Result<Issued, TargetError> {
        if !super::prepare::is_name(&target.secret) {
            return Err(TargetError::NotAName(target.secret.clone()));
        }
        orderable(target, &self.parts.issuer)?;
        let lease = match &self.parts.destination {
            Destination::Cluster(api) => {
                let permitted = self.parts.options.authority.permit()?;
                let taking = Taking {
                    cancel: Some(&self.parts.cancel),
                    tell: Some(tell),
                    leading: permitted.leading(),
                    ..Taking::default()
                };
                match Lease::take_with(api, &target.secret, &self.parts.id, &taking).await {
                    Ok(lease) => Some(lease),
                    Err(_) if self.parts.cancel.is_cancelled() => return Err(TargetError::Interrupted),
                    Err(error) => return Err(error.into()),
                }
            }
            Destination::Directory { .. } => None,
        };
        // The Lease is given back whatever happens.
        let result = defect::caught(Box::pin(self.under_lease(target, lease.as_ref(), tell))).await;
        self.parts.standing.journals.remove(&target.secret);
        if lease.is_some() {
            self.give_back(lease).await;
        }
        let WithLeftOut { issued, left_out } = result?;
        without(left_out, None).map_or(Ok(issued), Err)
    }

    async fn under_lease(
        &self,
        target: &Target,
        lease: Option<&Lease>,
        tell: &Teller,
    ) -> Result<WithLeftOut, TargetError> {
        #[cfg(debug_assertions)]
        defect::planted(&target.secret);
        let present = self.present(target).await?;
        let options = secret::Options {
            slots: self.parts.options.slots.clone(),
            staging: self.parts.issuer.stage == Stage::Staging,
            overwrite_with_staging: self.parts.options.overwrite_with_staging,
            force: self.parts.options.force,
            copies: false,
        };
        if !self.parts.options.rehearsal {
            // Check this before anything is ordered.
            secret::may_be_written(&present, &options)?;
        }
        self.judged_again(target, &present, &options.slots)?;
        let found = journal::find(&self.parts.journal, &target.secret).await?;
        let held = Replaced::of(&present, &options.slots);
        let kind = self.key_kind(held.as_ref(), found.as_ref());
        let resumed = found.as_ref().and_then(|found| self.resumable(found, kind));
        let key = self.key(&present, &options.slots, kind, resumed.as_ref()).await?;
        let resume = resumed.and_then(|found| found.entry.order.clone());
        let renewal = self.replaces(held.as_ref(), &present).await;
        if resume.is_none() {
            // What would exceed a limit writes nothing. Each order is checked again when it is made.
            let in_window = renewal.as_ref().is_some_and(|r| r.in_window);
            self.within_limits(target, in_window)?;
        }
        let holds = holds(&present, &options.slots);
        let entry = self.entry(target, kind, found.as_ref(), resume.clone(), &holds);
        let has_changed = entry.held.as_ref() != Some(&holds);
        let left = entry.left.clone();
        let journal = self.begin(target, entry, &key, found).await?;
        let obtaining = OrderRequest {
            proving: AuthorizationRequest {
                client: &self.parts.client,
                choose: &self.parts.solvers,
                hosts: &self.parts.standing.hosts,
                cancel: &self.parts.cancel,
                tell,
            },
            journal: &journal,
            profile: self.parts.issuer.profile.clone(),
            renewal,
            limits: self.parts.options.limits.as_ref(),
            authority: &self.parts.options.authority,
            preferred_chain: self.parts.issuer.preferred_chain.clone(),
            common_name: self.parts.issuer.common_name,
            key: &key,
            counter: &self.counter,
            proved: AtomicBool::new(false),
        };
        let obtained = Box::pin(obtaining.certificate(&target.names, resume.clone())).await;
        self.parts.standing.journals.remove(&target.secret);
        let obtained = match obtained {
            Ok(obtained) => obtained,
            // Everything about the order is another run's by now.
            Err(error) if error.is_taken() => return Err(error.into()),
            Err(error) => {
                self.note_failure(&error);
                // Continue an order that the CA is still processing, but not one that failed or that was cancelled or
                // refused.
                let none = journal.entry().await.order.is_none();
                let going_on = match &error {
                    ObtainError::Acme(error) => !matches!(error, AcmeError::Distrusted { .. }),
                    ObtainError::Journal(_) | ObtainError::InterruptedLate => true,
                    _ => false,
                };
                let proved = obtaining.proved.into_inner();
                if none || !going_on {
                    self.close(&journal, &left, tell).await;
                }
                self.record_failure(target, &error).await;
                let error = match unrouted(error, &target.names) {
                    ObtainError::Limit(exceeded) => self.limited(exceeded),
                    error => error.into(),
                };
                // An order whose names are not proved yet may fail because its answers are missing.
                return Err(if going_on && proved {
                    self.kept(error, target, &present, &options, &journal).await
                } else {
                    error
                });
            }
        };
        let resumed = resume.is_some_and(|url| url == obtained.order);
        let storing = Storing {
            present: &present,
            options: &options,
            key: &key,
            lease,
            may_be_older: resumed && has_changed,
            journal: &journal,
            left: &left,
        };
        match self.finish_one(target, &storing, obtained, tell).await {
            Ok(issued) => Ok(issued),
            Err(error) if error.is_after_storing() => Err(error),
            // The certificate of an old order would be refused each time.
            Err(error @ (TargetError::Pair(_) | TargetError::Older { .. })) if resumed => {
                self.close(&journal, &left, tell).await;
                Err(error)
            }
            // The issued certificate is not lost.
            Err(error) => Err(self.kept(error, target, &present, &options, &journal).await),
        }
    }

    /// Begins the journal of an order, in place of one that an earlier run has left.
    async fn begin(
        &self,
        target: &Target,
        entry: Entry,
        key: &PrivateKey,
        former: Option<LeftEntry>,
    ) -> Result<Arc<Journal>, JournalError> {
        let (place, secret) = (&self.parts.journal, &target.secret);
        let journal = Journal::begin(place, secret, &self.parts.id, entry, key.pem().clone(), former).await?;
        let journal = Arc::new(journal);
        let names = target.names.order.clone();
        self.parts
            .standing
            .journals
            .add(secret.clone(), names, Arc::clone(&journal));
        Ok(journal)
    }

    /// Ends a journal, and removes what a killed run had recorded in it. What cannot be removed stays recorded. This
    /// happens once the certificate is stored, so that a failure is only reported.
    async fn close(&self, journal: &Journal, before: &[Left], tell: &Teller) {
        // Another run that has taken over needs what is recorded, and removes it.
        if matches!(journal.check().await, Err(JournalError::Taken(_))) {
            return;
        }
        let dns = self.parts.solvers.dns01.as_deref();
        let mut still = Vec::new();
        for left in before {
            // Changes were undone when the run began.
            let Left::Record(written) = left else { continue };
            let Some(error) = cleanup::record(dns, written).await.err() else {
                continue;
            };
            tell.tell(EventKind::Note {
                text: format!("{}; `kubectl certs cleanup` removes it", error.text),
            });
            still.push(left.clone());
        }
        let not_removed = dns.map(Dns01::left).unwrap_or_default();
        for left in journal.entry().await.left {
            let ours = matches!(&left, Left::Record(written) if not_removed.contains(written));
            if ours && !still.contains(&left) {
                still.push(left);
            }
        }
        let ended = if still.is_empty() {
            journal.end().await
        } else {
            journal.keep_only(still).await
        };
        if let Err(error) = ended {
            tell.tell(EventKind::Note {
                text: format!(
                    "the journal of this order remains: {}; `kubectl certs cleanup` removes it",
                    crate::error::chain(&error)
                ),
            });
        }
    }

    /// The present state of the Secret.
    async fn present(&self, target: &Target) -> Result<Present, TargetError> {
        if let Some(rows) = self.rows_of(&target.secret) {
            return rows.read(&target.secret).await.map_err(TargetError::Row);
        }
        match &self.parts.destination {
            Destination::Cluster(api) => Present::read(api, &target.secret).await.map_err(TargetError::Api),
            Destination::Directory { present, .. } => {
                let read = present.lock().unwrap_or_else(PoisonError::into_inner).take();
                let read = read.filter(|read| *read.key() == target.secret);
                Ok(read.unwrap_or_else(|| Present::of(target.secret.clone(), None)))
            }
        }
    }

    fn key_kind(&self, held: Option<&Replaced>, found: Option<&LeftEntry>) -> KeyKind {
        let resumed = || found.and_then(|found| found.entry.key_type.parse().ok());
        self.parts
            .options
            .key_kind
            .or_else(|| held.and_then(Replaced::kind))
            .or_else(resumed)
            .unwrap_or_default()
    }

    /// Whether an order of a killed run can be continued: the CA, account, profile and kind of key have to be the same.
    fn resumable<'f>(&self, found: &'f LeftEntry, kind: KeyKind) -> Option<&'f LeftEntry> {
        let entry = &found.entry;
        let same = entry.directory == self.parts.client.acme().directory_url()
            && entry.account == self.parts.client.account_url()
            && entry.profile == self.parts.issuer.profile
            && entry.key_type == kind.as_str()
            && entry.order.is_some()
            && found.key.is_some();
        same.then_some(found)
    }

    async fn key(
        &self,
        present: &Present,
        slots: &Slots,
        kind: KeyKind,
        resumed: Option<&&LeftEntry>,
    ) -> Result<PrivateKey, TargetError> {
        if let Some(pem) = resumed.and_then(|found| found.key.as_ref())
            && let Ok(key) = PrivateKey::from_pem(pem)
        {
            return Ok(key);
        }
        if self.parts.options.reuse_key
            && let Some(pem) = present.private_key(slots)
        {
            return Ok(PrivateKey::from_pem(&pem)?);
        }
        // Generating an RSA key takes one core several seconds.
        match tokio::task::spawn_blocking(move || PrivateKey::generate(kind)).await {
            Ok(key) => Ok(key?),
            Err(error) => Err(defect::of_task(error)),
        }
    }

    #[allow(clippy::result_large_err)] // Called once for each certificate.
    fn within_limits(&self, target: &Target, in_window: bool) -> Result<(), TargetError> {
        let Some(limits) = &self.parts.options.limits else {
            return Ok(());
        };
        let names = &target.names.order;
        match self.counter.exceeded(limits, names, in_window, crate::clock::now()) {
            None => Ok(()),
            Some(exceeded) => Err(self.limited(exceeded)),
        }
    }

    fn limited(&self, exceeded: Exceeded) -> TargetError {
        TargetError::Limit {
            issuer: self.parts.issuer.name.clone(),
            exceeded,
        }
    }

    /// What the note says of an order; nothing where it was not counted.
    fn counted(&self, kind: OrderKind) -> Option<OrderKind> {
        self.parts.standing.ledger.limits().map(|_| kind)
    }

    fn entry(
        &self,
        target: &Target,
        kind: KeyKind,
        found: Option<&LeftEntry>,
        resume: Option<String>,
        holds: &str,
    ) -> Entry {
        Entry {
            // Of an order that goes on, what the Secret held when it began.
            held: match &resume {
                Some(_) => found.and_then(|found| found.entry.held.clone()),
                None => Some(holds.to_owned()),
            },
            directory: self.parts.client.acme().directory_url().to_owned(),
            account: self.parts.client.account_url().to_owned(),
            finalizing: resume.is_some() && found.is_some_and(|found| found.entry.finalizing),
            order: resume,
            names: target.names.order.iter().map(ToString::to_string).collect(),
            profile: self.parts.issuer.profile.clone(),
            key_type: kind.as_str().to_owned(),
            started: crate::clock::now(),
            // What a killed run left stays recorded until it is removed.
            left: found.map(|found| found.entry.left.clone()).unwrap_or_default(),
        }
    }

    fn note_failure(&self, error: &ObtainError) {
        let ObtainError::Names(failed) = error else { return };
        for (name, refused) in failed {
            self.note_refused(name, refused);
        }
    }

    /// Counts a name whose validation failed.
    fn note_refused(&self, name: &Name, refused: &Refused) {
        match refused {
            Refused::Ca { method: Some(_), .. } => self.counter.failed(name),
            Refused::Unrouted(why) => self.note_refused(name, why),
            _ => {}
        }
    }
}

/// The certificate that a Secret holds, as the journal has it.
fn holds(present: &Present, slots: &Slots) -> String {
    present
        .sha256(slots)
        .map(|sha256| sha256.to_string())
        .unwrap_or_default()
}

/// Marks the failed names that no route has any more.
fn unrouted(error: ObtainError, names: &Names) -> ObtainError {
    match error {
        ObtainError::Names(failed) => {
            let judged = failed.into_iter().map(|(name, why)| {
                let why = if names.unrouted.contains(&name) {
                    why.unrouted()
                } else {
                    why
                };
                (name, why)
            });
            ObtainError::Names(judged.collect())
        }
        other => other,
    }
}

/// Checks what can be judged without a request.
#[allow(clippy::result_large_err)] // Called once for each certificate.
pub(super) fn orderable(target: &Target, issuer: &Issuer) -> Result<(), TargetError> {
    if !target.names.impossible.is_empty() {
        return Err(TargetError::Impossible(target.names.impossible.clone()));
    }
    if target.names.order.is_empty() {
        return Err(TargetError::NoNames(target.secret.clone()));
    }
    let count = target.names.order.len();
    if let Some((most, profile)) = most_names(issuer).filter(|(most, _)| count > *most) {
        return Err(TargetError::TooManyNames { count, most, profile });
    }
    Ok(())
}

/// How many names a certificate may have, where that is known (<https://letsencrypt.org/docs/profiles/>).
fn most_names(issuer: &Issuer) -> Option<(usize, String)> {
    if issuer.stage == Stage::Own {
        return None;
    }
    let (name, profile) = (&issuer.name, issuer.profile.as_deref());
    Some(match profile {
        Some(profile @ ("tlsserver" | "shortlived")) => (25, format!("profile {profile} of {name}")),
        _ => (100, name.clone()),
    })
}
