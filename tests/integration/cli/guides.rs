//! What the guides tell people to write can be written: their settings are read by the program itself.

use std::path::PathBuf;

use super::{command, file, finish, program, root};
use crate::support::pages::{self, blocks_of, commands, page};

/// What a settings file begins with; other YAML in the guides is for kubectl.
const FIELDS: [&str; 16] = [
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
    "policy",
    "unattended",
    "trust",
    "controllers",
    "domains",
    "tui",
];

fn is_settings(block: &str) -> bool {
    let first = block.lines().find(|line| !line.trim_start().starts_with('#'));
    first
        .and_then(|line| line.split_once(':'))
        .is_some_and(|(field, _)| FIELDS.contains(&field))
}

/// A certificate in the place of those that a guide only indicates.
fn with_certificates(block: &str, pem: &str) -> String {
    let begin = "-----BEGIN CERTIFICATE-----\n";
    let Some((before, rest)) = block.split_once(begin) else {
        return block.to_owned();
    };
    let indent = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    let (_, after) = rest
        .split_once("-----END CERTIFICATE-----\n")
        .expect("the end of a certificate");
    let lines: Vec<String> = pem.lines().map(|line| format!("{indent}{line}\n")).collect();
    format!("{}{}{after}", before.trim_end_matches(' '), lines.concat())
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
        for block in blocks_of(&text, "yaml")
            .into_iter()
            .filter(|block| is_settings(&block.text))
        {
            let (line, home) = (block.line, tempfile::tempdir().expect("a directory"));
            let root_pem = page("docs/example/root.pem");
            file(
                &home,
                "kubectl-certs/config.yaml",
                with_certificates(&block.text, &root_pem),
            );
            file(&home, "kubectl-certs/corp-root.pem", &root_pem);
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
        let text = page(&format!("docs/guide/{guide}.md"));
        for pages::Block { line, text, .. } in blocks_of(&text, "sh") {
            for shown in text.lines().filter(|line| !line.is_empty()) {
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

/// A directory with nothing but a kubectl that has the program's own parser read what stands behind `kubectl certs`, and notes what it
/// says. All other commands are not found, or do nothing: scripts of pages can be run.
fn reader() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, first) in [
        ("kubectl", "[ \"$1\" = certs ] || exit 0; shift"),
        ("kubectl-certs", ":"),
    ] {
        // `...` on a page stands for further arguments.
        let script = format!(
            "#!/bin/sh\n{first}\nfor word do shift; [ \"$word\" = ... ] || set -- \"$@\" \"$word\"; done\n\
             if said=$('{}' \"$@\" --help 2>&1); then echo \"$*\" >>'{log}/good'; else echo \"$*: $said\" >>'{log}/bad'; fi\n",
            program().display(),
            log = dir.path().display(),
        );
        let path = dir.path().join("bin").join(name);
        file(&dir, &format!("bin/{name}"), script);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    std::os::unix::fs::symlink("/bin/date", dir.path().join("bin/date")).expect("a link");
    dir
}

#[test]
fn the_program_knows_every_command_and_flag_that_the_pages_name() {
    let mut pages: Vec<String> = ["README.md", "docs/releasing.md", "docs/SECURITY.md"]
        .map(str::to_owned)
        .into();
    for directory in ["docs/guide", "docs/trust"] {
        let found = std::fs::read_dir(root().join(directory)).expect("pages");
        let paths = found.map(|entry| entry.expect("an entry").path());
        let names = paths.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
        pages.extend(names.map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
            format!("{directory}/{name}")
        }));
    }
    pages.sort();
    let (mut read, mut wrong) = (0, Vec::new());
    for name in pages {
        let text = page(&name);
        let scripts = commands(&text).into_iter().map(|shown| (shown.line, shown.script));
        let scripts = scripts.chain(pages::indented(&text).map(|line| (0, line.to_owned())));
        for (line, script) in scripts.filter(|(_, script)| script.contains("kubectl certs ")) {
            let dir = reader();
            // Elsewhere than in this directory nothing is written.
            let harmless = script.replace(" > /", " >/dev/null # ");
            let run = std::process::Command::new("/bin/sh")
                .args(["-c", &harmless])
                .current_dir(dir.path())
                .env_clear()
                .env("PATH", dir.path().join("bin"))
                .stdin(std::process::Stdio::null())
                .output();
            run.expect("sh");
            let noted = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
            let (good, bad) = (noted("good").lines().count(), noted("bad"));
            if good == 0 || !bad.is_empty() {
                wrong.push(format!(
                    "{name}, line {line}: {script}: {good} commands were read; {bad}"
                ));
            }
            read += good;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read > 150, "only {read} commands");
}

/// Where manifests are shown with what the program says of them, it says that.
#[test]
fn what_the_guide_to_gateways_shows_is_what_is_said() {
    let text = page("docs/guide/gateways.md");
    let dir = place();
    let manifests = blocks_of(&text, "yaml");
    assert!(manifests[0].text.starts_with("# edge.yaml\n"), "{}", manifests[0].text);
    file(&dir, "edge.yaml", &manifests[0].text);
    let shown: Vec<pages::Shown> = commands(&text)
        .into_iter()
        .filter(|shown| shown.printed.is_some())
        .collect();
    assert_eq!(shown.len(), 1);
    holds(&dir, &shown[0]);
}

/// The policy of the guide for many teams refuses what the guide says that it refuses.
#[test]
fn what_the_guide_to_many_teams_shows_is_what_is_said() {
    let text = page("docs/guide/many-teams.md");
    let dir = place();
    for (block, name) in blocks_of(&text, "yaml").iter().zip(["settings.yaml", "blog.yaml"]) {
        assert!(block.text.starts_with(&format!("# {name}\n")), "{}", block.text);
        file(&dir, name, &block.text);
    }
    let shown: Vec<pages::Shown> = commands(&text)
        .into_iter()
        .filter(|shown| shown.printed.is_some())
        .collect();
    assert_eq!(shown.len(), 1);
    holds(&dir, &shown[0]);
}

/// Messages that are put together of several texts, and one of the operating system's.
const COMPOSED: [&str; 5] = [
    "is owned by",
    "a rate limit is reached until",
    "the authorization is still pending after",
    "does not run",
    "Connection refused",
];

/// The words of a message between what differs: names in capitals, numbers, causes behind a colon, and what `...` leaves out.
fn fixed(message: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in message.replace("...", " ... ").split_whitespace() {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        let is_name = !plain.is_empty() && plain.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '/' | '-'));
        let differs = matches!(word, "..." | "s")
            || is_name
            || word.contains(|c: char| c.is_ascii_digit() || c == '"' || c == '<');
        let last = parts.last_mut().expect("a part");
        if differs {
            parts.push(String::new());
        } else if last.is_empty() {
            last.push_str(word);
        } else {
            last.push(' ');
            last.push_str(word);
        }
        if word.ends_with(':') {
            parts.push(String::new());
        }
    }
    let trimmed = parts
        .into_iter()
        .map(|part| part.trim_matches([',', ':', ';', '(', ')', ' ']).to_owned());
    trimmed.filter(|part| part.contains(' ')).collect()
}

#[test]
fn the_messages_on_the_pages_are_those_of_the_program() {
    let sources: Vec<String> = super::compatible::program().into_iter().map(|(_, text)| text).collect();
    let source = sources.concat().replace("\\\"", "\"");
    // A text that is broken into lines goes on without the spaces before it.
    let mut lines = source.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let source = lines.fold(first, |all, line| all + line.trim_start());
    let (mut held, mut unknown) = (0, Vec::new());
    for name in ["troubleshooting", "failed-challenges", "cert-manager", "http-01"] {
        let text = page(&format!("docs/guide/{name}.md"));
        let cells = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
        for (cell, _) in cells {
            let cell = format!("`{cell}");
            for message in cell
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|message| message.contains(' '))
            {
                for part in fixed(message) {
                    held += 1;
                    if !source.contains(&part) && !COMPOSED.contains(&part.as_str()) {
                        unknown.push(format!("docs/guide/{name}.md: {message}: nothing says {part:?}"));
                    }
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(held > 80, "only {held} parts of messages");
}

/// What the README shows of a command is what it says: here where it is about the example, else by a page that is followed on the
/// testbed.
#[test]
fn what_the_readme_shows_is_what_is_said() {
    let followed: Vec<String> = ["first-steps", "coming-from-certbot"]
        .iter()
        .flat_map(|name| commands(&page(&format!("docs/guide/{name}.md"))))
        .filter(|shown| shown.printed.is_some())
        .map(|shown| shown.script)
        .collect();
    let shown: Vec<pages::Shown> = commands(&page("README.md"))
        .into_iter()
        .filter(|shown| shown.printed.is_some())
        .collect();
    assert_eq!(shown.len(), 3);
    for shown in shown {
        if shown.script.contains("docs/example") {
            holds(&place(), &shown);
        } else {
            assert!(
                followed.contains(&shown.script),
                "README.md: no page runs {}",
                shown.script
            );
        }
    }
}

/// Runs what a page shows, and holds what is printed against what the page says of it.
#[track_caller]
fn holds(dir: &tempfile::TempDir, shown: &pages::Shown) {
    let path = format!("{}:/usr/bin:/bin", dir.path().join("bin").display());
    let ran = std::process::Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{}", shown.script)])
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", dir.path())
        .output()
        .expect("sh");
    let printed = shown.printed.as_ref().expect("what is printed");
    if let Err(error) = pages::says(printed, &String::from_utf8_lossy(&ran.stdout)) {
        panic!("line {}: {error}", shown.line);
    }
}
