//! An executable that is called with dehydrated's arguments: for the two challenge hooks, and for the two that get
//! certificates.

mod files;
#[cfg(test)]
#[cfg(all(unix, not(portable_system)))] // scripts
mod tests;

use std::{
    ffi::OsString,
    io::Read,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::sync::OwnedMutexGuard;

use super::{
    api::cut,
    config::HookConfig,
    provider::{CertificateCall, Provider, Record},
};
use crate::{solve::SolveError, system};
use files::CertificateFiles;
pub use files::{remove_own_files, remove_stale_files};

/// How many bytes of the end of its output are kept.
const KEPT: usize = 2000;
/// How often it is checked whether the executable has ended.
const TICK: Duration = Duration::from_millis(10);
/// How long to wait for its output once it has ended, because a process that it left behind may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The environment variables that every hook gets: the location of programs, files and servers, and how text is shown.
/// All others are withheld, because this program's own credentials are among them.
pub(super) const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// One executable.
#[derive(Debug)]
pub(super) struct Hook {
    label: String,
    command: PathBuf,
    timeout: Duration,
    /// Whether it gets certificates.
    deploy_cert: bool,
    /// The additional variables that it gets.
    environment: Vec<String>,
    /// Hooks are written to be called one at a time. Locked until a call has really ended, even if nobody waits for it
    /// any more: a clean-up must not overtake a write.
    running: Arc<tokio::sync::Mutex<()>>,
}

impl Hook {
    pub(super) fn new(config: &HookConfig) -> Self {
        Self {
            label: format!("hook {}", config.command.display()),
            command: config.command.clone(),
            timeout: Duration::from_secs(config.timeout.max(1)),
            deploy_cert: config.deploy_cert,
            environment: config.environment.clone(),
            running: Arc::default(),
        }
    }

    async fn challenge(&self, action: &'static str, record: &Record) -> Result<(), SolveError> {
        let args = [&record.token, &record.value].map(OsString::from);
        let turn = self.turn().await;
        self.run(turn, action, &record.domain, args.into(), None).await
    }

    /// Waits until no call is under way.
    async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.running).lock_owned().await
    }

    /// Calls the executable with an action, a domain and further arguments. The files exist until it has ended.
    async fn run(
        &self,
        turn: OwnedMutexGuard<()>,
        action: &'static str,
        domain: &str,
        args: Vec<OsString>,
        files: Option<CertificateFiles>,
    ) -> Result<(), SolveError> {
        let mut command = Command::new(&self.command);
        command.args([action, domain]).args(args);
        let own = self.environment.iter().map(String::as_str);
        command.env_clear().envs(
            PASSED
                .iter()
                .copied()
                .chain(own)
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        let timeout = self.timeout;
        let ran = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let ran = run(command, timeout);
            drop(files);
            ran
        });
        let failed = |why: String| SolveError::new(format!("{} {action} {domain}: {why}", self.label));
        match ran.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Failed::Start(error))) => Err(failed(format!("cannot be started: {error}"))
                .hint("the hook must be an executable file: check its path, its mode and its first line")),
            Ok(Err(Failed::Ended(status, said))) => {
                Err(failed(format!("exited with {}{}", words(status), tail(&said)))
                    .hint("run the hook by hand with these arguments"))
            }
            Ok(Err(Failed::Late(said))) => Err(failed(format!(
                "did not end within {} s and was stopped{}",
                timeout.as_secs(),
                tail(&said)
            ))
            .hint("give it longer with the hook's `timeout`")),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("status {code}"),
        None => status.to_string(),
    }
}

fn tail(said: &str) -> String {
    let said = cut(said);
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

enum Failed {
    Start(std::io::Error),
    Ended(ExitStatus, String),
    Late(String),
}

/// Runs a command to its end, or stops it. Blocks.
fn run(mut command: Command, timeout: Duration) -> Result<(), Failed> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Ctrl-C only reaches this program, which then has the record removed.
    system::own_group(&mut command);
    let mut child = start(&mut command).map_err(Failed::Start)?;
    let said = Arc::new(Mutex::new(Vec::new()));
    let (ended, end) = std::sync::mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for pipe in pipes.into_iter().flatten() {
        let (said, ended) = (Arc::clone(&said), ended.clone());
        std::thread::spawn(move || {
            listen(pipe, &said);
            let _ = ended.send(());
        });
    }
    drop(ended);
    let until = Instant::now() + timeout;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(TICK),
            _ => break None,
        }
    };
    if status.is_none() {
        stop(&mut child);
    }
    let until = Instant::now() + LAST_WORDS;
    while end
        .recv_timeout(until.saturating_duration_since(Instant::now()))
        .is_ok()
    {}
    let said = String::from_utf8_lossy(&said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Failed::Ended(status, said)),
        None => Err(Failed::Late(said)),
    }
}

/// Starts a process. A file that another thread has open for writing, as in tests that start processes, is busy for a
/// moment.
fn start(command: &mut Command) -> std::io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::sleep(TICK),
            other => return other,
        }
    }
    command.spawn()
}

/// Keeps the end of the output.
fn listen(mut pipe: Box<dyn Read + Send>, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(buffer.get(..length).unwrap_or_default());
        let surplus = said.len().saturating_sub(KEPT);
        said.drain(..surplus);
    }
}

/// Ends a process and the processes that it started.
fn stop(child: &mut Child) {
    system::end_group(child);
    let _ = child.wait();
}

impl Provider for Hook {
    fn label(&self) -> &str {
        &self.label
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(self.challenge("deploy_challenge", record))
    }

    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(async move { self.challenge("clean_challenge", record).await.map(|()| true) })
    }

    /// Calls `deploy_cert DOMAIN KEYFILE CERTFILE FULLCHAINFILE CHAINFILE TIMESTAMP`, or `unchanged_cert` without the
    /// time (<https://github.com/dehydrated-io/dehydrated/blob/master/docs/examples/hook.sh>).
    fn certificate<'a>(&'a self, call: &'a CertificateCall<'a>) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if !self.deploy_cert {
                return Ok(());
            }
            let action = match call.deployed {
                Some(_) => "deploy_cert",
                None => "unchanged_cert",
            };
            // The key is in a file only while its hook runs, and not while it waits for others.
            let turn = self.turn().await;
            let files = CertificateFiles::write(call.pair).map_err(|error| {
                SolveError::new(format!(
                    "{} {action} {}: its files cannot be written: {error}",
                    self.label, call.domain
                ))
                .hint("check XDG_RUNTIME_DIR or TMPDIR, and the room there")
            })?;
            let mut args: Vec<OsString> = files.paths().map(OsString::from).into();
            args.extend(call.deployed.map(|at| OsString::from(at.to_string())));
            self.run(turn, action, &call.domain, args, Some(files)).await
        })
    }
}
