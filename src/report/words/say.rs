//! What the families share: how objects, hosts, moments and lists are named, and the commands that come up again.

use std::{borrow::Cow, fmt::Display};

use crate::{
    check::{Fact, Instead, ObjectRef},
    object::{Key, Kind, Seconds},
    report::row::Row,
    text::{age, date, width::cut},
};

/// How many names a message lists before it counts the rest.
const LISTED: usize = 5;
/// How many cells a text from outside may take: names are far shorter, and a crafted one must not fill the screen.
const LONGEST: usize = 300;

/// A text from outside, cut to a length that a message can hold.
pub(super) fn brief(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// `a, b, c, d, e and 12 more`; `none` for an empty list.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items
        .by_ref()
        .take(LISTED)
        .map(|item| brief(&item.to_string()).into_owned())
        .collect();
    let more = items.count();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `name`, or `namespace/name` where the namespace is not the row's.
pub(super) fn name(key: &Key, row: &Row<'_>) -> String {
    if key.namespace.is_empty() || key.namespace == row.namespace {
        brief(&key.name).into_owned()
    } else {
        brief(&key.to_string()).into_owned()
    }
}

/// `Secret shop-tls`.
pub(super) fn secret(key: &Key, row: &Row<'_>) -> String {
    format!("Secret {}", name(key, row))
}

/// `Ingress web`.
pub(super) fn object(object: &ObjectRef, row: &Row<'_>) -> String {
    format!("{} {}", object.kind.as_str(), name(&object.key, row))
}

/// The Secret that is expected to serve the row.
pub(super) fn expected<'a>(row: &Row<'a>) -> Option<&'a Key> {
    row.secrets.first()
}

/// `The certificate in Secret shop-tls`, to begin a sentence with.
pub(super) fn certificate(row: &Row<'_>) -> String {
    expected(row).map_or_else(
        || "The certificate".to_owned(),
        |key| format!("The certificate in {}", secret(key, row)),
    )
}

/// `the certificate in Secret shop-tls`, within a sentence.
pub(super) fn the_certificate(row: &Row<'_>) -> String {
    certificate(row).replacen('T', "t", 1)
}

/// `Ingress web`, `listener https of Gateway edge`, or `the route` where the row has none.
pub(super) fn route(row: &Row<'_>) -> String {
    match row.route {
        None => "the route".to_owned(),
        Some(r) => match r.listener {
            Some(listener) => format!("listener {} of {} {}", brief(listener), r.kind.as_str(), brief(r.name)),
            None => format!("{} {}", r.kind.as_str(), brief(r.name)),
        },
    }
}

/// `Ingress web`, `Gateway edge`: the object whose manifest is changed.
pub(super) fn owner_of_route(row: &Row<'_>) -> String {
    row.route.map_or_else(
        || "the route".to_owned(),
        |r| format!("{} {}", r.kind.as_str(), brief(r.name)),
    )
}

/// The field of the route that names its Secret.
pub(super) fn secret_field(row: &Row<'_>) -> &'static str {
    match row.route.map(|r| r.kind) {
        Some(Kind::Gateway | Kind::ListenerSet | Kind::XListenerSet) => "tls.certificateRefs",
        Some(Kind::IngressRoute | Kind::OldIngressRoute) => "tls.secretName",
        _ => "spec.tls[].secretName",
    }
}

/// The row's host, or `every host`.
pub(super) fn host<'a>(row: &Row<'a>) -> Cow<'a, str> {
    match row.host {
        None | Some("" | "*") => Cow::Borrowed("every host"),
        Some(host) => brief(host),
    }
}

/// `2026-12-20, in 19d` or `2026-11-28, 3d ago`.
pub(super) fn moment(at: Seconds, now: Seconds) -> String {
    let apart = age(at.saturating_sub(now));
    if at > now {
        format!("{}, in {apart}", date(at))
    } else {
        format!("{}, {apart} ago", date(at))
    }
}

/// What clients get in place of the certificate that was meant, after `before`; nothing where it is not known.
pub(super) fn instead(instead: Instead, before: &str) -> String {
    match instead {
        Instead::DefaultCertificate => format!("{before}clients get the controller's default certificate"),
        Instead::NoConnection => format!("{before}clients get no TLS connection"),
        Instead::AnotherCertificate => {
            format!("{before}clients get another certificate, which covers the host")
        }
        Instead::Unknown => String::new(),
    }
}

/// `" (reason)"` and `": message"`, each left out where it is empty, ending in one full stop.
pub(super) fn said(reason: &str, message: &str) -> String {
    let reason = match reason.trim() {
        "" => String::new(),
        reason => format!(" ({})", brief(reason)),
    };
    match message.trim().trim_end_matches('.') {
        "" => format!("{reason}."),
        message => format!("{reason}: {}.", brief(message)),
    }
}

/// A text as one word of a shell command: as it is where it holds only letters, digits and `._/:@-`, else in single
/// quotes.
pub(super) fn quote(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

/// `" -n NAMESPACE"`, or nothing for kinds and manifests without one.
pub(super) fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" -n {}", quote(namespace))
    }
}

/// `kubectl -n NAMESPACE VERB KIND/NAME`.
pub(super) fn kubectl(verb: &str, kind: Kind, key: &Key) -> String {
    let target = format!("{}/{}", resource(kind), key.name);
    format!("kubectl{} {verb} {}", in_namespace(&key.namespace), quote(&target))
}

/// `kubectl -n NAMESPACE VERB KIND/NAME` for the row's route; for all Ingresses where it has none.
pub(super) fn kubectl_route(verb: &str, row: &Row<'_>) -> String {
    match row.route {
        Some(route) => kubectl(verb, route.kind, &Key::new(row.namespace, route.name)),
        None => format!("kubectl{} {verb} ingress", in_namespace(row.namespace)),
    }
}

/// The kind as kubectl takes it, with its group where others use the same name (Istio has Gateways, Knative has
/// Certificates).
fn resource(kind: Kind) -> Cow<'static, str> {
    match kind {
        Kind::Gateway => "gateway.gateway.networking.k8s.io".into(),
        Kind::Certificate => "certificate.cert-manager.io".into(),
        Kind::CertificateRequest => "certificaterequest.cert-manager.io".into(),
        Kind::Issuer => "issuer.cert-manager.io".into(),
        Kind::ClusterIssuer => "clusterissuer.cert-manager.io".into(),
        Kind::Order => "order.acme.cert-manager.io".into(),
        Kind::Challenge => "challenge.acme.cert-manager.io".into(),
        Kind::IngressRoute => "ingressroute.traefik.io".into(),
        Kind::OldIngressRoute => "ingressroute.traefik.containo.us".into(),
        other => other.as_str().to_ascii_lowercase().into(),
    }
}

/// `kubectl certs show secret/NAME -n NAMESPACE` for the Secret that is expected; for the route where there is none.
pub(super) fn show(row: &Row<'_>) -> String {
    match (expected(row), row.route) {
        (Some(key), _) => show_secret(key),
        (None, Some(_)) => certs("show", row),
        (None, None) => format!("kubectl certs status{}", in_namespace(row.namespace)),
    }
}

/// `kubectl certs show secret/NAME -n NAMESPACE`.
pub(super) fn show_secret(key: &Key) -> String {
    let target = format!("secret/{}", key.name);
    format!("kubectl certs show {}{}", quote(&target), in_namespace(&key.namespace))
}

/// `kubectl certs COMMAND ROUTE -n NAMESPACE`; of the whole namespace where the row has no route.
pub(super) fn certs(command: &str, row: &Row<'_>) -> String {
    let target = row.route.map_or_else(String::new, |r| {
        let target = format!("{}/{}", r.kind.as_str().to_ascii_lowercase(), r.name);
        format!(" {}", quote(&target))
    });
    format!("kubectl certs {command}{target}{}", in_namespace(row.namespace))
}

/// The command that puts a new pair into a Secret that exists.
pub(super) fn store(key: &Key) -> String {
    format!(
        "{} --dry-run=client -o yaml | kubectl replace -f -",
        create(key, &key.name)
    )
}

/// The command that makes a TLS Secret called `name` in the namespace of `key`.
pub(super) fn create(key: &Key, name: &str) -> String {
    format!(
        "kubectl create secret tls {}{} --cert=fullchain.pem --key=privkey.pem",
        quote(name),
        in_namespace(&key.namespace)
    )
}

/// How the row's certificate is issued again, as sentences: by cert-manager where it owns it, else by what made it.
pub(super) fn renew(row: &Row<'_>) -> String {
    let Some(key) = expected(row) else {
        return "Issue it again with what issued it before.".to_owned();
    };
    if let Some(certificate) = certificate_of(row) {
        return format!(
            "cert-manager writes it: mend Certificate {} first, with what `{}` says, then run `cmctl renew {}{}`.",
            name(certificate, row),
            kubectl("describe", Kind::Certificate, certificate),
            quote(&certificate.name),
            in_namespace(&certificate.namespace),
        );
    }
    format!(
        "With cert-manager, run `cmctl renew CERTIFICATE{0}` (`kubectl{0} get certificate.cert-manager.io` shows which one \
         writes the Secret); otherwise issue it again with the ACME client or the CA that made it and run `{1}`.",
        in_namespace(&key.namespace),
        store(key)
    )
}

/// The Certificate that another finding of the row says writes its Secret.
pub(super) fn certificate_of<'a>(row: &Row<'a>) -> Option<&'a Key> {
    row.findings.iter().find_map(|finding| match &finding.fact {
        Fact::CertificateNotReady { certificate, .. } => Some(certificate),
        _ => None,
    })
}

/// A name that stands for the row's host where a wildcard cannot be: in SNI and in a look-up. `None` for every host.
pub(super) fn one_host(row: &Row<'_>) -> Option<String> {
    match row.host {
        None | Some("" | "*") => None,
        Some(host) => Some(
            host.strip_prefix("*.")
                .map_or_else(|| host.to_owned(), |parent| format!("any.{parent}")),
        ),
    }
}

/// The command that pipes `tls.crt` of a Secret into `openssl ARGUMENTS`.
pub(super) fn openssl(key: &Key, arguments: &str) -> String {
    format!(
        r"kubectl{} get secret {} -o jsonpath='{{.data.tls\.crt}}' | base64 -d | openssl {arguments}",
        in_namespace(&key.namespace),
        quote(&key.name)
    )
}
