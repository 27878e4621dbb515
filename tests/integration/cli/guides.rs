//! What the guides tell people to write can be written: their settings are read by the program itself.

use std::path::PathBuf;

use super::{command, file, finish, program, root};

/// What a settings file begins with; other YAML in the guides is for kubectl.
const FIELDS: [&str; 12] = [
    "email",
    "agreeTos",
    "production",
    "staging",
    "issuers",
    "certificate",
    "http01",
    "dns01",
    "storing",
    "notify",
    "controllers",
    "tui",
];

/// The blocks of a language in a guide, each with the line that it begins at.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, block)), line) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, line) if line.strip_prefix("```") == Some(language) => open = Some((number + 2, String::new())),
            (None, _) => {}
        }
    }
    blocks
}

fn is_settings(block: &str) -> bool {
    let first = block.lines().find(|line| !line.trim_start().starts_with('#'));
    first
        .and_then(|line| line.split_once(':'))
        .is_some_and(|(field, _)| FIELDS.contains(&field))
}

#[test]
fn the_settings_in_the_guides_are_settings() {
    let mut guides: Vec<PathBuf> = std::fs::read_dir(root().join("docs/guide"))
        .expect("guides")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    guides.sort();
    let mut read = 0;
    for guide in guides {
        let text = std::fs::read_to_string(&guide).expect("UTF-8");
        for (line, block) in blocks(&text, "yaml")
            .into_iter()
            .filter(|(_, block)| is_settings(block))
        {
            let home = tempfile::tempdir().expect("a directory");
            file(&home, "kubectl-certs/config.yaml", &block);
            file(&home, "kubectl-certs/corp-root.pem", "-----BEGIN CERTIFICATE-----\n");
            let ran = finish(command(&["config", "check"]).env("XDG_CONFIG_HOME", home.path()));
            assert_eq!(ran.status, 0, "{}, line {line}: {}", guide.display(), ran.err);
            read += 1;
        }
    }
    assert!(read > 15, "only {read} blocks were found");
}

/// A directory with the example, and with a kubectl that runs the program as its plugin.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let example = root().join("docs");
    std::os::unix::fs::symlink(&example, dir.path().join("docs")).expect("a link");
    std::os::unix::fs::symlink(example.join("example"), dir.path().join("deploy")).expect("a link");
    let shim = dir.path().join("bin/kubectl");
    let script = format!("#!/bin/sh\nshift\nexec '{}' \"$@\"\n", program().display());
    file(&dir, "bin/kubectl", script);
    std::fs::set_permissions(shim, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    dir
}

/// The commands of a guide. Those about the example and about `deploy` are run as they stand, of the others it is seen that the program
/// knows their words.
#[test]
fn the_commands_of_the_guides_to_pipelines_and_metrics_run() {
    let (mut ran, mut parsed) = (0, 0);
    for guide in ["ci", "textfile"] {
        let text = std::fs::read_to_string(root().join(format!("docs/guide/{guide}.md"))).expect("a guide");
        for (line, block) in blocks(&text, "sh") {
            for shown in block.lines().filter(|line| !line.is_empty()) {
                let is_whole = shown.contains("docs/example") || shown.contains("-f deploy/");
                let script = if is_whole {
                    ran += 1;
                    shown.to_owned()
                } else {
                    parsed += 1;
                    let only = shown.split(" > ").next().expect("a command");
                    format!("{only} --help")
                };
                let dir = place();
                let path = format!("{}:/usr/bin:/bin", dir.path().join("bin").display());
                let ended = std::process::Command::new("sh")
                    .args(["-c", &script])
                    .current_dir(dir.path())
                    .env_clear()
                    .env("PATH", path)
                    .env("HOME", dir.path())
                    .output()
                    .expect("sh");
                let wanted = i32::from(is_whole && shown.contains("--fail-on"));
                let said = String::from_utf8_lossy(&ended.stderr);
                assert_eq!(
                    ended.status.code(),
                    Some(wanted),
                    "{guide}, line {line}: {shown}\n{said}"
                );
            }
        }
    }
    assert!(ran >= 5 && parsed >= 2, "{ran} {parsed}");
}
