//! Bearer tokens: given directly, in a file, or from the login plugin of the kubeconfig.
//!
//! This replaces kube's own code, which runs a plugin three times to connect, treats `IfAvailable` as interactive
//! without checking for a terminal, and rejects a token file that ends in a newline. Other credentials are left to
//! kube.

use std::{
    io::{IsTerminal, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::Engine;
use http::{HeaderValue, Request, header::AUTHORIZATION};
use kube::{
    client::Body,
    config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::problem::ConnectError;
use crate::file::{self, ReadError};

/// Reads a token file without blocking other tasks.
async fn token(path: &str) -> Result<SecretString, ReadError> {
    let path = std::path::PathBuf::from(path);
    let read = tokio::task::spawn_blocking(move || file::read_text(&path, file::SMALL));
    let text = read
        .await
        .map_err(|error| ReadError::Io(std::io::Error::other(error)))??;
    Ok(text.as_str().into())
}

/// How long a plugin may run: a login in the browser takes its time, but there has to be a limit.
const PLUGIN_TIMEOUT: Duration = Duration::from_mins(5);
/// The age after which a token file is read again, as in client-go.
const FILE_AGE: Duration = Duration::from_mins(1);
/// A token younger than this is not requested again.
const FRESH: Duration = Duration::from_secs(10);
/// The largest answer of a plugin in bytes; a usual one has a few kilobytes.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Whether the terminal shows the screen, so that a plugin may neither write to it nor read from it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Records whether the terminal shows the screen. Login plugins that run meanwhile get no access to it.
pub fn terminal_is_taken(taken: bool) {
    TAKEN.store(taken, Ordering::Relaxed);
}

/// The source of the bearer token, and the token in use.
pub(super) struct Credential {
    source: Source,
    user: String,
    header: RwLock<Option<HeaderValue>>,
    held: tokio::sync::Mutex<Held>,
}

/// The header, and the time during which it is valid.
#[derive(Clone, Copy)]
struct Held {
    since: Instant,
    until: Option<Instant>,
}

impl Held {
    fn until(until: Option<Instant>) -> Self {
        Self {
            since: Instant::now(),
            until,
        }
    }

    /// Whether it must be renewed. A token that is refused right after it was obtained is not outdated: requesting
    /// another would only run the plugin once for each request in progress.
    fn over(self, refused: bool) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until) || (refused && self.since.elapsed() > FRESH)
    }
}

enum Source {
    /// No token, or one that never changes.
    Fixed,
    File(String),
    Plugin(Box<ExecConfig>),
}

/// The answer of a plugin.
struct Login {
    token: Option<SecretString>,
    certificate: Option<(String, SecretString)>,
    until: Option<Instant>,
}

impl Credential {
    /// Takes the credentials that this module handles out of `auth`, so that kube does not handle them too, and runs
    /// the login plugin.
    pub(super) async fn take(
        user: &str,
        auth: &mut AuthInfo,
        cluster: &Cluster,
        token_first: bool,
    ) -> Result<Self, ConnectError> {
        let none = Self {
            source: Source::Fixed,
            user: user.to_owned(),
            header: RwLock::default(),
            held: tokio::sync::Mutex::new(Held::until(None)),
        };
        let file = auth.token_file.take().filter(|path| !path.is_empty());
        let token = auth.token.take().filter(|t| !t.expose_secret().trim().is_empty());
        let exec = auth.exec.take();
        // client-go permits line breaks in base64, kube does not.
        let joined = |text: &str| text.split_whitespace().collect::<String>();
        auth.client_certificate_data = auth.client_certificate_data.take().map(|text| joined(&text));
        auth.client_key_data = auth
            .client_key_data
            .take()
            .map(|text| joined(text.expose_secret()).into());
        if let (Some(path), false) = (file, token_first) {
            let credential = Self {
                source: Source::File(path),
                ..none
            };
            credential.renew(false).await?;
            return Ok(credential);
        }
        if let Some(token) = token {
            none.set(Some(token))?;
            return Ok(none);
        }
        let Some(mut exec) = exec else { return Ok(none) };
        if exec.provide_cluster_info {
            let known = ExecAuthCluster::try_from(cluster);
            exec.cluster = Some(known.map_err(|e| ConnectError::BadCredentials {
                user: user.to_owned(),
                cause: e.to_string(),
            })?);
        }
        let login = run(user, &exec).await?;
        if let Some((certificate, key)) = login.certificate {
            let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
            auth.client_certificate_data = Some(encode(&certificate));
            auth.client_key_data = Some(encode(key.expose_secret()).into());
        }
        let held = tokio::sync::Mutex::new(Held::until(login.until));
        let credential = Self {
            source: Source::Plugin(Box::new(exec)),
            held,
            ..none
        };
        credential.set(login.token)?;
        Ok(credential)
    }

    /// Ensures that the token is valid: reads the file or runs the plugin again if the token is outdated, or if
    /// `refused` says that the server no longer accepts it. Returns whether there is a new token.
    pub(super) async fn renew(&self, refused: bool) -> Result<bool, ConnectError> {
        if matches!(self.source, Source::Fixed) {
            return Ok(false);
        }
        let before = self.header();
        let mut held = self.held.lock().await;
        // A caller that waited for the lock finds the token that another request has obtained.
        if self.header() != before {
            return Ok(true);
        }
        if before.is_some() && !held.over(refused) {
            return Ok(false);
        }
        match &self.source {
            Source::Fixed => {}
            // The file may just be being replaced: the old token is better than none.
            Source::File(path) => match token(path).await {
                Ok(text) => {
                    *held = Held::until(Some(Instant::now() + FILE_AGE));
                    self.set(Some(text))?;
                }
                Err(_) if before.is_some() => {}
                Err(e) => {
                    let cause = format!("cannot read {path}: {e}");
                    return Err(ConnectError::BadCredentials {
                        user: self.user.clone(),
                        cause,
                    });
                }
            },
            // If a plugin returned a certificate, there is no token to renew, and kube's connector keeps the
            // certificate.
            Source::Plugin(_) if before.is_none() => {}
            Source::Plugin(exec) => {
                let login = run(&self.user, exec).await?;
                *held = Held::until(login.until);
                self.set(login.token)?;
            }
        }
        Ok(self.header() != before)
    }

    fn set(&self, token: Option<SecretString>) -> Result<(), ConnectError> {
        let header = token.map(|token| self.bearer(token.expose_secret())).transpose()?;
        *self.header.write().unwrap_or_else(PoisonError::into_inner) = header;
        Ok(())
    }

    fn bearer(&self, token: &str) -> Result<HeaderValue, ConnectError> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| ConnectError::BadCredentials {
                user: self.user.clone(),
                cause: "the token has characters that a header cannot have".into(),
            })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn header(&self) -> Option<HeaderValue> {
        self.header.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Adds the current token to each request.
pub(super) struct Authorize<S> {
    inner: S,
    credential: Arc<Credential>,
}

impl Authorize<()> {
    pub(super) fn layer(credential: &Arc<Credential>) -> AuthorizeLayer {
        AuthorizeLayer(Arc::clone(credential))
    }
}

/// The layer that adds [`Authorize`].
pub(super) struct AuthorizeLayer(Arc<Credential>);

impl<S> tower::Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize {
            inner,
            credential: Arc::clone(&self.0),
        }
    }
}

impl<S: tower::Service<Request<Body>>> tower::Service<Request<Body>> for Authorize<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        if let Some(header) = self.credential.header() {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        self.inner.call(request)
    }
}

#[derive(Deserialize)]
struct Answer {
    status: Option<AnswerStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AnswerStatus {
    token: Option<SecretText>,
    expiration_timestamp: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretText>,
}

struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// Runs the plugin once. It inherits standard error, as in kubectl, and standard input only if it may interact.
async fn run(user: &str, exec: &ExecConfig) -> Result<Login, ConnectError> {
    let (user, command) = (user.to_owned(), exec.command.clone().unwrap_or_default());
    let failed = |cause: String| ConnectError::PluginFailed {
        command: command.clone(),
        user: user.clone(),
        cause,
    };
    let taken = TAKEN.load(Ordering::Relaxed);
    let terminal = !taken && std::io::stdin().is_terminal();
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !terminal => {
            return Err(ConnectError::PluginNeedsTerminal { command, user });
        }
        _ => terminal,
    };
    let mut plugin = Command::new(&command);
    plugin.args(exec.args.iter().flatten());
    plugin.envs(
        exec.env
            .iter()
            .flatten()
            .filter_map(|e| e.get("name").zip(e.get("value"))),
    );
    let cluster = exec
        .cluster
        .as_ref()
        .map(serde_json::to_value)
        .transpose()
        .map_err(|e| failed(e.to_string()))?;
    let mut spec = serde_json::json!({ "interactive": interactive });
    if let Some(cluster) = cluster {
        spec["cluster"] = cluster;
    }
    let info = serde_json::json!({ "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec });
    plugin.env("KUBERNETES_EXEC_INFO", info.to_string());
    plugin.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
    plugin.stdout(Stdio::piped());
    plugin.stderr(if taken { Stdio::null() } else { Stdio::inherit() });
    let mut child = plugin.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ConnectError::PluginMissing {
            command: command.clone(),
            user: user.clone(),
            install_hint: exec.install_hint.clone().filter(|hint| !hint.trim().is_empty()),
        },
        _ => failed(e.to_string()),
    })?;
    let stdout = child.stdout.take();
    let child = Arc::new(Mutex::new(child));
    let (done, answer) = tokio::sync::oneshot::channel();
    let waiting = Arc::clone(&child);
    // A separate thread, because the runtime would wait for a blocking task when the program ends.
    std::thread::spawn(move || done.send(wait(stdout, &waiting)));
    let (ok, text) = match tokio::time::timeout(PLUGIN_TIMEOUT, answer).await {
        Ok(Ok(Ok(answer))) => answer,
        Ok(Ok(Err(e))) => return Err(failed(e.to_string())),
        Ok(Err(_)) => return Err(failed("no answer".into())),
        Err(_) => {
            if let Ok(mut child) = child.try_lock() {
                let _ = child.kill();
            }
            return Err(failed(format!(
                "no answer within {} minutes",
                PLUGIN_TIMEOUT.as_secs() / 60
            )));
        }
    };
    if let Some(status) = ok {
        return Err(failed(status));
    }
    read_answer(&text).map_err(|cause| failed(cause.into()))
}

/// The output of the plugin, and its exit status if it failed.
fn wait(
    stdout: Option<std::process::ChildStdout>,
    child: &Mutex<Child>,
) -> std::io::Result<(Option<String>, zeroize::Zeroizing<Vec<u8>>)> {
    let mut text = zeroize::Zeroizing::new(Vec::new());
    if let Some(stdout) = stdout {
        stdout.take(LONGEST_ANSWER).read_to_end(&mut text)?;
    }
    let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
    Ok(((!status.success()).then(|| status.to_string()), text))
}

/// Reads an `ExecCredential` in JSON, or in YAML, which client-go accepts too.
fn read_answer(text: &[u8]) -> Result<Login, &'static str> {
    let answer: Answer = serde_json::from_slice(text)
        .ok()
        .or_else(|| serde_saphyr::from_slice(text).ok())
        .ok_or("its answer is not an ExecCredential")?;
    let status = answer.status.ok_or("its answer has no status")?;
    let until = match &status.expiration_timestamp {
        None => None,
        Some(at) => {
            let at = crate::text::parse_time(at).ok_or("its expirationTimestamp is not a time")?;
            let now = crate::clock::since_epoch().as_secs();
            // One minute early, so that no request is in progress when the token expires.
            let left = u64::try_from(at).unwrap_or(0).saturating_sub(now).saturating_sub(60);
            Instant::now().checked_add(Duration::from_secs(left))
        }
    };
    let certificate = status
        .client_certificate_data
        .zip(status.client_key_data.map(|key| key.0));
    let token = status
        .token
        .map(|token| token.0)
        .filter(|token| !token.expose_secret().is_empty());
    if token.is_none() && certificate.is_none() {
        return Err("its answer has neither token nor certificate");
    }
    Ok(Login {
        token,
        certificate,
        until,
    })
}

#[cfg(test)]
#[cfg(all(unix, not(portable_system)))] // scripts
mod tests;
