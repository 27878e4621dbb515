//! Errors between this program and an API server, each with a hint.

use std::{
    error::Error as StdError,
    io::{self, ErrorKind as K},
    time::Duration,
};

use rustls::CertificateError;

use crate::{
    error::{Blame, Diagnose},
    k8s::decode::DecodeError,
    net::{resolvers_words, says_no_address},
    object::{Kind, Text},
};

/// Why something could not be read from a cluster. The messages fit "failed to read the cluster: ...".
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No connection could be made, or it broke before an answer.
    #[error("cannot reach {server}: {problem}")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// The problem.
        problem: Unreachable,
    },
    /// The certificate of the server was refused, or TLS failed in another way.
    #[error("cannot trust {server}: {problem}")]
    Tls {
        /// The server's URL.
        server: String,
        /// The problem.
        problem: TlsProblem,
    },
    /// 401: there are no credentials, or the server does not know them or no longer accepts them.
    #[error("{server} does not accept the credentials of {user:?}")]
    Unauthorized {
        /// The server's URL.
        server: String,
        /// The user in the kubeconfig.
        user: String,
    },
    /// 403: the server knows the credentials, but a right is missing.
    #[error("{message}")]
    Forbidden {
        /// The missing verb.
        verb: &'static str,
        /// The plural of the resource, as in rights.
        resource: &'static str,
        /// The namespace; `None` for a cluster-wide request.
        namespace: Option<Text>,
        /// The complete message of the server.
        message: String,
    },
    /// Any other refusal.
    #[error("{server} answers {code}{}: {message}", space(reason))]
    Refused {
        /// The server's URL.
        server: String,
        /// The HTTP status.
        code: u16,
        /// The reason, such as `TooManyRequests`.
        reason: String,
        /// The message of the server.
        message: String,
        /// How many seconds the server asks to wait.
        retry_after: Option<u32>,
    },
    /// The answer does not come from a Kubernetes API server, but is a page of a proxy or a login page.
    #[error("{server} answers {code} with {content_type}, not as a Kubernetes API server does")]
    NotKubernetes {
        /// The server's URL.
        server: String,
        /// The HTTP status.
        code: u16,
        /// The Content-Type, or `no content type`.
        content_type: String,
    },
    /// A list was interrupted twice.
    #[error("the list of {} broke off after {read}: {cause}", kind.plural())]
    Interrupted {
        /// The kind.
        kind: Kind,
        /// How many objects had arrived at the last attempt.
        read: usize,
        /// Why it was interrupted.
        cause: String,
    },
    /// The server does not end a list.
    #[error("{server} does not finish the list of {}: {cause}", kind.plural())]
    Endless {
        /// The server's URL.
        server: String,
        /// The kind.
        kind: Kind,
        /// What it sends instead.
        cause: &'static str,
    },
    /// `--request-timeout` has expired.
    #[error("{server} did not answer within {} (--request-timeout)", seconds(*after))]
    Timeout {
        /// The server's URL.
        server: String,
        /// The time limit.
        after: Duration,
    },
    /// The answer cannot be read.
    #[error("cannot read {what} from {server}: {source}")]
    Unreadable {
        /// The server's URL.
        server: String,
        /// The kind of answer that was expected.
        what: &'static str,
        /// Why it cannot be read.
        source: DecodeError,
    },
    /// The server only has versions of the kind that this program does not know.
    #[error("{} are served in unknown versions: {versions}", kind.plural())]
    UnknownVersion {
        /// The kind.
        kind: Kind,
        /// The versions of the server.
        versions: String,
    },
    /// A name or selector cannot be part of a URL.
    #[error("cannot ask for {path:?}")]
    BadRequest {
        /// The path.
        path: String,
    },
    /// The credentials could not be renewed.
    #[error("cannot renew the credentials of {user:?}: {cause}")]
    Credentials {
        /// The user in the kubeconfig.
        user: String,
        /// The cause.
        cause: String,
    },
    /// The receiver of the objects no longer exists. Never shown.
    #[error("the request was abandoned")]
    Stopped,
}

/// Why no connection could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nothing listens at the address.
    #[error("connection refused")]
    Refused,
    /// The host name has no address.
    #[error("its name has no address")]
    Dns,
    /// DNS does not answer whether the name has an address.
    #[error("DNS gave no answer about its name: {0}")]
    DnsSilent(String),
    /// The server did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection was broken.
    #[error("connection broke")]
    Reset,
    /// A proxy refused the connection.
    #[error("the proxy refused: {0}")]
    Proxy(String),
    /// Another cause.
    #[error("{0}")]
    Other(String),
}

/// What is wrong with the certificate of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// It has expired according to this machine's clock.
    #[error("its certificate has expired")]
    Expired,
    /// It is not yet valid according to this machine's clock.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// Its issuer is not a trusted authority.
    #[error("its certificate is signed by an unknown authority")]
    UnknownIssuer,
    /// It is for other hosts.
    #[error("its certificate is for another name")]
    WrongName,
    /// Another problem, in the words of rustls.
    #[error("{0}")]
    Other(String),
}

impl Diagnose for ClusterError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { problem, .. } => match problem {
                Unreachable::Refused => "is the cluster running, and is its address right? `kubectl cluster-info` asks the same server".into(),
                Unreachable::DnsSilent(_) => "check this machine's DNS (/etc/resolv.conf), the network and the VPN, and run it again".into(),
                Unreachable::Dns => "check the server's name in the kubeconfig, the VPN and the DNS".into(),
                Unreachable::Timeout => "check the VPN, the firewall and the proxy; --request-timeout changes how long to wait".into(),
                Unreachable::Reset | Unreachable::Other(_) => "run it again; if the error persists, check the load balancer or proxy in front of the server".into(),
                Unreachable::Proxy(_) => "check proxy-url in the kubeconfig, or HTTPS_PROXY and NO_PROXY".into(),
            },
            Self::Tls { problem, .. } => match problem {
                TlsProblem::Expired => "renew the API server's certificate (kubeadm: `kubeadm certs check-expiration`), or check this machine's clock".into(),
                TlsProblem::NotYetValid => "check this machine's clock and the server's".into(),
                TlsProblem::UnknownIssuer => "name the cluster's authority with --certificate-authority, or fetch a new kubeconfig; a proxy that intercepts TLS causes this too".into(),
                TlsProblem::WrongName => "use a name that the certificate has, or --tls-server-name".into(),
                TlsProblem::Other(_) => "check that the URL is that of an API server, and the proxy in between".into(),
            },
            Self::Unauthorized { user, .. } => format!(
                "log in again as {user:?}: the token or client certificate has expired, or belongs to another cluster (`kubectl auth whoami` asks the same)"
            ),
            Self::Forbidden { verb, resource, namespace, .. } => match namespace {
                Some(namespace) => format!("ask for the right; `kubectl auth can-i {verb} {resource} -n {namespace}` shows when you have it"),
                None => format!("ask for the right, or name a namespace with -n; `kubectl auth can-i {verb} {resource} -A` shows when you have it"),
            },
            Self::Refused { code: 429, .. } => "the server is busy: wait and run it again, or read in chunks with --chunk-size=500".into(),
            Self::Refused { code: 400, .. } => "check --field-selector and -l: a server supports only a few fields, such as metadata.name and metadata.namespace".into(),
            Self::Refused { code: 500.., .. } => "the server has a problem: `kubectl get --raw /readyz?verbose` shows it".into(),
            Self::NotKubernetes { .. } => "check `server` in the kubeconfig and the proxy in between: `kubectl get --raw /version` shows the answer".into(),
            Self::Interrupted { .. } => "read in chunks with --chunk-size=500, or fewer namespaces with -n".into(),
            Self::Endless { .. } => "no API server does that: check the proxies in between; `kubectl get --raw` shows the answer".into(),
            Self::Timeout { .. } => "allow more time with --request-timeout".into(),
            Self::Unreadable { .. } => "a proxy may have changed the answer; `kubectl get --raw` shows it".into(),
            Self::UnknownVersion { .. } => "a newer release of this program may know them".into(),
            Self::Credentials { .. } => "log in again with the kubeconfig's login command".into(),
            Self::Refused { .. } | Self::BadRequest { .. } | Self::Stopped => return None,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

impl ClusterError {
    /// Whether the server as a whole cannot be reached or refuses everything, so that requests for other kinds would
    /// fail too.
    pub fn concerns_everything(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Tls { .. }
                | Self::Unauthorized { .. }
                | Self::NotKubernetes { .. }
                | Self::Timeout { .. }
                | Self::Credentials { .. }
        )
    }

    /// Whether a retry may help: the server is busy, or the connection broke.
    pub(super) fn passing(&self) -> bool {
        match self {
            Self::Refused { code, .. } => matches!(code, 429 | 503 | 504),
            Self::NotKubernetes { code, .. } => matches!(code, 502..=504),
            Self::Unreachable { problem, .. } => *problem == Unreachable::Reset,
            _ => false,
        }
    }

    /// Converts an error of kube, which is classified by its causes.
    pub(super) fn from_kube(server: &str, error: &kube::Error) -> Self {
        let server = server.to_owned();
        match find(error) {
            Found::Tls(problem) => Self::Tls { server, problem },
            Found::Unreachable(problem) => Self::Unreachable { server, problem },
        }
    }
}

enum Found {
    Tls(TlsProblem),
    Unreachable(Unreachable),
}

/// Searches the causes of an error. `source` of an `io::Error` skips the error that it wraps, so that one is examined
/// separately.
fn find(error: &(dyn StdError + 'static)) -> Found {
    let mut words = String::new();
    let (mut kind, mut is_dns) = (None, false);
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Found::Tls(tls_problem(tls));
        }
        words = error.to_string();
        // The innermost cause has the message of the resolver.
        is_dns |= words.contains("dns error") || words.contains("failed to lookup address");
        if words.starts_with("tunnel error") || words.contains("SOCKS") {
            return Found::Unreachable(Unreachable::Proxy(words));
        }
        if words.contains("connection closed before message completed") {
            kind = Some(io::ErrorKind::ConnectionReset);
        }
        next = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            kind = Some(io.kind());
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            }
        }
    }
    if is_dns {
        return Found::Unreachable(of_dns(&words));
    }
    Found::Unreachable(match kind {
        Some(K::ConnectionRefused) => Unreachable::Refused,
        Some(K::TimedOut | K::HostUnreachable | K::NetworkUnreachable) => Unreachable::Timeout,
        Some(K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof) => Unreachable::Reset,
        _ => Unreachable::Other(words),
    })
}

/// Classifies a failed lookup: only an answer of DNS proves that there is no address.
fn of_dns(words: &str) -> Unreachable {
    if says_no_address(words) {
        return Unreachable::Dns;
    }
    Unreachable::DnsSilent(resolvers_words(words).to_owned())
}

fn tls_problem(error: &rustls::Error) -> TlsProblem {
    match error {
        rustls::Error::InvalidCertificate(e) => match e {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsProblem::NotYetValid,
            // A cluster that was created again has an authority with the same name and another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsProblem::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::WrongName
            }
            other => TlsProblem::Other(other.to_string()),
        },
        other => TlsProblem::Other(other.to_string()),
    }
}

fn space(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" {reason}")
    }
}

fn seconds(after: Duration) -> String {
    humantime::format_duration(after).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_address_is_told_from_dns_that_gives_no_answer() {
        let of = |words: &str| {
            let inner = io::Error::other(format!("failed to lookup address information: {words}"));
            let error = io::Error::other(inner);
            match find(&error) {
                Found::Unreachable(problem) => problem,
                Found::Tls(_) => panic!("{words}"),
            }
        };
        assert_eq!(of("Name or service not known"), Unreachable::Dns);
        assert_eq!(
            of("Temporary failure in name resolution").to_string(),
            "DNS gave no answer about its name: Temporary failure in name resolution"
        );
    }
}
