//! `preflight`: everything that would stop an issuance, without ordering.

use std::sync::Arc;

use crate::{
    apply::{Api, Permits},
    check::asked_of_cert_manager,
    cli::failure::{Exit, Failure},
    engine::{
        preflight::{self, Preflight},
        solver_pod,
    },
    object::Key,
    plan::preflight::worst,
    report::preflight as report,
    scan::cluster::finished,
    settings::source::ClusterSecrets,
    solve::dns01::{NoSecrets, Secrets, Terminal},
    text::time,
};

use super::{
    args::issue::{Output, PreflightCommand},
    colour,
    counted::counted,
    issuance::seen,
    note, print, print_text,
    renew::chosen,
    session::{Open, Session},
    settings::{Cluster, acts_with, settings, store},
    target::{for_writing, not_found, read_all},
    waiting::Waiting,
};

pub(super) async fn run(command: PreflightCommand) -> Result<Exit, Failure> {
    let words = read_all(&command.targets)?;
    let args = &command.issue;
    if matches!(args.run.output, Some(Output::Directory(_))) {
        return Err(Failure::usage("preflight writes nothing into a directory").hint("-o json prints JSON"));
    }
    let cluster = Cluster::new(&args.source.connection);
    let mut settings = settings(args, &cluster).await?;
    let is_idle = settings.dns01.providers.is_empty() && settings.dns01.only.is_none();
    acts_with("--write-test", command.write_test && is_idle, "--dns NAME")?;
    let store = store(&settings.chosen, &cluster).await?;
    let check = args.check();
    let opening = Session::open(
        &args.source,
        &check,
        &words,
        Open {
            for_watch: false,
            all_users: true,
            quiet: false,
        },
    );
    // A task of its own: reading a cluster blocks this one, and the CA would seem not to answer.
    let issuer = settings.chosen.issuer.clone();
    let acme = tokio::spawn(async move { preflight::open(&issuer).await });
    let session = opening.await?;
    let waiting = Waiting::for_ca(&settings.chosen.issuer.name);
    let acme = finished(acme).await;
    drop(waiting);
    let words = for_writing(&session, words)?;
    not_found(&session, &words)?;
    if let Some(connection) = &session.connection {
        solver_pod::choose(&mut settings.http01, connection).await;
    }
    let targets = chosen(&session, &words, false)?;
    if targets.is_empty() {
        return Err(session.nothing("there is nothing to check"));
    }
    let theirs: Vec<Key> = targets
        .iter()
        .map(|target| &target.secret)
        .filter(|key| {
            session.inventory.writer_of(key).is_some() || asked_of_cert_manager(&session.inventory, key).is_some()
        })
        .cloned()
        .collect();
    let secrets: Arc<dyn Secrets> = match &session.connection {
        Some(connection) => Arc::new(ClusterSecrets(Api::new(connection.clone(), Permits::none()))),
        None => Arc::new(NoSecrets),
    };
    let looking = Preflight {
        inventory: &session.inventory,
        targets: &targets,
        settings: &settings,
        connection: session.connection.as_ref(),
        acme: &acme,
        store: &store,
        secrets,
        operator: Arc::new(Terminal),
        seen: seen(&session.inventory, &settings),
        write_test: command.write_test,
        connect: args.http01.connect.clone(),
    };
    let waiting = Waiting::for_what(|| "waiting for the cluster, DNS, the CA and the hosts to answer".to_owned());
    let reports = looking.run().await;
    drop(waiting);
    if args.run.output == Some(Output::Json) {
        print(report::json(&reports, &time::date_time(crate::clock::now())).as_bytes())?;
    } else {
        print_text(&report::list(
            &reports,
            colour::wanted(args.run.color),
            colour::terminal_width(),
        ))?;
    }
    let (warnings, failures, blame) = worst(&reports);
    note(&summary((warnings, failures), &theirs, targets.len()));
    if settings.chosen.rehearsal {
        note(&format!(
            "no CA was chosen: checked with {}; --production checks with the production CA",
            settings.chosen.issuer.name
        ));
    }
    Ok(blame.map_or(session.exit, Exit::from))
}

/// The last line, from the counts of warnings and failures: it claims no more than was looked at. `theirs` are those of the `all`
/// Secrets that cert-manager writes, whose orders nobody looked at. Not cleared.
fn summary((warnings, failures): (usize, usize), theirs: &[Key], all: usize) -> String {
    let found = match (warnings, failures) {
        // Rights and little else were looked at.
        (0, 0) if theirs.len() == all => None,
        (0, 0) => Some("none of the checks found an obstacle".to_owned()),
        (warnings, 0) => Some(format!("no obstacle is known; {}", counted(warnings, "warning"))),
        (0, failures) => Some(format!("{} would stop the issuance", counted(failures, "failure"))),
        (warnings, failures) => Some(format!(
            "{} would stop the issuance; {}",
            counted(failures, "failure"),
            counted(warnings, "warning")
        )),
    };
    let unseen = theirs.first().map(|first| {
        let (of, tells) = match theirs.len() {
            1 => (format!("Secret {first}"), "shows it"),
            count => (format!("{count} Secrets"), "shows that of the first"),
        };
        format!(
            "cert-manager's progress with {of} was not checked: `kubectl certs show secret/{} -n {}` {tells}",
            first.name, first.namespace
        )
    });
    found.into_iter().chain(unseen).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_claims_no_more_than_was_looked_at() {
        let theirs = [Key::new("shop", "web-tls"), Key::new("shop", "api-tls")];
        assert_eq!(summary((0, 0), &[], 2), "none of the checks found an obstacle");
        assert_eq!(
            summary((0, 0), &theirs[..1], 1),
            "cert-manager's progress with Secret shop/web-tls was not checked: `kubectl certs show secret/web-tls -n shop` shows it"
        );
        let mixed = summary((0, 0), &theirs, 3);
        assert!(
            mixed.starts_with("none of the checks found an obstacle; cert-manager's progress with 2 Secrets was not"),
            "{mixed}"
        );
        assert!(summary((1, 0), &[], 1).ends_with("; 1 warning"));
        assert_eq!(summary((0, 2), &[], 1), "2 failures would stop the issuance");
    }
}
