//! Readers: which programs load a bundle for a controller, and which parts of the bundle those programs or the clients
//! refuse.

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

/// How many kinds of clients (Go, OpenSSL, browsers, Java) have to refuse a certificate before that is critical.
const MOST: usize = 3;

/// The programs that read a certificate before it reaches clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audience {
    readers: Readers,
    /// Whether every one of them has to read it. False where the controller is not known: then an unknown one of them
    /// reads it.
    each: bool,
}

/// The programs with which a controller checks and loads a Secret; `None` where they are not known.
pub fn readers_of(controller: Controller) -> Option<Readers> {
    let audience = Audience::of(controller);
    audience.each.then_some(audience.readers)
}

impl Audience {
    /// The programs with which a controller checks and loads a Secret.
    ///
    /// - ingress-nginx 1.15: `internal/net/ssl/ssl.go` (`CreateSSLCert`), then `lua/certificate.lua`, which receives
    ///   the certificate and the key in one text.
    /// - F5's controller: `internal/k8s/secrets/validation.go` (`ValidateTLSSecret`), then nginx, with both in one
    ///   file.
    /// - Kong's controller: `tls.X509KeyPair` in its translator, then OpenSSL in the gateway. Likewise `HAProxy`
    ///   Ingress.
    /// - Contour: `internal/dag/secret.go`, then Envoy. Istio and Cilium pass the contents on to Envoy as they are.
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

    /// The audience of an unknown controller: one of the usual programs.
    pub(super) fn unknown() -> Self {
        Self {
            readers: Readers::LIBRARIES,
            each: false,
        }
    }

    /// How severe it is that some programs refuse the bundle: `worst` where the certificate cannot be served, a warning
    /// where that depends on the program.
    fn severity(self, objections: &[Objection], worst: Severity) -> Severity {
        let refused = objections.iter().fold(Readers::NONE, |all, o| all.with(o.refuse));
        if self.each || refused.contains(self.readers) {
            worst
        } else {
            worst.min(Severity::Warning)
        }
    }
}

/// Judges blocks of `tls.crt` and a key that the audience cannot read.
pub(super) fn judge_form(stored: &Stored, audience: Audience, worst: Severity, collector: &mut Collector) {
    let bundle = &stored.bundle;
    let secret = || stored.meta.key();
    for (position, why) in &bundle.unreadable {
        let here = |o: &&Objection| matches!(o.part, Part::Block(at, _) if at == *position);
        let refuses = |o: &&Objection| !o.refuse.and(audience.readers).is_empty();
        let told = || bundle.objections.iter().filter(here);
        let Some(objection) = told().find(refuses).or_else(|| told().next()) else {
            // The block exceeds what this program reads.
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

/// Judges one block that some program refuses or skips.
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
    // A certificate of the chain that the server skips never reaches the clients.
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

/// Judges a block because of which the audience refuses the whole bundle. Returns whether it does.
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

/// The programs that refuse it, or none where every program does, because then naming them does not help.
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

/// Judges certificates that the server loads and clients refuse: a warning if some clients refuse, critical if most do.
pub(super) fn judge_clients(stored: &Stored, audience: Audience, collector: &mut Collector) {
    for objection in &stored.bundle.objections {
        let by = objection.refuse.and(Readers::CLIENTS);
        let is_certificate = matches!(objection.part, Part::Block(_, Some(_)));
        // If the server itself cannot load the certificate, another finding reports that.
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
