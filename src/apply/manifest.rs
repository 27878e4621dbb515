//! The order of the keys in a manifest, as people and kubectl write them.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The keys that come first; the others are sorted by name.
const FIRST: [&str; 6] = ["apiVersion", "kind", "metadata", "type", "name", "namespace"];

/// A value whose keys are written in that order.
pub(super) struct Manifest<'a>(pub(super) &'a Value);

impl Serialize for Manifest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Manifest(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Manifest)),
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::yaml;

    #[test]
    fn a_document_reads_back_as_what_it_was() {
        let value = json!({
            "kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/tls", "immutable": false,
            "metadata": {"name": "no", "labels": {}, "annotations": {"a/b": "1e3", "y": "line\nbreak \"quoted\"", "-x": ": #"},
                "ownerReferences": [{"name": "web", "controller": true, "apiVersion": "v1"}, ["nested", []]]},
            "data": {"tls.crt": "LS0t"},
        });
        let mut out = Vec::new();
        yaml::write(&Manifest(&value), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"no\"\n"),
            "{text}"
        );
        assert!(
            text.contains("  ownerReferences:\n  - apiVersion: v1\n    name: web\n"),
            "{text}"
        );
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, value, "{text}");
    }
}
