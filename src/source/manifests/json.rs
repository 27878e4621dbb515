//! Reads JSON: one value, several in sequence, or one on each line. Objects are decoded from their own bytes, so that
//! unused parts are only skipped.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    collect::{Collect, DocumentPosition},
    yaml,
};
use crate::{
    object::{Kind, Text},
    source::form::{self, without_place, without_values},
};

/// How deeply nested lists are followed.
const MAX_LISTS: usize = 8;

/// The fields that identify a value.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Head<'a> {
    api_version: Option<Text>,
    kind: Option<Text>,
    metadata: Option<HeadMeta>,
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    sops: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct HeadMeta {
    name: Option<Text>,
    namespace: Option<Text>,
}

/// Counts lines up to ascending positions, examining each byte once.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line, from 1, of the byte `at`.
    fn of(&mut self, at: usize) -> usize {
        if at < self.at {
            (self.at, self.line) = (0, 1);
        }
        self.line += self.text[self.at..at].matches('\n').count();
        self.at = at;
        self.line
    }

    /// The line of a value that is a part of the text.
    fn of_part(&mut self, part: &str) -> usize {
        let at = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        self.of(at.min(self.text.len()))
    }
}

/// Reads a text that begins like JSON. Returns `false` if its first value is not JSON, so that the text may be YAML.
pub(super) fn read(text: &str, collect: &mut Collect<'_, '_>) -> bool {
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut from = 0;
    let mut first = true;
    loop {
        let mut stream = serde_json::Deserializer::from_str(&text[from..]).into_iter::<&RawValue>();
        let error = loop {
            match stream.next() {
                None => return true,
                Some(Err(error)) => break error,
                Some(Ok(raw)) => {
                    collect.next_document();
                    let line = lines.of_part(raw.get());
                    value(raw.get(), None, &DocumentPosition::at(line), 0, &mut lines, collect);
                }
            }
            first = false;
        };
        if first && !collect.named_json() && yaml::is_yaml(text) {
            return false;
        }
        first = false;
        let at = from + offset(&text[from..], error.line(), error.column());
        collect.next_document();
        collect.error(
            &DocumentPosition::at(lines.of(at)),
            &format!("cannot read JSON: {}", plain(&error)),
        );
        // The next line that begins with a value, which may be the line of the error itself.
        let Some(next) = next_value(text, at.max(from + 1)) else {
            return true;
        };
        from = next;
    }
}

/// The offset at which `serde_json`'s line and column point.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(end) => start += end + 1,
            None => break,
        }
    }
    // The column counts bytes, and may point into a character of several.
    text.floor_char_boundary(start.saturating_add(column.saturating_sub(1)))
}

/// The offset of the first line at or after `at`, which is not 0, whose first character opens a value.
fn next_value(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at - 1..)?;
    rest.windows(2).position(|w| w == b"\n{").map(|found| at + found)
}

/// The message without its position, which is given in lines of the file instead.
fn plain(error: &serde_json::Error) -> String {
    without_values(without_place(&error.to_string()))
}

/// Reads one value: an object, or a list of objects. `list` has the apiVersion and kind for items without their own.
fn value(
    json: &str,
    list: Option<(&str, &str)>,
    place: &DocumentPosition,
    depth: usize,
    lines: &mut Lines<'_>,
    collect: &mut Collect<'_, '_>,
) {
    if !json.starts_with('{') {
        if json != "null" || depth == 0 {
            collect.no_object("it is not a mapping", place);
        }
        return;
    }
    let head: Head<'_> = match serde_json::from_str(json) {
        Ok(head) => head,
        Err(error) => {
            let place = inner(place, &error, json, lines);
            return collect.error(&place, &plain(&error));
        }
    };
    let own = head.api_version.as_deref().zip(head.kind.as_deref());
    let Some((api_version, kind)) = own.filter(|(a, k)| !a.is_empty() && !k.is_empty()).or(list) else {
        return collect.no_object("apiVersion or kind is missing", place);
    };
    if let (Some(element), Some(items)) = (kind.strip_suffix("List"), head.items) {
        if depth >= MAX_LISTS {
            return collect.error(place, "lists are nested too deeply");
        }
        let items: Vec<&RawValue> = match serde_json::from_str::<Option<Vec<&RawValue>>>(items.get()) {
            Ok(items) => items.unwrap_or_default(),
            Err(_) => return collect.error(place, "items is not a list"),
        };
        let typed = (!element.is_empty()).then_some((api_version, element));
        for (index, item) in items.into_iter().enumerate() {
            let line = lines.of_part(item.get());
            value(
                item.get(),
                typed,
                &place.item(index, Some(line)),
                depth + 1,
                lines,
                collect,
            );
        }
        return;
    }
    let encrypted = head.sops.is_some();
    let Some(known) = Kind::of_manifest(api_version, kind) else {
        let may_make = form::may_make(api_version, kind);
        let object = may_make.then(|| serde_json::from_str(json).ok()).flatten();
        let made = object.and_then(|object| form::made(api_version, kind, &object));
        if encrypted && made.is_none() {
            collect.cannot_decrypt(place);
        } else if kind != "List" {
            let namespace = head.metadata.and_then(|m| m.namespace).unwrap_or_default();
            collect.skip(api_version, kind, &namespace);
        }
        if let Some(made) = made {
            collect.made(made);
        }
        return;
    };
    match form::from_json(known, json.as_bytes(), collect.data_keys()) {
        Ok(object) if encrypted => collect.encrypted(&object, place),
        Ok(object) => collect.object(object, place),
        Err(_) if encrypted => collect.cannot_decrypt(place),
        Err(error) => {
            let name = head.metadata.and_then(|m| m.name).unwrap_or_default();
            collect.broken(known, &name, &inner(place, &error, json, lines), &plain(&error));
        }
    }
}

/// The position of an error within `json`, a value at `place`.
fn inner(place: &DocumentPosition, error: &serde_json::Error, json: &str, lines: &mut Lines<'_>) -> DocumentPosition {
    let begins = lines.of_part(json);
    DocumentPosition {
        line: Some(begins + error.line().saturating_sub(1)),
        path: place.path.clone(),
    }
}
