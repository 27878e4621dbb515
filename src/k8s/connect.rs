//! Makes a connection from kubectl's flags and the kubeconfig.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, header};
use kube::{Client, Config, client::ClientBuilder, config::ExecInteractiveMode};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::{
    credential::{Authorize, Credential},
    kubeconfig::{self, Chosen},
    problem::ConnectError,
    proxy,
};
use crate::file;

/// kubectl's flags that select the server and the user. A flag takes precedence over the kubeconfig.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: only this file is read.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-uid`.
    pub as_uid: Option<String>,
    /// `--as-group`.
    pub as_groups: Vec<String>,
    /// `--token`.
    pub token: Option<SecretString>,
    /// `--server`.
    pub server: Option<String>,
    /// `--request-timeout`: how long one request may take in total; without it or with zero, as long as data arrives.
    pub request_timeout: Option<Duration>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
}

/// Time limits and retries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// How long to wait for the first byte of an answer: the server itself gives up after 60 s, and says so.
    pub(super) answer: Duration,
    /// How long to wait for the first byte from a server that has not answered anything yet. Even a busy server answers
    /// small requests soon.
    pub(super) greeting: Duration,
    /// The longest silence between two frames of a list.
    pub(super) idle: Duration,
    /// The longest silence between two frames of a watch. Bookmarks arrive about once a minute.
    pub(super) silence: Duration,
    /// How many times a read is attempted in total while errors are passing.
    pub(super) tries: u32,
    /// The first pause between two attempts. Each further pause is twice as long.
    pub(super) pause: Duration,
    /// The longest Retry-After of a server that is respected.
    pub(super) longest_pause: Duration,
    /// The longest pause between two attempts of a watch.
    pub(super) watch_pause: Duration,
}

impl Timing {
    pub(super) const DEFAULT: Self = Self {
        answer: Duration::from_secs(65),
        greeting: Duration::from_secs(8),
        idle: Duration::from_mins(1),
        silence: Duration::from_secs(90),
        tries: 3,
        pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(10),
        watch_pause: Duration::from_secs(30),
    };
}

/// kubectl waits 30 s for a connection. A user whose VPN is off should not have to wait that long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Further lists at the same time would each need a connection and a handshake of their own, because kube uses
/// HTTP/1.1.
const CONNECTIONS: usize = 16;

/// A connection to one API server. Cheap to clone; making it sends no request.
#[derive(Clone)]
pub struct Connection {
    /// kube's client, with retries and compression switched off.
    pub client: Client,
    /// The name of the context; `in-cluster` inside a Pod, empty if only `--server` selects the server.
    pub context: String,
    /// Whether it is the context that applies without `--context`.
    pub is_current: bool,
    /// The name of the cluster in the kubeconfig.
    pub cluster: String,
    /// The name of the user in the kubeconfig, and the user that it impersonates.
    pub user: String,
    /// The namespace of the context, or `default`.
    pub namespace: String,
    /// The URL of the server for messages, without the user and password that the kubeconfig may have in it.
    pub server: String,
    /// How long one request may take in total.
    pub request_timeout: Option<Duration>,
    pub(super) credential: Arc<Credential>,
    pub(super) timing: Timing,
    pub(super) permits: Arc<Semaphore>,
    pub(super) requests: Arc<AtomicUsize>,
    /// Whether the server has answered anything.
    pub(super) answers: Arc<AtomicBool>,
    /// Whether the server ignored a first request.
    pub(super) ignored: Arc<AtomicBool>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("context", &self.context)
            .field("server", &self.server)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Whether the server has answered anything.
    pub fn has_answered(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// The same connection for requests that wait for no others of this process, and that take so long in total at most.
    #[must_use]
    pub fn apart(&self, request_timeout: Duration) -> Self {
        Self {
            request_timeout: Some(request_timeout),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            ..self.clone()
        }
    }

    /// How many requests have been sent, including retries.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Makes the connection that the flags, `KUBECONFIG`, `~/.kube/config` or a Pod's service account describe. Runs the
/// login plugin of the kubeconfig once, if there is one, and sends no request to the server.
pub async fn connect(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    let chosen = kubeconfig::choose(options, &kubeconfig::Surroundings::real())?;
    open(chosen, options.request_timeout.filter(|t| !t.is_zero())).await
}

/// Like [`connect`], without interaction: if a login plugin may open a browser or ask at the terminal, it is not run
/// and connecting fails.
pub async fn connect_unattended(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    let chosen = kubeconfig::choose(options, &kubeconfig::Surroundings::real())?;
    let logs_in_itself = chosen.auth.token.is_some() || chosen.auth.token_file.is_some();
    if let Some(exec) = chosen.auth.exec.as_ref().filter(|_| !logs_in_itself)
        && !matches!(exec.interactive_mode, Some(ExecInteractiveMode::Never))
    {
        return Err(ConnectError::PluginNeedsTerminal {
            command: exec.command.clone().unwrap_or_default(),
            user: chosen.user,
        });
    }
    open(chosen, options.request_timeout.filter(|t| !t.is_zero())).await
}

pub(super) async fn open(chosen: Chosen, request_timeout: Option<Duration>) -> Result<Connection, ConnectError> {
    let Chosen {
        context,
        is_current,
        cluster_name,
        user,
        namespace,
        server,
        cluster,
        mut auth,
        token_first,
        root_file,
    } = chosen;
    let uri: http::Uri = server.parse().map_err(|_| ConnectError::BadServer {
        server: crate::text::without_user(&server).into_owned(),
    })?;
    let mut config = Config::new(uri.clone());
    config.default_namespace.clone_from(&namespace);
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    config.root_cert = if config.accept_invalid_certs {
        None
    } else {
        authorities(&cluster)?
    };
    config.root_cert_file = root_file.filter(|_| !config.accept_invalid_certs);
    config.proxy_url = proxy::choose(cluster.proxy_url.as_deref(), &uri, &|name| std::env::var(name).ok())?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.write_timeout = Some(Duration::from_mins(1));
    // Each request limits the time between frames. A limit of the connection would end quiet watches too.
    config.read_timeout = None;
    // kube itself would retry 15 times, POST included, with pauses of up to 1,000 s.
    config.default_retry = false;
    // Measurements show that compression costs the server more than the bytes that it saves; and watches may be
    // compressed from 1.37 on.
    config.disable_compression = true;
    config.headers.push((
        header::USER_AGENT,
        HeaderValue::from_static(concat!("kubectl-certs/", env!("CARGO_PKG_VERSION"))),
    ));

    let credential = Arc::new(Credential::take(&user, &mut auth, &cluster, token_first).await?);
    let bad = |cause: String| ConnectError::BadCredentials {
        user: user.clone(),
        cause,
    };
    // kube reads these files. It would wait for a pipe, and read a file that has no end.
    for path in [&auth.client_certificate, &auth.client_key].into_iter().flatten() {
        file::check(path.as_ref(), file::SMALL).map_err(|error| bad(format!("cannot read {path}: {error}")))?;
    }
    config.auth_info = auth;
    let builder = ClientBuilder::try_from(config).map_err(|e| match e {
        kube::Error::RustlsTls(e) => bad(e.to_string()),
        kube::Error::InferKubeconfig(e) => bad(e.to_string()),
        kube::Error::Auth(e) => bad(e.to_string()),
        other => bad(other.to_string()),
    })?;
    let client = builder.with_layer(&Authorize::layer(&credential)).build();
    Ok(Connection {
        client,
        context,
        is_current,
        cluster: cluster_name,
        user,
        namespace,
        server: crate::text::without_user(&server).into_owned(),
        request_timeout,
        credential,
        timing: Timing::DEFAULT,
        permits: Arc::new(Semaphore::new(CONNECTIONS)),
        requests: Arc::default(),
        answers: Arc::default(),
        ignored: Arc::default(),
    })
}

/// The certificates of the cluster's authority; `None` selects those of the system.
fn authorities(cluster: &kube::config::Cluster) -> Result<Option<Vec<Vec<u8>>>, ConnectError> {
    use base64::Engine;
    let (pem, from) = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) if !data.trim().is_empty() => {
            let data: String = data.split_whitespace().collect();
            let pem = base64::engine::general_purpose::STANDARD.decode(data);
            let from = "certificate-authority-data";
            (
                pem.map_err(|_| ConnectError::BadAuthority {
                    from: from.into(),
                    cause: "not base64".into(),
                })?,
                from.to_owned(),
            )
        }
        (_, Some(path)) if !path.is_empty() => {
            let pem = file::read(path.as_ref(), file::SMALL, file::PATIENCE).map(|mut pem| std::mem::take(&mut *pem));
            (
                pem.map_err(|e| ConnectError::BadAuthority {
                    from: path.clone(),
                    cause: e.to_string(),
                })?,
                path.clone(),
            )
        }
        _ => return Ok(None),
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem)
        .map(|c| c.map(|c| c.to_vec()))
        .collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(Some(found)),
        _ => Err(ConnectError::BadAuthority {
            from,
            cause: "no certificate in it".into(),
        }),
    }
}
