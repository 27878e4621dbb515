//! `rollback`: the pair before the last renewal is put back.

use crate::{
    apply::{
        Api, Permits, RunId,
        backup::{self, Rollback, RollbackError},
        events::{self, About, Reason},
        resource::SECRET,
        rights,
    },
    engine::{
        lease::{self, Lease, LeaseError},
        now,
    },
    error::{Exit, Failure},
    object::{Key, Kind},
    plan::steps::Step,
    settings::value::DryRun,
    source::cluster::connect,
    text::{Clear, time},
    tui::order::Plan,
    x509::Certificate,
};

use super::{
    args::issue::RollbackCommand,
    ask::confirm,
    note, print,
    session::connect_options,
    target::{Target, TargetError, ingress_instead},
    told,
};

pub(super) async fn run(command: RollbackCommand) -> Result<Exit, Failure> {
    let name = secret_name(&command.secret)?;
    let connection = connect(&connect_options(&command.connection)).await.map_err(|error| {
        let failure = Failure::of(Exit::Cluster, &error);
        error.hint().map_or(failure.clone(), |hint| failure.hint(hint))
    })?;
    let namespace = command.namespace.as_deref().unwrap_or(&connection.namespace);
    let secret = Key::new(namespace, name);
    let api = Api::new(connection, permits(&secret));
    let back = match Rollback::read(&api, &secret, command.force, now()).await {
        Ok(back) => back,
        Err(error @ (RollbackError::None { .. } | RollbackError::Gone { .. })) => {
            let instead = ingress_instead(api.connection(), &secret).await;
            let failure = failed(error);
            // A Secret that is there is meant, whatever is called like it.
            let there = api.get(SECRET, &secret).await.is_ok_and(|there| there.is_some());
            return Err(match instead.filter(|_| !there) {
                Some(instead) => failure.hint(instead),
                None => failure,
            });
        }
        Err(error) => return Err(failed(error)),
    };
    note(&format!("Secret {secret}"));
    note(&format!(
        "  from {}",
        back.present
            .as_deref()
            .map_or_else(|| "no certificate".to_owned(), line)
    ));
    note(&format!("  to   {}", line(&back.leaf)));
    match command.dry_run {
        DryRun::None => {}
        DryRun::Client => {
            return print(format!("would put certificate {} back (dry run)\n", back.leaf.serial).as_bytes());
        }
        DryRun::Server => {
            back.write(&api.dry_run()).await.map_err(|error| failed(error.into()))?;
            let told = format!(
                "would put certificate {} back: the server takes it (dry run)\n",
                back.leaf.serial
            );
            return print(told.as_bytes());
        }
    }
    let missing = rights::missing(&api, &needed(&secret)).await;
    // A server that does not say what is allowed says it when it is written.
    if let Ok(missing) = missing
        && !missing.is_none()
    {
        let failure = Failure::new(Exit::Cluster, missing.to_string());
        return Err(missing.hint().map_or(failure.clone(), |hint| failure.hint(hint)));
    }
    let planned = || plan(&secret, back.present.as_deref(), &back.leaf);
    if !told::confirmed(planned).await?
        && !confirm(
            &format!("Put certificate {} back into Secret {secret}?", back.leaf.serial),
            command.yes,
        )?
    {
        return Err(Failure::usage("nothing was changed"));
    }
    // While it was asked and answered, a renewal may have begun: whoever has the lease writes.
    let lease = Lease::take(&api, &secret, &RunId::random()).await.map_err(held)?;
    let written = back.write(&api).await;
    let released = lease.release().await;
    written.map_err(|error| failed(error.into()))?;
    if let Err(error) = released {
        note(&format!(
            "the Lease of Secret {secret} could not be given back and ends by itself: {error}"
        ));
    }
    let told = format!(
        "Secret {secret} holds certificate {} again, valid until {}",
        back.leaf.serial,
        time::date(back.leaf.not_after)
    );
    let about = About {
        resource: SECRET,
        key: secret,
        uid: None,
    };
    // What is told beside does not decide.
    let _ = events::record(&api, &about, Reason::RolledBack, &told, now()).await;
    print(format!("{told}\n").as_bytes())
}

/// A bare name is a Secret here.
fn secret_name(word: &str) -> Result<String, Failure> {
    if !word.contains('/') {
        return Ok(word.to_owned());
    }
    let target: Target = word
        .parse()
        .map_err(|error: TargetError| Failure::of(Exit::Usage, &error))?;
    if target.kind == Kind::Secret {
        Ok(target.name)
    } else {
        Err(Failure::usage(format!("{target} is no Secret")).hint("`kubectl certs show` names the Secrets of a route"))
    }
}

/// What is shown before, where the screen asks: both pairs.
fn plan(secret: &Key, present: Option<&Certificate>, before: &Certificate) -> Plan {
    Plan {
        issuer: String::new(),
        stage: None,
        targets: vec![(
            secret.clone(),
            vec![Step::Write {
                secret: secret.clone(),
                create: false,
                keys: vec!["tls.crt".to_owned(), "tls.key".to_owned()],
            }],
        )],
        limits: Vec::new(),
        notes: vec![
            format!("it holds {}", present.map_or_else(|| "no certificate".to_owned(), line)),
            format!("it will hold {}", line(before)),
        ],
        command: None,
    }
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

/// `0a1b, for shop.example, by R11, from 2026-10-01 until 2026-12-30`
fn line(leaf: &Certificate) -> String {
    let names: Vec<String> = leaf.names.iter().take(3).map(ToString::to_string).collect();
    let more = leaf.names.len().saturating_sub(names.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "{}, for {}{more}, by {}, from {} until {}",
        leaf.serial,
        Clear(&names.join(", ")),
        Clear(&leaf.issuer.short),
        time::date(leaf.not_before),
        time::date(leaf.not_after)
    )
}

// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: RollbackError) -> Failure {
    let exit = match &error {
        RollbackError::Api(error) if error.is_forbidden() => Exit::Cluster,
        RollbackError::Api(_) => Exit::Write,
        _ => Exit::Usage,
    };
    let failure = Failure::of(exit, &error);
    error.hint().map_or(failure.clone(), |hint| failure.hint(hint))
}

#[allow(clippy::needless_pass_by_value)]
fn held(error: LeaseError) -> Failure {
    let exit = match &error {
        LeaseError::Held { .. } => Exit::Write,
        LeaseError::Api(_) => Exit::Cluster,
    };
    let failure = Failure::of(exit, &error);
    error.hint().map_or(failure.clone(), |hint| failure.hint(hint))
}
