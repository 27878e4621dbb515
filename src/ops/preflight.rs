//! `preflight`: everything that would stop an issuance, without ordering.

use std::sync::Arc;

use super::{
    Context, OpError,
    issuance::{Order, seen},
    named::{Named, for_writing, not_found},
    renew::choose::chosen,
    session::{Open, Session},
};
use crate::{
    apply::{Api, Permits},
    check::asked_of_cert_manager,
    engine::choose::led,
    engine::{
        preflight::{self, Preflight},
        solver_pod,
    },
    error::Blame,
    object::Key,
    plan::preflight::Report as OfSecret,
    scan::cluster::finished,
    settings::{SettingsError, source::ClusterSecrets},
    solve::dns01::{NoSecrets, Secrets},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The routes, Secrets and hosts; none means all of the order's source.
    pub targets: Vec<Named>,
    /// Whether a record is written where DNS-01 would write one, and removed.
    pub write_test: bool,
    /// How it would be ordered.
    pub order: Order,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Each Secret with its checks.
    pub secrets: Vec<OfSecret>,
    /// How many Secrets were looked at.
    pub looked_at: usize,
    /// Those that cert-manager writes: nobody looked at its orders.
    pub theirs: Vec<Key>,
    /// The CA that was checked with.
    pub issuer: String,
    /// Whether no CA was chosen.
    pub is_rehearsal: bool,
    /// What is to blame for what could not be read, which was told.
    pub trouble: Option<Blame>,
}

/// Looks for what would stop an issuance. Only with `write_test` is anything written.
///
/// # Errors
///
/// There is nothing to look at, or it cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let (front, order) = (&**context.front(), &request.order);
    let mut settings = context.settings(order.flags.clone()).await?;
    let is_idle = settings.dns01.providers.is_empty() && settings.dns01.only.is_none();
    if request.write_test && is_idle {
        return Err(OpError::because(&SettingsError::Idle {
            flag: "--write-test",
            needs: "--dns NAME",
        }));
    }
    let store = context.store(&settings.chosen).await?;
    let open = Open {
        all_users: true,
        ..Open::default()
    };
    let opening = Session::open(&context.cluster, &order.source, &order.checks, &request.targets, open);
    // A task of its own: reading a cluster blocks this one, and the CA would seem not to answer.
    let issuer = settings.chosen.issuer.clone();
    let acme = tokio::spawn(async move { preflight::open(&issuer).await });
    let mut session = opening.await?;
    session.set_home(&store);
    let words = for_writing(&session, request.targets.clone())?;
    not_found(&session, &words)?;
    if let Some(connection) = &session.connection {
        solver_pod::choose(&mut settings.http01, connection).await;
    }
    let targets = chosen(&session, &words, false)?;
    if targets.is_empty() {
        return Err(session.nothing("there is nothing to check"));
    }
    // Only now: what is not there is told without the CA.
    let waiting = front.wait_for_ca(&settings.chosen.issuer.name);
    let acme = finished(acme).await;
    drop(waiting);
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
        settings: &led(&settings, &targets),
        connection: session.connection.as_ref(),
        acme: &acme,
        store: &store,
        secrets,
        operator: front.operator(),
        seen: seen(&session.inventory, &settings),
        write_test: request.write_test,
        connect: order.connect.clone(),
    };
    let waiting = front.wait(|| "waiting for the cluster, DNS, the CA and the hosts to answer".to_owned());
    let reports = looking.run().await;
    drop(waiting);
    Ok(Report {
        secrets: reports,
        looked_at: targets.len(),
        theirs,
        issuer: settings.chosen.issuer.name.clone(),
        is_rehearsal: settings.chosen.rehearsal,
        trouble: session.trouble,
    })
}
