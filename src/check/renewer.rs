//! Who renews the certificate of a Secret: this program where nobody else would undo it, cert-manager, or the owner
//! that creates the Secret. A remedy needs this, because a command that is refused or undone a minute later does not
//! help.

use crate::{
    inventory::{Inventory, RouteKey, Stored},
    object::{Key, Kind, Meta, Owner, Text, annotation},
    x509::{Certificate, San, is_acme_issuer, names},
};

/// Who renews a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Renewer<'a> {
    /// Nothing says who renews it.
    #[default]
    Unknown,
    /// This program, because it wrote the certificate, or because the certificate was issued over ACME for public names
    /// and nobody owns its Secret.
    Ours,
    /// cert-manager, by the Certificate of this name in the Secret's namespace.
    CertManager(&'a Text),
    /// The object that creates the Secret.
    Owner(&'a Owner),
    /// The tool of this name, which writes the Secret again.
    Tool(&'static str),
}

/// A [`Renewer`] that owns its data and so can outlive the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The variants are documented in `Renewer`.
pub enum KeptRenewer {
    #[default]
    Unknown,
    Ours,
    CertManager(Text),
    Owner(Owner),
    Tool(&'static str),
}

impl Renewer<'_> {
    /// Copies the data that is borrowed from the inventory.
    pub fn kept(self) -> KeptRenewer {
        match self {
            Self::Unknown => KeptRenewer::Unknown,
            Self::Ours => KeptRenewer::Ours,
            Self::CertManager(name) => KeptRenewer::CertManager(name.clone()),
            Self::Owner(owner) => KeptRenewer::Owner(owner.clone()),
            Self::Tool(name) => KeptRenewer::Tool(name),
        }
    }
}

impl KeptRenewer {
    /// Borrows the value as a [`Renewer`], which is what a row holds.
    pub fn as_renewer(&self) -> Renewer<'_> {
        match self {
            Self::Unknown => Renewer::Unknown,
            Self::Ours => Renewer::Ours,
            Self::CertManager(name) => Renewer::CertManager(name),
            Self::Owner(owner) => Renewer::Owner(owner),
            Self::Tool(name) => Renewer::Tool(name),
        }
    }
}

/// Who renews the certificate of `secret`, or creates it where it is missing, as far as that is known. `route` and
/// `host` are those of the binding.
///
/// A table does not read everything that `renew` reads of a Secret (its field managers, the configuration that kubectl
/// applied). Where those show that somebody else owns the Secret, `renew` refuses and names the owner.
pub fn renewer<'a>(
    inventory: &'a Inventory,
    secret: &'a Key,
    route: Option<&RouteKey>,
    host: Option<&str>,
) -> Renewer<'a> {
    if let Some(certificate) = inventory.writer_of(secret) {
        return Renewer::CertManager(certificate);
    }
    let host_is_public = host.is_none_or(names::is_public);
    let Some(stored) = inventory.secrets().get(secret) else {
        // cert-manager's ingress-shim and gateway-shim name the Certificate like the Secret (v1.19,
        // pkg/controller/certificate-shim/sync.go).
        return if route.is_some_and(|route| asks_cert_manager(inventory, route)) {
            Renewer::CertManager(&secret.name)
        } else if host.is_some() && host_is_public && !inventory.from_manifests && inventory.is_absent(secret) {
            Renewer::Ours
        } else {
            Renewer::Unknown
        };
    };
    if let Some(owned) = owned(&stored.meta) {
        return owned;
    }
    // cert-manager creates the Certificate and then overwrites the present contents of the Secret.
    if asked_of_cert_manager(inventory, secret).is_some() {
        return Renewer::CertManager(&secret.name);
    }
    let over_acme = || host_is_public && stored.leaf().is_some_and(came_over_acme);
    if is_written(&stored.meta) || over_acme() {
        Renewer::Ours
    } else {
        Renewer::Unknown
    }
}

/// Whether this program wrote the certificate of a Secret and no other tool writes the Secret again.
pub fn is_claimed(stored: &Stored) -> bool {
    is_written(&stored.meta) && stored.holds_certificate() && !is_owned(stored)
}

/// Whether this program wrote a Secret.
fn is_written(meta: &Meta) -> bool {
    let by = meta.annotation(annotation::ISSUED_BY);
    by.is_some_and(|by| by.starts_with("kubectl-certs"))
}

/// The writer of a Secret in a word or two, for a list; `None` where it is not known.
pub fn owner(inventory: &Inventory, secret: &Key) -> Option<String> {
    match renewer(inventory, secret, None, None) {
        Renewer::CertManager(_) => {
            let Some(certificate) = inventory.certificates_of(secret).next() else {
                return Some("cert-manager".to_owned());
            };
            let issuer = &certificate.issuer;
            let kind = if issuer.kind.is_empty() {
                "Issuer"
            } else {
                issuer.kind.as_str()
            };
            Some(format!("cert-manager ({kind} {})", issuer.name))
        }
        Renewer::Owner(owner) => Some(owner.kind.to_string()),
        Renewer::Tool(name) => Some(name.to_owned()),
        Renewer::Ours | Renewer::Unknown => {
            let stored = inventory.secrets().get(secret)?;
            is_written(&stored.meta).then(|| "kubectl certs".to_owned())
        }
    }
}

/// Whether the certificate comes from a CA that issues over ACME, has a lifetime that is usual there, and is for public
/// names only. The lifetime matters because the same CAs sell certificates of a year in other ways.
fn came_over_acme(leaf: &Certificate) -> bool {
    const LONGEST: i64 = 100 * 24 * 60 * 60;
    leaf.not_after.saturating_sub(leaf.not_before) <= LONGEST
        && is_acme_issuer(leaf)
        && leaf.names.iter().all(|san| match san {
            San::Dns(name) => names::is_public(name),
            San::Ip(_) => true,
        })
}

/// The owner of a Secret according to its metadata.
fn owned(meta: &Meta) -> Option<Renewer<'_>> {
    if let Some(owner) = meta.owners().first() {
        return Some(match owner.kind.as_str() {
            "Certificate" => Renewer::CertManager(&owner.name),
            _ => Renewer::Owner(owner),
        });
    }
    annotation::TOOLS
        .iter()
        .find(|(key, _)| meta.annotation(key).is_some() || meta.label(key).is_some())
        .map(|(_, tool)| Renewer::Tool(tool))
        .or_else(|| match meta.label(annotation::MANAGED_BY)? {
            "Helm" => Some(Renewer::Tool("Helm")),
            by if by.eq_ignore_ascii_case("terraform") => Some(Renewer::Tool("Terraform")),
            _ => None,
        })
}

/// Whether a route asks cert-manager for its certificates by annotation.
fn asks_cert_manager(inventory: &Inventory, route: &RouteKey) -> bool {
    let by = [annotation::CLUSTER_ISSUER, annotation::ISSUER];
    route.kind.route().is_some_and(|facts| facts.shimmed)
        && inventory
            .route_meta(route)
            .is_some_and(|meta| by.iter().any(|key| meta.annotation(key).is_some()))
}

/// The route that asks cert-manager for a Secret which no Certificate writes yet. `None` where cert-manager is not
/// installed in the cluster: the annotation is a leftover there.
pub fn asked_of_cert_manager<'a>(inventory: &'a Inventory, secret: &Key) -> Option<&'a RouteKey> {
    if inventory.writer_of(secret).is_some() || !inventory.may_serve(Kind::Certificate) {
        return None;
    }
    // The limit avoids quadratic time: a Secret that very many hosts share would otherwise be examined for each of
    // them.
    let ids = inventory.bindings_of_secret(secret).iter().take(64);
    ids.filter_map(|id| inventory.bindings().get(*id))
        .map(|binding| &binding.route)
        .find(|route| asks_cert_manager(inventory, route))
}

/// Whether anything shows that somebody owns the Secret.
pub fn is_owned(stored: &Stored) -> bool {
    owned(&stored.meta).is_some()
}
