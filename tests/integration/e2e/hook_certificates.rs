//! dehydrated's hooks for certificates: `deploy_cert` and `unchanged_cert`, with the key in files that are gone afterwards.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::support::{dns::Bind, issuing::Issuing};

/// A script with a function for each hook, as dehydrated's documentation has it. It keeps what it gets in `dir`.
fn script(dir: &Path, server: &Bind, deploy: &str) {
    let text = format!(
        r#"#!/usr/bin/env bash
set -euo pipefail
cd {dir}
echo "$@" >>log
change() {{
  printf 'server {ip}\nupdate %s _acme-challenge.%s. %s\nsend\n' "$1" "$2" "$3" |
    nsupdate -y '{algorithm}:{key_name}:{secret}'
}}
keep() {{ stat -c '%a' "$(dirname "$2")" "$2" >modes; cp "$2" key; cp "$3" cert; cp "$4" fullchain; cp "$5" chain; }}
deploy_challenge() {{ change add "$1" "60 TXT \"$3\""; }}
clean_challenge() {{ change delete "$1" "TXT \"$3\""; }}
deploy_cert() {{ keep "$@"; {deploy} }}
unchanged_cert() {{ keep "$@"; }}
HANDLER=$1; shift
if [[ "$HANDLER" =~ ^(deploy_challenge|clean_challenge|deploy_cert|unchanged_cert)$ ]]; then "$HANDLER" "$@"; fi
"#,
        dir = dir.display(),
        ip = server.ip(),
        algorithm = Bind::KEY_ALGORITHM,
        key_name = Bind::KEY_NAME,
        secret = server.key_secret(),
    );
    let path = dir.join("hook.sh");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// The calls of a hook.
fn calls(dir: &Path, hook: &str) -> Vec<Vec<String>> {
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    log.lines()
        .map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .filter(|words| words[0] == hook)
        .collect()
}

/// What the hook got is what is stored, and is gone.
#[track_caller]
fn got(it: &Issuing, dir: &Path, call: &[String]) {
    let data = |key: &str| {
        let secret = it.secret("shop-tls");
        let bytes = BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let kept = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(kept("modes"), "700\n600\n");
    assert_eq!(kept("key"), data("tls.key"));
    assert_eq!(kept("fullchain"), data("tls.crt"));
    assert_eq!(kept("cert") + &kept("chain"), data("tls.crt"));
    for file in &call[2..6] {
        assert!(!Path::new(file).exists(), "{file} is still there");
    }
    let place = Path::new(&call[2]).parent().unwrap();
    assert!(!place.exists(), "{} is still there", place.display());
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_hook_gets_the_new_certificate_and_the_one_that_is_not_due_and_its_failure_leaves_the_secret() {
    let it = Issuing::new("hook-certs");
    let zone = "shop.example";
    let server = Bind::start(&[zone]);
    it.resolver.delegate(zone, server.ip());
    let dir = it.ns.dir.path().to_owned();
    script(&dir, &server, ":;");
    let settings = |more: &str| {
        it.settings(&format!(
            "dns01:\n  providers:\n  - zones: [{zone}]\n    provider: hook\n    command: {}\n{more}",
            dir.join("hook.sh").display()
        ));
    };
    settings("");
    let issue = ["issue", "--secret", "shop-tls", "-d", zone, "-d", "*.shop.example"];
    it.certs(&issue).ends_with(0);
    let deployed = calls(&dir, "deploy_cert");
    assert_eq!(deployed.len(), 1, "{deployed:?}");
    assert_eq!((deployed[0].len(), deployed[0][1].as_str()), (7, zone), "{deployed:?}");
    assert!(deployed[0][6].parse::<u64>().unwrap() > 1_700_000_000, "{deployed:?}");
    got(&it, &dir, &deployed[0]);

    let due = it.certs(&["renew", "--due"]).ends_with(0);
    let unchanged = calls(&dir, "unchanged_cert");
    assert_eq!(unchanged.len(), 1, "{unchanged:?}: {}", due.err);
    assert_eq!(
        (unchanged[0].len(), unchanged[0][1].as_str()),
        (6, zone),
        "{unchanged:?}"
    );
    got(&it, &dir, &unchanged[0]);
    it.certs(&["renew", "--due", "--dry-run"]).ends_with(0);
    assert_eq!(calls(&dir, "unchanged_cert").len(), 1, "a dry run calls nobody");

    // A failure is told, and the certificate is stored all the same.
    let had = it.leaf("shop-tls").sha256();
    script(&dir, &server, "echo no balancer answers >&2; exit 3;");
    let ran = it.certs(&["renew", "secret/shop-tls"]).ends_with(5);
    for words in ["the new certificate is stored, but hook", "no balancer answers"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_ne!(it.leaf("shop-tls").sha256(), had, "{}", ran.err);
    assert!(!ran.err.contains("PRIVATE KEY"), "{}", ran.err);
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // One that knows challenges only is not called.
    settings("    deployCert: false\n");
    it.certs(&["renew", "secret/shop-tls"]).ends_with(0);
    assert_eq!(calls(&dir, "deploy_cert").len(), 2);
}
