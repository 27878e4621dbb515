//! The screen over manifests, in a real terminal.

use std::path::Path;

use crate::support::{run::program, terminal::Terminal};

/// The screen over the example, with what a settings file says.
fn over(manifests: &Path, settings: &str, args: &str) -> (Terminal, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("config.yaml");
    std::fs::write(&file, settings).expect("a file");
    let line = format!(
        "env -i HOME={home} TERM=tmux LANG=C.UTF-8 PATH=/usr/bin:/bin KUBECTL_CERTS_CONFIG={} '{}' -f '{}' --at 2026-12-01 {args}",
        file.display(),
        program().display(),
        manifests.display(),
        home = home.path().display(),
    );
    (Terminal::run(120, 40, &line), home)
}

fn example() -> std::path::PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&root).join("docs/example")
}

#[test]
fn roots_of_the_settings_are_trusted_on_the_screen_too() {
    let root = example().join("root.pem");
    let counted = |settings: &str| {
        let (terminal, _home) = over(&example(), settings, "");
        let screen = terminal.shows(&["35 hosts"]);
        terminal.press(&["q"]);
        terminal.ends_with(0);
        screen
            .lines()
            .find(|line| line.contains("35 hosts"))
            .expect("the header")
            .to_owned()
    };
    let without = counted("{}\n");
    let with = counted(&format!("storing: {{caFiles: ['{}']}}\n", root.display()));
    assert!(without.contains("✗ 33") && !without.contains("healthy"), "{without}");
    assert!(with.contains("healthy") && !with.contains("✗ 33"), "{with}");
}

#[test]
fn manifests_are_read_again_shown_and_copied_without_their_keys() {
    let scratch = tempfile::tempdir().expect("a directory");
    let manifests = scratch.path().join("manifests");
    std::fs::create_dir(&manifests).expect("a directory");
    let shop = std::fs::read_to_string(example().join("shop.yaml")).expect("the example");
    std::fs::write(manifests.join("shop.yaml"), &shop).expect("a file");
    let (terminal, _home) = over(&manifests, "{}\n", "--ca-file docs/example/root.pem");
    terminal.shows(&["checkout.larkspur.example"]);
    // Decoded, and copied: the certificate, never the key.
    terminal.press(&["/"]);
    terminal.type_text("checkout");
    terminal.press(&["Enter", "x"]);
    let screen = terminal.shows(&["certificates of ingress/checkout", "serial"]);
    assert!(!screen.contains("PRIVATE KEY"), "{screen}");
    terminal.press(&["Escape", "c"]);
    terminal.shows(&["copy"]);
    terminal.press(&["p"]);
    let copied = terminal.copied();
    assert!(copied.starts_with("-----BEGIN CERTIFICATE-----"), "{copied}");
    assert!(!copied.contains("KEY"), "{copied}");
    // Another host stands in the file by now.
    terminal.press(&["Escape"]);
    std::fs::write(
        manifests.join("shop.yaml"),
        shop.replace("checkout.larkspur.example", "pay.larkspur.example"),
    )
    .expect("a file");
    terminal.press(&["C-r"]);
    terminal.line(&["pay.larkspur.example"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}
