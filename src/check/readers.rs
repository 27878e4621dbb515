//! Readers: which programs stand behind a controller, and what they, and the clients, do not take of a bundle.

use std::borrow::Cow;

use crate::{
    check::finding,
    inventory::{Controller, Stored},
    object::Key,
    x509::{
        Objection, Readers, Trust,
        readers::{About, Part},
        trust::Clients,
    },
};

use super::{finding::Fact, reason::Severity, verdict::Collector};

/// How many kinds of clients have to refuse a certificate for it to be critical: of Go, OpenSSL, browsers and Java.
const MOST: usize = 3;

/// The programs by which a certificate comes to clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audience {
    readers: Readers,
    /// Each of them has to read it. Where the controller is not known, one of them does, and which is not known either.
    each: bool,
}

/// What a controller checks and loads a Secret with; `None` where that is not known.
pub fn readers_of(controller: Controller) -> Option<Readers> {
    let audience = Audience::of(controller);
    audience.each.then_some(audience.readers)
}

impl Audience {
    /// What a controller checks and loads a Secret with.
    ///
    /// - ingress-nginx 1.15: `internal/net/ssl/ssl.go` (`CreateSSLCert`), then `lua/certificate.lua`, which gets certificate and
    ///   key in one text.
    /// - F5's controller: `internal/k8s/secrets/validation.go` (`ValidateTLSSecret`), then nginx, with both in one file.
    /// - Kong's controller: `tls.X509KeyPair` in its translator, then OpenSSL in the gateway. Likewise `HAProxy` Ingress.
    /// - Contour: `internal/dag/secret.go`, then Envoy. Istio and Cilium hand over to Envoy what is there.
    pub(super) fn of(controller: Controller) -> Self {
        let readers = match controller {
            Controller::IngressNginx => Readers::INGRESS_NGINX
                .with(Readers::GO)
                .with(Readers::OPENSSL)
                .with(Readers::ONE_FILE),
            Controller::F5Nginx => Readers::GO.with(Readers::OPENSSL).with(Readers::ONE_FILE),
            Controller::Kong | Controller::HaProxyIngress => Readers::GO.with(Readers::OPENSSL),
            Controller::Traefik => Readers::GO,
            Controller::HaProxy => Readers::OPENSSL.with(Readers::HAPROXY),
            Controller::Apisix => Readers::OPENSSL,
            Controller::Contour => Readers::CONTOUR.with(Readers::GO).with(Readers::BORINGSSL),
            Controller::Istio | Controller::Cilium => Readers::BORINGSSL,
            _ => return Self::unknown(),
        };
        Self { readers, each: true }
    }

    /// Any of the usual ones.
    pub(super) fn unknown() -> Self {
        Self {
            readers: Readers::LIBRARIES,
            each: false,
        }
    }

    /// How severe it is that some refuse: what `worst` is where the certificate cannot be served, a warning where that
    /// depends on the program.
    fn severity(self, objections: &[Objection], worst: Severity) -> Severity {
        let refused = objections.iter().fold(Readers::NONE, |all, o| all.with(o.refuse));
        if self.each || refused.contains(self.readers) {
            worst
        } else {
            worst.min(Severity::Warning)
        }
    }
}

/// Blocks of `tls.crt` and a key that the audience does not read.
pub(super) fn judge_form(stored: &Stored, audience: Audience, worst: Severity, collector: &mut Collector) {
    let bundle = &stored.bundle;
    let secret = || stored.meta.key();
    for (position, why) in &bundle.unreadable {
        let here = |o: &&Objection| matches!(o.part, Part::Block(at, _) if at == *position);
        let refuses = |o: &&Objection| !o.refuse.and(audience.readers).is_empty();
        let told = || bundle.objections.iter().filter(here);
        let Some(objection) = told().find(refuses).or_else(|| told().next()) else {
            // Beyond what is read here.
            collector.add_at(worst, unreadable(secret(), *position, Readers::NONE, false, why));
            continue;
        };
        block(stored, objection, *position, audience, worst, collector);
    }
    for objection in &bundle.objections {
        match objection.part {
            Part::Block(position, Some(_)) if objection.about == About::Form => {
                block(stored, objection, position, audience, worst, collector);
            }
            Part::Block(position, None) if !bundle.unreadable.iter().any(|(at, _)| *at == position) => {
                refused(stored, objection, position, audience, worst, collector);
            }
            Part::Key => {
                let by = objection.refuse.and(audience.readers);
                if !by.is_empty() {
                    let fact = Fact::InvalidKey(finding::InvalidKey {
                        secret: secret(),
                        by: or_nobody(by, objection),
                        why: objection.why.to_string(),
                    });
                    collector.add_at(audience.severity(&bundle.objections, worst), fact);
                }
            }
            Part::Block(..) => {}
        }
    }
}

/// One block that is refused or passed over by somebody.
fn block(
    stored: &Stored,
    objection: &Objection,
    position: usize,
    audience: Audience,
    worst: Severity,
    collector: &mut Collector,
) {
    if refused(stored, objection, position, audience, worst, collector) {
        return;
    }
    let by = objection.skip.and(audience.readers);
    if by.is_empty() {
        return;
    }
    // A certificate of the chain that is passed over is missing for clients.
    let Part::Block(_, place) = objection.part else { return };
    let needed = match (&stored.bundle.trust, place) {
        (
            Trust::Trusted {
                path,
                by_equality: false,
                ..
            },
            Some(place),
        ) => path.contains(&place),
        _ => false,
    };
    let severity = if needed && (audience.each || by == audience.readers) {
        worst
    } else {
        worst.min(Severity::Warning)
    };
    let fact = unreadable(stored.meta.key(), position, by, true, &objection.why);
    collector.add_at(severity, fact);
}

/// A block because of which all is refused by the audience; whether it is.
fn refused(
    stored: &Stored,
    objection: &Objection,
    position: usize,
    audience: Audience,
    worst: Severity,
    collector: &mut Collector,
) -> bool {
    let by = objection.refuse.and(audience.readers);
    if by.is_empty() {
        return false;
    }
    let by = or_nobody(by, objection);
    let fact = unreadable(stored.meta.key(), position, by, false, &objection.why);
    collector.add_at(audience.severity(&stored.bundle.objections, worst), fact);
    true
}

/// None, where nobody reads it: then no names help.
fn or_nobody(by: Readers, objection: &Objection) -> Readers {
    if objection.refuse.contains(Readers::LIBRARIES) {
        Readers::NONE
    } else {
        by
    }
}

fn unreadable(secret: Key, position: usize, by: Readers, skipped: bool, why: &str) -> Fact {
    Fact::InvalidCertificate(finding::InvalidCertificate {
        secret,
        position,
        by,
        skipped,
        why: why.to_owned(),
    })
}

/// What the server loads and clients refuse: some of them as a warning, most of them as critical.
pub(super) fn judge_clients(stored: &Stored, audience: Audience, collector: &mut Collector) {
    for objection in &stored.bundle.objections {
        let by = objection.refuse.and(Readers::CLIENTS);
        let is_certificate = matches!(objection.part, Part::Block(_, Some(_)));
        // What keeps the server from loading it is told as that.
        let told = objection.about == About::Told || !objection.refuse.and(audience.readers).is_empty();
        let trusted = matches!(stored.bundle.trust, Trust::Trusted { by_equality: false, .. });
        let told = told || objection.about == About::Path && !trusted;
        if by.is_empty() || !is_certificate || told {
            continue;
        }
        let most = by.kinds_of_clients() >= MOST;
        let severity = if most { Severity::Critical } else { Severity::Warning };
        let fact = if most && objection.about == About::Usage {
            Fact::ConstraintViolated(finding::ConstraintViolated {
                by: Clients::All,
                why: objection.why.to_string(),
            })
        } else {
            Fact::RefusedByClients(finding::RefusedByClients {
                by,
                why: Cow::clone(&objection.why),
            })
        };
        collector.add_at(severity, fact);
    }
}
