//! The manifests of `plugin/powerdns`: accepted by the server as they are, and at work with the testbed's own PowerDNS.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    cluster::{ingress, kubectl, objects_of},
    controller::{controller, resume, until_stored},
    eventually,
    issuing::Issuing,
    run::{Call, WITH_POD},
};

const ZONE: &str = "corp.internal";
const IMAGE: &str = "testbed.local/pdns:1";

fn root() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()))
}

fn manifests() -> String {
    root().join("plugin/powerdns/powerdns.yaml").display().to_string()
}

/// Packs the testbed's PowerDNS, with all that it is linked to, as an image: there is no registry to pull one from.
fn image() {
    let testbed = PathBuf::from(std::env::var("TESTBED").expect("TESTBED, which tests/testbed/run sets")).join("dns");
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    for made in ["bin", "lib", "lib64", "modules", "seed", "real"] {
        std::fs::create_dir(at(made)).unwrap();
    }
    let libraries = testbed.join("usr/lib/x86_64-linux-gnu");
    let backend = libraries.join("pdns/libgsqlite3backend.so");
    let programs = [testbed.join("usr/sbin/pdns_server"), testbed.join("usr/bin/pdnsutil")];
    let mut linked = BTreeSet::new();
    for file in programs.iter().chain([&backend]) {
        let ran = Command::new("ldd")
            .arg(file)
            .env("LD_LIBRARY_PATH", &libraries)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        let words = out.split_whitespace().filter(|word| word.starts_with('/'));
        linked.extend(words.map(PathBuf::from));
    }
    for library in linked {
        let name = library.file_name().unwrap();
        let place = if library.starts_with("/lib64") { "lib64" } else { "lib" };
        std::fs::copy(&library, at(place).join(name)).unwrap();
    }
    for program in &programs {
        std::fs::copy(program, at("real").join(program.file_name().unwrap())).unwrap();
    }
    std::fs::copy(&backend, at("modules").join(backend.file_name().unwrap())).unwrap();
    std::fs::copy(testbed.join("pdns.sqlite3"), at("seed/pdns.sqlite3")).unwrap();
    std::fs::set_permissions(at("seed/pdns.sqlite3"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::copy("/bin/busybox", at("bin/busybox")).unwrap();
    for applet in ["sh", "cp"] {
        std::os::unix::fs::symlink("busybox", at("bin").join(applet)).unwrap();
    }
    let start = "#!/bin/sh\n[ -e /var/lib/powerdns/pdns.sqlite3 ] || cp /seed/pdns.sqlite3 /var/lib/powerdns/\n\
                 LD_LIBRARY_PATH=/lib exec /real/pdns_server --disable-syslog \"$@\"\n";
    executable(&at("start"), start);
    executable(
        &at("bin/pdnsutil"),
        "#!/bin/sh\nLD_LIBRARY_PATH=/lib exec /real/pdnsutil \"$@\"\n",
    );
    let ran = Command::new(root().join("tests/testbed/image"))
        .args([IMAGE, "/start"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The manifests with what the testbed lacks replaced: the image, a class of storage, and the database of the image.
fn patched() -> Vec<Value> {
    let mut objects = objects_of(&std::fs::read_to_string(manifests()).unwrap());
    objects.retain(|object| object["kind"] != "PersistentVolumeClaim");
    for object in &mut objects {
        object["metadata"].as_object_mut().unwrap().remove("namespace");
        if object["kind"] == "ConfigMap" {
            let conf = object["data"]["pdns.conf"].as_str().unwrap();
            let others = conf
                .lines()
                .filter(|line| !line.contains("lmdb"))
                .collect::<Vec<_>>()
                .join("\n");
            let own = "launch=gsqlite3\ngsqlite3-database=/var/lib/powerdns/pdns.sqlite3\nmodule-dir=/modules\n";
            object["data"]["pdns.conf"] = format!("{own}{others}\n").into();
        }
        if object["kind"] == "Deployment" {
            let spec = &mut object["spec"]["template"]["spec"];
            spec["containers"][0]["image"] = IMAGE.into();
            for volume in spec["volumes"].as_array_mut().unwrap() {
                if volume["name"] == "data" {
                    *volume = json!({"name": "data", "emptyDir": {}});
                }
            }
        }
    }
    objects
}

/// Makes the Secret by the command that the file shows.
fn secret(it: &Issuing) {
    let text = std::fs::read_to_string(manifests()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("#   "));
    let script: Vec<&str> = lines.collect();
    let script = script.join("\n").replace("-n dns", &format!("-n {}", it.ns.name));
    assert!(
        script.contains("kubectl create secret generic powerdns-api"),
        "{script}"
    );
    let ran = Command::new("bash").args(["-euc", &script]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Runs pdnsutil in the Pod. What it says.
fn pdnsutil(it: &Issuing, args: &[&str]) -> String {
    let exec = [
        "exec",
        "deployment/powerdns",
        "--",
        "pdnsutil",
        "--config-dir=/etc/powerdns",
    ];
    it.ns.kubectl(&[&exec, args].concat())
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_manifests_are_accepted_under_the_restricted_standard_and_the_server_issues_for_its_zone() {
    let it = Issuing::new("pdns-here");
    for mode in ["enforce", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}=restricted");
        it.ns.kubectl(&["label", "namespace", &it.ns.name, &label]);
    }
    let args = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-n",
        &it.ns.name,
        "-f",
        &manifests(),
    ];
    let ran = Call::kubectl(args).run().ends_with(0);
    assert!(!ran.err.contains("Warning"), "{}", ran.err);

    image();
    secret(&it);
    it.ns.apply(patched());
    it.ns.kubectl(&[
        "wait",
        "--for=condition=Available",
        "--timeout=90s",
        "deployment/powerdns",
    ]);
    let ip = it
        .ns
        .kubectl(&["get", "service", "powerdns-udp", "-o", "jsonpath={.spec.clusterIP}"]);
    pdnsutil(&it, &["create-zone", ZONE, "ns1.corp.internal"]);
    it.settings(&format!(
        "dns01:\n  providers:\n  - name: internal\n    zones: [{ZONE}]\n    provider: powerdns\n    url: service://{ns}/powerdns-api:8081\n    \
         apiKey: {{secretRef: {{namespace: {ns}, name: powerdns-api, key: apikey}}}}\nunattended:\n  wildcards: []\n",
        ns = it.ns.name
    ));
    let issue = ["issue", "--secret", "internal-tls", "-d", "*.corp.internal", "-d", ZONE];

    // The zone is not delegated yet: the records that do it are printed, with the address of the load balancer while the
    // zone itself has none.
    it.ns.apply(vec![ingress("internal", &[(&[ZONE], "route-tls")])]);
    let says = |status: i32, words: &[&str]| {
        let ran = it.call(&["preflight", "internal"]).run().ends_with(status);
        for words in words {
            assert!(ran.out.contains(words), "{words}: {}", ran.out);
        }
    };
    let ns = "corp.internal. IN NS ns1.corp.internal.";
    let none = "nothing in DNS delegates corp.internal to ns1.corp.internal";
    says(4, &[none, ns, "the addresses at which ns1.corp.internal can be asked"]);
    let status = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.53"}]}}}"#;
    let patch = [
        "patch",
        "service",
        "powerdns-tcp",
        "--subresource=status",
        "--type=merge",
        "-p",
        status,
    ];
    it.ns.kubectl(&patch);
    says(4, &[none, ns, "ns1.corp.internal. IN A 192.0.2.53"]);
    pdnsutil(&it, &["add-record", ZONE, "ns1", "A", &ip]);
    says(4, &[none, ns, &format!("ns1.corp.internal. IN A {ip}")]);
    it.resolver.delegate(ZONE, ip.parse().unwrap());
    says(0, &["corp.internal is delegated to ns1.corp.internal"]);

    let ran = it.call(&issue).within(WITH_POD).run().ends_with(0);
    assert_eq!(
        it.leaf("internal-tls").names(),
        ["*.corp.internal", ZONE],
        "{}",
        ran.err
    );
    assert_eq!(it.left(), [""; 0], "{}", ran.err);

    // The controller reaches it the same way, for what a namespace declares.
    let running = controller(&it);
    resume(&it);
    running.out.after(0, &["0 Secrets are kept"]);
    let wildcard = "*.apps.corp.internal";
    kubectl(&[
        "annotate",
        "namespace",
        &it.ns.name,
        &format!("kubectl-certs.io/wildcard={wildcard}"),
    ]);
    until_stored(&it, "wildcard-tls", &[wildcard], &running);
    eventually("nothing to be left", || {
        let left = it.left();
        if left.is_empty() { Ok(()) } else { Err(left.join(" ")) }
    });
    let texts = |zone: &str| {
        pdnsutil(&it, &["list-zone", zone])
            .lines()
            .filter(|line| line.contains("TXT"))
            .count()
    };
    assert_eq!(texts(ZONE), 0, "{:?}", running.out.all());
}
