//! The commands that hints name: each goes where the user looked, and not to whatever the current context is.

use super::{command, file, finish, run};
use crate::support::{pki::Pki, tls};

#[test]
fn what_cert_manager_owns_among_manifests_is_asked_of_no_cluster_by_accident() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out").display().to_string();
    for ca in [&[][..], &["--production"]] {
        let mut args = vec![
            "renew",
            "secret/blog-tls",
            "-f",
            "docs/example",
            "--output-dir",
            &out,
            "--yes",
        ];
        args.extend(ca);
        let ran = finish(command(&args).env("HOME", dir.path()));
        ran.fails(
            2,
            &[
                "Secret blog/blog-tls belongs to cert-manager",
                "there is no manifest to write",
                "`kubectl certs renew secret/blog-tls -n blog --production --context <CONTEXT>`",
            ],
        );
    }
}

#[test]
fn a_hint_names_the_files_that_were_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let saved = file(&dir, "saved.json", "{}");
    let args = ["status", "-f", "docs/example", "-R", "--since", &saved, "-n", "shop"];
    run(&args).fails(2, &["`kubectl certs status -o json -f docs/example -R -n shop > FILE`"]);
}

#[test]
fn a_server_that_was_asked_elsewhere_is_asked_there_again() {
    let address = tls::serve(&Pki::new().expired(&["other.example"]));
    let ran = run(&["show", "shop.example:443", "--connect", &address]);
    for flags in ["--servername <NAME>", "--ca-file <CA-FILE>"] {
        let told = format!("kubectl certs show shop.example:443 {flags} --connect {address}");
        assert!(ran.out.contains(&told), "{told}: {}", ran.out);
    }
    run(&[
        "show",
        "shop.example",
        "-f",
        "docs/example/root.pem",
        "--connect",
        &address,
    ]);
    let ran = run(&["show", "nu.example", "-f", "docs/example", "--connect", &address]);
    ran.fails(
        2,
        &[&format!("`kubectl certs show nu.example:443 --connect {address}`")],
    );
}

#[test]
fn roles_of_several_namespaces_are_printed_together_and_bound_in_each() {
    let ran = finish(&mut command(&["rights", "-n", "shop", "-n", "blog"])).ends_with(0);
    let documents: Vec<&str> = ran.out.split("---\n").collect();
    assert_eq!(documents.len(), 2, "{}", ran.out);
    for (document, namespace) in documents.iter().zip(["shop", "blog"]) {
        assert!(
            document.contains(&format!("\n  namespace: {namespace}\n")),
            "{document}"
        );
        let bind = format!("rolebinding kubectl-certs-renewer -n {namespace} ");
        assert!(ran.err.contains(&bind), "{}", ran.err);
    }
}
