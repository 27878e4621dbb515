//! The course of one certificate: lease, journal, order, verification, store, restart, and the check that it is served.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    authorize::{AuthorizationRequest, Refused},
    cleanup,
    failure::{TargetError, names as names_of},
    journal::{self, Entry, Journal, Left, LeftEntry},
    lease::{Lease, Taking},
    obtain::{ObtainError, Obtained, OrderRequest},
    run::{Issued, Run},
    store::{Destination, StoreRequest},
};
use crate::{
    acme::{AcmeError, CertId, Chain, Issuer, Stage},
    apply::{
        KeyKind, Pair,
        key::PrivateKey,
        secret::{self, Note, Slots, Target as Present},
    },
    error::{Diagnose, chain},
    event::{EventKind, Teller},
    name::Name,
    object::Seconds,
    plan::{
        Names, Target,
        limits::{OrderKind, belongs_to},
    },
    solve::dns01::Dns01,
    x509::{Fingerprint, KeyAlgorithm},
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
                let taking = Taking {
                    cancel: Some(&self.parts.cancel),
                    tell: Some(tell),
                    observed: None,
                };
                match Lease::take_with(api, &target.secret, &self.parts.id, &taking).await {
                    Ok(lease) => Some(lease),
                    Err(_) if self.parts.cancel.is_cancelled() => return Err(TargetError::Interrupted),
                    Err(error) => return Err(error.into()),
                }
            }
            Destination::Directory { .. } => None,
        };
        let result = Box::pin(self.under_lease(target, lease.as_ref(), tell)).await;
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
        let present = self.present(target).await?;
        let options = secret::Options {
            slots: self.parts.options.slots.clone(),
            staging: self.parts.issuer.stage == Stage::Staging,
            overwrite_with_staging: self.parts.options.overwrite_with_staging,
            force: self.parts.options.force,
        };
        if !self.parts.options.rehearsal {
            // Check this before anything is ordered.
            secret::may_be_written(&present, &options)?;
        }
        let found = journal::find(&self.parts.journal, &target.secret).await?;
        let held = Replaced::of(&present, &options.slots);
        let kind = self.key_kind(held.as_ref(), found.as_ref());
        let resumed = found.as_ref().and_then(|found| self.resumable(found, kind));
        let key = self.key(&present, &options.slots, kind, resumed.as_ref()).await?;
        let resume = resumed.and_then(|found| found.entry.order.clone());
        let renewal = self.replaces(held.as_ref(), &present, resume.is_none()).await;
        let in_window = renewal.as_ref().is_some_and(|r| r.in_window);
        if resume.is_none() {
            self.within_limits(target, in_window)?;
        }
        let entry = self.entry(target, kind, found.as_ref(), resume.clone());
        let left = entry.left.clone();
        let resumed = resume.is_some();
        let journal = Journal::begin(
            &self.parts.journal,
            &target.secret,
            &self.parts.id,
            entry,
            key.pem().clone(),
            found,
        )
        .await?;
        let journal = Arc::new(journal);
        self.parts
            .standing
            .journals
            .add(target.secret.clone(), target.names.order.clone(), Arc::clone(&journal));
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
            replaces: renewal.map(|r| r.id),
            in_window,
            preferred_chain: self.parts.issuer.preferred_chain.clone(),
            common_name: self.parts.issuer.common_name,
            key: &key,
            counter: &self.counter,
            proved: AtomicBool::new(false),
        };
        let obtained = Box::pin(obtaining.certificate(&target.names, resume)).await;
        self.parts.standing.journals.remove(&target.secret);
        let obtained = match obtained {
            Ok(obtained) => obtained,
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
                let error = TargetError::from(unrouted(error, &target.names));
                // An order whose names are not proved yet may fail because its answers are missing.
                return Err(if going_on && proved {
                    self.kept(error, target, &present, &options, &journal).await
                } else {
                    error
                });
            }
        };
        let issued = self
            .finish_one(target, &present, &options, obtained, &key, lease, tell)
            .await;
        match issued {
            Ok(_) => {}
            Err(ref error) if error.is_after_storing() => {}
            // The certificate of an old order would be refused each time.
            Err(TargetError::Pair(_)) if resumed => {}
            // The issued certificate is not lost.
            Err(error) => return Err(self.kept(error, target, &present, &options, &journal).await),
        }
        self.close(&journal, &left, tell).await;
        issued
    }

    /// Ends a journal, and removes what a killed run had recorded in it. What cannot be removed stays recorded. This
    /// happens after everything that matters, so that a failure is only reported.
    async fn close(&self, journal: &Journal, before: &[Left], tell: &Teller) {
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
        match &self.parts.destination {
            Destination::Cluster(api) => Present::read(api, &target.secret).await.map_err(TargetError::Api),
            Destination::Directory { .. } => Ok(Present::of(target.secret.clone(), None)),
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
            Err(_) => Err(TargetError::Interrupted),
        }
    }

    /// The renewal of which the CA may be told: of a certificate that belongs to this account according to the note on its
    /// Secret, and for which the CA has a window.
    async fn replaces(&self, held: Option<&Replaced>, present: &Present, wanted: bool) -> Option<Renewal> {
        let held = held.filter(|_| wanted && !self.parts.options.rehearsal)?;
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

    #[allow(clippy::result_large_err)] // Called once for each certificate.
    fn within_limits(&self, target: &Target, in_window: bool) -> Result<(), TargetError> {
        let Some(limits) = &self.parts.options.limits else {
            return Ok(());
        };
        let names = &target.names.order;
        match self.counter.exceeded(limits, names, in_window, crate::clock::now()) {
            None => Ok(()),
            Some(exceeded) => Err(TargetError::Limit {
                issuer: self.parts.issuer.name.clone(),
                exceeded,
            }),
        }
    }

    /// What the note says of an order; nothing where it was not counted.
    fn counted(&self, kind: OrderKind) -> Option<OrderKind> {
        self.parts.standing.ledger.limits().map(|_| kind)
    }

    fn entry(&self, target: &Target, kind: KeyKind, found: Option<&LeftEntry>, resume: Option<String>) -> Entry {
        Entry {
            directory: self.parts.client.acme().directory_url().to_owned(),
            account: self.parts.client.account_url().to_owned(),
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

    /// Verifies and stores the certificate, restarts workloads, and checks that it is served.
    #[allow(clippy::too_many_arguments)]
    async fn finish_one(
        &self,
        target: &Target,
        present: &Present,
        options: &secret::Options,
        obtained: Obtained,
        key: &PrivateKey,
        lease: Option<&Lease>,
        tell: &Teller,
    ) -> Result<WithLeftOut, TargetError> {
        let Obtained {
            chain,
            names,
            order,
            left_out,
            kind,
        } = obtained;
        // The CA has issued it, whatever is said of it here.
        self.counter.issued(&names, kind);
        for (name, refused) in &left_out {
            self.note_refused(name, refused);
        }
        let pair = Pair::check(
            key.pem().clone(),
            chain.pem.as_bytes(),
            &names,
            crate::clock::now(),
            &self.parts.options.roots,
        )?;
        let held = present.held(&options.slots);
        super::accept::judge(&pair, &names, held.as_ref(), crate::clock::now())?;
        let leaf = pair.leaf();
        let not_after = leaf.not_after;
        tell.tell(EventKind::Issued {
            sha256: pair.sha256().to_string(),
            not_after,
            issuer: leaf.issuer.short.to_string(),
        });
        if let Some(text) = chain_note(&chain) {
            tell.tell(EventKind::Note { text });
        }
        let mut issued = Issued {
            names,
            not_after,
            place: None,
        };
        if self.parts.options.rehearsal {
            return Ok(WithLeftOut { issued, left_out });
        }
        let note = Note {
            run: self.parts.id.clone(),
            issuer: self.parts.issuer.name.clone(),
            directory: self.parts.issuer.directory_url.clone(),
            order: Some(order),
            account: Some(self.parts.client.account_url().to_owned()),
            kind: self.counted(kind),
            at: crate::clock::now(),
            window: self.window(&pair).await,
        };
        let storing = StoreRequest {
            options,
            note: &note,
            run: &self.parts.id,
        };
        let stored = match &self.parts.destination {
            Destination::Cluster(api) => {
                storing
                    .into_secret(api, present, &pair, lease, &self.parts.cancel)
                    .await?
            }
            Destination::Directory { directory, force } => {
                storing
                    .into_directory(directory.clone(), *force, present, &pair)
                    .await?
            }
        };
        tell.tell(EventKind::Stored {
            place: stored.place.clone(),
        });
        for text in &stored.notes {
            tell.tell(EventKind::Note { text: text.clone() });
        }
        issued.place = Some(stored.place.clone());
        let mut after = self.deploy(&issued.names, &pair, tell).await;
        if let Destination::Cluster(api) = &self.parts.destination {
            let served = self
                .after_storing(api, target, &pair, &issued.names, &stored, tell)
                .await;
            if let Err(error) = served
                && let Some(hook) = after.replace(error)
            {
                tell.tell(EventKind::Note { text: hook.to_string() });
            }
        }
        if let Some(error) = after {
            return Err(without(left_out, Some(&error)).unwrap_or(error));
        }
        Ok(WithLeftOut { issued, left_out })
    }

    /// The window in which the CA wants the new certificate to be renewed; `None` if the CA has none or does not
    /// answer.
    async fn window(&self, pair: &Pair) -> Option<(Seconds, Seconds)> {
        self.parts.client.acme().directory().renewal_info.as_ref()?;
        let id = CertId::of(pair.ders().first()?)?;
        let info = self.parts.client.acme().renewal_info(&id).await.ok()?;
        Some((info.start, info.end))
    }
}

/// What there is to say of the chain that was chosen.
fn chain_note(chain: &Chain) -> Option<String> {
    let used = if chain.preference_missed {
        "its default one"
    } else {
        "another one"
    };
    match &chain.unread {
        Some(error) => Some(format!(
            "an alternate chain of the CA cannot be had ({error}): {used} is used"
        )),
        None => chain
            .preference_missed
            .then(|| "the CA offers no chain of the preferred name: its default one is used".to_owned()),
    }
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

/// The issued certificate, and the new names that it does not include.
pub(super) struct WithLeftOut {
    issued: Issued,
    left_out: BTreeMap<Name, Refused>,
}

/// The error that reports the new names which are not in a certificate, combined with an error after the store; `None`
/// if all names are in it.
fn without(left_out: BTreeMap<Name, Refused>, after: Option<&TargetError>) -> Option<TargetError> {
    if left_out.is_empty() {
        return None;
    }
    let why = left_out.iter().map(|(name, why)| format!("{name}: {why}"));
    let why = why.collect::<Vec<_>>().join("; ");
    let hint = left_out.values().find_map(Diagnose::hint);
    let names: Vec<Name> = left_out.into_keys().collect();
    Some(match after {
        None => TargetError::LeftOut {
            left_out: names,
            why,
            hint,
        },
        Some(error) => TargetError::StoredWithout {
            message: format!("{}; it is renewed without {}: {why}", chain(error), names_of(&names)),
            hint: error.hint().or(hint),
            blame: error.blame(),
            left_out: names,
        },
    })
}

/// A renewal of which the CA may be told.
struct Renewal {
    id: CertId,
    in_window: bool,
}

/// The certificate that is replaced.
pub(super) struct Replaced {
    sha256: Fingerprint,
    id: Option<CertId>,
    algorithm: KeyAlgorithm,
}

impl Replaced {
    pub(super) fn of(present: &Present, slots: &Slots) -> Option<Self> {
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
    pub(super) fn kind(&self) -> Option<KeyKind> {
        KeyKind::of(&self.algorithm)
    }
}
