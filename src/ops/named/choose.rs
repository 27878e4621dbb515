//! What the words mean, once it is known what there is.

use super::Named;
use crate::{
    apply::{Api, Permits},
    error::Blame,
    inventory::{Binding, Inventory},
    k8s::Connection,
    object::resource::INGRESS,
    object::{Key, Kind},
    ops::{Front, OpError, session::Session},
    source::scope::Namespaces,
    text::nearest,
};

/// For what only reads: a bare word is an Ingress, else a host, else the Secret of that name.
pub fn for_reading(session: &Session, targets: Vec<Named>, front: &dyn Front) -> Vec<Named> {
    let inventory = &session.inventory;
    let one = |target: Named| {
        if target.kind == Kind::Certificate {
            return secrets_of_certificate(inventory, &target);
        }
        if !target.bare || inventory.holds_route(Kind::Ingress, &target.name) {
            return vec![target];
        }
        if hosts(inventory, &target.name).next().is_some() {
            return vec![Named::host(&target.name)];
        }
        if has_secret(inventory, &target.name) {
            front.note(&format!("there is no ingress/{0}: secret/{0} is used", target.name));
            return vec![Named::new(Kind::Secret, target.name)];
        }
        vec![target]
    };
    targets.into_iter().flat_map(one).collect()
}

/// For what writes: a host or a listener has to mean exactly one Secret, and a bare word is never a Secret.
pub fn for_writing(session: &Session, targets: Vec<Named>) -> Result<Vec<Named>, OpError> {
    let inventory = &session.inventory;
    let mut settled = Vec::new();
    for target in targets {
        if target.kind == Kind::Certificate {
            settled.extend(secrets_of_certificate(inventory, &target));
            continue;
        }
        let named = target.bare && inventory.holds_route(Kind::Ingress, &target.name);
        let as_host = target.host || (target.bare && !named && hosts(inventory, &target.name).next().is_some());
        if !as_host && target.listener.is_none() {
            settled.push(target);
            continue;
        }
        let bindings: Vec<&Binding> = if as_host {
            hosts(inventory, &target.name).collect()
        } else {
            let all = inventory.bindings().iter().map(|(_, binding)| binding);
            all.filter(|binding| is_listener(binding, &target)).collect()
        };
        let mut secrets: Vec<&Key> = bindings.iter().flat_map(|binding| &binding.secrets).collect();
        secrets.sort();
        secrets.dedup();
        match secrets.as_slice() {
            [one] => settled.push(Named {
                namespace: Some(one.namespace.to_string()),
                ..Named::new(Kind::Secret, one.name.as_str())
            }),
            // What is not there is told as such.
            [] if bindings.is_empty() => settled.push(Named {
                host: as_host,
                ..target
            }),
            [] => {
                return Err(OpError::usage(format!(
                    "{} names no Secret",
                    Named {
                        host: as_host,
                        ..target
                    }
                )));
            }
            several => {
                let list: Vec<String> = several
                    .iter()
                    .map(|key| format!("secret/{} -n {}", key.name, key.namespace))
                    .collect();
                let told = Named {
                    host: as_host,
                    ..target
                };
                return Err(
                    OpError::usage(format!("{told} has several Secrets: {}", list.join(", ")))
                        .hint("name the intended one"),
                );
            }
        }
    }
    Ok(settled)
}

/// The bindings of a host.
fn hosts<'a>(inventory: &'a Inventory, host: &str) -> impl Iterator<Item = &'a Binding> {
    let ids = inventory.bindings_of_host(&host.to_ascii_lowercase());
    ids.iter().filter_map(|id| inventory.bindings().get(*id))
}

/// Whether a binding is that of the listener that was named; of any of the route's, where none was.
pub fn is_listener(binding: &Binding, target: &Named) -> bool {
    target.kind.means(binding.route.kind)
        && binding.route.key.name == target.name
        && target
            .listener
            .as_deref()
            .is_none_or(|listener| binding.listener.as_deref() == Some(listener))
}

fn has_secret(inventory: &Inventory, name: &str) -> bool {
    inventory.secrets().iter().any(|stored| stored.meta.name == name)
        || inventory.named_secrets().any(|key| key.name == name)
}

fn secrets_of_certificate(inventory: &Inventory, target: &Named) -> Vec<Named> {
    let found: Vec<Named> = inventory
        .certificates_named(&target.name)
        .map(|(namespace, secret)| Named {
            namespace: Some(namespace.to_owned()),
            ..Named::new(Kind::Secret, secret)
        })
        .collect();
    if found.is_empty() { vec![target.clone()] } else { found }
}

/// A target that is not there is a mistake worth telling, not an empty table.
pub fn not_found(session: &Session, targets: &[Named]) -> Result<(), OpError> {
    let inventory = &session.inventory;
    for target in targets {
        let there = match target.kind {
            _ if target.host => hosts(inventory, &target.name).next().is_some() || !inventory.knows_all(Kind::Ingress),
            Kind::Secret => {
                inventory.secrets().iter().any(|s| target.is_secret(&s.meta.key()))
                    || inventory.named_secrets().any(|key| target.is_secret(&key))
                    || session
                        .wanted
                        .iter()
                        .any(|key| inventory.forbidden_secret(key).is_some())
            }
            Kind::Certificate => false,
            kind => match &target.listener {
                Some(_) => inventory
                    .bindings()
                    .iter()
                    .any(|(_, binding)| is_listener(binding, target)),
                None => inventory.holds_route(kind, &target.name) || !inventory.knows_all(kind),
            },
        };
        if !there && inventory.secrets_left_out && matches!(target.kind, Kind::Secret | Kind::Certificate) {
            return Err(unseen(target));
        }
        if !there {
            let place = match &session.scope.namespaces {
                Namespaces::All => String::new(),
                Namespaces::Only(_) if target.namespace.is_some() => String::new(),
                Namespaces::Only(names) => format!(" in namespace {}", names.join(", ")),
            };
            // A word with a dot may have meant a host.
            let what = if target.bare && target.name.contains('.') {
                format!("neither an Ingress nor a host called {}", target.name)
            } else {
                format!("no {target}")
            };
            let failure = OpError::new(Blame::Usage, format!("there is {what}{place}"));
            return Err(failure.hint(hint(session, target)));
        }
    }
    Ok(())
}

/// The failure of a Secret or Certificate that may be there, where only routes were read.
fn unseen(target: &Named) -> OpError {
    if target.kind == Kind::Secret {
        let what = format!("no route that was read names {target}, and --no-secrets reads no Secret");
        return OpError::usage(what).hint(NAME_A_ROUTE);
    }
    not_read(target)
}

/// The failure of a Secret or Certificate where none is read by choice (`--no-secrets`).
pub fn not_read(target: &Named) -> OpError {
    OpError::usage(format!("{target} is not read with --no-secrets")).hint(NAME_A_ROUTE)
}

const NAME_A_ROUTE: &str = "name a route: ingress/NAME, gateway/NAME; or leave --no-secrets out";

/// What may have been meant: one of the other kind with that name, else the nearest name, else where to look.
fn hint(session: &Session, target: &Named) -> String {
    let inventory = &session.inventory;
    let name = target.name.as_str();
    if target.kind != Kind::Secret && has_secret(inventory, name) {
        return format!("there is a Secret of that name: secret/{name}");
    }
    if let Some((kind, _)) = inventory
        .listed_routes()
        .find(|(kind, meta)| (*kind != target.kind || target.host) && meta.name == name)
    {
        return format!("there is one of another kind: {}", Named::new(kind, name));
    }
    if let Some(near) = near(inventory, target) {
        return format!("did you mean {near}?");
    }
    let hint = match (&session.scope.namespaces, target.kind) {
        (Namespaces::Only(_), _) => "-n chooses the namespace, -A reads all",
        (Namespaces::All, Kind::Ingress) => "a bare NAME is an Ingress; Gateways are gateway/NAME, Secrets secret/NAME",
        (Namespaces::All, _) => "`kubectl certs status -A` lists everything",
    };
    hint.to_owned()
}

/// The word with the nearest name, as it is written.
fn near(inventory: &Inventory, target: &Named) -> Option<String> {
    let name = target.name.as_str();
    if target.kind == Kind::Secret {
        let named: Vec<Key> = inventory.named_secrets().collect();
        let stored = inventory.secrets().iter().map(|stored| stored.meta.name.as_str());
        let found = nearest(name, stored.chain(named.iter().map(|key| key.name.as_str())))?;
        return Some(format!("secret/{found}"));
    }
    if !target.host {
        let of_kind = inventory.listed_routes().filter(|(kind, _)| target.kind.means(*kind));
        if let Some(found) = nearest(name, of_kind.map(|(_, meta)| meta.name.as_str())) {
            return Some(format!("{}/{found}", target.kind.as_str().to_ascii_lowercase()));
        }
    }
    if target.bare || target.host {
        let hosts = inventory.bindings().iter().map(|(_, binding)| binding.host.as_str());
        return nearest(name, hosts).map(str::to_owned);
    }
    None
}

/// Where a bare name is a Secret, and there is none: the Secrets of the Ingress of that name, as a hint.
pub async fn ingress_instead(connection: &Connection, key: &Key) -> Option<String> {
    let api = Api::new(connection.clone(), Permits::none());
    let ingress = api.get(INGRESS, key).await.ok()??;
    let named = ingress["spec"]["tls"].as_array().into_iter().flatten();
    let mut secrets: Vec<String> = named
        .filter_map(|entry| Some(format!("secret/{}", entry["secretName"].as_str()?)))
        .collect();
    secrets.dedup();
    Some(if secrets.is_empty() {
        format!(
            "a bare NAME is a Secret here; ingress/{} exists and names none",
            key.name
        )
    } else {
        format!(
            "a bare NAME is a Secret here; ingress/{} exists, and its Secret is {}",
            key.name,
            secrets.join(", ")
        )
    })
}
