//! What the command line says becomes a layer of the settings; the cluster is only asked where they are in it.

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::{
    apply::Api,
    cli::failure::Failure,
    plan::permits::Permits,
    settings::{
        Chosen, Settings, SettingsError, env,
        file::{Addresses, EabEntry},
        layer::{Choice, Layer, Origin},
        source::{self, ClusterSecrets},
        store::{Store, permit},
    },
    solve::{
        SolveError,
        dns01::config::{Credential, SecretRef, Secrets},
    },
    source::cluster::{ConnectError, Connection},
};

use super::{
    args::{
        ClusterArgs,
        issue::{CaArgs, ConfigArgs, IssueArgs},
    },
    session::login,
    waiting::Waiting,
};

/// A cluster that is connected to when something is asked of it.
pub(super) struct Cluster<'a> {
    args: &'a ClusterArgs,
    connection: OnceCell<Connection>,
}

impl<'a> Cluster<'a> {
    /// The cluster of these flags.
    pub(super) fn new(args: &'a ClusterArgs) -> Self {
        Self {
            args,
            connection: OnceCell::new(),
        }
    }

    /// The connection.
    pub(super) async fn connection(&self) -> Result<&Connection, ConnectError> {
        self.connection
            .get_or_try_init(|| async { login(self.args).await })
            .await
    }

    async fn api(&self, permits: Permits) -> Result<Api, Failure> {
        let connection = self.connection().await.map_err(|error| Failure::because(&error))?;
        Ok(Api::new(connection.clone(), permits))
    }
}

impl Secrets for Cluster<'_> {
    fn get<'b>(&'b self, of: &'b SecretRef) -> BoxFuture<'b, Result<SecretString, SolveError>> {
        Box::pin(async move {
            let connection = self.connection().await.map_err(|error| {
                let error = SolveError::because(&error);
                SolveError {
                    message: format!("cannot read {of}: {}", error.message),
                    ..error
                }
            })?;
            let _waiting = Waiting::for_server(connection);
            ClusterSecrets(Api::new(connection.clone(), Permits::none()))
                .get(of)
                .await
        })
    }
}

/// Refuses a flag that would change nothing as it stands.
pub(super) fn acts_with(flag: &'static str, is_idle: bool, needs: &'static str) -> Result<(), Failure> {
    if is_idle {
        return Err(Failure::because(&SettingsError::Idle { flag, needs }));
    }
    Ok(())
}

/// All sources, the strongest first.
pub(super) async fn layers(flags: Layer, config: &ConfigArgs, cluster: &Cluster<'_>) -> Result<Vec<Layer>, Failure> {
    let failed = |error: SettingsError| Failure::because(&error);
    let mut layers = source::layers(flags, config.config.as_deref(), &env::process).map_err(failed)?;
    let wanted = source::config_map_wanted(config.config_map.as_ref(), &env::process).map_err(failed)?;
    if let Some(key) = wanted {
        let api = cluster.api(Permits::none()).await?;
        let _waiting = Waiting::for_server(api.connection());
        layers.push(source::config_map(&api, &key).await.map_err(failed)?);
    }
    Ok(layers)
}

/// The settings of an issuance.
pub(super) async fn settings(args: &IssueArgs, cluster: &Cluster<'_>) -> Result<Settings, Failure> {
    let layers = layers(issue_layer(args)?, &args.ca.settings, cluster).await?;
    Settings::of(&layers).map_err(|error| Failure::because(&error))
}

/// Where the account with the chosen CA is kept.
pub(super) async fn store(chosen: &Chosen, cluster: &Cluster<'_>) -> Result<Store, Failure> {
    if let Some(key) = &chosen.account_secret {
        let api = cluster.api(Permits::none().with(permit(key))).await?;
        return Ok(Store::Secret(Box::new(api), key.clone()));
    }
    let directory = source::directory(&env::process).map_err(|error| {
        Failure::because(&error).hint("set HOME, or keep accounts in a Secret: --account-secret NAMESPACE/NAME")
    })?;
    Ok(Store::Local(directory.join("accounts")))
}

/// What the flags say of the CA and the account.
pub(super) fn ca_layer(args: &CaArgs) -> Result<Layer, Failure> {
    let mut layer = Layer::empty(Origin::Flags);
    layer.choice = if args.staging {
        Some(Choice::Staging)
    } else if args.production {
        Some(Choice::Production)
    } else {
        let named = args.issuer.clone().map(Choice::Issuer);
        named.or_else(|| args.directory_url.clone().map(Choice::Directory))
    };
    let issuer = &mut layer.issuer;
    issuer.ca_file.clone_from(&args.directory_ca_file);
    issuer.agree_tos = args.agree_tos.then_some(true);
    issuer.email = (!args.email.is_empty()).then(|| Addresses(args.email.clone()));
    issuer.account_secret.clone_from(&args.account_secret);
    let key = args.eab_key_file.clone().map(Credential::File);
    let key = key.or_else(|| args.eab_key_env.clone().map(Credential::Env));
    issuer.eab = match (&args.eab_kid, key) {
        (None, None) => None,
        (Some(kid), Some(key)) => Some(EabEntry { kid: kid.clone(), key }),
        (Some(kid), None) if env::has_eab_key(&env::process) => Some(EabEntry {
            kid: kid.clone(),
            key: env::eab_key(),
        }),
        _ => return Err(Failure::because(&SettingsError::HalfBinding)),
    };
    Ok(layer)
}

/// What the flags of an issuance say.
pub(super) fn issue_layer(args: &IssueArgs) -> Result<Layer, Failure> {
    let some = |list: &Vec<_>| (!list.is_empty()).then(|| list.clone());
    let mut layer = ca_layer(&args.ca)?;
    layer.issuer.profile.clone_from(&args.order.profile);
    layer.issuer.preferred_chain.clone_from(&args.order.preferred_chain);
    layer.dns.clone_from(&args.dns01.dns);
    layer.ignore_rate_limits = args.order.ignore_rate_limits;
    layer.force = args.order.force;
    layer.overwrite_with_staging = args.order.overwrite_with_staging;
    let file = &mut layer.file;
    file.certificate.key_type = args.order.key_type;
    file.certificate.reuse_key = args.order.reuse_key.then_some(true);
    file.certificate.concurrency = args.order.concurrency;
    let http01 = &args.http01;
    file.http01.solver = http01.solver;
    file.solver.image.clone_from(&http01.solver_image);
    file.solver.image_pull_secrets = some(&http01.solver_pull_secret);
    if !http01.solver_node_selector.is_empty() {
        let labels = http01.solver_node_selector.iter();
        file.solver.node_selector = Some(labels.map(|l| (l.key.clone(), l.value.clone())).collect());
    }
    if !http01.solver_toleration.is_empty() {
        file.solver.tolerations = Some(http01.solver_toleration.clone());
    }
    file.http01.service.clone_from(&http01.solver_service);
    file.http01.advertise = http01.advertise;
    file.http01.self_check = http01.self_check;
    if !args.dns01.resolver.is_empty() {
        file.dns01.resolvers = Some(args.dns01.resolver.clone());
    }
    file.dns01.propagation_timeout = args.dns01.propagation_timeout;
    file.dns01.propagation_wait = args.dns01.propagation_wait;
    file.storing.secret_keys.clone_from(&args.store.secret_keys);
    if !args.store.restart.is_empty() {
        file.storing.restart = Some(args.store.restart.clone());
    }
    file.storing.wait = args.store.wait;
    if !args.store.ca_file.is_empty() {
        file.storing.ca_files = Some(args.store.ca_file.clone());
    }
    Ok(layer)
}
