//! The effective settings, and the source of each.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    file::{File, IssuerEntry},
    issuer::BUILT_IN,
    layer::{Choice, Layer, Origin},
    section::Section as _,
};

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingLine {
    /// Its path: `issuers.corp.directory`.
    pub path: String,
    /// Its value. Credentials appear as locations, never as values.
    pub value: Value,
    /// Its source.
    pub origin: String,
}

/// The defaults as the weakest layer. It is only for display, because a setting without a value has the same effect.
pub fn built_in() -> Layer {
    let issuer = |(name, directory): &(&str, &str)| {
        let entry = IssuerEntry {
            directory: Some((*directory).to_owned()),
            ..IssuerEntry::default()
        };
        ((*name).to_owned(), entry)
    };
    let file = File {
        issuers: BUILT_IN.iter().map(issuer).collect(),
        ..File::usual()
    };
    Layer::of(Origin::BuiltIn, file)
}

/// Every setting that has a value in some source, sorted by path.
pub fn lines(layers: &[Layer]) -> Vec<SettingLine> {
    let mut found = BTreeMap::new();
    // The weakest first, so that the strongest is the last to write.
    for layer in layers.iter().rev() {
        let mut all = Map::new();
        if let Some(choice) = &layer.choice {
            all.insert("issuer".to_owned(), Value::String(word(choice)));
        }
        if let Ok(Value::Object(issuer)) = serde_json::to_value(&layer.issuer) {
            all.extend(issuer);
        }
        if let Some(dns) = &layer.dns {
            all.insert("dns".to_owned(), Value::String(dns.clone()));
        }
        if let Ok(Value::Object(file)) = serde_json::to_value(&layer.file) {
            all.extend(file);
        }
        let origin = layer.origin.to_string();
        leaves(&Value::Object(all), String::new(), &mut |path, value| {
            found.insert(path, (value, origin.clone()));
        });
    }
    let line = |(path, (value, origin))| SettingLine { path, value, origin };
    found.into_iter().map(line).collect()
}

fn word(choice: &Choice) -> String {
    match choice {
        Choice::Staging => "(staging)".to_owned(),
        Choice::Production => "(production)".to_owned(),
        Choice::Issuer(name) => name.clone(),
        Choice::Directory(url) => crate::text::without_user(url).into_owned(),
    }
}

/// Passes each setting to `take`. A list, or a map of labels, is one setting: the first source that has it provides all
/// of it.
pub(super) fn leaves(value: &Value, path: String, take: &mut dyn FnMut(String, Value)) {
    match value {
        Value::Object(fields) if !path.ends_with("nodeSelector") && !path.ends_with("eab") => {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves(value, path, take);
            }
        }
        Value::Null => {}
        _ => take(path, value.clone()),
    }
}
