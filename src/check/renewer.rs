//! Who renews the certificate of a Secret: this program where nobody else would undo it, cert-manager, or whoever makes the
//! Secret. For the remedy: a command that is refused, or undone a minute later, is none.

use crate::{
    inventory::{Inventory, RouteKey, Stored},
    object::{Key, Kind, Meta, Owner, Text, annotation},
    x509::{Certificate, San, is_acme_issuer, names},
};

/// Who renews a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Renewer<'a> {
    /// Nothing says who.
    #[default]
    Unknown,
    /// This program: it wrote the certificate, or it came over ACME for public names and nobody owns its Secret.
    Ours,
    /// cert-manager, by the Certificate of this name in the Secret's namespace.
    CertManager(&'a Text),
    /// The object that makes the Secret.
    Owner(&'a Owner),
    /// A tool that writes the Secret again, by its name.
    Tool(&'static str),
}

/// The same, for what outlives the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // As in `Renewer`.
pub enum KeptRenewer {
    #[default]
    Unknown,
    Ours,
    CertManager(Text),
    Owner(Owner),
    Tool(&'static str),
}

impl Renewer<'_> {
    /// A copy that needs no inventory.
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
    /// As a row has it.
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

/// Who renews the certificate of `secret`, or makes it where it is missing, as far as it can be told. `route` and `host` are the
/// binding's.
///
/// What `renew` asks the whole Secret for (its field managers, what kubectl applied) is not read for a table: where those say
/// that it is somebody's, `renew` refuses with the sentence that says whose.
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
        // cert-manager's ingress-shim and gateway-shim call the Certificate as the Secret (v1.19, pkg/controller/certificate-shim/sync.go).
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
    // It makes the Certificate, and then it writes what is there now.
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

/// Whether this program wrote the certificate of a Secret, and nobody else's tool writes the Secret again.
pub fn is_claimed(stored: &Stored) -> bool {
    is_written(&stored.meta) && stored.holds_certificate() && !is_owned(stored)
}

/// Whether this program wrote a Secret.
fn is_written(meta: &Meta) -> bool {
    let by = meta.annotation(annotation::ISSUED_BY);
    by.is_some_and(|by| by.starts_with("kubectl-certs"))
}

/// Who writes a Secret, in a word or two for a list; `None` where nothing says it.
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

/// Whether the certificate is of a CA that issues over ACME, as long-lived as those are, and for public names alone. The same CAs
/// sell certificates of a year by other ways.
fn came_over_acme(leaf: &Certificate) -> bool {
    const LONGEST: i64 = 100 * 24 * 60 * 60;
    leaf.not_after.saturating_sub(leaf.not_before) <= LONGEST
        && is_acme_issuer(leaf)
        && leaf.names.iter().all(|san| match san {
            San::Dns(name) => names::is_public(name),
            San::Ip(_) => true,
        })
}

/// Who owns a Secret by its metadata.
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

/// Whether a route asks cert-manager for its certificates.
fn asks_cert_manager(inventory: &Inventory, route: &RouteKey) -> bool {
    let by = [annotation::CLUSTER_ISSUER, annotation::ISSUER];
    route.kind.route().is_some_and(|facts| facts.shimmed)
        && inventory
            .route_meta(route)
            .is_some_and(|meta| by.iter().any(|key| meta.annotation(key).is_some()))
}

/// The route that asks cert-manager for a Secret which no Certificate writes yet; `None` where cert-manager is not in the cluster: then
/// the annotation is left over.
pub fn asked_of_cert_manager<'a>(inventory: &'a Inventory, secret: &Key) -> Option<&'a RouteKey> {
    if inventory.writer_of(secret).is_some() || !inventory.may_serve(Kind::Certificate) {
        return None;
    }
    // A Secret that very many hosts share would be looked at for each of them.
    let ids = inventory.bindings_of_secret(secret).iter().take(64);
    ids.filter_map(|id| inventory.bindings().get(*id))
        .map(|binding| &binding.route)
        .find(|route| asks_cert_manager(inventory, route))
}

/// Whether anything says that the Secret is somebody's.
pub fn is_owned(stored: &Stored) -> bool {
    owned(&stored.meta).is_some()
}
