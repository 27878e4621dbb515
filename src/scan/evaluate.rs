//! From an inventory to rows: judges everything, keeps what counts, sorts nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::{self, Fact, Finding, Probed, Rules, Select, Verdict, select::IgnoreOf},
    inventory::{BindingId, Inventory},
    object::{Key, Kind},
    report::{RouteRef, Row, Status},
};

/// What one row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A binding.
    Binding(BindingId),
    /// A Secret that no route uses.
    Secret(Key),
    /// The position of what could not be read, in [`Inventory::forbidden`].
    Forbidden(usize),
}

/// One judged thing: its verdict holds only findings that count.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it is.
    pub about: About,
    /// The verdict.
    pub verdict: Verdict,
    /// The state.
    pub status: Status,
}

/// Judges all bindings, on all cores, then the Secrets that no route uses, then notes what could not be read.
///
/// Bindings whose certificate comes from elsewhere are left out, unless they were probed. A Secret without route is
/// there only when something is wrong with it, or when `wanted` names it.
pub fn evaluate(
    inventory: &Inventory,
    rules: Rules,
    select: &Select,
    probed: &BTreeMap<BindingId, Probed>,
    wanted: &BTreeSet<Key>,
) -> Vec<Judged> {
    let ids: Vec<BindingId> = inventory.bindings().iter().map(|(id, _)| id).collect();
    let mut judged = in_parallel(&ids, |id| binding(inventory, id, rules, select, probed.get(&id)));
    let mut keys: Vec<Key> = inventory
        .secrets()
        .iter()
        .map(|stored| stored.meta.key())
        .filter(|key| inventory.bindings_of_secret(key).is_empty())
        // Who chooses routes by label asks for no Secret of others.
        .filter(|key| !inventory.routes_chosen || wanted.contains(key))
        .collect();
    keys.sort();
    judged.extend(
        keys.into_iter()
            .filter_map(|key| secret(inventory, key, rules, select, wanted)),
    );
    for (position, forbidden) in inventory
        .forbidden()
        .iter()
        .enumerate()
        .filter(|(_, f)| has_row(f.kind))
    {
        // A Secret that one binding names is told there.
        let finding = Finding::new(Fact::Forbidden(forbidden.clone()));
        if forbidden.name.is_none() && select.counts(&finding) {
            let verdict = Verdict {
                findings: vec![finding],
                unreadable: true,
                ..Verdict::default()
            };
            judged.push(Judged {
                about: About::Forbidden(position),
                verdict,
                status: Status::Unknown,
            });
        }
    }
    judged
}

/// Whether a kind that could not be listed has a row of its own: without it, hosts are missing from the table.
pub fn has_row(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ingress | Kind::Gateway | Kind::ListenerSet | Kind::IngressRoute | Kind::Secret
    )
}

/// Judges one binding. `None` when there is nothing to say of it.
pub fn binding(
    inventory: &Inventory,
    id: BindingId,
    rules: Rules,
    select: &Select,
    probed: Option<&Probed>,
) -> Option<Judged> {
    let binding = inventory.bindings().get(id)?;
    let mut verdict = check::binding(inventory, id, rules)?;
    if let Some(probed) = probed {
        let stored = verdict.served.as_ref().and_then(|key| inventory.secrets().get(key));
        verdict
            .findings
            .extend(check::judge_probe(binding, stored, probed, &rules));
        verdict
            .findings
            .sort_by_key(|f| (std::cmp::Reverse(f.severity), f.reason()));
    } else if binding.elsewhere {
        return None;
    }
    select.retain(
        inventory,
        &IgnoreOf {
            route: Some(&binding.route),
            secrets: &binding.secrets,
        },
        &mut verdict.findings,
    );
    let status = status(&verdict);
    Some(Judged {
        about: About::Binding(id),
        verdict,
        status,
    })
}

/// Judges a Secret that no route uses. `None` when it is healthy, or no certificate, and nobody asked for it.
pub fn secret(
    inventory: &Inventory,
    key: Key,
    rules: Rules,
    select: &Select,
    wanted: &BTreeSet<Key>,
) -> Option<Judged> {
    let mut verdict = check::secret(inventory, &key, rules)?;
    let keys = [key];
    select.retain(
        inventory,
        &IgnoreOf {
            route: None,
            secrets: &keys,
        },
        &mut verdict.findings,
    );
    let [key] = keys;
    if verdict.findings.is_empty() && !wanted.contains(&key) {
        return None;
    }
    let status = status(&verdict);
    Some(Judged {
        about: About::Secret(key),
        verdict,
        status,
    })
}

/// The worst that counts; what could not be read is unknown unless something is known to be worse.
fn status(verdict: &Verdict) -> Status {
    let forbidden = |f: &&Finding| !matches!(f.fact, Fact::Forbidden(_));
    let worst = verdict
        .findings
        .iter()
        .filter(forbidden)
        .map(|f| Status::from(f.severity))
        .max();
    let floor = if verdict.unreadable {
        Status::Unknown
    } else {
        Status::Healthy
    };
    worst.map_or(floor, |worst| worst.max(floor))
}

/// Maps a slice on all cores, in order.
fn in_parallel<T: Copy + Sync, R: Send>(items: &[T], f: impl Fn(T) -> Option<R> + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A thread costs some 50 µs: below a few hundred bindings it does not pay.
    if cores == 1 || items.len() < 512 {
        return items.iter().filter_map(|item| f(*item)).collect();
    }
    let f = &f;
    std::thread::scope(|scope| {
        let chunks = items.chunks(items.len().div_ceil(cores));
        let threads: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || chunk.iter().filter_map(|i| f(*i)).collect::<Vec<R>>()))
            .collect();
        let mut all = Vec::with_capacity(items.len());
        for thread in threads {
            match thread.join() {
                Ok(part) => all.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// The row of a judged thing. `None` when its binding is gone.
pub fn row<'a>(inventory: &'a Inventory, judged: &'a Judged) -> Option<Row<'a>> {
    let served = judged
        .verdict
        .served
        .as_ref()
        .and_then(|key| inventory.secrets().get(key));
    let base = Row {
        context: &inventory.context,
        namespace: "",
        route: None,
        host: None,
        secrets: &[],
        class: None,
        created: None,
        labels: &[],
        certificate: served.and_then(|stored| stored.leaf()),
        findings: &judged.verdict.findings,
        status: judged.status,
    };
    match &judged.about {
        About::Binding(id) => {
            let binding = inventory.bindings().get(*id)?;
            let meta = inventory.route_meta(&binding.route);
            Some(Row {
                namespace: &binding.route.key.namespace,
                route: Some(RouteRef {
                    kind: binding.route.kind,
                    name: &binding.route.key.name,
                    listener: binding.listener.as_deref(),
                }),
                host: Some(&binding.host),
                secrets: &binding.secrets,
                class: inventory.class_name(&binding.route).map(crate::object::Text::as_str),
                created: meta.and_then(|m| m.created),
                labels: meta.map_or(&[], |m| &m.labels),
                ..base
            })
        }
        About::Secret(key) => Some(Row {
            namespace: &key.namespace,
            secrets: std::slice::from_ref(key),
            created: served.and_then(|stored| stored.meta.created),
            ..base
        }),
        About::Forbidden(position) => {
            let forbidden = inventory.forbidden().get(*position)?;
            Some(Row {
                namespace: forbidden.namespace.as_deref().unwrap_or_default(),
                ..base
            })
        }
    }
}
