//! What a route refers to, and whether it is there.

use super::{
    commands::{Commands, in_namespace},
    say::{brief, host, instead, object, objects, owner_of_route, route, secret, secret_field},
};
use crate::{
    check::{Controller, Fact, Instead, Keeper, Maker, Renewer, Rivalry},
    object::{Forbidden, Key, Kind, Seconds},
    report::row::Row,
    text::{date, quote},
};

// One arm a reason: a list, and no course of things.
#[allow(clippy::too_many_lines)]
pub(super) fn message(fact: &Fact, row: &Row<'_>, _now: Seconds) -> String {
    match fact {
        Fact::SecretNotFound {
            secret: key,
            instead: gets,
            among_manifests,
            maker,
        } => not_found(key, *gets, *among_manifests, maker.as_deref(), row),
        Fact::SecretNameEmpty {
            unused: Some(unused),
            instead: gets,
        } => format!(
            "The first tls entry of {} that lists {} names no Secret, and that entry takes effect: {}, and {} of another entry is \
             not served.",
            route(row),
            host(row),
            instead(*gets, ""),
            secret(unused, row)
        ),
        Fact::SecretNameEmpty { instead: gets, .. } => format!(
            "A tls entry of {} for {} names no Secret: {}.",
            route(row),
            host(row),
            match gets {
                Instead::Unknown => "which certificate clients get is up to the controller".to_owned(),
                known => instead(*known, ""),
            }
        ),
        Fact::Forbidden(forbidden) => forbidden_message(forbidden),
        Fact::WrongSecretType {
            secret: key,
            found,
            usable,
        } => format!(
            "{} has the type {}, not kubernetes.io/tls{}.",
            secret(key, row),
            if found.is_empty() {
                "Opaque".into()
            } else {
                brief(found)
            },
            if *usable {
                ": it holds tls.crt and tls.key, which some controllers use and others ignore"
            } else {
                ", and lacks the pair of tls.crt and tls.key: no certificate can be served from it"
            }
        ),
        Fact::MissingData {
            secret: key,
            data_key,
            empty,
            by_version,
        } => {
            let it = secret(key, row);
            let so = if *by_version {
                let differs = instead(Instead::OwnUpTo36, ": ");
                format!("its certificate cannot be served. The TLSStore called default lists it{differs}")
            } else {
                "its certificate cannot be served".to_owned()
            };
            if *empty {
                format!("{data_key} of {it} is empty: {so}.")
            } else {
                format!("{it} has no {data_key}: {so}.")
            }
        }
        Fact::RuleHostWithoutTls { host, asked_for_acme } => format!(
            "{} is in a rule of {} but in none of its tls entries{}: it has no certificate of its own.",
            brief(host),
            route(row),
            if *asked_for_acme {
                ", although an annotation asks for a certificate"
            } else {
                ""
            }
        ),
        Fact::TlsHostWithoutRule {
            host,
            taken_by: None,
            instead: gets,
            assumed,
        } => format!(
            "{} is in a tls entry of {} but in none of its rules: the certificate exists, but no request for the host is \
             routed{}{}.",
            brief(host),
            route(row),
            instead(*gets, "; "),
            as_served(*assumed, *gets != Instead::Unknown)
        ),
        Fact::TlsHostWithoutRule {
            host,
            taken_by: Some(rule),
            instead: gets,
            assumed,
        } => format!(
            "{} is in a tls entry of {} but has no rule of its own; {} takes its requests, and only the rules' hosts choose \
             the certificate{}{}.",
            brief(host),
            route(row),
            if rule == "*" {
                "a rule without a host".to_owned()
            } else {
                format!("the rule for {}", brief(rule))
            },
            instead(*gets, ": "),
            as_served(*assumed, true)
        ),
        Fact::RuleWithoutHost {
            secret: key,
            instead: Instead::Unknown,
            ..
        } => format!(
            "A rule of {} has no host: clients that ask for a name which {} covers get its certificate, and all others the \
             controller's default one.",
            route(row),
            secret(key, row)
        ),
        Fact::RuleWithoutHost {
            secret: key,
            instead: gets,
            assumed,
        } => format!(
            "A rule of {} has no host: {} there, and never {}{}.",
            route(row),
            instead(*gets, ""),
            secret(key, row),
            as_served(*assumed, true)
        ),
        Fact::DefaultBackendOnly => format!(
            "{} has tls entries and no rule, only a default backend: most controllers ignore its tls entries.",
            route(row)
        ),
        Fact::IngressClassNotFound { class, kind } if class.is_empty() => format!(
            "{} names no class and no {} is the default: no controller is responsible for it.",
            route(row),
            kind.as_str()
        ),
        Fact::IngressClassNotFound { class, kind } => format!(
            "{} names the class {}, and there is no {} of that name: no controller is responsible for it.",
            owner_of_route(row),
            brief(class),
            kind.as_str()
        ),
        Fact::DuplicateHost { others, winner } => format!(
            "{} is also served by {} with another Secret: {}.",
            host(row),
            objects(others, row),
            match winner {
                Some(winner) => format!("clients get the certificate of {}", object(winner, row)),
                None => "which certificate clients get is the controller's choice".to_owned(),
            }
        ),
        Fact::OrphanSecret { secret: key } => format!(
            "No route, Pod, workload, ServiceAccount or Certificate that was read uses {}{}.",
            secret(key, row),
            row.certificate.map_or_else(String::new, |c| format!(
                ", whose certificate expires on {}",
                date(c.not_after)
            ))
        ),
        Fact::CertificateElsewhere { by } => format!(
            "{} gets the certificate for {} from {}, not from a Secret: it is not checked here.",
            route(row),
            host(row),
            keeper(*by)
        ),
        Fact::AmbiguousCertificate {
            latest,
            other,
            why,
            expired,
        } => ambiguous(latest, other, *why, *expired, row),
        Fact::DefaultStoreConflict {
            stores,
            keeps: Some(key),
        } => format!(
            "{} is listed by {}, which is not called default: Traefik keeps its certificate for that store, which nothing \
             uses, and does not serve it for {}.",
            secret(key, row),
            objects(stores, row),
            host(row)
        ),
        Fact::DefaultStoreConflict { stores, keeps: None } => format!(
            "{} relies on Traefik's default certificate, and several TLSStores are called default ({}): Traefik uses the \
             default certificate of none of them, and clients get one that it generated itself.",
            host(row),
            objects(stores, row)
        ),
        other => gateway_message(other, row),
    }
}

fn keeper(by: Keeper) -> &'static str {
    match by {
        Keeper::GoogleCertificateManager => "Google's Certificate Manager",
        Keeper::Google => "Google's load balancer",
        Keeper::Aws => "AWS Certificate Manager",
        Keeper::Options => "its implementation, by the listener's TLS options",
        Keeper::Resolver => "a certificate resolver of Traefik",
        Keeper::Backend => "its backend, to which TLS is passed through",
        Keeper::Controller => "its controller",
    }
}

/// Which of two certificates Traefik shows.
fn ambiguous(latest: &Key, other: &Key, why: Rivalry, expired: bool, row: &Row<'_>) -> String {
    let (one, two) = (secret(latest, row), secret(other, row));
    let after = if expired { ", which has expired" } else { "" };
    let both = format!(
        "The certificates of {one} and of {two}{after} are both for {}",
        host(row)
    );
    match why {
        Rivalry::Chance => format!(
            "{both} and have the same names: which one clients get changes by chance, because Traefik reads them from \
             different kinds of routes in no fixed order."
        ),
        Rivalry::Earlier => {
            format!("{both}: Traefik serves the first since 3.6.22 and 3.7.6, and the second in earlier versions.")
        }
        Rivalry::EarlierByChance => format!(
            "{both}: Traefik serves the first since 3.6.22 and 3.7.6; in earlier versions it changes by chance at each reload."
        ),
    }
}

/// The reasons of the Gateway API.
fn gateway_message(fact: &Fact, row: &Row<'_>) -> String {
    match fact {
        Fact::InvalidCertificateRef { group, kind, name, why } => {
            let dot = if group.is_empty() { "" } else { "." };
            format!(
                "The certificateRef {}{dot}{}/{} of {} cannot be used ({why}): the listener has no certificate from it.",
                brief(kind),
                brief(group),
                brief(name),
                route(row)
            )
        }
        Fact::RefNotPermitted {
            secret: key,
            from,
            from_namespace,
        } => format!(
            "No ReferenceGrant in namespace {} permits a {} of namespace {} to use Secret {}: {} has no certificate from \
             it.",
            brief(&key.namespace),
            from.as_str(),
            brief(from_namespace),
            brief(&key.name),
            route(row)
        ),
        Fact::HostnameConflict {
            listener,
            other,
            other_listener,
        } => format!(
            "Listener {} has the port and the hostname of listener {} of {}: at most one of the two is served.",
            brief(listener),
            brief(other_listener),
            object(other, row)
        ),
        Fact::NoMatchingListenerHostname {
            route: from,
            hostname,
            others: true,
        } => format!(
            "No listener of {} accepts the host {} of {}: it is not served there, unlike the other hosts of that route.",
            route(row),
            brief(hostname),
            object(from, row)
        ),
        Fact::NoMatchingListenerHostname {
            route: from, hostname, ..
        } => format!(
            "No listener of {} accepts the host {} of {}, nor any other host of it: the route is not accepted there.",
            route(row),
            brief(hostname),
            object(from, row)
        ),
        Fact::OverlappingCertificates { other, other_listener } => format!(
            "The certificate of {} also covers hosts of listener {} of {}: a client that reuses its HTTP/2 connection \
             reaches the wrong listener or is answered 421.",
            route(row),
            brief(other_listener),
            object(other, row)
        ),
        _ => fact.reason().to_string(),
    }
}

/// `, as ingress-nginx serves it`, where nothing but the name of the class says which controller it is.
fn as_served(assumed: Option<Controller>, wanted: bool) -> String {
    let assumed = assumed.filter(|_| wanted);
    assumed.map_or_else(String::new, |controller| format!(", as {controller} serves it"))
}

/// A Secret that something makes, or is asked to make.
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

/// What could not be read, by its name or by its plural.
fn forbidden_message(f: &Forbidden) -> String {
    let what = f.name.as_ref().map_or_else(
        || f.kind.plural().to_owned(),
        |name| format!("{} {}", f.kind.as_str(), brief(name)),
    );
    let place = match &f.namespace {
        Some(namespace) => format!("in namespace {}", brief(namespace)),
        None if f.kind.namespaced() => "in all namespaces".to_owned(),
        None => "in the cluster".to_owned(),
    };
    format!(
        "The right to {} {what} {place} is missing, so the state is unknown.",
        f.verb
    )
}

/// How the right is checked and granted.
fn forbidden_remedy(f: &Forbidden, commands: &mut Commands<'_>) -> String {
    let group = f.kind.group();
    let plural = f.kind.plural();
    let resource = if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    };
    let target = f
        .name
        .as_ref()
        .map_or_else(|| resource.clone(), |name| format!("{resource}/{name}"));
    let place = match &f.namespace {
        Some(namespace) => in_namespace(namespace),
        None if f.kind.namespaced() => " -A".to_owned(),
        None => String::new(),
    };
    let (role, names) = (
        if f.namespace.is_some() { "Role" } else { "ClusterRole" },
        f.name
            .as_ref()
            .map_or_else(String::new, |name| format!(", resourceNames: [\"{}\"]", brief(name))),
    );
    format!(
        "Have the rule `{{apiGroups: [\"{group}\"], resources: [\"{plural}\"]{names}, verbs: [\"{}\"]}}` added to a \
         {role} that you are bound to, and check it with {}.",
        f.verb,
        commands.kubectl_in("", &format!("auth can-i {} {}{place}", f.verb, quote(&target)))
    )
}

// As above.
#[allow(clippy::too_many_lines)]
pub(super) fn remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::SecretNotFound { secret: key, .. } if key.name.contains('/') => format!(
            "Set {} of {} to the name of a Secret in namespace {}; see the Ingress with {}.",
            secret_field(row),
            owner_of_route(row),
            brief(&key.namespace),
            commands.kubectl_route("describe", row)
        ),
        Fact::SecretNotFound {
            secret: key,
            maker: Some(maker),
            among_manifests,
            ..
        } => made_remedy(key, maker, *among_manifests, row, commands),
        Fact::SecretNotFound {
            secret: key,
            among_manifests: true,
            ..
        } => format!(
            "Add the Secret's manifest or that of its source (a Certificate, a SealedSecret, an ExternalSecret), or check whether \
             the cluster has it with {}.",
            commands.kubectl("get", Kind::Secret, key)
        ),
        Fact::SecretNameEmpty {
            unused: Some(unused), ..
        } => format!(
            "Set secretName: {} in the tls entry of {} that lists {}; {} shows the certificate that clients get.",
            brief(&unused.name),
            owner_of_route(row),
            host(row),
            commands.certs("probe", row)
        ),
        Fact::SecretNotFound {
            secret: key,
            instead: Instead::OwnUpTo36,
            ..
        } => format!(
            "Create it with {}, or remove it from spec.certificates of the TLSStore called default; {} lists them.",
            commands.create(key, &key.name),
            commands.kubectl_in("", "get tlsstores.traefik.io -A")
        ),
        Fact::SecretNotFound { secret: key, .. } => missing_secret(key, row, commands),
        Fact::SecretNameEmpty { .. } => format!(
            "Name a Secret in that tls entry, unless the controller's default certificate is intended for {}; {} \
             shows the certificate that clients get.",
            host(row),
            commands.certs("probe", row)
        ),
        Fact::Forbidden(forbidden) => forbidden_remedy(forbidden, commands),
        Fact::WrongSecretType { secret: key, .. } => format!(
            "A Secret's type cannot be changed: create another one with {} and name it in {} of {}.",
            commands.create(key, &format!("{}-2", key.name)),
            secret_field(row),
            owner_of_route(row)
        ),
        Fact::MissingData { secret: key, .. } => format!(
            "Store certificate and key together: {}. If something else fills the Secret, find out who with {}.",
            commands.store(key),
            commands.kubectl("describe", Kind::Secret, key)
        ),
        Fact::RuleHostWithoutTls { host, asked_for_acme } => format!(
            "Add {} to the hosts of a tls entry of {} whose Secret covers it{}; see the entries with {}.",
            brief(host),
            owner_of_route(row),
            if *asked_for_acme {
                ", because certificates are requested per tls entry"
            } else {
                ", or leave it as it is if plain HTTP or the default certificate is intended"
            },
            commands.kubectl_route("describe", row)
        ),
        Fact::TlsHostWithoutRule {
            host,
            taken_by: Some(_),
            ..
        } if host.parse::<std::net::IpAddr>().is_ok() => format!(
            "Clients that connect by an address send no server name, and no rule can have an address as its host: make the Secret the \
             controller's default one with `--default-ssl-certificate`, or let clients use a name; see the Ingress with {}.",
            commands.kubectl_route("describe", row)
        ),
        Fact::TlsHostWithoutRule {
            host,
            taken_by: Some(_),
            ..
        } => format!(
            "Add a rule with `host: {}` to spec.rules of {}, with the paths of the existing one, or make the Secret the \
             controller's default one with `--default-ssl-certificate`; see the Ingress with {}.",
            brief(host),
            owner_of_route(row),
            commands.kubectl_route("describe", row)
        ),
        Fact::RuleWithoutHost {
            instead: Instead::Unknown,
            ..
        } => format!(
            "Set spec.rules[].host of {} to each name that the certificate is for, or name its Secret as the default certificate of \
             the TLSStore called default; see the Ingress with {}.",
            owner_of_route(row),
            commands.kubectl_route("describe", row)
        ),
        Fact::RuleWithoutHost { secret: key, .. } => format!(
            "Set spec.rules[].host of {} to each name that the certificate is for, or make it the default one with \
             `--default-ssl-certificate={}` among the controller's arguments; see the Ingress with {}.",
            owner_of_route(row),
            brief(&key.to_string()),
            commands.kubectl_route("describe", row)
        ),
        Fact::TlsHostWithoutRule { host, .. } => format!(
            "Add a rule for {} to {}, or remove the host from its tls entry; see both with {}.",
            brief(host),
            owner_of_route(row),
            commands.kubectl_route("describe", row)
        ),
        Fact::DefaultBackendOnly => format!(
            "Add a rule with a host that the certificate covers to {}, or set the certificate as the controller's default \
             one; see the Ingress with {}.",
            owner_of_route(row),
            commands.kubectl_route("describe", row)
        ),
        Fact::IngressClassNotFound { class, kind } => class_remedy(class.is_empty(), *kind, row, commands),
        Fact::DuplicateHost { .. } => format!(
            "Keep the host in one route, or let all of them name the same Secret; {} shows which certificate clients \
             get.",
            commands.certs("probe", row)
        ),
        Fact::AmbiguousCertificate { .. } => format!(
            "Let only one certificate name {}, or put the same certificate into both Secrets; {} shows which one \
             clients get now.",
            host(row),
            commands.certs("probe", row)
        ),
        Fact::DefaultStoreConflict { keeps: Some(key), .. } => format!(
            "Remove {} from spec.certificates of that TLSStore, or list it in the one that is called default; {} lists \
             them.",
            brief(&key.name),
            commands.kubectl_in("", "get tlsstores.traefik.io -A")
        ),
        Fact::DefaultStoreConflict { .. } => format!(
            "Keep one TLSStore that is called default, with the intended default certificate, and give the others \
             another name or remove them; {} lists them.",
            commands.kubectl_in("", "get tlsstores.traefik.io -A")
        ),
        Fact::OrphanSecret { secret: key } => format!(
            "Ask its owner whether anything that was not read uses it ({} shows labels, annotations and owner); if \
             so, no action is needed. {} shows what it holds.",
            commands.kubectl("describe", Kind::Secret, key),
            commands.show_secret(key)
        ),
        Fact::CertificateElsewhere { .. } => format!(
            "No action is needed here; {} shows the certificate that clients get.",
            commands.certs("probe", row)
        ),
        other => gateway_remedy(other, row, commands),
    }
}

/// What to do about a Secret that something makes.
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

/// A Secret that is not there: who makes it, or how it is made.
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

fn class_remedy(unnamed: bool, kind: Kind, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let list = commands.kubectl_in("", &format!("get {}", kind.plural()));
    if kind == Kind::GatewayClass {
        return format!(
            "Set spec.gatewayClassName of {} to one that {list} lists, or install the implementation that provides it.",
            owner_of_route(row)
        );
    }
    let default = if unnamed {
        ", or mark one as the default with the annotation ingressclass.kubernetes.io/is-default-class: \"true\""
    } else {
        ", or install the controller that provides it"
    };
    format!(
        "Set spec.ingressClassName of {} to one that {list} lists{default}.",
        owner_of_route(row)
    )
}

fn gateway_remedy(fact: &Fact, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match fact {
        Fact::InvalidCertificateRef { .. } => format!(
            "Let the certificateRef name a kubernetes.io/tls Secret (group \"\", kind Secret) that exists and holds a \
             matching pair; {} shows the listener's conditions.",
            commands.kubectl_route("describe", row)
        ),
        Fact::RefNotPermitted {
            secret: key,
            from,
            from_namespace,
        } => format!(
            "Create a ReferenceGrant in namespace {} with spec `{{from: [{{group: gateway.networking.k8s.io, kind: {}, \
             namespace: {}}}], to: [{{group: \"\", kind: Secret, name: {}}}]}}`, or keep the Secret in the namespace of \
             the {}; {} shows the existing ones.",
            brief(&key.namespace),
            from.as_str(),
            brief(from_namespace),
            brief(&key.name),
            from.as_str(),
            commands.kubectl_in(&key.namespace, "get referencegrant -o yaml")
        ),
        Fact::HostnameConflict { .. } => format!(
            "Give the two listeners different hostnames or ports, or keep one of them; {} shows which one is marked \
             Conflicted.",
            commands.kubectl_route("describe", row)
        ),
        Fact::NoMatchingListenerHostname { route: from, .. } => format!(
            "Give {} a hostname that the listener's covers, or attach it to another listener by \
             parentRefs[].sectionName; see it with {}.",
            object(from, row),
            commands.kubectl("describe", from.kind, &from.key)
        ),
        Fact::OverlappingCertificates { .. } => format!(
            "Give each listener a certificate that names only its own hosts, or serve the hosts from one listener; {} \
             shows the names.",
            match row.secret() {
                Some(key) => commands.openssl(key, "x509 -noout -ext subjectAltName"),
                None => commands.kubectl_route("describe", row),
            }
        ),
        _ => fact.reason().to_string(),
    }
}
