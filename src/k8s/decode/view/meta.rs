//! `metav1.ObjectMeta`.

use super::{super::message, text, time};
use crate::object::{Meta, More, Owner, Text, annotation};

/// Which labels are kept: all labels of routes and namespaces; of Secrets, those that say which tool writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    Kept,
    Writers,
    Dropped,
}

/// The view of an `ObjectMeta`.
pub(super) fn meta(found: Option<message::ObjectMeta>, labels: Labels) -> Meta {
    let found = found.unwrap_or_default();
    let wanted: fn(&str) -> bool = match labels {
        Labels::Kept => |_| true,
        Labels::Writers => annotation::says_who_writes,
        Labels::Dropped => |_| false,
    };
    let owner = |owner: &message::OwnerReference| Owner {
        kind: text(&owner.kind),
        name: text(&owner.name),
        controller: owner.controller,
    };
    Meta {
        namespace: text(&found.namespace),
        name: text(&found.name),
        created: time(found.created),
        more: More {
            labels: pairs(&found.labels, wanted).into(),
            annotations: pairs(&found.annotations, annotation::wanted).into(),
            owners: found.owners.iter().map(owner).collect(),
        }
        .boxed(),
    }
}

/// The key of an annotation; those that are known take no memory of their own.
fn key(bytes: &[u8]) -> Text {
    let known = std::str::from_utf8(bytes).ok().and_then(annotation::known);
    known.map_or_else(|| Text::from_utf8_lossy(bytes), Text::const_new)
}

/// The entries with a wanted key.
pub(super) fn pairs(entries: &[message::Entry], wanted: fn(&str) -> bool) -> Vec<(Text, Text)> {
    entries
        .iter()
        .filter(|entry| wanted(&String::from_utf8_lossy(&entry.key)))
        .map(|entry| (key(&entry.key), text(&entry.value)))
        .collect()
}
