//! Runs kubectl, and the program as kubectl's plugin, and hands back what a user would see.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

/// No run of the program takes longer than this.
const LONGEST: Duration = Duration::from_mins(1);
/// What a process that has ended has said is read in less.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// One with a Pod may: it has two minutes to start, and then a minute to be led to.
pub(crate) const WITH_POD: Duration = Duration::from_mins(4);

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ends_with(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "exit status; it said:\n{}\n{}",
            self.out,
            self.err
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The items of `-o json`.
    #[track_caller]
    pub(crate) fn items(&self) -> Items {
        let value: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON ({error}):\n{}\n{}", self.out, self.err));
        assert_eq!(value["kind"], "StatusList");
        Items(value["items"].as_array().expect("items").clone())
    }
}

/// The items of a `StatusList`.
#[derive(Debug, PartialEq)]
pub(crate) struct Items(pub(crate) Vec<Value>);

impl Items {
    /// The one item of a host.
    #[track_caller]
    pub(crate) fn host(&self, host: &str) -> &Value {
        let found: Vec<&Value> = self.0.iter().filter(|item| item["host"] == host).collect();
        assert_eq!(found.len(), 1, "items of {host} in {:#?}", self.0);
        found[0]
    }

    /// The one item that is about a Secret alone.
    pub(crate) fn secret(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|item| item.get("route").is_none() && item["secrets"][0]["name"] == name)
    }

    /// `STATUS: REASON, ...` of a host.
    #[track_caller]
    pub(crate) fn verdict(&self, host: &str) -> String {
        verdict(self.host(host))
    }
}

/// `STATUS: REASON, ...` of an item.
pub(crate) fn verdict(item: &Value) -> String {
    let reasons: Vec<&str> = findings(item).iter().filter_map(|f| f["reason"].as_str()).collect();
    format!("{}: {}", item["status"].as_str().unwrap_or("?"), reasons.join(", "))
        .trim_end_matches([':', ' '])
        .to_owned()
}

pub(crate) fn findings(item: &Value) -> &[Value] {
    item["findings"].as_array().map_or(&[], Vec::as_slice)
}

/// The message of one finding of an item.
#[track_caller]
pub(crate) fn message<'a>(item: &'a Value, reason: &str) -> &'a str {
    let finding = findings(item).iter().find(|f| f["reason"] == reason);
    finding.unwrap_or_else(|| panic!("no {reason} in {item:#}"))["message"]
        .as_str()
        .expect("a message")
}

/// A run to be.
pub(crate) struct Call(Command, Duration);

impl Call {
    pub(crate) fn kubectl<I: IntoIterator<Item: Into<OsString>>>(args: I) -> Self {
        let mut command = Command::new("kubectl");
        command.args(args.into_iter().map(Into::into));
        Self::beside_the_plugin(command)
    }

    /// A script for a shell, whose errors are among what it prints, as on a terminal. It stops at the first command that fails.
    pub(crate) fn shell(script: &str) -> Self {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec 2>&1\nset -euo pipefail\n{script}")]);
        Self::beside_the_plugin(command)
    }

    fn beside_the_plugin(mut command: Command) -> Self {
        // As the plugin, it is found in PATH; what it remembers is nobody else's.
        let program = program();
        let mut path = OsString::from(program.parent().expect("a directory"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
        command.env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache"),
        );
        for name in [
            "KUBECTL_CERTS_LOG",
            "NO_COLOR",
            "HTTPS_PROXY",
            "https_proxy",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        Self(piped(command), LONGEST)
    }

    /// `kubectl certs ...`
    pub(crate) fn certs<I: IntoIterator<Item: Into<OsString>>>(args: I) -> Self {
        let args = args.into_iter().map(Into::into);
        Self::kubectl(std::iter::once(OsString::from("certs")).chain(args))
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.env(name, value.into());
        self
    }

    /// The same, run by another program that is given it as its last arguments.
    pub(crate) fn through(self, program: &[&str]) -> Self {
        let mut command = Command::new(program[0]);
        command
            .args(&program[1..])
            .arg(self.0.get_program())
            .args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self(piped(command), self.1)
    }

    /// The same, which may take longer.
    pub(crate) fn within(mut self, longest: Duration) -> Self {
        self.1 = longest;
        self
    }

    /// The same as a line for a shell, for a terminal in which it is to run.
    pub(crate) fn line(&self) -> String {
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
        let mut words = vec!["env".to_owned()];
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => words.push(quoted(&OsString::from(format!(
                    "{}={}",
                    name.to_string_lossy(),
                    value.to_string_lossy()
                )))),
                None => words
                    .splice(1..1, ["-u".to_owned(), name.to_string_lossy().into_owned()])
                    .for_each(drop),
            }
        }
        words.push(quoted(self.0.get_program()));
        words.extend(self.0.get_args().map(quoted));
        words.join(" ")
    }

    pub(crate) fn run(self) -> Ran {
        self.run_with(b"")
    }

    /// Runs to the end, with `input` on its standard input. One that hangs is ended, and a failure.
    #[track_caller]
    pub(crate) fn run_with(mut self, input: &[u8]) -> Ran {
        if !input.is_empty() {
            self.0.stdin(Stdio::piped());
        }
        let started = Instant::now();
        let mut child = self.0.spawn().expect("kubectl is in PATH");
        let stdin = child.stdin.take();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (status, out, err, around) = std::thread::scope(|scope| {
            if let Some(mut stdin) = stdin {
                scope.spawn(move || stdin.write_all(input));
            }
            let out = scope.spawn(|| whole(out));
            let err = scope.spawn(|| whole(err));
            let status = wait(&mut child, self.1);
            let mut around = String::new();
            if status.is_none() {
                // While it still waits, what it waits for is there to be seen.
                around = what_is_around(&self.0, child.id());
                let _ = child.kill();
                let _ = child.wait();
            }
            (status, out.join().unwrap(), err.join().unwrap(), around)
        });
        let status = status.unwrap_or_else(|| {
            // What it said last comes first: a log that is cut keeps its beginning.
            let (out, err) = (newest(&out), newest(&err));
            panic!("hangs: {:?}\n{out}\n{err}\n{around}", self.0)
        });
        Ran {
            status: status.code(),
            out,
            err,
            took: started.elapsed(),
        }
    }

    /// Runs until standard output has a line with `word`, and kills it there (-9). Returns the lines up to it, or all where it
    /// has ended without one; and what it said on standard error.
    pub(crate) fn killed_or_ended(mut self, word: &str) -> (Vec<String>, String) {
        let mut child = self.0.spawn().expect("kubectl is in PATH");
        let err = child.stderr.take();
        let err = std::thread::spawn(move || whole(err));
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
        {
            let found = line.contains(word);
            lines.push(line);
            if found {
                break;
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        (lines, err.join().unwrap())
    }

    /// Starts it, to be looked at while it runs.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.0.spawn().expect("kubectl is in PATH");
        let (out, err) = (Lines::default(), Lines::default());
        out.follow(child.stdout.take().unwrap());
        err.follow(child.stderr.take().unwrap());
        Running { child, out, err }
    }
}

/// The last lines of a text.
fn newest(text: &str) -> String {
    const MOST: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}

/// What there is around a run that hangs: its connections, the namespace's newest objects, and what Traefik said last.
fn what_is_around(command: &Command, pid: u32) -> String {
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        output.map_or_else(
            |error| format!("{program}: {error}"),
            |o| String::from_utf8_lossy(&o.stdout).into_owned() + &String::from_utf8_lossy(&o.stderr),
        )
    };
    // kubectl becomes its plugin, so the process is the program itself. With unsent and unread bytes, and timers.
    let own = format!("pid={pid},");
    let connections = said("ss", &["-tanpo"]);
    let of_its_own: Vec<&str> = connections.lines().filter(|line| line.contains(&own)).collect();
    let mut all = vec![of_its_own.join("\n")];
    if let Some(namespace) = args.iter().rposition(|arg| arg == "-n").and_then(|at| args.get(at + 1)) {
        // A kind at a time: kubectl sorts no list of several.
        for kind in [
            "pods",
            "jobs",
            "endpointslices",
            "secrets",
            "leases",
            "ingresses",
            "events",
        ] {
            let by_age = "--sort-by=.metadata.creationTimestamp";
            all.push(said(
                "kubectl",
                &["get", kind, "-n", namespace, by_age, "--request-timeout=10s"],
            ));
        }
    }
    let log = std::env::var_os("KUBECONFIG").and_then(|config| {
        // run/pki/admin.conf of the testbed, whose logs are beside run.
        std::fs::read(Path::new(&config).ancestors().nth(3)?.join("log/traefik.log")).ok()
    });
    all.extend(log.map(|log| String::from_utf8_lossy(&log).into_owned()));
    let all: Vec<String> = all.iter().map(|part| newest(part)).collect();
    all.join("\n")
}

fn piped(mut command: Command) -> Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_kubectl-certs")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_kubectl-certs")), PathBuf::from)
}

fn whole(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    let _ = from.map(|mut from| from.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, longest: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + longest;
    loop {
        match child.try_wait().expect("a child") {
            Some(status) => return Some(status),
            None if Instant::now() > until => return None,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// What a stream has said so far.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    said: Arc<Mutex<Vec<String>>>,
    has_ended: Arc<AtomicBool>,
}

impl Lines {
    fn follow(&self, stream: impl Read + Send + 'static) {
        let lines = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                lines.said.lock().unwrap().push(line);
            }
            lines.has_ended.store(true, Ordering::Release);
        });
    }

    /// Waits for the last words of a process that has ended, which may still be in the pipe. What it has started may hold the pipe
    /// open, and is not waited for.
    fn until_ended(&self) {
        let until = Instant::now() + LAST_WORDS;
        while !self.has_ended.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// How many lines there are now: where to look from.
    pub(crate) fn mark(&self) -> usize {
        self.said.lock().unwrap().len()
    }

    /// How many lines hold a word.
    #[expect(dead_code, reason = "a bench needs it")]
    pub(crate) fn count(&self, word: &str) -> usize {
        self.said
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(word))
            .count()
    }

    /// The first line after `mark` that holds all of `words`, and how long it took to come.
    #[track_caller]
    pub(crate) fn after(&self, mark: usize, words: &[&str]) -> (String, Duration) {
        let started = Instant::now();
        let line = super::eventually(&format!("a line with {words:?}"), || {
            let lines = self.all();
            let found = lines
                .iter()
                .skip(mark)
                .find(|line| words.iter().all(|w| line.contains(w)));
            found.cloned().ok_or_else(|| lines.join("\n"))
        });
        (line, started.elapsed())
    }
}

/// A program that runs until it is ended.
pub(crate) struct Running {
    child: Child,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
}

impl Running {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends a signal: `-HUP`.
    pub(crate) fn signal(&self, signal: &str) {
        let done = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(done.expect("kill").success());
    }

    /// Waits for its end: its exit status, and how long that took.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, Duration) {
        let started = Instant::now();
        let status = wait(&mut self.child, LONGEST).expect("it ends");
        let took = started.elapsed();
        self.out.until_ended();
        self.err.until_ended();
        (status.code(), took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
