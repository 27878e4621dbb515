//! The schema of a DNS provider's settings: one form for each of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{
    AcmeDnsConfig, Credential, DnsEntry, HookConfig, Kind, Length, ManualConfig, PowerDnsConfig, Rfc2136Config,
    SecretRef, Setting, table,
};

impl JsonSchema for Credential {
    fn schema_name() -> Cow<'static, str> {
        "Credential".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let place = |name: &str, about: &str, of: Value| {
            let mut of = of;
            of["description"] = about.into();
            json!({"type": "object", "additionalProperties": false, "required": [name], "properties": {name: of}})
        };
        let secret = generator.subschema_for::<SecretRef>().to_value();
        json_schema!({
            "description": "Where a credential is. It is never written here.",
            "oneOf": [
                place("env", "A variable of the environment.", json!({"type": "string"})),
                place("file", "A file; leading and trailing white space is ignored.", json!({"type": "string"})),
                place("secretRef", "A key of a Secret in the cluster.", secret),
            ],
        })
    }
}

impl JsonSchema for Setting {
    fn schema_name() -> Cow<'static, str> {
        "TextOrPlace".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text, or where it is.",
            "anyOf": [{"type": "string"}, generator.subschema_for::<Credential>()],
        })
    }
}

impl JsonSchema for DnsEntry {
    fn schema_name() -> Cow<'static, str> {
        "DnsProvider".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        define_common(generator);
        let own = [
            ("powerdns", PowerDnsConfig::json_schema(generator)),
            ("rfc2136", Rfc2136Config::json_schema(generator)),
            ("acme-dns", AcmeDnsConfig::json_schema(generator)),
            ("hook", HookConfig::json_schema(generator)),
            ("manual", ManualConfig::json_schema(generator)),
        ];
        let mut forms: Vec<Value> = own.map(|(word, schema)| form(word, schema.to_value())).into();
        for spec in table::ALL {
            let mut properties = serde_json::Map::new();
            for field in spec.fields {
                properties.insert(field.name.to_owned(), kind(field.kind, generator));
            }
            let required: Vec<_> = spec
                .fields
                .iter()
                .filter(|field| field.needed)
                .map(|field| field.name)
                .collect();
            let schema = json!({
                "type": "object", "description": spec.label, "additionalProperties": false,
                "properties": properties, "required": required,
            });
            forms.push(form(spec.word, schema));
        }
        json_schema!({"oneOf": forms})
    }
}

/// The schema for a field of a provider.
fn kind(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    match kind {
        Kind::Secret | Kind::Document => generator.subschema_for::<Credential>().to_value(),
        Kind::Text => generator.subschema_for::<Setting>().to_value(),
        Kind::Number => json!({"type": "integer", "minimum": 0}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::OneOf(words) => json!({"enum": words}),
    }
}

/// The fields of every provider, with the names of their schemas.
const COMMON: [(&str, &str); 3] = [
    ("name", "ProviderName"),
    ("zones", "ProviderZones"),
    ("ttl", "ProviderTtl"),
];

fn define_common(generator: &mut SchemaGenerator) {
    let all = [
        json!({"description": "Its name for --dns; the provider's by default.", "type": "string"}),
        json!({
            "description": "The domains that it serves, with all below them; without them all that no other provider serves.",
            "type": "array", "items": {"type": "string"},
        }),
        json!({
            "description": "How long resolvers may cache the record, in seconds.",
            "type": "integer", "minimum": 1, "maximum": 86_400, "default": super::TTL,
        }),
    ];
    for ((_, name), schema) in COMMON.into_iter().zip(all) {
        generator.definitions_mut().insert(name.to_owned(), schema);
    }
}

/// The schema of one provider, completed by the fields of every provider.
fn form(word: &str, mut schema: Value) -> Value {
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["provider"] = json!({ "const": word });
    for (field, name) in COMMON {
        schema["properties"][field] = json!({ "$ref": format!("#/$defs/{name}") });
    }
    let mut required = vec![Value::from("provider")];
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    schema["required"] = required.into();
    schema["title"] = word.into();
    schema
}

/// The schema for the time limit of a hook.
pub(super) fn length(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Length>()
}
