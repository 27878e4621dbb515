//! The objects of a bench: so many TLS Secrets, Ingresses that name them, and as many bytes of Helm releases.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Result,
    api::Api,
    pki::{Issued, Leaf, Pki},
    say,
};

/// More than ten, as any cluster of this size has.
const NAMESPACES: usize = 20;
/// Of a controller that Traefik's testbed leaves alone.
pub(crate) const CLASS: &str = "bench-nginx";
/// Of 20 routes one has a defect, and one an RSA key.
const EVERY: usize = 20;
const RSA_AT: usize = 10;

/// What is wrong with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    Expired,
    Mismatch,
    NoSecret,
    WrongKey,
    NoIntermediate,
}

impl Defect {
    pub(crate) const ALL: [Self; 5] = [
        Self::Expired,
        Self::Mismatch,
        Self::NoSecret,
        Self::WrongKey,
        Self::NoIntermediate,
    ];

    /// The finding that says so.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Expired => "Expired",
            Self::Mismatch => "HostMismatch",
            Self::NoSecret => "SecretNotFound",
            Self::WrongKey => "InvalidKeyPair",
            Self::NoIntermediate => "MissingIntermediate",
        }
    }

    /// That of the route of a number.
    pub(crate) fn of(number: usize) -> Option<Self> {
        number
            .is_multiple_of(EVERY)
            .then(|| Self::ALL[number / EVERY % Self::ALL.len()])
    }
}

/// How many RSA keys so many routes take.
pub(crate) fn rsa_keys(routes: usize) -> usize {
    routes.div_ceil(EVERY)
}

pub(crate) fn namespaces() -> Vec<String> {
    (0..NAMESPACES).map(namespace).collect()
}

fn namespace(number: usize) -> String {
    format!("bench-{:02}", number % NAMESPACES)
}

pub(crate) fn host(number: usize) -> String {
    format!("web-{number}.team-{:02}.example", number % NAMESPACES)
}

/// What the Secrets are made from.
pub(crate) struct Material {
    pub(crate) pki: Pki,
    pub(crate) rsa: Vec<String>,
}

impl Material {
    /// The pair of a route; `None` where its Secret is to be missing.
    pub(crate) fn pair(&self, number: usize) -> Result<Option<(String, String)>> {
        let defect = Defect::of(number);
        if defect == Some(Defect::NoSecret) {
            return Ok(None);
        }
        let host = if defect == Some(Defect::Mismatch) {
            format!("old-{number}.example")
        } else {
            host(number)
        };
        let rsa = (number % EVERY == RSA_AT)
            .then(|| self.rsa.get(number / EVERY))
            .flatten();
        let Issued {
            leaf,
            intermediate,
            key,
        } = self.pki.issue(&Leaf {
            host: &host,
            rsa: rsa.map(String::as_str),
            expired: defect == Some(Defect::Expired),
            issuer: number,
        })?;
        let key = if defect == Some(Defect::WrongKey) {
            Pki::other_key()?
        } else {
            key
        };
        let chain = if defect == Some(Defect::NoIntermediate) {
            leaf
        } else {
            leaf + &intermediate
        };
        Ok(Some((chain, key)))
    }
}

/// The Secret of a route as the API server takes and gives it.
pub(crate) fn secret(number: usize, chain: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": format!("web-{number}-tls"), "namespace": namespace(number)},
        "data": {"tls.crt": STANDARD.encode(chain), "tls.key": STANDARD.encode(key)},
    })
}

pub(crate) fn ingress(number: usize) -> Value {
    let host = host(number);
    let backend = json!({"service": {"name": format!("web-{number}"), "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": format!("web-{number}"), "namespace": namespace(number), "labels": {"app": "web"}},
        "spec": {
            "ingressClassName": CLASS,
            "tls": [{"hosts": [host], "secretName": format!("web-{number}-tls")}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

/// A Helm release: base64 of what cannot be compressed, 60 to 80 KB.
fn helm(number: usize) -> Result<Value> {
    let size = 60_000 + number * 7_919 % 20_000;
    let mut bytes = vec![0; size * 3 / 4];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers are to be had")?;
    let name = format!("sh.helm.release.v1.app-{number}.v1");
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": name, "namespace": namespace(number), "labels": {"owner": "helm"}},
        "data": {"release": STANDARD.encode(STANDARD.encode(bytes))},
    }))
}

/// How many Helm releases have the bytes of so many TLS Secrets, which have some 4 KB each.
fn helm_releases(routes: usize) -> usize {
    routes * 4 / 70
}

/// The namespaces and the class.
pub(crate) async fn prepare(api: &Api) -> Result<()> {
    for name in namespaces() {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        api.create("/api/v1/namespaces", &object).await?;
    }
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": CLASS}, "spec": {"controller": "k8s.io/ingress-nginx"},
    });
    api.create("/apis/networking.k8s.io/v1/ingressclasses", &class).await
}

/// Adds routes, up to so many.
pub(crate) async fn grow(api: &Api, material: &Arc<Material>, from: usize, to: usize) -> Result<()> {
    say(&format!("writing the routes {from} to {to}"));
    let begin = std::time::Instant::now();
    let material = Arc::clone(material);
    let make = move |number: usize| {
        let path = |group: &str, kind: &str| format!("{group}/namespaces/{}/{kind}", namespace(number));
        let mut objects = Vec::with_capacity(2);
        if let Some((chain, key)) = material.pair(number)? {
            objects.push((path("/api/v1", "secrets"), secret(number, &chain, &key)));
        }
        objects.push((path("/apis/networking.k8s.io/v1", "ingresses"), ingress(number)));
        Ok(objects)
    };
    api.create_all(from..to, make).await?;
    let helm_path = |number| format!("/api/v1/namespaces/{}/secrets", namespace(number));
    api.create_all(helm_releases(from)..helm_releases(to), move |number| {
        Ok(vec![(helm_path(number), helm(number)?)])
    })
    .await?;
    say(&format!("written in {:.0} s", begin.elapsed().as_secs_f64()));
    Ok(())
}
