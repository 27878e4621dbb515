use crate::{
    check::{
        Sample,
        finding::prelude::*,
        words::say::{list_of, moment, secret},
    },
    inventory::{Inventory, Stored},
    object::consumer::How,
    text::quote,
};

/// Pods that started before the last change of a Secret that they mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StalePods {
    pub secret: Key,
    pub pods: Sample<Text>,
    pub changed: Seconds,
}

impl Defect for StalePods {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, now: Seconds) -> String {
        let Self {
            secret: key,
            pods,
            changed,
        } = self;
        format!(
            "{} changed on {}, and {} Pod{} that started earlier mount{} it by subPath or environment and still \
             use{} the old certificate: {}.",
            secret(key, row),
            moment(*changed, now),
            pods.count(),
            if pods.count() == 1 { "" } else { "s" },
            if pods.count() == 1 { "s" } else { "" },
            if pods.count() == 1 { "s" } else { "" },
            list_of(pods)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret: key, pods, .. } = self;
        stale(key, pods.first().map(Text::as_str), commands)
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

fn stale(key: &Key, pod: Option<&str>, commands: &mut Commands<'_>) -> String {
    let see = match pod {
        None => commands.kubectl_in(&key.namespace, "get pods"),
        Some(pod) => {
            let owner = "-o jsonpath='{.metadata.ownerReferences[*].name}'";
            commands.kubectl_in(&key.namespace, &format!("get {} {owner}", quote(&format!("pod/{pod}"))))
        }
    };
    format!(
        "Restart their workload with {} (or statefulset/<NAME>, daemonset/<NAME>: {see} leads to it), and mount the Secret as \
         a whole volume so that the next change takes effect by itself.",
        commands.kubectl_in(&key.namespace, "rollout restart deployment/<NAME>")
    )
}

impl StalePods {
    /// Reports Pods that mount a Secret by subPath or read it from the environment, and that started before it last
    /// changed.
    pub(in crate::check) fn check(inventory: &Inventory, stored: Option<&Stored>, collector: &mut Collector) {
        let Some((stored, changed)) = stored.and_then(|s| Some((s, s.data_changed?))) else {
            return;
        };
        let secret = stored.meta.key();
        let mut pods: Vec<Text> = inventory
            .consumers_of(&secret)
            .filter(|c| c.kind == Kind::Pod && !c.ended && c.started.is_some_and(|at: Seconds| at < changed))
            .filter(|c| {
                c.uses
                    .iter()
                    .any(|u| u.name == secret.name && matches!(u.how, How::SubPath | How::Environment))
            })
            .map(|c| c.meta.name.clone())
            .collect();
        if !pods.is_empty() {
            pods.sort();
            collector.add_at(
                Severity::Warning,
                Self {
                    secret,
                    pods: pods.into(),
                    changed,
                },
            );
        }
    }
}
