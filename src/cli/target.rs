//! ROUTE and SECRET on the command line, as `kubectl` spells objects.

use crate::{
    error::{Exit, Failure},
    object::Kind,
};

/// A route or Secret that was asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Ingress, Gateway, `ListenerSet`, `IngressRoute`, `IngressRouteTCP` or Secret.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// A name that is no route and no Secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The kind is not one that has certificates.
    #[error(
        "{kind:?} is neither a route nor a Secret: write ingress/NAME, gateway/NAME, listenerset/NAME, ingressroute/NAME, ingressroutetcp/NAME or secret/NAME"
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

/// Reads all words of a command line; the first that is none is a mistake in its use.
pub(super) fn read_all(words: &[String]) -> Result<Vec<Target>, Failure> {
    let targets = words.iter().map(|word| word.parse::<Target>());
    targets
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::of(Exit::Usage, &error))
}

impl std::str::FromStr for Target {
    type Err = TargetError;

    /// Reads `KIND/NAME` with kubectl's names of kinds (singular, plural, short, with or without group), or a bare NAME,
    /// which means an Ingress.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let (kind, name) = word.split_once('/').unwrap_or(("ingress", word));
        if name.is_empty() || name.contains('/') {
            return Err(TargetError::Name { word: word.to_owned() });
        }
        let lower = kind.to_ascii_lowercase();
        let (word_of_kind, group) = lower.split_once('.').unwrap_or((&lower, ""));
        let kind = match word_of_kind {
            "ingress" | "ingresses" | "ing" => Kind::Ingress,
            "gateway" | "gateways" | "gtw" => Kind::Gateway,
            "listenerset" | "listenersets" | "lset" => Kind::ListenerSet,
            "xlistenerset" | "xlistenersets" => Kind::XListenerSet,
            "ingressroute" | "ingressroutes" if group.ends_with(Kind::OldIngressRoute.group()) => Kind::OldIngressRoute,
            "ingressroute" | "ingressroutes" => Kind::IngressRoute,
            "ingressroutetcp" | "ingressroutetcps" if group.ends_with(Kind::OldIngressRoute.group()) => {
                Kind::OldIngressRouteTcp
            }
            "ingressroutetcp" | "ingressroutetcps" => Kind::IngressRouteTcp,
            "secret" | "secrets" => Kind::Secret,
            _ => return Err(TargetError::Kind { kind: kind.to_owned() }),
        };
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.as_str().to_ascii_lowercase(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_kubectl_reads_them() {
        for (word, kind, name) in [
            ("web", Kind::Ingress, "web"),
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
            assert_eq!(
                word.parse(),
                Ok(Target {
                    kind,
                    name: name.to_owned()
                }),
                "{word}"
            );
        }
        for wrong in ["pod/x", "secret/", "a/b/c"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
