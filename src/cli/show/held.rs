//! What a Secret holds, who uses it and who writes it, for a picture.

use std::collections::HashMap;

use crate::{
    check::{ObjectRef, readers_of},
    inventory::Inventory,
    k8s::{Connection, events},
    object::{Key, Kind, annotation::MADE_FOR, secret::BACKUP_TYPE},
    report::show::{CertManagerSide, Event, HeldCertificates, Presence, User},
    x509::Readers,
};

pub(in crate::cli) fn users(inventory: &Inventory, secret: &Key) -> Vec<User> {
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
pub(super) struct Owned<'a> {
    certificate: &'a crate::object::Certificate,
    issuer: Option<&'a crate::object::Issuer>,
    request: Option<&'a crate::object::CertificateRequest>,
    order: Option<&'a crate::object::Order>,
    challenges: Vec<&'a crate::object::Challenge>,
    events: Vec<Event>,
}

/// What was said about cert-manager's Certificates.
pub(in crate::cli) type CertificateEvents = HashMap<Key, Vec<Event>>;

/// The Certificates that write these Secrets.
pub(super) fn certificates(inventory: &Inventory, keys: &[Key]) -> Vec<Key> {
    let certificates = keys.iter().filter_map(|key| inventory.certificates_of(key).next());
    certificates.map(|certificate| certificate.meta.key()).collect()
}

/// Reads the events of Certificates. They are an extra: without the right to read them, the picture has none.
pub(in crate::cli) async fn said(connection: &Connection, certificates: Vec<Key>) -> CertificateEvents {
    let mut said = CertificateEvents::new();
    for key in certificates {
        let lines = events(connection, &key.namespace, Kind::Certificate, &key.name).await;
        let lines = lines.unwrap_or_default().into_iter().map(|line| Event {
            when: Some(line.when),
            warning: line.warning,
            reason: line.reason,
            message: line.message.into(),
        });
        said.insert(key, lines.collect());
    }
    said
}

pub(super) fn owners<'a>(inventory: &'a Inventory, said: &CertificateEvents, keys: &[Key]) -> Vec<Option<Owned<'a>>> {
    let mut owners = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(certificate) = inventory.certificates_of(key).next() else {
            owners.push(None);
            continue;
        };
        let request = inventory.requests_of(certificate).into_iter().next();
        let order = request.and_then(|request| inventory.orders_of(request).into_iter().next());
        owners.push(Some(Owned {
            certificate,
            issuer: inventory.issuer_of(certificate).and_then(|(_, _, issuer)| issuer),
            request,
            order,
            challenges: order.map(|order| inventory.challenges_of(order)).unwrap_or_default(),
            events: said.get(&certificate.meta.key()).cloned().unwrap_or_default(),
        }));
    }
    owners
}

/// The controller of the first route that names the Secret.
fn server(inventory: &Inventory, key: &Key) -> Option<(&'static str, Readers)> {
    let id = inventory.bindings_of_secret(key).first()?;
    let controller = inventory.controller(&inventory.bindings().get(*id)?.route);
    Some((controller.as_str(), readers_of(controller)?))
}

pub(super) fn held<'a>(
    inventory: &'a Inventory,
    key: &'a Key,
    users: &'a [User],
    owned: Option<&'a Owned<'a>>,
) -> HeldCertificates<'a> {
    let shown = owned.map(|of| CertManagerSide {
        certificate: of.certificate,
        issuer: of.issuer,
        request: of.request,
        order: of.order,
        challenges: &of.challenges,
        events: &of.events,
    });
    let base = match inventory.secrets().get(key) {
        Some(stored) => HeldCertificates {
            secret: Some(key),
            secret_type: &stored.secret_type,
            kept_for: (stored.secret_type == BACKUP_TYPE).then(|| stored.meta.annotation(MADE_FOR).unwrap_or_default()),
            other_keys: &stored.other_keys,
            server: server(inventory, key),
            ..HeldCertificates::of(&stored.bundle)
        },
        None if inventory.forbidden_secret(key).is_some() => HeldCertificates::without(key, Presence::Forbidden),
        None => HeldCertificates::without(key, Presence::NotFound),
    };
    HeldCertificates {
        users: Some(users),
        owner: shown,
        ..base
    }
}
