//! The guide's lists of keys and commands are the program's.

use std::fmt::Write as _;

use kubectl_certs::tui::{
    columns::Columns,
    keymap::{Action, Scope},
    model::View,
    theme::ThemeName,
    update::COMMANDS,
};

use super::root;

/// What stands between two comments of a page; put there where it is to be renewed.
#[track_caller]
fn part(page: &str, name: &str, wanted: &str) {
    let path = root().join(page);
    let text = std::fs::read_to_string(&path).expect("the page");
    let begin = text.find(&format!("<!-- {name}:")).expect("where it begins");
    let begin = begin + text[begin..].find("-->\n").expect("the end of the comment") + 4;
    let end = begin + text[begin..].find("<!-- end -->").expect("where it ends");
    if std::env::var_os("UPDATE_PICTURES").is_some_and(|value| !value.is_empty()) {
        let renewed = format!("{}{wanted}{}", &text[..begin], &text[end..]);
        if renewed != text {
            std::fs::write(&path, renewed).expect("it can be written");
        }
        return;
    }
    assert_eq!(
        &text[begin..end],
        wanted,
        "{page}: UPDATE_PICTURES=1 cargo test --test integration tui:: renews it"
    );
}

/// A cell of a Markdown table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Where a key works, when that is not everywhere.
fn place(scope: Scope) -> &'static str {
    match scope {
        Scope::Everywhere => "",
        Scope::Lists => "lists",
        Scope::Rows => "hosts, Secrets",
        Scope::Text => "texts",
        Scope::Timeline => "timeline",
        Scope::Orders => "orders",
        Scope::Plan => "a plan",
        Scope::Picture => "beside a picture",
    }
}

#[test]
fn keys_and_commands_are_those_of_the_program() {
    let mut keys = "| keys | action | in | what |\n| --- | --- | --- | --- |\n".to_owned();
    for action in Action::ALL {
        let usual: Vec<String> = action.usual_keys().iter().map(|key| code(key)).collect();
        let line = [
            usual.join(" "),
            code(action.word()),
            place(action.scope()).to_owned(),
            action.help().to_owned(),
        ];
        let _ = writeln!(keys, "| {} |", line.join(" | "));
    }
    part("docs/guide/tui.md", "keys", &keys);
    let mut commands = "```\n".to_owned();
    for (word, rest) in COMMANDS {
        let _ = writeln!(commands, "{}", format!(":{word} {rest}").trim_end());
    }
    commands.push_str("```\n");
    part("docs/guide/tui.md", "commands", &commands);
}

#[test]
fn the_settings_that_are_explained_are_those_that_there_are() {
    let example = kubectl_certs::settings::example::EXAMPLE;
    let (_, tui) = example.split_once("\ntui:\n").expect("a section");
    for theme in ThemeName::WORDS {
        assert!(tui.contains(theme), "{theme}");
    }
    for column in Columns::all(View::Hosts) {
        assert!(tui.contains(&column.head.to_lowercase()), "{}", column.head);
    }
    let roles = [
        "text",
        "dim",
        "title",
        "key",
        "border",
        "bar",
        "critical",
        "warning",
        "unknown",
        "info",
        "healthy",
        "staging",
        "production",
    ];
    for role in roles {
        let own = [(role.to_owned(), "red".to_owned())].into();
        kubectl_certs::tui::theme::Theme::default().with(&own).expect("a role");
        assert!(tui.contains(role), "{role}");
    }
}
