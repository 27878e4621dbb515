//! Where the terminal or the locale shows ASCII alone, people are shown nothing else.

use super::{EXAMPLE, Ran, command, finish};
use crate::support::terminal::Terminal;

/// An Ingress whose host nobody can write in ASCII.
const FOREIGN: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\n\
    spec: {tls: [{hosts: [müller.example], secretName: web-tls}], rules: [{host: müller.example}]}\n";

#[track_caller]
fn under(variable: (&str, &str), args: &[&str]) -> Ran {
    finish(
        command(args)
            .env(variable.0, variable.1)
            .env("COLUMNS", "60")
            .write_stdin(FOREIGN),
    )
}

#[test]
fn what_is_cut_in_a_narrow_terminal_ends_in_a_tilde() {
    let program = crate::support::run::program();
    for (variable, sign) in [("LC_ALL=C", "~"), ("LC_ALL=C.UTF-8", "…")] {
        let directory = super::root();
        let line = format!(
            "cd {} && env {variable} '{}' status -f docs/example --at 2026-12-01",
            directory.display(),
            program.display()
        );
        let terminal = Terminal::run(60, 60, &line);
        let (screen, _) = terminal.until("the end", |screen| screen.contains("ended with"));
        assert!(screen.contains(sign), "{variable}:\n{screen}");
        assert_eq!(screen.is_ascii(), sign == "~", "{variable}:\n{screen}");
    }
}

#[test]
fn people_are_shown_ascii_under_the_locale_of_c_and_on_the_linux_console() {
    let dir = tempfile::tempdir().expect("a directory");
    let to = dir.path().display().to_string();
    let example = |args: &[&'static str]| [args, &EXAMPLE[1..]].concat();
    let mut commands: Vec<Vec<&str>> = vec![
        example(&["status"]),
        example(&["status", "-o", "wide"]),
        example(&["status", "--by", "secret"]),
        example(&["show", "secret/wiki-tls", "-n", "intranet"]),
        example(&["show", "shop.larkspur.example", "-n", "shop"]),
        vec!["show", "docs/example/root.pem"],
        vec!["status", "-f", "-"],
        vec!["show", "web", "-n", "shop", "-f", "-"],
        vec!["explain"],
        vec!["explain", "Expired"],
        vec!["explain", "Expird"],
        vec!["explain", "Größe"],
        vec!["renew", "--größe"],
        vec!["config", "check", "--config", "docs/example/root.pem"],
        vec![
            "issue",
            "-f",
            "docs/example",
            "--secret",
            "shop/new-tls",
            "-d",
            "*.new.example",
            "--dns",
            "manual",
            "-o",
            &to,
            "--dry-run",
        ],
    ];
    for name in [
        "status",
        "show",
        "renew",
        "issue",
        "preflight",
        "rollback",
        "revoke",
        "cleanup",
        "account",
        "config",
    ] {
        commands.push(vec![name, "--help"]);
    }
    // What comes from outside is told with signs everywhere else.
    let signs = commands.iter().filter(|args| {
        let ran = under(("LANG", "C.UTF-8"), args);
        !ran.out.is_ascii() || !ran.err.is_ascii()
    });
    assert!(signs.count() >= 2, "elsewhere there are signs");
    for variable in [("LC_ALL", "C"), ("LANG", "POSIX"), ("TERM", "linux")] {
        for args in &commands {
            let ran = under(variable, args);
            assert!(ran.out.is_ascii(), "{variable:?} {args:?}:\n{}", ran.out);
            assert!(ran.err.is_ascii(), "{variable:?} {args:?}:\n{}", ran.err);
            assert!(!(ran.out.is_empty() && ran.err.is_empty()), "{args:?}");
        }
    }
}
