//! Renewals by cert-manager of Secrets that it owns. cert-manager is asked in the same way as by `cmctl renew`, and its
//! issuance is followed to the end.
//!
//! ```text
//! Certificate ──Issuing──→ CertificateRequest ──→ Order ──→ Challenges      (ACME issuers)
//!      ↑ revision + 1          │ Issued    └──→ signed by the issuer        (others)
//!      └───────────────────────┘ Failed, Denied, InvalidRequest: Issuing is False, and says why
//! ```

mod asked;
mod error;
mod follow;
mod state;

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

pub use asked::{AskedFor, asked_for};
pub use error::CertManagerError;
use follow::{Look, ToldSoFar};
use state::{Before, End};

use super::cancel::Cancel;
use crate::{
    acme::Stage,
    apply::{
        Api, ApiError, Patch, Permit, Permits, Verb,
        events::{self, About, Reason},
    },
    clock::{Pauses, now},
    event::{EventKind, Teller},
    k8s::{Believed, Edit, Updated},
    object::Key,
    object::resource::{CERTIFICATE, CERTIFICATEREQUEST, CHALLENGE, ORDER},
    settings::Chosen,
    x509::Certificate,
};

/// How long cert-manager may take by default. Its own limit for an order that a CA does not answer is longer, and it
/// continues when nobody watches.
pub const LIMIT: Duration = Duration::from_mins(10);
/// The first and the longest pause between two reads.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(200), Duration::from_secs(1));
/// After this time without any sign of a controller, a note says what is being waited for.
const SILENCE: Duration = Duration::from_secs(10);

/// The result of a renewal by cert-manager.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The Certificate.
    pub certificate: Key,
    /// The Secret that the Certificate writes.
    pub secret: Key,
    /// The revision of the Certificate after the renewal; in a dry run, the one before it.
    pub revision: u64,
    /// The new leaf; `None` in a dry run, and if the request that holds it cannot be read.
    pub leaf: Option<Arc<Certificate>>,
}

/// The rights that a renewal of the Certificate needs. It lists the requests, orders and challenges of the namespace,
/// because only their owners say which belong to the Certificate.
pub fn permits(certificate: &Key) -> Permits {
    let (namespace, name) = (&certificate.namespace, &certificate.name);
    let mut permits = Permits::none()
        .with(Permit::one(&[Verb::Get], CERTIFICATE, namespace.clone(), name.clone()))
        .with(Permit::one(&[Verb::Patch], CERTIFICATE, namespace.clone(), name.clone()).part("status"));
    for resource in [CERTIFICATEREQUEST, ORDER, CHALLENGE] {
        permits.add(Permit::any(&[Verb::Get, Verb::List], resource, namespace.clone()));
    }
    permits
}

/// Refuses a rehearsal: cert-manager stores what it issues, and a staging CA that only this program knows does not
/// change that. With `from_manifests` there is no cluster in which cert-manager could be asked, which is refused too.
pub fn allowed(chosen: &Chosen, certificate: &Key, secret: &Key, from_manifests: bool) -> Result<(), CertManagerError> {
    if from_manifests {
        return Err(CertManagerError::Manifests {
            certificate: certificate.clone(),
            secret: secret.clone(),
        });
    }
    if chosen.rehearsal || chosen.issuer.stage == Stage::Staging {
        return Err(CertManagerError::Rehearsal {
            certificate: certificate.clone(),
            secret: secret.clone(),
        });
    }
    Ok(())
}

/// Makes cert-manager renew a Certificate, and follows it for at most `limit`. Emits every event up to
/// [`EventKind::Done`]; the error describes a failure. A dry run ends with the server's verdict on the write.
///
/// An issuance that is in progress already is followed, not requested again. An issuance that is cancelled here or
/// takes too long continues without this program.
pub async fn renew(
    api: &Api,
    certificate: &Key,
    tell: &Teller,
    cancel: &Cancel,
    limit: Duration,
) -> Result<Renewed, CertManagerError> {
    let deadline = Instant::now() + limit;
    let look = Look::new(api, certificate);
    let (before, asked) = ask(api, certificate, &look, tell).await?;
    if api.is_dry_run() {
        return Ok(Renewed {
            certificate: certificate.clone(),
            secret: state::secret(&asked, certificate),
            revision: before.revision,
            leaf: None,
        });
    }
    let following = follow(look, before, asked, tell, deadline, limit);
    tokio::select! {
        ended = following => ended,
        () = cancel.cancelled() => Err(CertManagerError::Interrupted { certificate: certificate.clone() }),
    }
}

/// Sets the Issuing condition, even if others write to the status meanwhile. Returns the previous state, and the
/// Certificate as it is now.
async fn ask(api: &Api, certificate: &Key, look: &Look, tell: &Teller) -> Result<(Before, Value), CertManagerError> {
    let trigger = |source: ApiError| CertManagerError::Trigger {
        certificate: certificate.clone(),
        source: Box::new(source),
    };
    let read = || async {
        let found = api
            .get(CERTIFICATE, certificate)
            .await
            .map_err(|source| CertManagerError::Read {
                certificate: certificate.clone(),
                source: Box::new(source),
            })?;
        found.ok_or_else(|| CertManagerError::Missing {
            certificate: certificate.clone(),
        })
    };
    let object = read().await?;
    let ended = look.ended_requests(&object).await;
    let before = Before::of(&object, ended);
    let condition = |certificate: Option<&Value>| {
        Ok::<_, ApiError>(match certificate {
            Some(certificate) if !state::is_issuing(certificate) => {
                Edit::Part("status", Patch::Merge(state::trigger(certificate, now())))
            }
            _ => Edit::Nothing,
        })
    };
    let asked = api.update(CERTIFICATE, certificate, Believed::There(object), condition);
    match asked.await.map_err(trigger)? {
        Updated::Written(asked) => {
            let text = format!(
                "asked cert-manager to renew Certificate {certificate} with its own {}",
                state::issuer(&asked)
            );
            tell.tell(EventKind::Note { text });
            record(api, certificate, &asked).await;
            Ok((before, asked))
        }
        Updated::Kept(object) => {
            // If the answer to an earlier attempt was lost, the condition is this program's own.
            let note = if state::is_asked_by_hand(&object) {
                "cert-manager has been asked to renew it; following"
            } else {
                "cert-manager is already renewing it; following"
            };
            tell.tell(EventKind::Note { text: note.to_owned() });
            Ok((before, object))
        }
        Updated::Absent => Err(CertManagerError::Missing {
            certificate: certificate.clone(),
        }),
    }
}

/// Records an event on the Certificate about who requested the renewal. Best effort: a missing right for it does no
/// harm.
async fn record(api: &Api, certificate: &Key, asked: &Value) {
    if api.is_dry_run() {
        return;
    }
    let about = About {
        resource: CERTIFICATE,
        key: certificate.clone(),
        uid: asked["metadata"]["uid"].as_str().map(str::to_owned),
    };
    let message = events::signed("asked cert-manager to renew the certificate", api, None);
    if let Err(error) = events::record(api, &about, Reason::RenewalRequested, &message, now()).await {
        log::debug!("cannot record an event: {error}");
    }
}

/// Reads the state until the issuance has ended, or until `deadline`.
async fn follow(
    mut look: Look,
    before: Before,
    asked: Value,
    tell: &Teller,
    deadline: Instant,
    limit: Duration,
) -> Result<Renewed, CertManagerError> {
    let key = look.certificate().clone();
    let (mut told, mut pauses, started) = (ToldSoFar::default(), PAUSES, Instant::now());
    let mut seen = follow::Observed::of(asked);
    let mut silence_told = false;
    loop {
        let trouble = match look.again(&mut seen, &before).await {
            Ok(()) => None,
            Err(error) if follow::may_pass(&error) => Some(error),
            Err(source) => {
                return Err(CertManagerError::Read {
                    certificate: key,
                    source: Box::new(source),
                });
            }
        };
        let news = told.news(&seen);
        if news.is_empty() {
            pauses.grow();
        } else {
            pauses.restart();
        }
        for event in news {
            tell.tell(event);
        }
        if trouble.is_none() {
            match state::end(&seen.certificate, &before) {
                End::Issued => return Ok(issued(&seen, key, tell)),
                End::Failed(said) => {
                    return Err(CertManagerError::Failed {
                        certificate: key,
                        why: seen.why(&said),
                    });
                }
                End::Gone => return Err(CertManagerError::Missing { certificate: key }),
                End::None => {}
            }
        }
        if Instant::now() + pauses.due() > deadline {
            return Err(match trouble {
                Some(source) => CertManagerError::Read {
                    certificate: key,
                    source: Box::new(source),
                },
                None => CertManagerError::Stuck {
                    certificate: key,
                    seconds: limit.as_secs(),
                    waits: seen.waits(&before),
                    no_controller: !seen.is_taken_up(&before),
                },
            });
        }
        if !silence_told && started.elapsed() > SILENCE && !seen.is_taken_up(&before) {
            silence_told = true;
            tell.tell(EventKind::Waiting {
                reason: seen.waits(&before),
            });
        }
        tokio::time::sleep(pauses.due()).await;
    }
}

/// Emits the event for the end of the issuance.
fn issued(seen: &follow::Observed, certificate: Key, tell: &Teller) -> Renewed {
    let secret = state::secret(&seen.certificate, &certificate);
    let leaf = seen.leaf();
    if let Some(leaf) = &leaf {
        tell.tell(EventKind::Issued {
            sha256: leaf.sha256.to_string(),
            not_after: leaf.not_after,
            issuer: leaf.issuer.short.to_string(),
        });
    }
    tell.tell(EventKind::Stored {
        place: format!("Secret {secret}"),
    });
    tell.tell(EventKind::Done);
    Renewed {
        certificate,
        secret,
        revision: state::revision(&seen.certificate),
        leaf,
    }
}

#[cfg(test)]
mod tests;
