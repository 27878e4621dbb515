//! `show` of a route or a Secret, of a cluster or of manifests.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    check::{Probed, ServedChain, SharedFindings, words},
    cli::failure::Exit,
    error::Blame,
    inventory::{BindingId, Inventory, RouteKey},
    object::{Key, Kind, Text},
    ops::{
        Cluster, OpError,
        named::{Named, NamedError, for_reading, not_found},
        session::{Open, Session},
    },
    report::{
        Row, Status,
        show::{Binding, Dns, HeldCertificates, Probed as ShownAt, Show, ShowSubject, User},
    },
    scan::{self, About, Judged, evaluate, probe},
    x509::{Bundle, Certificate},
};

use super::super::{args::ShowArgs, front::Terminal, no_secrets, status::about_targets};
use super::{
    cover, draw, fail_on,
    held::{CertificateEvents, certificates, held, owners, said, users},
    leaf_of, meant, shown,
};

/// A route or a Secret, of a cluster or of manifests.
pub(super) async fn object(args: &ShowArgs) -> Result<Exit, OpError> {
    let target = args.target.parse().map_err(|error: NamedError| {
        let failure = OpError::of(Blame::Usage, &error);
        meant(args).map_or(failure.clone(), |hint| failure.hint(hint))
    });
    let target: Named = target?;
    if args.probe.no_secrets {
        no_secrets::goes_with_picture(&target)?;
        no_secrets::goes_with_checks(&args.check)?;
    }
    let targets = [target.clone()];
    let open = Open {
        with_namespaces: false,
        with_doings: true,
        for_watch: false,
        all_users: true,
        quiet: true,
        without_secrets: args.probe.no_secrets,
        ..Open::default()
    };
    let front = Terminal::telling();
    let cluster = Cluster::new(args.source.connection.options(), Arc::clone(&front));
    let (source, checks) = (args.source.source(), args.check.checks());
    let session = Session::open(&cluster, &source, &checks, &targets, open).await?;
    let targets = for_reading(&session, targets.to_vec(), &*front);
    let target = targets.first().cloned().unwrap_or(target);
    let (target, targets) = pictured(&session.inventory, target, targets)?;
    not_found(&session, &targets).map_err(|failure| match meant(args) {
        Some(hint) => failure.hint(hint),
        None => failure,
    })?;
    let inventory = &session.inventory;
    if inventory.secrets_left_out {
        // A bare word may have come to mean a Secret.
        no_secrets::goes_with_picture(&target)?;
        no_secrets::tell();
    }
    let (forbidden, judged): (Vec<Judged>, Vec<Judged>) = evaluate(
        inventory,
        session.rules,
        &session.select,
        &BTreeMap::new(),
        &session.wanted,
    )
    .into_iter()
    .filter(|judged| about_targets(inventory, &judged.about, &targets))
    .partition(|judged| matches!(judged.about, About::Forbidden(_)));
    if judged.is_empty()
        && let Some(refused) = forbidden.first().and_then(|first| refused(inventory, &target, first))
    {
        return Err(refused);
    }
    let found = probe_judged(args, &session, &judged).await;
    let judged = with_probe(&session, judged, &found.0);
    let namespace = single_namespace(inventory, &judged, &target)?;
    let of = Key::new(namespace, target.name.as_str());
    let certificates = certificates_of(inventory, &judged, target.kind, &of);
    let said = match &session.connection {
        Some(connection) if !inventory.secrets_left_out => said(connection, certificates).await,
        _ => CertificateEvents::new(),
    };
    picture(inventory, &said, &judged, &found, (target.kind, &of), |show| {
        draw(show, args)
    })?;
    let rows: Vec<Row<'_>> = judged
        .iter()
        .filter_map(|judged| scan::row(inventory, judged))
        .collect();
    let worst = rows.iter().flat_map(|row| row.findings).map(|f| f.severity).max();
    let exit = fail_on(
        args,
        rows.iter().map(|r| r.status).max().unwrap_or(Status::Healthy),
        worst,
    );
    Ok(session.trouble.map_or(exit, Exit::from))
}

/// What a picture of a target is of: a host's is of the one route that serves it, narrowed to that host.
fn pictured(inventory: &Inventory, target: Named, targets: Vec<Named>) -> Result<(Named, Vec<Named>), OpError> {
    if !target.host {
        return Ok((target, targets));
    }
    let ids = inventory.bindings_of_host(&target.name).iter();
    let mut routes: Vec<&RouteKey> = ids
        .filter_map(|id| inventory.bindings().get(*id))
        .map(|binding| &binding.route)
        .collect();
    routes.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    routes.dedup_by(|a, b| (a.kind, &a.key) == (b.kind, &b.key));
    match routes.as_slice() {
        [] => Ok((target, targets)),
        [one] => Ok((Named::new(one.kind, one.key.name.as_str()), targets)),
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|route| {
                    format!(
                        "{} -n {}",
                        Named::new(route.kind, route.key.name.as_str()),
                        route.key.namespace
                    )
                })
                .collect();
            Err(
                OpError::usage(format!("{target} is served by several routes: {}", list.join(", ")))
                    .hint("only one can be shown: name it"),
            )
        }
    }
}

/// Why there is nothing to show, where a right is missing: then nobody knows whether there is such an object.
fn refused(inventory: &Inventory, target: &Named, forbidden: &Judged) -> Option<OpError> {
    let row = scan::row(inventory, forbidden)?;
    let finding = row.findings.first()?;
    let message = words::message(finding, &row, 0);
    let remedy = words::remedy(finding, &row);
    Some(OpError::new(Blame::Cluster, format!("cannot show {target}: {message}")).hint(remedy.text))
}

/// What a probe found: the facts for the checks, and the answers for the picture.
pub(in crate::cli) type Found = (BTreeMap<BindingId, Probed>, Vec<probe::ProbeAnswer>);

/// Draws the picture of a route or Secret, of which everything in `judged` is.
pub(in crate::cli) fn picture<R>(
    inventory: &Inventory,
    said: &CertificateEvents,
    judged: &[Judged],
    found: &Found,
    (kind, of): (Kind, &Key),
    draw: impl FnOnce(&Show<'_>) -> R,
) -> R {
    let rows: Vec<Row<'_>> = judged
        .iter()
        .filter_map(|judged| scan::row(inventory, judged))
        .collect();
    let bindings: Vec<Binding<'_>> = rows
        .iter()
        .map(|row| Binding {
            row: *row,
            cover: cover(row.certificate, row.host),
        })
        .collect();
    let keys = secrets_of(inventory, judged, kind, of);
    let users: Vec<Vec<User>> = keys.iter().map(|key| users(inventory, key)).collect();
    let owners = owners(inventory, said, &keys);
    let held: Vec<HeldCertificates<'_>> = if inventory.secrets_left_out {
        served_chains(found).into_iter().map(HeldCertificates::of).collect()
    } else {
        keys.iter()
            .zip(&users)
            .zip(&owners)
            .map(|((key, users), owner)| held(inventory, key, users, owner.as_ref()))
            .collect()
    };
    let ids = bindings_of(judged);
    let leaves: Vec<Option<Certificate>> = found.1.iter().map(|a| leaf_of(a.result.as_ref().ok())).collect();
    let served: Vec<ShownAt<'_>> = found
        .1
        .iter()
        .zip(&leaves)
        .filter_map(|(answer, leaf)| {
            let host = inventory.bindings().get(answer.binding)?.host.as_str();
            let position = ids.iter().position(|id| *id == answer.binding)?;
            let stored = rows.get(position).and_then(|row| row.certificate);
            let stored = stored.filter(|_| !inventory.secrets_left_out);
            Some(shown(answer.address, host, &answer.result, leaf.as_ref(), stored))
        })
        .collect();
    let resolved = resolved(inventory, &found.0);
    let dns: Vec<Dns<'_>> = resolved
        .iter()
        .map(|(host, resolved, expected)| Dns {
            host,
            resolved: Ok(resolved),
            expected,
            elsewhere: !expected.is_empty(),
        })
        .collect();
    draw(&Show {
        context: &inventory.context,
        subject: ShowSubject::Object {
            kind,
            namespace: &of.namespace,
            name: &of.name,
        },
        bindings: &bindings,
        held: &held,
        served: &served,
        dns: &dns,
    })
}

/// The chains that were served, each once.
fn served_chains(found: &Found) -> Vec<&Bundle> {
    let mut chains: Vec<&Bundle> = Vec::new();
    for at in found.0.values().flat_map(|probed| &probed.at) {
        if let ServedChain::Certificates(chain) = &at.served
            && !chains.iter().any(|known| known.certificates == chain.certificates)
        {
            chains.push(chain);
        }
    }
    chains
}

/// The Certificates of cert-manager whose events the picture of a route or Secret shows.
pub(in crate::cli) fn certificates_of(inventory: &Inventory, judged: &[Judged], kind: Kind, of: &Key) -> Vec<Key> {
    certificates(inventory, &secrets_of(inventory, judged, kind, of))
}

/// The bindings that were judged, in the order of their rows.
fn bindings_of(judged: &[Judged]) -> Vec<BindingId> {
    judged
        .iter()
        .filter_map(|judged| match judged.about {
            About::Binding(id) => Some(id),
            _ => None,
        })
        .collect()
}

/// What a probe of the bindings found; nothing where none was asked for.
async fn probe_judged(args: &ShowArgs, session: &Session, judged: &[Judged]) -> Found {
    if !args.probe.connects() {
        return Found::default();
    }
    let waiting = Terminal::telling().wait_for_hosts();
    let places = probe::places(&session.inventory, &bindings_of(judged));
    let results = probe::ask(places, &args.probe.options()).await;
    drop(waiting);
    if session.inventory.secrets_left_out {
        no_secrets::complete(&results, &session.judge, &args.check).await;
    }
    results.judged(&session.judge)
}

/// Hosts, what DNS has for each, and where its route is.
fn resolved<'a>(
    inventory: &'a Inventory,
    probed: &BTreeMap<BindingId, Probed>,
) -> Vec<(&'a str, Vec<IpAddr>, Vec<IpAddr>)> {
    let ips = |texts: &[Text]| texts.iter().filter_map(|t| t.parse().ok()).collect();
    let one = |(id, probed): (&BindingId, &Probed)| {
        let host = inventory.bindings().get(*id)?.host.as_str();
        Some((host, ips(probed.resolved.as_ref()?), ips(&probed.expected)))
    };
    probed.iter().filter_map(one).collect()
}

fn with_probe(session: &Session, judged: Vec<Judged>, probed: &BTreeMap<BindingId, Probed>) -> Vec<Judged> {
    let shared = SharedFindings::default();
    let again = |one: Judged| match one.about {
        About::Binding(id) if probed.contains_key(&id) => evaluate::binding(
            &session.inventory,
            id,
            session.rules,
            &session.select,
            probed.get(&id),
            &shared,
        )
        .unwrap_or(one),
        _ => one,
    };
    judged.into_iter().map(again).collect()
}

/// The one namespace that the target is in: a picture is of one thing.
fn single_namespace(inventory: &Inventory, judged: &[Judged], target: &Named) -> Result<Text, OpError> {
    let mut namespaces: Vec<Text> = match target.kind {
        Kind::Secret => {
            let stored = inventory.secrets().iter().map(|s| s.meta.key());
            let named = inventory.named_secrets();
            stored
                .chain(named)
                .filter(|key| target.is_secret(key))
                .map(|key| key.namespace)
                .collect()
        }
        kind => inventory.namespaces_of_route(kind, &target.name),
    };
    namespaces.sort();
    namespaces.dedup();
    match namespaces.as_slice() {
        [one] => Ok(one.clone()),
        [] => Ok(judged
            .iter()
            .find_map(|j| scan::row(inventory, j))
            .map(|row| row.namespace.into())
            .unwrap_or_default()),
        several => Err(
            OpError::usage(format!("{target} is in several namespaces: {}", several.join(", "))).hint("-n chooses one"),
        ),
    }
}

fn secrets_of(inventory: &Inventory, judged: &[Judged], kind: Kind, of: &Key) -> Vec<Key> {
    if kind == Kind::Secret {
        return vec![of.clone()];
    }
    let mut keys: Vec<Key> = Vec::new();
    for judged in judged {
        let About::Binding(id) = judged.about else { continue };
        let named = inventory
            .bindings()
            .get(id)
            .map(|b| b.secrets.as_slice())
            .unwrap_or_default();
        for key in named.iter().chain(judged.served(inventory)) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}
