//! A manifest as YAML: block style, every text in double quotes, which every YAML reader takes for text (`no`, `1e3`, dates).

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a value as a document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    node(value, 0, &mut out);
    if out.starts_with('\n') {
        out.remove(0);
    }
    out
}

/// What follows a key's colon or a list's dash, with the line's end.
fn node(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            // As people and kubectl order them; the rest by name.
            let first = ["apiVersion", "kind", "metadata", "type", "name", "namespace"];
            let rank = |key: &str| first.iter().position(|f| *f == key).unwrap_or(first.len());
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
            for (name, value) in entries {
                let _ = write!(out, "{:1$}{2}:", "", depth * 2, key(name));
                node(value, depth + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{:1$}-", "", depth * 2);
                node(item, depth + 1, out);
            }
        }
        // JSON's scalars, `{}` and `[]` are YAML's.
        other => {
            let _ = writeln!(out, " {other}");
        }
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&name.to_ascii_lowercase().as_str());
    if plain {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_reads_back_as_what_it_was() {
        let value = json!({
            "kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/tls", "immutable": false,
            "metadata": {"name": "no", "labels": {}, "annotations": {"a/b": "1e3", "y": "line\nbreak \"quoted\"", "-x": ": #"},
                "ownerReferences": [{"name": "web", "controller": true}, ["nested", []]]},
            "data": {"tls.crt": "LS0t"},
        });
        let text = document(&value);
        assert!(
            text.starts_with("apiVersion: \"v1\"\nkind: \"Secret\"\nmetadata:\n  name: \"no\"\n"),
            "{text}"
        );
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, value, "{text}");
    }
}
