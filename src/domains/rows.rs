//! The pairs of hosts whose records are rows of a database: what the engine reads before an order and writes after it. No Secret of
//! the cluster has them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::store::{
    Store, StoreError,
    cluster::plain::{SECRET, secret_name},
};
use crate::{
    apply::{
        Pair as Stored,
        rows::{RowError, Rows},
        secret::{Note, Slots, Target},
    },
    clock::now,
    domain::{Host, Material, Pair, order::order_from},
    error::chain,
    object::{Key, Text, annotation, secret::TLS_TYPE},
};

/// How often a row is read again that somebody has changed meanwhile.
const TRIES: usize = 6;

/// The rows whose hosts are in the controller's picture at the moment.
#[derive(Debug)]
pub struct DomainRows {
    store: Arc<dyn Store>,
    install: String,
    /// The namespace in which the Secrets would be.
    namespace: Text,
    hosts: RwLock<HashMap<Key, (Host, String)>>,
}

impl DomainRows {
    /// Of a store, for an installation, with the namespace in which the Secrets would be.
    pub fn new(store: Arc<dyn Store>, install: &str, namespace: &str) -> Self {
        Self {
            store,
            install: install.to_owned(),
            namespace: namespace.into(),
            hosts: RwLock::default(),
        }
    }

    /// The name of the Secret that the pair of a host would be in.
    pub fn secret(&self, host: &Host) -> Key {
        Key::new(self.namespace.clone(), secret_name(host).as_str())
    }

    /// Takes a host, and what of its record counts for an order. `false` if both were there.
    pub fn add(&self, host: &Host, stamp: String) -> bool {
        let added = (host.clone(), stamp);
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.insert(self.secret(host), added.clone()).as_ref() != Some(&added)
    }

    /// Forgets the host whose pair stands for a Secret of this name.
    pub fn remove(&self, secret: &Key) {
        self.hosts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(secret);
    }

    /// The host whose pair stands for a Secret of this name.
    pub fn host(&self, secret: &Key) -> Option<Host> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(secret).map(|(host, _)| host.clone())
    }

    /// Forgets all of them, and returns them.
    pub fn take_all(&self) -> Vec<(Key, Host)> {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.drain().map(|(secret, (host, _))| (secret, host)).collect()
    }

    fn target(&self, secret: &Key, pair: Option<&Pair>) -> Target {
        let material = pair.and_then(|pair| pair.material.as_ref());
        let object = material.map(|material| {
            json!({
                "type": TLS_TYPE,
                "metadata": {
                    "namespace": secret.namespace.as_str(), "name": secret.name.as_str(),
                    "annotations": {annotation::CLAIM: self.install},
                },
                "stringData": {"tls.crt": material.chain, "tls.key": material.key.expose_secret()},
            })
        });
        Target::of(secret.clone(), object)
    }

    async fn put(&self, read: &Target, stored: &Stored, note: &Note) -> Result<(), RowError> {
        let secret = read.key();
        let host = self.host(secret).ok_or(RowError::Changed)?;
        let slots = Slots::default();
        let away = |error: &StoreError| RowError::Away(chain(error));
        let mut tries = 0;
        loop {
            let found = self.store.get(&host).await.map_err(|error| away(&error))?;
            let Some((mut record, version)) = found else {
                return Err(RowError::Changed);
            };
            let present = self.target(secret, record.pair.as_ref());
            let (before, there) = (read.sha256(&slots), present.sha256(&slots));
            if there == Some(stored.sha256()) {
                return Ok(());
            }
            if there != before || record.released.is_some() {
                return Err(RowError::Changed);
            }
            let leaf = stored.leaf();
            record.pair = Some(Pair {
                not_before: leaf.not_before,
                not_after: leaf.not_after,
                serial: Text::from(leaf.serial.to_string()),
                secret: None,
                material: Some(Arc::new(Material {
                    chain: stored.chain_pem(),
                    key: stored.key().clone(),
                })),
            });
            record.order = None;
            record.served = None;
            record.issued(note.at);
            record.plan(now());
            record.plan_order(now());
            match self.store.put(&record, Some(&version)).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(away(&error)),
            }
        }
    }
}

impl Rows for DomainRows {
    fn has(&self, secret: &Key) -> bool {
        // By its name, so that nothing ever becomes a Secret of the cluster.
        secret.namespace == self.namespace && secret.name.starts_with(SECRET)
    }

    fn read<'a>(&'a self, secret: &'a Key) -> BoxFuture<'a, Result<Target, String>> {
        Box::pin(async move {
            let Some(host) = self.host(secret) else {
                return Err(format!("no record is known for Secret {secret} any more"));
            };
            let found = self.store.get(&host).await.map_err(|error| chain(&error))?;
            // Somebody has released or paused it meanwhile.
            let record = found
                .map(|(record, _)| record)
                .filter(|record| order_from(record).is_some());
            let record = record.ok_or_else(|| format!("no certificate may be ordered for {host} any more"))?;
            Ok(self.target(secret, record.pair.as_ref()))
        })
    }

    fn write<'a>(&'a self, read: &'a Target, pair: &'a Stored, note: &'a Note) -> BoxFuture<'a, Result<(), RowError>> {
        Box::pin(self.put(read, pair, note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::{Roots, RunId},
        domain::{Record, testing::served},
        domains::store::memory::MemoryStore,
        x509::testing::Authority,
    };

    const HOST: &str = "www.example.com";

    fn pair() -> Stored {
        let leaf = Authority::root("Root").leaf(HOST);
        Stored::check(leaf.key_pem().into(), leaf.pem().as_bytes(), &[], now(), &Roots::Any).unwrap()
    }

    fn note() -> Note {
        Note {
            run: RunId::random(),
            issuer: "corp".to_owned(),
            directory: "https://ca.example/dir".to_owned(),
            order: None,
            account: None,
            kind: None,
            at: 7,
            window: None,
            claim: None,
        }
    }

    #[tokio::test]
    async fn a_pair_is_put_into_its_record_once_and_never_over_another_one() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let rows = DomainRows::new(Arc::clone(&store), "prod-1", "domains");
        let host: Host = HOST.parse().unwrap();
        let secret = rows.secret(&host);
        assert!(rows.has(&secret) && !rows.has(&Key::new("shop", "domain-www.example.com")));
        assert!(rows.read(&secret).await.is_err(), "nobody has said which host it is");
        let record = Record {
            host: host.clone(),
            pair: None,
            ..served(90)
        };
        store.put(&record, None).await.unwrap();
        assert!(rows.add(&host, "1".to_owned()) && !rows.add(&host, "1".to_owned()));

        let read = rows.read(&secret).await.unwrap();
        assert!(!read.exists());
        let first = pair();
        rows.write(&read, &first, &note()).await.unwrap();
        let (record, _) = store.get(&host).await.unwrap().unwrap();
        let stored = record.pair.clone().unwrap();
        assert_eq!(stored.not_after, first.leaf().not_after);
        assert!(stored.secret.is_none() && stored.material.unwrap().key.expose_secret().contains("PRIVATE KEY"));
        assert_eq!(record.issuances, [7]);
        // The same once more is no other issuance.
        rows.write(&read, &first, &note()).await.unwrap();
        assert_eq!(store.get(&host).await.unwrap().unwrap().0.issuances, [7]);
        // Somebody has ordered another one meanwhile.
        assert_eq!(rows.write(&read, &pair(), &note()).await, Err(RowError::Changed));
        let again = rows.read(&secret).await.unwrap();
        assert_eq!(again.sha256(&Slots::default()), Some(first.sha256()));
        let second = pair();
        rows.write(&again, &second, &note()).await.unwrap();
        assert_eq!(
            rows.read(&secret).await.unwrap().sha256(&Slots::default()),
            Some(second.sha256())
        );
        // For who is paused meanwhile nothing is ordered.
        let (record, version) = store.get(&host).await.unwrap().unwrap();
        let paused = Record {
            paused: Some("maintenance".to_owned()),
            ..record
        };
        store.put(&paused, Some(&version)).await.unwrap();
        assert!(
            rows.read(&secret)
                .await
                .unwrap_err()
                .contains("no certificate may be ordered")
        );
    }
}
