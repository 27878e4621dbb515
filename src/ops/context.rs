//! What a use case works with: a cluster, settings, whoever is told and asked, and what ends it early.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::{Mutex, OnceCell};

use super::{Checks, Front, OpError};
use crate::{
    acme::Stage,
    apply::{Api, rows::Rows},
    engine::{cancel::Cancel, run::Standing},
    k8s::{ConnectError, ConnectOptions, Connection, connect},
    plan::permits::Permits,
    settings::{
        Chosen, Settings, SettingsError, env,
        layer::Layer,
        preference::Preference,
        source::{self, ClusterSecrets},
        store::{Store, permit},
        value::Namespaced,
    },
    solve::{
        SolveError,
        dns01::config::{SecretRef, Secrets},
        http01,
    },
};

/// What a connection from within a Pod is called.
const IN_CLUSTER: &str = "in-cluster";

/// A cluster that is connected to when something is first asked of it.
pub struct Cluster {
    options: ConnectOptions,
    connection: OnceCell<Connection>,
    front: Arc<dyn Front>,
    /// What was warned of while it was read: what is read twice is not told twice.
    warned: std::sync::Mutex<HashSet<String>>,
}

impl Cluster {
    /// The cluster that these options name.
    pub fn new(options: ConnectOptions, front: Arc<dyn Front>) -> Self {
        Self {
            options,
            connection: OnceCell::new(),
            front,
            warned: std::sync::Mutex::default(),
        }
    }

    /// The same where there is a connection already, if there is one.
    pub fn over(options: ConnectOptions, connection: Option<Connection>, front: Arc<dyn Front>) -> Self {
        Self {
            options,
            connection: OnceCell::new_with(connection),
            front,
            warned: std::sync::Mutex::default(),
        }
    }

    /// Which cluster, and as whom.
    pub fn options(&self) -> &ConnectOptions {
        &self.options
    }

    /// Whoever is told what is waited for.
    pub fn front(&self) -> &Arc<dyn Front> {
        &self.front
    }

    /// Warns of what it has not warned of yet.
    pub(super) fn warn_once(&self, text: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(text.to_owned()) {
            self.front.warn(text);
        }
    }

    /// The connection.
    ///
    /// # Errors
    ///
    /// The kubeconfig names no cluster, or its login fails. No request is sent yet.
    pub async fn login(&self) -> Result<&Connection, ConnectError> {
        let login = || async {
            let _waiting = self
                .front
                .wait(|| "waiting for the login that the kubeconfig asks for".to_owned());
            connect(&self.options).await
        };
        self.connection.get_or_try_init(login).await
    }

    /// The same, for a use case that ends where it fails.
    ///
    /// # Errors
    ///
    /// As [`Self::login`].
    pub async fn connection(&self) -> Result<&Connection, OpError> {
        self.login().await.map_err(|error| OpError::because(&error))
    }

    pub(super) async fn api(&self, permits: Permits) -> Result<Api, OpError> {
        Ok(Api::new(self.connection().await?.clone(), permits))
    }
}

impl Secrets for Cluster {
    fn get<'b>(&'b self, of: &'b SecretRef) -> BoxFuture<'b, Result<SecretString, SolveError>> {
        Box::pin(async move {
            let connection = self.login().await.map_err(|error| {
                let error = SolveError::because(&error);
                SolveError {
                    message: format!("cannot read {of}: {}", error.message),
                    ..error
                }
            })?;
            let _waiting = self.front.wait_for_server(connection);
            ClusterSecrets(Api::new(connection.clone(), Permits::none()))
                .get(of)
                .await
        })
    }
}

/// Where settings are, besides what the caller says himself and the environment.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file; `None` is the usual one.
    pub file: Option<PathBuf>,
    /// The `ConfigMap`; `None` is the one that the environment names, if it does.
    pub config_map: Option<Namespaced>,
}

/// What a use case works with.
pub struct Context {
    /// The cluster.
    pub cluster: Cluster,
    /// Where settings are.
    pub config: Config,
    /// Ends it early.
    pub cancel: Cancel,
    /// What answers HTTP-01 for as long as the program goes on, if it does.
    pub answering: Option<Arc<http01::standing::Standing>>,
    /// Where the pairs of some targets are, if they are in no Secret.
    pub rows: Option<Arc<dyn Rows>>,
    /// What orders with an account share, by the account's URL: it outlives the use case.
    pub(super) standing: Mutex<HashMap<String, Arc<Standing>>>,
}

impl Context {
    /// For one use case, or for as many as the caller likes: what they share is kept for the next.
    pub fn new(cluster: Cluster, config: Config, cancel: Cancel) -> Self {
        Self {
            cluster,
            config,
            cancel,
            answering: None,
            rows: None,
            standing: Mutex::default(),
        }
    }

    /// The same cluster and settings for what something else ends early. What orders share is not shared with it.
    #[must_use]
    pub fn again(&self, cancel: Cancel) -> Self {
        let (options, connection) = (self.cluster.options.clone(), self.cluster.connection.get().cloned());
        Self {
            cluster: Cluster::over(options, connection, Arc::clone(self.front())),
            config: self.config.clone(),
            cancel,
            answering: self.answering.clone(),
            rows: self.rows.clone(),
            standing: Mutex::default(),
        }
    }

    /// Whoever is told and asked.
    pub fn front(&self) -> &Arc<dyn Front> {
        &self.cluster.front
    }

    /// Which cluster is connected to, for whoever is asked: by the context's name, or by the server's address where there is none.
    pub(super) fn place(&self) -> Option<String> {
        let connection = self.cluster.connection.get()?;
        Some(match connection.context.as_str() {
            "" => format!("API server {}", connection.server),
            context => format!("context {context}"),
        })
    }

    /// The name of the cluster that is connected to: the context's, or the server's address where there is none. Within
    /// a cluster it has no name.
    pub(super) fn cluster_name(&self) -> Option<String> {
        let connection = self.cluster.connection.get()?;
        match connection.context.as_str() {
            "" => Some(connection.server.clone()),
            IN_CLUSTER => None,
            context => Some(context.to_owned()),
        }
    }

    /// How certificates are judged where the caller says nothing of it: as the settings file has it.
    pub(super) fn checks(&self) -> Checks {
        Checks {
            config: self.config.file.clone(),
            ..Checks::default()
        }
    }

    /// All sources of settings, the strongest first: `flags` are what the caller says himself.
    ///
    /// # Errors
    ///
    /// A source cannot be read, or says what is none.
    pub async fn layers(&self, flags: Layer) -> Result<Vec<Layer>, OpError> {
        let failed = |error: SettingsError| OpError::because(&error);
        let mut layers = source::layers(flags, self.config.file.as_deref(), &env::process).map_err(failed)?;
        let wanted = source::config_map_wanted(self.config.config_map.as_ref(), &env::process).map_err(failed)?;
        if let Some(key) = wanted {
            let api = self.cluster.api(Permits::none()).await?;
            let _waiting = self.front().wait_for_server(api.connection());
            layers.push(source::config_map(&api, &key).await.map_err(failed)?);
        }
        Ok(layers)
    }

    /// The settings of an issuance.
    ///
    /// # Errors
    ///
    /// As [`Self::layers`]; or the sources do not go together, or a flag would be ignored.
    pub async fn settings(&self, flags: Layer) -> Result<Settings, OpError> {
        let settings = Settings::of(&self.layers(flags).await?).map_err(|error| OpError::because(&error))?;
        // What a rehearsal orders is not stored, and what a production CA issues is no staging certificate.
        let stores_staging = settings.chosen.issuer.stage == Stage::Staging && !settings.chosen.rehearsal;
        if settings.certificate.overwrite_with_staging && !stores_staging {
            return Err(OpError::because(&SettingsError::Idle {
                flag: "--overwrite-with-staging",
                needs: "--staging",
            }));
        }
        Ok(settings)
    }

    /// The issuers besides the chosen one.
    ///
    /// # Errors
    ///
    /// As [`Self::layers`]; or an issuer cannot be used.
    pub async fn preference(&self, flags: Layer, chosen: &Chosen) -> Result<Preference, OpError> {
        Preference::of(&self.layers(flags).await?, chosen).map_err(|error| OpError::because(&error))
    }

    /// Where the account with the chosen CA is kept.
    ///
    /// # Errors
    ///
    /// There is no directory for it, or no connection to the cluster that has it.
    pub async fn store(&self, chosen: &Chosen) -> Result<Store, OpError> {
        if let Some(key) = &chosen.account_secret {
            let api = self.cluster.api(Permits::none().with(permit(key))).await?;
            return Ok(Store::Secret(Box::new(api), key.clone()));
        }
        let directory = source::directory(&env::process).map_err(|error| {
            OpError::because(&error).hint("set HOME, or keep accounts in a Secret: --account-secret NAMESPACE/NAME")
        })?;
        Ok(Store::Local(directory.join("accounts")))
    }
}
