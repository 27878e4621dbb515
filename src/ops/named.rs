//! ROUTE, SECRET and HOST on the command line, as `kubectl` spells objects, and as tables print them.

use std::{borrow::Cow, collections::BTreeSet};

use super::{OpError, Source};
use crate::{
    error::Blame,
    object::{Kind, register::KINDS},
};

mod choose;

pub use choose::{for_reading, for_writing, ingress_instead, is_listener, not_found, not_read};

/// A route, Secret or host that was asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// A kind of route, Secret, or cert-manager's Certificate.
    pub kind: Kind,
    /// Its name; a host's, where `host` is set.
    pub name: String,
    /// The namespace, where the word has one: `certs/api-tls`, as a table names a Secret of another namespace.
    pub namespace: Option<String>,
    /// The listener: `gateway/public:https`.
    pub listener: Option<String>,
    /// Whether it is a word without a kind: an Ingress, or else a host.
    pub bare: bool,
    /// Whether a host is meant, whatever its route.
    pub host: bool,
}

impl Named {
    /// An object of a kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            namespace: None,
            listener: None,
            bare: false,
            host: false,
        }
    }

    /// A host.
    pub fn host(name: &str) -> Self {
        Self {
            host: true,
            ..Self::new(Kind::Ingress, name.to_ascii_lowercase())
        }
    }

    /// Whether it means a Secret of this name and namespace.
    pub fn is_secret(&self, key: &crate::object::Key) -> bool {
        self.kind == Kind::Secret
            && key.name == self.name
            && self
                .namespace
                .as_deref()
                .is_none_or(|namespace| key.namespace == namespace)
    }
}

/// A name that is no route and no Secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamedError {
    /// The kind is not one that has certificates.
    #[error(
        "{kind:?} is neither a route nor a Secret: write {} or secret/NAME",
        routes_in_words()
    )]
    Kind {
        /// What stood before the slash.
        kind: String,
    },
    /// There is no name, or more than one slash.
    #[error("{word:?} is neither NAME nor KIND/NAME")]
    Name {
        /// The word.
        word: String,
    },
}

/// `ingress/NAME, gateway/NAME`: how each kind of route of today is written.
fn routes_in_words() -> String {
    let routes = KINDS.iter().filter(|row| row.kind.is_route() && row.before.is_none());
    routes
        .map(|row| format!("{}/NAME", row.singular))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reads all words of a command line; the first that is none is a mistake in its use.
pub fn read_all(words: &[String]) -> Result<Vec<Named>, OpError> {
    let targets = words.iter().map(|word| word.parse::<Named>());
    targets
        .collect::<Result<_, _>>()
        .map_err(|error| OpError::of(Blame::Usage, &error))
}

impl std::str::FromStr for Named {
    type Err = NamedError;

    /// Reads `KIND/NAME` with kubectl's names of kinds (singular, plural, short, with or without group), a bare NAME, which means an
    /// Ingress or else a host, and what a table prints: `gateway/NAME:LISTENER`, `NAMESPACE/NAME` of a Secret, `SECRET,+2`, a URL.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://")) {
            return Ok(Self::host(host_of(rest)));
        }
        let wrong = || NamedError::Name { word: word.to_owned() };
        let word = word.rsplit_once(",+").map_or(word, |(cell, _)| cell);
        let Some((kind, name)) = word.split_once('/') else {
            let host = host_of(word);
            return match word {
                "" => Err(wrong()),
                _ if host != word => Ok(Self::host(host)),
                _ => Ok(Self {
                    bare: true,
                    ..Self::new(Kind::Ingress, word)
                }),
            };
        };
        if name.is_empty() || name.contains('/') {
            return Err(wrong());
        }
        let Some(kind) = kind_named(kind) else {
            // A Secret of another namespace stands so in a table; what has a dot, a group, is a kind that nobody knows.
            let known = [
                "pod",
                "pods",
                "po",
                "service",
                "services",
                "svc",
                "deployment",
                "deploy",
            ];
            if kind.contains('.') || known.contains(&kind) {
                return Err(NamedError::Kind { kind: kind.to_owned() });
            }
            return Ok(Self {
                namespace: Some(kind.to_owned()),
                ..Self::new(Kind::Secret, name)
            });
        };
        match name.split_once(':') {
            Some((name, listener)) if !name.is_empty() && !listener.is_empty() => Ok(Self {
                listener: Some(listener.to_owned()),
                ..Self::new(kind, name)
            }),
            _ => Ok(Self::new(kind, name)),
        }
    }
}

/// The one Secret that a write is for: its namespace, where the word or `given` (of `-n`) says one, and its name. What says two is
/// refused: a write in the wrong namespace may be for good. `instead` is what to name where the word is a route.
pub fn one_secret(word: &str, given: Option<&str>, instead: &str) -> Result<(Option<String>, String), OpError> {
    if !word.contains('/') {
        return Ok((given.map(str::to_owned), word.to_owned()));
    }
    let target: Named = word
        .parse()
        .map_err(|error: NamedError| OpError::of(Blame::Usage, &error))?;
    if target.kind != Kind::Secret {
        return Err(OpError::usage(format!("{target} is not a Secret")).hint(instead));
    }
    match (target.namespace, given) {
        (Some(own), Some(given)) if own != given => Err(OpError::usage(format!(
            "{word} is in namespace {own}, and -n names {given}"
        ))
        .hint(format!("leave -n out, or write secret/{} -n {own}", target.name))),
        (own, given) => Ok((own.or_else(|| given.map(str::to_owned)), target.name)),
    }
}

/// The source with the namespaces that the words themselves name, where nothing else chooses them: `shop/shop-tls` is read with its
/// routes, whatever the context's namespace is.
pub fn of_their_namespaces<'a>(source: &'a Source, targets: &[Named]) -> Cow<'a, Source> {
    let chosen = source.all_namespaces || !source.namespace.is_empty() || !source.filename.is_empty();
    let own: Option<BTreeSet<&str>> = targets.iter().map(|target| target.namespace.as_deref()).collect();
    match own {
        Some(own) if !chosen && !own.is_empty() => Cow::Owned(Source {
            namespace: own.into_iter().map(str::to_owned).collect(),
            ..source.clone()
        }),
        _ => Cow::Borrowed(source),
    }
}

/// The host of what follows `https://`, or of `HOST:PORT`.
fn host_of(text: &str) -> &str {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The kind that kubectl's users write so.
pub fn kind_named(word: &str) -> Option<Kind> {
    Kind::named(word).filter(|kind| kind.is_route() || matches!(kind, Kind::Secret | Kind::Certificate))
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host {
            return write!(f, "host {}", self.name);
        }
        if let (Kind::Secret, Some(namespace)) = (self.kind, &self.namespace) {
            return write!(f, "Secret {namespace}/{}", self.name);
        }
        write!(f, "{}/{}", self.kind.as_str().to_ascii_lowercase(), self.name)?;
        match &self.listener {
            Some(listener) => write!(f, ":{listener}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_kubectl_reads_them() {
        for (word, kind, name) in [
            ("web", Kind::Ingress, "web"),
            ("certificate/web", Kind::Certificate, "web"),
            ("cert/web", Kind::Certificate, "web"),
            ("ing/web", Kind::Ingress, "web"),
            ("ingresses.networking.k8s.io/web", Kind::Ingress, "web"),
            ("Gateway/edge", Kind::Gateway, "edge"),
            ("secrets/tls", Kind::Secret, "tls"),
            ("xlistenerset/extra", Kind::XListenerSet, "extra"),
            (
                "xlistenersets.gateway.networking.x-k8s.io/extra",
                Kind::XListenerSet,
                "extra",
            ),
            ("listenerset/extra", Kind::ListenerSet, "extra"),
            ("ingressroute/web", Kind::IngressRoute, "web"),
            ("ingressroute.traefik.containo.us/web", Kind::OldIngressRoute, "web"),
            ("ingressroutetcp/db", Kind::IngressRouteTcp, "db"),
            (
                "ingressroutetcps.traefik.containo.us/db",
                Kind::OldIngressRouteTcp,
                "db",
            ),
            (
                "ingressroutes.v1alpha1.traefik.containo.us/web",
                Kind::OldIngressRoute,
                "web",
            ),
        ] {
            let target: Named = word.parse().expect(word);
            assert_eq!((target.kind, target.name.as_str()), (kind, name), "{word}");
            assert_eq!(target.bare, !word.contains('/'), "{word}");
        }
        let wrong = "pod/x"
            .parse::<Named>()
            .expect_err("it has no certificates")
            .to_string();
        assert!(
            wrong.contains(
                "write ingress/NAME, gateway/NAME, listenerset/NAME, ingressroute/NAME, ingressroutetcp/NAME"
            ) && wrong.ends_with(" or secret/NAME"),
            "{wrong}"
        );
        for wrong in ["pod/x", "secret/", "a/b/c"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_table_prints_is_read_back() {
        let listener: Named = "gateway/public:status".parse().expect("a listener");
        assert_eq!(
            (listener.name.as_str(), listener.listener.as_deref()),
            ("public", Some("status"))
        );
        let secret: Named = "certs/api-tls,+1".parse().expect("a Secret");
        assert!(secret.is_secret(&crate::object::Key::new("certs", "api-tls")));
        assert!(!secret.is_secret(&crate::object::Key::new("shop", "api-tls")));
        for word in [
            "https://Shop.example/a?b",
            "http://shop.example:8080",
            "https://u@shop.example",
            "shop.example:443",
        ] {
            let host: Named = word.parse().expect(word);
            assert!(host.host && host.name == "shop.example", "{word}: {host:?}");
        }
        assert!("shop.example".parse::<Named>().expect("a host or an Ingress").bare);
    }
}
