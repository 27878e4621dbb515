//! Fields that may be absent, null or empty.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    object::{Seconds, Text},
    text::parse_time,
};

/// A list. Null is an empty one, and elements that are null are left out.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Elements<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<List<T>, E> {
                Ok(List::default())
            }

            fn visit_none<E>(self) -> Result<List<T>, E> {
                Ok(List::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<List<T>, D::Error> {
                from.deserialize_seq(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(element) = seq.next_element::<Option<T>>()? {
                    list.extend(element);
                }
                Ok(List(list))
            }
        }
        from.deserialize_option(Elements(std::marker::PhantomData))
    }
}

impl<T> List<T> {
    /// Converts the elements into views.
    pub(super) fn map<U>(self, view: impl FnMut(T) -> U) -> Vec<U> {
        self.0.into_iter().map(view).collect()
    }
}

/// A time. Null and text that is not an RFC 3339 time count as absent.
#[derive(Default)]
pub(super) struct Moment(pub(super) Option<Seconds>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<Text>::deserialize(from)?;
        Ok(Self(text.and_then(|t| parse_time(&t))))
    }
}

/// The keys of a mapping. Null is an empty one.
#[derive(Default)]
pub(super) struct Keys(pub(super) Vec<Text>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_unit<E>(self) -> Result<Keys, E> {
                Ok(Keys::default())
            }

            fn visit_none<E>(self) -> Result<Keys, E> {
                Ok(Keys::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Keys, D::Error> {
                from.deserialize_map(self)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<Text, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_option(Any)
    }
}

/// The most bytes of a name that are kept. Kubernetes' names have 253 at most (RFC 1123 subdomains). No object can have
/// a longer name, and every host that refers to it would have a copy.
const LONGEST_NAME: usize = 512;

/// A name, cut if it is longer than any valid name; `None` if it is empty.
pub(super) fn name(text: Option<Text>) -> Option<Text> {
    some(text).map(|text| match text.get(LONGEST_NAME..) {
        None if text.len() <= LONGEST_NAME => text,
        _ => text[..text.floor_char_boundary(LONGEST_NAME)].into(),
    })
}

/// A text; `None` if it is empty.
pub(super) fn some(text: Option<Text>) -> Option<Text> {
    text.filter(|t| !t.is_empty())
}

/// An object with a name.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Named {
    name: Option<Text>,
}

impl Named {
    /// The name; `None` if it is empty.
    pub(super) fn name(self) -> Option<Text> {
        some(self.name)
    }
}

/// The message of a decoder without the text values that it quotes, which are keys in a Secret.
pub fn without_values(message: &str) -> String {
    const QUOTED: &str = "string \"";
    let mut out = String::with_capacity(message.len().min(256));
    let mut rest = message;
    while let Some(at) = rest.find(QUOTED) {
        out.push_str(&rest[..at]);
        out.push_str("string");
        rest = &rest[at + QUOTED.len()..];
        // The value is in Rust's debug format, in which quotes are escaped.
        let mut escaped = false;
        let end = rest.bytes().position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    out.push_str(rest);
    out
}
