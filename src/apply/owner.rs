//! The owner of a Secret or a route according to its metadata. Pure.
//!
//! A controller or a repository that writes the object again would undo a change within minutes, or would fight with
//! it.

use serde_json::Value;

use super::{adopted, mark};
use crate::object::{Text, annotation::COPIED_FROM};

/// The owner of an object, and where to change the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The kind of owner.
    pub kind: OwnerKind,
    /// The owner in words: `External Secrets (ExternalSecret shop-tls)`. Not cleared for a terminal.
    pub who: String,
    /// What to do instead, as a lowercase fragment.
    pub change: String,
}

/// A kind of owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerKind {
    /// cert-manager, with the Certificate if it is known.
    CertManager(Option<Text>),
    /// Bitnami's Sealed Secrets.
    SealedSecrets,
    /// External Secrets.
    ExternalSecrets,
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
    /// Helm.
    Helm,
    /// Terraform or `OpenTofu`.
    Terraform,
    /// A copier of Secrets, such as Reflector.
    Copy,
    /// This program's controller, which copies another Secret.
    OwnCopy,
    /// OpenShift's service CA.
    ServiceCa,
    /// The controller of an ownerReference.
    Controller,
    /// The manager that the label `app.kubernetes.io/managed-by` names.
    ManagedBy,
    /// Another field manager that owns the certificate.
    FieldManager,
    /// A manifest with the data in it, applied by kubectl.
    Applied,
}

impl std::fmt::Display for Owner {
    /// Writes `owned by WHO`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "owned by {}", self.who)
    }
}

/// The annotation in which kubectl keeps what it applied.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Field managers of tools that people run by hand. Such tools do not write an object again by themselves.
pub(crate) const HANDS: &[&str] = &[
    "kubectl",
    "oc",
    "k9s",
    "Lens",
    "Mozilla",
    "node-fetch",
    "dashboard",
    "before-first-apply",
    "freelens",
    "headlamp",
];

/// The owner of a Secret, given its whole object. `slots` are the data keys of its certificate and key.
pub fn of_secret(object: &Value, slots: [&str; 2]) -> Option<Owner> {
    let seen = Seen::new(object);
    seen.cert_manager()
        .or_else(|| seen.secret_tools())
        .or_else(|| seen.tools())
        .or_else(|| seen.controller())
        .or_else(|| seen.manager(slots))
        .or_else(|| seen.applied(slots))
        .or_else(|| seen.managed_by())
}

/// The owner of a route, given its whole object. Checked before its spec is changed.
pub fn of_route(object: &Value) -> Option<Owner> {
    let seen = Seen::new(object);
    seen.tools().or_else(|| seen.controller()).or_else(|| seen.managed_by())
}

struct Seen<'a> {
    meta: &'a Value,
    kind: &'a str,
}

impl<'a> Seen<'a> {
    fn new(object: &'a Value) -> Self {
        Self {
            meta: &object["metadata"],
            kind: object["kind"].as_str().unwrap_or("object"),
        }
    }

    fn label(&self, key: &str) -> Option<&'a str> {
        self.meta["labels"][key].as_str()
    }

    fn annotation(&self, key: &str) -> Option<&'a str> {
        self.meta["annotations"][key].as_str()
    }

    fn either(&self, key: &str) -> Option<&'a str> {
        self.label(key).or_else(|| self.annotation(key))
    }

    /// Whether any label or annotation begins with `start`.
    fn any(&self, start: &str) -> bool {
        let has = |map: &Value| {
            map.as_object()
                .is_some_and(|map| map.keys().any(|k| k.starts_with(start)))
        };
        has(&self.meta["labels"]) || has(&self.meta["annotations"])
    }

    /// The kind and name of the first ownerReference with this kind and group.
    fn reference(&self, kind: &str, group: &str) -> Option<&'a str> {
        let all = self.meta["ownerReferences"].as_array()?;
        let found = all.iter().find(|r| {
            r["kind"] == kind
                && r["apiVersion"]
                    .as_str()
                    .is_some_and(|v| v.split('/').next().is_some_and(|g| g.ends_with(group)))
        })?;
        found["name"].as_str()
    }

    fn managers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.meta["managedFields"].as_array().into_iter().flatten()
    }

    fn managed_with(&self, is: impl Fn(&str) -> bool) -> bool {
        self.managers().any(|entry| entry["manager"].as_str().is_some_and(&is))
    }

    fn cert_manager(&self) -> Option<Owner> {
        let name = self
            .reference("Certificate", "cert-manager.io")
            .or_else(|| self.annotation("cert-manager.io/certificate-name"));
        let marked = self.label("controller.cert-manager.io/fao") == Some("true");
        (name.is_some() || marked).then(|| Owner {
            kind: OwnerKind::CertManager(name.map(Into::into)),
            who: named("cert-manager", "Certificate", name),
            change: "renew it without choosing an issuer: cert-manager is asked to renew it".into(),
        })
    }

    fn secret_tools(&self) -> Option<Owner> {
        let sealed = self.reference("SealedSecret", "bitnami.com");
        if sealed.is_some() || self.annotation("sealedsecrets.bitnami.com/managed") == Some("true") {
            return Some(Owner {
                kind: OwnerKind::SealedSecrets,
                who: named("Sealed Secrets", "SealedSecret", sealed),
                change: "write the manifest to a file (renew -f FILE -o ./DIR), seal it with kubeseal and apply that"
                    .into(),
            });
        }
        let external = self.reference("ExternalSecret", "external-secrets.io");
        if external.is_some() || self.any("reconcile.external-secrets.io/") {
            return Some(Owner {
                kind: OwnerKind::ExternalSecrets,
                who: named("External Secrets", "ExternalSecret", external),
                change: "put the new pair into the store that it reads".into(),
            });
        }
        for (key, who) in [
            ("reflector.v1.k8s.emberstack.com/reflects", "Reflector"),
            ("replicator.v1.mittwald.de/replicate-from", "kubernetes-replicator"),
            (
                "replicator.v1.mittwald.de/replicated-from-version",
                "kubernetes-replicator",
            ),
            ("kubed.appscode.com/origin", "Config Syncer"),
        ] {
            if let Some(source) = self.either(key) {
                let of = crate::text::shorten(source, 200);
                return Some(Owner {
                    kind: OwnerKind::Copy,
                    who: format!("{who}, which copies {of} here"),
                    change: format!("renew the Secret that it is a copy of ({of})"),
                });
            }
        }
        if let Some(source) = self.annotation(COPIED_FROM) {
            let of = crate::text::shorten(source, 200);
            return Some(Owner {
                kind: OwnerKind::OwnCopy,
                who: format!("the controller, which copies {of} here"),
                change: format!("renew the Secret that it is a copy of ({of})"),
            });
        }
        for key in [
            "service.beta.openshift.io/originating-service-name",
            "service.alpha.openshift.io/originating-service-name",
        ] {
            if let Some(service) = self.annotation(key) {
                return Some(Owner {
                    kind: OwnerKind::ServiceCa,
                    who: named("OpenShift's service CA", "Service", Some(service)),
                    change: "give the route a Secret of its own: the service CA renews this one".into(),
                });
            }
        }
        None
    }

    fn tools(&self) -> Option<Owner> {
        let manifest = "change it in the repository that it is deployed from";
        let argo = self
            .annotation("argocd.argoproj.io/tracking-id")
            .map(|id| id.split(':').next().unwrap_or(id))
            .or_else(|| self.label("argocd.argoproj.io/instance"))
            // This is Argo CD's former default, which Helm charts use as well. It counts only if Argo CD's controller
            // has written the object.
            .or_else(|| {
                let instance = self.label("app.kubernetes.io/instance")?;
                self.managed_with(|m| m.starts_with("argocd-")).then_some(instance)
            });
        if let Some(app) = argo {
            return Some(Owner {
                kind: OwnerKind::ArgoCd,
                who: named("Argo CD", "Application", Some(app)),
                change: manifest.into(),
            });
        }
        for (key, kind) in [
            ("kustomize.toolkit.fluxcd.io/name", "Kustomization"),
            ("helm.toolkit.fluxcd.io/name", "HelmRelease"),
        ] {
            if let Some(name) = self.label(key) {
                return Some(Owner {
                    kind: OwnerKind::Flux,
                    who: named("Flux", kind, Some(name)),
                    change: manifest.into(),
                });
            }
        }
        let managed_by = self.label(mark::MANAGED_BY).unwrap_or_default();
        let release = self.annotation("meta.helm.sh/release-name");
        if release.is_some() || managed_by == "Helm" || managed_by == "Tiller" {
            return Some(Owner {
                kind: OwnerKind::Helm,
                who: named("Helm", "release", release),
                change: "change the release's values: the next upgrade writes it again".into(),
            });
        }
        let terraform = |m: &str| matches!(m, "Terraform" | "HashiCorp" | "OpenTofu");
        if managed_by.eq_ignore_ascii_case("terraform") || self.managed_with(terraform) {
            return Some(Owner {
                kind: OwnerKind::Terraform,
                who: "Terraform".into(),
                change: "change it in Terraform's configuration: the next apply writes it again".into(),
            });
        }
        None
    }

    fn controller(&self) -> Option<Owner> {
        let all = self.meta["ownerReferences"].as_array()?;
        let owner = all.iter().find(|r| r["controller"] == true)?;
        let (kind, name) = (owner["kind"].as_str()?, owner["name"].as_str()?);
        Some(Owner {
            kind: OwnerKind::Controller,
            who: format!("{kind} {name}"),
            change: format!("change the {kind} that makes it"),
        })
    }

    /// The last writer of the certificate, unless it was a tool that people run by hand, or this program. An apply
    /// means that the object will be applied again, whichever tool did it.
    fn manager(&self, slots: [&str; 2]) -> Option<Owner> {
        let holds = |entry: &Value| {
            ["f:data", "f:stringData"].iter().any(|map| {
                slots
                    .iter()
                    .any(|slot| !entry["fieldsV1"][map][format!("f:{slot}")].is_null())
            })
        };
        let entry = self.managers().filter(|entry| holds(entry)).find(|entry| {
            let manager = entry["manager"].as_str().unwrap_or_default();
            // cert-manager writes its marks with each pair: where somebody has taken them, it writes no more.
            manager != mark::MANAGER
                && !adopted::is_cert_manager(manager)
                && (entry["operation"] == "Apply" || !is_hand(manager))
        })?;
        let manager = entry["manager"].as_str().unwrap_or_default();
        let applied = entry["operation"] == "Apply";
        Some(Owner {
            kind: OwnerKind::FieldManager,
            who: format!("{manager:?}, which manages the certificate's fields"),
            change: if applied {
                "change the manifest that is applied server-side".into()
            } else {
                format!("have {manager:?} write the new pair, or stop it first")
            },
        })
    }

    fn applied(&self, slots: [&str; 2]) -> Option<Owner> {
        let applied: Value = serde_json::from_str(self.annotation(LAST_APPLIED)?).ok()?;
        let holds = |map: &str| {
            slots
                .iter()
                .any(|slot| applied[map][slot].as_str().is_some_and(|v| !v.is_empty()))
        };
        (holds("data") || holds("stringData")).then(|| Owner {
            kind: OwnerKind::Applied,
            who: "a manifest that holds the pair, applied with kubectl".into(),
            change: "change the manifest: the next kubectl apply puts the old pair back".into(),
        })
    }

    fn managed_by(&self) -> Option<Owner> {
        let who = self.label(mark::MANAGED_BY)?;
        (who != mark::MANAGER).then(|| Owner {
            kind: OwnerKind::ManagedBy,
            who: format!("{who:?}, as the label {} says", mark::MANAGED_BY),
            change: format!("change the {} in the source that {who:?} reads", self.kind),
        })
    }
}

/// Whether a manager is a command of kubectl or another tool that people run by hand.
fn is_hand(manager: &str) -> bool {
    manager.is_empty() || manager.starts_with("kubectl-") || HANDS.contains(&manager)
}

fn named(who: &str, kind: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{who} ({kind} {name})"),
        None => who.to_owned(),
    }
}

#[cfg(test)]
mod tests;
