//! What is left out of a run is said once, where everything goes to one terminal.

use super::{ASKED_AND_OWN, file, program};
use crate::support::terminal::Terminal;

#[test]
fn what_is_left_out_is_told_with_its_reason_and_not_again_in_the_plan() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = file(&dir, "web.yaml", ASKED_AND_OWN);
    let out = dir.path().join("out");
    std::fs::create_dir(&out).expect("a directory");
    let line = format!(
        "(HOME={home} {program} renew --all -f {path} --dry-run -o {out} 2>/dev/tty)",
        home = dir.path().display(),
        program = program().display(),
        out = out.display()
    );
    let terminal = Terminal::run(200, 40, &line);
    let screen = terminal.shows(&["Secret shop/own-tls", "ended with "]);
    assert_eq!(screen.matches("left to cert-manager").count(), 1, "{screen}");
}

#[test]
fn without_secrets_there_is_no_screen_and_the_table_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = file(&dir, "web.yaml", ASKED_AND_OWN);
    // A port that nobody listens on: every host is one that is not served.
    let line = format!(
        "(HOME={home} {program} --no-secrets --connect 127.0.0.1:9 -f {path} 2>/dev/tty)",
        home = dir.path().display(),
        program = program().display(),
    );
    let terminal = Terminal::run(200, 40, &line);
    let screen = terminal.shows(&["NotServed", "no Secret was read", "ended with "]);
    assert!(
        screen.contains("the screen shows Secrets: with --no-secrets this is `kubectl certs status"),
        "{screen}"
    );
}
