//! Every command in a remedy or a page is one that its program accepts.

use super::Cli;
use crate::{
    check::{
        Finding, Reason, Renewer, finding,
        row::Row,
        words::{
            remedy,
            tests::{self, key, row, row_of, samples},
        },
    },
    object::{Key, Owner, Reach, Text},
    text::quote,
};
use clap::Parser as _;

/// kubectl's verbs in remedies and pages, and the flags of each with a value (`=`) or without. The flags of every verb
/// are under the empty one.
const KUBECTL: &[(&str, &[&str])] = &[
    ("", &["-n=", "--namespace=", "--context=", "--kubeconfig=", "-h"]),
    (
        "get",
        &[
            "-o=",
            "-A",
            "-l=",
            "-w",
            "--show-labels",
            "--field-selector=",
            "--ignore-not-found",
            "--show-managed-fields",
            "--sort-by=",
        ],
    ),
    ("describe", &["-A", "-l="]),
    (
        "create",
        &[
            "--cert=",
            "--key=",
            "--dry-run=",
            "-o=",
            "--from-file=",
            "--verb=",
            "--resource=",
            "--role=",
            "--user=",
        ],
    ),
    ("replace", &["-f="]),
    ("apply", &["-f=", "--server-side"]),
    ("annotate", &["--overwrite", "-A", "-l="]),
    ("label", &["--overwrite"]),
    ("edit", &[]),
    ("patch", &["--type=", "-p=", "--patch-file="]),
    ("auth", &["-A", "--list", "--as="]),
    ("rollout", &["--timeout="]),
    ("logs", &["-l=", "--tail=", "--since=", "-f", "-c="]),
    ("explain", &[]),
    ("api-resources", &["--api-group=", "-o="]),
    ("wait", &["--for=", "--timeout="]),
    ("exec", &["-c=", "-i", "-t", "-it"]),
    ("port-forward", &[]),
];

/// Programs that every operator's machine has, and whose arguments are not checked here.
const OTHERS: &[&str] = &[
    "openssl",
    "sops",
    "curl",
    "dig",
    "cat",
    "base64",
    "grep",
    "jq",
    "sort",
    "uniq",
    "head",
    "tail",
    "awk",
    "sed",
    "date",
    "tr",
    "step",
    "diff",
    "echo",
    "sha256sum",
];

/// Splits a line like a shell: the words of each program of a pipe. Redirections are left out, placeholders are words.
fn stages(line: &str) -> Result<Vec<Vec<String>>, String> {
    let mut stages = vec![Vec::new()];
    let mut chars = line.chars().peekable();
    let mut word: Option<String> = None;
    let mut redirected = false;
    let end = |word: &mut Option<String>, redirected: &mut bool, stages: &mut Vec<Vec<String>>| {
        if let Some(word) = word.take()
            && !std::mem::take(redirected)
            && let Some(stage) = stages.last_mut()
        {
            stage.push(word);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err("a quote that does not end".into()),
                        Some('\'') => break,
                        Some(c) => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err("a quote that does not end".into()),
                        Some('"') => break,
                        Some('\\') => word.extend(chars.next()),
                        Some(c) => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            // A placeholder, or a redirection.
            '<' if chars.peek().is_some_and(char::is_ascii_uppercase) => {
                let word = word.get_or_insert_default();
                word.push('<');
                word.extend(chars.by_ref().take_while(|c| *c != '>'));
                word.push('>');
            }
            '<' | '>' => {
                if word.as_deref().is_some_and(|w| w.parse::<u8>().is_ok()) {
                    word = None;
                }
                end(&mut word, &mut redirected, &mut stages);
                redirected = true;
            }
            '|' | ';' => {
                end(&mut word, &mut redirected, &mut stages);
                stages.push(Vec::new());
            }
            '&' if chars.peek() == Some(&'&') => {
                chars.next();
                end(&mut word, &mut redirected, &mut stages);
                stages.push(Vec::new());
            }
            ' ' => end(&mut word, &mut redirected, &mut stages),
            c => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut redirected, &mut stages);
    Ok(stages)
}

/// Why a command line cannot be run; `None` if it can.
fn wrong_with(line: &str) -> Option<String> {
    let stages = match stages(line) {
        Ok(stages) => stages,
        Err(why) => return Some(why),
    };
    stages.iter().find_map(|words| {
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .skip_while(|w| w.contains('=') && !w.starts_with('-'))
            .collect();
        match words.as_slice() {
            [] => Some("a program is missing".to_owned()),
            ["kubectl", "certs", ..] => Cli::try_parse_from(&words[1..])
                .err()
                .filter(clap::Error::use_stderr)
                .map(|error| error.to_string()),
            ["kubectl", rest @ ..] => kubectl(rest),
            ["cmctl", "renew" | "status", ..] => None,
            [program, ..] if OTHERS.contains(program) => None,
            [program, ..] => Some(format!("{program} is not known")),
        }
    })
}

fn kubectl(words: &[&str]) -> Option<String> {
    let flags_of = |verb: &str| {
        KUBECTL
            .iter()
            .find(|(known, _)| *known == verb)
            .map(|(_, flags)| *flags)
    };
    let mut verb: Option<&str> = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "--" {
            break;
        }
        if !word.starts_with('-') || *word == "-" {
            if verb.is_none() {
                verb = Some(word);
                if flags_of(word).is_none() {
                    return Some(format!("kubectl {word} is not known"));
                }
            }
            continue;
        }
        let (name, value) = word
            .split_once('=')
            .map_or((*word, None), |(name, value)| (name, Some(value)));
        let known = |flag: &str| {
            let all = flags_of("").into_iter().chain(verb.and_then(flags_of)).flatten();
            all.copied().any(|known| known == flag)
        };
        if known(&format!("{name}=")) {
            if value.is_none() && words.next().is_none() {
                return Some(format!("{name} has no value"));
            }
        } else if !known(name) || value.is_some() {
            return Some(format!("kubectl {} has no {word}", verb.unwrap_or_default()));
        }
    }
    verb.is_none().then(|| "kubectl without a verb".to_owned())
}

/// A certificate outside of a cluster is not fixed in one: no remedy has a command for a Secret or a route.
#[test]
fn the_remedies_for_a_file_and_a_server_ask_no_cluster() {
    for (target, host) in [("./chain.pem", None), ("shop.example:443", Some("shop.example"))] {
        let reach = Reach {
            outside: target.into(),
            ..Reach::default()
        };
        for (fact, _) in samples::all() {
            let finding = Finding::new(fact);
            let row = Row {
                route: None,
                host,
                reach: &reach,
                ..row(&[], &[])
            };
            let remedy = remedy(&finding, &row);
            // Except for the names of reasons, which contain some of them.
            let text = remedy.text.replace(&finding.reason().to_string(), "");
            assert!(!text.contains("Secret"), "{text}");
            for command in &remedy.commands {
                let own = format!("kubectl certs show {target} ");
                let fine = !command.contains("kubectl")
                    || command.starts_with(&own)
                    || command.starts_with("kubectl certs explain ");
                assert!(fine, "{command}");
            }
        }
    }
}

#[test]
fn every_command_of_every_remedy_is_complete_and_noted() {
    let secrets = [key()];
    let name = Text::from("web-cert");
    let owner = Owner {
        kind: "SealedSecret".into(),
        name: "shop-tls".into(),
        controller: true,
    };
    let reach = Reach {
        kubectl: " --context prod".into(),
        certs: " --context prod".into(),
        ..crate::object::Reach::default()
    };
    let without_secrets = Reach {
        without_secrets: true,
        ..reach.clone()
    };
    for (fact, _) in samples::all() {
        for renewer in [
            Renewer::Unknown,
            Renewer::Ours,
            Renewer::CertManager(&name),
            Renewer::Owner(&owner),
            Renewer::Tool("Flux"),
        ] {
            for (listener, reach) in [(false, &reach), (true, &reach), (false, &without_secrets)] {
                let plain = if listener {
                    tests::listener(&secrets)
                } else {
                    row_of(&fact, &secrets)
                };
                let row = Row {
                    renewer,
                    reach,
                    ..plain
                };
                let reason = fact.reason();
                let said = remedy(&Finding::new(fact.clone()), &row);
                for command in &said.commands {
                    assert_eq!(wrong_with(command), None, "{reason}: {command}");
                    assert!(said.text.contains(&format!("`{command}`")), "{reason}: {command}");
                    let asks = command.contains("kubectl") || command.contains("cmctl");
                    assert!(!asks || command.contains("--context prod"), "{reason}: {command}");
                    for name in ["CERTIFICATE", "NAME", "HOST", "FILE"] {
                        let bare = |word: &str| word == name || word.ends_with(&format!("/{name}"));
                        assert!(!command.split(' ').any(bare), "{reason}: {command}");
                    }
                }
                // Text in backquotes other than a command is a piece of a manifest, or a flag.
                for quoted in said.text.split('`').skip(1).step_by(2) {
                    let noted = said.commands.iter().any(|command| command == quoted);
                    let first = quoted.split(' ').next().unwrap_or_default();
                    let program = ["kubectl", "cmctl"].contains(&first) || OTHERS.contains(&first);
                    assert!(noted || !program, "{reason}: {quoted:?} is not noted");
                }
            }
        }
    }
}

#[test]
fn a_pair_under_a_proxys_own_keys_is_stored_there_and_the_rest_of_the_secret_stays() {
    let secrets = [key()];
    for (names, files) in [(["proxycert", "proxykey"], 2), (["proxycert", ""], 1)] {
        let names = names.map(Text::from);
        let row = Row {
            data_keys: Some(&names),
            ..row(&secrets, &[])
        };
        let said = remedy(&Finding::new(finding::Expired { not_after: 0 }), &row);
        let [command] = said.commands.as_slice() else {
            panic!("{said:?}")
        };
        assert_eq!(wrong_with(command), None, "{command}");
        assert!(
            command.contains("--from-file=proxycert=") && command.ends_with("--patch-file=/dev/stdin"),
            "{command}"
        );
        assert_eq!(command.matches("--from-file").count(), files, "{command}");
        assert!(
            !command.contains("create secret tls") && !command.contains("--from-file=''"),
            "{command}"
        );
    }
}

#[test]
fn a_renewal_that_this_program_can_make_comes_first_with_real_names() {
    let secrets = [Key::new("shop", "shop-tls")];
    let reach = Reach {
        kubectl: " --context prod".into(),
        certs: " --context prod".into(),
        ..crate::object::Reach::default()
    };
    let ours = Row {
        renewer: Renewer::Ours,
        reach: &reach,
        ..row(&secrets, &[])
    };
    let command = "kubectl certs renew ingress/web -n shop --context prod";
    let expired = Finding::new(finding::Expired { not_after: 0 });
    assert_eq!(remedy(&expired, &ours).commands, [command]);
    // What manifests contain is renewed among them, and not in a cluster.
    let files = Reach {
        certs: " -f shop.yaml".into(),
        ..crate::object::Reach::default()
    };
    let among = Row { reach: &files, ..ours };
    assert_eq!(
        remedy(&expired, &among).commands,
        ["kubectl certs renew ingress/web -n shop -f shop.yaml"]
    );
    let missing = Finding::new(finding::SecretNotFound {
        secret: key(),
        instead: crate::check::Instead::Unknown,
        among_manifests: false,
        maker: None,
    });
    assert_eq!(remedy(&missing, &ours).commands[0], command);
    // Another Secret of the route is renewed by its own owner.
    let of_several = Row { sole: false, ..ours };
    assert_eq!(
        remedy(&expired, &of_several).commands,
        ["kubectl certs renew secret/shop-tls -n shop --context prod"]
    );
    let of_gateway = Row {
        renewer: Renewer::Ours,
        ..tests::listener(&secrets)
    };
    assert_eq!(
        remedy(&expired, &of_gateway).commands,
        ["kubectl certs renew secret/shop-tls -n shop"]
    );
}

/// The command lines of a page: those in its blocks, and those within its sentences.
fn commands_of(page: &str) -> Vec<String> {
    let begins = |text: &str| {
        ["kubectl ", "openssl ", "cmctl ", "curl ", "dig "]
            .iter()
            .any(|program| text.starts_with(program))
    };
    let mut found = Vec::new();
    let mut so_far = String::new();
    for line in page.lines() {
        let Some(code) = line.strip_prefix("    ") else {
            found.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .filter(|text| begins(text))
                    .map(str::to_owned),
            );
            continue;
        };
        so_far.push_str(code.trim());
        if so_far.ends_with('\\') {
            so_far.pop();
            continue;
        }
        if so_far.ends_with('|') {
            so_far.push(' ');
            continue;
        }
        let line = std::mem::take(&mut so_far);
        let line = line.split(" #").next().unwrap_or_default().trim();
        found.extend(begins(line).then(|| line.to_owned()));
    }
    found
}

#[test]
fn every_command_of_every_page_is_one_that_its_program_takes() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for reason in Reason::ALL {
        let commands = commands_of(reason.page());
        assert!(!commands.is_empty(), "{reason} has no command");
        count += commands.len();
        wrong.extend(
            commands
                .iter()
                .filter_map(|c| wrong_with(c).map(|why| format!("{reason}: {c}: {why}"))),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 2 * Reason::ALL.len(), "{count}");
}

#[test]
fn the_shell_of_the_tests_cuts_lines_as_one_does() {
    let words = |line: &str| stages(line).expect("it can be cut");
    assert_eq!(
        words(r"kubectl get secret x -o jsonpath='{.data.tls\.crt}' | base64 -d 2>/dev/null </dev/null > out"),
        [
            vec!["kubectl", "get", "secret", "x", "-o", r"jsonpath={.data.tls\.crt}"],
            vec!["base64", "-d"]
        ]
    );
    assert_eq!(words("a --cert=<CHAIN-FILE>"), [["a", "--cert=<CHAIN-FILE>"]]);
    let hostile = "a'; rm -rf / #";
    assert_eq!(words(&format!("show {}", quote(hostile))), [["show", hostile]]);
    for wrong in [
        "kubectl gett x",
        "kubectl get --nope",
        "kubectl certs statsu x",
        "kubectl",
        "frob x",
        "kubectl get 'x",
    ] {
        assert!(wrong_with(wrong).is_some(), "{wrong}");
    }
}
