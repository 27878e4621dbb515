//! Which program or object creates a missing Secret: cert-manager, or an object among the manifests.

use crate::{
    inventory::{
        Binding, Origin,
        derive::MANY,
        gateway::{names_a_secret, terminates_tls},
    },
    object::{Ingress, Key, Kind, Meta, annotation, gateway::Listener},
};

use super::super::{finding::Maker, verdict::Subject};

/// What creates the Secret, as far as it is known.
pub(super) fn of(subject: &Subject<'_>, secret: &Key) -> Option<Maker> {
    let inventory = subject.inventory;
    if inventory.secrets_assumed {
        return Some(Maker::Assumed);
    }
    if let Some(certificate) = inventory.certificates_of(secret).next() {
        return Some(Maker::Certificate(certificate.meta.name.clone()));
    }
    if let Some(by) = inventory.made_by(secret) {
        return Some(Maker::Object(by.clone()));
    }
    let (_, binding) = subject.binding?;
    let meta = inventory.route_meta(&binding.route)?;
    let asked = |key| meta.annotation(key).is_some();
    let (issuer, cluster_issuer) = (asked(annotation::ISSUER), asked(annotation::CLUSTER_ISSUER));
    // cert-manager reads the annotation of kube-lego on Ingresses only.
    let of_ingress = binding.route.kind == Kind::Ingress;
    let ingress = of_ingress.then(|| inventory.ingress(&binding.route.key)).flatten();
    // A controller of this program that works on the Secret has the annotation to itself.
    let is_ours = inventory.doings_of(secret).iter().next().is_some();
    let lego = !is_ours && ingress.is_some() && meta.annotation(annotation::TLS_ACME) == Some("true");
    if !issuer && !cluster_issuer && !lego {
        return None;
    }
    if issuer && cluster_issuer {
        return Some(Maker::Refused(
            "both an Issuer and a ClusterIssuer are named, and only one is allowed",
        ));
    }
    let refused = match ingress {
        Some(ingress) => refused_of_ingress(ingress, binding),
        None => refused_of_listener(subject, binding, meta, secret)?,
    };
    Some(refused.map_or(Maker::Annotation, Maker::Refused))
}

/// Why cert-manager creates no certificate for a tls entry (ingress-shim: pkg/controller/certificate-shim/sync.go,
/// `validateIngressTLSBlock` and `checkForDuplicateSecretNames`; v1.21). It accepts none of the tls entries of an
/// Ingress in which two entries name the same Secret.
fn refused_of_ingress(ingress: &Ingress, binding: &Binding) -> Option<&'static str> {
    let mut names: Vec<_> = ingress
        .tls
        .iter()
        .take(MANY)
        .filter_map(|tls| tls.secret.as_ref())
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Some("two tls entries of the Ingress name the same Secret, and it then ignores both");
    }
    let Origin::Entry(position) = binding.origin else {
        return None;
    };
    let entry = ingress.tls.get(usize::from(position))?;
    entry
        .hosts
        .is_empty()
        .then_some("the tls entry lists no host, and the certificate's names come from there")
}

/// Why cert-manager creates no certificate for a listener (gateway-shim: the same file, `validateGatewayListenerBlock`
/// and `isGatewayAPIListenerIgnoredThroughAnnotation`; v1.21). `None` where cert-manager is not asked. It may still
/// accept another listener that names the same Secret.
// Returns whether cert-manager is asked, and the reason if it refuses.
#[allow(clippy::option_option)]
fn refused_of_listener(
    subject: &Subject<'_>,
    binding: &Binding,
    meta: &Meta,
    secret: &Key,
) -> Option<Option<&'static str>> {
    let inventory = subject.inventory;
    let own = inventory.listener(binding)?;
    let ignored = meta.annotation(annotation::IGNORED_LISTENERS).unwrap_or_default();
    let asked = |listener: &Listener| !ignored.split(',').any(|name| name.trim() == listener.name);
    // cert-manager checks the listeners of each object separately.
    let listeners = inventory.listeners_of(&binding.route).unwrap_or_default();
    let names = |listener: &Listener| {
        listener.certificate_refs.iter().any(|r| {
            let namespace = r.namespace.as_ref().unwrap_or(&meta.namespace);
            names_a_secret(r) && r.name == secret.name && *namespace == secret.namespace
        })
    };
    let takes = |listener: &Listener| asked(listener) && terminates_tls(listener) && refused(listener, meta).is_none();
    if listeners.iter().any(|other| names(other) && takes(other)) {
        return Some(None);
    }
    asked(own).then(|| refused(own, meta))
}

fn refused(listener: &Listener, meta: &Meta) -> Option<&'static str> {
    let elsewhere = |namespace: &crate::object::Text| *namespace != meta.namespace;
    if listener.hostname.is_none() {
        Some("the listener has no hostname, and the certificate's names come from there")
    } else if listener
        .certificate_refs
        .iter()
        .any(|r| r.namespace.as_ref().is_some_and(elsewhere))
    {
        Some("the listener names a Secret of another namespace")
    } else if !listener.certificate_refs.iter().all(names_a_secret) {
        Some("the listener names something other than a Secret")
    } else {
        None
    }
}
