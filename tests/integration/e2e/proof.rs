//! What proves afterwards that a controller renewed in time, and what takes its certificates elsewhere: held against a cluster in
//! which both were seen ([`super::unattended_served`] sets it up).

use std::fs;

use serde_json::Value;

use super::age::{age, keygen};
use crate::support::{
    eventually,
    issuing::{Issuing, x509::Leaf},
    run::{Call, Running},
};

/// The proof of the controller in the namespace of a test: what it ends with, and what it says.
fn proof(it: &Issuing, args: &[&str]) -> (Option<i32>, Value) {
    let ran = it.plain(&[&["proof", "-o", "json"], args].concat()).run();
    let said = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err));
    (ran.status, said)
}

/// One renewal was stored and seen served; the lines of the controller say the same, as long as nobody changes them.
pub(super) fn one_renewal_is_proved(it: &Issuing, running: &Running) {
    let said = eventually("the note of when it was served", || match proof(it, &[]) {
        (_, said) if said["items"][0]["firstSeenServedAt"].is_string() => Ok(said),
        (_, said) => Err(said.to_string()),
    });
    let item = &said["items"][0];
    assert_eq!(
        (&item["secret"], &item["renewals"]),
        (&"shop-tls".into(), &1.into()),
        "{said}"
    );
    assert_eq!(
        (&said["expired"], &item["holds"]),
        (&0.into(), &"kept".into()),
        "{said}"
    );
    // It was due because its window was moved: nearly all of its life was left.
    assert!(item["leastLeftSeconds"].as_i64().unwrap() > 80 * 86_400, "{said}");
    let times = ["storedAt", "firstSeenServedAt"].map(|name| item[name].as_str().unwrap().to_owned());
    assert!(times[0] <= times[1], "{said}");

    let (path, lines) = (it.kept("controller.log"), running.out.all());
    let verify = |lines: &[String]| {
        fs::write(&path, lines.join("\n")).unwrap();
        proof(it, &["--audit", path.to_str().unwrap()])
    };
    let (status, said) = verify(&lines);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(
        (&said["audit"]["breaks"], &said["notInLines"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
    assert_eq!(said["audit"]["chains"][0]["whole"], true, "{said}");
    let mut changed = lines.clone();
    let stored = changed
        .iter()
        .position(|line| line.contains("\"event\":\"stored\""))
        .unwrap();
    changed[stored] = changed[stored].replace("shop-tls", "blog-tls");
    let (status, said) = verify(&changed);
    assert_eq!(
        (status, &said["audit"]["breaks"][0]["line"]),
        (Some(1), &(stored + 2).into()),
        "{said}"
    );
}

/// The Secret is exported, and what is exported is as good as the Secret: for kubectl, and for `ensure`.
pub(super) fn what_is_exported_is_whole(it: &Issuing, host: &str) {
    let (identity, recipient) = keygen();
    let (dir, key) = (tempfile::tempdir().unwrap(), it.kept("identity"));
    fs::write(&key, identity).unwrap();
    let (to, key) = (dir.path().to_str().unwrap(), key.to_str().unwrap());
    let namespace = it.ns.name.as_str();
    let export = |more: &[&str]| {
        let args = [
            "export",
            "--to",
            to,
            "--recipient",
            &recipient,
            "--controller-namespace",
            namespace,
        ];
        it.plain(&[&args[..], more].concat()).run()
    };
    let ran = export(&[]).ends_with(0);
    let file = dir.path().join(format!("{namespace}_shop-tls.yaml.age"));
    assert_eq!(ran.out.trim(), file.display().to_string(), "{}", ran.err);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"));
    }
    let read = |file: &std::path::Path| -> Value {
        let plain = age(&["-d", "-i", key, file.to_str().unwrap()], b"").unwrap();
        let args = ["create", "--dry-run=client", "-o", "json", "-f", "-"];
        serde_json::from_str(&Call::kubectl(args).run_with(&plain).ends_with(0).out).unwrap()
    };
    let (exported, stored) = (read(&file), it.secret("shop-tls"));
    assert_eq!(exported["data"], stored["data"]);
    for annotation in ["claim", "sha256", "issuer"] {
        let name = format!("kubectl-certs.io/{annotation}");
        let of = |secret: &Value| secret["metadata"]["annotations"][&name].clone();
        assert_eq!(of(&exported), of(&stored), "{name}");
    }
    // Once more, nothing is new.
    let sealed = fs::read(&file).unwrap();
    let ran = export(&[]).ends_with(0);
    assert!(
        ran.out.is_empty() && ran.err.contains("1 more is there as it was"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(fs::read(&file).unwrap(), sealed);
    // A pipeline without a cluster finds it as it is wanted, with the identity and without.
    let ensure = |more: &[&str]| {
        let args = [
            "ensure",
            "-f",
            to,
            "-o",
            to,
            "--secret",
            "shop-tls",
            "-d",
            host,
            "--age-recipient",
            &recipient,
        ];
        let ran = it
            .without_advertise(&[&args[..], more].concat())
            .env("KUBECONFIG", "/nonexistent")
            .run()
            .ends_with(0);
        assert!(ran.err.contains("nothing to do for Secret"), "{}", ran.err);
    };
    ensure(&[]);
    ensure(&["--age-identity", key]);
    // Where the Secret is gone and the controller is too, the kept pair is taken.
    it.ns.kubectl(&["delete", "secret", "shop-tls"]);
    fs::remove_file(&file).unwrap();
    export(&[]).ends_with(0);
    let kept = read(&file);
    assert_eq!(Leaf::of(&kept).sha256(), Leaf::of(&stored).sha256());
    assert_eq!(
        kept["metadata"]["annotations"]["kubectl-certs.io/claim"],
        stored["metadata"]["annotations"]["kubectl-certs.io/claim"]
    );
}
