//! `service://NAMESPACE/NAME:PORT`: the URL of an API that is a Service of the cluster, which the API server reaches for
//! this program.

use std::fmt;

use crate::{
    k8s::ServicePath,
    plan::permits::{Permit, Verb},
    settings::value::is_name,
};

/// How such a URL begins.
const SCHEME: &str = "service://";
/// The form of such a URL, for errors.
const FORM: &str = "write service://NAMESPACE/NAME:PORT, service://NAMESPACE/https:NAME:PORT, or the same with a path";

/// The URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceUrl {
    pub(super) service: ServicePath,
    /// The path of the API at the Service, with its leading slash and without one at the end; empty without a path.
    pub(super) path: String,
}

impl ServiceUrl {
    /// Reads a URL; `None` if it has another scheme. The error says what is wrong, and quotes nothing: a credential may
    /// be in the wrong place.
    pub(super) fn read(url: &str) -> Option<Result<Self, String>> {
        let rest = url.trim().strip_prefix(SCHEME)?;
        Some(parse(rest).map_err(|wrong| format!("{wrong}: {FORM}")))
    }

    /// The permit to ask the API with these verbs.
    pub(super) fn permit(&self, verbs: &[Verb]) -> Permit {
        self.service.permit(verbs)
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, path } = self;
        write!(f, "{SCHEME}{}/{}{path}", service.namespace, service.port_name())
    }
}

fn parse(rest: &str) -> Result<ServiceUrl, &'static str> {
    if rest.contains(['?', '#']) {
        return Err("the URL of a Service has no query");
    }
    if rest.contains('@') {
        return Err("the URL of a Service has no user name");
    }
    let mut parts = rest.splitn(3, '/');
    let namespace = parts.next().unwrap_or_default();
    let target = parts.next().unwrap_or_default();
    let path = parts.next().unwrap_or_default().trim_end_matches('/');
    if namespace.is_empty() {
        return Err("the URL of a Service lacks the namespace");
    }
    if target.is_empty() {
        return Err("the URL of a Service lacks its name");
    }
    if !is_name(namespace) {
        return Err("what the URL of a Service begins with is not the name of a namespace");
    }
    let (https, target) = match target.strip_prefix("https:") {
        Some(target) => (true, target),
        None => (false, target.strip_prefix("http:").unwrap_or(target)),
    };
    let (name, port) = target.split_once(':').ok_or("the URL of a Service lacks its port")?;
    if !is_name(name) || name.contains('.') {
        return Err("what stands before the port is not the name of a Service");
    }
    if !is_port(port) {
        return Err("what stands after the name of the Service is neither the number nor the name of a port");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("the path at the Service leads out of it");
    }
    Ok(ServiceUrl {
        service: ServicePath {
            namespace: namespace.into(),
            name: name.into(),
            port: port.into(),
            https,
        },
        path: if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        },
    })
}

/// Whether a text is the number or the name of a port (RFC 6335, section 5.1).
fn is_port(text: &str) -> bool {
    let is_number = || text.parse::<u16>().is_ok_and(|port| port != 0) && text.bytes().all(|b| b.is_ascii_digit());
    let is_word = || {
        (1..=15).contains(&text.len())
            && is_name(text)
            && !text.contains('.')
            && text.bytes().any(|b| b.is_ascii_lowercase())
    };
    is_number() || is_word()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_namespace_name_and_port() {
        for (url, shown, path) in [
            ("service://dns/powerdns-api:8081", "service://dns/powerdns-api:8081", ""),
            (
                "service://dns/powerdns-api:8081/",
                "service://dns/powerdns-api:8081",
                "",
            ),
            ("service://dns/http:pdns:api", "service://dns/pdns:api", ""),
            (
                "service://dns/https:pdns:8443/base/v1/",
                "service://dns/https:pdns:8443/base/v1",
                "/base/v1",
            ),
        ] {
            let read = ServiceUrl::read(url).unwrap().unwrap();
            assert_eq!((read.to_string().as_str(), read.path.as_str()), (shown, path), "{url}");
        }
        assert!(ServiceUrl::read("https://pdns.corp.internal:8081").is_none());
    }

    #[test]
    fn a_wrong_form_says_exactly_what_is_wrong_and_quotes_nothing() {
        for (url, wrong) in [
            ("service://", "lacks the namespace"),
            ("service:///pdns:8081", "lacks the namespace"),
            ("service://pdns:8081", "lacks its name"),
            ("service://dns", "lacks its name"),
            ("service://dns/pdns", "lacks its port"),
            ("service://dns/pdns:", "neither the number nor the name of a port"),
            ("service://dns/pdns:0", "neither the number nor the name of a port"),
            ("service://dns/pdns:70000", "neither the number nor the name of a port"),
            ("service://dns/pdns.dns.svc:8081", "is not the name of a Service"),
            ("service://DNS/pdns:8081", "is not the name of a namespace"),
            ("service://dns/pdns:8081/../../secrets", "leads out of it"),
            ("service://dns/pdns:8081?key=s3cret", "has no query"),
            ("service://me:s3cret@dns/pdns:8081", "has no user name"),
        ] {
            let error = ServiceUrl::read(url).unwrap().unwrap_err();
            assert!(error.contains(wrong) && error.contains(FORM), "{url}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
