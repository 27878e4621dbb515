//! `renew` and `issue`: which Secrets, and who issues each: this program, or cert-manager.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream};

use crate::{
    apply::{Api, Permits, events},
    cache,
    check::is_claimed,
    cli::failure::{Exit, Failure},
    engine::{
        asked::Asked,
        cancel::Cancel,
        certmanager,
        due::{self, Due},
        failure::CourseError,
        foreseen::Obstacle,
        prepare,
        run::{Issued, Outcome},
        solver_pod,
    },
    error::{Blame, Diagnose, chain},
    event::{EventKind, Teller},
    inventory::{Inventory, RouteKey},
    name::Name,
    object::{Key, Kind, Text},
    plan::{
        Choice, Names, Target,
        ca::{Issuers, SELF_SIGNED},
        targets,
    },
    settings::{Settings, policy, value::DryRun},
    source::scope::Namespaces,
    text::time,
    tui::order::{Plan, Stage},
};

use super::{
    agree,
    args::issue::{IssueArgs, IssueCommand, Output, RenewCommand},
    counted::{counted, first_of},
    directory::Directory,
    foreseen,
    issuance::Issuance,
    left::{self, Left},
    note,
    progress::Progress,
    session::{Open, Session},
    settings::{Cluster, settings, store},
    target::{Target as Word, for_writing, not_found, read_all},
    told,
    waiting::Waiting,
};

/// How long cert-manager may take.
const CERT_MANAGER: Duration = Duration::from_mins(10);

/// What the two commands begin with.
struct Opened {
    session: Session,
    settings: Settings,
    acme: Directory,
    store: crate::settings::store::Store,
    /// What denies production by hand, where anything does.
    denied: Option<Obstacle>,
}

async fn open(args: &IssueArgs, words: &[Word]) -> Result<Opened, Failure> {
    let cluster = Cluster::new(&args.source.connection);
    let mut settings = settings(args, &cluster).await?;
    let store = store(&settings.chosen, &cluster).await?;
    let check = args.check();
    let opening = Session::open(
        &args.source,
        &check,
        words,
        Open {
            for_watch: false,
            all_users: true,
            quiet: false,
        },
    );
    let acme = Directory::begin(&settings.chosen.issuer);
    let session = opening.await?;
    if session.exit != Exit::Ok {
        return Err(Failure::new(
            session.exit,
            "not everything could be read: nothing was ordered",
        ));
    }
    if let Some(connection) = &session.connection {
        solver_pod::choose(&mut settings.http01, connection).await;
    }
    let denied = denied(args, &session, &settings).await?;
    Ok(Opened {
        session,
        settings,
        acme,
        store,
        denied,
    })
}

/// What the cluster, or the settings, say of production by hand. It is refused here; of a rehearsal or a dry run it is told.
async fn denied(args: &IssueArgs, session: &Session, settings: &Settings) -> Result<Option<Obstacle>, Failure> {
    let chosen = &settings.chosen;
    let staging = !chosen.rehearsal && chosen.issuer.stage == crate::acme::Stage::Staging;
    // What runs in the cluster is what such a cluster wants.
    if staging || prepare::own_address().is_some() {
        return Ok(None);
    }
    let by = match (&settings.denied_by, &session.connection) {
        (Some(by), _) => Some(by.clone()),
        (None, Some(connection)) => {
            let _waiting = Waiting::for_server(connection);
            let api = Api::new(connection.clone(), Permits::none());
            let asked = policy::denied_by_cluster(&api).await;
            asked.map_err(|error| Failure::because(&error))?
        }
        (None, None) => None,
    };
    let denied = by.map(|by| Obstacle {
        secret: None,
        stops: true,
        what: format!("production orders by hand are denied by {by} (policy.interactiveProduction)"),
        hint: Some("programs in the cluster may order, and anybody may rehearse".to_owned()),
        blame: Blame::Usage,
    });
    let earnest = !chosen.rehearsal && args.run.dry_run == DryRun::None;
    match foreseen::failure("nothing was ordered", denied.as_slice()).filter(|_| earnest) {
        Some(failure) => Err(failure),
        None => Ok(denied),
    }
}

/// `renew`.
pub(super) async fn run(command: RenewCommand, cancel: Cancel) -> Result<Exit, Failure> {
    let words = read_all(&command.targets)?;
    let args = &command.issue;
    if args.order.force && words.is_empty() {
        return Err(Failure::usage("--force needs named Secrets").hint(
            "name each: kubectl certs renew secret/NAME --force; `kubectl certs show secret/NAME` says who owns it",
        ));
    }
    let opened = Box::pin(open(args, &words)).await?;
    let words = for_writing(&opened.session, words)?;
    not_found(&opened.session, &words)?;
    let found = chosen(&opened.session, &words, command.only_route_hosts)?;
    if found.is_empty() && !command.due {
        return Err(opened.session.nothing("there is nothing to renew"));
    }
    let mut left_out = Vec::new();
    let (unread, found): (Vec<Target>, Vec<Target>) = found.into_iter().partition(|target| {
        target.held.is_none() && opened.session.inventory.forbidden_secret(&target.secret).is_some()
    });
    if let Some(said) = unread_secrets(&unread) {
        if !words.is_empty() || found.is_empty() {
            return Err(Failure::new(Exit::Cluster, said).hint(RIGHT_TO_SECRETS));
        }
        note(&said);
        note(&format!("hint: {RIGHT_TO_SECRETS}"));
        left_out.push(said);
    }
    let of_unread = if unread.is_empty() { Exit::Ok } else { Exit::Cluster };
    for target in &found {
        tell_of_names(target);
    }
    let (mut theirs, mut ours) = split(&opened.session, found);
    let left = if words.is_empty() {
        let asked = leave_what_is_asked_of_cert_manager(&opened, ours);
        ours = asked.0;
        left_out.extend(asked.1);
        Vec::new()
    } else {
        refuse(&opened, &mut theirs, &mut ours)?
    };
    if words.is_empty() && !theirs.is_empty() {
        // Who asks for all leaves cert-manager's to cert-manager.
        let all = format!("{} of cert-manager's", counted(theirs.len(), "Secret"));
        note(&format!("{all} left to it; name one to renew it"));
        left_out.push(all);
        theirs.clear();
    }
    let issuers = Issuers::of(&opened.session.inventory, opened.settings.chosen.ca.clone());
    issuers.mark(&mut ours);
    if words.is_empty() {
        left_out.extend(tell_of_unused(&opened.session.inventory));
        if !command.adopt {
            ours = leave_to_their_ca(ours, &mut left_out);
        }
    }
    if command.due {
        ours = only_due(&opened, ours, &mut left_out).await?;
        if ours.is_empty() {
            note(&opened.session.said_of_place("nothing is due"));
            return Ok(of_unread);
        }
    }
    if let Some(max) = command.max {
        ours = first_to_end(ours, usize::try_from(max).unwrap_or(usize::MAX), &mut left_out);
    }
    if ours.is_empty() && theirs.is_empty() {
        note("nothing was renewed");
        return Ok(of_unread);
    }
    left_out.extend(dropped(&ours));
    let issuance = Issuance {
        args,
        session: &opened.session,
        settings: &opened.settings,
        store: &opened.store,
        acme: &opened.acme,
        connect: args.http01.connect.clone(),
        cancel: cancel.clone(),
        denied: opened.denied.clone(),
        is_bounded: command.max.is_some(),
        left: &left,
        left_out,
    };
    let mut outcomes = by_cert_manager(&opened, args, &theirs, &left, &cancel).await?;
    outcomes.extend(left.iter().map(Left::outcome));
    // Nothing is ordered where all are cert-manager's, so no account is needed.
    let exit = if ours.is_empty() {
        issuance.summary(outcomes.iter(), &[])
    } else {
        issuance.carry_out(&ours, &outcomes).await?
    };
    // A dry run, which has no outcomes, says it too.
    let exit = if left.is_empty() { exit } else { exit.max(Exit::Acme) };
    Ok(exit.max(of_unread))
}

/// Secrets that may not be read: nobody knows whether they hold a certificate, of which CA, and whether it is due.
fn unread_secrets(unread: &[Target]) -> Option<String> {
    let names: Vec<String> = unread.iter().map(|target| target.secret.to_string()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} may not be read, so nobody knows what is in {}: {}",
            counted(names.len(), "Secret"),
            if names.len() == 1 { "it" } else { "them" },
            crate::text::first_of(&names, 3)
        )
    })
}

const RIGHT_TO_SECRETS: &str = "a renewal needs the right to get Secrets (docs/guide/rights.md has the Role)";

/// `issue`.
pub(super) async fn issue(command: IssueCommand, cancel: Cancel) -> Result<Exit, Failure> {
    let names: Vec<Name> = command
        .domains
        .iter()
        .map(|host| host.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: crate::name::NameError| Failure::usage(error))?;
    let word = Word::new(Kind::Secret, command.secret.clone());
    let args = &command.issue;
    let opened = Box::pin(open(args, std::slice::from_ref(&word))).await?;
    let namespace = namespace(&opened.session, args)?;
    let secret = Key::new(namespace, command.secret.as_str());
    let (theirs, _) = split(
        &opened.session,
        vec![crate::plan::target::target(
            &opened.session.inventory,
            secret.clone(),
            false,
        )],
    );
    if let Some((_, certificate)) = theirs.first() {
        return Err(Failure::usage(format!(
            "Secret {secret} belongs to cert-manager's Certificate {certificate}"
        ))
        .hint("add the hosts to its spec.dnsNames, or choose another Secret"));
    }
    if let Some(asked) = asked_for(&opened, &secret) {
        return Err(Failure::usage(asked.what).hint(asked.hint));
    }
    let mut target = crate::plan::target::target(&opened.session.inventory, secret, false);
    // What the Secret serves now stays in it.
    let held: Vec<Name> = target.names.order.clone();
    let hosts: Vec<String> = names.iter().map(ToString::to_string).collect();
    target.names = Names::join(hosts.iter().map(String::as_str), held, false);
    // What `issue` keeps of the certificate need not be a route's.
    target.names.unrouted.clear();
    if target.held.is_none() {
        target.names.present.clear();
    }
    tell_of_names(&target);
    let issuers = Issuers::of(&opened.session.inventory, opened.settings.chosen.ca.clone());
    issuers.mark(std::slice::from_mut(&mut target));
    let issuance = Issuance {
        args,
        session: &opened.session,
        settings: &opened.settings,
        store: &opened.store,
        acme: &opened.acme,
        connect: args.http01.connect.clone(),
        cancel,
        denied: opened.denied.clone(),
        is_bounded: true,
        left: &[],
        left_out: Vec::new(),
    };
    issuance.carry_out(&[target], &[]).await
}

/// The one namespace in which a Secret is made.
fn namespace(session: &Session, args: &IssueArgs) -> Result<Text, Failure> {
    match &session.scope.namespaces {
        Namespaces::Only(names) if names.len() == 1 => Ok(names[0].clone()),
        Namespaces::All if !args.source.filename.is_empty() => {
            Ok(args.source.namespace.first().map_or("default", String::as_str).into())
        }
        _ => Err(Failure::usage("a Secret is created in one namespace").hint("name it with -n NAMESPACE")),
    }
}

/// The targets of words on the command line, or of all routes in the scope.
pub(super) fn chosen(session: &Session, words: &[Word], only_route_hosts: bool) -> Result<Vec<Target>, Failure> {
    let inventory = &session.inventory;
    if words.is_empty() {
        return Ok(targets(inventory, Choice::All, only_route_hosts).0);
    }
    let mut routes: Vec<RouteKey> = Vec::new();
    let mut secrets: Vec<Key> = session.wanted.iter().cloned().collect();
    for word in words {
        if word.kind == Kind::Secret {
            let named = inventory.named_secrets().filter(|key| word.is_secret(key));
            secrets.extend(named);
        } else {
            routes.extend(inventory.routes_named(word.kind, &word.name));
        }
    }
    secrets.sort();
    secrets.dedup();
    let choice = Choice::Named {
        routes: &routes,
        secrets: &secrets,
    };
    let (found, missing) = targets(inventory, choice, only_route_hosts);
    match missing.into_iter().next() {
        None => Ok(found),
        Some(missing) => Err(Failure::because(&missing)),
    }
}

/// What becomes of the names that are not ordered as they stand.
fn tell_of_names(target: &Target) {
    let list = |names: &[Name]| {
        let all: Vec<String> = names.iter().map(ToString::to_string).collect();
        all.join(", ")
    };
    if !target.names.dropped.is_empty() {
        note(&format!(
            "{}: left out, as no route has them: {}",
            target.secret,
            list(&target.names.dropped)
        ));
    }
}

/// How many names are left out of certificates because no route has them.
fn dropped(found: &[Target]) -> Vec<String> {
    let count: usize = found.iter().map(|target| target.names.dropped.len()).sum();
    match count {
        0 => Vec::new(),
        count => vec![format!("{} that no route has", counted(count, "name"))],
    }
}

/// So many at most, those first that end first; a Secret without a certificate goes before all. The order of the rest stays.
fn first_to_end(mut found: Vec<Target>, most: usize, left_out: &mut Vec<String>) -> Vec<Target> {
    if found.len() <= most {
        return found;
    }
    found.sort_by_key(|target| target.held.as_ref().map(|held| held.not_after));
    let later = format!("{} left for the next run", counted(found.len() - most, "certificate"));
    note(&format!("{later}: --max orders {most}"));
    left_out.push(later);
    found.truncate(most);
    found.sort_by(|a, b| a.secret.cmp(&b.secret));
    found
}

/// Those whose CA stays. The others are told of, with who issued them: a renewal of many changes no certificate's CA.
fn leave_to_their_ca(found: Vec<Target>, left_out: &mut Vec<String>) -> Vec<Target> {
    let (others, own): (Vec<Target>, Vec<Target>) = found.into_iter().partition(|target| target.changes_ca.is_some());
    if !others.is_empty() {
        left_out.push(format!("{} of another CA", counted(others.len(), "certificate")));
    }
    let mut by_ca: BTreeMap<(String, String), Vec<Key>> = BTreeMap::new();
    for target in others {
        if let Some(change) = target.changes_ca {
            by_ca.entry(change).or_default().push(target.secret);
        }
    }
    for ((from, _), secrets) in &by_ca {
        let one = secrets.len() == 1;
        let why = match (from.as_str(), one) {
            (SELF_SIGNED, true) => "it is self-signed".to_owned(),
            (SELF_SIGNED, false) => "they are self-signed".to_owned(),
            (_, true) => format!("{from} issued it"),
            (_, false) => format!("{from} issued them"),
        };
        note(&format!(
            "{} left as {}, because {why}: {}",
            counted(secrets.len(), "certificate"),
            if one { "it is" } else { "they are" },
            first_of(secrets)
        ));
    }
    if !by_ca.is_empty() {
        note("to change the CA of one, name it (secret/NAME); of all, give --adopt");
    }
    own
}

/// TLS Secrets that are not looked at, because nothing says that they are wanted.
fn tell_of_unused(inventory: &Inventory) -> Option<String> {
    if inventory.routes_chosen || inventory.from_manifests {
        return None;
    }
    let unused = inventory.secrets().iter().filter(|stored| {
        stored.is_tls()
            && stored.leaf().is_some()
            && !is_claimed(stored)
            && !inventory.is_named(&stored.meta.key())
            && inventory.certificates_of(&stored.meta.key()).next().is_none()
    });
    let mut unused: Vec<Key> = unused.map(|stored| stored.meta.key()).collect();
    unused.sort();
    let it = if unused.len() == 1 { "it" } else { "them" };
    if unused.is_empty() {
        return None;
    }
    let all = counted(unused.len(), "TLS Secret");
    note(&format!(
        "{all} left out: no route uses {it}, and this program did not write {it}: {}",
        first_of(&unused)
    ));
    Some(format!("{all} that no route uses"))
}

/// Those that are due. The others are told of in one line.
async fn only_due(opened: &Opened, found: Vec<Target>, left_out: &mut Vec<String>) -> Result<Vec<Target>, Failure> {
    if found.is_empty() {
        return Ok(found);
    }
    let acme = opened.acme.get().await?;
    let asked = Asked::open(cache::file("renewals.json"));
    let waiting = Waiting::for_ca(&opened.settings.chosen.issuer.name);
    let judged = due::judge(acme, &opened.session.inventory, &found, opened.session.rules, &asked).await;
    drop(waiting);
    let mut next = None;
    let mut later = 0;
    let mut left = Vec::new();
    for (target, due) in found.into_iter().zip(judged) {
        match due {
            Due::Now(why) => {
                note(&format!("{}: due, {why}", target.secret));
                left.push(target);
            }
            Due::Later(at) => {
                later += 1;
                next = match (next, at) {
                    (Some(next), Some(at)) => Some(std::cmp::min(next, at)),
                    (next, at) => next.or(at),
                };
            }
        }
    }
    if later > 0 {
        let when = next.map_or_else(String::new, |at| format!("; the next is on {}", time::date(at)));
        let all = format!("{} not due yet", counted(later, "certificate"));
        note(&format!("{all}{when}"));
        left_out.push(all);
    }
    Ok(left)
}

/// Why a Secret is left to cert-manager, although there is no Certificate yet: `--force` orders it all the same.
fn asked_for(opened: &Opened, secret: &Key) -> Option<certmanager::AskedFor> {
    let asked = certmanager::asked_for(&opened.session.inventory, secret)?;
    (!opened.settings.certificate.force).then_some(asked)
}

/// Takes away what cert-manager is asked for, where all are renewed; it is told, and returned counted.
fn leave_what_is_asked_of_cert_manager(opened: &Opened, found: Vec<Target>) -> (Vec<Target>, Option<String>) {
    let mut whys = Vec::new();
    let mut ours = Vec::new();
    for target in found {
        match asked_for(opened, &target.secret) {
            Some(asked) => whys.push(asked.what),
            None => ours.push(target),
        }
    }
    let Some(why) = whys.first() else {
        return (ours, None);
    };
    let all = format!("{} left to cert-manager", counted(whys.len(), "Secret"));
    note(&format!("{all}: {why}"));
    (ours, Some(all))
}

/// Takes away what was named and is refused because it is cert-manager's: told with its reason, while the others are renewed. Where no
/// other was named, it is an error.
fn refuse(opened: &Opened, theirs: &mut Vec<(Target, Key)>, ours: &mut Vec<Target>) -> Result<Vec<Left>, Failure> {
    let mut left = Vec::new();
    ours.retain(|target| {
        let asked = asked_for(opened, &target.secret);
        left.extend(
            asked
                .as_ref()
                .map(|asked| Left::new(target, asked.what.clone(), Some(asked.hint.to_owned()))),
        );
        asked.is_none()
    });
    theirs.retain(|(target, certificate)| {
        let refused = certmanager::allowed(&opened.settings.chosen, certificate, &target.secret).err();
        left.extend(
            refused
                .as_ref()
                .map(|error| Left::new(target, chain(error), error.hint())),
        );
        refused.is_none()
    });
    if ours.is_empty() && theirs.is_empty() && !left.is_empty() {
        return Err(left::failure(&left));
    }
    left::tell(&left);
    Ok(left)
}

/// Those that cert-manager writes, with their Certificate, and those that this program does.
fn split(session: &Session, found: Vec<Target>) -> (Vec<(Target, Key)>, Vec<Target>) {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for target in found {
        let owner = session
            .inventory
            .certificates_of(&target.secret)
            .next()
            .map(|c| c.meta.key());
        match owner {
            Some(certificate) => theirs.push((target, certificate)),
            None => ours.push(target),
        }
    }
    (theirs, ours)
}

/// What is asked of cert-manager, for whoever holds the screen.
fn by_cert_manager_plan(theirs: &[(Target, Key)], left: &[Left]) -> Plan {
    let note = |(target, certificate): &(Target, Key)| {
        format!(
            "Secret {} belongs to cert-manager: its Certificate {certificate} is renewed by cert-manager, and followed to the end",
            target.secret
        )
    };
    Plan {
        issuer: "cert-manager".to_owned(),
        stage: Some(Stage::Production),
        notes: theirs
            .iter()
            .map(note)
            .chain(left.iter().map(ToString::to_string))
            .collect(),
        ..Plan::default()
    }
}

/// Has cert-manager renew what is its own, several at once.
async fn by_cert_manager(
    opened: &Opened,
    args: &IssueArgs,
    theirs: &[(Target, Key)],
    left: &[Left],
    cancel: &Cancel,
) -> Result<Vec<Outcome>, Failure> {
    let Some(connection) = opened.session.connection.as_ref().filter(|_| !theirs.is_empty()) else {
        return Ok(Vec::new());
    };
    let progress = Progress::new(args.run.output == Some(Output::Json));
    let tell = Teller::new(progress.listener());
    // On a terminal it has been told already.
    let shown = if told::run().is_some() { left } else { &[] };
    let plan = by_cert_manager_plan(theirs, shown);
    if args.run.dry_run == crate::settings::value::DryRun::Client {
        // Nothing is sent, not even to be judged.
        let lines = plan.notes.iter().map(|line| format!("{}\n", crate::text::Clear(line)));
        let lines = lines.collect::<Vec<_>>().concat();
        super::print_text(&lines)?;
        return Ok(Vec::new());
    }
    let question = match theirs {
        [(_, certificate)] => format!("Have cert-manager renew Certificate {certificate}?"),
        several => format!("Have cert-manager renew {} Certificates?", several.len()),
    };
    let is_tried = args.run.dry_run != crate::settings::value::DryRun::None;
    agree::agreed(plan, &question, args.run.yes || is_tried).await?;
    // From here on it is more than a plan: who cancels is told what became of it.
    cancel.begin();
    let outcomes = stream::iter(theirs)
        .map(|(target, certificate)| {
            let mut permits = Permits::none();
            permits.extend(certmanager::permits(certificate));
            // Without the right to it no Event is left, and nothing else is the worse.
            permits.extend(events::permits(&certificate.namespace));
            let api = Api::new(connection.clone(), permits);
            let api = if is_tried { api.dry_run() } else { api };
            one_by_cert_manager(api, target, certificate, tell.about(target.secret.clone()), cancel)
        })
        .buffered(opened.settings.certificate.concurrency.max(1))
        .collect()
        .await;
    progress.end();
    Ok(outcomes)
}

async fn one_by_cert_manager(api: Api, target: &Target, certificate: &Key, told: Teller, cancel: &Cancel) -> Outcome {
    let began = std::time::Instant::now();
    let result = certmanager::renew(&api, certificate, &told, cancel, CERT_MANAGER).await;
    let result = match result {
        Ok(renewed) => Ok(Issued {
            names: target.names.order.clone(),
            not_after: renewed.leaf.map_or(0, |leaf| leaf.not_after),
            place: Some(format!("Secret {}", target.secret)),
        }),
        Err(error) => {
            let error = CourseError::CertManager {
                message: chain(&error),
                hint: error.hint(),
            };
            told.tell(EventKind::Failed {
                error: chain(&error),
                hint: error.hint(),
            });
            Err(error)
        }
    };
    Outcome {
        secret: target.secret.clone(),
        names: target.names.order.clone(),
        changes_ca: None,
        first: target.held.is_none(),
        result,
        took: began.elapsed(),
    }
}
