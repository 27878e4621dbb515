use super::{
    env::layer as environment,
    file::{Addresses, File, IssuerEntry},
    layer::{Choice, Layer, Origin},
    *,
};
use crate::acme::{LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Stage};
use crate::apply::KeyKind;
use crate::error::Diagnose as _;

fn flags() -> Layer {
    Layer::empty(Origin::Flags)
}

fn choosing(choice: Choice) -> Layer {
    Layer {
        choice: Some(choice),
        ..flags()
    }
}

fn file(text: &str) -> Layer {
    Layer::of(
        Origin::File("config.yaml".to_owned()),
        File::parse(text, "config.yaml", None).unwrap(),
    )
}

fn refused(text: &str) -> String {
    let parsed = File::parse(text, "config.yaml", None).map_err(SettingsError::from);
    let settings = parsed.and_then(|file| Settings::of(&[flags(), Layer::of(Origin::BuiltIn, file)]));
    settings.unwrap_err().to_string()
}

#[test]
fn without_a_choice_it_is_a_rehearsal_with_staging() {
    let settings = Settings::of(&[flags()]).unwrap();
    assert!(settings.chosen.rehearsal);
    assert_eq!(settings.chosen.issuer.directory_url, LETS_ENCRYPT_STAGING);
    assert_eq!(settings.chosen.issuer.stage, Stage::Staging);
    assert_eq!(settings.certificate.concurrency, 8);
    assert_eq!(settings.certificate.said.key_type, None);
    assert_eq!(settings.storing.wait, Duration::from_mins(1));
}

#[test]
fn each_way_of_choosing_finds_its_issuer() {
    let own = file(
        "production: corp
issuers:
  corp: {directory: https://ca.corp.example/dir, profile: short, stage: production}
  letsencrypt: {preferredChain: ISRG Root X2}
",
    );
    let chosen = |choice| Settings::of(&[choosing(choice), own.clone()]).unwrap().chosen;
    let corp = chosen(Choice::Production);
    assert_eq!((corp.issuer.name.as_str(), corp.rehearsal), ("corp", false));
    assert_eq!(corp.issuer.profile.as_deref(), Some("short"));
    assert_eq!(corp.issuer.stage, Stage::Production);
    let staging = chosen(Choice::Staging);
    assert_eq!(
        (staging.issuer.name.as_str(), staging.rehearsal),
        ("letsencrypt-staging", false)
    );
    let named = chosen(Choice::Issuer("letsencrypt".to_owned()));
    assert_eq!(named.issuer.directory_url, LETS_ENCRYPT);
    assert_eq!(named.issuer.preferred_chain.as_deref(), Some("ISRG Root X2"));
    // A directory that the settings have stands for that issuer; another one is an issuer of its own.
    let known = chosen(Choice::Directory("https://ca.corp.example/dir".to_owned()));
    assert_eq!(known.issuer.profile.as_deref(), Some("short"));
    let new = chosen(Choice::Directory("https://127.0.0.1:14000/dir".to_owned()));
    assert_eq!(
        (new.issuer.name.as_str(), new.issuer.stage),
        ("127.0.0.1:14000", Stage::Own)
    );
    assert!(new.limits.is_none());
    assert!(staging.limits.is_some());
}

#[test]
fn flags_go_before_variables_and_variables_before_files() {
    let get = |name: &str| match name {
        "KUBECTL_CERTS_EMAIL" => Some("env@x.example".to_owned()),
        "KUBECTL_CERTS_PROFILE" => Some("from-env".to_owned()),
        "KUBECTL_CERTS_WAIT" => Some("5s".to_owned()),
        _ => None,
    };
    let environment = environment(&get).unwrap();
    let file = file(
        "email: file@x.example
issuers: {letsencrypt-staging: {profile: from-file, email: issuer@x.example}}
storing: {wait: 9s}
certificate: {keyType: rsa-3072}
",
    );
    let mut flags = flags();
    flags.issuer.profile = Some("from-flag".to_owned());
    let all = Settings::of(&[flags, environment.clone(), file.clone()]).unwrap();
    assert_eq!(all.chosen.issuer.profile.as_deref(), Some("from-flag"));
    assert_eq!(all.chosen.issuer.contact, ["mailto:env@x.example"]);
    assert_eq!(all.storing.wait, Duration::from_secs(5));
    assert_eq!(all.certificate.said.key_type, Some(KeyKind::Rsa3072));
    let two = Settings::of(&[environment, file.clone()]).unwrap();
    assert_eq!(two.chosen.issuer.profile.as_deref(), Some("from-env"));
    let one = Settings::of(&[file]).unwrap();
    assert_eq!(one.chosen.issuer.profile.as_deref(), Some("from-file"));
    assert_eq!(one.chosen.issuer.contact, ["mailto:issuer@x.example"]);
}

#[test]
fn an_unknown_field_names_its_line_and_the_nearest() {
    for (text, message) in [
        (
            "email: a@b.example\nagreeTOS: true\n",
            "config.yaml, line 2: unknown field agreeTOS; the nearest is agreeTos",
        ),
        (
            "issuers:\n  corp:\n    directory: https://a.example\n    caFlie: x\n",
            "config.yaml, line 4: unknown field caFlie; the nearest is caFile",
        ),
        (
            "dns01:\n  providers:\n  - zones: [a.example]\n    provider: powerdns\n    url: https://b.example\n    apikey: {env: K}\n",
            "config.yaml, line 6: unknown field apikey; the nearest is apiKey",
        ),
        (
            "http01:\n  zzzzzz: 1\n",
            "config.yaml, line 2: unknown field zzzzzz (fields: solver, service, ",
        ),
        (
            "issuers: {a: {stage: life}}",
            "config.yaml, line 1: expected staging, production or own",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn a_literal_credential_is_refused_and_not_repeated() {
    for text in [
        "issuers: {corp: {directory: https://a.example, eab: {kid: k, key: hunter2}}}",
        "issuers: {corp: {directory: https://a.example, eab: {kid: k, key: {value: hunter2}}}}",
        "dns01: {providers: [{provider: powerdns, url: https://b.example, apiKey: hunter2}]}",
        "issuers: {letsencrypt-staging: {proxy: 'http://me:hunter2@proxy.example'}}",
        "email: {hunter2: x}",
        "agreeTos: hunter2",
    ] {
        let error = refused(text);
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = refused("issuers: {corp: {directory: https://a.example, eab: {kid: k, key: hunter2}}}");
    assert!(error.contains("{env: NAME}, {file: PATH} or {secretRef:"), "{error}");
    assert!(refused("issuers: {letsencrypt-staging: {proxy: 'http://me:x@proxy.example'}}").contains("HTTPS_PROXY"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    for (layers, words) in [
        (
            vec![choosing(Choice::Issuer("letsencript".to_owned()))],
            "did you mean \"letsencrypt\"?",
        ),
        (vec![flags(), file("staging: letsencrypt")], "staging names letsencrypt"),
        (
            vec![
                flags(),
                file("issuers: {letsencrypt-staging: {directory: http://a.example}}"),
            ],
            "not an https URL",
        ),
        (
            vec![choosing(Choice::Issuer("corp".to_owned())), file("issuers: {corp: {}}")],
            "corp has no directory",
        ),
        (
            vec![flags(), file("email: nobody")],
            "\"nobody\" is not an e-mail address",
        ),
        (
            vec![flags(), file("email: 'a@b.example?subject=x'")],
            "is not an e-mail address",
        ),
        (vec![flags(), file("http01: {solver: service}")], "none is named"),
        (vec![flags(), file("certificate: {concurrency: 0}")], "1 to 256"),
        (vec![flags(), file("storing: {restart: [auto, none]}")], "not mixed"),
        (
            vec![
                flags(),
                file("dns01: {providers: [{provider: manual}, {provider: manual}]}"),
            ],
            "two DNS providers are called \"manual\"",
        ),
        (
            vec![
                Layer {
                    dns: Some("interal".to_owned()),
                    ..flags()
                },
                file("dns01: {providers: [{name: internal, provider: manual}]}"),
            ],
            "did you mean \"internal\"?",
        ),
        (
            vec![flags(), file("issuers: {letsencrypt-staging: {caFile: /nope/ca.pem}}")],
            "/nope/ca.pem cannot be read",
        ),
    ] {
        let error = Settings::of(&layers).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// A layer of flags with the text of a file.
fn flagged(text: &str) -> Layer {
    Layer {
        file: file(text).file,
        ..flags()
    }
}

#[test]
fn a_flag_that_acts_only_with_another_is_never_ignored() {
    for (typed, kept, flag, needs) in [
        (
            "http01: {solver: pod, service: 'a:80'}",
            "",
            "--solver-service",
            "--solver service",
        ),
        (
            "http01: {service: 'a:80'}",
            "http01: {solver: endpoint}",
            "--solver-service",
            "--solver service",
        ),
        (
            "http01: {advertise: '192.0.2.1:80'}",
            "http01: {solver: pod}",
            "--advertise",
            "--solver endpoint",
        ),
        (
            "solver: {image: a}",
            "http01: {solver: endpoint}",
            "--solver-image",
            "--solver pod",
        ),
        (
            "{http01: {advertise: '192.0.2.1:80'}, solver: {image: a}}",
            "",
            "--solver-image",
            "--solver pod",
        ),
        (
            "{http01: {service: 'a:80'}, solver: {imagePullSecrets: [a]}}",
            "",
            "--solver-pull-secret",
            "--solver pod",
        ),
        (
            "{http01: {solver: endpoint}, solver: {nodeSelector: {a: b}}}",
            "",
            "--solver-node-selector",
            "--solver pod",
        ),
        ("dns01: {propagationWait: 5s}", "", "--propagation-wait", "--dns NAME"),
        ("dns01: {followCname: true}", "", "--follow-cname", "--dns NAME"),
        (
            "http01: {resolveTimeout: 5m, selfCheck: direct}",
            "",
            "--resolve-timeout",
            "--self-check auto",
        ),
        (
            "dns01: {propagationTimeout: 5s}",
            "",
            "--propagation-timeout",
            "--dns NAME",
        ),
    ] {
        let error = Settings::of(&[flagged(typed), file(kept)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{flag} has no effect without {needs}"),
            "{typed}"
        );
        assert_eq!(
            error.hint().unwrap(),
            format!("add {needs}, or leave {flag} out"),
            "{typed}"
        );
        // Settings of a file are permitted, used or not.
        if kept.is_empty() && !typed.contains("service") {
            Settings::of(&[flags(), file(typed)]).unwrap();
        }
    }
    for (typed, kept) in [
        ("http01: {advertise: '192.0.2.1:80'}", ""),
        ("http01: {resolveTimeout: 5m}", ""),
        ("solver: {image: a}", ""),
        (
            "{http01: {service: 'a:80', selfCheck: cluster}, solver: {image: a}}",
            "",
        ),
        ("solver: {image: a}", "http01: {solver: in-place}"),
        (
            "dns01: {propagationWait: 5s}",
            "dns01: {providers: [{provider: manual}]}",
        ),
    ] {
        Settings::of(&[flagged(typed), file(kept)]).unwrap_or_else(|error| panic!("{typed}: {error}"));
    }
    let meant = Settings::of(&[flagged("http01: {service: 'a:80'}"), file("")]).unwrap();
    assert_eq!(meant.http01.solver, Some(SolverKind::Service));
    let stays = Settings::of(&[flags(), file("http01: {service: 'a:80'}")]).unwrap();
    assert_eq!(stays.http01.solver, None, "a Service of the settings chooses no solver");
}

#[test]
fn paths_begin_where_the_file_is() {
    let text = "issuers: {a: {directory: https://a.example, caFile: ca.pem, eab: {kid: k, key: {file: eab}}}}
dns01: {providers: [{provider: powerdns, url: https://b.example, caFile: ca.pem, apiKey: {file: key}}, {provider: hook, command: ./hook}]}
storing: {caFiles: [/etc/ca.pem]}
";
    let file = File::parse(text, "x", Some(std::path::Path::new("/etc/kc"))).unwrap();
    let shown = serde_json::to_string(&file).unwrap();
    for path in [
        "\"/etc/kc/ca.pem\"",
        "\"/etc/kc/eab\"",
        "\"/etc/kc/key\"",
        "\"/etc/kc/./hook\"",
        "\"/etc/ca.pem\"",
    ] {
        assert!(shown.contains(path), "{path} in {shown}");
    }
    assert_eq!(shown.matches("/etc/kc/ca.pem").count(), 2, "{shown}");
}

#[test]
fn files_are_odd_and_none_is_a_panic() {
    for empty in ["", "\n", "# nothing\n", "---\n# nothing\n"] {
        assert_eq!(File::parse(empty, "x", None).unwrap(), File::default());
    }
    for odd in [
        "[]",
        "1",
        "a: [",
        "email: &a [*a]",
        "a: 1\n---\nb: 2\n",
        "issuers: [a]",
        "email: {}",
    ] {
        assert!(File::parse(odd, "x", None).is_err(), "{odd:?}");
    }
}

#[test]
fn the_example_is_read_and_every_field_is_in_it() {
    let file = File::parse(example::EXAMPLE, "example", None).unwrap();
    let chosen = Settings::of(&[flags(), Layer::of(Origin::BuiltIn, file)]);
    // Its CA files do not exist.
    let settings = chosen.unwrap();
    assert_eq!(settings.dns01.providers.len(), 3);
    // The message about an unknown field lists all fields.
    for (text, ignored) in [
        ("zzzzzzzzzzzz: 1", &[][..]),
        ("issuers: {a: {zzzzzzzzzzzz: 1}}", &[]),
        ("issuers: {a: {rateLimits: {zzzzzzzzzzzz: 1}}}", &[]),
        ("certificate: {zzzzzzzzzzzz: 1}", &[]),
        ("http01: {zzzzzzzzzzzz: 1}", &[]),
        ("dns01: {zzzzzzzzzzzz: 1}", &[]),
        ("storing: {zzzzzzzzzzzz: 1}", &[]),
        ("controllers: {a: {zzzzzzzzzzzz: 1}}", &[]),
        ("tui: {zzzzzzzzzzzz: 1}", &[]),
    ] {
        let error = File::parse(text, "x", None).unwrap_err().to_string();
        let (_, fields) = error.split_once("(fields: ").expect("a list");
        for field in fields
            .trim_end_matches(')')
            .split(", ")
            .filter(|f| !ignored.contains(f))
        {
            let explained = example::EXAMPLE.contains(&format!("{field}:"));
            assert!(explained, "{field} is not in the example");
        }
    }
}

#[test]
fn a_view_says_where_each_setting_comes_from() {
    let mut flags = choosing(Choice::Production);
    flags.issuer = IssuerEntry {
        email: Some(Addresses(vec!["flag@x.example".to_owned()])),
        ..IssuerEntry::default()
    };
    let lines = view::lines(&[flags, file("email: file@x.example\nstoring: {wait: 9s}")]);
    let shown: Vec<String> = lines
        .iter()
        .map(|l| format!("{} {} {}", l.path, l.value, l.origin))
        .collect();
    assert_eq!(
        shown,
        [
            "email [\"flag@x.example\"] the command line",
            "issuer \"(production)\" the command line",
            "storing.wait \"9s\" config.yaml",
        ]
    );
}
