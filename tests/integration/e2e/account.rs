//! Accounts with a real CA: made once, kept where they belong, given another key, ended.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{
    cluster::{Namespace, kubectl},
    dns::Resolver,
    pebble::Pebble,
    run::{Call, Ran},
};

/// A CA, and a home of one's own.
struct Scene {
    pebble: Pebble,
    _resolver: Resolver,
    home: tempfile::TempDir,
}

impl Scene {
    #[track_caller]
    fn new(change: impl FnOnce(&mut crate::support::pebble::Options)) -> Self {
        let resolver = Resolver::start();
        Self {
            pebble: Pebble::start_with(&resolver, change),
            _resolver: resolver,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// `kubectl certs account ACTION ...` with this CA.
    fn call(&self, action: &str, more: &[&str]) -> Call {
        let (url, ca) = (self.pebble.directory_url(), self.pebble.ca_file());
        let mut args = vec![
            "account",
            action,
            "--directory-url",
            &url,
            "--directory-ca-file",
            ca.to_str().unwrap(),
        ];
        args.extend(more);
        Call::certs(args).env("XDG_CONFIG_HOME", self.home.path())
    }

    #[track_caller]
    fn run(&self, action: &str, more: &[&str]) -> Ran {
        let ran = self.call(action, more).run();
        // Whatever happens, no key is shown.
        for key in self.keys() {
            assert!(!format!("{}{}", ran.out, ran.err).contains(&key), "a key is shown");
        }
        ran
    }

    #[track_caller]
    fn json(&self, action: &str, more: &[&str]) -> Value {
        let ran = self.run(action, &[more, &["-o", "json"]].concat()).ends_with(0);
        serde_json::from_str(&ran.out).unwrap()
    }

    fn accounts(&self) -> PathBuf {
        self.home.path().join("kubectl-certs/accounts")
    }

    /// The one account file.
    #[track_caller]
    fn file(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = files(&self.accounts());
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[track_caller]
    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    fn keep(&self, value: &Value) {
        std::fs::write(self.file(), value.to_string()).unwrap();
    }

    /// The middle line of each key that is kept.
    fn keys(&self) -> Vec<String> {
        let texts = files(&self.accounts())
            .into_iter()
            .filter_map(|f| std::fs::read_to_string(f).ok());
        let values = texts.filter_map(|text| serde_json::from_str::<Value>(&text).ok());
        let line = |v: Value| v["key"].as_str().and_then(|pem| pem.lines().nth(1).map(str::to_owned));
        values.filter_map(line).collect()
    }

    /// How many accounts the CA has been asked to make or to find.
    fn asked(&self) -> usize {
        self.pebble.log().matches("POST /sign-me-up").count()
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_account_is_made_once_kept_privately_changed_and_ended() {
    let scene = Scene::new(|_| {});
    // The terms are shown, and without agreement nothing is sent.
    // --yes is in every script, and is none.
    for yes in [&[][..], &["--yes"]] {
        let refused = scene.run("register", yes).ends_with(2);
        assert!(
            refused.err.contains("terms of service") && refused.err.contains("--agree-tos"),
            "{}",
            refused.err
        );
    }
    assert_eq!(scene.asked(), 0);
    assert!(!scene.accounts().exists());

    let made = scene.json("register", &["--agree-tos", "--email", "ops@shop.example"]);
    assert_eq!(made["status"], "valid");
    assert_eq!(made["contact"][0], "mailto:ops@shop.example");
    let permissions = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (permissions(&scene.accounts()), permissions(&scene.file())),
        (0o700, 0o600)
    );
    assert_eq!(scene.kept()["url"], made["url"]);

    // Again it is the same account, and agreement is not asked for twice.
    let again = scene.json("register", &[]);
    assert_eq!(again["url"], made["url"]);
    let all = Call::certs(["account", "show", "-o", "json"]).env("XDG_CONFIG_HOME", scene.home.path());
    let all: Value = serde_json::from_str(&all.run().ends_with(0).out).unwrap();
    assert_eq!(all["items"][0]["url"], made["url"]);

    let updated = scene.json("update", &["--email", "new@shop.example", "--email", "b@shop.example"]);
    assert_eq!(
        updated["contact"],
        serde_json::json!(["mailto:new@shop.example", "mailto:b@shop.example"])
    );

    let asked = scene.run("rollover", &[]).ends_with(2);
    assert!(asked.err.contains("Replace the key of the account"), "{}", asked.err);
    let rolled = scene.json("rollover", &["--yes"]);
    assert_eq!(rolled["url"], made["url"]);
    assert_ne!(rolled["thumbprint"], made["thumbprint"]);
    assert_eq!(scene.json("show", &[])["thumbprint"], rolled["thumbprint"]);

    // Nothing is ended without a yes.
    scene.run("deactivate", &[]).ends_with(2);
    assert_eq!(scene.json("show", &[])["status"], "valid");
    assert_eq!(scene.json("deactivate", &["--yes"])["status"], "deactivated");
    assert_eq!(files(&scene.accounts()).len(), 0);
    let gone = scene.run("show", &[]).ends_with(2);
    assert!(
        gone.err.contains("there is no account") && gone.err.contains("account register"),
        "{}",
        gone.err
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_run_that_was_killed_loses_no_account() {
    let scene = Scene::new(|_| {});
    let made = scene.json("register", &["--agree-tos"]);
    // Killed after the CA made the account and before its URL was kept.
    let mut kept = scene.kept();
    kept["url"] = Value::Null;
    scene.keep(&kept);
    assert_eq!(scene.json("register", &[])["url"], made["url"]);

    // Killed in a rollover: before the CA heard of the new key, ...
    let old = scene.kept();
    let mut begun = old.clone();
    begun["pending"] = serde_json::json!({"key": other_key(), "since": 1});
    scene.keep(&begun);
    assert_eq!(scene.json("show", &[])["thumbprint"], made["thumbprint"]);
    assert_eq!(
        scene.kept()["pending"],
        Value::Null,
        "a new key that the CA never got is forgotten"
    );
    // ... and after it: the old key is the CA's no more.
    let rolled = scene.json("rollover", &["--yes"]);
    let new = scene.kept();
    let mut begun = old.clone();
    begun["pending"] = serde_json::json!({"key": new["key"], "since": 1});
    scene.keep(&begun);
    assert_eq!(scene.json("show", &[])["thumbprint"], rolled["thumbprint"]);
    assert_eq!(scene.kept()["key"], new["key"]);

    // The CA knows neither: it is said, and the key can be registered again.
    let mut lost = new.clone();
    lost["key"] = other_key().into();
    lost["url"] = Value::Null;
    scene.keep(&lost);
    let ran = scene.run("show", &[]).ends_with(4);
    assert!(
        ran.err.contains("knows no account") && ran.err.contains("account register"),
        "{}",
        ran.err
    );
    assert_ne!(scene.json("register", &["--agree-tos"])["url"], made["url"]);
}

/// A key that no CA knows.
fn other_key() -> String {
    let ran = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .output()
        .expect("openssl");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn two_that_register_at_once_have_one_account() {
    let scene = Scene::new(|options| options.nonce_reject = 20);
    let urls: Vec<Value> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| scene.json("register", &["--agree-tos"])["url"].clone()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(urls.iter().all(|url| *url == urls[0] && url.is_string()), "{urls:?}");
    assert_eq!(scene.kept()["url"], urls[0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_ca_that_binds_accounts_wants_the_key_from_a_safe_place() {
    let key = Pebble::eab_key();
    let scene = Scene::new(|options| options.eab = vec![("kid-7".to_owned(), key.clone())]);
    let refused = scene.run("register", &["--agree-tos"]).ends_with(4);
    assert!(refused.err.contains("external account binding"), "{}", refused.err);
    let path = scene.home.path().join("eab");
    std::fs::write(&path, format!("{key}\n")).unwrap();
    let with = [
        "--agree-tos",
        "--eab-kid",
        "kid-7",
        "--eab-key-file",
        path.to_str().unwrap(),
    ];
    let ran = scene.run("register", &with).ends_with(0);
    assert!(!ran.out.contains(&key) && !ran.err.contains(&key));
    // By the environment too; a wrong key is the CA's to refuse.
    let other = Scene::new(|options| options.eab = vec![("kid-7".to_owned(), key.clone())]);
    let by_variable = |key: &str| {
        let call = other.call("register", &["--agree-tos", "--eab-kid", "kid-7"]);
        call.env("KUBECTL_CERTS_EAB_KEY", key).run()
    };
    by_variable(&Pebble::eab_key()).ends_with(4);
    by_variable(&key).ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_account_can_be_kept_in_a_secret() {
    let scene = Scene::new(|_| {});
    let ns = Namespace::new("account");
    let secret = format!("{}/acme", ns.name);
    let with = ["--agree-tos", "--account-secret", secret.as_str()];
    let urls: Vec<Value> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| scene.json("register", &with)["url"].clone()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(urls.iter().all(|url| *url == urls[0] && url.is_string()), "{urls:?}");
    assert!(!scene.accounts().exists(), "nothing is kept here");
    let stored: Value =
        serde_json::from_str(&kubectl(&["get", "secret", "acme", "-n", &ns.name, "-o", "json"])).unwrap();
    assert_eq!(stored["type"], "Opaque");
    assert_eq!(stored["data"].as_object().map(serde_json::Map::len), Some(1));
    let rolled = scene.json("rollover", &[&with[..], &["--yes"]].concat());
    assert_eq!(rolled["url"], urls[0]);
    assert_eq!(scene.json("show", &with)["thumbprint"], rolled["thumbprint"]);
    // One of another type is not written.
    ns.apply(vec![ns.pki.expired(&["a.example"]).secret("tls")]);
    let tls = format!("{}/tls", ns.name);
    let ran = scene
        .run("register", &["--agree-tos", "--account-secret", &tls])
        .ends_with(2);
    assert!(ran.err.contains("type kubernetes.io/tls"), "{}", ran.err);
    assert_eq!(
        scene.json("deactivate", &["--yes", "--account-secret", &secret])["status"],
        "deactivated"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn settings_can_be_in_a_config_map_that_has_no_credentials() {
    let scene = Scene::new(|_| {});
    let ns = Namespace::new("settings");
    let ca: String = std::fs::read_to_string(scene.pebble.ca_file()).unwrap();
    let apply = |settings: Value| {
        ns.apply(vec![serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
            "data": {"config.yaml": settings.to_string()},
        })]);
    };
    let key = format!("{}/settings", ns.name);
    let run = || {
        let args = [
            "account",
            "register",
            "--issuer",
            "corp",
            "--agree-tos",
            "--config-map",
            &key,
            "-o",
            "json",
        ];
        Call::certs(args).env("XDG_CONFIG_HOME", scene.home.path()).run()
    };
    apply(serde_json::json!({"issuers": {"corp": {"directory": scene.pebble.directory_url(), "ca": ca}}}));
    let made: Value = serde_json::from_str(&run().ends_with(0).out).unwrap();
    assert_eq!(made["issuer"], "corp");
    apply(
        serde_json::json!({"issuers": {"corp": {"directory": scene.pebble.directory_url(), "caFile": "/etc/passwd"}}}),
    );
    let refused = run().ends_with(2);
    assert!(
        refused.err.contains("issuers.corp.caFile") && refused.err.contains(&key),
        "{}",
        refused.err
    );
}
