//! Pages of the documentation: the commands that they show, and what they say that these print.

use std::path::PathBuf;

pub(crate) fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// A page, by its path from the root.
pub(crate) fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between two lines of backquotes.
pub(crate) struct Block {
    /// The line of the page at which it begins.
    pub(crate) line: usize,
    /// What stands behind the first backquotes.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// The blocks of a page, in their order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, line) => {
                open = line.strip_prefix("```").map(|language| Block {
                    line: number + 2,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
        }
    }
    blocks
}

/// The blocks of a language.
pub(crate) fn blocks_of(page: &str, language: &str) -> Vec<Block> {
    blocks(page)
        .into_iter()
        .filter(|block| block.language == language)
        .collect()
}

/// Commands for a shell, and what they print if the page shows it: in the block of text that follows, or below a `$`.
pub(crate) struct Shown {
    pub(crate) line: usize,
    pub(crate) script: String,
    pub(crate) printed: Option<String>,
}

/// The commands of a page, in their order.
pub(crate) fn commands(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut is_behind_commands = false;
    for block in blocks(page) {
        match block.language.as_str() {
            "sh" => found.push(Shown {
                line: block.line,
                script: block.text,
                printed: None,
            }),
            "text" if is_behind_commands => {
                found.last_mut().expect("commands").printed = Some(block.text);
                is_behind_commands = false;
                continue;
            }
            "" => {
                if let Some((script, printed)) = block.text.strip_prefix("$ ").and_then(|text| text.split_once('\n')) {
                    found.push(Shown {
                        line: block.line,
                        script: format!("{script}\n"),
                        printed: Some(printed.to_owned()),
                    });
                }
            }
            _ => {}
        }
        is_behind_commands = block.language == "sh";
    }
    found
}

/// The commands that stand in a page without a block: indented, after an empty line.
pub(crate) fn indented(page: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    page.lines().filter_map(move |line| {
        is_fenced ^= line.starts_with("```");
        line.strip_prefix("    kubectl certs")
            .filter(|_| !is_fenced)
            .map(|_| line.trim())
    })
}

/// Whether a page says what was printed: each line of it, spaces aside. `...` within a line stands for anything, and as a line for
/// any lines. What differs first is the error.
pub(crate) fn says(page: &str, printed: &str) -> Result<(), String> {
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut at = 0;
    let mut is_gap = false;
    for wanted in page.lines().filter(|line| !line.trim().is_empty()) {
        if wanted.trim() == "..." {
            is_gap = true;
            continue;
        }
        let found = lines[at..].iter().position(|line| fits(wanted, line));
        match found {
            Some(0) => at += 1,
            Some(skipped) if is_gap => at += skipped + 1,
            _ => {
                let next = lines.get(at).copied().unwrap_or("the end");
                return Err(format!("the page says {wanted:?}, and there is {next:?} of\n{printed}"));
            }
        }
        is_gap = false;
    }
    match lines.get(at) {
        Some(more) if !is_gap => Err(format!("the page does not say {more:?}, of\n{printed}")),
        _ => Ok(()),
    }
}

fn fits(wanted: &str, line: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (wanted, line) = (plain(wanted), plain(line));
    let parts: Vec<&str> = wanted.split("...").collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if parts.len() == 1 {
        return wanted == line;
    }
    let Some(mut rest) = line.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    true
}

#[test]
fn a_page_is_held_against_what_was_printed() {
    let printed = "NAME   AGE\nweb    3 s\n\nother  4 s\n2 in all\n";
    for (page, holds) in [
        ("NAME AGE\nweb ... s\nother 4 s\n2 in all\n", true),
        ("NAME AGE\n...\n2 in all\n", true),
        ("...\nother ...\n...\n", true),
        ("NAME AGE\nother 4 s\n2 in all\n", false),
        ("NAME AGE\nweb 3 s\nother 4 s\n", false),
        ("...\nweb 4 s\n...\n", false),
        ("...\n3 in all\n", false),
    ] {
        assert_eq!(says(page, printed).is_ok(), holds, "{page}");
    }
}

#[test]
fn the_commands_of_a_page_have_what_they_print() {
    let page = "```sh\na\n```\nthen\n```text\nA\n```\n\n```sh\nb\n```\n\n```yaml\nc: d\n```\n\n```\n$ e\nE\n```\n";
    let found: Vec<(usize, String, Option<String>)> = commands(page)
        .into_iter()
        .map(|shown| (shown.line, shown.script, shown.printed))
        .collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        found,
        [
            (2, text("a\n"), Some(text("A\n"))),
            (10, text("b\n"), None),
            (18, text("e\n"), Some(text("E\n")))
        ]
    );
}
