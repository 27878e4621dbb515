//! Files of the documentation that tests make of the program: one that is not what would be made is red.

/// Holds a file against what is made now, or with `UPDATE_PICTURES` renews it. `path` begins at the root of the sources.
#[track_caller]
pub(crate) fn same(path: &str, made: &str) {
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let present = std::fs::read_to_string(&place).unwrap_or_default();
    if present == made {
        return;
    }
    if std::env::var_os("UPDATE_PICTURES").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&place, made).unwrap();
        return;
    }
    let apart = present.lines().zip(made.lines()).position(|(a, b)| a != b);
    let line = apart.unwrap_or_else(|| present.lines().count().min(made.lines().count()));
    panic!(
        "{path}: `UPDATE_PICTURES=1 cargo test --lib renewed` renews it; line {} is to be {:?}",
        line + 1,
        made.lines().nth(line)
    );
}

/// The same of what stands between two comments of a page: `<!-- NAME: ... -->` and `<!-- end -->`.
#[track_caller]
pub(crate) fn part(path: &str, name: &str, made: &str) {
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let page = std::fs::read_to_string(place).unwrap();
    let (before, rest) = page.split_once(&format!("<!-- {name}:")).expect("where it begins");
    let (about, rest) = rest.split_once("-->\n").expect("the end of the comment");
    let (_, after) = rest.split_once("<!-- end -->").expect("where it ends");
    same(
        path,
        &format!("{before}<!-- {name}:{about}-->\n{made}<!-- end -->{after}"),
    );
}

/// A schema as it is kept: without what says nothing. A field that may be left out is left out, and not null.
pub(crate) fn schema(mut schema: serde_json::Value) -> String {
    tidy(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    text
}

fn tidy(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            // How wide a number is in Rust.
            if fields
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|format| format.contains("int"))
            {
                fields.remove("format");
            }
            // A comment ends its lines where they are full.
            if let Some(Value::String(about)) = fields.get_mut("description") {
                *about = about.replace('\n', " ");
            }
            let required = fields.get("required").cloned().unwrap_or_default();
            let is_required = |name: &str| {
                let mut all = required.as_array().into_iter().flatten();
                all.any(|one| one == name)
            };
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for (name, property) in properties {
                    if !is_required(name) {
                        without_null(property);
                    }
                }
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn without_null(property: &mut serde_json::Value) {
    use serde_json::Value;
    let Some(fields) = property.as_object_mut() else { return };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(forms)) = fields.get_mut("anyOf") {
        forms.retain(|form| form["type"] != "null");
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            fields.remove("anyOf");
            fields.extend(only);
        }
    }
}

mod tests {
    use std::fmt::Write as _;

    #[test]
    fn the_kinds_of_the_page_are_those_that_are_read_and_are_renewed() {
        let mut made = String::from("| group | kind | versions |\n| --- | --- | --- |\n");
        for row in crate::object::register::KINDS {
            let group = if row.group.is_empty() { "core" } else { row.group };
            let versions = row.versions.join(", ");
            writeln!(made, "| {group} | {} | {versions} |", row.name).unwrap();
        }
        super::part("docs/trust/versions.md", "kinds", &made);
    }
}
