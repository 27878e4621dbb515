//! The design's allowed imports between modules, held against the text of the sources.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::root;

/// Each module of the library, and the others that it may use. Whatever is not here does not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    // Whose a file is.
    ("own", &["system", "error", "text"]),
    // What differs between operating systems.
    ("system", &[]),
    // Where a user's files are.
    ("home", &[]),
    // What time it is.
    ("clock", &["object"]),
    // What only saves time.
    ("cache", &["own", "file", "home"]),
    // Pure: values in, values out.
    ("object", &[]),
    ("text", &["object"]),
    ("x509", &["object"]),
    ("policy", &["object", "text"]),
    (
        "domain",
        &["object", "x509", "policy", "name", "event", "text", "plan", "check"],
    ),
    ("inventory", &["object", "x509", "policy"]),
    ("check", &["object", "x509", "inventory", "policy", "text"]),
    ("name", &["object", "text"]),
    ("event", &["object", "name"]),
    (
        "plan",
        &[
            "object",
            "error",
            "name",
            "event",
            "x509",
            "inventory",
            "check",
            "policy",
            "text",
        ],
    ),
    // Any value as JSON or YAML.
    ("document", &["text"]),
    // What is read, and the cluster: nothing of certificates.
    ("source", &["object", "error", "text", "file"]),
    (
        "k8s",
        &[
            "clock", "object", "error", "text", "file", "net", "requests", "plan", "source",
        ],
    ),
    // Whom is trusted that is asked.
    ("tls", &[]),
    ("net", &["object", "error", "text", "tls"]),
    // Every format. The words of findings are with the findings, in `check`.
    (
        "report",
        &[
            "object", "x509", "check", "text", "name", "event", "plan", "file", "document", "domain",
        ],
    ),
    // Writing: the protocol, the answers to challenges, the cluster. The first two do not know each other.
    (
        "acme",
        &[
            "clock", "object", "name", "error", "text", "net", "x509", "requests", "tls",
        ],
    ),
    (
        "solve",
        &[
            "system",
            "clock",
            "tls",
            "own",
            "object",
            "name",
            "event",
            "error",
            "text",
            "file",
            "net",
            "k8s",
            "apply",
            "settings",
            "plan",
            "x509",
            "inventory",
        ],
    ),
    (
        "apply",
        &[
            "clock",
            "document",
            "file",
            "object",
            "name",
            "event",
            "error",
            "text",
            "net",
            "k8s",
            "x509",
            "plan",
            "inventory",
        ],
    ),
    (
        "settings",
        &[
            "system", "event", "home", "clock", "own", "object", "name", "error", "text", "file", "document", "plan",
            "policy", "domain", "k8s", "acme", "solve", "apply", "tls",
        ],
    ),
    // Who is told of what nobody watches.
    ("notify", &["object", "text", "net", "settings", "solve"]),
    // Customers' domains, beyond their rules.
    (
        "domains",
        &[
            "clock", "file", "object", "name", "error", "text", "x509", "policy", "plan", "domain", "net", "tls",
            "k8s", "apply", "settings", "solve",
        ],
    ),
    // What joins them.
    (
        "engine",
        &[
            "system",
            "file",
            "home",
            "clock",
            "cache",
            "own",
            "object",
            "name",
            "event",
            "error",
            "text",
            "net",
            "source",
            "k8s",
            "x509",
            "inventory",
            "check",
            "scan",
            "plan",
            "acme",
            "solve",
            "apply",
            "settings",
        ],
    ),
    (
        "scan",
        &[
            "clock",
            "cache",
            "own",
            "object",
            "x509",
            "inventory",
            "check",
            "k8s",
            "source",
            "net",
            "report",
            "error",
            "text",
        ],
    ),
    // What an installation consists of.
    ("install", &["object", "x509", "text", "plan", "policy", "k8s", "apply"]),
    // What is asked of it all: the use cases, for whoever calls them.
    (
        "ops",
        &[
            "clock",
            "cache",
            "file",
            "object",
            "x509",
            "inventory",
            "check",
            "k8s",
            "source",
            "net",
            "scan",
            "error",
            "text",
            "name",
            "event",
            "plan",
            "policy",
            "acme",
            "solve",
            "apply",
            "settings",
            "engine",
            "install",
            "document",
            "notify",
            "domain",
            "domains",
        ],
    ),
    // The unattended mode.
    (
        "controller",
        &[
            "system",
            "clock",
            "cache",
            "file",
            "object",
            "x509",
            "inventory",
            "check",
            "k8s",
            "source",
            "net",
            "scan",
            "error",
            "text",
            "name",
            "event",
            "plan",
            "policy",
            "acme",
            "solve",
            "apply",
            "settings",
            "engine",
            "notify",
            "domain",
            "domains",
            "report",
            "ops",
        ],
    ),
    (
        "cli",
        &[
            "system",
            "clock",
            "document",
            "tls",
            "cache",
            "file",
            "object",
            "x509",
            "inventory",
            "check",
            "k8s",
            "source",
            "net",
            "report",
            "scan",
            "error",
            "text",
            "name",
            "event",
            "plan",
            "acme",
            "solve",
            "apply",
            "settings",
            "engine",
            "install",
            "controller",
            "ops",
            "domain",
            "tui",
        ],
    ),
    // The screen: values in, values out, and the loop that draws them. What effects do is not its business.
    (
        "tui",
        &[
            "system",
            "object",
            "x509",
            "inventory",
            "check",
            "scan",
            "report",
            "event",
            "plan",
            "text",
        ],
    ),
    // A leaf.
    ("error", &["text"]),
    ("requests", &["text"]),
    ("file", &["system"]),
];

/// Modules that know no file, clock, network, environment or terminal.
const PURE: &[&str] = &[
    "object",
    "x509",
    "inventory",
    "check",
    "text",
    "name",
    "event",
    "plan",
    "policy",
    "domain",
    "install",
    "error",
];

/// What pure code does not say.
const IMPURE: &[&str] = &[
    "kube::",
    "k8s_openapi",
    "tokio",
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::process",
    "std::io",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "eprintln!",
    "print!(",
    "anstream",
    "log::",
];

/// The files of a module without its tests.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let src = root().join("src");
    let file = src.join(format!("{module}.rs"));
    if file.exists() {
        files.push(file);
    }
    collect(&src.join(module), &mut files);
    assert!(!files.is_empty(), "there is no module {module}");
    let is_test = |path: &PathBuf| {
        let inside = path.strip_prefix(&src).expect("inside");
        inside.components().any(|part| part.as_os_str() == "tests")
            || inside
                .file_stem()
                .is_some_and(|stem| ["tests", "testing", "fixtures", "fake"].iter().any(|t| stem == *t))
    };
    files.retain(|path| !is_test(path));
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("it can be read");
            (path, code(&text))
        })
        .collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// A file without comments and what follows its test module.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules that follow each `crate::`, one level of braces included.
fn used(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code[at + "crate::".len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    found.insert(word(&group[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_module_uses_only_what_it_may() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("it is there");
    let modules: BTreeSet<&str> = lib
        .lines()
        .filter_map(|l| {
            l.strip_prefix("pub ")
                .unwrap_or(l)
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        // It is compiled for tests alone.
        .filter(|module| *module != "renewed")
        .collect();
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(module, _)| *module).collect();
    assert_eq!(modules, listed, "the table lists each module");
    let mut wrong = Vec::new();
    for (module, allowed) in ALLOWED {
        for (path, code) in sources(module) {
            for other in used(&code) {
                let known = modules.contains(other.as_str());
                if known && other != *module && !allowed.contains(&other.as_str()) {
                    wrong.push(format!("{}: {module} may not use {other}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for module in PURE {
        for (path, code) in sources(module) {
            for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is done in one place, by what only its source says: who needs it calls that.
const ONCE: &[(&str, &str)] = &[
    ("strsim::", "text/nearest.rs"),
    ("UNIX_EPOCH", "clock.rs"),
    ("percent_encoding::", "text/url.rs"),
    (r#"r"'\''""#, "text/shell.rs"),
    ("fs::rename(", "file/write.rs"),
    ("RootCertStore", "tls.rs"),
    ("\"XDG_CONFIG_HOME\"", "home.rs"),
    ("\"XDG_CACHE_HOME\"", "home.rs"),
    ("\"XDG_STATE_HOME\"", "home.rs"),
    ("psl::", "x509/suffix.rs"),
    ("\"no\", \"on\", \"off\"", "document/yaml.rs"),
    ("\" ago\"", "report/present/cell.rs"),
    ("AnsiColor::Magenta", "report/present/tone.rs"),
];

#[test]
fn what_many_need_is_done_in_one_place() {
    let mut wrong = Vec::new();
    for (module, _) in ALLOWED {
        for (path, code) in sources(module) {
            for (word, place) in ONCE.iter().filter(|(word, _)| code.contains(word)) {
                if !path.ends_with(Path::new("src").join(place)) {
                    wrong.push(format!("{}: {word} belongs to src/{place}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What only some systems have.
const OF_THE_SYSTEM: &[&str] = &[
    "std::os::",
    "rustix",
    "signal_hook",
    "signal::unix",
    "cfg(unix)",
    "cfg(windows)",
    "cfg!(",
    "target_os",
    "\"/proc/",
];

#[test]
fn only_one_module_differs_between_systems() {
    let mut wrong = Vec::new();
    for (module, _) in ALLOWED.iter().filter(|(module, _)| *module != "system") {
        for (path, code) in sources(module) {
            let code = code.replace("cfg!(debug_assertions)", "").replace("cfg!(panic", "");
            for word in OF_THE_SYSTEM.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}: {word} belongs to src/system", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_wing_knows_the_client_of_kubernetes() {
    let mut wrong = Vec::new();
    for (module, _) in ALLOWED.iter().filter(|(module, _)| *module != "k8s") {
        for (path, _) in sources(module).iter().filter(|(_, code)| code.contains("kube::")) {
            wrong.push(format!("{}: kube is used in src/k8s alone", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_secret_has_a_type_that_shows_its_data() {
    let mut wrong = Vec::new();
    for (module, _) in ALLOWED {
        for (path, code) in sources(module) {
            let imports = code.split("k8s_openapi::").skip(1);
            let mut named = imports.flat_map(|rest| {
                rest.split(';')
                    .next()
                    .unwrap_or_default()
                    .split(|c: char| !c.is_alphanumeric())
            });
            if named.any(|word| word == "Secret") {
                wrong.push(format!(
                    "{}: Secrets are JSON: the type shows its data and does not wipe it",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_documentation_names_what_is_pure_and_where_each_module_is() {
    let quoted: Vec<String> = PURE.iter().map(|module| format!("`{module}`")).collect();
    let (last, others) = quoted.split_last().expect("there are some");
    let sentence = format!("{} and {last} are pure", others.join(", "));
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is there");
    let flat = |text: &str| text.replace("//!", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let (contributing, library) = (read("CONTRIBUTING.md"), read("src/lib.rs"));
    assert!(flat(&contributing).contains(&sentence), "CONTRIBUTING.md: {sentence}");
    assert!(flat(&library).contains(&sentence), "src/lib.rs: {sentence}");
    let documented = library.split("\npub mod").next().expect("it has documentation");
    for (module, _) in ALLOWED {
        assert!(
            contributing.contains(&format!("`src/{module}`")),
            "CONTRIBUTING.md: {module}"
        );
        let named = documented
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == *module);
        assert!(named, "src/lib.rs: {module}");
    }
}

#[test]
fn groups_of_imports_are_seen() {
    let code = "use crate::{\n    check::{Fact, Reason},\n    object::Key, text,\n};\nlet x = crate::net::probe();";
    let found: Vec<String> = used(code).into_iter().collect();
    assert_eq!(found, ["check", "net", "object", "text"]);
}
