//! The manifest of which each host gets an object of its own: what an operator may write there, and what becomes of it for a host.
//! Pure: a text becomes a template, and a template an object.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::object::{
    annotation::TLS_ACME,
    resource::{HTTPROUTE, INGRESS, INGRESSROUTE, Resource},
};

/// The largest template in bytes. There is an object of that size for each host.
pub const LARGEST: usize = 16 << 10;
/// The kinds of which there may be one.
const KINDS: [Resource; 3] = [INGRESS, HTTPROUTE, INGRESSROUTE];
/// What stands for the host, its tenant and its Secret.
const HOST: &str = "{host}";
const TENANT: &str = "{tenant}";
const SECRET: &str = "{secret}";

/// A manifest in which a host is still to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The kind of object.
    pub resource: Resource,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    spec: Value,
}

/// What stands in the places of a template. None of them has characters that mean anything in a rule.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The host.
    pub host: &'a str,
    /// Whose it is.
    pub tenant: &'a str,
    /// The name of the Secret with its certificate.
    pub secret: &'a str,
}

/// Why a text is no template. The message fits "the template ...", and may quote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template {0}")]
pub struct BadTemplate(String);

fn bad(text: impl Into<String>) -> BadTemplate {
    BadTemplate(text.into())
}

impl Template {
    /// Reads a template: one manifest of an Ingress, an `HTTPRoute` or an `IngressRoute`, without a name and a namespace, which the
    /// controller gives it.
    ///
    /// # Errors
    ///
    /// It is too large or no such manifest, it is about another host or every host, or it asks for a certificate.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > LARGEST {
            return Err(bad(format!("has more than {} KiB", LARGEST >> 10)));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: 32, max_documents: 1, },
            with_snippet: false,
        };
        let mut manifest: Value = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| bad(format!("is no YAML of one object: {error}")))?;
        let word = |field: &str| manifest[field].as_str().unwrap_or_default();
        let (version, kind) = (word("apiVersion"), word("kind"));
        let resource = KINDS
            .into_iter()
            .find(|one| one.api_version() == version && one.kind == kind)
            .ok_or_else(|| {
                let known = KINDS.map(|one| format!("{} ({})", one.kind, one.api_version()));
                bad(format!(
                    "is a {kind:?} of {version:?}, and has to be one of {}",
                    known.join(", ")
                ))
            })?;
        only(&manifest, "", &["apiVersion", "kind", "metadata", "spec"])?;
        only(&manifest["metadata"], "metadata.", &["labels", "annotations"])?;
        let labels = texts(&mut manifest["metadata"], "labels")?;
        let annotations = texts(&mut manifest["metadata"], "annotations")?;
        if let Some(own) = labels.keys().chain(annotations.keys()).find(|key| is_taken(key)) {
            return Err(bad(format!(
                "sets {own}: labels and annotations by which objects are claimed or certificates are asked for are not for a template"
            )));
        }
        let spec = manifest["spec"].take();
        let template = Self {
            resource,
            labels,
            annotations,
            spec,
        };
        let all = json!([template.labels, template.annotations, template.spec]);
        if let Some(unknown) = unknown(&all) {
            return Err(bad(format!(
                "has {unknown}, and there are {HOST}, {TENANT} and {SECRET}"
            )));
        }
        template.is_about_its_host()?;
        Ok(template)
    }

    /// What leads requests of another host, or of every host, is no template: one customer would take them from all others.
    fn is_about_its_host(&self) -> Result<(), BadTemplate> {
        let (list, field) = match self.resource.kind {
            "Ingress" => ("rules", "host"),
            "IngressRoute" => ("routes", "match"),
            _ => ("hostnames", ""),
        };
        if !self.spec["defaultBackend"].is_null() {
            return Err(bad("has spec.defaultBackend, which takes the requests of all hosts"));
        }
        let entries = self.spec[list].as_array().filter(|all| !all.is_empty());
        let entries = entries.ok_or_else(|| bad(format!("has no spec.{list}")))?;
        for (at, entry) in entries.iter().enumerate() {
            let said = if field.is_empty() { entry } else { &entry[field] };
            let said = said.as_str().unwrap_or_default();
            let is_its = match self.resource.kind {
                "IngressRoute" => said.contains(&format!("Host(`{HOST}`)")) && !said.contains("||"),
                _ => said == HOST,
            };
            if !is_its {
                let place = if field.is_empty() {
                    String::new()
                } else {
                    format!(".{field}")
                };
                let wanted = if self.resource.kind == "IngressRoute" {
                    "Host(`{host}`), and more only with &&"
                } else {
                    HOST
                };
                return Err(bad(format!(
                    "has spec.{list}[{at}]{place} {said:?}, and it has to be {wanted}"
                )));
            }
        }
        Ok(())
    }

    /// The labels, the annotations and the `spec` of the object of a host, as fields of an object.
    pub fn filled(&self, filling: Filling<'_>) -> Value {
        let mut object = json!({
            "metadata": {"labels": self.labels, "annotations": self.annotations}, "spec": self.spec,
        });
        fill(&mut object, filling);
        object
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.kind)
    }
}

/// Whether an object has all that is wanted of it: what a server adds to it is no difference. Lists are the same one by one.
pub fn has_all(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| present.get(key).is_some_and(|there| has_all(there, value))),
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len() && present.iter().zip(wanted).all(|(there, value)| has_all(there, value))
        }
        (present, wanted) => present == wanted,
    }
}

/// Whether a label or an annotation is this program's, or asks for a certificate.
fn is_taken(key: &str) -> bool {
    let group = key.split_once('/').map_or("", |(group, _)| group);
    key == TLS_ACME
        || key == "app.kubernetes.io/managed-by"
        || ["kubectl-certs.io", "cert-manager.io", "acme.cert-manager.io"].contains(&group)
}

fn only(value: &Value, place: &str, fields: &[&str]) -> Result<(), BadTemplate> {
    match value {
        Value::Null => Ok(()),
        Value::Object(all) => match all.keys().find(|key| !fields.contains(&key.as_str())) {
            None => Ok(()),
            Some(other) => Err(bad(format!(
                "has {place}{other}, which the controller sets or which has no meaning here"
            ))),
        },
        _ => Err(bad(format!("has a {} that is no mapping", place.trim_end_matches('.')))),
    }
}

/// A mapping of texts.
fn texts(metadata: &mut Value, field: &str) -> Result<Map<String, Value>, BadTemplate> {
    match metadata.get_mut(field).map(Value::take) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(all)) if all.values().all(Value::is_string) => Ok(all),
        Some(_) => Err(bad(format!("has metadata.{field} that are no texts"))),
    }
}

/// The first word in braces that stands for nothing.
fn unknown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let words = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
            let mut words = words.map(|(word, _)| word);
            let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
            let known = ["host", "tenant", "secret"];
            words
                .find(|word| is_word(word) && !known.contains(word))
                .map(|word| format!("{{{word}}}"))
        }
        Value::Array(all) => all.iter().find_map(unknown),
        Value::Object(all) => all.values().find_map(unknown),
        _ => None,
    }
}

fn fill(value: &mut Value, filling: Filling<'_>) {
    match value {
        Value::String(text) if text.contains('{') => {
            *text = text
                .replace(HOST, filling.host)
                .replace(TENANT, filling.tenant)
                .replace(SECRET, filling.secret);
        }
        Value::Array(all) => all.iter_mut().for_each(|one| fill(one, filling)),
        Value::Object(all) => all.values_mut().for_each(|one| fill(one, filling)),
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A template of Traefik's own kind.
    pub(crate) const ROUTE: &str = "
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  labels: {team: '{tenant}'}
spec:
  entryPoints: [websecure]
  routes:
  - match: Host(`{host}`) && PathPrefix(`/`)
    kind: Rule
    middlewares: [{name: '{tenant}-limits'}]
    services: [{name: app, port: 80}]
  tls: {secretName: '{secret}'}
";

    fn filled(text: &str) -> Value {
        Template::parse(text).unwrap().filled(Filling {
            host: "www.example.com",
            tenant: "shop",
            secret: "domain-www.example.com",
        })
    }

    #[test]
    fn each_place_gets_what_stands_for_it_and_nothing_else_changes() {
        let object = filled(ROUTE);
        assert_eq!(object["metadata"]["labels"]["team"], "shop");
        let spec = &object["spec"];
        assert_eq!(spec["routes"][0]["match"], "Host(`www.example.com`) && PathPrefix(`/`)");
        assert_eq!(spec["routes"][0]["middlewares"][0]["name"], "shop-limits");
        assert_eq!(spec["tls"]["secretName"], "domain-www.example.com");
        assert_eq!(spec["routes"][0]["services"], json!([{"name": "app", "port": 80}]));
    }

    #[test]
    fn all_three_kinds_are_taken() {
        for text in [
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {rules: [{host: '{host}'}], tls: [{hosts: ['{host}'], secretName: \
             '{secret}'}]}}",
            "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, spec: {hostnames: ['{host}'], parentRefs: [{name: edge}]}}",
        ] {
            assert!(filled(text).to_string().contains("www.example.com"), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused_with_the_place() {
        let ingress = |rest: &str| format!("{{apiVersion: networking.k8s.io/v1, kind: Ingress, {rest}}}");
        let rule = "spec: {rules: [{host: '{host}'}]}";
        for (text, why) in [
            ("a: [".to_owned(), "is no YAML"),
            ("{}\n---\n{}\n".to_owned(), "is no YAML"),
            ("{apiVersion: v1, kind: Secret}".to_owned(), "one of Ingress"),
            (ingress("spec: {}"), "has no spec.rules"),
            (ingress(&format!("status: {{}}, {rule}")), "has status"),
            (ingress(&format!("metadata: {{name: a}}, {rule}")), "has metadata.name"),
            (ingress(&format!("metadata: {{labels: {{a: 1}}}}, {rule}")), "no texts"),
            (
                ingress(&format!(
                    "metadata: {{annotations: {{kubernetes.io/tls-acme: 'true'}}}}, {rule}"
                )),
                "tls-acme",
            ),
            (
                ingress(&format!(
                    "metadata: {{annotations: {{cert-manager.io/issuer: a}}}}, {rule}"
                )),
                "cert-manager.io",
            ),
            (
                ingress(&format!(
                    "metadata: {{labels: {{kubectl-certs.io/purpose: a}}}}, {rule}"
                )),
                "kubectl-certs.io",
            ),
            (
                ingress("spec: {rules: [{host: '{host}'}, {http: {}}]}"),
                "spec.rules[1].host",
            ),
            (ingress("spec: {rules: [{host: '*.{host}'}]}"), "spec.rules[0].host"),
            (
                ingress("spec: {defaultBackend: {}, rules: [{host: '{host}'}]}"),
                "all hosts",
            ),
            (
                ingress("spec: {ingressClassName: '{class}', rules: [{host: '{host}'}]}"),
                "{class}",
            ),
            (
                ROUTE.replace("&& PathPrefix(`/`)", "|| PathPrefix(`/`)"),
                "spec.routes[0].match",
            ),
            (ROUTE.replace("Host(`{host}`) && ", ""), "spec.routes[0].match"),
            (format!("{ROUTE}# {}", "x".repeat(LARGEST)), "16 KiB"),
        ] {
            let error = Template::parse(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_a_server_adds_is_no_difference_and_what_somebody_changes_is() {
        let wanted = json!({"spec": {"rules": [{"host": "a"}], "x": 1}});
        let added = json!({"spec": {"rules": [{"host": "a", "pathType": "Exact"}], "x": 1, "y": {}}, "status": {}});
        assert!(has_all(&added, &wanted));
        for other in [
            json!({"spec": {"rules": [{"host": "b"}], "x": 1}}),
            json!({"spec": {"rules": [{"host": "a"}, {"host": "b"}], "x": 1}}),
            json!({"spec": {"rules": [{"host": "a"}]}}),
        ] {
            assert!(!has_all(&other, &wanted), "{other}");
        }
    }
}
