//! Which of the certificates that could be meant are renewed; what is left out is told and counted.

use std::collections::BTreeMap;

use super::super::{Front, OpError, named::Named, opened::Opened, session::Session};
use crate::{
    cache,
    check::is_claimed,
    engine::{
        asked::RenewalAnswers,
        due::{self, Due},
    },
    inventory::{Inventory, RouteKey},
    object::{Key, Kind},
    plan::{Choice, Target, ca::SELF_SIGNED, targets},
    text::{counted, first_few, first_of, time},
};

/// Secrets that may not be read: nobody knows whether they hold a certificate, of which CA, and whether it is due.
pub(super) fn unread_secrets(unread: &[Target]) -> Option<String> {
    let names: Vec<String> = unread.iter().map(|target| target.secret.to_string()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} may not be read, so nobody knows what is in {}: {}",
            counted(names.len(), "Secret"),
            if names.len() == 1 { "it" } else { "them" },
            first_of(&names, 3)
        )
    })
}

/// The targets of words on the command line, or of all routes in the scope.
pub(in crate::ops) fn chosen(
    session: &Session,
    words: &[Named],
    only_route_hosts: bool,
) -> Result<Vec<Target>, OpError> {
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
        Some(missing) => Err(OpError::because(&missing)),
    }
}

/// How many names are left out of certificates because no route has them.
pub(super) fn dropped(found: &[Target]) -> Vec<String> {
    let count: usize = found.iter().map(|target| target.names.dropped.len()).sum();
    match count {
        0 => Vec::new(),
        count => vec![format!("{} that no route has", counted(count, "name"))],
    }
}

/// So many at most, those first that end first; a Secret without a certificate goes before all. The order of the rest stays.
pub(super) fn first_to_end(
    mut found: Vec<Target>,
    most: usize,
    left_out: &mut Vec<String>,
    front: &dyn Front,
) -> Vec<Target> {
    if found.len() <= most {
        return found;
    }
    found.sort_by_key(|target| target.held.as_ref().map(|held| held.not_after));
    let later = format!("{} left for the next run", counted(found.len() - most, "certificate"));
    front.note(&format!("{later}: --max orders {most}"));
    left_out.push(later);
    found.truncate(most);
    found.sort_by(|a, b| a.secret.cmp(&b.secret));
    found
}

/// Those whose CA stays. The others are told of, with who issued them: a renewal of many changes no certificate's CA.
pub(super) fn leave_to_their_ca(found: Vec<Target>, left_out: &mut Vec<String>, front: &dyn Front) -> Vec<Target> {
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
        front.note(&format!(
            "{} left as {}, because {why}: {}",
            counted(secrets.len(), "certificate"),
            if one { "it is" } else { "they are" },
            first_few(secrets)
        ));
    }
    if !by_ca.is_empty() {
        front.note("to change the CA of one, name it (secret/NAME); of all, give --adopt");
    }
    own
}

/// TLS Secrets that are not looked at, because nothing says that they are wanted.
pub(super) fn tell_of_unused(inventory: &Inventory, front: &dyn Front) -> Option<String> {
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
    front.note(&format!(
        "{all} left out: no route uses {it}, and this program did not write {it}: {}",
        first_few(&unused)
    ));
    Some(format!("{all} that no route uses"))
}

/// Those that are due, and those that are not. The latter are told of in one line.
pub(super) async fn only_due(
    opened: &Opened,
    found: Vec<Target>,
    left_out: &mut Vec<String>,
    front: &dyn Front,
) -> Result<(Vec<Target>, Vec<Target>), OpError> {
    if found.is_empty() {
        return Ok((found, Vec::new()));
    }
    let acme = opened.acme.get(front).await?;
    let asked = RenewalAnswers::open(cache::file("renewals.json"));
    let waiting = front.wait_for_ca(&opened.settings.chosen.issuer.name);
    let judged = due::judge(acme, &opened.session.inventory, &found, opened.session.rules, &asked).await;
    drop(waiting);
    let mut next = None;
    let mut later = Vec::new();
    let mut left = Vec::new();
    for (target, due) in found.into_iter().zip(judged) {
        match due {
            Due::Now(why) => {
                front.note(&format!("{}: due, {why}", target.secret));
                left.push(target);
            }
            Due::Later(at) => {
                later.push(target);
                next = match (next, at) {
                    (Some(next), Some(at)) => Some(std::cmp::min(next, at)),
                    (next, at) => next.or(at),
                };
            }
        }
    }
    if !later.is_empty() {
        let when = next.map_or_else(String::new, |at| format!("; the next is on {}", time::date(at)));
        let all = format!("{} not due yet", counted(later.len(), "certificate"));
        front.note(&format!("{all}{when}"));
        left_out.push(all);
    }
    Ok((left, later))
}
