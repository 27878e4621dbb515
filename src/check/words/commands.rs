//! The commands of a remedy. Each is made here, complete and quoted for a shell, and recorded, so that reports can show
//! the commands apart from the sentences.
//!
//! Angle brackets stand for what only the reader knows (`<KEY-FILE>`): a shell refuses them, and they do not look like
//! a name.

use std::{borrow::Cow, fmt::Write as _};

use super::{
    handshake::handshake,
    say::{data_keys, expected, one_host},
};
use crate::{
    check::row::Row,
    object::{Key, Kind, Reach},
    text::quote,
};

/// Stands for the unknown name of a Certificate.
pub(in crate::check) const UNKNOWN_CERTIFICATE: &str = "<CERTIFICATE>";

/// Collects the commands of one remedy while its sentences are composed.
#[derive(Debug)]
pub(in crate::check) struct Commands<'a> {
    reach: &'a Reach,
    /// The data keys of the row's Secret.
    data_keys: [&'a str; 2],
    /// The address that serves the certificate, where no Secret was read.
    address: Option<&'a str>,
    list: Vec<String>,
}

impl<'a> Commands<'a> {
    /// Starts an empty list. Each command will get the arguments that reach the row's cluster or manifests.
    pub(in crate::check) fn of(row: &Row<'a>) -> Self {
        Self {
            reach: row.reach,
            data_keys: data_keys(row),
            address: None,
            list: Vec::new(),
        }
    }

    /// The same, where commands that look at a certificate ask this address for it and no Secret.
    pub(in crate::check) fn asking(self, address: Option<&'a str>) -> Self {
        Self { address, ..self }
    }

    /// The commands in the order of the sentences, each once.
    pub(in crate::check) fn into_list(self) -> Vec<String> {
        self.list
    }

    /// Records a command, and returns it in backquotes for a sentence.
    pub(in crate::check) fn run(&mut self, command: impl Into<String>) -> String {
        let command = command.into();
        let told = format!("`{command}`");
        if !self.list.contains(&command) {
            self.list.push(command);
        }
        told
    }

    /// `kubectl [-n NAMESPACE] REST`.
    pub(in crate::check) fn kubectl_in(&mut self, namespace: &str, rest: &str) -> String {
        let command = self.kubectl_text(namespace, rest);
        self.run(command)
    }

    /// `kubectl [-n NAMESPACE] VERB KIND/NAME`.
    pub(in crate::check) fn kubectl(&mut self, verb: &str, kind: Kind, key: &Key) -> String {
        let target = format!("{}/{}", kind.row().kubectl_name(), key.name);
        self.kubectl_in(&key.namespace, &format!("{verb} {}", quote(&target)))
    }

    /// The same for the row's route, or for all Ingresses if the row has none.
    pub(in crate::check) fn kubectl_route(&mut self, verb: &str, row: &Row<'_>) -> String {
        match row.route {
            Some(route) => self.kubectl(verb, route.kind, &Key::new(row.namespace, route.name)),
            None => self.kubectl_in(row.namespace, &format!("{verb} ingress")),
        }
    }

    /// `kubectl [-n NAMESPACE] create secret tls`, which creates a Secret called `name` in the namespace of `key`.
    pub(in crate::check) fn create(&mut self, key: &Key, name: &str) -> String {
        let command = self.create_text(key, name);
        self.run(command)
    }

    /// Stores a new certificate and key in an existing Secret. A merge patch changes nothing but the two data keys: the
    /// type, which is immutable, and other contents (`ca.crt`, `dhparam`, labels, owners) stay.
    pub(in crate::check) fn store(&mut self, key: &Key) -> String {
        let name = quote(&key.name);
        let mut made = format!("create secret generic {name}");
        for (data_key, file) in self.data_keys.iter().zip(["<CHAIN-FILE>", "<KEY-FILE>"]) {
            if !data_key.is_empty() {
                let _ = write!(made, " --from-file={}={file}", quote(data_key));
            }
        }
        let made = self.kubectl_text(&key.namespace, &format!("{made} --dry-run=client -o json"));
        let merge = format!("patch secret {name} --type=merge --patch-file=/dev/stdin");
        let merged = self.kubectl_text(&key.namespace, &merge);
        self.run(format!("{made} | {merged}"))
    }

    /// Pipes `tls.crt` of a Secret into `openssl ARGUMENTS`.
    pub(in crate::check) fn openssl(&mut self, key: &Key, arguments: &str) -> String {
        let path = format!("{{.data.{}}}", self.data_keys[0].replace('.', r"\."));
        let get = format!("get secret {} -o jsonpath={}", quote(&key.name), quote(&path));
        let command = format!(
            "{} | base64 -d | openssl {arguments}",
            self.kubectl_text(&key.namespace, &get)
        );
        self.run(command)
    }

    /// The same for the Secret that is expected to serve the row; [`Self::show`] if none is known. Where no Secret was
    /// read, the server is asked in its place.
    pub(in crate::check) fn openssl_expected(&mut self, row: &Row<'_>, arguments: &str) -> String {
        match (self.address, expected(row)) {
            (Some(address), _) => self.run(format!(
                "{} 2>/dev/null | openssl {arguments}",
                handshake(address, row, "")
            )),
            (None, Some(key)) if !row.is_without_secrets() => self.openssl(key, arguments),
            (None, _) => self.show(row),
        }
    }

    /// Prints all certificates that are served, where no Secret was read.
    pub(in crate::check) fn served_chain(&mut self, row: &Row<'_>) -> String {
        match self.address {
            Some(address) => self.run(handshake(address, row, " -showcerts")),
            None => self.show(row),
        }
    }

    /// Prints the names of the certificate that is expected to serve the row.
    pub(in crate::check) fn names(&mut self, row: &Row<'_>) -> String {
        self.openssl_expected(row, "x509 -noout -subject -ext subjectAltName")
    }

    /// Prints the whole certificate that is expected to serve the row.
    pub(in crate::check) fn certificate_text(&mut self, row: &Row<'_>) -> String {
        self.openssl_expected(row, "x509 -noout -text")
    }

    /// Checks whether a key file holds a key.
    pub(in crate::check) fn check_key(&mut self) -> String {
        self.run("openssl pkey -in <KEY-FILE> -noout -check")
    }

    /// Concatenates the server's certificate and its intermediates from two files.
    pub(in crate::check) fn whole_chain(&mut self) -> String {
        self.run("cat <CERTIFICATE-FILE> <INTERMEDIATES-FILE> > fullchain.pem")
    }

    /// `kubectl certs COMMAND ROUTE`, or for the whole namespace if the row has no route. It reads no Secret either where
    /// none was read by choice.
    pub(in crate::check) fn certs(&mut self, command: &str, row: &Row<'_>) -> String {
        self.certs_in(row.namespace, &format!("{command}{}{}", target(row), left_out(row)))
    }

    /// The same, for somebody who may read Secrets.
    pub(in crate::check) fn certs_with_secrets(&mut self, command: &str, row: &Row<'_>) -> String {
        self.certs_in(row.namespace, &format!("{command}{}", target(row)))
    }

    /// `kubectl certs status ROUTE FLAGS`.
    pub(in crate::check) fn status_with(&mut self, flags: &str, row: &Row<'_>) -> String {
        let rest = format!("status{} {flags}{}", target(row), left_out(row));
        self.certs_in(row.namespace, &rest)
    }

    /// `kubectl certs show` for the Secret that is expected to serve the row, or for its route if there is none, or if no
    /// Secret was read by choice.
    pub(in crate::check) fn show(&mut self, row: &Row<'_>) -> String {
        match (expected(row).filter(|_| !row.is_without_secrets()), row.route) {
            (Some(key), _) => self.show_secret(key),
            (None, Some(_)) => self.certs("show", row),
            (None, None) => self.certs_in(row.namespace, "status"),
        }
    }

    /// `kubectl certs show secret/NAME`.
    pub(in crate::check) fn show_secret(&mut self, key: &Key) -> String {
        let target = format!("secret/{}", key.name);
        self.certs_in(&key.namespace, &format!("show {}", quote(&target)))
    }

    /// `kubectl certs renew` without a CA: it rehearses, and ends with the command for production. An Ingress is named
    /// if the Secret is its only one; otherwise the Secret is named, so that nothing else is renewed.
    pub(in crate::check) fn renew(&mut self, key: &Key, row: &Row<'_>) -> String {
        let is_alone = row.sole && row.secrets.first() == Some(key);
        let target = match row.route {
            Some(r) if r.kind == Kind::Ingress && is_alone => format!("ingress/{}", r.name),
            _ => format!("secret/{}", key.name),
        };
        let command = format!(
            "kubectl certs renew {}{}{}",
            quote(&target),
            in_namespace(&key.namespace),
            self.reach.certs
        );
        self.run(command)
    }

    /// `cmctl renew NAME`.
    pub(in crate::check) fn cmctl_renew(&mut self, namespace: &str, name: &str) -> String {
        let place = in_namespace(namespace);
        // The name may come from an annotation, where it could look like a flag.
        let name = if name.is_empty() || name.starts_with(['-', '<']) {
            Cow::Borrowed(UNKNOWN_CERTIFICATE)
        } else {
            quote(name)
        };
        self.run(format!("cmctl renew {name}{place}{}", self.reach.kubectl))
    }

    /// `dig +short TYPE NAME` for the row's host.
    pub(in crate::check) fn dig(&mut self, row: &Row<'_>) -> String {
        match one_host(row) {
            Some(host) => self.run(format!("dig +short {}", quote(&host))),
            None => self.run("dig +short <HOST>"),
        }
    }

    fn certs_in(&mut self, namespace: &str, rest: &str) -> String {
        let command = format!("kubectl certs {rest}{}{}", in_namespace(namespace), self.reach.certs);
        self.run(command)
    }

    fn kubectl_text(&self, namespace: &str, rest: &str) -> String {
        format!("kubectl{}{} {rest}", self.reach.kubectl, in_namespace(namespace))
    }

    fn create_text(&self, key: &Key, name: &str) -> String {
        self.kubectl_text(
            &key.namespace,
            &format!("create secret tls {} --cert=<CHAIN-FILE> --key=<KEY-FILE>", quote(name)),
        )
    }
}

/// ` KIND/NAME` of the row's route, in the form of the command line; empty if there is none.
fn target(row: &Row<'_>) -> String {
    row.route.map_or_else(String::new, |r| {
        let target = format!("{}/{}", r.kind.as_str().to_ascii_lowercase(), r.name);
        format!(" {}", quote(&target))
    })
}

/// `" --no-secrets"`, where no Secret was read by choice.
fn left_out(row: &Row<'_>) -> &'static str {
    if row.is_without_secrets() { " --no-secrets" } else { "" }
}

/// `" -n NAMESPACE"`, or an empty text for kinds and manifests without a namespace.
pub(in crate::check) fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" -n {}", quote(namespace))
    }
}
