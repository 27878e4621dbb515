//! Metadata, with only the fields that findings need.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};

use super::lenient::{List, Moment, name};
use crate::object::{self, Text, annotation};

/// metadata. Labels are only kept with [`Labels`].
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
pub(super) struct Meta<L: Default = Skipped> {
    name: Option<Text>,
    namespace: Option<Text>,
    creation_timestamp: Moment,
    labels: L,
    annotations: Annotations,
    owner_references: List<Owner>,
}

impl Meta<Labels> {
    /// Returns only the labels.
    pub(super) fn into_labels(self) -> Vec<(Text, Text)> {
        self.labels.into_pairs()
    }
}

/// An object of which only the metadata with its labels is read.
#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Only {
    pub(super) metadata: Option<Meta<Labels>>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Owner {
    kind: Option<Text>,
    name: Option<Text>,
    controller: Option<bool>,
}

impl<L: Default + Into<Vec<(Text, Text)>>> From<Meta<L>> for object::Meta {
    fn from(meta: Meta<L>) -> Self {
        Self {
            namespace: name(meta.namespace).unwrap_or_default(),
            name: name(meta.name).unwrap_or_default(),
            created: meta.creation_timestamp.0,
            more: object::More {
                labels: meta.labels.into().into(),
                annotations: meta.annotations.0.into(),
                owners: meta
                    .owner_references
                    .map(|owner| object::Owner {
                        kind: owner.kind.unwrap_or_default(),
                        name: owner.name.unwrap_or_default(),
                        controller: owner.controller.unwrap_or_default(),
                    })
                    .into(),
            }
            .boxed(),
        }
    }
}

impl<L: Default + Into<Vec<(Text, Text)>>> From<Option<Meta<L>>> for object::Meta {
    fn from(meta: Option<Meta<L>>) -> Self {
        meta.unwrap_or_default().into()
    }
}

/// The labels that are kept.
#[derive(Default)]
pub(super) struct Labels(Vec<(Text, Text)>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Pairs { wanted: |_| true }.deserialize(from).map(Self)
    }
}

impl From<Labels> for Vec<(Text, Text)> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

impl Labels {
    /// All pairs; the selector of a Service is read in this way too.
    pub(super) fn into_pairs(self) -> Vec<(Text, Text)> {
        self.0
    }
}

/// The labels that say which tool writes an object.
#[derive(Default)]
pub(super) struct Writers(Vec<(Text, Text)>);

impl<'de> Deserialize<'de> for Writers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Pairs {
            wanted: annotation::says_who_writes,
        }
        .deserialize(from)
        .map(Self)
    }
}

impl From<Writers> for Vec<(Text, Text)> {
    fn from(labels: Writers) -> Self {
        labels.0
    }
}

/// Labels that are ignored.
#[derive(Default)]
pub(super) struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self)
    }
}

impl From<Skipped> for Vec<(Text, Text)> {
    fn from(_: Skipped) -> Self {
        Self::new()
    }
}

#[derive(Default)]
struct Annotations(Vec<(Text, Text)>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Pairs {
            wanted: annotation::wanted,
        }
        .deserialize(from)
        .map(Self)
    }
}

/// Reads the pairs of a mapping with a wanted key, without decoding the other values.
struct Pairs {
    wanted: fn(&str) -> bool,
}

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = Vec<(Text, Text)>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(Text, Text)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of texts")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key_seed(WantedKey(self.wanted))? {
            match key {
                Some(key) => pairs.push((key, map.next_value::<Option<Text>>()?.unwrap_or_default())),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(pairs)
    }
}

/// Keeps a key if it is wanted, without copying the others.
pub(super) struct WantedKey(pub(super) fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for WantedKey {
    type Value = Option<Text>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Text>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for WantedKey {
    type Value = Option<Text>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<Text>, E> {
        Ok((self.0)(key).then(|| Text::from(Cow::Borrowed(key))))
    }
}
