//! `docs/trust/versions.md` names every version of a controller, of cert-manager and of Kubernetes that the source says it was read from, and
//! those that the testbed runs.

use super::root;

/// Whose versions are on the page.
const PRODUCTS: [&str; 13] = [
    "traefik",
    "ingress-nginx",
    "cert-manager",
    "envoy",
    "gateway api",
    "haproxy",
    "kubernetes",
    "contour",
    "kong",
    "istio",
    "openssl",
    "nginx",
    "aws",
];

/// The versions in a comment: `v1.15.1`, `3.6`.
fn versions(comment: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_' || c == '/';
    let words = comment.split(|c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    let mut before = "";
    let mut found = Vec::new();
    for word in words {
        let number = word.strip_prefix('v').unwrap_or(word);
        let parts: Vec<&str> = number.split('.').collect();
        let is_version = (2..=3).contains(&parts.len())
            && parts
                .iter()
                .all(|part| !part.is_empty() && part.len() < 4 && part.bytes().all(|b| b.is_ascii_digit()));
        // `section 4.2` of an RFC, `HTTP/1.1`: the second is one word.
        let is_of_text =
            ["section", "sections", "Requirements", "RFC", "and"].contains(&before) && !word.starts_with('v');
        let is_of_product =
            word.starts_with('v') || PRODUCTS.iter().any(|product| comment.to_lowercase().contains(product));
        if is_version && !is_of_text && is_of_product {
            found.push(word);
        }
        if !word.is_empty() {
            before = word;
        }
    }
    found
}

#[test]
fn the_page_names_every_version_that_the_source_was_written_after() {
    let page = std::fs::read_to_string(root().join("docs/trust/versions.md")).expect("UTF-8");
    let mut named = 0;
    for (path, source) in super::compatible::program() {
        let of_models = [
            "inventory",
            "object",
            "check",
            "source",
            "plan",
            "x509",
            "solve",
            "install",
            "k8s",
            "engine",
        ];
        if !of_models
            .iter()
            .any(|module| path.starts_with(&format!("src/{module}/")))
        {
            continue;
        }
        for line in source.lines() {
            let Some((_, comment)) = line.split_once("//") else {
                continue;
            };
            for version in versions(comment) {
                // What stands there with a v may stand here without it.
                let number = version.trim_start_matches('v');
                let is_named = page
                    .split(|c: char| !(c.is_ascii_digit() || c == '.'))
                    .any(|word| word.trim_matches('.') == number);
                assert!(is_named, "{path} cites {version}: {comment}");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named}");
}

#[test]
fn the_page_names_what_the_tests_run() {
    let page = std::fs::read_to_string(root().join("docs/trust/versions.md")).expect("UTF-8");
    for (module, product) in [
        ("kubernetes", "k8s.io/kubernetes"),
        ("pebble", "github.com/letsencrypt/pebble/v2"),
        ("traefik", "github.com/traefik/traefik/v3"),
        ("certmanager", "github.com/cert-manager/cert-manager"),
        ("stepca", "github.com/smallstep/certificates"),
    ] {
        let file = root().join("tests/testbed/go").join(module).join("go.mod");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let version = text.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == product)?;
            words.get(at + 1)?.strip_prefix('v')
        });
        let version = version.unwrap_or_else(|| panic!("{} does not require {product}", file.display()));
        assert!(page.contains(version), "the tests run {product} {version}");
    }
}

#[test]
fn versions_in_comments_are_found_and_sections_are_not() {
    assert_eq!(
        versions(" Traefik 3.6.12, 3.7 (v1.15); RFC 5280 section 4.2, HTTP/1.1"),
        ["3.6.12", "3.7", "v1.15"]
    );
    assert_eq!(versions(" of something 1.2"), [""; 0]);
}
