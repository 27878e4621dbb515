//! Checks what answers challenges before anything is ordered: the image of its Pod and whether the cluster admits it,
//! the port of this process, the user's Service.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Mutex, PoisonError},
};

use super::prepare::{PrepareError, Prepared, Preparing, answers_by_pod};
use crate::{
    apply::{Api, ApiError, Permit, Permits, Verb},
    error::chain,
    k8s::Connection,
    k8s::Own as _,
    object::resource::{NODE, POD},
    settings::{Http01Settings, value::SelfCheck},
    solve::{
        SolveError,
        http01::{self, Backend, config_map, image, responder::listening_hint},
    },
};

/// How many nodes are examined: a useful image is on nearly all of them, or on few.
const NODES: usize = 50;

/// The hint if the Pod is not admitted.
const HINT: &str = "change the rule that refuses it (a quota, a limit, an admission rule) or the Pod (`solver:` in the settings: image, resources, \
     priorityClassName, tolerations), or answer without a Pod: --solver endpoint, --solver service, --dns";

/// Chooses an image if the settings name none: one that a node has already, otherwise a public one. A user who may not
/// list nodes gets the public one.
pub async fn choose(http01: &mut Http01Settings, connection: &Connection) {
    let is_wanted = answers_by_pod(http01) || http01.self_check == SelfCheck::Cluster;
    if http01.image.is_some() || !is_wanted {
        return;
    }
    let reader = Api::new(connection.clone(), Permits::none());
    match reader.first(NODE, NODES).await {
        Ok(nodes) => {
            if let Some(found) = image::on_nodes(&nodes) {
                http01.image = Some(found.name);
                http01.nodes = found.nodes;
            }
        }
        Err(error) => log::debug!("which images the nodes have is not known: {}", chain(&error)),
    }
}

impl Prepared {
    /// Checks whether the solver can answer: this process can use its port, the user's Service exists, or the cluster
    /// admits the Pod.
    pub async fn can_answer(&self, preparing: &Preparing<'_>) -> Result<(), PrepareError> {
        if !self.needs_http01() {
            return Ok(());
        }
        let Some(connection) = preparing.connection else {
            return Ok(());
        };
        match &self.backend {
            Backend::Endpoint { listen, .. } => can_listen(*listen),
            Backend::Service(service) => {
                let api = Api::new(connection.clone(), Permits::none());
                for namespace in self.namespaces() {
                    config_map::check_service(&api, &namespace, service).await?;
                }
                Ok(())
            }
            Backend::Pod => Ok(self.judge(preparing, connection).await?),
        }
    }

    /// Makes the API server judge the Pod by a dry run, in each namespace in which it would run: quotas, limits, the
    /// Pod security standard and admission rules refuse the Pod, but not the Job that creates it. What only the nodes
    /// know, such as whether they can pull the image, is found out later.
    ///
    /// It is not an error if this user may not create Pods, because the Job controller creates them.
    async fn judge(&self, preparing: &Preparing<'_>, connection: &Connection) -> Result<(), SolveError> {
        let Some(options) = self.by_pod(preparing) else {
            return Ok(());
        };
        for namespace in self.namespaces() {
            let pod = http01::trial_pod(&namespace, &options);
            let mut permits = Permits::none();
            permits.add(Permit::any(&[Verb::Create], POD, namespace.clone()));
            let api = Api::new(connection.clone(), permits).dry_run();
            match api.create(POD, &pod.json()).await {
                Ok(_) | Err(ApiError::Forbidden { .. } | ApiError::Cluster(_)) => {}
                Err(error) => {
                    let refused = format!("the Pod that answers challenges cannot run: {}", chain(&error));
                    return Err(SolveError::new(refused).hint(HINT).of_cluster());
                }
            }
        }
        Ok(())
    }
}

/// Listens for a moment to check the address. One check at a time: two in one preflight would disturb each other.
fn can_listen(address: SocketAddr) -> Result<(), PrepareError> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    TcpListener::bind(address)
        .map(drop)
        .map_err(|error| PrepareError::Setting {
            message: format!("cannot listen on {address}: {error}"),
            hint: listening_hint(&error).to_owned(),
        })
}
