//! Requests to a Service that the API server passes on: its proxy reaches what this machine may not.

use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;

use super::{
    ApiError, LARGEST_PAGE,
    error::{Asked, of_part},
};
use crate::{
    k8s::{Connection, Reply},
    object::{Key, Text, resource::SERVICE},
    plan::permits::{Permit, Verb},
    text::encoded_path,
};

/// The part of a Service to which rights to its proxy apply.
const PROXY: &str = "proxy";

/// A port of a Service, as the API server's proxy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePath {
    /// The namespace.
    pub namespace: Text,
    /// The name of the Service.
    pub name: Text,
    /// The number or the name of its port.
    pub port: Text,
    /// Whether the Service speaks https. The API server does not check its certificate.
    pub https: bool,
}

/// A request to a Service.
#[derive(Debug, Clone)]
pub struct ServiceRequest<'a> {
    /// The method.
    pub method: Method,
    /// The path at the Service, with its leading slash.
    pub path: &'a str,
    /// Its headers. `Authorization` would be the API server's own.
    pub headers: &'a HeaderMap,
    /// Its body, which is JSON.
    pub body: Option<&'a str>,
}

/// The answer of a Service.
#[derive(Debug)]
pub struct ServiceAnswer {
    /// The status.
    pub status: StatusCode,
    /// The complete body.
    pub body: Vec<u8>,
}

impl ServicePath {
    /// The name in paths and in rights (`resourceNames`): `powerdns-api:8081`, `https:powerdns-api:8443`.
    pub fn port_name(&self) -> String {
        let scheme = if self.https { "https:" } else { "" };
        format!("{scheme}{}:{}", self.name, self.port)
    }

    /// The permit to send requests with these verbs: a GET is get, a POST create, a PATCH patch.
    pub fn permit(&self, verbs: &[Verb]) -> Permit {
        Permit::one(verbs, SERVICE, self.namespace.clone(), self.port_name()).part(PROXY)
    }

    /// The path at the API server. All parts are valid names, so that none leaves its segment, and segments that lead
    /// upwards are left out.
    fn at_server(&self, path: &str) -> String {
        let (root, plural) = (SERVICE.root(), SERVICE.plural);
        let segments = path.split('/').filter(|segment| !matches!(*segment, "" | "." | ".."));
        let path = segments.collect::<Vec<_>>().join("/");
        format!(
            "{root}/namespaces/{}/{plural}/{}/{PROXY}/{}",
            self.namespace,
            self.port_name(),
            encoded_path(&path)
        )
    }
}

/// The verb of a right to send requests with a method.
fn verb(method: &Method) -> Verb {
    match *method {
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ => Verb::Get,
    }
}

impl Connection {
    /// Sends one request once to a Service, through the API server. An error is the API server's own refusal: the
    /// right is missing, there is no such Service, or it has no Pod that answers. Whatever the Service answers, 401
    /// included, is an answer, which may have `most` bytes.
    pub async fn ask_service(
        &self,
        service: &ServicePath,
        request: &ServiceRequest<'_>,
        most: usize,
    ) -> Result<ServiceAnswer, ApiError> {
        let path = service.at_server(request.path);
        let body = request.body.map(|body| ("application/json", body.as_bytes()));
        let reply = self
            .exchange_until(
                &request.method,
                &path,
                request.headers,
                body,
                most.min(LARGEST_PAGE),
                |reply| reply.status == StatusCode::UNAUTHORIZED && is_servers(reply),
            )
            .await?;
        if !reply.status.is_success() && is_servers(&reply) {
            let key = Key::new(service.namespace.clone(), service.name.clone());
            let asked = Asked {
                verb: verb(&request.method),
                resource: SERVICE,
                key: &key,
            };
            return Err(of_part(ApiError::of(asked, &reply), PROXY));
        }
        Ok(ServiceAnswer {
            status: reply.status,
            body: reply.body,
        })
    }
}

/// Whether an answer is the API server's own: a Status of Kubernetes.
fn is_servers(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        kind: String,
        api_version: String,
    }
    serde_json::from_slice::<Said>(&reply.body).is_ok_and(|said| said.kind == "Status" && said.api_version == "v1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnose as _;

    fn service() -> ServicePath {
        ServicePath {
            namespace: "dns".into(),
            name: "powerdns-api".into(),
            port: "8081".into(),
            https: false,
        }
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            content_type: "application/json".into(),
            body: body.into(),
        }
    }

    #[test]
    fn the_path_is_the_proxys_and_stays_below_it() {
        assert_eq!(
            service().at_server("/api/v1/servers/localhost/zones/corp.internal."),
            "/api/v1/namespaces/dns/services/powerdns-api:8081/proxy/api/v1/servers/localhost/zones/corp.internal."
        );
        let https = ServicePath {
            https: true,
            port: "api".into(),
            ..service()
        };
        assert_eq!(
            https.at_server("/a b?c"),
            "/api/v1/namespaces/dns/services/https:powerdns-api:api/proxy/a%20b%3Fc"
        );
        let permit = service().permit(&[Verb::Patch]);
        assert_eq!((permit.subresource, permit.namespace.as_str()), (Some("proxy"), "dns"));
    }

    #[test]
    fn the_servers_own_refusals_are_told_from_the_services() {
        let status = |reason: &str, message: &str| {
            serde_json::json!({"kind": "Status", "apiVersion": "v1", "reason": reason, "message": message}).to_string()
        };
        assert!(!is_servers(&reply(401, "Unauthorized")));
        assert!(!is_servers(&reply(422, r#"{"error": "no such zone"}"#)));
        assert!(is_servers(&reply(401, &status("Unauthorized", "Unauthorized"))));
        let key = Key::new("dns", "powerdns-api");
        let asked = Asked {
            verb: Verb::Patch,
            resource: SERVICE,
            key: &key,
        };
        let forbidden = status(
            "Forbidden",
            r#"services "powerdns-api:8081" is forbidden: User "bob" cannot patch resource "services/proxy" in API group "" in the namespace "dns""#,
        );
        let error = of_part(ApiError::of(asked, &reply(403, &forbidden)), PROXY);
        assert!(
            error
                .to_string()
                .starts_with("the right to patch services/proxy in namespace dns is missing"),
            "{error}"
        );
        assert!(
            error
                .hint()
                .unwrap()
                .contains("`kubectl auth can-i patch services --subresource=proxy -n dns`"),
            "{:?}",
            error.hint()
        );
        let none = status(
            "ServiceUnavailable",
            "no endpoints available for service \"powerdns-api:8081\"",
        );
        let error = of_part(ApiError::of(asked, &reply(503, &none)), PROXY);
        assert!(error.to_string().contains("no endpoints available"), "{error}");
    }
}
