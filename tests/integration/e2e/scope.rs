//! What is looked at: `-A`, `-n`, `--exclude-namespace`, `-l`, and pages.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{
    cluster::{Namespace, ingress},
    run::{Call, Items},
};

/// The namespaces among `items` that the tests made here.
fn namespaces<'a>(items: &'a Items, of: &[&Namespace]) -> BTreeSet<&'a str> {
    let ours = |name: &&str| of.iter().any(|ns| ns.name == *name);
    items
        .0
        .iter()
        .filter_map(|item| item["namespace"].as_str())
        .filter(ours)
        .collect()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_scope_is_what_the_flags_say() {
    let both = [Namespace::new("scope-a"), Namespace::new("scope-b")];
    for ns in &both {
        let (x, y) = (ns.host("x"), ns.host("y"));
        let mut labelled = ingress("y", &[(&[&y], "y")]);
        labelled["metadata"]["labels"] = serde_json::json!({"team": "blue"});
        ns.apply(vec![
            ns.pki.expired(&[&x]).secret("x"),
            ns.pki.expired(&[&y]).secret("y"),
            ingress("x", &[(&[&x], "x")]),
            labelled,
        ]);
    }
    let [a, b] = both.each_ref().map(|ns| ns.name.as_str());
    let of = both.each_ref();
    let ca = both[0].ca_file();
    let run = |args: &[&str]| {
        let args = [&["status", "-o", "json", "--ca-file", ca.to_str().unwrap()], args].concat();
        Call::certs(args).run().ends_with(0).items()
    };
    assert_eq!(namespaces(&run(&["-A"]), &of), [a, b].into());
    assert_eq!(namespaces(&run(&["-n", a, "-n", b]), &of), [a, b].into());
    assert_eq!(run(&["-n", a, "-n", b]).0.len(), 4, "nothing of other namespaces");
    assert_eq!(namespaces(&run(&["-n", b]), &of), [b].into());
    assert_eq!(
        namespaces(&run(&["-A", "--exclude-namespace", "e2e-scope-a-*"]), &of),
        [b].into()
    );
    assert_eq!(run(&["-n", a, "-n", b, "--exclude-namespace", b]).0.len(), 2);

    let blue = run(&["-n", a, "-n", b, "-l", "team=blue"]);
    let names: BTreeSet<&str> = blue
        .0
        .iter()
        .filter_map(|item| item["route"]["name"].as_str())
        .collect();
    assert_eq!(
        (blue.0.len(), names),
        (2, ["y"].into()),
        "Ingresses by label, and no Secret of others: {blue:#?}"
    );
    assert_eq!(run(&["-n", a, "-l", "team notin (blue)"]).0.len(), 1);
    assert_eq!(run(&["-n", a, "--field-selector", "metadata.name=x"]).0.len(), 1);

    let table = Call::certs(["status", "-n", a, "-n", b]).run().ends_with(0);
    assert!(table.out.starts_with("NAMESPACE"), "{}", table.out);

    // A context's own namespace is what counts where none is named.
    let mut config = crate::support::kubeconfig::admin();
    config["contexts"][0]["context"]["namespace"] = a.into();
    let file = crate::support::kubeconfig::write(both[0].dir.path(), "own", &config);
    let own = Call::certs(["status", "-o", "json"])
        .env("KUBECONFIG", file)
        .run()
        .ends_with(0);
    assert_eq!(own.items().0.len(), 2);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn pages_change_nothing() {
    let ns = Namespace::new("pages");
    let mut objects = Vec::new();
    for n in 0..7 {
        let host = ns.host(&format!("h{n}"));
        let name = format!("n{n}");
        let pair = if n % 2 == 0 {
            ns.pki.pair(&[&host])
        } else {
            ns.pki.expired(&[&host])
        };
        objects.push(pair.secret(&name));
        objects.push(ingress(&name, &[(&[&host], &name)]));
    }
    ns.apply(objects);
    let whole = ns.status(&[]);
    assert_eq!(whole.0.len(), 7);
    assert_eq!(ns.status(&["--chunk-size", "2"]), whole);
    let wide = |args: &[&str]| {
        let ca = ns.ca_file();
        let args = [&["status", "-A", "-o", "json", "--ca-file", ca.to_str().unwrap()], args].concat();
        let items = Call::certs(args).run().ends_with(0).items();
        items
            .0
            .into_iter()
            .filter(|item| item["namespace"] == ns.name.as_str())
            .collect::<Vec<Value>>()
    };
    assert_eq!(wide(&["--chunk-size", "2"]), whole.0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_namespace_that_is_misspelt_is_told_with_the_nearest() {
    let ns = Namespace::new("scope-nearest");
    let misspelt = format!("{}x", ns.name);
    for command in ["status", "preflight", "show"] {
        let mut args = vec![command, "-n", &misspelt];
        args.extend((command != "status").then_some("web"));
        let ran = Call::certs(args).run().ends_with(3);
        for words in [
            format!("there is no namespace {misspelt:?}"),
            format!("hint: did you mean {}?", ns.name),
        ] {
            assert!(ran.err.contains(&words), "{command}: {words}: {}", ran.err);
        }
    }
}
