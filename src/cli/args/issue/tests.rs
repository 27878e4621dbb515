use clap::{CommandFactory as _, Parser};

use super::*;

#[allow(clippy::large_enum_variant)] // Made once a test.
#[derive(Debug, Parser)]
enum All {
    Renew(Box<RenewCommand>),
    Issue(Box<IssueCommand>),
    Ensure(Box<EnsureCommand>),
    Revoke(Box<RevokeCommand>),
    Rollback(RollbackCommand),
    Cleanup(CleanupCommand),
    Preflight(Box<PreflightCommand>),
    Account(AccountCommand),
    Config(ConfigCommand),
}

fn parse(words: &str) -> Result<All, String> {
    All::try_parse_from(std::iter::once("certs").chain(words.split_whitespace())).map_err(|e| e.to_string())
}

#[test]
fn the_command_lines_are_sound() {
    All::command().debug_assert();
}

#[test]
fn renew_wants_to_know_what() {
    for good in [
        "renew shop",
        "renew --due -A",
        "renew --all",
        "renew -l app=web",
        "renew -f docs",
        "ensure --from-env",
        "ensure --secret a -d a.example --restart rc/proxy",
    ] {
        parse(good).unwrap();
    }
    for (bad, word) in [
        ("renew", "ROUTE|SECRET"),
        ("renew shop --all", "--all"),
        ("renew shop --staging --production", "--production"),
        ("renew shop --issuer a --directory-url https://b", "--directory-url"),
        ("renew shop --key-type dsa", "dsa"),
        ("renew shop --concurrency 0", "0"),
        ("renew shop --eab-key-file a --eab-key-env B", "--eab-key-env"),
        ("renew shop --restart pod/x", "deployment/NAME"),
        ("renew shop -o jsn", "./jsn"),
        ("renew shop --output-dir x", "--filename"),
        ("issue -d a.example", "--secret"),
        ("issue --secret a", "--domain"),
        ("ensure --secret a", "--domain"),
        ("ensure -d a.example", "--secret"),
        ("ensure --from-env --age-recipient age1", "--filename"),
        ("revoke a --reason because", "because"),
        ("account update --no-email --email a@b.example", "--email"),
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.contains(word), "{bad}: {error}");
    }
}

#[test]
fn a_dry_run_is_the_clients_unless_the_server_is_named() {
    for (words, dry_run) in [
        ("renew shop", DryRun::None),
        ("renew --dry-run shop", DryRun::Client),
        ("renew --dry-run=server shop", DryRun::Server),
    ] {
        let All::Renew(renew) = parse(words).unwrap() else {
            panic!("renew")
        };
        assert_eq!(renew.issue.run.dry_run, dry_run, "{words}");
        assert_eq!(renew.targets, ["shop"], "{words}");
    }
}

#[test]
fn output_is_events_or_a_directory() {
    let output = |words: &str| {
        let All::Issue(issue) = parse(words).unwrap() else {
            panic!("issue")
        };
        issue.issue.run.output
    };
    assert_eq!(output("issue --secret a -d b.example -o json"), Some(Output::Json));
    for dir in ["./new", "src", "/tmp"] {
        assert_eq!(
            output(&format!("issue --secret a -d b.example -f x -o {dir}")),
            Some(Output::Directory(dir.into()))
        );
    }
}
