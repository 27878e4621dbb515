//! What the README shows first: the status of the example cluster.

use super::{EXAMPLE, command, finish, root, run, verdict};

#[test]
fn its_table_is_what_a_user_sees() {
    let ran = run(&EXAMPLE).ends_with(0);
    insta::assert_snapshot!("example", ran.out);
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said[0], "skipped 31 objects of other kinds: 31 v1/Service");
    assert!(
        said[1].starts_with("35 hosts: 8 critical, 7 warning, 4 info, 16 healthy ("),
        "{said:?}"
    );
    assert_eq!(said.len(), 2);
}

#[test]
fn every_verdict_is_the_expected_one() {
    let mut args = EXAMPLE.to_vec();
    args.extend(["-o", "json"]);
    let items = run(&args).ends_with(0).items();
    let mut found: Vec<String> = items
        .iter()
        .map(|item| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let route = &item["route"];
            let listener = route["listener"].as_str().map_or_else(String::new, |l| format!(":{l}"));
            [
                text(&item["namespace"]),
                format!("{}/{}{listener}", text(&route["kind"]), text(&route["name"])),
                text(&item["host"]),
                verdict(item).replace(' ', "\t"),
            ]
            .join("\t")
        })
        .collect();
    found.sort();
    let expected = std::fs::read_to_string(root().join("docs/example/expected.tsv")).expect("it is there");
    let mut expected: Vec<&str> = expected.lines().skip(1).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn its_page_tells_the_same_as_the_file_for_programs() {
    let read = |name: &str| std::fs::read_to_string(root().join("docs/example").join(name)).expect("it is there");
    let page = read("README.md");
    for line in read("expected.tsv").lines().skip(1) {
        let row = format!("| {} |", line.replace('\t', " | ").replace(',', ", "));
        assert!(page.contains(&row), "{row}");
    }
}

#[test]
fn it_is_the_same_from_standard_input_and_one_namespace_at_a_time() {
    let shop = std::fs::read_to_string(root().join("docs/example/shop.yaml")).expect("it is there");
    let cluster = std::fs::read_to_string(root().join("docs/example/cluster.yaml")).expect("it is there");
    let args = [
        "status",
        "-f",
        "-",
        "--ca-file",
        "docs/example/root.pem",
        "--at",
        "2026-12-01",
        "-n",
        "shop",
        "-o",
        "name",
    ];
    let piped = finish(command(&args).write_stdin(format!("{cluster}\n---\n{shop}"))).ends_with(0);
    let mut from_directory = EXAMPLE.to_vec();
    from_directory.extend(["-n", "shop", "-o", "name"]);
    assert_eq!(piped.out, run(&from_directory).ends_with(0).out);
    assert!(piped.out.lines().count() > 5, "{}", piped.out);
}

#[test]
fn another_day_gives_another_picture() {
    let on = |day: &str| {
        let args = [
            "status",
            "-f",
            "docs/example",
            "--ca-file",
            "docs/example/root.pem",
            "-o",
            "json",
            "--at",
            day,
        ];
        run(&args).ends_with(0)
    };
    assert_eq!(
        on("2026-11-23").verdict("checkout.larkspur.example").split(',').next(),
        Some("warning RenewalDue")
    );
    assert_eq!(
        on("2028-01-01").verdict("git.intra.larkspur.example").split(',').next(),
        Some("critical Expired")
    );
    assert_eq!(
        on("2020-01-01").verdict("git.intra.larkspur.example").split(',').next(),
        Some("critical NotYetValid")
    );
}
