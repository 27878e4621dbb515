use crate::{
    check::{
        Renewer,
        finding::{Instead, Maker, prelude::*},
        words::say::{brief, instead, owner_of_route, route, secret, secret_field},
    },
    inventory::{
        Controller,
        query::{Serving, covers, usable},
    },
};

/// A Secret that a route names and that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNotFound {
    pub secret: Key,
    pub instead: Instead,
    pub among_manifests: bool,
    pub maker: Option<Box<Maker>>,
}

impl Defect for SecretNotFound {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self {
            secret: key,
            instead: gets,
            among_manifests,
            maker,
        } = self;
        not_found(key, *gets, *among_manifests, maker.as_deref(), row)
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        match self {
            Self { secret: key, .. } if key.name.contains('/') => format!(
                "Set {} of {} to the name of a Secret in namespace {}; see the Ingress with {}.",
                secret_field(row),
                owner_of_route(row),
                brief(&key.namespace),
                commands.kubectl_route("describe", row)
            ),
            Self {
                secret: key,
                maker: Some(maker),
                among_manifests,
                ..
            } => made_remedy(key, maker, *among_manifests, row, commands),
            Self {
                secret: key,
                among_manifests: true,
                ..
            } => format!(
                "Add the Secret's manifest or that of its source (a Certificate, a SealedSecret, an ExternalSecret), or check whether \
             the cluster has it with {}.",
                commands.kubectl("get", Kind::Secret, key)
            ),
            Self {
                secret: key,
                instead: Instead::OwnUpTo36,
                ..
            } => format!(
                "Create it with {}, or remove it from spec.certificates of the TLSStore called default; {} lists them.",
                commands.create(key, &key.name),
                commands.kubectl_in("", "get tlsstores.traefik.io -A")
            ),
            Self { secret: key, .. } => missing_secret(key, row, commands),
        }
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}

/// The message about a Secret that something creates, or is asked to create.
fn made(it: &str, maker: &Maker, gets: Instead, among_manifests: bool, row: &Row<'_>) -> String {
    let made = match maker {
        Maker::Certificate(name) => format!("cert-manager for Certificate {}", brief(name)),
        Maker::Annotation => format!(
            "cert-manager, at the request of an annotation of {}",
            owner_of_route(row)
        ),
        Maker::Object(by) if by.kind == "SOPS" => "whoever decrypts its manifest, which SOPS has encrypted".to_owned(),
        Maker::Object(by) if by.name.is_empty() => {
            format!("{}, which copies it from another namespace", brief(&by.kind))
        }
        Maker::Object(by) => format!("{} {}", brief(&by.kind), brief(&by.name)),
        Maker::Assumed => {
            return format!(
                "{it}, which {} names, was not read, and --assume-secrets presumes that it exists: its content is not checked.",
                route(row)
            );
        }
        Maker::Refused(why) => {
            let there = if among_manifests {
                "is not among the manifests"
            } else {
                "does not exist"
            };
            return format!(
                "{it}, which {} names, {there}{}. {} asks cert-manager for it by annotation, but cert-manager creates none: {why}.",
                route(row),
                instead(gets, "; "),
                owner_of_route(row)
            );
        }
    };
    if among_manifests {
        format!(
            "{it}, which {} names, is created in the cluster by {made}: its content is not checked.",
            route(row)
        )
    } else {
        format!(
            "{it}, which {} names, does not exist{}. It is to be created by {made}.",
            route(row),
            instead(gets, "; ")
        )
    }
}

fn not_found(key: &Key, gets: Instead, among_manifests: bool, maker: Option<&Maker>, row: &Row<'_>) -> String {
    let it = secret(key, row);
    if key.name.contains('/') {
        return format!(
            "{} of {} is {}, which is not the name of a Secret: this controller is not known to accept a name with a \
             namespace or a location in it{}.",
            secret_field(row),
            route(row),
            brief(&key.name),
            instead(gets, "; ")
        );
    }
    if gets == Instead::OwnUpTo36 {
        let is_not = if among_manifests {
            "is not among the manifests"
        } else {
            "does not exist"
        };
        return format!(
            "{it}, which the TLSStore called default lists, {is_not}{}.",
            instead(gets, ": ")
        );
    }
    if let Some(maker) = maker {
        return made(&it, maker, gets, among_manifests, row);
    }
    if among_manifests {
        format!(
            "{it}, which {} names, is not among the manifests{}.",
            route(row),
            instead(gets, "; unless the cluster has it, ")
        )
    } else {
        format!(
            "{it}, which {} names, does not exist{}.",
            route(row),
            instead(gets, "; ")
        )
    }
}

/// The remedy for a Secret that something creates.
fn made_remedy(key: &Key, maker: &Maker, among_manifests: bool, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match maker {
        Maker::Refused(_) => format!(
            "Correct that in {}, or create a Certificate that writes {}; the events that {} shows have cert-manager's \
             explanation.",
            owner_of_route(row),
            secret(key, row),
            commands.kubectl_route("describe", row)
        ),
        Maker::Certificate(name) if !among_manifests => {
            let certificate = Key::new(key.namespace.clone(), name.clone());
            format!(
                "See why it does not exist yet with {}.",
                commands.kubectl("describe", Kind::Certificate, &certificate)
            )
        }
        Maker::Annotation if !among_manifests => format!(
            "There is no Certificate for it yet: look for the cause in the events that {} shows, and check that cert-manager runs with {}.",
            commands.kubectl_route("describe", row),
            commands.kubectl_in("", "get pods -A -l app.kubernetes.io/name=cert-manager")
        ),
        Maker::Object(by) if by.kind == "SOPS" => format!(
            "To check it, decrypt the manifest with {} and pipe the output into `-f -`.",
            commands.run("sops -d <MANIFEST>")
        ),
        _ => format!(
            "No action is needed here; in the cluster, {} checks it.",
            commands.certs("status", row)
        ),
    }
}

/// The remedy for a Secret that does not exist: who creates it, or how to create it.
fn missing_secret(key: &Key, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let field = format!("correct {} of {}", secret_field(row), owner_of_route(row));
    match row.renewer {
        Renewer::Ours => format!(
            "Order a certificate for it: {} rehearses that, and ends with the command that does it. If you already have \
             one, store it with {}, or {field}.",
            commands.renew(key, row),
            commands.create(key, &key.name)
        ),
        Renewer::CertManager(certificate) => {
            let certificate = Key::new(key.namespace.clone(), certificate.clone());
            format!(
                "cert-manager should write it for Certificate {}: see why it does not with {}, or {field}.",
                brief(&certificate.name),
                commands.kubectl("describe", Kind::Certificate, &certificate)
            )
        }
        _ => format!("Create it with {}, or {field}.", commands.create(key, &key.name)),
    }
}

impl SecretNotFound {
    /// Whether another Secret that is named for the host is served instead, where the controller is known to continue
    /// without this one.
    pub(in crate::check) fn another_is_served(subject: &Subject<'_>, lacking: &Key) -> bool {
        let nginx = subject.controller == Controller::IngressNginx && matches!(subject.serving, Serving::Named(_));
        let skips = subject.controller.picks_among_all() || nginx;
        let other = subject.stored.filter(|stored| stored.meta.key() != *lacking);
        skips && (other.zip(subject.binding)).is_some_and(|(stored, (_, b))| usable(stored) && covers(stored, &b.host))
    }
}
