//! The whole manifest of one Secret, for whoever writes it again: everything that is in it stays.

use serde::Deserialize as _;
use serde_json::Value;

use super::{node::Unread, split, yaml};
use crate::object::Key;

/// How deeply lists are followed.
const LISTS: usize = 8;

/// The manifest of a Secret among the documents of a text, with its private key; the last of several, as it counts for
/// findings too. One without a namespace is in `namespace`. `None` if there is none, or if it cannot be read.
pub fn secret(text: &str, key: &Key, namespace: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return Unread::of(value).take(|value| in_document(value, key, namespace, LISTS));
    }
    let mut allowance = yaml::ALIASED_NODES;
    let mut found: Option<Unread> = None;
    for piece in split::documents(text) {
        let read = yaml::parse(piece, &mut allowance, |from| Value::deserialize(from));
        let Ok(document) = read.map(Unread::of) else { continue };
        if let Some(secret) = document.take(|value| in_document(value, key, namespace, LISTS)) {
            found = Some(Unread::of(secret));
        }
    }
    found.map(|found| found.take(Value::take))
}

fn in_document(value: &mut Value, key: &Key, namespace: &str, lists: usize) -> Option<Value> {
    let kind = value["kind"].as_str().unwrap_or_default();
    if kind.ends_with("List") && lists > 0 {
        let items = value["items"].as_array_mut()?;
        return items
            .iter_mut()
            .rev()
            .find_map(|item| in_document(item, key, namespace, lists - 1));
    }
    let meta = &value["metadata"];
    let within = meta["namespace"]
        .as_str()
        .filter(|own| !own.is_empty())
        .unwrap_or(namespace);
    let is_it = kind == "Secret" && meta["name"].as_str() == Some(&*key.name) && within == &*key.namespace;
    is_it.then(|| value.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let secret = secret(text, &Key::new("shop", "web"), "shop")?;
        assert_eq!(secret["kind"], "Secret");
        Some(secret["data"]["dhparam"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_secret_is_found_with_all_that_is_in_it_wherever_it_stands() {
        let one = |namespace: &str, name: &str, value: &str| {
            format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{namespace}data:\n  dhparam: {value}\n")
        };
        let in_shop = "  namespace: shop\n";
        for (text, expected) in [
            (one("", "web", "YQ=="), Some("YQ==")),
            (one(in_shop, "web", "YQ=="), Some("YQ==")),
            (one("  namespace: other\n", "web", "YQ=="), None),
            (one("", "other", "YQ=="), None),
            (format!("kind: Service\n---\n{}---\n{}", one("", "web", "YQ=="), one("", "web", "Yg==")), Some("Yg==")),
            (
                r#"{"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "web"}, "data": {"dhparam": "YQ=="}}]}"#.into(),
                Some("YQ=="),
            ),
            ("{{ no YAML".into(), None),
        ] {
            assert_eq!(found(&text).as_deref(), expected, "{text}");
        }
    }
}
