//! `show`: a picture of one route, Secret, file or server.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write as _},
    net::IpAddr,
    path::Path,
};

use crate::{
    check::{self, ObjectRef, Probed},
    error::{Exit, Failure},
    inventory::{BindingId, Inventory},
    net::{
        address::{HostPort, NotHostPort, addresses},
        probe::{Served, Target as Ask, probe_all},
    },
    object::{Key, Kind, Text},
    report::{
        Row, Status,
        show::{
            self, Binding, Context, Cover, Dns, Event, Held, Owner, Presence, Probed as ShownAt, Show, Shown, Subject,
            User,
        },
    },
    scan::{self, About, Judged, evaluate, probe},
    source::cluster::{Connection, events},
    x509::{Bundle, Certificate, Interner, Parsed, bundle, names},
};

use super::{
    args::ShowArgs,
    colour,
    session::{Open, Session, judge, now, read_file},
    status::{about_targets, not_found},
    target::{Target, TargetError},
    written,
};

/// A PEM file of certificates; the largest bundle of roots is 1 MB.
const LARGEST_FILE: u64 = 16 << 20;
/// The width of a picture where there is no terminal.
const WIDTH: usize = 100;

pub(super) async fn run(args: ShowArgs) -> Result<Exit, Failure> {
    let target = args.target.as_str();
    if target.starts_with("./") || target.starts_with("../") || target.starts_with('/') {
        return file(&args);
    }
    if !target.contains('/') && target.contains(':') {
        let at = target
            .parse()
            .map_err(|error: NotHostPort| Failure::of(Exit::Usage, &error))?;
        return server(&args, &at).await;
    }
    object(&args).await
}

fn context(args: &ShowArgs) -> Context {
    Context {
        now: args.check.at.unwrap_or_else(now),
        colour: colour::wanted(args.color),
        width: colour::terminal_width().unwrap_or(WIDTH),
        ascii: std::env::var_os("TERM").is_some_and(|term| term == "linux"),
    }
}

fn draw(show: &Show<'_>, args: &ShowArgs) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    written(show::write(show, &context(args), &mut out).and_then(|()| out.flush()))
}

/// Certificates that belong to no object, judged for themselves or for one host.
fn parsed_show(
    args: &ShowArgs,
    subject: Subject<'_>,
    host: Option<&str>,
    parsed: Parsed,
    served: &[ShownAt<'_>],
) -> Result<Exit, Failure> {
    let judge = judge(&args.check)?;
    let trust = judge.judge(&parsed);
    let bundle = Bundle { trust, ..parsed.bundle };
    scan::memo::save(judge.memo());
    let now = args.check.at.unwrap_or_else(now);
    let rules = check::Rules {
        now,
        expiring_within: args.check.expiring_within.and_then(|d| i64::try_from(d.as_secs()).ok()),
    };
    let findings = check::bundle(&bundle, host, rules);
    let status = findings
        .iter()
        .map(|f| Status::from(f.severity))
        .max()
        .unwrap_or(Status::Healthy);
    let leaf = bundle.leaf().map(AsRef::as_ref);
    let row = Row {
        context: "",
        namespace: "",
        route: None,
        host,
        secrets: &[],
        class: None,
        created: None,
        labels: &[],
        certificate: leaf,
        findings: &findings,
        status,
    };
    let bindings = [Binding {
        row,
        cover: cover(leaf, host),
    }];
    let held = [Held::of(&bundle)];
    let show = Show {
        context: "",
        subject,
        bindings: &bindings,
        held: &held,
        served,
        dns: &[],
    };
    draw(&show, args)?;
    Ok(fail_on(args, status, findings.iter().map(|f| f.severity).max()))
}

fn fail_on(args: &ShowArgs, status: Status, worst: Option<check::Severity>) -> Exit {
    match args.check.fail_on.map(check::Severity::from) {
        Some(_) if status == Status::Unknown => Exit::Cluster,
        Some(least) if worst >= Some(least) => Exit::Findings,
        _ => Exit::Ok,
    }
}

fn cover<'a>(leaf: Option<&'a Certificate>, host: Option<&str>) -> Cover<'a> {
    let (Some(leaf), Some(host)) = (leaf, host.filter(|h| !h.is_empty() && *h != "*")) else {
        return Cover::NotJudged;
    };
    leaf.names
        .iter()
        .find(|san| names::matches(host, san))
        .map_or(Cover::Nothing, Cover::By)
}

fn file(args: &ShowArgs) -> Result<Exit, Failure> {
    let bytes = read_file(Path::new(&args.target), LARGEST_FILE)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", args.target)))?;
    let parsed = bundle::parse_file(&bytes, &mut Interner::new());
    if parsed.bundle.certificates.is_empty() {
        let why = parsed
            .bundle
            .unreadable
            .first()
            .map_or("it is empty", |(_, why)| why.as_str());
        return Err(
            Failure::usage(format!("there is no certificate in {}: {why}", args.target))
                .hint("it holds certificates as PEM (-----BEGIN CERTIFICATE-----) or one as DER"),
        );
    }
    parsed_show(args, Subject::File { path: &args.target }, None, parsed, &[])
}

async fn server(args: &ShowArgs, at: &HostPort) -> Result<Exit, Failure> {
    let host = args.servername.clone().unwrap_or_else(|| at.host.clone());
    let place = addresses(Some(at), &[], at.port, &host, args.probe_timeout)
        .await
        .map_err(|error| Failure::of(Exit::Cluster, &error))?;
    let asks: Vec<Ask> = place
        .sockets
        .iter()
        .map(|socket| Ask {
            address: *socket,
            server_name: host.clone(),
        })
        .collect();
    let answers = probe_all(&asks, probe_concurrency(), args.probe_timeout).await;
    let first = answers.iter().find_map(|answer| answer.as_ref().ok());
    let Some(first) = first else {
        let why = answers.iter().find_map(|a| a.as_ref().err()).map_or_else(
            || {
                place
                    .unresolved
                    .first()
                    .map_or_else(|| "it has no address".to_owned(), ToString::to_string)
            },
            |error| crate::error::chain(error),
        );
        return Err(Failure::new(
            Exit::Cluster,
            format!("{at} serves no certificate: {why}"),
        ));
    };
    let mut interner = Interner::new();
    let parsed = bundle::parse_chain(&first.chain, &mut interner);
    let leaves: Vec<Option<Certificate>> = answers.iter().map(|answer| leaf_of(answer.as_ref().ok())).collect();
    let served: Vec<ShownAt<'_>> = asks
        .iter()
        .zip(&answers)
        .zip(&leaves)
        .map(|((ask, answer), leaf)| shown(ask.address, &host, answer, leaf.as_ref(), None))
        .collect();
    parsed_show(args, Subject::Server { at: &args.target }, Some(&host), parsed, &served)
}

fn probe_concurrency() -> usize {
    crate::net::probe::CONCURRENCY
}

fn leaf_of(served: Option<&Served>) -> Option<Certificate> {
    let parsed = bundle::parse_chain(&[served?.chain.first()?], &mut Interner::new());
    parsed.bundle.certificates.first().map(|c| c.as_ref().clone())
}

fn shown<'a>(
    address: std::net::SocketAddr,
    host: &'a str,
    answer: &'a Result<Served, crate::net::probe::ProbeError>,
    leaf: Option<&'a Certificate>,
    stored: Option<&Certificate>,
) -> ShownAt<'a> {
    let outcome = answer
        .as_ref()
        .map_err(|error| crate::error::chain(error))
        .map(|served| Shown {
            leaf,
            length: served.chain.len(),
            stored: stored.zip(leaf).map(|(stored, leaf)| stored.sha256 == leaf.sha256),
            tls_version: served.tls_version,
            alpn: served.alpn.as_deref(),
            took: served.took,
            client_certificate: served.client_certificate,
        });
    ShownAt {
        address: compact_str::format_compact!("{address}"),
        host,
        outcome,
    }
}

/// A route or a Secret, of a cluster or of manifests.
async fn object(args: &ShowArgs) -> Result<Exit, Failure> {
    let target = args.target.parse().map_err(|error: TargetError| {
        let failure = Failure::of(Exit::Usage, &error);
        meant_file(args).map_or(failure.clone(), |hint| failure.hint(hint))
    });
    let target: Target = target?;
    let connect = args.connect.as_deref().map(str::parse).transpose();
    let connect: Option<HostPort> = connect.map_err(|error: NotHostPort| Failure::of(Exit::Usage, &error))?;
    let targets = [target.clone()];
    let open = Open {
        for_watch: false,
        all_users: true,
    };
    let session = Session::open(&args.source, &args.check, &targets, open).await?;
    not_found(&session, &targets).map_err(|failure| match meant_file(args) {
        Some(hint) => failure.hint(hint),
        None => failure,
    })?;
    let inventory = &session.inventory;
    let judged: Vec<Judged> = evaluate(
        inventory,
        session.rules,
        &session.select,
        &BTreeMap::new(),
        &session.wanted,
    )
    .into_iter()
    .filter(|judged| about_targets(inventory, &judged.about, &targets))
    .filter(|judged| !matches!(judged.about, About::Forbidden(_)))
    .collect();
    let (ids, found) = probe_judged(args, &session, &judged, connect).await;
    let judged = with_probe(&session, judged, &found.0);
    let namespace = single_namespace(inventory, &judged, &target)?;
    let rows: Vec<Row<'_>> = judged
        .iter()
        .filter_map(|judged| scan::row(inventory, judged))
        .collect();
    let bindings: Vec<Binding<'_>> = rows
        .iter()
        .map(|row| Binding {
            row: row.clone(),
            cover: cover(row.certificate, row.host),
        })
        .collect();
    let keys = secrets_of(inventory, &judged, &target, &namespace);
    let users: Vec<Vec<User>> = keys.iter().map(|key| users(inventory, key)).collect();
    let owners = owners(inventory, session.connection.as_ref(), &keys).await;
    let held: Vec<Held<'_>> = keys
        .iter()
        .zip(&users)
        .zip(&owners)
        .map(|((key, users), owner)| held(inventory, key, users, owner.as_ref()))
        .collect();
    let leaves: Vec<Option<Certificate>> = found.1.iter().map(|a| leaf_of(a.result.as_ref().ok())).collect();
    let served: Vec<ShownAt<'_>> = found
        .1
        .iter()
        .zip(&leaves)
        .filter_map(|(answer, leaf)| {
            let host = inventory.bindings().get(answer.binding)?.host.as_str();
            let position = ids.iter().position(|id| *id == answer.binding)?;
            let stored = rows.get(position).and_then(|row| row.certificate);
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
    let subject = Subject::Object {
        kind: target.kind,
        namespace: &namespace,
        name: &target.name,
    };
    let show = Show {
        context: &inventory.context,
        subject,
        bindings: &bindings,
        held: &held,
        served: &served,
        dns: &dns,
    };
    draw(&show, args)?;
    let worst = rows.iter().flat_map(|row| row.findings).map(|f| f.severity).max();
    let exit = fail_on(
        args,
        rows.iter().map(|r| r.status).max().unwrap_or(Status::Healthy),
        worst,
    );
    Ok(if session.exit == Exit::Ok { exit } else { session.exit })
}

/// A hint where the target is the path of a file.
fn meant_file(args: &ShowArgs) -> Option<String> {
    let there = Path::new(&args.target).is_file();
    there.then(|| format!("a file begins with ./ or /: kubectl certs show ./{}", args.target))
}

type Found = (BTreeMap<BindingId, Probed>, Vec<probe::Answer>);

/// The bindings in the order of their rows, and what a probe of them found.
async fn probe_judged(
    args: &ShowArgs,
    session: &Session,
    judged: &[Judged],
    connect: Option<HostPort>,
) -> (Vec<BindingId>, Found) {
    let ids: Vec<BindingId> = judged
        .iter()
        .filter_map(|judged| match judged.about {
            About::Binding(id) => Some(id),
            _ => None,
        })
        .collect();
    if !args.probe && connect.is_none() {
        return (ids, Found::default());
    }
    let options = probe::Options {
        connect,
        timeout: args.probe_timeout,
    };
    let found = probe::probe(&session.inventory, &ids, &options).await;
    (ids, found)
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
    let again = |one: Judged| match one.about {
        About::Binding(id) if probed.contains_key(&id) => {
            evaluate::binding(&session.inventory, id, session.rules, &session.select, probed.get(&id)).unwrap_or(one)
        }
        _ => one,
    };
    judged.into_iter().map(again).collect()
}

/// The one namespace that the target is in: a picture is of one thing.
fn single_namespace(inventory: &Inventory, judged: &[Judged], target: &Target) -> Result<Text, Failure> {
    let mut namespaces: Vec<Text> = match target.kind {
        Kind::Secret => {
            let stored = inventory.secrets().iter().map(|s| s.meta.key());
            let named = inventory.named_secrets().cloned();
            stored
                .chain(named)
                .filter(|key| key.name == target.name)
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
            Failure::usage(format!("{target} is in several namespaces: {}", several.join(", "))).hint("-n chooses one"),
        ),
    }
}

fn secrets_of(inventory: &Inventory, judged: &[Judged], target: &Target, namespace: &Text) -> Vec<Key> {
    if target.kind == Kind::Secret {
        return vec![Key::new(namespace.clone(), target.name.as_str())];
    }
    let mut keys: Vec<Key> = Vec::new();
    for judged in judged {
        let About::Binding(id) = judged.about else { continue };
        let named = inventory
            .bindings()
            .get(id)
            .map(|b| b.secrets.as_slice())
            .unwrap_or_default();
        for key in named.iter().chain(&judged.verdict.served) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

fn users(inventory: &Inventory, secret: &Key) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    let bindings = inventory
        .bindings_of_secret(secret)
        .iter()
        .filter_map(|id| inventory.bindings().get(*id));
    for binding in bindings {
        let object = ObjectRef {
            kind: binding.route.kind,
            key: binding.route.key.clone(),
        };
        if !users.iter().any(|user| user.object == object) {
            users.push(User { object, how: None });
        }
    }
    for consumer in inventory.consumers_of(secret) {
        let object = ObjectRef {
            kind: consumer.kind,
            key: consumer.meta.key(),
        };
        let how = consumer.uses.iter().find(|u| u.name == secret.name).map(|u| u.how);
        users.push(User { object, how });
    }
    for certificate in inventory.certificates_of(secret) {
        users.push(User {
            object: ObjectRef {
                kind: Kind::Certificate,
                key: certificate.meta.key(),
            },
            how: None,
        });
    }
    users
}

/// cert-manager's objects of one Secret, with what was said about them.
struct Owned<'a> {
    certificate: &'a crate::object::Certificate,
    issuer: Option<&'a crate::object::Issuer>,
    request: Option<&'a crate::object::CertificateRequest>,
    order: Option<&'a crate::object::Order>,
    challenges: Vec<&'a crate::object::Challenge>,
    events: Vec<Event>,
}

async fn owners<'a>(inventory: &'a Inventory, connection: Option<&Connection>, keys: &[Key]) -> Vec<Option<Owned<'a>>> {
    let mut owners = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(certificate) = inventory.certificates_of(key).next() else {
            owners.push(None);
            continue;
        };
        let request = inventory.requests_of(certificate).into_iter().next();
        let order = request.and_then(|request| inventory.orders_of(request).into_iter().next());
        let mut said = Vec::new();
        if let Some(connection) = connection {
            // Events are an extra: without the right to read them, the picture has none.
            let namespace = &certificate.meta.namespace;
            let lines = events(connection, namespace, Kind::Certificate, &certificate.meta.name).await;
            said.extend(lines.unwrap_or_default().into_iter().map(|line| Event {
                when: Some(line.when),
                warning: line.warning,
                reason: line.reason,
                message: line.message.into(),
            }));
        }
        owners.push(Some(Owned {
            certificate,
            issuer: inventory.issuer_of(certificate).and_then(|(_, _, issuer)| issuer),
            request,
            order,
            challenges: order.map(|order| inventory.challenges_of(order)).unwrap_or_default(),
            events: said,
        }));
    }
    owners
}

fn held<'a>(inventory: &'a Inventory, key: &'a Key, users: &'a [User], owned: Option<&'a Owned<'a>>) -> Held<'a> {
    let shown = owned.map(|of| Owner {
        certificate: of.certificate,
        issuer: of.issuer,
        request: of.request,
        order: of.order,
        challenges: &of.challenges,
        events: &of.events,
    });
    let base = match inventory.secrets().get(key) {
        Some(stored) => Held {
            secret: Some(key),
            secret_type: &stored.secret_type,
            other_keys: &stored.other_keys,
            ..Held::of(&stored.bundle)
        },
        None if inventory.forbidden_secret(key).is_some() => Held::without(key, Presence::Forbidden),
        None => Held::without(key, Presence::NotFound),
    };
    Held {
        users: Some(users),
        owner: shown,
        ..base
    }
}
