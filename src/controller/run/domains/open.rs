//! What there has to be before customers' domains are kept: settings that go together, the store, the API, and what serves the hosts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Domains;
use crate::{
    apply::{Api, Permits},
    controller::audit::Audit,
    domain::dns::Instructions,
    domains::{
        ask::Asker,
        chunks::{Backend, Form},
        instructed::Instructed,
        look::Looker,
        rows::DomainRows,
        serve::{self, Hands, Identities, IdentitySecret, Options},
        store::{
            Store,
            cluster::ClusterStore,
            postgres::{PostgresStore, Sealer},
        },
    },
    error::chain,
    inventory::Inventory,
    net::Lookup,
    ops::{OpError, unattended::Unattended},
    settings::{domains::DomainsSettings, source::ClusterSecrets, value::ServeWord},
    solve::{SolveError, http01::ChallengeRoute},
};

impl Domains {
    /// What the settings say; `None` if there are no customers' domains.
    ///
    /// # Errors
    ///
    /// A setting is missing or wrong, or the store cannot be opened.
    pub(in crate::controller::run) async fn open(
        unattended: &Unattended,
        install: &str,
        audit: &Arc<Audit>,
    ) -> Result<Option<Self>, OpError> {
        let Some(settings) = unattended.settings.domains.clone() else {
            return Ok(None);
        };
        if settings.serve == ServeWord::ListenerSet && settings.said.gateway.is_none() {
            return Err(OpError::usage(
                "domains.serve: listenerset needs domains.gateway, the Gateway to which the listeners belong",
            )
            .hint("name it: NAMESPACE/NAME"));
        }
        let has_backend = matches!(settings.serve, ServeWord::Ingress | ServeWord::ListenerSet);
        if has_backend && settings.said.backend.is_none() {
            return Err(OpError::usage(format!(
                "domains.serve: {} needs domains.backend, the Service to which the hosts lead",
                settings.serve
            ))
            .hint("name it with its port, such as app:80; or have a proxy of your own ask for the certificates: domains.serve: source"));
        }
        let ca = settings.said.ask_ca.as_deref().map(str::as_bytes);
        let asker = Asker::new(settings.ask.clone(), settings.ask_timeout, ca);
        let asker = asker.map_err(|error| OpError::usage(chain(&error)).after("domains.ask"))?;
        let dns01 = &unattended.settings.dns01;
        let instructions = Instructed::new(instructions(&settings, install));
        let looker = Looker::new(Lookup::of(&dns01.resolvers), dns01.zones(), instructions.clone());
        let namespaces = unattended.wildcards.only.as_deref();
        let database = database(&settings, unattended).await?;
        let is_database = database.is_some();
        let store: Arc<dyn Store> = database.map_or_else(
            || {
                let store = ClusterStore::new(unattended.connection(), &settings.namespace, namespaces);
                Arc::new(store) as Arc<dyn Store>
            },
            |store| Arc::new(store),
        );
        let rows = is_database.then(|| Arc::new(DomainRows::new(Arc::clone(&store), install, &settings.namespace)));
        let api = Api::new(unattended.connection().clone(), Permits::none());
        let log = Arc::clone(audit);
        let hands = Hands {
            store: Arc::clone(&store),
            asks: Arc::new(asker.clone()),
            pairs: Arc::new(api.clone()),
            reviews: Some(Arc::new(api.clone())),
            note: Arc::new(move |event, host, who| {
                log.line([
                    ("event", event.into()),
                    ("host", host.as_str().into()),
                    ("by", who.into()),
                ]);
            }),
        };
        let identities = settings.said.server_secret.as_ref().map(|secret| {
            let secret = secret.0.clone();
            Arc::new(IdentitySecret { api, secret }) as Arc<dyn Identities>
        });
        let options = Options::of(&settings, instructions.clone());
        let options = options.map_err(|error| OpError::usage(chain(&error)).after("domains"))?;
        let serving = serve::serve(settings.listen.socket(), identities, hands, options).await;
        let serving =
            serving.map_err(|error| OpError::usage(chain(&error)).hint("name another address: domains.listen"))?;
        audit.line([
            ("event", "listening-for-domains".into()),
            ("address", serving.address().to_string().into()),
        ]);
        Ok(Some(Self {
            settings,
            store,
            rows,
            serving,
            asker,
            looker: Arc::new(looker),
            instructions,
            lacks_standing: dns01.uses_standing(),
            webhook: None,
            tells: None,
            touched: BTreeSet::new(),
            reached: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            leads_proxies: false,
        }))
    }

    /// What serves the hosts; `None` where a proxy of the platform asks for each certificate.
    pub(super) fn form(&self, inventory: &Inventory) -> Option<Form> {
        let backend = self.settings.said.backend.as_ref()?;
        let backend = Backend {
            service: backend.name.clone(),
            port: backend.port,
        };
        let most = self.settings.chunk;
        match self.settings.serve {
            ServeWord::Source | ServeWord::Template => None,
            ServeWord::Ingress => Some(Form::Ingress {
                class: ChallengeRoute::of_class(inventory, &self.settings.namespace, None).class,
                backend,
                most,
            }),
            ServeWord::ListenerSet => Some(Form::ListenerSet {
                gateway: self.settings.said.gateway.as_ref()?.0.clone(),
                backend,
                most,
            }),
        }
    }
}

/// The database with the records, if they are in one.
async fn database(settings: &DomainsSettings, unattended: &Unattended) -> Result<Option<PostgresStore>, OpError> {
    let (Some(url), Some(key)) = (&settings.database, &settings.database_key) else {
        return Ok(None);
    };
    let secrets = ClusterSecrets(Api::new(unattended.connection().clone(), Permits::none()));
    let unread = |error: SolveError| OpError::because(&error);
    let url = url.resolve(&secrets).await;
    let url = url.map_err(|error| unread(error).after("domains.databaseUrl"))?;
    let key = key.resolve(&secrets).await;
    let key = key.map_err(|error| unread(error).after("domains.databaseKey"))?;
    let sealer = Sealer::read(&key).map_err(|error| OpError::usage(chain(&error)).after("domains.databaseKey"))?;
    let store = PostgresStore::open(&url, Some(sealer)).await;
    store.map(Some).map_err(|error| OpError::because(&error))
}

/// How customers' names lead to the platform.
fn instructions(settings: &DomainsSettings, install: &str) -> Instructions {
    let said = &settings.said;
    Instructions {
        target: said.target.as_ref().map(|name| name.0.as_str().into()),
        addresses: said.addresses.clone().unwrap_or_default(),
        challenge_zone: said.challenge_zone.as_ref().map(|zone| zone.0.as_str().into()),
        standing: None,
        ownership: said.ownership == Some(true),
        install: install.into(),
    }
}
