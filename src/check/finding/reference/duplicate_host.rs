use crate::{
    check::{
        Sample,
        finding::{ObjectRef, prelude::*},
        words::say::{host, object, objects},
    },
    inventory::{
        Binding, BindingId, RouteKey,
        query::{Serving, covers},
    },
};

/// One host in several routes of one controller, with different Secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateHost {
    pub others: Sample<ObjectRef>,
    pub winner: Option<ObjectRef>,
}

impl Defect for DuplicateHost {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { others, winner } = self;
        format!(
            "{} is also served by {} with another Secret: {}.",
            host(row),
            objects(others, row),
            match winner {
                Some(winner) => format!("clients get the certificate of {}", object(winner, row)),
                None => "which certificate clients get is the controller's choice".to_owned(),
            }
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        format!(
            "Keep the host in one route, or let all of them name the same Secret; {} shows which certificate clients \
             get.",
            commands.certs("probe", row)
        )
    }
}

impl DuplicateHost {
    /// Reports a host that several routes of one controller claim with different Secrets.
    pub(in crate::check) fn check(subject: &Subject<'_>, id: BindingId, binding: &Binding, collector: &mut Collector) {
        let inventory = subject.inventory;
        if binding.host == "*" || binding.secrets.is_empty() {
            return;
        }
        let leaf = |b: &Binding| {
            let stored = b.secrets.iter().find_map(|key| inventory.secrets().get(key));
            stored.and_then(|stored| stored.leaf()).map(|leaf| leaf.sha256)
        };
        let own = leaf(binding);
        let winner = inventory.winner(binding, subject.controller).map(|b| &b.route);
        let beside = inventory.beside(id, binding);
        let mut others: Vec<&RouteKey> = beside
            .into_iter()
            .filter(|other| {
                // A route that names no Secret matters only where it is the oldest and so decides.
                (!other.secrets.is_empty() || winner == Some(&other.route))
                && other.secrets != binding.secrets
                // Copies of one certificate in several namespaces do not differ for clients.
                && (own.is_none() || own != leaf(other))
            })
            .map(|other| &other.route)
            .collect();
        if others.is_empty() {
            return;
        }
        others.sort();
        others.dedup();
        // Where another route decides and provides no certificate for the host, clients get the default certificate.
        let nothing = match subject.serving {
            Serving::Nothing | Serving::Default(None) => true,
            Serving::Default(Some(stored)) => !covers(stored, &binding.host),
            _ => false,
        };
        let loses = winner.is_some_and(|w| *w != binding.route) && nothing;
        let severity = if loses { Severity::Critical } else { Severity::Warning };
        let fact = Self {
            others: others.into_iter().map(ObjectRef::from).collect(),
            winner: winner.map(ObjectRef::from),
        };
        collector.add_at(severity, fact);
    }
}
