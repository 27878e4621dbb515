//! A team has no cluster at hand, but a pipeline and a git repository: `kubectl certs ensure -f DIR -o DIR` keeps a
//! Secret's manifest there, proved by DNS, and encrypted with age for those who may apply it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::super::age::{age, keygen};
use crate::support::{
    dns::PowerDns,
    front::Front,
    issuing::{Issuing, x509::Leaf},
    run::{Call, Ran},
};

const ZONE: &str = "corp.internal";

/// The CA, and the name server of the zone, whose key is in a file.
fn servers(it: &Issuing) -> (Front, PowerDns) {
    let dns = PowerDns::start();
    dns.create_zone(ZONE);
    it.resolver.delegate(ZONE, dns.ip());
    let key = it.kept("api-key");
    fs::write(&key, dns.api_key()).unwrap();
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{ZONE}]\n    provider: powerdns\n    url: {}\n    apiKey: {{file: {}}}\n",
        dns.api_url(),
        key.display(),
    ));
    (Front::of(&it.pebble.directory_url()), dns)
}

/// Runs it in a working copy, without a cluster.
fn ensure(it: &Issuing, front: &Front, tree: &Path, names: &[&str], more: &[&str]) -> Ran {
    let (dir, ca) = (tree.to_str().unwrap(), front.ca_file());
    let (root, ip) = (it.pebble.root_file(), it.resolver.ip().to_string());
    let mut args = vec![
        "ensure",
        "-f",
        dir,
        "-o",
        dir,
        "--secret",
        "certs",
        "-n",
        "shop",
        "--agree-tos",
        "--yes",
    ];
    args.extend(names.iter().flat_map(|name| ["-d", name]));
    args.extend([
        "--directory-url",
        &front.url,
        "--directory-ca-file",
        ca.to_str().unwrap(),
    ]);
    args.extend(["--ca-file", root.to_str().unwrap(), "--resolver", &ip]);
    args.extend(more);
    it.at_home(&args).env("KUBECONFIG", "/nonexistent").run()
}

/// A manifest as kubectl reads it.
#[track_caller]
fn read(yaml: &[u8]) -> Value {
    let args = ["create", "--dry-run=client", "-o", "json", "-f", "-"];
    serde_json::from_str(&Call::kubectl(args).run_with(yaml).ends_with(0).out).unwrap()
}

#[track_caller]
fn names(secret: &Value) -> Vec<String> {
    assert_eq!(
        (&secret["kind"], &secret["metadata"]["name"]),
        (&"Secret".into(), &"certs".into())
    );
    let leaf = Leaf::of(secret);
    assert!(leaf.key_matches);
    leaf.names()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_pipeline_keeps_an_encrypted_manifest_in_git_and_reads_no_private_key_to_know_that_it_is_good() {
    let it = Issuing::new("pipeline");
    let (front, dns) = servers(&it);
    let tree = tempfile::tempdir().unwrap();
    let at = |name: &str| tree.path().join(name);
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .arg(tree.path())
        .status()
        .unwrap();
    assert!(made.success());
    let ((identity, recipient), (_, colleague)) = (keygen(), keygen());
    fs::write(it.kept("identity"), &identity).unwrap();
    let identity = it.kept("identity");
    let identity = identity.to_str().unwrap();
    fs::write(
        at(".age-recipients"),
        format!("# who applies it\n{recipient}\n{colleague}\n"),
    )
    .unwrap();
    let recipients = at(".age-recipients");
    let sealed = ["--age-recipients-file", recipients.to_str().unwrap()];
    let both = ["db.corp.internal", "web.corp.internal"];

    // A private key does not come into a working copy as it is.
    let ran = ensure(&it, &front, tree.path(), &both, &[]).ends_with(2);
    assert!(
        ran.err.contains("git work tree") && ran.err.contains("--age-recipient"),
        "{}",
        ran.err
    );

    let ran = ensure(&it, &front, tree.path(), &both, &sealed).ends_with(0);
    assert!(ran.err.contains("shop/certs: it does not exist yet"), "{}", ran.err);
    let (file, chain) = (at("shop_certs.yaml.age"), at("shop_certs.crt"));
    let decrypted = || age(&["-d", "-i", identity, file.to_str().unwrap()], b"").unwrap();
    assert_eq!(names(&read(&decrypted())), both);
    let beside = fs::read_to_string(&chain).unwrap();
    assert!(
        beside.contains("BEGIN CERTIFICATE") && !beside.contains("PRIVATE"),
        "{beside}"
    );
    let mut there: Vec<_> = fs::read_dir(tree.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    there.sort();
    assert_eq!(
        there,
        [".age-recipients", ".git", "shop_certs.crt", "shop_certs.yaml.age"]
    );

    // The pipeline of the next day has no identity, and asks no CA.
    let (asked, before) = (front.asked("/").len(), fs::read(&file).unwrap());
    let ran = ensure(&it, &front, tree.path(), &both, &sealed).ends_with(0);
    assert!(ran.err.contains("nothing to do for Secret shop/certs"), "{}", ran.err);
    assert_eq!(front.asked("/").len(), asked);
    assert_eq!(fs::read(&file).unwrap(), before);

    // Somebody adds a key of the team's own to what is encrypted, and encrypts it again.
    let mut manifest = String::from_utf8(decrypted()).unwrap();
    manifest = manifest.replacen("\ndata:\n", "\ndata:\n  dhparam: YQ==\n", 1);
    fs::write(&file, age(&["-r", &recipient], manifest.as_bytes()).unwrap()).unwrap();
    let ran = ensure(
        &it,
        &front,
        tree.path(),
        &both,
        &[&sealed[..], &["--age-identity", identity]].concat(),
    );
    assert!(ran.ends_with(0).err.contains("nothing to do"));
    // Other names are ordered, and with the identity everything else stays.
    let one = ["web.corp.internal"];
    let ran = ensure(
        &it,
        &front,
        tree.path(),
        &one,
        &[&sealed[..], &["--age-identity", identity]].concat(),
    );
    let ran = ran.ends_with(0);
    assert!(
        ran.err.contains("its names change: db.corp.internal removed"),
        "{}",
        ran.err
    );
    let secret = read(&decrypted());
    assert_eq!(names(&secret), one);
    assert_eq!(secret["data"]["dhparam"], "YQ==");

    // Without it, what cannot be kept is not lost, and the chain still says that nothing is to be done.
    let ran = ensure(&it, &front, tree.path(), &one, &sealed).ends_with(0);
    assert!(ran.err.contains("nothing to do"), "{}", ran.err);
    let (before, asked) = (fs::read(&file).unwrap(), front.asked("/").len());
    let ran = ensure(&it, &front, tree.path(), &both, &sealed).ends_with(2);
    assert!(
        ran.err.contains("also holds dhparam") && ran.err.contains("--age-identity"),
        "{}",
        ran.err
    );
    assert_eq!((fs::read(&file).unwrap(), front.asked("/").len()), (before, asked));
    let left = dns.records(ZONE);
    assert!(
        left.iter().all(|record| !record.name.contains("_acme-challenge")),
        "{left:?}"
    );
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_plain_manifest_outside_of_git_is_renewed_where_it_is_with_all_that_is_in_it() {
    let it = Issuing::new("plain");
    let (front, _dns) = servers(&it);
    let tree = tempfile::tempdir().unwrap();
    let file = tree.path().join("shop_certs.yaml");
    ensure(&it, &front, tree.path(), &["web.corp.internal"], &[]).ends_with(0);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(names(&read(text.as_bytes())), ["web.corp.internal"]);
    fs::write(&file, text.replacen("\ndata:\n", "\ndata:\n  dhparam: YQ==\n", 1)).unwrap();
    let asked = front.asked("/").len();
    ensure(&it, &front, tree.path(), &["web.corp.internal"], &[]).ends_with(0);
    assert_eq!(front.asked("/").len(), asked);
    ensure(&it, &front, tree.path(), &["db.corp.internal"], &[]).ends_with(0);
    let secret = read(&fs::read(&file).unwrap());
    assert_eq!(names(&secret), ["db.corp.internal"]);
    assert_eq!(secret["data"]["dhparam"], "YQ==");
}
