//! What `--help` says, as wide as most terminals and as narrow as half of one.

use super::{command, finish};

#[test]
fn help_reads_well() {
    for (name, args) in [
        ("help", &["--help"][..]),
        ("status", &["status", "--help"]),
        ("show", &["show", "--help"]),
        ("probe", &["probe", "--help"]),
        ("preflight", &["preflight", "--help"]),
        ("limits", &["limits", "--help"]),
        ("forecast", &["forecast", "--help"]),
        ("why", &["why", "--help"]),
        ("renew", &["renew", "--help"]),
        ("issue", &["issue", "--help"]),
        ("ensure", &["ensure", "--help"]),
        ("revoke", &["revoke", "--help"]),
        ("rollback", &["rollback", "--help"]),
        ("cleanup", &["cleanup", "--help"]),
        ("export", &["export", "--help"]),
        ("proof", &["proof", "--help"]),
        ("adopt", &["adopt", "--help"]),
        ("install", &["install", "--help"]),
        ("uninstall", &["uninstall", "--help"]),
        ("account", &["account", "--help"]),
        ("account-register", &["account", "register", "--help"]),
        ("config", &["config", "--help"]),
        ("config-view", &["config", "view", "--help"]),
        ("explain", &["explain", "--help"]),
        ("rights", &["rights", "--help"]),
        ("completion", &["completion", "--help"]),
        ("version", &["version", "--help"]),
        ("man", &["man", "--help"]),
    ] {
        for width in [100, 60] {
            let ran = finish(command(args).env("COLUMNS", width.to_string())).ends_with(0);
            assert!(ran.err.is_empty(), "{}", ran.err);
            let wrapped = ran.out.lines().filter(|line| !line.starts_with("Usage: "));
            let longest = wrapped.map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= width, "{name}: a line of {longest}");
            if width == 100 || name == "show" {
                insta::assert_snapshot!(format!("{name}-{width}"), ran.out);
            }
        }
        let short: Vec<&str> = args
            .iter()
            .map(|arg| if *arg == "--help" { "-h" } else { *arg })
            .collect();
        let (short, long) = (finish(&mut command(&short)).out, finish(&mut command(args)).out);
        assert!(long.contains("\nExamples:\n"), "{name}");
        // What stands in both, and what only who reads on wants.
        assert!(short.lines().count() <= long.lines().count(), "{name}");
        assert!(
            !short.contains("--client-key") && !short.contains("Examples:"),
            "{name}: {short}"
        );
    }
}
