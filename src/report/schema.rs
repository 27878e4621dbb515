//! The schemas of the documents: they are made of the types that are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::{by, item::StatusList, show::document::Document};
use crate::{check::Reason, object::register::KINDS, renewed};

/// A digest.
pub(super) const SHA256: &str = "^[0-9a-f]{64}$";
/// What a leaf has, all of it or nothing.
pub(super) const LEAF: [&str; 7] = [
    "notBefore",
    "notAfter",
    "issuer",
    "serial",
    "sha256",
    "names",
    "keyAlgorithm",
];
/// What a row may be.
pub(super) const STATUSES: [&str; 5] = ["healthy", "info", "unknown", "warning", "critical"];

/// When something is.
pub(super) struct Time;
/// What a finding is called.
pub(super) struct ReasonName;
/// What a route is.
pub(super) struct RouteKind;

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An RFC 3339 time in UTC, to the second.",
            "type": "string",
            "pattern": "^-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        })
    }
}

impl JsonSchema for ReasonName {
    fn schema_name() -> Cow<'static, str> {
        "reason".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        json_schema!({
            "description": "The name of a finding; `kubectl certs explain REASON` prints its page.",
            "enum": all,
        })
    }
}

impl JsonSchema for RouteKind {
    fn schema_name() -> Cow<'static, str> {
        "routeKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let routes = KINDS.iter().filter(|row| row.kind.is_route());
        // Two groups may have a kind of one name.
        let mut all: Vec<&str> = routes.map(|row| row.name).collect();
        all.dedup();
        json_schema!({ "enum": all })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A list, and what `show` has besides: one schema for both, as what reads the one reads the other.
fn status() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    let show = Document::json_schema(&mut generator).to_value();
    let mut list = generator.into_root_schema_for::<StatusList<'_, '_>>().to_value();
    list["$id"] = json!("urn:kubectl-certs:v1:StatusList");
    list["title"] = json!("StatusList");
    let kinds = [&list, &show].map(|schema| schema["properties"]["kind"]["const"].clone());
    let both = |field: &Value| show["required"].as_array().is_some_and(|all| all.contains(field));
    if let Some(required) = list["required"].as_array_mut() {
        required.retain(both);
    }
    if let (Some(fields), Some(more)) = (list["properties"].as_object_mut(), show["properties"].as_object()) {
        for (name, field) in more {
            fields.entry(name.clone()).or_insert_with(|| field.clone());
        }
    }
    list["properties"]["kind"] = json!({ "enum": kinds });
    list
}

/// Rows folded into one for each property.
fn groups() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<by::Document<'_>>()
        .to_value();
    schema["$id"] = json!("urn:kubectl-certs:v1:StatusGroupList");
    schema["title"] = json!("StatusGroupList");
    schema
}

#[test]
fn renewed_schema_of_the_groups() {
    renewed::same("docs/reference/groups.schema.json", &renewed::schema(groups()));
}

#[test]
fn renewed_schema_of_the_documents() {
    renewed::same("docs/reference/schema.json", &renewed::schema(status()));
}
