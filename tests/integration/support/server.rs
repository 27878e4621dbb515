//! Servers that a test has for itself: child processes in the testbed's network, on addresses of their own, gone with the
//! test however it ends.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use super::PATIENCE;

/// An address that nobody else in the testbed's network has, so that a server can have its usual ports.
pub(crate) struct Address(Ipv4Addr);

impl Address {
    pub(crate) fn take() -> Self {
        // A random one of some fifty thousand; the kernel refuses one that is taken, by whichever process.
        for _ in 0..100 {
            let [high, low] = random_bytes();
            let ip = Ipv4Addr::new(10, 99, 1 + high % 200, low);
            // node0 is there in the testbed alone: no other network gets an address
            let ran = Command::new("sh")
                .args(["-c", r#"ip link show node0 >/dev/null && ip addr add "$0/32" dev lo"#])
                .arg(ip.to_string())
                .output()
                .expect("sh");
            if ran.status.success() {
                return Self(ip);
            }
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(
                said.contains("File exists") || said.contains("already assigned"),
                "cannot add an address; is this the testbed (tests/run)? {said}"
            );
        }
        panic!("a hundred addresses, and all are taken");
    }

    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.0
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["addr", "del", &format!("{}/32", self.0), "dev", "lo"])
            .output();
    }
}

/// A port that nobody has, and that no connection gets by chance: those are given ports from 32768 on, and the cluster's
/// `NodePort`s begin at 30000.
pub(crate) fn free_port() -> u16 {
    for _ in 0..100 {
        let port = 10_000 + u16::from_le_bytes(random_bytes()) % 20_000;
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
    panic!("a hundred ports, and all are taken");
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = File::open("/dev/urandom").unwrap();
    source.read_exact(&mut bytes).unwrap();
    bytes
}

/// Runs a server and ends it when standard input does, which is when the test process has gone, even by a kill -9.
const LEASH: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & server=$!
cat <&3 >/dev/null & end=$!
wait -n; code=$?
exec 2>/dev/null
kill -9 $server $end
wait
exit $code"#;

/// A server that runs until this goes. A test that fails prints the end of its log.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    leash: Option<ChildStdin>,
    log: PathBuf,
}

impl Server {
    /// Starts it; what it says goes to `DIR/NAME.log`.
    #[track_caller]
    pub(crate) fn start(name: &'static str, dir: &Path, program: &Command) -> Self {
        let log = dir.join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let mut leashed = Command::new("bash");
        leashed
            .args(["-c", LEASH, "leash"])
            .arg(program.get_program())
            .args(program.get_args())
            // nothing that the caller's environment says may change what a server does
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            // Ctrl-C is for the test
            .process_group(0);
        let mut child = leashed.spawn().expect("bash");
        let leash = child.stdin.take();
        Self {
            name,
            child,
            leash,
            log,
        }
    }

    /// Waits until it answers. Panics with its log when it ends, or takes too long.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended ({status}):\n{}", self.name, self.log());
            }
            assert!(Instant::now() < until, "{} does not answer:\n{}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, as a kill -9 does.
    pub(crate) fn stop(&mut self) {
        drop(self.leash.take());
        let _ = self.child.wait();
    }

    /// All that it has said so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = &lines[lines.len().saturating_sub(200)..];
            eprintln!("--- the end of {}'s log:\n{}", self.name, end.join("\n"));
        }
    }
}

/// Asks over HTTP with curl, which has no part in what is tested. Returns the body; an error for a status of 400 or more.
pub(crate) fn curl(args: &[&str]) -> Result<String, String> {
    let ran = Command::new("curl")
        .args(["-sS", "--fail-with-body", "--max-time", "20", "--noproxy", "*"])
        .args(args)
        .output()
        .expect("curl");
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.success() {
        Ok(out)
    } else {
        Err(format!("{}{out}", String::from_utf8_lossy(&ran.stderr)))
    }
}

/// Answers the first request of each connection with what is made of its head, until the test process ends. Returns the address.
///
/// A thread for each: Go's client, and so Traefik, opens connections that it then has no use for, and says nothing on them.
pub(crate) fn answering(ip: &str, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let read = tcp.read(&mut head).unwrap_or(0);
                let _ = tcp.write_all(answer(&String::from_utf8_lossy(&head[..read])).as_bytes());
            });
        }
    });
    address
}
