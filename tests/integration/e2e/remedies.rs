//! The commands of remedies, run as they are printed, against what they are about.

use std::collections::BTreeSet;

use crate::support::{
    cluster::{Namespace, ingress},
    run::{Call, findings},
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn commands_of_remedies_run_as_they_are_printed() {
    let ns = Namespace::new("remedies");
    let [missing, old, wrong, half] = ["missing", "old", "wrong", "half"].map(|label| ns.host(label));
    let mut without_key = ns.pki.pair(&[&half]).secret("half");
    without_key["stringData"]["tls.key"] = "".into();
    let good = ns.pki.pair(&[&missing]);
    ns.apply(vec![
        ns.pki.expired(&[&old]).secret("old"),
        ns.pki.pair(&["elsewhere.example"]).secret("wrong"),
        without_key,
        ingress("missing", &[(&[&missing], "not-there")]),
        ingress("old", &[(&[&old], "old")]),
        ingress("wrong", &[(&[&wrong], "wrong")]),
        ingress("half", &[(&[&half], "half")]),
    ]);
    let file = |name: &str, text: &str| {
        let path = ns.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (chain, key) = (file("chain.pem", &good.chain), file("key.pem", &good.key));
    let items = ns.status(&[]);
    let commands: BTreeSet<String> = items
        .0
        .iter()
        .flat_map(|item| findings(item).iter())
        .flat_map(|finding| finding["commands"].as_array().expect("commands").iter())
        .map(|command| command.as_str().expect("a text").to_owned())
        .collect();
    assert!(commands.len() >= 6, "{commands:#?}");
    for program in [
        "kubectl certs status",
        "create secret tls",
        "patch secret",
        "openssl x509",
    ] {
        assert!(commands.iter().any(|c| c.contains(program)), "{program}: {commands:#?}");
    }
    for command in &commands {
        // Ordering is what other tests are about; cmctl is not in the testbed.
        if command.starts_with("kubectl certs renew") || command.starts_with("cmctl") {
            continue;
        }
        let mut filled = command.clone();
        for (placeholder, value) in [
            ("<CHAIN-FILE>", &chain),
            ("<CERTIFICATE-FILE>", &chain),
            ("<INTERMEDIATES-FILE>", &chain),
            ("<CA-FILE>", &chain),
            ("<KEY-FILE>", &key),
        ] {
            filled = filled.replace(placeholder, value);
        }
        assert!(!filled.contains('<'), "{command}");
        let ran = Call::kubectl::<[&str; 0]>([]).through(&["sh", "-c", &filled]).run();
        assert_eq!(ran.status, Some(0), "{filled}\n{}\n{}", ran.out, ran.err);
    }
}
