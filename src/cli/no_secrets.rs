//! `--no-secrets`: what does not go with it, and what it says of itself.

use std::io::IsTerminal as _;

use crate::{
    check::is_made_of_what_is_seen,
    object::Kind,
    ops::{
        OpError,
        named::{Named, not_read},
    },
    report::apart::SECRETS_LEFT_OUT,
    scan::{intermediates, probe::ProbeResults},
    x509::Judge,
};

use super::{
    args::{ByArg, CheckArgs, StatusArgs},
    front::Terminal,
    note, warn,
};

/// Refuses what of `status` needs Secrets, or follows a cluster in place of what is served.
pub(super) fn goes_with_status(args: &StatusArgs) -> Result<(), OpError> {
    if !args.probe.no_secrets {
        return Ok(());
    }
    if args.watch {
        return Err(
            OpError::usage("-w follows the objects of the cluster, and --no-secrets checks what is served")
                .hint("repeat `kubectl certs status --no-secrets` without -w: `watch -n 60` does so every minute"),
        );
    }
    if args.confirm {
        return Err(needs_secrets(
            "--confirm connects to the routes whose Secrets make them critical",
            "leave --confirm out: --no-secrets connects to every route",
        ));
    }
    if args.by == Some(ByArg::Owner) {
        return Err(needs_secrets(
            "--by owner groups by who writes the Secrets",
            "--by issuer, --by secret and --by namespace work",
        ));
    }
    goes_with_checks(&args.check)
}

/// Says why there is no screen where one is expected: on a terminal, without a command.
pub(super) fn tell_of_no_screen(args: &StatusArgs) {
    if args.probe.no_secrets && std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        note("the screen shows Secrets: with --no-secrets this is `kubectl certs status --no-secrets`");
    }
}

/// Refuses checks that need Secrets.
pub(super) fn goes_with_checks(check: &CheckArgs) -> Result<(), OpError> {
    if check.assume_secrets {
        return Err(needs_secrets(
            "--assume-secrets is about Secrets that are missing among manifests",
            "leave --assume-secrets out",
        ));
    }
    if !check.secret_keys.is_empty() {
        return Err(needs_secrets(
            "--secret-keys names data keys of Secrets",
            "leave --secret-keys out",
        ));
    }
    if let Some(reason) = check.reason.iter().find(|reason| !is_made_of_what_is_seen(**reason)) {
        return Err(
            OpError::usage(format!("--reason {reason}: there is no such finding with --no-secrets")).hint(
                "what clients refuse is ServedExpired, ServedWrongHost, ServedUntrusted or NotServed there; the others need Secrets",
            ),
        );
    }
    Ok(())
}

/// Refuses a picture of what is not read.
pub(super) fn goes_with_picture(target: &Named) -> Result<(), OpError> {
    if !target.host && matches!(target.kind, Kind::Secret | Kind::Certificate) {
        return Err(not_read(target));
    }
    Ok(())
}

fn needs_secrets(what: &str, hint: &str) -> OpError {
    OpError::usage(format!("{what}, and --no-secrets reads none")).hint(hint)
}

/// Fetches the intermediates that served chains lack, where that was asked for.
pub(super) async fn complete(results: &ProbeResults, judge: &Judge, check: &CheckArgs) {
    let Some(reach) = check.fetch_intermediates else {
        return;
    };
    let _waiting = Terminal::telling().wait(|| "waiting for the servers of intermediate certificates".to_owned());
    for problem in intermediates::complete_chains(&results.chains(), judge, reach.into()).await {
        warn(&problem);
    }
}

/// Says what is not seen, where no summary does.
pub(super) fn tell() {
    note(SECRETS_LEFT_OUT);
}
