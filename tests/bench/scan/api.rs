//! Writes to the API server, many at once.

use std::path::Path;

use futures_util::{StreamExt as _, stream};
use http::{Request, header::CONTENT_TYPE};
use kubectl_certs::k8s::{ConnectOptions, connect};
use serde_json::{Value, json};

use super::{Result, say};

/// How many requests run at the same time.
const AT_ONCE: usize = 24;
/// How long one request may take.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(2);
/// How long a namespace may take to go.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// A client of the API server that the kubeconfig names.
#[derive(Clone)]
pub(crate) struct Api(kube::Client);

impl Api {
    pub(crate) async fn new() -> Result<Self> {
        Self::of(None).await
    }

    /// A client of another API server, whose kubeconfig this is.
    pub(crate) async fn of(kubeconfig: Option<&Path>) -> Result<Self> {
        let options = ConnectOptions {
            kubeconfig: kubeconfig.map(Path::to_owned),
            ..ConnectOptions::default()
        };
        Ok(Self(connect(&options).await?.client))
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<String> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, kind)
            .body(body)?;
        let answer = tokio::time::timeout(LONGEST, self.0.request_text(request)).await;
        let answer = answer.map_err(|_| format!("{method} {path}: no answer"))?;
        answer.map_err(|error| format!("{method} {path}: {error}").into())
    }

    /// Creates what `make` makes for each number: pairs of a path and an object.
    pub(crate) async fn create_all<F>(&self, numbers: std::ops::Range<usize>, make: F) -> Result<()>
    where
        F: Fn(usize) -> Result<Vec<(String, Value)>> + Clone + Send + 'static,
    {
        self.all("POST", numbers, make).await
    }

    /// Merges what `make` makes for each number into what is there: pairs of a path and a patch.
    #[allow(
        dead_code,
        reason = "the bench of the controller needs it, and that of scans does not"
    )]
    pub(crate) async fn patch_all<F>(&self, numbers: std::ops::Range<usize>, make: F) -> Result<()>
    where
        F: Fn(usize) -> Result<Vec<(String, Value)>> + Clone + Send + 'static,
    {
        self.all("PATCH", numbers, make).await
    }

    async fn all<F>(&self, method: &'static str, numbers: std::ops::Range<usize>, make: F) -> Result<()>
    where
        F: Fn(usize) -> Result<Vec<(String, Value)>> + Clone + Send + 'static,
    {
        let mut running = stream::iter(numbers)
            .map(|number| {
                let (api, make) = (self.clone(), make.clone());
                tokio::spawn(async move {
                    for (path, object) in make(number)? {
                        api.send(method, &path, Some(&object)).await?;
                    }
                    Ok(())
                })
            })
            .buffer_unordered(AT_ONCE);
        while let Some(done) = running.next().await {
            let result: Result<()> = done?;
            result?;
        }
        Ok(())
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<()> {
        self.send("POST", path, Some(object)).await.map(drop)
    }

    pub(crate) async fn version(&self) -> Result<String> {
        let version: Value = serde_json::from_str(&self.send("GET", "/version", None).await?)?;
        Ok(version["gitVersion"].as_str().unwrap_or("unknown").to_owned())
    }

    /// Deletes the namespaces and the class of a bench, and waits until they are gone. What is not there is fine.
    pub(crate) async fn clear(&self, namespaces: &[String], class: &str) -> Result<()> {
        let options = &json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        let class = format!("/apis/networking.k8s.io/v1/ingressclasses/{class}");
        if let Err(error) = self.send("DELETE", &class, None).await
            && !error.to_string().contains("NotFound")
        {
            return Err(error);
        }
        // Collections at once are faster than the namespace controller, which takes one namespace's after another's.
        let clear = |namespace: String| async move {
            let path = format!("/api/v1/namespaces/{namespace}");
            if self.send("GET", &path, None).await.is_err() {
                return Ok(());
            }
            for collection in [
                format!("/api/v1/namespaces/{namespace}/secrets"),
                format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"),
            ] {
                // A collection of thousands may take longer than the server grants; the controller finishes it.
                let _ = self.send("DELETE", &collection, Some(options)).await;
            }
            // 409: it is going already.
            if let Err(error) = self.send("DELETE", &path, Some(options)).await
                && !error.to_string().contains("Conflict")
            {
                return Err(error);
            }
            let begin = std::time::Instant::now();
            while self.send("GET", &path, None).await.is_ok() {
                if begin.elapsed() > PATIENCE {
                    return Err(format!("{namespace} does not go away").into());
                }
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            Result::Ok(())
        };
        let mut running = stream::iter(namespaces.iter().cloned()).map(clear).buffer_unordered(4);
        while let Some(done) = running.next().await {
            done?;
        }
        say("the cluster is as it was");
        Ok(())
    }
}
