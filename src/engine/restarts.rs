//! Which workloads are restarted when a Secret has its new certificate, and whether they can be, determined before the
//! order.

use crate::{
    apply::{
        Api,
        rollout::{self, Needs, RolloutError, Workload, WorkloadKind},
    },
    error::Diagnose,
    object::{Consumer, Key},
    settings::value::{self, Restart},
};

/// The workloads that do not notice a new certificate by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restarts {
    /// Workloads that are restarted.
    pub restarted: Vec<Workload>,
    /// Workloads that would need a restart, and are left alone.
    pub left: Needs,
}

impl Restarts {
    /// Applies the settings to one Secret, by who uses Secrets of its namespace.
    pub fn of<'a>(consumers: impl IntoIterator<Item = &'a Consumer>, secret: &Key, wanted: &Restart) -> Self {
        let needs = rollout::needs(consumers, secret);
        match wanted {
            Restart::None => Self {
                restarted: Vec::new(),
                left: needs,
            },
            Restart::Auto => Self {
                restarted: needs.workloads.iter().map(|(workload, _)| workload.clone()).collect(),
                left: Needs {
                    workloads: Vec::new(),
                    others: needs.others,
                },
            },
            Restart::These(these) => {
                let restarted: Vec<Workload> = these
                    .iter()
                    .map(|one| Workload {
                        kind: kind_of(one.kind),
                        key: Key::new(secret.namespace.clone(), one.name.as_str()),
                    })
                    .collect();
                let left = needs
                    .workloads
                    .into_iter()
                    .filter(|(w, _)| !restarted.contains(w))
                    .collect();
                Self {
                    left: Needs {
                        workloads: left,
                        others: needs.others,
                    },
                    restarted,
                }
            }
        }
    }

    /// Checks whether each workload can be restarted. If a workload was named and cannot be, that is an error; with
    /// `auto` it is left alone, and the reason is returned.
    pub async fn check(&mut self, api: &Api, wanted: &Restart) -> Result<Vec<String>, RolloutError> {
        let mut notes = Vec::new();
        if *wanted != Restart::Auto {
            return rollout::check(api, &self.restarted).await;
        }
        for workload in std::mem::take(&mut self.restarted) {
            match rollout::check(api, std::slice::from_ref(&workload)).await {
                Ok(said) => {
                    notes.extend(said);
                    self.restarted.push(workload);
                }
                Err(error @ (RolloutError::NotRolling { .. } | RolloutError::Budget { .. })) => {
                    let hint = error.hint().unwrap_or_default();
                    notes.push(format!("{error}: {hint}"));
                    // A budget or a strategy that is changed meanwhile lets it go.
                    if matches!(error, RolloutError::Budget { .. }) {
                        self.restarted.push(workload);
                    }
                }
                // It has been deleted since it was read.
                Err(RolloutError::Absent(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(notes)
    }
}

fn kind_of(kind: value::WorkloadKind) -> WorkloadKind {
    match kind {
        value::WorkloadKind::Deployment => WorkloadKind::Deployment,
        value::WorkloadKind::StatefulSet => WorkloadKind::StatefulSet,
        value::WorkloadKind::DaemonSet => WorkloadKind::DaemonSet,
        value::WorkloadKind::ReplicationController => WorkloadKind::ReplicationController,
    }
}
