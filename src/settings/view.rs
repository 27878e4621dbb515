//! The settings that count, and where each comes from.

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
    /// Its place: `issuers.corp.directory`.
    pub path: String,
    /// Its value. Credentials are places, never values.
    pub value: Value,
    /// Where it comes from.
    pub origin: String,
}

/// What the program says itself: the weakest layer. It is only shown; what is not set is the same.
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

/// Every setting that some source makes, in the order of their places.
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

/// Lists are one setting: the first source that has one wins whole. So are labels.
fn leaves(value: &Value, path: String, take: &mut dyn FnMut(String, Value)) {
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
