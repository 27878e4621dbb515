//! One YAML document or list item: a list, or an object that is read as soon as its mapping ends, so that long values
//! do not stay in memory. Secrets are read when the document ends, and their text is wiped.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use zeroize::Zeroize;

use crate::{
    object::{Kind, Made, Object},
    source::{form, pairs::DataKeys},
};

/// A document, or an item of a list.
pub(super) enum Node {
    /// Null.
    Null,
    /// A value other than a mapping, in words.
    Other(&'static str),
    /// A mapping.
    Mapping(Box<Fields>),
}

/// A mapping that may be an object.
#[derive(Default)]
pub(super) struct Fields {
    /// apiVersion, if it is a text that is not empty.
    pub(super) api_version: Option<String>,
    /// kind, if it is a text that is not empty.
    pub(super) kind: Option<String>,
    /// Whether it has a `sops` entry.
    pub(super) encrypted: bool,
    /// Whether it has the headings that Helm prints before a release.
    helm: [bool; 2],
    /// The contents.
    pub(super) content: Content,
}

/// The contents of a mapping.
pub(super) enum Content {
    /// The fields, which could not be read because the kind was not known.
    Raw(Map<String, Value>),
    /// The fields of a Secret, which is read once its data keys are known.
    Secret(Unread),
    /// The items of a list.
    Items(Vec<Spanned<Node>>),
    /// A list whose items are not mappings.
    NoList,
    /// An object.
    Object(Box<Object>),
    /// An object that cannot be read: its kind, its name, and the error.
    Broken(Kind, String, serde_json::Error),
    /// An object of a kind that is not read: its namespace, empty if it has none, and the Secrets that it creates.
    Unknown(String, Option<Box<Made>>),
}

/// The fields of a Secret that has not been read yet. They are wiped when they are dropped.
pub(super) struct Unread(Value);

impl Unread {
    /// Wraps a value that is wiped when it is dropped.
    pub(super) fn of(value: Value) -> Self {
        Self(value)
    }

    /// Takes a part out of the value; the rest is wiped.
    pub(super) fn take<R>(mut self, of: impl FnOnce(&mut Value) -> R) -> R {
        of(&mut self.0)
    }

    /// The value.
    pub(super) fn get(&self) -> &Value {
        &self.0
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Raw(Map::new())
    }
}

impl Fields {
    /// Whether this is the text that `helm install --dry-run` prints before the manifests.
    pub(super) fn is_helm_release(&self) -> bool {
        self.helm == [true; 2] && self.kind.is_none()
    }
}

impl Content {
    /// Reads the fields as an object of `kind`. `keys` are the data keys in which Secrets have a certificate and its
    /// key.
    pub(super) fn decoded(self, api_version: &str, kind: &str, keys: &DataKeys) -> Self {
        let fields = match self {
            Self::Raw(fields) => fields,
            Self::Secret(unread) => return secret(&unread, keys),
            read => return read,
        };
        let Some(known) = Kind::of_manifest(api_version, kind) else {
            let namespace = fields.get("metadata").and_then(|m| m.get("namespace")?.as_str());
            let namespace = namespace.unwrap_or_default().to_owned();
            let object = Value::Object(fields);
            return Self::Unknown(namespace, form::made(api_version, kind, &object).map(Box::new));
        };
        if known == Kind::Secret {
            return secret(&Unread(Value::Object(fields)), keys);
        }
        object(known, &Value::Object(fields), keys)
    }
}

fn secret(unread: &Unread, keys: &DataKeys) -> Content {
    object(Kind::Secret, &unread.0, keys)
}

fn object(kind: Kind, value: &Value, keys: &DataKeys) -> Content {
    match form::from_value(kind, value, keys) {
        Ok(object) => Content::Object(Box::new(object)),
        Err(error) => {
            let name = value.pointer("/metadata/name").and_then(Value::as_str);
            Content::Broken(kind, name.unwrap_or_default().to_owned(), error)
        }
    }
}

/// Overwrites every text, because some are keys.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other("it is a plain value"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other("it is a plain value"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other("it is a plain value"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other("it is a plain value"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Other("it is plain text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::Other("it is a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Fields::default();
        let mut raw = Map::new();
        let mut items = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "items" => items = Some(map.next_value::<Items>()?.0),
                "sops" => fields.encrypted = map.next_value::<Option<IgnoredAny>>()?.is_some(),
                _ => {
                    let value = map.next_value::<Value>()?;
                    match key.as_str() {
                        "apiVersion" => fields.api_version = text(&value),
                        "kind" => fields.kind = text(&value),
                        "NAME" => fields.helm[0] = true,
                        "LAST DEPLOYED" => fields.helm[1] = true,
                        _ => {}
                    }
                    raw.insert(key, value);
                }
            }
        }
        let list = fields.kind.as_deref().is_some_and(|kind| kind.ends_with("List"));
        fields.content = match (&fields.api_version, &fields.kind, items) {
            (_, _, Some(Some(items))) if list => Content::Items(items),
            (_, _, Some(None)) if list => Content::NoList,
            (Some(api_version), Some(kind), _) if Kind::of_manifest(api_version, kind) == Some(Kind::Secret) => {
                Content::Secret(Unread(Value::Object(raw)))
            }
            // Only Secrets need data keys.
            (Some(api_version), Some(kind), _) => Content::Raw(raw).decoded(api_version, kind, &DataKeys::default()),
            _ => Content::Raw(raw),
        };
        Ok(Node::Mapping(Box::new(fields)))
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// The items of a list; `None` if it is something else. Null is an empty list.
struct Items(Option<Vec<Spanned<Node>>>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Items, E> {
                Ok(Items(Some(Vec::new())))
            }

            fn visit_none<E>(self) -> Result<Items, E> {
                Ok(Items(Some(Vec::new())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Items(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Items(Some(items)))
            }
        }
        from.deserialize_any(ItemsVisitor)
    }
}
