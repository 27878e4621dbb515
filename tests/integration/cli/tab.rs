//! What a press of TAB costs at a cluster that is slow, and what is kept for the next one.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::server::{list, serve, web};
use crate::support::eventually;

/// What a debug build waits for names; the bench measures the 200 ms of what is shipped.
const PATIENCE: Duration = Duration::from_secs(3);

/// An API server with the Ingress `web`, the Secret `shop-tls` and the namespace `shop`, which answers while it is awake.
pub(super) struct Slow {
    awake: Arc<AtomicBool>,
    dir: tempfile::TempDir,
}

impl Slow {
    pub(super) fn new() -> Self {
        let awake = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&awake);
        let server = serve(move |path| {
            while !asked.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(10));
            }
            answer(path)
        });
        let dir = tempfile::tempdir().expect("a directory");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "x", "cluster": {"server": server}}],
            "users": [{"name": "x", "user": {"token": "hush"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x", "namespace": "shop"}}],
        });
        std::fs::write(dir.path().join("config"), config.to_string()).expect("a file");
        Self { awake, dir }
    }

    pub(super) fn wake(&self, awake: bool) {
        self.awake.store(awake, Ordering::Relaxed);
    }

    /// The kubeconfig that leads to it.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// Presses TAB after these words. Returns what is offered, after at most the patience and a start.
    #[track_caller]
    fn press(&self, words: &[&str], envs: &[(&str, &str)]) -> Vec<String> {
        let mut command = super::command(&["complete", "--"]);
        command.args(words).env("KUBECONFIG", self.kubeconfig());
        command
            .env("XDG_CACHE_HOME", self.dir.path())
            .envs(envs.iter().copied());
        let began = Instant::now();
        let output = command.output().expect("it starts");
        let took = began.elapsed();
        assert!(took < PATIENCE + Duration::from_secs(2), "{words:?} took {took:?}");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        out.lines()
            .filter(|line| !line.starts_with(':'))
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect()
    }

    /// The files that are kept for completion.
    fn files(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        all.map(|file| file.path()).collect()
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("kubectl-certs").join("names")
    }

    /// Waits until names were read beside, and nobody reads any more.
    #[track_caller]
    fn read_on(&self) -> PathBuf {
        eventually("the names are kept", || {
            let files = self.files();
            match &files[..] {
                [one] if one.extension().is_none() => Ok(one.clone()),
                _ => Err(format!("{files:?}")),
            }
        })
    }
}

fn answer(path: &str) -> (u16, Value) {
    let secret = json!({
        "metadata": {"name": "shop-tls", "namespace": "shop"}, "type": "kubernetes.io/tls",
        "data": {"tls.crt": "aHVzaA==", "tls.key": "aHVzaA=="},
    });
    match path.split('?').next().unwrap_or_default() {
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => list(&json!([web()])),
        "/api/v1/namespaces/shop/secrets" => list(&json!([secret])),
        "/api/v1/namespaces" => list(&json!([{"metadata": {"name": "shop"}}])),
        _ => list(&json!([])),
    }
}

#[test]
fn the_second_press_answers_where_the_first_was_too_slow() {
    let slow = Slow::new();
    assert_eq!(slow.press(&["renew", ""], &[]), Vec::<String>::new());
    // Another press while one reads on starts no other.
    assert_eq!(slow.press(&["renew", "w"], &[]), Vec::<String>::new());
    assert_eq!(readers(slow.dir.path()), 1);
    slow.wake(true);
    let kept = slow.read_on();
    slow.wake(false);
    assert_eq!(slow.press(&["renew", ""], &[]), ["web", "secret/shop-tls"]);
    assert_eq!(slow.press(&["renew", "secret", "sh"], &[]), ["shop-tls"]);
    assert_eq!(
        slow.press(&["revoke", ""], &[]),
        Vec::<String>::new(),
        "it holds no certificate"
    );
    // Another namespace is another question.
    assert_eq!(slow.press(&["renew", "-n", "blog", ""], &[]), Vec::<String>::new());
    let mode = std::os::unix::fs::PermissionsExt::mode(&kept.metadata().expect("it is there").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&kept).expect("it is read");
    assert!(
        text.contains("shop-tls") && !text.contains("hush") && !text.contains("aHVz"),
        "{text}"
    );
    slow.wake(true);
    eventually("nobody reads any more", || match readers(slow.dir.path()) {
        0 => Ok(()),
        some => Err(some.to_string()),
    });
}

/// How many processes read on for this test.
fn readers(cache: &Path) -> usize {
    let mine = format!("XDG_CACHE_HOME={}", cache.display());
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let reads = |path: PathBuf| {
        let of = |file| std::fs::read(path.join(file)).unwrap_or_default();
        let (line, around) = (of("cmdline"), of("environ"));
        String::from_utf8_lossy(&line).contains("--read-on") && String::from_utf8_lossy(&around).contains(&mine)
    };
    processes.filter(|process| reads(process.path())).count()
}

#[test]
fn namespaces_are_kept_too_and_what_answers_in_time_is_current() {
    let slow = Slow::new();
    slow.wake(true);
    assert_eq!(slow.press(&["status", "-n", ""], &[]), ["shop"]);
    slow.wake(false);
    assert_eq!(slow.press(&["status", "-n", ""], &[]), ["shop"]);
    assert_eq!(
        slow.press(&["status", "--as", "other", "-n", ""], &[]),
        Vec::<String>::new()
    );
    slow.wake(true);
}

#[test]
fn nothing_is_kept_where_that_is_switched_off() {
    let slow = Slow::new();
    let off = [("KUBECTL_CERTS_KEEP_NAMES", "false")];
    assert_eq!(slow.press(&["renew", ""], &off), Vec::<String>::new());
    assert_eq!(readers(slow.dir.path()), 0);
    slow.wake(true);
    assert_eq!(slow.press(&["renew", ""], &off), ["web", "secret/shop-tls"]);
    assert_eq!(slow.files(), Vec::<PathBuf>::new());
    assert!(!slow.folder().exists());
}
