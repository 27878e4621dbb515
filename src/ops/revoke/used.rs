//! Whether the certificate is in use, in the cluster or where DNS leads for its names.

use std::time::Duration;

use super::{
    Request, failed,
    found::{Revocable, RevocationTarget, SHOWN},
};
use crate::{
    apply::{backup, verify},
    engine::revoke::{self, RevokeError, Use},
    net::{Lookup, ResolveError, probe::TIMEOUT},
    object::{Key, Kind},
    ops::{
        Context, OpError, Source,
        named::Named,
        session::{Open, Session},
    },
    scan::{cluster::finished, probe},
    settings::value::Length,
    text::first_of,
};

/// Refuses what is in use. By force it is no reason, but told before anything is asked: a line for each place, or that the places are
/// not known.
pub(super) async fn used(
    request: &Request,
    context: &Context,
    wanted: &RevocationTarget<'_>,
    found: &Revocable,
) -> Result<Vec<String>, OpError> {
    match Box::pin(uses(request, context, wanted, found)).await {
        Ok(uses) if uses.is_empty() => Ok(Vec::new()),
        Ok(uses) if request.force => Ok(revoke::listed(&uses)
            .into_iter()
            .map(|line| format!("by --force: {line}"))
            .collect()),
        Ok(uses) => {
            let holders: Vec<&Key> = uses.iter().filter_map(Use::secret).collect();
            // Of a kept pair that is in use elsewhere, that other Secret is meant.
            let own = found.secret.as_ref();
            let meant = own.filter(|own| holders.is_empty() || holders.contains(own));
            let meant = meant.or_else(|| own.and(holders.first().copied()));
            let hint = meant.map(|meant| renew_first(meant, own != Some(meant)));
            let failure = failed(RevokeError::InUse(uses));
            Err(match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
        Err(failure) if request.force => Ok(vec![format!(
            "by --force: whether the certificate is in use is not known: {}",
            failure.message
        )]),
        Err(failure) => Err(failure),
    }
}

/// What to do about a certificate in use: the renewal keeps the pair that it replaces, and that is revoked; where another Secret than
/// the one that was named uses it, this command is given again.
fn renew_first(used: &Key, is_other: bool) -> String {
    let (name, namespace) = (&used.name, &used.namespace);
    let first = format!(
        "renew it first, so that clients get another: `kubectl certs renew secret/{name} -n {namespace}` with --production or \
         --issuer NAME"
    );
    if is_other {
        return format!("{first}; then this command revokes it; --force revokes it anyway");
    }
    let kept = backup::key(used).name;
    format!(
        "{first}; the pair before it is kept, and `kubectl certs revoke secret/{kept} -n {namespace}` revokes it then; --force \
         revokes it anyway"
    )
}

/// Where it is in use: all that can be seen of the cluster is looked at, and where DNS leads for the certificate's names.
async fn uses(
    request: &Request,
    context: &Context,
    wanted: &RevocationTarget<'_>,
    found: &Revocable,
) -> Result<Vec<Use>, OpError> {
    let front = &**context.front();
    // A task of its own: reading a cluster blocks this one, and what serves the certificate would seem not to answer.
    let leaf = found.leaf.clone();
    let by_name = tokio::spawn(async move { revoke::served(&leaf, &Lookup::System, TIMEOUT).await });
    let session = look(request, context, wanted).await.map_err(|failure| match wanted {
        RevocationTarget::File(_) => OpError {
            yields_to_force: true,
            ..failure.hint("--force revokes even where the cluster cannot be read")
        },
        RevocationTarget::Secret(..) => failure,
    })?;
    let names = revoke::looked_up(&found.leaf);
    let waiting = front.wait(move || waited_for(&names));
    let inventory = &session.inventory;
    let options = probe::ProbeOptions {
        connect: None,
        timeout: TIMEOUT,
        lookup: revoke::LOOKUP,
        one_each: false,
        compare_dns: false,
    };
    let ids = revoke::bindings(inventory, &found.leaf);
    let (by_name, (probed, _)) = tokio::join!(
        finished(by_name),
        probe::probe(inventory, &ids, &options, &session.judge)
    );
    drop(waiting);
    if let Some(why) = &by_name.why {
        front.warn(&not_known(&by_name.unanswered, why));
    }
    let mut uses = by_name.uses;
    uses.extend(revoke::uses(inventory, found.leaf.sha256, &probed));
    uses.sort();
    uses.dedup();
    // Who revokes by force waits for nothing, unless asked to.
    let usual = if request.force { Duration::ZERO } else { verify::WAIT };
    let wait = request.wait.unwrap_or(usual);
    if !uses.is_empty() && !wait.is_zero() && revoke::is_replaced(inventory, found.leaf.sha256, &uses) {
        if let [first, rest @ ..] = uses.as_slice() {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(", and {} more", rest.len())
            };
            front.note(&format!(
                "another certificate is stored in its place, but {first}{more}: waiting up to {} until the other one is served",
                Length(wait)
            ));
        }
        uses = revoke::until_replaced(uses, found.leaf.sha256, wait, TIMEOUT).await;
    }
    Ok(uses)
}

/// What it takes to find out where a certificate is served.
fn waited_for(names: &[String]) -> String {
    format!(
        "waiting for DNS and for the servers of {} to answer: they may serve the certificate",
        first_of(names, SHOWN)
    )
}

/// That nobody knows whether some names lead to it: they may lead out of the cluster.
fn not_known(names: &[String], why: &ResolveError) -> String {
    format!(
        "whether the certificate is served outside of this cluster for {} is not known: {why}",
        first_of(names, SHOWN)
    )
}

/// All namespaces, as a Gateway may use a Secret of another; those that were named where there is no right to that.
async fn look(request: &Request, context: &Context, wanted: &RevocationTarget<'_>) -> Result<Session, OpError> {
    let targets: Vec<Named> = match wanted {
        RevocationTarget::File(_) => Vec::new(),
        RevocationTarget::Secret(namespace, name) => vec![Named {
            namespace: namespace.clone(),
            ..Named::new(Kind::Secret, name.as_str())
        }],
    };
    let check = context.checks();
    let all = Source {
        all_namespaces: true,
        namespace: Vec::new(),
        ..request.source.clone()
    };
    match Session::open(&context.cluster, &all, &check, &targets, Open::default()).await {
        Ok(session) if session.trouble.is_none() && session.inventory.forbidden().is_empty() => return Ok(session),
        Err(failure) if request.source.all_namespaces => return Err(failure),
        _ => {}
    }
    let session = Session::open(&context.cluster, &request.source, &check, &targets, Open::default()).await?;
    let front = context.front();
    front.warn("not all namespaces could be read: a route elsewhere may use the certificate");
    Ok(session)
}
