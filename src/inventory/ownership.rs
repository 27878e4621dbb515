//! Writers and users of a Secret: objects of cert-manager, Pods, workloads and service accounts.

use crate::object::{
    Certificate, CertificateRequest, Challenge, Consumer, Issuer, Key, Kind, Meta, Object, Order, Service, Text,
    annotation,
};

use super::{Inventory, derive::MANY};

impl Inventory {
    pub(super) fn set_certmanager(&mut self, object: Object) {
        match object {
            Object::Certificate(o) => {
                let key = o.meta.key();
                self.remove_certificate(&key);
                let secret = Key::new(o.meta.namespace.clone(), o.secret.clone());
                self.certificates_by_secret
                    .entry(secret.clone())
                    .or_default()
                    .insert(key.clone());
                if o.copied && self.from_manifests {
                    self.note_copy(annotation::REFLECTOR_COPIES, o.secret.clone());
                }
                self.certificates.insert(Box::new(o));
                self.touch_secret(&secret, std::iter::empty());
            }
            Object::Issuer(o) => {
                let kind = if o.cluster { Kind::ClusterIssuer } else { Kind::Issuer };
                let key = o.meta.key();
                self.issuers.insert((kind, key.clone()), o);
                self.touch_issuer(kind, &key);
            }
            Object::CertificateRequest(o) => {
                let key = o.meta.key();
                self.own(Kind::CertificateRequest, &o.meta);
                self.requests.insert(Box::new(o));
                self.touch_owner_of(Kind::CertificateRequest, &key);
            }
            Object::Order(o) => {
                let key = o.meta.key();
                self.own(Kind::Order, &o.meta);
                self.orders.insert(Box::new(o));
                self.touch_owner_of(Kind::Order, &key);
            }
            Object::Challenge(o) => {
                let key = o.meta.key();
                self.own(Kind::Challenge, &o.meta);
                self.challenges.insert(Box::new(o));
                self.touch_owner_of(Kind::Challenge, &key);
            }
            _ => {}
        }
    }

    pub(super) fn gone_certmanager(&mut self, kind: Kind, key: &Key) {
        self.touch_owner_of(kind, key);
        match kind {
            Kind::Certificate => self.remove_certificate(key),
            Kind::CertificateRequest => drop(self.requests.remove(key)),
            Kind::Order => drop(self.orders.remove(key)),
            Kind::Challenge => drop(self.challenges.remove(key)),
            _ => {
                self.issuers.remove(&(kind, key.clone()));
                self.touch_issuer(kind, key);
            }
        }
    }

    fn remove_certificate(&mut self, key: &Key) {
        let Some(old) = self.certificates.remove(key) else {
            return;
        };
        let secret = Key::new(old.meta.namespace.clone(), old.secret);
        if let Some(certificates) = self.certificates_by_secret.get_mut(&secret) {
            certificates.remove(key);
        }
        self.touch_secret(&secret, std::iter::empty());
    }

    fn touch_issuer(&mut self, kind: Kind, key: &Key) {
        let names = |c: &Certificate| {
            let wanted = if c.issuer.kind == "ClusterIssuer" {
                Kind::ClusterIssuer
            } else {
                Kind::Issuer
            };
            wanted == kind
                && c.issuer.name == key.name
                && (kind == Kind::ClusterIssuer || c.meta.namespace == key.namespace)
        };
        let secrets: Vec<Key> = self
            .certificates
            .values()
            .filter(|c| names(c))
            .map(|c| Key::new(c.meta.namespace.clone(), c.secret.clone()))
            .collect();
        for secret in secrets {
            self.touch_secret(&secret, std::iter::empty());
        }
    }

    /// Marks the Secret of the Certificate that owns an object of cert-manager, directly or through requests and
    /// orders.
    fn touch_owner_of(&mut self, kind: Kind, key: &Key) {
        let mut kind = kind;
        let mut at = key.clone();
        for _ in 0..3 {
            let (owner_kind, owners) = match kind {
                Kind::Challenge => (Kind::Order, self.challenges.get(&at).map(|o| o.meta.owners())),
                Kind::Order => (Kind::CertificateRequest, self.orders.get(&at).map(|o| o.meta.owners())),
                Kind::CertificateRequest => (Kind::Certificate, self.requests.get(&at).map(|o| o.meta.owners())),
                _ => break,
            };
            let owner = owners.and_then(|owners| owners.iter().find(|o| o.kind == owner_kind.as_str()));
            let Some(owner) = owner else { return };
            at = Key::new(at.namespace.clone(), owner.name.clone());
            kind = owner_kind;
        }
        if let Some(certificate) = self.certificates.get(&at) {
            let secret = Key::new(at.namespace.clone(), certificate.secret.clone());
            self.touch_secret(&secret, std::iter::empty());
        }
    }

    /// Indexes an object by its owners.
    fn own(&mut self, kind: Kind, meta: &Meta) {
        for owner in meta.owners() {
            let key = Key::new(meta.namespace.clone(), owner.name.clone());
            self.owned.entry((kind, key)).or_default().insert(meta.key());
        }
    }

    /// The objects of a kind that an object with this name owns, or has owned.
    fn owned_by(&self, kind: Kind, owner: &Meta) -> impl Iterator<Item = &Key> {
        self.owned.get(&(kind, owner.key())).into_iter().flatten()
    }

    /// The namespace and the Secret of each cert-manager Certificate with this name.
    pub fn certificates_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.certificates.values().filter(move |o| o.meta.name == name);
        named.map(|o| (o.meta.namespace.as_str(), o.secret.as_str()))
    }

    /// cert-manager's Certificates, in no particular order.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values().map(AsRef::as_ref)
    }

    /// cert-manager's Certificates that write a Secret, sorted by name.
    pub fn certificates_of(&self, secret: &Key) -> impl Iterator<Item = &Certificate> {
        let keys = self.certificates_by_secret.get(secret);
        keys.into_iter()
            .flatten()
            .filter_map(|key| self.certificates.get(key).map(AsRef::as_ref))
    }

    /// The name of the Certificate in its namespace that writes a Secret; the first by name if several do. The
    /// annotation that cert-manager sets on the Secret counts only if not all Certificates were read, because tools
    /// that copy a Secret copy its annotations too.
    pub fn writer_of(&self, secret: &Key) -> Option<&Text> {
        let written = self.certificates_of(secret).next();
        written.map(|certificate| &certificate.meta.name).or_else(|| {
            let stored = self
                .secrets
                .get(secret)
                .filter(|_| !self.knows_all(Kind::Certificate))?;
            let named = |(key, name): &&(Text, Text)| key == annotation::CERTIFICATE_NAME && !name.is_empty();
            stored.meta.annotations().iter().find(named).map(|(_, name)| name)
        })
    }

    /// The issuer that a Certificate names, with its kind and key; `None` for issuers of other API groups.
    pub fn issuer_of(&self, certificate: &Certificate) -> Option<(Kind, Key, Option<&Issuer>)> {
        let reference = &certificate.issuer;
        if !reference.group.is_empty() && reference.group != "cert-manager.io" {
            return None;
        }
        let (kind, key) = match reference.kind.as_str() {
            "ClusterIssuer" => (Kind::ClusterIssuer, Key::new("", reference.name.clone())),
            "" | "Issuer" => (
                Kind::Issuer,
                Key::new(certificate.meta.namespace.clone(), reference.name.clone()),
            ),
            _ => return None,
        };
        let issuer = self.issuers.get(&(kind, key.clone()));
        Some((kind, key, issuer))
    }

    /// The requests of a Certificate, newest first.
    pub fn requests_of(&self, certificate: &Certificate) -> Vec<&CertificateRequest> {
        let mut requests: Vec<_> = self
            .owned_by(Kind::CertificateRequest, &certificate.meta)
            .filter_map(|key| self.requests.get(key).map(AsRef::as_ref))
            .filter(|r| owned(&r.meta, "Certificate", &certificate.meta.name))
            .collect();
        requests.sort_by(|a, b| {
            b.meta
                .created
                .cmp(&a.meta.created)
                .then_with(|| b.meta.name.cmp(&a.meta.name))
        });
        requests
    }

    /// The newest request of a Certificate.
    pub fn newest_request_of(&self, certificate: &Certificate) -> Option<&CertificateRequest> {
        self.owned_by(Kind::CertificateRequest, &certificate.meta)
            .filter_map(|key| self.requests.get(key).map(AsRef::as_ref))
            .filter(|r| owned(&r.meta, "Certificate", &certificate.meta.name))
            .max_by(|a, b| {
                a.meta
                    .created
                    .cmp(&b.meta.created)
                    .then_with(|| a.meta.name.cmp(&b.meta.name))
            })
    }

    /// The newest order of a request.
    pub fn newest_order_of(&self, request: &CertificateRequest) -> Option<&Order> {
        self.owned_by(Kind::Order, &request.meta)
            .filter_map(|key| self.orders.get(key).map(AsRef::as_ref))
            .filter(|o| owned(&o.meta, "CertificateRequest", &request.meta.name))
            .max_by(|a, b| {
                a.meta
                    .created
                    .cmp(&b.meta.created)
                    .then_with(|| a.meta.name.cmp(&b.meta.name))
            })
    }

    /// The orders of a request, newest first.
    pub fn orders_of(&self, request: &CertificateRequest) -> Vec<&Order> {
        let mut orders: Vec<_> = self
            .owned_by(Kind::Order, &request.meta)
            .filter_map(|key| self.orders.get(key).map(AsRef::as_ref))
            .filter(|o| owned(&o.meta, "CertificateRequest", &request.meta.name))
            .collect();
        orders.sort_by(|a, b| {
            b.meta
                .created
                .cmp(&a.meta.created)
                .then_with(|| b.meta.name.cmp(&a.meta.name))
        });
        orders
    }

    /// The challenges of an order, by name.
    pub fn challenges_of(&self, order: &Order) -> Vec<&Challenge> {
        let mut challenges: Vec<_> = self
            .owned_by(Kind::Challenge, &order.meta)
            .filter_map(|key| self.challenges.get(key).map(AsRef::as_ref))
            .filter(|c| owned(&c.meta, "Order", &order.meta.name))
            .collect();
        challenges.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        challenges
    }

    /// Whether the Secret holds the key of an issuer. That of a `ClusterIssuer` may be in any namespace, because the
    /// namespace for cert-manager's cluster resources is a setting of its controller.
    pub fn is_issuers_key(&self, secret: &Key) -> bool {
        self.issuers.iter().any(|((kind, key), issuer)| {
            issuer.ca_secret.as_ref() == Some(&secret.name)
                && (*kind == Kind::ClusterIssuer || key.namespace == secret.namespace)
        })
    }

    /// Whether the containers of a Pod or workload that was read get the content of a Secret.
    pub fn is_mounted(&self, secret: &Key) -> bool {
        self.consumers_of(secret).any(|consumer| consumer.mounts(secret))
    }

    /// The Services, as far as they were read, that select Pods which mount a Secret. The labels compared are those of
    /// Pods and of the Pod templates of workloads.
    pub fn services_of_pods<'a>(&'a self, secret: &'a Key) -> impl Iterator<Item = &'a Service> {
        let pods: Vec<&[(Text, Text)]> = self
            .consumers_of(secret)
            .filter(|consumer| consumer.mounts(secret))
            .map(|consumer| consumer.meta.labels())
            .take(MANY)
            .collect();
        self.services
            .range(Key::new(secret.namespace.clone(), "")..)
            .map(|(_, service)| service)
            .take_while(move |service| service.meta.namespace == secret.namespace)
            .filter(move |service| pods.iter().any(|labels| service.selects(labels)))
            .take(MANY)
    }

    /// The Secrets that were not read, but that Pods and workloads which were read mount.
    pub fn mounted_unread(&self) -> impl Iterator<Item = &Key> {
        self.consumers_by_secret
            .keys()
            .filter(|key| self.secrets.get(key).is_none() && self.is_mounted(key))
    }

    /// The Pods, workloads and service accounts that use a Secret.
    pub fn consumers_of(&self, secret: &Key) -> impl Iterator<Item = &Consumer> {
        let ids = self.consumers_by_secret.get(secret);
        ids.into_iter().flatten().filter_map(|id| self.consumers.get(id))
    }
}

fn owned(meta: &crate::object::Meta, kind: &str, name: &str) -> bool {
    meta.owners().iter().any(|o| o.kind == kind && o.name == name)
}
