//! The commands of a remedy: each is made here, complete and quoted for a shell, and noted, so that reports can give them apart
//! from the sentences.
//!
//! What nobody but the reader knows stands in angle brackets (`<KEY-FILE>`): a shell refuses it, and it looks like no name.

use std::{borrow::Cow, fmt::Write as _};

use super::say::{data_keys, expected, one_host};
use crate::{
    check::row::Row,
    object::{Key, Kind, Reach},
    text::quote,
};

/// Stands for the name of a Certificate that is not known.
pub(in crate::check) const UNKNOWN_CERTIFICATE: &str = "<CERTIFICATE>";

/// Collects the commands of one remedy while its sentences are made.
#[derive(Debug)]
pub(in crate::check) struct Commands<'a> {
    reach: &'a Reach,
    /// The data keys of the row's Secret.
    data_keys: [&'a str; 2],
    list: Vec<String>,
}

impl<'a> Commands<'a> {
    /// None yet; all that come are given what reaches the row's cluster or manifests.
    pub(in crate::check) fn of(row: &Row<'a>) -> Self {
        Self {
            reach: row.reach,
            data_keys: data_keys(row),
            list: Vec::new(),
        }
    }

    /// The commands, in the order in which the sentences have them, each once.
    pub(in crate::check) fn into_list(self) -> Vec<String> {
        self.list
    }

    /// Notes a command, and gives it as a sentence has it: in backquotes.
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

    /// The same for the row's route; for all Ingresses where it has none.
    pub(in crate::check) fn kubectl_route(&mut self, verb: &str, row: &Row<'_>) -> String {
        match row.route {
            Some(route) => self.kubectl(verb, route.kind, &Key::new(row.namespace, route.name)),
            None => self.kubectl_in(row.namespace, &format!("{verb} ingress")),
        }
    }

    /// `kubectl [-n NAMESPACE] create secret tls`: makes a Secret called `name` in the namespace of `key`.
    pub(in crate::check) fn create(&mut self, key: &Key, name: &str) -> String {
        let command = self.create_text(key, name);
        self.run(command)
    }

    /// Puts a new pair into a Secret that exists. A merge changes the two data keys alone: the type, which cannot be changed, and what
    /// else the Secret holds (`ca.crt`, `dhparam`, labels, owners) stay.
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

    /// The same for the Secret that is expected to serve the row; where none is known, [`Self::show`].
    pub(in crate::check) fn openssl_expected(&mut self, row: &Row<'_>, arguments: &str) -> String {
        match expected(row) {
            Some(key) => self.openssl(key, arguments),
            None => self.show(row),
        }
    }

    /// The names of the certificate that is expected to serve the row.
    pub(in crate::check) fn names(&mut self, row: &Row<'_>) -> String {
        self.openssl_expected(row, "x509 -noout -subject -ext subjectAltName")
    }

    /// All that the certificate says that is expected to serve the row.
    pub(in crate::check) fn certificate_text(&mut self, row: &Row<'_>) -> String {
        self.openssl_expected(row, "x509 -noout -text")
    }

    /// Whether a key file holds a key.
    pub(in crate::check) fn check_key(&mut self) -> String {
        self.run("openssl pkey -in <KEY-FILE> -noout -check")
    }

    /// A chain of the server's certificate and its intermediates, made of two files.
    pub(in crate::check) fn whole_chain(&mut self) -> String {
        self.run("cat <CERTIFICATE-FILE> <INTERMEDIATES-FILE> > fullchain.pem")
    }

    /// `kubectl certs COMMAND ROUTE`; of the whole namespace where the row has no route.
    pub(in crate::check) fn certs(&mut self, command: &str, row: &Row<'_>) -> String {
        self.certs_in(row.namespace, &format!("{command}{}", target(row)))
    }

    /// `kubectl certs status ROUTE FLAGS`.
    pub(in crate::check) fn status_with(&mut self, flags: &str, row: &Row<'_>) -> String {
        self.certs_in(row.namespace, &format!("status{} {flags}", target(row)))
    }

    /// `kubectl certs show` for the Secret that is expected; for the route where there is none.
    pub(in crate::check) fn show(&mut self, row: &Row<'_>) -> String {
        match (expected(row), row.route) {
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

    /// `kubectl certs renew`, without a CA: it rehearses, and ends with the command for production. An Ingress stands for its
    /// Secret where it names no other; else the Secret is named, so that nothing else is renewed.
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
        // A name comes from an annotation too, where it may be a flag.
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

/// ` KIND/NAME` of the row's route, as the command line takes it; nothing where there is none.
fn target(row: &Row<'_>) -> String {
    row.route.map_or_else(String::new, |r| {
        let target = format!("{}/{}", r.kind.as_str().to_ascii_lowercase(), r.name);
        format!(" {}", quote(&target))
    })
}

/// `" -n NAMESPACE"`, or nothing for kinds and manifests without one.
pub(in crate::check) fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" -n {}", quote(namespace))
    }
}
