//! The documentation holds together: every link leads somewhere, and the book has every page.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// All files with this ending below a directory, but what is built or belongs to git.
fn files(below: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(below).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !["target", ".git", "node_modules"].contains(&name) {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// A page without its code, which has no links and no headings. As many lines as before.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let ticks: String = trimmed.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if ticks.len() >= open.len() && trimmed.trim_end() == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    // Spans of code end with as many backquotes as they begin with, in the same paragraph.
    let paragraphs: Vec<String> = out.split("\n\n").map(without_spans).collect();
    paragraphs.join("\n\n")
}

fn without_spans(paragraph: &str) -> String {
    let mut out = String::new();
    let mut rest = paragraph;
    while let Some(at) = rest.find('`') {
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let body = &rest[at + ticks..];
        let mark = "`".repeat(ticks);
        let end = body
            .match_indices(&mark)
            .map(|(end, _)| end)
            .find(|end| !body[end + ticks..].starts_with('`') && !body[..*end].ends_with('`'));
        out.push_str(&rest[..at]);
        if let Some(end) = end {
            out.push_str(&"\n".repeat(body[..end].matches('\n').count()));
            rest = &body[end + ticks..];
        } else {
            out.push_str(&mark);
            rest = body;
        }
    }
    out + rest
}

/// The targets of the links of a page, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let prose = prose(text);
    let mut found = Vec::new();
    for (at, mark) in prose.match_indices("](") {
        let rest = &prose[at + mark.len()..];
        let Some(end) = rest.find(')') else { continue };
        let target = rest[..end].split_whitespace().next().unwrap_or_default();
        found.push((prose[..at].matches('\n').count() + 1, target.to_owned()));
    }
    found
}

/// The anchors of a page, as GitHub and mdBook make them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        if fenced || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        // Of a link in a heading, its text counts.
        let mut words = title.trim().to_owned();
        while let (Some(begin), Some(end)) = (words.find("]("), words.find(')')) {
            if end < begin {
                break;
            }
            words.replace_range(begin..=end, "");
        }
        let anchor: String = words
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let times = seen.entry(anchor.clone()).or_default();
        found.insert(if *times == 0 {
            anchor
        } else {
            format!("{anchor}-{times}")
        });
        *times += 1;
    }
    found
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[test]
fn every_link_among_the_files_leads_somewhere() {
    let root = root();
    let mut pages = Vec::new();
    files(&root, ".md", &mut pages);
    assert!(pages.len() > 100, "only {} pages", pages.len());
    let mut checked = 0;
    let mut broken = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).expect("UTF-8");
        let shown = page.strip_prefix(&root).expect("below").display().to_string();
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match path {
                "" => page.clone(),
                path => plain(&page.parent().expect("a directory").join(path)),
            };
            if !file.exists() || !file.starts_with(&root) {
                broken.push(format!("{shown}:{line}: {target}: there is no such file"));
            } else if !anchor.is_empty() {
                let is_page = file.extension().is_some_and(|ending| ending == "md");
                let theirs = std::fs::read_to_string(&file).unwrap_or_default();
                if !is_page || !anchors(&theirs).contains(anchor) {
                    broken.push(format!("{shown}:{line}: {target}: there is no such heading"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 200, "only {checked} links");
}

#[test]
fn a_broken_link_is_found_in_prose_and_not_in_code() {
    let text = "# A b\n\nSee [the\npage](x.md#a-b), `[no](y.md)`.\n\n```sh\n# no heading\n[no](z.md)\n```\n\n## A b\n\n## `c_d`: [E](f.md)!\n";
    assert_eq!(links(text), [(4, "x.md#a-b".to_owned()), (13, "f.md".to_owned())]);
    let anchors = anchors(text);
    assert_eq!(anchors, ["a-b", "a-b-1", "c_d-e"].map(str::to_owned).into());
}

#[test]
fn the_book_has_every_page_of_the_documentation_once() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("the summary");
    let mut listed = BTreeSet::new();
    for (line, target) in links(&summary) {
        assert!(
            docs.join(&target).is_file(),
            "docs/SUMMARY.md:{line}: {target} does not exist"
        );
        assert!(
            listed.insert(target.clone()),
            "docs/SUMMARY.md:{line}: {target} is there twice"
        );
    }
    let mut pages = Vec::new();
    files(&docs, ".md", &mut pages);
    for page in pages {
        let name = page.strip_prefix(&docs).expect("below").to_str().expect("UTF-8");
        let text = std::fs::read_to_string(&page).expect("UTF-8");
        let title = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("# ")
            .to_owned();
        assert!(
            name == "SUMMARY.md" || listed.contains(name),
            "docs/SUMMARY.md lacks a line such as: - [{title}]({name})"
        );
    }
}

#[test]
fn every_decision_stands_under_a_question_that_it_answers() {
    let decisions = root().join("docs/decisions");
    let index = std::fs::read_to_string(decisions.join("README.md")).expect("the index");
    let asked: BTreeSet<&str> = index
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once("? | ["))
        .filter_map(|(_, page)| Some(page.split_once("](")?.1.trim_end_matches([')', ' ', '|'])))
        .collect();
    let mut pages = Vec::new();
    files(&decisions, ".md", &mut pages);
    assert!(pages.len() > 25, "only {} pages", pages.len());
    for page in pages {
        let name = page.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        assert!(
            name == "README.md" || asked.contains(name),
            "docs/decisions/README.md lacks a line such as: | Why ...? | [0000]({name}) |"
        );
    }
}

#[test]
fn pages_that_count_the_findings_count_all_of_them() {
    let mut pages = Vec::new();
    files(&root().join("docs/findings"), ".md", &mut pages);
    let count = pages.iter().filter(|page| !page.ends_with("README.md")).count();
    for (page, words) in [
        ("README.md", "knows {} findings"),
        ("docs/guide/why-not.md", "yes: {} findings"),
    ] {
        let words = words.replace("{}", &count.to_string());
        let text = std::fs::read_to_string(root().join(page)).expect("a page");
        assert!(text.contains(&words), "{page} does not say: {words}");
    }
}

/// What an attribute has throughout a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    let found = html.match_indices(&mark).filter_map(|(at, _)| {
        let rest = &html[at + mark.len()..];
        Some(&rest[..rest.find('"')?])
    });
    found.collect()
}

/// `tests/run long` builds the book and says where it is; elsewhere there is none to look at.
#[test]
fn every_link_of_the_built_book_leads_somewhere() {
    let Some(book) = std::env::var_os("KUBECTL_CERTS_BOOK").map(PathBuf::from) else {
        return;
    };
    let mut pages = Vec::new();
    files(&book, ".html", &mut pages);
    assert!(pages.len() > 100, "only {} pages", pages.len());
    let mut checked = 0;
    let mut broken = BTreeSet::new();
    for page in &pages {
        let html = std::fs::read_to_string(page).expect("UTF-8");
        let shown = page.strip_prefix(&book).expect("below").display().to_string();
        // The page for addresses that do not exist has those of wherever it is shown.
        if shown == "404.html" {
            continue;
        }
        for target in attributes(&html, "href").into_iter().chain(attributes(&html, "src")) {
            if target.contains(':') {
                continue;
            }
            checked += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match path {
                "" => page.clone(),
                path => plain(&page.parent().expect("a directory").join(path)),
            };
            let is_there = file.is_file() && file.starts_with(&book);
            let theirs = if anchor.is_empty() || !is_there {
                String::new()
            } else {
                std::fs::read_to_string(&file).expect("UTF-8")
            };
            if !is_there || !(anchor.is_empty() || attributes(&theirs, "id").contains(&anchor)) {
                broken.insert(format!("{shown}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 1_000, "only {checked} links");
}
