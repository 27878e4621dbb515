//! From an issued certificate to the one that is served: judged, stored, handed to hooks, loaded by workloads.

use std::{collections::BTreeMap, time::Duration};

use super::super::{
    accept,
    authorize::Refused,
    failure::{TargetError, list_of},
    journal::{self, Journal},
    lease::Lease,
    obtain::Obtained,
    run::{Issued, Run},
    store::{Destination, StoreRequest, Stored},
    witness::{Aftermath, Left},
};
use crate::{
    acme::{CertId, Chain},
    apply::{
        Pair,
        key::PrivateKey,
        pair::{PairError, SKEW},
        rows::{RowError, Rows},
        secret::{self, Note, Target as Present},
    },
    error::{Diagnose, chain},
    event::{EventKind, Teller},
    name::Name,
    object::Seconds,
    plan::Target,
    text::date_time,
};

/// How long a store that does not answer is waited for once the certificate is issued.
const ROW_PATIENCE: Duration = Duration::from_mins(2);
/// The pause between two attempts.
const ROW_PAUSE: Duration = Duration::from_secs(1);

impl Run {
    /// Verifies and stores the certificate, restarts workloads, and checks that it is served.
    pub(super) async fn finish_one(
        &self,
        target: &Target,
        to: &Storing<'_>,
        obtained: Obtained,
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
        let here = crate::clock::now();
        let check = |now| {
            let key = to.key.pem().clone();
            Pair::check(key, chain.pem.as_bytes(), &names, now, &self.parts.options.roots)
        };
        let (pair, now) = match check(here) {
            Err(error) => match starts_by(&error, self.parts.client.acme().server_time()) {
                Some(at) => (check(at)?, at),
                None => return Err(error.into()),
            },
            Ok(pair) => (pair, here),
        };
        let held = to.present.held(&to.options.slots);
        accept::judge(&pair, &names, held.as_ref(), now)?;
        let leaf = pair.leaf();
        let not_after = leaf.not_after;
        tell.tell(EventKind::Issued {
            sha256: pair.sha256().to_string(),
            not_after,
            issuer: leaf.issuer.short.to_string(),
        });
        if now != here {
            let (here, from) = (date_time(here), date_time(now));
            let text = format!(
                "this machine's clock is behind the CA's: it says {here}, and the certificate is valid from {from}. Set the clock"
            );
            tell.tell(EventKind::Note { text });
        }
        if let Some(text) = chain_note(&chain) {
            tell.tell(EventKind::Note { text });
        }
        let mut issued = Issued {
            names,
            not_after,
            place: None,
        };
        if self.parts.options.rehearsal {
            self.close(to.journal, to.left, tell).await;
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
            claim: self.parts.options.claim.clone(),
        };
        let stored = self.store(target, to, &pair, &note).await?;
        tell.tell(EventKind::Stored {
            place: stored.place.clone(),
        });
        for text in &stored.notes {
            tell.tell(EventKind::Note { text: text.clone() });
        }
        // Whoever is killed while it waits until the certificate is served leaves no order that nobody would continue.
        self.close(to.journal, to.left, tell).await;
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

    /// Stores the pair, and takes note of what is needed to go on with it: it was looked right before where the former one is
    /// served.
    async fn store(&self, target: &Target, to: &Storing<'_>, pair: &Pair, note: &Note) -> Result<Stored, TargetError> {
        let storing = StoreRequest {
            options: to.options,
            note,
            run: &self.parts.id,
            may_be_older: to.may_be_older,
            keeping: self.parts.options.kept.as_ref(),
            authority: &self.parts.options.authority,
        };
        let (api, cancel) = match &self.parts.destination {
            Destination::Cluster(api) => (api, &self.parts.cancel),
            Destination::Directory { folder, force, .. } => {
                return storing.into_directory(folder.clone(), *force, to.present, pair).await;
            }
        };
        if let Some(rows) = self.rows_of(&target.secret) {
            return self.store_row(rows, target, to, pair, note).await;
        }
        let witnesses = self.witnesses(target, to.present).await;
        let stored = storing.into_secret(api, to.present, pair, to.lease, cancel).await?;
        let aftermath = Aftermath {
            stored_at: crate::clock::now(),
            new: pair.sha256(),
            old: to.present.sha256(&to.options.slots),
            witnesses,
            left: Left::Nothing,
            served_at: None,
        };
        self.stored(&target.secret, aftermath);
        Ok(stored)
    }

    /// Puts the pair where it is kept in place of a Secret. A store that is away is waited for, because the certificate is issued.
    async fn store_row(
        &self,
        rows: &dyn Rows,
        target: &Target,
        to: &Storing<'_>,
        pair: &Pair,
        note: &Note,
    ) -> Result<Stored, TargetError> {
        let deadline = tokio::time::Instant::now() + ROW_PATIENCE;
        loop {
            if self.parts.cancel.is_cancelled() {
                return Err(TargetError::NotStored);
            }
            if to.lease.is_some_and(Lease::is_lost) {
                return Err(TargetError::LeaseLost(target.secret.clone()));
            }
            let _permitted = self.parts.options.authority.permit()?;
            match rows.write(to.present, pair, note).await {
                Ok(()) => break,
                Err(RowError::Changed) => return Err(TargetError::Changed(target.secret.clone())),
                Err(RowError::Away(why)) if tokio::time::Instant::now() >= deadline => {
                    return Err(TargetError::Row(format!("the new certificate is not stored: {why}")));
                }
                Err(RowError::Away(_)) => tokio::time::sleep(ROW_PAUSE).await,
            }
        }
        // Nobody could put a former pair back.
        let aftermath = Aftermath {
            stored_at: crate::clock::now(),
            new: pair.sha256(),
            old: None,
            witnesses: Vec::new(),
            left: Left::Nothing,
            served_at: None,
        };
        self.stored(&target.secret, aftermath);
        Ok(Stored {
            place: format!("the database, as {}", target.secret),
            backed_up: false,
            notes: Vec::new(),
            forced: None,
            at: tokio::time::Instant::now(),
        })
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

/// How a certificate of the order is stored.
pub(super) struct Storing<'a> {
    /// The Secret as it was before the order.
    pub(super) present: &'a Present,
    /// What permits the write and controls it.
    pub(super) options: &'a secret::Options,
    /// The key of the certificate.
    pub(super) key: &'a PrivateKey,
    /// The Lease of the Secret.
    pub(super) lease: Option<&'a Lease>,
    /// Whether an earlier run made the order, and the Secret has changed since.
    pub(super) may_be_older: bool,
    /// The journal of the order, which ends once the certificate is stored.
    pub(super) journal: &'a Journal,
    /// What a killed run had recorded in it.
    pub(super) left: &'a [journal::Left],
}

/// The issued certificate, and the new names that it does not include.
pub(super) struct WithLeftOut {
    pub(super) issued: Issued,
    pub(super) left_out: BTreeMap<Name, Refused>,
}

/// The error that reports the new names which are not in a certificate, combined with an error after the store; `None`
/// if all names are in it.
pub(super) fn without(left_out: BTreeMap<Name, Refused>, after: Option<&TargetError>) -> Option<TargetError> {
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
            message: format!("{}; it is renewed without {}: {why}", chain(error), list_of(&names)),
            hint: error.hint().or(hint),
            blame: error.blame(),
            left_out: names,
        },
    })
}

/// What there is to say of the chain that was chosen.
/// When a certificate begins that this machine's clock refuses, if it has begun by the clock of its CA: `theirs`. A new one would
/// begin no sooner.
fn starts_by(refused: &PairError, theirs: Seconds) -> Option<Seconds> {
    match refused {
        PairError::NotYetValid(at) if *at <= theirs.saturating_add(SKEW) => Some(*at),
        _ => None,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_begins_by_the_clock_of_its_ca_where_this_machines_is_behind() {
        let begins = 1_800_000_000;
        let refused = PairError::NotYetValid(begins);
        for (theirs, expected) in [
            (begins + 7_200, Some(begins)),
            (begins, Some(begins)),
            (begins - SKEW, Some(begins)),
            // By the CA's own clock it begins later.
            (begins - SKEW - 1, None),
        ] {
            assert_eq!(starts_by(&refused, theirs), expected, "{theirs}");
        }
        assert_eq!(starts_by(&PairError::Expired(begins), begins), None);
    }
}
