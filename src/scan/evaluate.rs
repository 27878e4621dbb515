//! From an inventory to rows: judges everything, keeps what counts, sorts nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::answer::SeenServed;
use crate::{
    check::{self, Finding, Probed, Renewer, Rules, Select, SharedFindings, Sorted, finding, select::IgnoreOf},
    inventory::{Binding, BindingId, Inventory, derive::MANY},
    object::{Key, Kind, Meta, Reach, Seconds, Text, doing::Doings},
    report::{Evidence, LeftOut, RouteRef, Row, Rows, ServedAnswer, Status},
    x509::Certificate,
};

/// What one row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// A binding.
    Binding(BindingId),
    /// A Secret that no route uses. Boxed: nearly all rows are about bindings, and there is one of these for each.
    Secret(Box<Key>),
    /// The position of what could not be read, in [`Inventory::forbidden`].
    Forbidden(usize),
}

/// One judged thing. Small, as all bindings of a cluster are judged before the first is told.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it is.
    pub about: About,
    /// The findings that count and are chosen, worst first.
    pub findings: Box<[Finding]>,
    /// Those that are excused.
    pub ignored: Box<[Finding]>,
    /// The next moment at which time alone changes the verdict.
    pub changes_at: Option<Seconds>,
    /// The state: the worst of all findings that are not excused, chosen or not.
    pub status: Status,
    /// How many findings were not chosen.
    pub left_out: u16,
    /// Whether it is chosen: without a choice everything is.
    pub chosen: bool,
    served: Served,
    /// What the addresses of its route have shown that they serve.
    seen: Option<Box<SeenServed>>,
}

/// The Secret that is expected to be served.
#[derive(Debug, Clone)]
enum Served {
    /// None that is known.
    Nothing,
    /// The one at this position among those that the binding names, or the Secret that was judged for itself.
    Named(u16),
    /// Another.
    Other(Box<Key>),
}

impl Judged {
    fn new(about: About, sorted: Sorted, rest: Rest, named: &[Key], select: &Select) -> Self {
        let status = status(&sorted, rest.unreadable);
        // What could not be read may be what was asked for.
        let chosen = !select.chooses() || rest.unreadable || !sorted.told.is_empty() || !sorted.excused.is_empty();
        let served = match rest.served {
            None => Served::Nothing,
            Some(key) => match named.iter().position(|name| *name == key).map(u16::try_from) {
                Some(Ok(position)) => Served::Named(position),
                _ => Served::Other(Box::new(key)),
            },
        };
        Self {
            about,
            findings: sorted.told.into(),
            ignored: sorted.excused.into(),
            changes_at: rest.changes_at,
            status,
            left_out: u16::try_from(sorted.left_out).unwrap_or(u16::MAX),
            chosen,
            served,
            seen: None,
        }
    }

    /// What the verdict rests on.
    fn evidence(&self, inventory: &Inventory) -> Option<Evidence> {
        match (&self.about, &self.served) {
            (About::Forbidden(_), _) => None,
            _ if self.seen.as_ref().is_some_and(|seen| seen.answer.leaf.is_some()) => Some(Evidence::Served),
            _ if self.status == Status::Unknown || inventory.secrets_left_out => None,
            (About::Secret(_), _) | (_, Served::Named(_)) => Some(Evidence::Stored),
            (About::Binding(_), Served::Nothing | Served::Other(_)) => Some(Evidence::Model),
        }
    }

    /// The certificate that is served, where no Secret was read by choice.
    pub fn seen_leaf(&self) -> Option<&Arc<Certificate>> {
        self.seen.as_ref()?.leaf.as_ref()
    }

    /// The Secret that is expected to be served, while what was judged is as it was.
    pub fn served<'a>(&'a self, inventory: &'a Inventory) -> Option<&'a Key> {
        match (&self.served, &self.about) {
            (Served::Nothing, _) | (_, About::Forbidden(_)) => None,
            (Served::Other(key), _) | (Served::Named(_), About::Secret(key)) => Some(key),
            (Served::Named(position), About::Binding(id)) => {
                inventory.bindings().get(*id)?.secrets.get(usize::from(*position))
            }
        }
    }
}

/// What a verdict has besides its findings.
#[derive(Debug, Default)]
struct Rest {
    served: Option<Key>,
    unreadable: bool,
    changes_at: Option<Seconds>,
}

/// Takes away what is not chosen, and counts it.
pub fn choose(judged: &mut Vec<Judged>) -> LeftOut {
    let all = judged.len();
    judged.retain(|one| one.chosen);
    LeftOut {
        items: all - judged.len(),
        findings: judged.iter().map(|one| usize::from(one.left_out)).sum(),
    }
}

/// Whether a Secret is judged for itself, as no route uses it. Who chooses routes by label asks for no Secret of others.
pub(super) fn is_alone(inventory: &Inventory, key: &Key, wanted: &BTreeSet<Key>) -> bool {
    inventory.bindings_of_secret(key).is_empty() && (!inventory.routes_chosen || wanted.contains(key))
}

/// All Secrets that no route uses: where every one is [wanted](evaluate), the healthy ones have a row too.
pub fn alone(inventory: &Inventory) -> impl Iterator<Item = Key> {
    let keys = inventory.secrets().iter().map(|stored| stored.meta.key());
    keys.filter(|key| is_alone(inventory, key, &BTreeSet::new()))
}

/// Judges all bindings, on all cores, then the Secrets that no route uses, then notes what could not be read.
///
/// Where no Secret was read by choice, what the probes found is judged alone. Of bindings whose certificate comes from elsewhere
/// nothing but that is said, unless they were probed. A Secret without route is
/// there only when something is wrong with it, or when `wanted` names it.
pub fn evaluate(
    inventory: &Inventory,
    rules: Rules,
    select: &Select,
    probed: &BTreeMap<BindingId, Probed>,
    wanted: &BTreeSet<Key>,
) -> Vec<Judged> {
    let ids: Vec<BindingId> = inventory.bindings().iter().map(|(id, _)| id).collect();
    let shared = SharedFindings::new(inventory, &rules);
    let mut judged = in_parallel(&ids, |id| {
        binding(inventory, *id, rules, select, probed.get(id), &shared)
    });
    drop(shared);
    drop(ids);
    let mut keys: Vec<Key> = inventory
        .secrets()
        .iter()
        .map(|stored| stored.meta.key())
        .filter(|key| is_alone(inventory, key, wanted))
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
        let finding = Finding::new(finding::Forbidden(forbidden.clone()));
        if forbidden.name.is_none() {
            let nothing = IgnoreOf {
                route: None,
                secrets: &[],
            };
            let sorted = select.sort(inventory, &nothing, vec![finding]);
            let rest = Rest {
                unreadable: true,
                ..Rest::default()
            };
            judged.push(Judged::new(About::Forbidden(position), sorted, rest, &[], select));
        }
    }
    judged
}

/// Whether a kind that could not be listed has a row of its own: without it, hosts are missing from the table.
pub fn has_row(kind: Kind) -> bool {
    kind.is_route() || kind == Kind::Secret
}

/// Judges one binding. `None` when there is nothing to say of it. `shared` is what is said of the Secrets that many bindings name: of
/// none, where few bindings are judged.
pub fn binding(
    inventory: &Inventory,
    id: BindingId,
    rules: Rules,
    select: &Select,
    probed: Option<&Probed>,
    shared: &SharedFindings,
) -> Option<Judged> {
    let binding = inventory.bindings().get(id)?;
    let mut verdict = check::binding_with(inventory, id, rules, shared)?;
    if inventory.secrets_left_out {
        check::judge_seen(binding, probed, &rules, &mut verdict);
    } else if let Some(probed) = probed {
        let stored = verdict.served.as_ref().and_then(|key| inventory.secrets().get(key));
        verdict
            .findings
            .extend(check::judge_probe(binding, stored, probed, &rules));
        check::believe_probe(probed, &rules, &mut verdict.findings);
    }
    if probed.is_some() {
        verdict
            .findings
            .sort_by_key(|f| (std::cmp::Reverse(f.severity), f.reason()));
    }
    let of = IgnoreOf {
        route: Some(&binding.route),
        secrets: &binding.secrets,
    };
    let rest = Rest {
        served: verdict.served,
        unreadable: verdict.unreadable,
        changes_at: verdict.changes_at,
    };
    let sorted = select.sort(inventory, &of, verdict.findings);
    let stored = rest
        .served
        .as_ref()
        .and_then(|key| inventory.secrets().get(key)?.leaf());
    let seen = probed.and_then(|probed| SeenServed::of(probed, stored, inventory.secrets_left_out));
    Some(Judged {
        seen: seen.map(Box::new),
        ..Judged::new(About::Binding(id), sorted, rest, &binding.secrets, select)
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
    let verdict = check::secret(inventory, &key, rules)?;
    let keys = [key];
    let of = IgnoreOf {
        route: None,
        secrets: &keys,
    };
    let sorted = select.sort(inventory, &of, verdict.findings);
    let nothing = sorted.told.is_empty() && sorted.excused.is_empty() && sorted.left_out == 0;
    let [key] = keys;
    if nothing && !wanted.contains(&key) {
        return None;
    }
    // What holds no certificate that is known is not healthy: nothing was looked at.
    let stored = inventory.secrets().get(&key);
    let is_judged = stored.is_none_or(|stored| stored.is_for_tls() || stored.data_keys.is_some());
    let rest = Rest {
        served: verdict.served,
        unreadable: verdict.unreadable || !is_judged,
        changes_at: verdict.changes_at,
    };
    let about = About::Secret(Box::new(key.clone()));
    Some(Judged::new(about, sorted, rest, &[key], select))
}

/// The worst that counts; what could not be read is unknown unless something is known to be worse.
fn status(sorted: &Sorted, unreadable: bool) -> Status {
    let floor = if unreadable { Status::Unknown } else { Status::Healthy };
    sorted.worst.map_or(floor, |worst| Status::from(worst).max(floor))
}

/// Maps a slice on all cores, in order. The results are in one vector from the start: a second one would be memory at
/// the moment at which there is most of it.
fn in_parallel<'a, T: Sync, R: Send>(items: &'a [T], f: impl Fn(&'a T) -> Option<R> + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<Option<R>> = Vec::new();
    // A thread costs some 50 µs: below a few hundred bindings it does not pay.
    if cores == 1 || items.len() < 512 {
        results.reserve_exact(items.len());
        results.extend(items.iter().map(f));
    } else {
        results.resize_with(items.len(), || None);
        let (f, share) = (&f, items.len().div_ceil(cores));
        std::thread::scope(|scope| {
            for (items, places) in items.chunks(share).zip(results.chunks_mut(share)) {
                scope.spawn(move || {
                    for (item, place) in items.iter().zip(places) {
                        *place = f(item);
                    }
                });
            }
        });
    }
    // Collected in place.
    results.into_iter().flatten().collect()
}

/// The rows of what was judged, in its order; without those whose binding is gone.
pub fn rows<'a>(inventory: &'a Inventory, judged: &'a [Judged]) -> Rows<'a> {
    let sources = in_parallel(judged, |judged| RowSource::of(inventory, judged));
    Rows::new(sources.len(), move |at| sources[at].row(&inventory.context))
}

/// The row of a judged thing. `None` when its binding is gone.
pub fn row<'a>(inventory: &'a Inventory, judged: &'a Judged) -> Option<Row<'a>> {
    RowSource::of(inventory, judged).map(|source| source.row(&inventory.context))
}

/// What has to be looked up to make a row, and where the rest is.
struct RowSource<'a> {
    judged: &'a Judged,
    place: Subject<'a>,
    certificate: Option<&'a Certificate>,
    served: Option<&'a Key>,
    class: Option<&'a Text>,
    meta: Option<&'a Meta>,
    evidence: Option<Evidence>,
    answer: Option<ServedAnswer>,
    doings: Doings<'a>,
    data_keys: Option<&'a [Text; 2]>,
    renewer: Renewer<'a>,
    sole: bool,
    reach: &'a Reach,
}

#[derive(Clone, Copy)]
enum Subject<'a> {
    Binding(&'a Binding),
    Secret(&'a Key),
    /// The namespace, where only one could not be read.
    Forbidden(Option<&'a Text>),
}

/// Who renews what is expected to be served; asked where there is something to say of it.
fn renewer<'a>(inventory: &'a Inventory, judged: &'a Judged, place: Subject<'a>) -> Renewer<'a> {
    if judged.findings.is_empty() {
        return Renewer::Unknown;
    }
    match place {
        Subject::Binding(binding) => judged
            .served(inventory)
            .or_else(|| binding.secrets.first())
            .map_or(Renewer::Unknown, |secret| {
                check::renewer(inventory, secret, Some(&binding.route), Some(&binding.host))
            }),
        Subject::Secret(key) => check::renewer(inventory, key, None, None),
        Subject::Forbidden(_) => Renewer::Unknown,
    }
}

/// What controllers do with the first Secret of which they say something.
fn doings<'a>(inventory: &'a Inventory, place: Subject<'a>) -> Doings<'a> {
    let secrets = match place {
        Subject::Binding(binding) => binding.secrets.as_slice(),
        Subject::Secret(key) => std::slice::from_ref(key),
        Subject::Forbidden(_) => &[],
    };
    let mut said = secrets.iter().map(|key| inventory.doings_of(key));
    said.find(|said| !said.is_empty()).unwrap_or_default()
}

/// Whether a route names one Secret alone, for all of its hosts. Of a route with very many it is not asked.
fn is_sole(inventory: &Inventory, place: Subject<'_>) -> bool {
    let Subject::Binding(binding) = place else { return false };
    let mut others = inventory.bindings_of_route(&binding.route);
    binding.secrets.len() == 1
        && others
            .by_ref()
            .take(MANY)
            .all(|other| other.secrets.is_empty() || other.secrets == binding.secrets)
        && others.next().is_none()
}

impl<'a> RowSource<'a> {
    fn of(inventory: &'a Inventory, judged: &'a Judged) -> Option<Self> {
        let key = judged.served(inventory);
        let served = key.and_then(|key| inventory.secrets().get(key));
        let (place, class, meta) = match &judged.about {
            About::Binding(id) => {
                let binding = inventory.bindings().get(*id)?;
                let (class, meta) = (
                    inventory.class_name(&binding.route),
                    inventory.route_meta(&binding.route),
                );
                (Subject::Binding(binding), class, meta)
            }
            About::Secret(key) => (Subject::Secret(key), None, served.map(|stored| &stored.meta)),
            About::Forbidden(position) => {
                let forbidden = inventory.forbidden().get(*position)?;
                (Subject::Forbidden(forbidden.namespace.as_ref()), None, None)
            }
        };
        Some(Self {
            judged,
            place,
            certificate: served
                .and_then(|stored| stored.leaf())
                .or_else(|| judged.seen_leaf().map(AsRef::as_ref)),
            served: key,
            class,
            meta,
            evidence: judged.evidence(inventory),
            answer: judged.seen.as_ref().map(|seen| seen.answer),
            doings: doings(inventory, place),
            data_keys: served.and_then(|stored| stored.data_keys.as_deref()),
            renewer: renewer(inventory, judged, place),
            sole: !judged.findings.is_empty() && is_sole(inventory, place),
            reach: &inventory.reach,
        })
    }

    fn row(&self, context: &'a str) -> Row<'a> {
        let base = Row {
            context,
            namespace: "",
            route: None,
            host: None,
            secrets: &[],
            sole: self.sole,
            served: self.served,
            class: self.class.map(Text::as_str),
            created: self.meta.and_then(|meta| meta.created),
            labels: &[],
            certificate: self.certificate,
            evidence: self.evidence,
            answer: self.answer,
            doings: self.doings,
            data_keys: self.data_keys,
            renewer: self.renewer,
            reach: self.reach,
            findings: &self.judged.findings,
            ignored: &self.judged.ignored,
            status: self.judged.status,
        };
        match self.place {
            Subject::Binding(binding) => Row {
                namespace: &binding.route.key.namespace,
                route: Some(RouteRef {
                    kind: binding.route.kind,
                    name: &binding.route.key.name,
                    listener: binding.listener.as_deref(),
                }),
                host: Some(&binding.host),
                secrets: &binding.secrets,
                labels: self.meta.map_or(&[], |meta| meta.labels()),
                ..base
            },
            Subject::Secret(key) => Row {
                namespace: &key.namespace,
                secrets: std::slice::from_ref(key),
                ..base
            },
            Subject::Forbidden(namespace) => Row {
                namespace: namespace.map(Text::as_str).unwrap_or_default(),
                ..base
            },
        }
    }
}
