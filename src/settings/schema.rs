//! The schema of the settings file, and the file with every setting explained. Both are generated from the
//! declarations.

use std::{borrow::Cow, fmt::Write as _};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::{
    env::OTHERS,
    example::{self, in_the_file},
    file::{Addresses, ControllerEntry, ControllerWord, File},
    section::{Declared, Example},
    value::{
        Advertised, Allowance, AskUrl, ChallengeWord, Domain, Length, ListenAt, NameServer, Namespaced, RestartWord,
        SecretKeys, SelfCheck, ServeWord, ServicePort, SolverKind, StoreWord, Toleration,
    },
};
use crate::{apply::KeyKind, renewed, solve::http01::Network};

/// Types that are written as one text, with a description of their form.
macro_rules! texts {
    ($($type:ident $schema:tt),+ $(,)?) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }

            fn inline_schema() -> bool {
                true
            }
        }
    )+};
}

texts!(
    Allowance {"type": ["string", "integer"], "description": "So many at once, and as many again in a period.", "examples": [300, "300/3h"]},
    AskUrl {"type": "string", "pattern": "^https?://[^/?{}@]+[/?].*\\{host\\}", "examples": ["https://app.shop/allowed?domain={host}"]},
    ListenAt {"type": "string", "examples": [":9403", "0.0.0.0:9403", "[::]:9403"]},
    ServeWord {"type": "string", "enum": ServeWord::WORDS},
    StoreWord {"type": "string", "enum": StoreWord::WORDS},
    KeyKind {"type": "string", "enum": KeyKind::ALL.map(KeyKind::as_str)},
    SolverKind {"type": "string", "enum": SolverKind::WORDS},
    ChallengeWord {"type": "string", "enum": ChallengeWord::WORDS},
    Domain {"type": "string", "examples": ["shop.example"]},
    SelfCheck {"type": "string", "pattern": "^(auto|direct|cluster|off|wait=.+)$"},
    Toleration {"type": "string", "examples": ["dedicated", "dedicated=edge", "dedicated=edge:NoSchedule"]},
    ServicePort {"type": "string", "pattern": "^.+:[0-9]+$", "examples": ["acme-responder:8089"]},
    RestartWord {"type": "string", "pattern": "^(none|auto|.+/.+)$", "examples": ["deployment/web", "statefulset/db"]},
    SecretKeys {"type": "string", "examples": ["certificate=tls.crt,key=tls.key"]},
    Namespaced {"type": "string", "pattern": "^[^/]+/[^/]+$", "examples": ["certs/account"]},
    NameServer {"type": "string", "examples": ["192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53"]},
    Advertised {"type": "string", "examples": ["192.0.2.7:8089"]},
    Length {"type": ["string", "integer"], "description": "A length of time, with its unit; 0 needs none.", "examples": ["2m", "90s", "250ms"]},
    Network {"type": "string", "examples": ["10.96.0.0/12", "fd00:1::7"]},
    Addresses {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
);

impl JsonSchema for ControllerEntry {
    fn schema_name() -> Cow<'static, str> {
        "ControllerEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<ControllerWord>();
        json_schema!({
            "description": "The program, or its fields.",
            "anyOf": [
                word,
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "is": word,
                        "defaultCertificate": generator.subschema_for::<Namespaced>(),
                    },
                },
            ],
        })
    }
}

pub(super) fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<File>().to_value();
    schema["$id"] = json!("urn:kubectl-certs:v1:Settings");
    schema["title"] = json!("Settings");
    schema["description"] = json!(
        "The settings file of `kubectl certs`. `kubectl certs config check` finds what a schema does not, and \
         `kubectl certs config example` prints a file with every setting."
    );
    schema
}

#[test]
fn renewed_example_of_the_settings() {
    renewed::same("docs/reference/config.yaml", &example::example(File::DECLARED));
}

/// Adds the variables of these settings, each with its place in the file.
fn variables(all: &[Declared], place: &str, rows: &mut String) {
    for one in all {
        let path = format!("{place}{}", in_the_file(one.name));
        if let Some(variable) = one.variable {
            let is_list = matches!(one.example, Example::Value(value) | Example::Off(value) if value.starts_with('['));
            let several = if is_list {
                "; several are separated by commas"
            } else {
                ""
            };
            let _ = writeln!(rows, "| `{variable}` | `{path}`{several} |");
        }
        if let Example::Section(inner) = one.example {
            variables(inner, &format!("{path}."), rows);
        }
    }
}

#[test]
fn renewed_list_of_the_variables() {
    let mut rows = "\n| variable `KUBECTL_CERTS_...` | is |\n| --- | --- |\n".to_owned();
    for (variable, about) in OTHERS {
        let _ = writeln!(rows, "| `{variable}` | {about} |");
    }
    variables(File::DECLARED, "", &mut rows);
    rows.push('\n');
    renewed::part("docs/guide/issuers.md", "variables", &rows);
}

#[test]
fn renewed_schema_of_the_settings() {
    renewed::same("docs/reference/settings.schema.json", &renewed::schema(schema()));
}

#[test]
fn what_the_program_takes_fits_the_schema_and_what_it_refuses_does_not() {
    let schema: Value = serde_json::from_str(&renewed::schema(schema())).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let value = |text: &str| -> Value { serde_saphyr::from_str(text).expect("YAML") };
    let errors: Vec<String> = validator
        .iter_errors(&value(example::EXAMPLE))
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (text, fits) in [
        ("storing: {wait: 0}", true),
        ("email: a@b.example", true),
        ("controllers: {a: kong}", true),
        ("dns01: {providers: [{provider: manual}]}", true),
        ("issuers: {a: {eab: {kid: k, key: {file: x}}}}", true),
        ("agreeTOS: true", false),
        ("http01: {solver: nobody}", false),
        ("dns01: {providers: [{provider: cloudflar, apiToken: {env: A}}]}", false),
        ("dns01: {providers: [{provider: cloudflare, apiToken: hunter2}]}", false),
        ("issuers: {a: {stage: life}}", false),
        ("issuers: {a: {challenge: dns-persist-01}}", true),
        ("issuers: {a: {challenge: tls-alpn-01}}", false),
        ("dns01: {standing: [shop.example]}", true),
        (
            "notify: {slack: {file: x}, alertmanager: \"http://a\", renewed: true}",
            true,
        ),
        ("notify: {slack: \"https://hooks.example/x\"}", false),
        (
            "domains: {ask: \"https://app.shop/allowed?domain={host}\", serve: source}",
            true,
        ),
        ("domains: {ask: \"https://app.shop/allowed\"}", false),
        ("domains: {store: redis}", false),
        ("domains: {databaseUrl: \"postgres://db\"}", false),
        ("policy: {interactiveProduction: no}", false),
        ("controllers: {a: nobody}", false),
    ] {
        let taken = File::parse(text, "x", None);
        assert_eq!(taken.is_ok(), fits, "{text}: {taken:?}");
        assert_eq!(validator.is_valid(&value(text)), fits, "{text}");
    }
}
