//! What `renew`, `issue` and `ensure` begin with: settings, a picture of the cluster, the CA's directory.

use super::{
    Context, OpError,
    directory::Directory,
    foreseen,
    issuance::{Issuance, Order},
    left::Left,
    named::Named,
    session::{Open, Session},
};
use crate::{
    acme::{Issuer, Stage},
    apply::{Api, Permits},
    engine::{authority::Authority, foreseen::Obstacle, prepare, solver_pod},
    error::Blame,
    settings::{Settings, policy, store::Store, value::DryRun},
};

/// What they begin with.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) settings: Settings,
    pub(super) acme: Directory,
    pub(super) store: Store,
    /// What denies production by hand, where anything does.
    denied: Option<Obstacle>,
}

impl Opened {
    /// Reads what is asked for, and the CA's directory meanwhile.
    pub(super) async fn read(order: &Order, words: &[Named], context: &Context) -> Result<Self, OpError> {
        let open = Open {
            all_users: true,
            ..Open::default()
        };
        Box::pin(Self::read_as(order, words, context, Directory::begin, open)).await
    }

    /// The same, where the CA may not be needed, and manifests may not be there yet.
    pub(super) async fn read_alone(order: &Order, words: &[Named], context: &Context) -> Result<Self, OpError> {
        let open = Open {
            all_users: true,
            may_be_empty: true,
            ..Open::default()
        };
        Box::pin(Self::read_as(order, words, context, Directory::later, open)).await
    }

    /// The same, read as `open` says, with the CA's directory as `directory` reads it.
    pub(super) async fn read_as(
        order: &Order,
        words: &[Named],
        context: &Context,
        directory: fn(&Issuer) -> Directory,
        open: Open,
    ) -> Result<Self, OpError> {
        let mut settings = context.settings(order.flags.clone()).await?;
        // Whoever follows some namespaces alone may not be allowed to list them all.
        let with_namespaces =
            open.with_namespaces && (order.source.all_namespaces || settings.unattended.wildcards.is_some());
        let open = Open {
            with_namespaces,
            ..open
        };
        let store = context.store(&settings.chosen).await?;
        let opening = Session::open(&context.cluster, &order.source, &order.checks, words, open);
        let acme = directory(&settings.chosen.issuer);
        let mut session = opening.await?;
        session.set_home(&store);
        if let Some(blame) = session.trouble {
            return Err(OpError::new(blame, "not everything could be read: nothing was ordered"));
        }
        if let Some(connection) = &session.connection {
            solver_pod::choose(&mut settings.http01, connection).await;
        }
        let denied = denied(order, &session, &settings, context).await?;
        Ok(Self {
            session,
            settings,
            acme,
            store,
            denied,
        })
    }

    /// What is to be done with it.
    pub(super) fn issuance<'a>(&'a self, order: &'a Order, context: &'a Context, left: &'a [Left]) -> Issuance<'a> {
        Issuance {
            context,
            order,
            inventory: &self.session.inventory,
            connection: self.session.connection.as_ref(),
            scope: &self.session.scope,
            settings: &self.settings,
            store: &self.store,
            acme: &self.acme,
            keeping: None,
            authority: Authority::Always,
            directories: Vec::new(),
            denied: self.denied.clone(),
            is_bounded: false,
            left,
            left_out: Vec::new(),
            present: std::sync::Mutex::default(),
        }
    }
}

/// What the cluster, or the settings, say of production by hand. It is refused here; of a rehearsal or a dry run it is told.
async fn denied(
    order: &Order,
    session: &Session,
    settings: &Settings,
    context: &Context,
) -> Result<Option<Obstacle>, OpError> {
    let chosen = &settings.chosen;
    let staging = !chosen.rehearsal && chosen.issuer.stage == Stage::Staging;
    // What runs in the cluster is what such a cluster wants.
    if staging || prepare::own_address().is_some() {
        return Ok(None);
    }
    let by = match (&settings.denied_by, &session.connection) {
        (Some(by), _) => Some(by.clone()),
        (None, Some(connection)) => {
            let _waiting = context.front().wait_for_server(connection);
            let api = Api::new(connection.clone(), Permits::none());
            let asked = policy::denied_by_cluster(&api).await;
            asked.map_err(|error| OpError::because(&error))?
        }
        (None, None) => None,
    };
    let denied = by.map(|by| Obstacle {
        secret: None,
        stops: true,
        what: format!("production orders by hand are denied by {by} (policy.interactiveProduction)"),
        hint: Some("programs in the cluster may order, and anybody may rehearse".to_owned()),
        blame: Blame::Usage,
    });
    let earnest = !chosen.rehearsal && order.dry_run == DryRun::None;
    match foreseen::failure("nothing was ordered", denied.as_slice()).filter(|_| earnest) {
        Some(failure) => Err(failure),
        None => Ok(denied),
    }
}
