//! What the guides tell people to write can be written: their settings are read by the program itself.

use std::path::PathBuf;

use super::{command, file, finish, root};

/// What a settings file begins with; other YAML in the guides is for kubectl.
const FIELDS: [&str; 11] = [
    "email",
    "agreeTos",
    "production",
    "staging",
    "issuers",
    "certificate",
    "http01",
    "dns01",
    "storing",
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
