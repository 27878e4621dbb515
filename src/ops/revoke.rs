//! `revoke`: a certificate of a Secret or a file, unless it is in use.

mod found;
mod used;

use std::{path::PathBuf, time::Duration};

use self::{
    found::{Revocable, RevocationTarget, of_secret},
    used::used,
};
use crate::{
    acme::{Acme, Client, RevocationReason, Revoked},
    apply::{Api, Permits, backup, events},
    engine::{
        aftermath::record_on_secret,
        revoke::{self, RevokeError},
    },
    error::Blame,
    event::Teller,
    object::Key,
    plan::{Plan, steps::Step},
    settings::{
        Settings,
        account::{self, AccountError},
        layer::{Choice, Layer},
    },
    text::Clear,
};

use super::{Context, Front, OpError, Source, front::ended};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secret: `NAME`, `secret/NAME` or `NAMESPACE/NAME`; or a file: `./FILE`, `/FILE`.
    pub target: String,
    /// Why.
    pub reason: RevocationReason,
    /// The file with the certificate's key, to sign with instead of an account.
    pub key_file: Option<PathBuf>,
    /// How long a certificate that was replaced may still be served; `None` is the usual time.
    pub wait: Option<Duration>,
    /// Whether it is done although the certificate is in use.
    pub force: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
    /// Where it is looked who uses the certificate.
    pub source: Source,
    /// The CA and the account, where the caller names them.
    pub flags: Layer,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// In a sentence, or a line for each step of a dry run, as it was printed.
    pub said: String,
}

/// Revokes the certificate of a Secret or a file, after it was confirmed, unless it is in use.
///
/// # Errors
///
/// There is no such certificate, nobody knows whether it is in use, it is in use or not to be revoked, its CA or the account is not
/// known; or the CA refuses.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    if !request.source.filename.is_empty() {
        return Err(OpError::usage("manifests (-f) are not revoked")
            .hint("name a Secret of the cluster, or ./FILE with the certificate as PEM"));
    }
    let wanted = RevocationTarget::of(request)?;
    let found = match &wanted {
        RevocationTarget::File(path) => Revocable::of_file(path)?,
        RevocationTarget::Secret(namespace, name) => of_secret(context, namespace.as_deref(), name).await?,
    };
    let found = found.with_key_file(request.key_file.as_deref())?;
    let used = Box::pin(used(request, context, &wanted, &found)).await?;
    let mut layers = context.layers(request.flags.clone()).await?;
    if layers.iter().all(|layer| layer.choice.is_none()) {
        let issuer = found.issuer().ok_or_else(|| {
            OpError::usage(format!(
                "the CA's directory is not known; the issuer of the certificate is {}",
                found.leaf.issuer.full
            ))
            .hint("name it with --issuer NAME or --directory-url URL")
        })?;
        if let Some(flags) = layers.first_mut() {
            flags.choice = Some(Choice::Issuer(issuer));
        }
    }
    let settings = Settings::of(&layers).map_err(|error| OpError::because(&error))?;
    let issuer = &settings.chosen.issuer;
    let steps = vec![Step::Revoke {
        serial: found.leaf.serial.to_string(),
        issuer: format!("{} ({})", issuer.name, issuer.directory_url),
        reason: request.reason.to_string(),
    }];
    let mut notes = vec![found.summary()];
    notes.extend(used);
    let plan = Plan {
        targets: vec![(found.secret.clone().unwrap_or_else(|| Key::new("", "")), steps)],
        notes,
        place: context.place(),
        question: Some(format!(
            "Revoke certificate {} at {} for good, reason {}?",
            found.leaf.serial, issuer.name, request.reason
        )),
        ..Plan::default()
    };
    if request.is_dry {
        return dry_run(&plan, front);
    }
    front.confirm(plan).await?;
    let tell = match &found.secret {
        Some(secret) => front.steps().about(secret.clone()),
        None => Teller::silent(),
    };
    let result = Box::pin(carry_out(request, context, &settings, &found)).await;
    ended(&tell, &result);
    result
}

/// What would be done; nothing is asked, and the CA hears nothing of it.
fn dry_run(plan: &Plan, front: &dyn Front) -> Result<Report, OpError> {
    plan.notes.iter().for_each(|line| front.note(line));
    let steps = plan.targets.iter().flat_map(|(_, steps)| steps);
    let lines = steps.map(|step| format!("would {} (dry run)\n", Clear(&step.to_string())));
    printed(&lines.collect::<Vec<_>>().concat(), front)
}

fn printed(said: &str, front: &dyn Front) -> Result<Report, OpError> {
    front.print(said)?;
    Ok(Report {
        said: said.trim_end().to_owned(),
    })
}

/// Revokes it, and notes it where the pair is kept.
async fn carry_out(
    request: &Request,
    context: &Context,
    settings: &Settings,
    found: &Revocable,
) -> Result<Report, OpError> {
    let (front, reason) = (&**context.front(), request.reason);
    let issuer = &settings.chosen.issuer;
    let waiting = front.wait_for_ca(&issuer.name);
    let acme = Acme::open(issuer)
        .await
        .map_err(|error| failed(RevokeError::Acme(error)))?;
    let account = if request.key_file.is_some() {
        None
    } else {
        let store = context.store(&settings.chosen).await?;
        account_of(account::existing(&acme, &settings.chosen, &store).await, found)?
    };
    let (revoked, signed) = revoke::revoke(&acme, account.as_ref(), found.signing.as_ref(), &found.der, reason)
        .await
        .map_err(failed)?;
    drop(waiting);
    note_on_backups(request, context, found).await;
    let serial = &found.leaf.serial;
    let told = match revoked {
        Revoked::Now => format!("certificate {serial} is revoked ({reason}), signed with {signed}\n"),
        Revoked::Already => format!("certificate {serial} had already been revoked\n"),
    };
    printed(&told, front)
}

/// Notes it where the certificate is kept, so that no rollback puts it back unawares. It is revoked by then: trouble is only told.
async fn note_on_backups(request: &Request, context: &Context, found: &Revocable) {
    let (front, reason) = (&**context.front(), request.reason);
    let Ok(connection) = context.cluster.login().await else {
        // A file is revoked without any cluster too.
        return;
    };
    let _waiting = front.wait_for_server(connection);
    let api = Api::new(connection.clone(), Permits::none());
    if let Some(secret) = &found.secret {
        // Without the right to it no Event is left, and nothing else is the worse.
        let api = api.with_permits(events::permits(&secret.namespace));
        let message = format!("revoked certificate {}, reason {reason}", found.leaf.serial);
        record_on_secret(
            &api,
            secret,
            events::Reason::CertificateRevoked,
            &events::signed(&message, &api, None),
        )
        .await;
    }
    let named = request.source.namespace.first().map(String::as_str);
    let reason = reason.to_string();
    let noted = |namespace| backup::note_revoked(&api, namespace, found.secret.as_ref(), found.leaf.sha256, &reason);
    // Without the right to all namespaces, the one that counts is looked through.
    let noted = match (named, noted(named).await) {
        (None, Err(error)) if error.is_forbidden() => noted(Some(&connection.namespace)).await,
        (_, noted) => noted,
    };
    if let Err(error) = noted {
        front.warn(&format!(
            "the revocation could not be recorded with the kept pair, so that `rollback` would put it back: {}",
            crate::error::chain(&error)
        ));
    }
}

// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: RevokeError) -> OpError {
    OpError::because(&error)
}

/// The account; none where there is none and the certificate's key is at hand.
fn account_of(found: Result<account::Ready, AccountError>, held: &Revocable) -> Result<Option<Client>, OpError> {
    match found {
        Ok(ready) => Ok(Some(ready.client)),
        Err(AccountError::None { .. } | AccountError::Lost { .. } | AccountError::Ended { .. })
            if held.signing.is_some() =>
        {
            Ok(None)
        }
        Err(error @ AccountError::None { .. }) => Err(OpError::of(Blame::Usage, &error)
            .hint("--key-file FILE signs with the certificate's key; --account-secret names where the account is")),
        Err(error) => Err(OpError::because(&error)),
    }
}
