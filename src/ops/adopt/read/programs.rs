//! Programs that keep certificates: `CronJob`s of known tools, kube-lego, and what else runs such a tool.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{OpError, in_namespaces};
use crate::{
    apply::{Api, ApiError, owner},
    error::chain,
    inventory::Inventory,
    k8s::Own as _,
    object::{
        Key,
        resource::{CONFIGMAP, CRONJOB, DEPLOYMENT, REPLICATIONCONTROLLER, STATEFULSET},
    },
    ops::{Front, install::shimmed_by_default},
    plan::adopt::{ClockFacts, Decision, Former, LegoFacts, mentioned, proves_by_dns, tool_of},
};

/// What was found of programs.
#[derive(Default)]
pub(in crate::ops::adopt) struct Programs {
    /// `CronJob`s of known tools.
    pub(in crate::ops::adopt) clocks: BTreeMap<Key, (ClockFacts, Value)>,
    /// kube-lego's Deployments that run.
    pub(in crate::ops::adopt) legos: BTreeMap<Key, (LegoFacts, Value)>,
    /// What else runs a known tool: what it is, the tool, and the Secrets that it names.
    others: Vec<(String, Former, BTreeSet<Key>)>,
}

impl Programs {
    pub(super) fn clock_facts(&self) -> BTreeMap<Key, ClockFacts> {
        let all = self.clocks.iter();
        all.map(|(key, (facts, _))| (key.clone(), facts.clone())).collect()
    }

    pub(super) fn lego_facts(&self) -> Vec<LegoFacts> {
        self.legos.values().map(|(facts, _)| facts.clone()).collect()
    }

    /// The Secrets that programs name which are no `CronJob`s.
    pub(super) fn named(&self) -> impl Iterator<Item = &Key> {
        self.others.iter().flat_map(|(_, _, secrets)| secrets)
    }

    /// The tool of a `CronJob` that writes a Secret and proves names by DNS-01, if there is one.
    pub(super) fn proving_by_dns(&self, secret: &Key) -> Option<Former> {
        let mut all = self.clocks.values().map(|(facts, _)| facts);
        let found = all.find(|clock| clock.proves_by_dns && !clock.is_suspended && clock.secrets.contains(secret));
        found.map(|clock| clock.former)
    }

    /// The programs that speak against taking a Secret over.
    pub(super) fn against(&self, secret: &Key) -> impl Iterator<Item = Decision> {
        let naming = self.others.iter().filter(|(_, _, secrets)| secrets.contains(secret));
        naming.map(|(what, former, _)| Decision::Program(what.clone(), *former))
    }
}

/// Reads the programs of these namespaces, and kube-lego wherever it runs. Refuses where cert-manager answers this program's annotation.
pub(super) async fn read(
    api: &Api,
    inventory: &Inventory,
    namespaces: &[String],
    front: &dyn Front,
) -> Result<Programs, OpError> {
    let failed = |error: ApiError| OpError::because(&error);
    let mut programs = Programs::default();
    let everywhere = match api.list(DEPLOYMENT, None, None).await {
        Ok(all) => all,
        Err(error @ ApiError::Forbidden { .. }) => {
            front.warn(&format!(
                "nobody knows whether kube-lego runs, or cert-manager answers kubernetes.io/tls-acme: {}",
                chain(&error)
            ));
            in_namespaces(api, DEPLOYMENT, namespaces).await.map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    shimmed_by_default(api, &everywhere, front).await?;
    for deployment in &everywhere {
        programs.legos.extend(lego(deployment));
    }
    let is_here = |object: &Value| {
        let namespace = object.key().namespace;
        namespaces.is_empty() || namespaces.iter().any(|one| *one == *namespace)
    };
    let mut running: Vec<(&str, Value)> = everywhere
        .into_iter()
        .filter(is_here)
        .map(|object| (DEPLOYMENT.kind, object))
        .collect();
    for resource in [STATEFULSET, REPLICATIONCONTROLLER] {
        let found = in_namespaces(api, resource, namespaces).await.map_err(failed)?;
        running.extend(found.into_iter().map(|object| (resource.kind, object)));
    }
    for (kind, object) in running {
        let pod = &object["spec"]["template"]["spec"];
        let former = tool_of(pod).filter(|former| *former != Former::KubeLego && runs(&object));
        let Some(former) = former else { continue };
        let (secrets, _) = secrets_of(api, inventory, &object, pod).await.map_err(failed)?;
        programs
            .others
            .push((format!("{kind} {}", object.key()), former, secrets));
    }
    for object in in_namespaces(api, CRONJOB, namespaces).await.map_err(failed)? {
        let spec = &object["spec"];
        let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
        let Some(former) = tool_of(pod) else { continue };
        let (secrets, proves_by_dns) = secrets_of(api, inventory, &object, pod).await.map_err(failed)?;
        let facts = ClockFacts {
            former,
            secrets,
            proves_by_dns,
            is_running: object["status"]["active"]
                .as_array()
                .is_some_and(|active| !active.is_empty()),
            is_suspended: spec["suspend"] == true,
            owner: owner::of_route(&object).map(|owner| owner.who),
        };
        programs.clocks.insert(object.key(), (facts, object));
    }
    Ok(programs)
}

fn runs(object: &Value) -> bool {
    // One Pod, where nothing is said.
    object["spec"]["replicas"].as_u64() != Some(0)
}

fn lego(deployment: &Value) -> Option<(Key, (LegoFacts, Value))> {
    let pod = &deployment["spec"]["template"]["spec"];
    let is_lego = tool_of(pod) == Some(Former::KubeLego);
    if !is_lego || !runs(deployment) || !deployment["metadata"]["deletionTimestamp"].is_null() {
        return None;
    }
    let containers = pod["containers"].as_array().into_iter().flatten();
    let mut variables = containers.flat_map(|container| container["env"].as_array().into_iter().flatten());
    let watches = variables
        .find(|one| one["name"] == "LEGO_WATCH_NAMESPACE")
        .and_then(|one| one["value"].as_str())
        .filter(|namespace| !namespace.is_empty());
    let facts = LegoFacts {
        key: deployment.key(),
        replicas: deployment["spec"]["replicas"].as_u64().unwrap_or(1),
        watches: watches.map(str::to_owned),
        owner: owner::of_route(deployment).map(|owner| owner.who),
    };
    Some((deployment.key(), (facts, deployment.clone())))
}

/// The Secrets of its namespace that a program names, and whether it proves names by DNS-01: its words, and the scripts in the `ConfigMap`s
/// that are mounted into it.
async fn secrets_of(
    api: &Api,
    inventory: &Inventory,
    object: &Value,
    pod: &Value,
) -> Result<(BTreeSet<Key>, bool), ApiError> {
    let namespace = object.key().namespace;
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let volumes = pod["volumes"].as_array().into_iter().flatten();
    names.extend(volumes.filter_map(|volume| volume["configMap"]["name"].as_str()));
    let containers = pod["containers"].as_array().into_iter().flatten();
    let sources = containers.flat_map(|container| container["envFrom"].as_array().into_iter().flatten());
    names.extend(sources.filter_map(|source| source["configMapRef"]["name"].as_str()));
    let mut stored = Vec::new();
    for name in names {
        stored.extend(api.get(CONFIGMAP, &Key::new(namespace.clone(), name)).await?);
    }
    let scripts: Vec<&str> = stored
        .iter()
        .flat_map(|object| object["data"].as_object().into_iter().flatten())
        .filter_map(|(_, text)| text.as_str())
        .collect();
    let known: BTreeSet<Key> = inventory
        .secrets()
        .iter()
        .filter(|stored| stored.is_for_tls() && stored.meta.namespace == namespace)
        .map(|stored| stored.meta.key())
        .collect();
    let found = mentioned(pod, &scripts, known.iter().map(|key| key.name.as_str()));
    let secrets = known.iter().filter(|key| found.contains(key.name.as_str()));
    Ok((secrets.cloned().collect(), proves_by_dns(pod, &scripts)))
}
