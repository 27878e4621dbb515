//! `show`: a picture of one route, Secret, file or server, for a person at a terminal.
//!
//! [`Show`] holds everything as values; [`write()`] makes the text. All text from outside is cleared on its way.

pub mod document;
mod doings;
mod findings;
mod gauge;
mod heading;
mod held;
mod owner;
mod paper;
mod pen;
mod readers;
mod repeats;
mod served;

use std::{
    io::{self, Write},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

pub use super::present::tone::Tone;
use crate::check::{
    row::{Row, Status},
    words,
};
use crate::{
    check::{Finding, ObjectRef},
    object::{self, Key, Kind, Seconds, Text, consumer::How},
    x509::{Bundle, Certificate, KeyState, Objection, Readers, San, Trust},
};
use paper::{Ink, Sheet};
use pen::Pen;

/// What the picture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowSubject<'a> {
    /// A route or a Secret.
    Object {
        /// Its kind.
        kind: Kind,
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A file with certificates.
    File {
        /// Its path as it was given.
        path: &'a str,
    },
    /// A server.
    Server {
        /// `HOST:PORT` as it was given.
        at: &'a str,
    },
}

/// Everything that is known about one thing.
#[derive(Debug, Clone)]
pub struct Show<'a> {
    /// The kubeconfig context; empty for manifests, files and servers.
    pub context: &'a str,
    /// What it is of.
    pub subject: ShowSubject<'a>,
    /// The bindings of the route, or those that use the Secret; one without route for a file, a server or a Secret
    /// that nobody uses. They bring the findings.
    pub bindings: &'a [Binding<'a>],
    /// The Secrets of the route, or the one Secret, file or served chain.
    pub held: &'a [HeldCertificates<'a>],
    /// What servers showed; empty when none was asked.
    pub served: &'a [Probed<'a>],
    /// What DNS says of the hosts; empty when it was not asked.
    pub dns: &'a [Dns<'a>],
}

impl Show<'_> {
    /// The worst status of the bindings; `None` when there is no binding, so nothing to check.
    pub fn status(&self) -> Option<Status> {
        self.bindings.iter().map(|b| b.row.status).max()
    }
}

/// One binding, and whether the certificate covers its host.
#[derive(Debug, Clone)]
pub struct Binding<'a> {
    /// The binding with its findings.
    pub row: Row<'a>,
    /// Which name of the certificate covers the host.
    pub cover: Cover<'a>,
}

/// Whether a certificate covers a host (RFC 9525).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover<'a> {
    /// By this name.
    By(&'a San),
    /// By none of its names.
    Nothing,
    /// There is no certificate, or no host to compare it with.
    NotJudged,
}

/// Whether a Secret is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It was read.
    Read,
    /// It does not exist.
    NotFound,
    /// It could not be read for lack of a right.
    Forbidden,
}

/// What one Secret, file or server holds.
#[derive(Debug, Clone)]
pub struct HeldCertificates<'a> {
    /// The Secret; `None` for a file or a server.
    pub secret: Option<&'a Key>,
    /// Whether it is there.
    pub presence: Presence,
    /// The Secret's type; empty means Opaque, or that there is no Secret.
    pub secret_type: &'a str,
    /// Of a pair that is kept for a rollback: the Secret that held it, as `NAMESPACE/NAME`.
    pub kept_for: Option<&'a str>,
    /// The names of its data keys other than tls.crt and tls.key.
    pub other_keys: &'a [Text],
    /// The certificates in their order.
    pub certificates: &'a [Arc<Certificate>],
    /// The position of the leaf.
    pub leaf: Option<usize>,
    /// What could not be read: the PEM block's position, and why.
    pub unreadable: &'a [(usize, String)],
    /// The private key.
    pub key: &'a KeyState,
    /// What is not read alike by all programs.
    pub objections: &'a [Objection],
    /// The controller that is to serve it, and what it checks and loads with; `None` where it is not known.
    pub server: Option<(&'static str, Readers)>,
    /// Whether the certificates reach a trusted root.
    pub trust: &'a Trust,
    /// Routes, Pods and workloads that use the Secret; `None` when nobody was asked.
    pub users: Option<&'a [User]>,
    /// The Certificate of cert-manager that writes the Secret.
    pub owner: Option<CertManagerSide<'a>>,
    /// Whether it is a file: nobody serves it.
    pub in_file: bool,
}

impl<'a> HeldCertificates<'a> {
    /// What a bundle holds, of no Secret yet.
    pub fn of(bundle: &'a Bundle) -> Self {
        Self {
            secret: None,
            presence: Presence::Read,
            secret_type: "",
            kept_for: None,
            other_keys: &[],
            certificates: &bundle.certificates,
            leaf: bundle.leaf,
            unreadable: &bundle.unreadable,
            key: &bundle.key,
            objections: &bundle.objections,
            server: None,
            trust: &bundle.trust,
            users: None,
            owner: None,
            in_file: false,
        }
    }

    /// Whether it is a file that begins with the certificate of a root.
    pub fn is_root(&self) -> bool {
        let leaf = self.leaf.and_then(|at| self.certificates.get(at));
        self.in_file && leaf.is_some_and(|leaf| leaf.is_ca && leaf.self_signed)
    }

    /// A Secret that could not be read.
    pub fn without(secret: &'a Key, presence: Presence) -> Self {
        Self {
            secret: Some(secret),
            presence,
            secret_type: "",
            kept_for: None,
            other_keys: &[],
            certificates: &[],
            leaf: None,
            unreadable: &[],
            key: &KeyState::NotAsked,
            objections: &[],
            server: None,
            trust: &Trust::NotJudged,
            users: None,
            owner: None,
            in_file: false,
        }
    }
}

/// Who uses a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The route, Pod, workload, `ServiceAccount` or Certificate.
    pub object: ObjectRef,
    /// How a container gets it; `None` for routes and Certificates.
    pub how: Option<How>,
}

/// cert-manager's side of a Secret.
#[derive(Debug, Clone, Copy)]
pub struct CertManagerSide<'a> {
    /// The Certificate.
    pub certificate: &'a object::Certificate,
    /// Its issuer; `None` when it was not found or not read.
    pub issuer: Option<&'a object::Issuer>,
    /// The request that is under way.
    pub request: Option<&'a object::CertificateRequest>,
    /// Its order.
    pub order: Option<&'a object::Order>,
    /// The order's challenges.
    pub challenges: &'a [&'a object::Challenge],
    /// What cert-manager said about them, newest first.
    pub events: &'a [Event],
}

/// One event of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was seen last.
    pub when: Option<Seconds>,
    /// Whether its type is Warning.
    pub warning: bool,
    /// Its reason.
    pub reason: Text,
    /// Its message.
    pub message: Text,
}

/// What one address showed.
#[derive(Debug, Clone)]
pub struct Probed<'a> {
    /// The address and port that was asked.
    pub address: Text,
    /// The host that was asked for.
    pub host: &'a str,
    /// What it showed, or why it showed nothing.
    pub outcome: Result<ShownCertificate<'a>, String>,
}

/// A certificate that a server showed.
#[derive(Debug, Clone)]
pub struct ShownCertificate<'a> {
    /// The first of the chain; `None` when it could not be read.
    pub leaf: Option<&'a Certificate>,
    /// How many certificates came.
    pub length: usize,
    /// Whether it is the stored one; `None` when nothing is stored to compare it with.
    pub stored: Option<bool>,
    /// `TLS 1.3` or `TLS 1.2`.
    pub tls_version: &'a str,
    /// The application protocol.
    pub alpn: Option<&'a str>,
    /// How long the handshake took.
    pub took: Duration,
    /// The server asks for a client certificate.
    pub client_certificate: bool,
}

/// What DNS says of one host.
#[derive(Debug, Clone)]
pub struct Dns<'a> {
    /// The host.
    pub host: &'a str,
    /// Its addresses, or why there are none.
    pub resolved: Result<&'a [IpAddr], String>,
    /// The addresses of the route; empty when they are not known.
    pub expected: &'a [IpAddr],
    /// Whether DNS leads away from the route.
    pub elsewhere: bool,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The moment that ages count from.
    pub now: Seconds,
    /// Whether escape sequences for colour are written. No meaning is in colour alone.
    pub colour: bool,
    /// The terminal's width in cells; less than 40 counts as 40.
    pub width: usize,
    /// Whether only ASCII is written.
    pub ascii: bool,
}

/// Writes the picture. Errors are those of `out`.
///
/// No line is wider than the terminal, except a command in backquotes, which stays in one piece to be copied.
pub fn write(show: &Show<'_>, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    write_in(&Words::OURS, show, context, out)
}

/// The same picture as lines, each of runs of one tone, cleared for a terminal, none wider than `context` says. Its colour
/// does not count.
pub fn lines(show: &Show<'_>, context: &Context) -> Vec<Vec<(Tone, String)>> {
    let mut sheet = Sheet::default();
    // A sheet takes every line.
    let _ = draw(&Words::OURS, show, Pen::new(*context, &mut sheet).breaking_commands());
    sheet.0
}

/// Where the words of the findings come from: the pictures are tested with words of their own.
struct Words {
    message: fn(&Finding, &Row<'_>, Seconds) -> String,
    remedy: fn(&Finding, &Row<'_>) -> String,
}

impl Words {
    const OURS: Self = Self {
        message: words::message,
        remedy: |finding, row| words::remedy(finding, row).text,
    };
}

fn write_in(words: &Words, show: &Show<'_>, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let colour = context.colour;
    draw(words, show, Pen::new(*context, &mut Ink { colour, out }))
}

fn draw(words: &Words, show: &Show<'_>, mut pen: Pen<'_>) -> io::Result<()> {
    heading::heading(&mut pen, show)?;
    findings::findings(&mut pen, show, words)?;
    doings::doings(&mut pen, show)?;
    heading::hosts(&mut pen, show)?;
    for held in show.held {
        held::held(&mut pen, show, held)?;
        if let Some(owner) = &held.owner {
            owner::owner(&mut pen, owner)?;
        }
    }
    served::served(&mut pen, show)?;
    served::dns(&mut pen, show.dns)
}

#[cfg(test)]
mod tests;
