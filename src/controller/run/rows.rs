//! Customers' domains whose pairs are in their records: while a certificate is wanted for one, it is in the picture as a Domain with
//! its Secret would be, so that everything that decides about orders decides about it too. Afterwards it is not, because there may
//! be a million of them.

use secrecy::ExposeSecret as _;

use super::{Controller, domains::Domains};
use crate::{
    clock::now,
    controller::queue::TaskState,
    domain::{Host, Record},
    domains::keep::{Heard as OfHost, Stands},
    object::{
        Change, HostRoute, Key, Kind, Meta, More, Object, annotation,
        route::{HostTls, RouteStatus},
        secret::{Secret, TLS_TYPE},
    },
};

impl Controller {
    /// Takes a host into the picture for which a certificate is wanted.
    pub(super) fn load_row(&mut self, record: &Record) {
        let Some(domains) = self.domains.as_ref().filter(|_| self.term.is_some()) else {
            return;
        };
        let Some(rows) = domains.pairs() else { return };
        let secret = rows.secret(&record.host);
        let looked = record.dns.as_ref();
        let proof = looked.and_then(crate::domain::Looked::proof);
        let serial = record.pair.as_ref().map(|pair| &pair.serial);
        if !rows.add(
            &record.host,
            format!("{serial:?} {proof:?} {:?}", looked.map(|looked| looked.traffic)),
        ) {
            return;
        }
        let route = HostRoute {
            kind: Kind::Domain,
            meta: Meta {
                namespace: secret.namespace.clone(),
                name: record.host.as_str().into(),
                created: Some(record.since),
                ..Meta::default()
            },
            hosts: vec![record.host.as_str().into()],
            other_hosts: false,
            tls: Some(HostTls {
                secret: Some(secret.name.clone()),
                ..HostTls::default()
            }),
            status: Some(RouteStatus {
                permitted: true,
                proof: proof.map(|proof| proof.as_str().into()),
                is_elsewhere: looked.is_some_and(|looked| !looked.traffic),
            }),
        };
        let stored = record.pair.as_ref().and_then(|pair| pair.material.as_ref());
        let stored = stored.map(|material| Secret {
            meta: Meta {
                namespace: secret.namespace.clone(),
                name: secret.name.clone(),
                created: None,
                more: More {
                    annotations: Box::new([
                        (annotation::CLAIM.into(), self.keeper.install().into()),
                        (
                            annotation::ISSUED_AT_DIRECTORY.into(),
                            self.unattended.settings.chosen.issuer.directory_url.as_str().into(),
                        ),
                    ]),
                    ..More::default()
                }
                .boxed(),
            },
            secret_type: TLS_TYPE.into(),
            data_keys: None,
            certificate: Some(material.chain.clone().into_bytes()),
            key: Some(material.key.expose_secret().as_bytes().to_vec().into()),
            other_keys: Vec::new(),
            ca: None,
            data_changed: None,
        });
        if let Some(stored) = stored {
            self.live.apply(Change::Set(Object::Secret(stored)));
        }
        self.live.apply(Change::Set(Object::HostRoute(route)));
        self.rows_changed();
    }

    /// Takes a host out of the picture, unless its certificate is being ordered.
    pub(super) fn unload_row(&mut self, host: &Host) {
        let Some(domains) = &self.domains else { return };
        let Some(rows) = domains.pairs() else { return };
        let secret = rows.secret(host);
        let is_running = matches!(self.keeper.queue.state(&secret), Some(TaskState::Running { .. }));
        if is_running || rows.host(&secret).is_none() {
            return;
        }
        rows.remove(&secret);
        self.take_out(&secret, host);
    }

    /// Takes note that the certificate of a Secret is stored: if it is a row, it is out of the picture until the next one is wanted.
    pub(super) fn row_stored(&mut self, secret: &Key) {
        let Some(domains) = &self.domains else { return };
        let Some(host) = domains.pairs().and_then(|rows| rows.host(secret)) else {
            return;
        };
        domains.tell(OfHost {
            host: host.clone(),
            what: Stands::Order(None),
        });
        self.take_out(secret, &host);
    }

    /// Forgets a row whose course has ended, and which is not wanted again.
    pub(super) fn forget_row(&mut self, secret: &Key) {
        let is_in = !self.live.inventory.bindings_of_secret(secret).is_empty();
        if let Some(rows) = self.domains.as_ref().and_then(Domains::pairs).filter(|_| !is_in) {
            rows.remove(secret);
        }
    }

    /// Takes all of them out of the picture, because another process leads.
    pub(super) fn unload_rows(&mut self) {
        let Some(rows) = self.domains.as_ref().and_then(Domains::pairs) else {
            return;
        };
        for (secret, host) in rows.take_all() {
            self.live.apply(Change::Gone(
                Kind::Domain,
                Key::new(secret.namespace.clone(), host.as_str()),
            ));
            self.live.apply(Change::Gone(Kind::Secret, secret));
        }
        self.rows_changed();
    }

    fn take_out(&mut self, secret: &Key, host: &Host) {
        let route = Key::new(secret.namespace.clone(), host.as_str());
        self.live.apply(Change::Gone(Kind::Domain, route));
        self.live.apply(Change::Gone(Kind::Secret, secret.clone()));
        self.rows_changed();
    }

    fn rows_changed(&mut self) {
        let news = self.live.judge_changes();
        self.keeper.changed(&self.live.inventory, &news, now());
        self.touch_judged(&news);
    }
}
