//! Finds the line of the error in an object of a YAML document. Objects are read as JSON, whose positions are not those
//! of the file. So the document is read again with the line of each of its values, and the position of the error in the
//! JSON leads to one of them.

use std::{collections::BTreeMap, fmt, io::Write as _};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::node::Unread;
use crate::{
    object::Kind,
    source::{
        form::{self, Counted},
        pairs::DataKeys,
    },
};

/// A value with the lines of the values within it. Text is wiped, because it may be a key.
pub(super) enum Lined {
    Plain(Unread),
    List(Vec<Spanned<Lined>>),
    /// As in any mapping that is read, the last of several entries with one name counts.
    Mapping(BTreeMap<String, Spanned<Lined>>),
}

impl Lined {
    /// The line within the document at which reading it as `kind` fails; `None` if it succeeds.
    pub(super) fn broken(&self, kind: Kind, keys: &DataKeys) -> Option<u64> {
        let mut lines = Vec::new();
        let json = form::wiped(|to| {
            lines.clear();
            self.write(to, &mut lines)
        });
        let json = json.ok()?;
        let error = form::from_json(kind, &json, keys).err()?;
        // The JSON is a single line, so the column counts its bytes, from 1.
        let begun = lines.iter().rev().find(|(at, _)| *at < error.column());
        begun.map(|(_, line)| *line)
    }

    /// Writes the value as JSON, and records where each value within it begins and on which line.
    fn write(&self, json: &mut Counted<'_>, lines: &mut Vec<(usize, u64)>) -> std::io::Result<()> {
        let mut one = |json: &mut Counted<'_>, value: &Spanned<Self>| {
            lines.push((json.count, value.referenced.line()));
            value.value.write(json, lines)
        };
        match self {
            Self::Plain(value) => return Ok(serde_json::to_writer(json, value.get())?),
            Self::List(items) => {
                json.write_all(b"[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        json.write_all(b",")?;
                    }
                    one(json, item)?;
                }
                json.write_all(b"]")?;
            }
            Self::Mapping(fields) => {
                json.write_all(b"{")?;
                for (at, (name, field)) in fields.iter().enumerate() {
                    if at > 0 {
                        json.write_all(b",")?;
                    }
                    serde_json::to_writer(&mut *json, name)?;
                    json.write_all(b":")?;
                    one(json, field)?;
                }
                json.write_all(b"}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Lined {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LinedVisitor)
    }
}

struct LinedVisitor;

fn plain(value: impl Into<Value>) -> Lined {
    Lined::Plain(Unread::of(value.into()))
}

impl<'de> Visitor<'de> for LinedVisitor {
    type Value = Lined;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Lined, E> {
        Ok(plain(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Lined, E> {
        Ok(plain(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Lined, E> {
        Ok(plain(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Lined, E> {
        Ok(plain(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Lined, E> {
        Ok(plain(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Lined, E> {
        Ok(plain(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Lined, E> {
        Ok(plain(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lined, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Lined::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lined, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            fields.insert(name, value);
        }
        Ok(Lined::Mapping(fields))
    }
}

/// Finds one item of nested lists, and skips everything beside it. The indexes of the items lead to it; without any, it
/// is the document itself.
pub(super) struct Seek<'p>(pub(super) &'p [usize]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Lined>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Lined>, D::Error> {
        if self.0.is_empty() {
            Lined::deserialize(from).map(Some)
        } else {
            from.deserialize_map(self)
        }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Lined>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Lined>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                found = map.next_value_seed(Element(&self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// The items on the path.
struct Element<'s, 'p>(&'s Seek<'p>);

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = Option<Lined>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Lined>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = Option<Lined>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Lined>, A::Error> {
        let Some((wanted, path)) = self.0.0.split_first() else {
            return Ok(None);
        };
        for _ in 0..*wanted {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = seq.next_element_seed(Seek(path))?.flatten();
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}
