//! The Pod that answers challenges, before anything is ordered: which image it has, and whether the cluster admits it.

use std::collections::BTreeSet;

use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Verb,
        resource::{NODE, POD},
    },
    error::chain,
    object::Text,
    settings::{
        Http01Settings,
        value::{SelfCheck, SolverKind},
    },
    solve::http01::{self, image},
    source::cluster::Connection,
};

/// So many nodes are looked at: an image that is of use is on nearly all of them, or on few.
const NODES: usize = 50;

/// The way out where it is not admitted.
pub const HINT: &str = "change what refuses it (a quota, a limit, an admission rule) or the Pod (`http01:` in the settings: image, resources, \
     priorityClassName, tolerations), or answer without a Pod: --solver endpoint, --solver service, --dns";

/// Whether challenges may be answered, or looked at, by a Pod under these settings.
fn is_wanted(http01: &Http01Settings) -> bool {
    let answers = match http01.solver {
        Some(SolverKind::Pod) => true,
        Some(SolverKind::Endpoint | SolverKind::Service) => false,
        Some(SolverKind::InPlace) | None => http01.advertise.is_none() && super::prepare::own_address().is_none(),
    };
    answers || http01.self_check == SelfCheck::Cluster
}

/// Chooses the image where the settings name none: one that a node has already, else a public one. Who may not list nodes gets that one.
pub async fn choose(http01: &mut Http01Settings, connection: &Connection) {
    if http01.image.is_some() || !is_wanted(http01) {
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
        Err(error) => tracing::debug!("which images the nodes have is not known: {}", chain(&error)),
    }
}

/// Has the API server judge the Pod in each namespace in which it would run, by a dry run: quotas, limits, the Pod security standard and
/// admission rules refuse a Pod, and not the Job that makes it. What only the nodes know, whether they can pull its image, is seen later.
///
/// `Ok` too where this user may not create Pods: the Job controller does.
pub async fn judge(
    connection: &Connection,
    options: &http01::Options,
    namespaces: &BTreeSet<Text>,
) -> Result<(), ApiError> {
    for namespace in namespaces {
        let pod = http01::trial_pod(namespace, options);
        let mut permits = Permits::none();
        permits.add(Permit::any(&[Verb::Create], POD, namespace.clone()));
        let api = Api::new(connection.clone(), permits).dry_run();
        match api.create(POD, &pod).await {
            Ok(_) | Err(ApiError::Forbidden { .. } | ApiError::Cluster(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
