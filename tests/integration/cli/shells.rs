//! Completion in the shells themselves: bash, zsh and fish run the printed script, and kubectl the one beside the program.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use kubectl_certs::{
    apply::backup,
    object::Key,
    x509::{Interner, bundle},
};
use serde_json::{Value, json};

use super::{
    file, program, root,
    server::{list, serve},
};
use crate::support::pki::{Pair, Pki};

/// A directory with the program on its PATH, and an example's manifests.
struct Shell {
    dir: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink(program(), dir.path().join("kubectl-certs")).expect("a link");
        Self { dir }
    }

    /// Runs a script in a shell, in the repository. Returns the lines that it prints.
    #[track_caller]
    fn run(&self, shell: &str, args: &[&str], script: &str) -> Vec<String> {
        let output = Command::new(shell)
            .args(args)
            .arg(script)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.dir.path().display()))
            .env("HOME", self.dir.path())
            .env("TERM", "xterm")
            .current_dir(root())
            .output()
            .unwrap_or_else(|error| panic!("{shell}: {error}; tests/run installs it"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.stderr.is_empty(), "{shell}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn bash(&self, line: &str) -> Vec<String> {
        self.run(
            "bash",
            &["--norc", "-c"],
            &format!(
                "source <(kubectl-certs completion bash); COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=($COMP_LINE); \
                 COMP_CWORD=${{#COMP_WORDS[@]}}; complete -p kubectl-certs >/dev/null; _kubectl_certs; printf '%s\\n' \"${{COMPREPLY[@]}}\""
            ),
        )
    }

    #[track_caller]
    fn fish(&self, line: &str) -> Vec<String> {
        let found = self.run(
            "fish",
            &["--no-config", "-c"],
            &format!("kubectl-certs completion fish | source; complete -C '{line}'"),
        );
        found
            .into_iter()
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect()
    }

    /// What zsh would insert or list: its own functions that take matches are replaced by one that prints them.
    #[track_caller]
    fn zsh(&self, line: &str) -> Vec<String> {
        self.run(
            "zsh",
            &["-f", "-c"],
            &format!(
                "compdef() {{ : }}; _describe() {{ print -l -- ${{(P)argv[-1]}} }}; _files() {{ print -- FILES }}; \
                 source <(kubectl-certs completion zsh); words=(${{(z)${{:-{line}x}}}}); words[-1]=${{words[-1]%x}}; \
                 CURRENT=$#words; _kubectl-certs"
            ),
        )
        .into_iter()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
    }
}

#[test]
fn every_shell_completes_commands_flags_values_and_names() {
    let shell = Shell::new();
    for (name, ask) in [
        ("bash", Shell::bash as fn(&Shell, &str) -> Vec<String>),
        ("fish", Shell::fish),
        ("zsh", Shell::zsh),
    ] {
        let has = |line: &str, words: &[&str]| {
            let found = ask(&shell, line);
            for word in words {
                assert!(
                    found.iter().any(|one| one == word),
                    "{name}: {line}: {word} among {found:?}"
                );
            }
            found
        };
        let commands = has("kubectl-certs ", &["status", "renew", "version"]);
        assert!(
            !commands.iter().any(|word| word == "respond" || word == "complete"),
            "{commands:?}"
        );
        has("kubectl-certs renew --produ", &["--production"]);
        has("kubectl-certs status --fail-on ", &["critical"]);
        has("kubectl-certs explain HostM", &["HostMismatch"]);
        has("kubectl-certs renew --issuer ", &["letsencrypt", "letsencrypt-staging"]);
        let settings = super::file(
            &shell.dir,
            "settings.yaml",
            "issuers: {corp: {directory: 'https://ca.example/dir'}}\n",
        );
        has(
            &format!("kubectl-certs renew --config {settings} --issuer "),
            &["corp", "letsencrypt"],
        );
        has("kubectl-certs rights --for ", &["reader", "renewer"]);
        has("kubectl-certs status -o ", &["json", "custom-columns="]);
        // Names, of manifests here: an Ingress by its name, the others with their kind.
        let names = has("kubectl-certs status -f docs/example check", &["checkout"]);
        assert_eq!(names.len(), 1, "{names:?}");
        has("kubectl-certs show -f docs/example gateway/pu", &["gateway/public"]);
        has("kubectl-certs show -f docs/example secret checkout-", &["checkout-tls"]);
    }
}

/// PowerShell is in none of Debian's packages, so this runs where it is there anyway, as on the machines of GitHub's workflows.
#[test]
fn powershell_completes_the_same_where_it_is_installed() {
    let shell = Shell::new();
    let places = std::env::var_os("PATH").unwrap_or_default();
    let Some(pwsh) = std::env::split_paths(&places)
        .map(|place| place.join("pwsh"))
        .find(|path| path.exists())
    else {
        assert!(std::env::var_os("GITHUB_ACTIONS").is_none(), "there pwsh is installed");
        return;
    };
    let ask = |line: &str| {
        shell.run(
            pwsh.to_str().expect("UTF-8"),
            &["-NoProfile", "-NonInteractive", "-Command"],
            &format!(
                "kubectl-certs completion powershell | Out-String | Invoke-Expression; \
                 (TabExpansion2 -inputScript '{line}' -cursorColumn {}).CompletionMatches.CompletionText",
                line.len()
            ),
        )
    };
    for (line, word) in [
        ("kubectl-certs ", "renew"),
        ("kubectl-certs renew --produ", "--production"),
        ("kubectl-certs status --fail-on ", "critical"),
        ("kubectl-certs status --fail-on=w", "--fail-on=warning"),
        ("kubectl-certs explain HostM", "HostMismatch"),
        ("kubectl-certs status -f docs/example check", "checkout"),
        ("kubectl-certs status --ignore ExtraRoot,Un", "'ExtraRoot,UnusedNames'"),
    ] {
        let found = ask(line);
        assert!(found.iter().any(|one| one == word), "{line}: {word} among {found:?}");
    }
    assert_eq!(ask("kubectl-certs status --nothing=").concat(), "", "no files");
}

#[test]
fn secrets_with_a_bad_certificate_come_first() {
    let shell = Shell::new();
    let found = shell
        .bash("kubectl-certs status -n shop -f docs/example --ca-file docs/example/root.pem --at 2026-12-01 secret/");
    let at = |name: &str| {
        found
            .iter()
            .position(|word| word == name)
            .unwrap_or_else(|| panic!("{name} among {found:?}"))
    };
    // Expired, before what is healthy.
    assert!(at("secret/checkout-tls") < at("secret/account-tls"), "{found:?}");
}

/// A kubeconfig whose user logs in by `plugin`, with a server that never answers.
fn kubeconfig(dir: &Path, user: &str, server: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts: [{{name: here, context: {{cluster: here, user: me}}}}, {{name: there, context: {{cluster: here, user: me}}}}]\n\
         clusters: [{{name: here, cluster: {{server: '{server}'}}}}]\nusers: [{{name: me, user: {user}}}]\n"
    );
    let path = dir.join("config");
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn a_silent_server_costs_a_blink_and_nobody_is_asked_to_log_in() {
    let dir = tempfile::tempdir().expect("a directory");
    // It takes connections and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    let mark = dir.path().join("asked");
    let plugin = file(&dir, "plugin", format!("#!/bin/sh\ntouch {}\nexit 1\n", mark.display()));
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}, interactiveMode: IfAvailable}}}}"
    );
    for user in ["{token: t}", &exec] {
        let config = kubeconfig(dir.path(), user, &server);
        for words in [&["status", ""][..], &["status", "-n", ""], &["rollback", ""]] {
            let started = Instant::now();
            let mut command = super::command(&["complete", "--"]);
            let ran = super::finish(command.args(words).env("KUBECONFIG", &config)).ends_with(0);
            // Of a debug build on a busy machine, more than the 200 ms of one that is shipped.
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{words:?}: {:?}",
                started.elapsed()
            );
            assert!(ran.err.is_empty(), "{}", ran.err);
            assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
        }
        let mut command = super::command(&["complete", "--", "status", "--context", "t"]);
        let output = command.env("KUBECONFIG", &config).output().expect("it starts");
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.starts_with("there\t"), "{out}");
        assert!(!mark.exists(), "the login plugin ran");
    }
}

/// A Secret as an API server gives it.
fn stored(name: &str, pair: &Pair) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
    let mut secret = pair.secret(name);
    let text = secret.as_object_mut().expect("an object").remove("stringData");
    let text = text.expect("a pair");
    let encoded = |name: &str| BASE64.encode(text[name].as_str().expect("PEM"));
    secret["data"] = json!({"tls.crt": encoded("tls.crt"), "tls.key": encoded("tls.key")});
    secret["metadata"]["namespace"] = "shop".into();
    secret["metadata"]["uid"] = name.into();
    secret["metadata"]["resourceVersion"] = "1".into();
    secret
}

/// The pair that was kept of a Secret.
fn kept(of: &str, pair: &Pair, revoked: Option<&str>) -> Value {
    let name = backup::key(&Key::new("shop", of)).name;
    let mut secret = stored(&name, pair);
    secret["type"] = backup::TYPE.into();
    secret["metadata"]["annotations"] = json!({
        "kubectl-certs.io/for": format!("shop/{of}"), "kubectl-certs.io/expires": "2099-01-01T00:00:00Z",
        "kubectl-certs.io/secret-keys": "[\"tls.crt\",\"tls.key\"]",
    });
    if let Some(reason) = revoked {
        let parsed = bundle::parse_file(pair.chain.as_bytes(), &mut Interner::new());
        let sha256 = parsed.bundle.leaf().expect("a leaf").sha256;
        secret["metadata"]["annotations"]["kubectl-certs.io/revoked"] = format!("{sha256} {reason}").into();
    }
    secret
}

#[test]
fn what_a_command_would_not_take_is_not_offered() {
    let pki = Pki::new();
    let pair = || pki.pair(&["shop.example"]);
    let (now, before, stolen) = (pair(), pair(), pair());
    let secrets = ["web-tls", "back-tls", "stolen-tls", "fresh-tls"].map(|name| stored(name, &now));
    let bare = json!({
        "metadata": {"name": "bare-tls", "namespace": "shop"}, "type": "kubernetes.io/tls",
        "data": {"tls.crt": "aHVzaA==", "tls.key": "aHVzaA=="},
    });
    let backups = [
        kept("web-tls", &before, None),
        // It holds that pair again already.
        kept("back-tls", &now, None),
        kept("stolen-tls", &stolen, Some("key-compromise")),
        kept("gone-tls", &before, None),
    ];
    let ingress = |name: &str, secret: Option<&str>| {
        json!({
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {
                "tls": [{"hosts": ["shop.example"], "secretName": secret}], "rules": [{"host": "shop.example"}],
            },
        })
    };
    let routes = [
        ingress("web", Some("web-tls")),
        ingress("lost", Some("lost-tls")),
        ingress("none", None),
    ];
    let server = serve(move |path| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match path {
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => list(&json!(routes)),
            "/api/v1/namespaces/shop/secrets" if query.contains("backup") => list(&json!(backups)),
            "/api/v1/namespaces/shop/secrets" => list(&json!([&secrets[..], std::slice::from_ref(&bare)].concat())),
            _ => match secrets.iter().find(|s| {
                path.ends_with(&format!(
                    "/secrets/{}",
                    s["metadata"]["name"].as_str().unwrap_or_default()
                ))
            }) {
                Some(secret) => (200, secret.clone()),
                None if path.contains("/secrets/") => {
                    (404, json!({"kind": "Status", "code": 404, "reason": "NotFound"}))
                }
                None => list(&json!([])),
            },
        }
    });
    let shell = Shell::new();
    let config = kubeconfig(shell.dir.path(), "{token: t}", &server);
    let line = |rest: &str| {
        let (command, typed) = rest.split_once(' ').expect("a command");
        format!("kubectl-certs {command} -n shop --kubeconfig {config} {typed}")
    };
    for (name, ask) in [
        ("bash", Shell::bash as fn(&Shell, &str) -> Vec<String>),
        ("fish", Shell::fish),
        ("zsh", Shell::zsh),
    ] {
        for (typed, offered) in [
            ("rollback ", &["web-tls"][..]),
            ("rollback secret/", &["secret/web-tls"]),
            ("rollback secret w", &["web-tls"]),
            ("rollback fresh", &[]),
            ("revoke ", &["web-tls", "back-tls", "fresh-tls", "stolen-tls"]),
            ("revoke secret/w", &["secret/web-tls"]),
            ("revoke bare", &[]),
            // A Secret that is not there is made; a route without one has nothing to renew.
            ("renew ", &["web", "lost", "secret/lost-tls", "secret/bare-tls"]),
            ("renew no", &[]),
        ] {
            let mut found = ask(&shell, &line(typed));
            found.retain(|word| !word.is_empty() && word != "FILES");
            for word in offered {
                assert!(
                    found.iter().any(|one| one == word),
                    "{name}: {typed}: {word} among {found:?}"
                );
            }
            let is_whole = typed.starts_with("ro") || offered.is_empty();
            assert!(!is_whole || found.len() == offered.len(), "{name}: {typed}: {found:?}");
            let foreign = ["bare-tls", "lost-tls", "kubectl-certs-backup"];
            let wrong =
                |word: &String| typed.starts_with("rev") && foreign.iter().any(|foreign| word.contains(foreign));
            assert!(!found.iter().any(wrong), "{name}: {typed}: {found:?}");
        }
    }
}
