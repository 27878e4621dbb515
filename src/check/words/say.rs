//! What the families share: the wording of objects, hosts, moments and lists, and how a certificate is renewed.

use std::{borrow::Cow, fmt::Display};

use crate::{
    check::{Controller, Fact, Instead, ObjectRef, Recipients, Renewer, Sample, Seen, finding, row::Row},
    object::{Key, Kind, Seconds, Text},
    text::{age, date, width::cut},
    x509::Readers,
};

use super::commands::Commands;

/// How many names a message lists before it counts the rest.
const LISTED: usize = 5;
/// How many terminal cells a text from outside may take. Names are far shorter, and a crafted one must not fill the
/// screen.
const LONGEST: usize = 300;

/// A text from outside, cut to the length that a message can hold.
pub(in crate::check) fn brief(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// `a, b, c, d, e and 12 more`; `none` for an empty list.
pub(in crate::check) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    list_and(items, 0)
}

/// Lists a sample like [`list`], and counts the rest.
pub(in crate::check) fn list_of<T: Display>(sample: &Sample<T>) -> String {
    list_and(sample.iter(), sample.more())
}

/// Lists a sample of objects like [`list`].
pub(in crate::check) fn objects(sample: &Sample<ObjectRef>, row: &Row<'_>) -> String {
    list_and(sample.iter().map(|o| object(o, row)), sample.more())
}

/// Lists the items, and counts `beyond` more that are not among them.
pub(in crate::check) fn list_and<T: Display>(items: impl IntoIterator<Item = T>, beyond: usize) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items
        .by_ref()
        .take(LISTED)
        .map(|item| brief(&item.to_string()).into_owned())
        .collect();
    let more = items.count() + beyond;
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `name`, or `namespace/name` where the namespace is not the row's.
pub(in crate::check) fn name(key: &Key, row: &Row<'_>) -> String {
    if key.namespace.is_empty() || key.namespace == row.namespace {
        brief(&key.name).into_owned()
    } else {
        brief(&key.to_string()).into_owned()
    }
}

/// `Secret shop-tls`.
pub(in crate::check) fn secret(key: &Key, row: &Row<'_>) -> String {
    format!("Secret {}", name(key, row))
}

/// `Ingress web`.
pub(in crate::check) fn object(object: &ObjectRef, row: &Row<'_>) -> String {
    format!("{} {}", object.kind.as_str(), name(&object.key, row))
}

/// The data keys of a TLS Secret's certificate and key.
const TLS_KEYS: [&str; 2] = ["tls.crt", "tls.key"];

/// The data keys of certificate and key in the row's Secret.
pub(in crate::check) fn data_keys<'a>(row: &Row<'a>) -> [&'a str; 2] {
    row.data_keys
        .map_or(TLS_KEYS, |[certificate, key]| [certificate.as_str(), key.as_str()])
}

/// The Secret that is expected to serve the row, or that the finding is about.
pub(in crate::check) fn expected<'a>(row: &Row<'a>) -> Option<&'a Key> {
    row.secret()
}

/// `The certificate in Secret shop-tls`, to begin a sentence with.
pub(in crate::check) fn certificate(row: &Row<'_>) -> String {
    expected(row).map_or_else(
        || "The certificate".to_owned(),
        |key| format!("The certificate in {}", secret(key, row)),
    )
}

/// `the certificate in Secret shop-tls`, within a sentence.
pub(in crate::check) fn the_certificate(row: &Row<'_>) -> String {
    certificate(row).replacen('T', "t", 1)
}

/// `Ingress web`, `listener https of Gateway edge`, or `the route` where the row has none.
pub(in crate::check) fn route(row: &Row<'_>) -> String {
    match row.route {
        None => "the route".to_owned(),
        Some(r) => match r.listener {
            Some(listener) => format!("listener {} of {} {}", brief(listener), r.kind.as_str(), brief(r.name)),
            None => format!("{} {}", r.kind.as_str(), brief(r.name)),
        },
    }
}

/// The object whose manifest has to be changed: `Ingress web`, `Gateway edge`.
pub(in crate::check) fn owner_of_route(row: &Row<'_>) -> String {
    row.route.map_or_else(
        || "the route".to_owned(),
        |r| format!("{} {}", r.kind.as_str(), brief(r.name)),
    )
}

/// The field of the route that names its Secret.
pub(in crate::check) fn secret_field(row: &Row<'_>) -> &'static str {
    let kind = row.route.map_or(Kind::Ingress, |r| r.kind);
    kind.route().map_or("", |facts| facts.secret_field)
}

/// The row's host, or `every host`.
pub(in crate::check) fn host<'a>(row: &Row<'a>) -> Cow<'a, str> {
    match row.host {
        None | Some("" | "*") => Cow::Borrowed("every host"),
        Some(host) => brief(host),
    }
}

/// `2026-12-20, in 19d` or `2026-11-28, 3d ago`.
pub(in crate::check) fn moment(at: Seconds, now: Seconds) -> String {
    let apart = age(at.saturating_sub(now));
    if at > now {
        format!("{}, in {apart}", date(at))
    } else {
        format!("{}, {apart} ago", date(at))
    }
}

/// What clients get instead of the intended certificate, after the text `before`; empty where it is not known.
pub(in crate::check) fn instead(instead: Instead, before: &str) -> String {
    match instead {
        Instead::DefaultCertificate => format!("{before}clients get the controller's default certificate"),
        Instead::NoConnection => format!("{before}clients get no TLS connection"),
        Instead::AnotherCertificate => {
            format!("{before}clients get another certificate, which covers the host")
        }
        Instead::OwnUpTo36 => format!(
            "{before}Traefik leaves out only that certificate since 3.7; versions up to 3.6 stop reading the store there, take \
             no default certificate from it, and serve one that they generated themselves"
        ),
        Instead::LeftOutUpTo36 => format!(
            "{before}Traefik passes TLS through anyway since 3.7, while versions up to 3.6 leave out the whole Ingress"
        ),
        Instead::Unknown => String::new(),
    }
}

/// `" (reason)"` and `": message"`, each left out if it is empty, with one full stop at the end.
pub(in crate::check) fn said(reason: &str, message: &str) -> String {
    let reason = match reason.trim() {
        "" => String::new(),
        reason => format!(" ({})", brief(reason)),
    };
    match message.trim().trim_end_matches('.') {
        "" => format!("{reason}."),
        message => format!("{reason}: {}.", brief(message)),
    }
}

/// How to issue the row's certificate again, in sentences: with this program where nobody else would undo it, with
/// cert-manager where it owns the certificate, otherwise in the way it was made.
pub(in crate::check) fn renew(row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let Some(key) = expected(row) else {
        return "Issue it again the way it was issued before.".to_owned();
    };
    if let Some(certificate) = certificate_of(row) {
        return format!(
            "cert-manager writes it: fix Certificate {} first ({} shows its state), then run {}.",
            name(certificate, row),
            commands.kubectl("describe", Kind::Certificate, certificate),
            commands.cmctl_renew(&certificate.namespace, &certificate.name),
        );
    }
    match row.renewer {
        Renewer::Unknown if row.is_without_secrets() => unseen(key, row, commands),
        Renewer::Ours => format!(
            "Rehearse the renewal with {}: it changes nothing that is served, and ends with the command that renews it.",
            commands.renew(key, row)
        ),
        Renewer::CertManager(certificate) => format!(
            "cert-manager writes it, by Certificate {}: run {}.",
            brief(certificate),
            commands.cmctl_renew(&key.namespace, certificate)
        ),
        Renewer::Owner(owner) => format!(
            "{} {} makes {}: have it make the new one ({} shows both).",
            brief(&owner.kind),
            brief(&owner.name),
            secret(key, row),
            commands.kubectl("describe", Kind::Secret, key)
        ),
        Renewer::Tool(tool) => format!(
            "{tool} writes {}, and would undo any other change: put the new pair into the source that {tool} reads.",
            secret(key, row)
        ),
        Renewer::Unknown => format!(
            "Renew it the way it was issued{}, then store it with {}.",
            row.certificate
                .map(|c| c.issuer.short.to_string())
                .filter(|issuer| !issuer.is_empty())
                .map_or_else(String::new, |issuer| format!(" ({})", brief(&issuer))),
            commands.store(key)
        ),
    }
}

/// Who can say how the certificate is renewed, where the Secret that the route names was not read.
fn unseen(key: &Key, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    format!(
        "{} takes it from {}, which was not read: for somebody who may read that, {} says who renews it, and how.",
        capital(&route(row)),
        secret(key, row),
        commands.show_secret(key)
    )
}

/// A text with a capital letter, to begin a sentence with.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Like [`renew`], for a certificate that has to differ from the ones that were issued so far.
pub(in crate::check) fn reissue(row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    match (row.renewer, expected(row)) {
        (Renewer::Unknown, Some(_)) if row.is_without_secrets() => renew(row, commands),
        (Renewer::Unknown, None) => "Then store it in place of the current one.".to_owned(),
        (Renewer::Unknown, Some(key)) if certificate_of(row).is_none() => {
            format!("Store the new one with {}.", commands.store(key))
        }
        _ => renew(row, commands),
    }
}

/// What to change in a cert-manager Certificate, where cert-manager may be the one that issues.
pub(in crate::check) fn with_cert_manager(row: &Row<'_>, how: &str) -> String {
    match row.renewer {
        Renewer::Unknown => format!("; with cert-manager, {how}"),
        Renewer::CertManager(_) => format!("; {how}"),
        Renewer::Ours | Renewer::Owner(_) | Renewer::Tool(_) => String::new(),
    }
}

/// The Certificate that writes the row's Secret according to another finding of the row.
pub(in crate::check) fn certificate_of<'a>(row: &Row<'a>) -> Option<&'a Key> {
    row.findings.iter().find_map(|finding| match &finding.fact {
        Fact::CertificateNotReady(finding::CertificateNotReady { certificate, .. })
        | Fact::RenewalFailing(finding::RenewalFailing { certificate, .. }) => Some(certificate),
        _ => None,
    })
}

/// A sentence, after a space, about the clients that get a Secret which is served beside another.
pub(in crate::check) fn gets(clients: Recipients) -> &'static str {
    match clients {
        Recipients::WithoutEcdsa => " Clients that do not support ECDSA get it.",
        Recipients::OfItsNames => " Clients that ask for one of its names get it.",
        Recipients::PerhapsAll => {
            " Another Secret of the listener covers the host too, and which of them clients get is up to the implementation."
        }
        Recipients::Nobody => {
            " The listener has others that can be used; an implementation that requires all of them does not serve it."
        }
    }
}

/// A sentence, after a space, about the addresses that serve a certificate.
pub(in crate::check) fn serves(seen: &Seen) -> String {
    let addresses = &seen.addresses;
    match (addresses.count(), seen.everywhere) {
        (2.., true) => format!(" All {} addresses of the route serve it.", addresses.count()),
        (2.., false) => format!(" {} serve it.", list_of(addresses)),
        _ => format!(" {} serves it.", list_of(addresses)),
    }
}

/// A host name for the row, where a wildcard cannot be used: in SNI and in a DNS query. `None` for every host.
pub(in crate::check) fn one_host(row: &Row<'_>) -> Option<String> {
    match row.host {
        None | Some("" | "*") => None,
        Some(host) => Some(
            host.strip_prefix("*.")
                .map_or_else(|| host.to_owned(), |parent| format!("any.{parent}")),
        ),
    }
}

/// `, as ingress-nginx serves it`, where the controller is only assumed from the name of the class.
pub(in crate::check) fn as_served(assumed: Option<Controller>, wanted: bool) -> String {
    let assumed = assumed.filter(|_| wanted);
    assumed.map_or_else(String::new, |controller| format!(", as {controller} serves it"))
}

/// Names the programs that fail to read something which others can read; empty where every program fails.
pub(in crate::check) fn by_whom(by: Readers) -> String {
    if by.is_empty() {
        String::new()
    } else {
        format!(" by {}", by.names())
    }
}

pub(in crate::check) fn trimmed(why: &str) -> String {
    brief(why.trim().trim_end_matches('.')).into_owned()
}

/// `kubectl describe` of the Certificate that writes the row's Secret.
pub(in crate::check) fn describe(certificate: &Text, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let namespace = expected(row).map_or(row.namespace, |key| &key.namespace);
    let certificate = Key::new(namespace, certificate.clone());
    commands.kubectl("describe", Kind::Certificate, &certificate)
}

/// How to change the order or the contents of `tls.crt`.
pub(in crate::check) fn rearrange(what: &str, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let Some(key) = expected(row) else {
        return format!("{what}.");
    };
    if row.is_without_secrets() {
        return format!(
            "{what}, in {}, from which {} takes it; {} shows the current order.",
            secret(key, row),
            route(row),
            commands.served_chain(row)
        );
    }
    format!(
        "{what} when it is next stored ({}); {} shows the current order.",
        commands.store(key),
        commands.openssl(
            key,
            "crl2pkcs7 -nocrl -certfile /dev/stdin | openssl pkcs7 -print_certs -noout"
        )
    )
}

/// What to do about a trusted root or an intermediate above the certificate that expires too early.
pub(in crate::check) fn renew_above(root: bool, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    if root {
        return format!(
            "Get the CA's current root to the clients, and to {}; or let the server send the CA's intermediate for a root that \
             is still valid. See the chain with {}. {}",
            commands.status_with("--ca-file <CA-FILE>", row),
            commands.show(row),
            renew(row, commands)
        );
    }
    format!(
        "Replace the intermediate with the CA's current one: a renewal includes it. See the chain with {}. {}",
        commands.show(row),
        renew(row, commands)
    )
}

/// How to find out why cert-manager gets no certificate for a Certificate, and what to do then.
pub(in crate::check) fn follow(certificate: &Key, commands: &mut Commands<'_>) -> String {
    format!(
        "Read its events with {} and follow them to the CertificateRequest, the Order and the Challenge ({}); once the \
         cause is fixed, retry with {}.",
        commands.kubectl("describe", Kind::Certificate, certificate),
        commands.kubectl_in(&certificate.namespace, "get certificaterequest,order,challenge"),
        commands.cmctl_renew(&certificate.namespace, &certificate.name)
    )
}
