//! `rollback`: the pair before the last renewal is put back.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    apply::{
        Api, ApiError, Permits, RunId,
        backup::{self, Rollback, RollbackError},
        events::{self, About, Reason},
        rights, verify,
    },
    clock::now,
    engine::{
        aftermath::{self, Unserved},
        lease::{self, Lease, LeaseError},
        rivals::Rivals,
    },
    error::{Blame, chain},
    event::{EventKind, Teller},
    net::HostPort,
    object::resource::SECRET,
    object::{Key, Kind},
    plan::{
        Plan,
        steps::Step,
        target::{names_of, target},
    },
    settings::value::DryRun,
    solve::patience,
    text::{Clear, time},
    x509::Certificate,
};

use super::{
    Context, Front, OpError, Source,
    front::ended,
    named::{Named, ingress_instead, one_secret},
    session::{Open, Session},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secret: `NAME`, `secret/NAME` or `NAMESPACE/NAME`.
    pub secret: String,
    /// Its namespace, where the word names none; `None` is the context's.
    pub namespace: Option<String>,
    /// Whether it is done against what speaks against it.
    pub force: bool,
    /// How long the pair may take to be served; zero: it is not looked at. `None` is the usual time.
    pub wait: Option<Duration>,
    /// Where the routes are reached from here, instead of their own addresses.
    pub connect: Option<HostPort>,
    /// Whether it is only shown, or judged by the server.
    pub dry_run: DryRun,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// In a sentence, as it was printed.
    pub said: String,
}

/// Puts the pair before the last renewal back, after it was confirmed, and looks whether it is served.
///
/// # Errors
///
/// There is no such pair, it is refused or not wanted, or it cannot be written; or it is stored and not served.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let route = "a route may use several Secrets: name one; `kubectl certs status` lists them";
    let (namespace, name) = one_secret(&request.secret, request.namespace.as_deref(), route)?;
    let connection = context.cluster.connection().await?.clone();
    let namespace = namespace.as_deref().unwrap_or(&connection.namespace);
    let secret = Key::new(namespace, name);
    let api = Api::new(connection, permits(&secret));
    let run = RunId::random();
    let waiting = front.wait_for_server(api.connection());
    let back = match Rollback::read(&api, &secret, request.force, &run, now()).await {
        Ok(back) => back,
        Err(error @ (RollbackError::None { .. } | RollbackError::Gone { .. })) => {
            // A Secret that is there is meant, whatever is called like it.
            if !matches!(api.get(SECRET, &secret).await, Ok(None)) {
                return Err(unread(error));
            }
            let instead = ingress_instead(api.connection(), &secret).await;
            return Err(match (instead, &error) {
                (Some(instead), _) => unread(error).hint(instead),
                (None, RollbackError::None { .. }) => OpError::usage(format!("there is no Secret {secret}"))
                    .hint("-n chooses the namespace; `kubectl certs status` lists the Secrets"),
                (None, _) => unread(error),
            });
        }
        Err(error) => return Err(unread(error)),
    };
    drop(waiting);
    let plan = plan(request, context, &secret, &back);
    match request.dry_run {
        DryRun::None => {}
        kind => return dry_run(kind, &api, &back, &plan, front).await,
    }
    let waiting = front.wait_for_server(api.connection());
    let missing = rights::missing(&api, &needed(&secret)).await;
    drop(waiting);
    // A server that does not say what is allowed says it when it is written.
    if let Ok(missing) = missing
        && !missing.is_none()
    {
        return Err(OpError::because(&missing));
    }
    front.confirm(plan).await?;
    let tell = front.steps().about(secret.clone());
    let result = Box::pin(carry_out(request, context, &api, &back, &run, &secret, &tell)).await;
    ended(&tell, &result);
    result
}

/// Puts the pair back, and looks whether it is served.
async fn carry_out(
    request: &Request,
    context: &Context,
    api: &Api,
    back: &Rollback,
    run: &RunId,
    secret: &Key,
    tell: &Teller,
) -> Result<Report, OpError> {
    let front = &**context.front();
    // While it was asked and answered, a renewal may have begun: whoever has the lease writes.
    let waiting = front.wait_for_server(api.connection());
    let lease = Lease::take(api, secret, run).await.map_err(held)?;
    tell.tell(EventKind::Leased {
        place: format!("Lease {}", lease.key()),
    });
    let written = write(api, back, front).await;
    let stored = Instant::now();
    let released = lease.release().await;
    let kept = written.map_err(|error| failed(error.into()))?;
    tell.tell(EventKind::Stored {
        place: format!("Secret {secret}"),
    });
    if let Err(error) = released {
        front.note(&format!(
            "the Lease of Secret {secret} could not be released and ends by itself: {error}"
        ));
    }
    let told = format!(
        "Secret {secret} holds certificate {} again (SHA-256 {}), valid until {}",
        back.leaf.serial,
        back.leaf.sha256.short(),
        time::date(back.leaf.not_after)
    );
    let about = About {
        resource: SECRET,
        key: secret.clone(),
        uid: None,
    };
    let forced = back.forced.as_ref().map(ToString::to_string);
    let signed = events::signed(&told, api, forced.as_deref());
    // What is told beside does not decide.
    let _ = events::record(api, &about, Reason::RolledBack, &signed, now()).await;
    drop(waiting);
    if kept {
        front.note("the pair that it replaced is kept: another rollback undoes this one");
    }
    front.print(&format!("{told}\n"))?;
    Box::pin(served(request, context, secret, back, stored)).await?;
    Ok(Report { said: told })
}

/// Everything that is done, with both pairs.
fn plan(request: &Request, context: &Context, secret: &Key, back: &Rollback) -> Plan {
    let present = back.present.as_deref();
    let mut notes = vec![
        format!("Secret {secret}"),
        format!("  from {}", present.map_or_else(|| "no certificate".to_owned(), line)),
        format!("  to   {}", line(&back.leaf)),
    ];
    notes.extend(back.against.iter().map(|line| format!("by --force: {line}")));
    let mut steps = vec![Step::Lease {
        object: Key::new(secret.namespace.clone(), lease::name(secret)),
    }];
    if present.is_some() {
        steps.push(Step::Backup {
            object: backup::key(secret),
        });
    }
    steps.push(Step::PutBack {
        secret: secret.clone(),
        serial: back.leaf.serial.to_string(),
    });
    let wait = wait(request);
    if !wait.is_zero() {
        steps.push(Step::Look {
            hosts: back.names.clone(),
            seconds: wait.as_secs(),
        });
    }
    Plan {
        targets: vec![(secret.clone(), steps)],
        notes,
        place: context.place(),
        question: Some(format!(
            "Put certificate {} back into Secret {secret}?",
            back.leaf.serial
        )),
        ..Plan::default()
    }
}

async fn dry_run(kind: DryRun, api: &Api, back: &Rollback, plan: &Plan, front: &dyn Front) -> Result<Report, OpError> {
    plan.notes.iter().for_each(|line| front.note(line));
    let serial = &back.leaf.serial;
    if kind == DryRun::Client {
        return printed(format!("would put certificate {serial} back (dry run)"), front);
    }
    let api = api.clone().dry_run();
    let waiting = front.wait_for_server(api.connection());
    let written = back.write(&api).await;
    drop(waiting);
    written.map_err(|error| match error {
        // Nothing was to be written.
        ApiError::Cluster(_) => unread(error.into()),
        error => failed(error.into()),
    })?;
    printed(
        format!("would put certificate {serial} back: the server accepts it (dry run)"),
        front,
    )
}

fn printed(said: String, front: &dyn Front) -> Result<Report, OpError> {
    front.print(&format!("{said}\n"))?;
    Ok(Report { said })
}

/// Keeps the pair that goes, then writes the one that comes back. Whether the first was kept.
async fn write(api: &Api, back: &Rollback, front: &dyn Front) -> Result<bool, ApiError> {
    let kept = back.keep_present(api).await?;
    match back.write(api).await {
        Ok(()) => Ok(kept),
        Err(error) => {
            if kept && let Err(second) = back.keep_again(api).await {
                front.note(&format!("the earlier pair could not be kept again: {}", chain(&second)));
            }
            Err(error)
        }
    }
}

fn wait(request: &Request) -> Duration {
    request.wait.unwrap_or(verify::WAIT)
}

/// Looks until the routes of the Secret serve what was put back.
async fn served(
    request: &Request,
    context: &Context,
    secret: &Key,
    back: &Rollback,
    stored: Instant,
) -> Result<(), OpError> {
    let front = &**context.front();
    let wait = wait(request);
    if wait.is_zero() {
        return Ok(());
    }
    let source = Source {
        namespace: vec![secret.namespace.to_string()],
        ..Source::default()
    };
    let words = [Named::new(Kind::Secret, secret.name.as_str())];
    let open = Open {
        quiet: true,
        ..Open::default()
    };
    let check = context.checks();
    let session = match Session::open(&context.cluster, &source, &check, &words, open).await {
        Ok(session) => session,
        Err(failure) => {
            front.note(&format!("whether it is served is not known: {}", failure.message));
            return Ok(());
        }
    };
    let target = target(&session.inventory, secret.clone(), false);
    let (places, notes) = aftermath::places(&target, &names_of(&back.leaf), request.connect.as_ref()).await;
    for line in &notes {
        front.note(line);
    }
    if places.is_empty() {
        return Ok(());
    }
    let tell = Teller::new(front.listener()).about(secret.clone());
    let waits = || {
        let hosts: Vec<&str> = places.iter().map(|place| place.host.as_str()).collect();
        let hosts = crate::text::first_of(&hosts, 3);
        format!("{hosts} to serve the earlier certificate, {} s at most", wait.as_secs())
    };
    let looks = verify::served(&places, back.sha256, stored, wait, &tell);
    let outcomes = patience::told(&tell, waits, looks).await;
    front.finish();
    let rivals = Rivals::of(&session.inventory, std::slice::from_ref(&target), &session.scope);
    let Some(unserved) = Unserved::of(&outcomes, &rivals) else {
        return Ok(());
    };
    let failure = OpError::new(
        Blame::Write,
        format!("the earlier pair is stored, but not served: {}", unserved.message),
    );
    Err(failure.hint(format!(
        "{}`kubectl certs show secret/{} -n {} --probe` shows the served certificate",
        unserved.first, secret.name, secret.namespace
    )))
}

/// What has to be written.
fn needed(secret: &Key) -> Permits {
    let mut permits = backup::rollback_permits(secret);
    permits.extend(lease::permits(secret));
    permits
}

/// With what may be written as well.
fn permits(secret: &Key) -> Permits {
    let mut permits = needed(secret);
    permits.extend(events::permits(&secret.namespace));
    permits
}

/// `serial 0a1b, SHA-256 5f2c..., for shop.example, by R11, from 2026-10-01 until 2026-12-30`. A renewal's last lines tell the
/// certificate by its SHA-256.
fn line(leaf: &Certificate) -> String {
    let names: Vec<String> = leaf.names.iter().take(3).map(ToString::to_string).collect();
    let more = leaf.names.len().saturating_sub(names.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "serial {}, SHA-256 {}, for {}{more}, by {}, from {} until {}",
        leaf.serial,
        leaf.sha256.short(),
        Clear(&names.join(", ")),
        Clear(&leaf.issuer.short),
        time::date(leaf.not_before),
        time::date(leaf.not_after)
    )
}

/// What was not read: nothing has been written.
// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn unread(error: RollbackError) -> OpError {
    OpError::because(&error)
}

/// What was not written.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: RollbackError) -> OpError {
    let failure = OpError::because(&error);
    match &error {
        RollbackError::Api(error) if error.is_forbidden() => failure,
        RollbackError::Api(ApiError::Cluster(error)) if error.was_not_sent() => failure,
        RollbackError::Api(_) => failure.blame(Blame::Write),
        _ => failure,
    }
}

#[allow(clippy::needless_pass_by_value)]
fn held(error: LeaseError) -> OpError {
    OpError::because(&error)
}
