//! The man pages as who packages the program gets them, and as who reads them sees them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use super::{command, finish, run};

/// All pages in a directory, of the first second of 2026.
fn written() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a directory");
    let into = dir.path().join("share/man/man1");
    let mut asked = command(&["man", "--output-dir", into.to_str().expect("UTF-8")]);
    let ran = finish(asked.env("SOURCE_DATE_EPOCH", "1767225600")).ends_with(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let mut pages: Vec<PathBuf> = std::fs::read_dir(into)
        .expect("the directory is made")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    pages.sort();
    (dir, pages)
}

/// What a tool says of a page.
#[track_caller]
fn said(tool: &str, args: &[&str], page: &Path) -> String {
    let output = Command::new(tool)
        .args(args)
        .arg(page)
        .output()
        .unwrap_or_else(|error| panic!("{tool}: {error}; tests/run installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stderr) + &text(&output.stdout)
}

#[test]
fn every_command_has_a_page_and_groff_and_mandoc_find_nothing_in_it() {
    let (_dir, pages) = written();
    let names: BTreeSet<&str> = pages
        .iter()
        .map(|page| page.file_name().and_then(|name| name.to_str()).expect("UTF-8"))
        .collect();
    for name in [
        "kubectl-certs.1",
        "kubectl-certs-status.1",
        "kubectl-certs-account-register.1",
        "kubectl-certs-config-view.1",
    ] {
        assert!(names.contains(name), "{name} among {names:?}");
    }
    assert!(
        !names
            .iter()
            .any(|name| name.contains("respond") || name.contains("complete"))
    );
    let help = run(&["--help"]).ends_with(0).out;
    let (_, listed) = help.split_once("\nCommands:\n").expect("a list");
    let (listed, _) = listed.split_once("\n\n").expect("its end");
    let commands = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let mut count = 0;
    for name in commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
    {
        assert!(names.contains(format!("kubectl-certs-{name}.1").as_str()), "{name}");
        count += 1;
    }
    assert!(count > 20, "{listed}");
    for page in &pages {
        assert_eq!(said("mandoc", &["-Tlint", "-Wall"], page), "", "{}", page.display());
        assert_eq!(
            said("groff", &["-man", "-ww", "-z", "-Tutf8", "-Kutf8"], page),
            "",
            "{}",
            page.display()
        );
    }
}

#[test]
fn a_page_has_what_a_manual_has_and_fits_a_terminal() {
    let (_dir, pages) = written();
    let page = |name: &str| {
        let path = pages.iter().find(|page| page.ends_with(name)).expect("a page");
        said("mandoc", &["-Tascii", "-Owidth=78"], path)
    };
    let plain = |text: &str| {
        // Bold is a letter, a step back and the letter again.
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '\u{8}' => drop(out.pop()),
                c => out.push(c),
            }
        }
        out
    };
    let renew = plain(&page("kubectl-certs-renew.1"));
    for title in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "ENVIRONMENT",
        "FILES",
        "EXIT STATUS",
        "EXAMPLES",
        "SEE ALSO",
    ] {
        assert!(renew.lines().any(|line| line == title), "{title}: {renew}");
    }
    for words in [
        "kubectl-certs-rollback(1)",
        "--solver-image <IMAGE>",
        "kubectl certs renew web --production",
        "2026-01-01",
    ] {
        let words = words.replace(['<', '>'], "");
        assert!(renew.contains(&words), "{words}: {renew}");
    }
    for name in &pages {
        let name = name.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let text = plain(&page(name));
        let examples = text
            .split_once("\nEXAMPLES\n")
            .map_or(text.as_str(), |(before, _)| before);
        for line in examples.lines() {
            assert!(line.chars().count() <= 78, "{name}: {line}");
        }
    }
}

#[test]
fn one_page_is_printed_and_a_wrong_name_is_answered_with_the_right_one() {
    let page = run(&["man"]).ends_with(0).out;
    assert!(page.starts_with(".TH KUBECTL\\-CERTS 1 \"\" "), "{page}");
    assert!(
        page.contains("kubectl\\-certs\\-renew") && page.contains("KUBECTL_CERTS_WAIT"),
        "{page}"
    );
    let page = run(&["man", "account", "register"]).ends_with(0).out;
    assert!(page.contains("kubectl\\-certs\\-account\\-register \\- "), "{page}");
    // By its other name, too.
    let page = run(&["man", "get"]).ends_with(0).out;
    assert!(page.contains("kubectl\\-certs\\-status \\- "), "{page}");
    let ran = run(&["man", "renw"]).fails(2, &["no command is called \"renw\""]);
    assert!(ran.err.contains("kubectl certs man renew"), "{}", ran.err);
    run(&["man", "status", "--output-dir", "x"]).fails(2, &["--output-dir"]);
    let dir = tempfile::tempdir().expect("a directory");
    let file = super::file(&dir, "taken", "");
    run(&["man", "--output-dir", &file]).fails(2, &["cannot make", "taken"]);
}
