//! The pages of `docs/reference` that are made of the program: commands, settings and findings.
//! `UPDATE_PICTURES=1 cargo test --lib renewed` renews them.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{CommandText, OptionText, all, around};
use crate::{
    check::Reason,
    renewed::same,
    report::explain,
    settings::reference::{SettingRow, plain, sections},
};

mod flags;

/// In how many commands the same option stands before it is described once, for all of them.
const COMMON: usize = 4;

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

fn note(of: &str) -> String {
    format!("<!-- Made of {of}: `UPDATE_PICTURES=1 cargo test --lib renewed`. -->\n")
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn renewed_reference_of_the_commands() {
    let all = all();
    let mut common: BTreeMap<String, Vec<OptionText>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for group in all.iter().flat_map(|command| &command.groups) {
        for option in group.options.iter().filter(|option| option.long.is_some()) {
            let same = all.iter().filter(|command| {
                let mut theirs = command.groups.iter().filter(|other| other.heading == group.heading);
                theirs.any(|other| other.options.contains(option))
            });
            if same.count() >= COMMON {
                let known = common.entry(group.heading.clone()).or_default();
                if !known.contains(option) {
                    known.push(option.clone());
                }
                if !order.contains(&group.heading) {
                    order.push(group.heading.clone());
                }
            }
        }
    }
    let mut page = format!(
        "# Commands\n\n{}\n`kubectl certs COMMAND`. `kubectl certs COMMAND --help` says the same on a terminal, and `kubectl certs man COMMAND` prints it as a man page.\n\n\
         | command | what it does |\n| --- | --- |\n",
        note("src/cli/args")
    );
    for command in &all {
        let _ = writeln!(
            page,
            "| [{}](#{}) | {} |",
            command.typed(),
            anchor(&command.typed()),
            cell(&command.about)
        );
    }
    for command in &all {
        page.push_str(&section(command, &common));
    }
    page.push_str("\n## Options of many commands\n");
    for heading in &order {
        let _ = writeln!(page, "\n### {}\n", common_heading(heading));
        for option in &common[heading] {
            page.push_str(&line(option));
        }
    }
    page.push_str("\n## Variables\n\nA flag overrides a variable, and a variable overrides the settings file. [Settings](settings.md) has those of each setting.\n\n| variable | meaning |\n| --- | --- |\n");
    let root = all.first().expect("the program");
    for (name, about) in around::environment(root) {
        let names: Vec<String> = name.split(", ").map(|name| format!("`{name}`")).collect();
        let _ = writeln!(page, "| {} | {} |", names.join(", "), cell(&about));
    }
    same("docs/reference/commands.md", &page);
}

fn common_heading(heading: &str) -> String {
    match heading {
        "Options" => "General options".to_owned(),
        "Checks" => "Check options".to_owned(),
        heading => format!("{heading} options"),
    }
}

fn section(command: &CommandText, common: &BTreeMap<String, Vec<OptionText>>) -> String {
    let mut out = format!("\n## {}\n", command.typed());
    for part in &command.description {
        let _ = writeln!(out, "\n{part}");
    }
    let _ = writeln!(out, "\n```text\n{}\n```", command.usage.join("\n"));
    if !command.aliases.is_empty() {
        let _ = writeln!(out, "\nAlso called `{}`.", command.aliases.join("`, `"));
    }
    if !command.words.is_empty() && !command.commands.is_empty() {
        let names: Vec<String> = command
            .commands
            .iter()
            .map(|(name, _)| format!("[{name}](#{})", anchor(&format!("{} {name}", command.typed()))))
            .collect();
        let _ = writeln!(out, "\nCommands: {}.", names.join(", "));
    }
    let is_common = |heading: &str, option: &OptionText| common.get(heading).is_some_and(|all| all.contains(option));
    let mut also = Vec::new();
    for group in &command.groups {
        let (known, own): (Vec<_>, Vec<_>) = group
            .options
            .iter()
            .partition(|option| is_common(&group.heading, option));
        if !own.is_empty() {
            let _ = writeln!(out, "\n**{}**\n", group.heading);
            for option in own {
                out.push_str(&line(option));
            }
        }
        if !known.is_empty() {
            let names: Vec<String> = known
                .iter()
                .filter_map(|option| Some(format!("`--{}`", option.long.as_ref()?)))
                .collect();
            let heading = common_heading(&group.heading);
            also.push(format!("- [{heading}](#{}): {}\n", anchor(&heading), names.join(" ")));
        }
    }
    if !also.is_empty() {
        let _ = write!(out, "\nOptions that other commands have too:\n\n{}", also.concat());
    }
    if !command.examples.is_empty() {
        out.push_str("\n```sh\n");
        for (about, line) in &command.examples {
            let _ = writeln!(out, "# {about}\n{line}");
        }
        out.push_str("```\n");
    }
    let statuses: Vec<String> = around::statuses(command)
        .into_iter()
        .map(|(status, _)| format!("`{status}`"))
        .collect();
    let _ = writeln!(out, "\n[Exit status](exit-status.md): {}.", statuses.join(", "));
    out
}

/// An option as an item of a list.
fn line(option: &OptionText) -> String {
    let stop = |text: &str| if text.ends_with(['.', ':', '?']) { "" } else { "." };
    let help: Vec<String> = option
        .help
        .iter()
        .map(|part| format!("{}{}", literal(part), stop(part)))
        .collect();
    let mut out = format!("- `{}`: {}", option.syntax, help.join(" "));
    if let Some(usual) = &option.usual {
        let _ = write!(out, " By default `{usual}`.");
    }
    out.push('\n');
    for (value, about) in &option.values {
        let about = if about.is_empty() {
            String::new()
        } else {
            format!(": {}{}", literal(about), stop(about))
        };
        let _ = writeln!(out, "  - `{value}`{about}");
    }
    out
}

/// Help is plain text: of what Markdown would take for markup, it has globs and placeholders.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            let _ = write!(out, "`{part}`");
            continue;
        }
        for c in part.chars() {
            if matches!(c, '*' | '<' | '>' | '[' | ']' | '_') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

#[test]
fn renewed_reference_of_the_settings() {
    let by_flag = flags::of_settings();
    let mut page = format!(
        "# Settings\n\n{}\nThe settings file is the one that `--config` or `KUBECTL_CERTS_CONFIG` names, by default `~/.config/kubectl-certs/config.yaml`. Every setting is optional. \
         A flag overrides a variable, a variable overrides the file, and the file overrides a ConfigMap (`--config-map`). `kubectl certs config view` shows what is in force and why.\n\n\
         [config.yaml](config.yaml) has an example of each (`kubectl certs config example` prints it), and [settings.schema.json](settings.schema.json) is the schema for editors. \
         The fields of DNS providers are in [the guide to DNS-01](../guide/dns-01.md).\n",
        note("src/settings")
    );
    for section in sections().iter().filter(|section| !section.rows.is_empty()) {
        if section.path.is_empty() {
            page.push_str("\n## At the top\n");
        } else {
            let _ = writeln!(page, "\n## {}\n\n{}", section.path, literal(&section.about));
        }
        page.push_str("\n| setting | what it does | what may be written | default | variable, flag |\n| --- | --- | --- | --- | --- |\n");
        for row in &section.rows {
            let _ = writeln!(page, "{}", setting(row, &by_flag));
        }
    }
    same("docs/reference/settings.md", &page);
}

fn setting(row: &SettingRow, by_flag: &BTreeMap<String, Vec<String>>) -> String {
    let name = row.path.rsplit('.').next().unwrap_or_default();
    let mut others: Vec<String> = row.variable.iter().cloned().collect();
    let of_issuer = row.path.strip_prefix("issuers.NAME.");
    for flag in by_flag
        .get(of_issuer.unwrap_or(&row.path))
        .into_iter()
        .flatten()
        .chain(&row.flags)
    {
        if !others.contains(flag) {
            others.push(flag.clone());
        }
    }
    let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
    let usual = row.usual.as_ref().map(|value| format!("`{}`", plain(value)));
    let cells = [
        format!("`{name}`"),
        literal(&row.about),
        row.form.clone(),
        usual.unwrap_or_default(),
        others.join(" "),
    ];
    format!("| {} |", cells.map(|text| cell(&text)).join(" | "))
}

#[test]
fn renewed_reference_of_the_findings() {
    let mut page = format!(
        "# Findings\n\n{}\nAll {} findings, with their usual severity: critical (clients fail now), warning (clients will fail, or some do), info (worth knowing). \
         Depending on the facts a finding may be more or less severe; its page says when. `kubectl certs explain REASON` prints a page. \
         [The catalogue](../findings/README.md) has them by what they are about, and says how to silence one.\n\n\
         | finding | severity | group | meaning |\n| --- | --- | --- | --- |\n",
        note("src/check/finding and docs/findings"),
        Reason::ALL.len()
    );
    for reason in Reason::ALL {
        let _ = writeln!(
            page,
            "| [{reason}](../findings/{reason}.md) | {} | {} | {} |",
            reason.severity().as_str(),
            reason.group(),
            cell(&literal(&explain::meaning(*reason)))
        );
    }
    same("docs/reference/findings.md", &page);
}
