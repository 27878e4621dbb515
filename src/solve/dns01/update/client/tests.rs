use std::fmt::Write as _;

use super::*;
use crate::solve::dns01::config::{DnsEntry, NoSecrets, ProviderConfig};

fn config(text: &str) -> UpdateConfig {
    let entry: DnsEntry = serde_saphyr::from_str(text).unwrap();
    match entry.provider {
        ProviderConfig::Update(config) => config,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_provider_can_be_made_and_shows_no_credential() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "czNjcmV0LXMzY3JldA==\n").unwrap();
    for spec in super::super::table::ALL {
        let mut text = format!("provider: {}\n", spec.word);
        for field in spec.fields {
            let value = match field.kind {
                // An invalid key is refused when the client is made.
                Kind::Document => continue,
                Kind::Secret => format!("{{file: {}}}", path.display()),
                Kind::Text if field.name == "url" => "https://dns.test".to_owned(),
                Kind::Text if field.name == "clientIp" => "192.0.2.1".to_owned(),
                Kind::Text => "text".to_owned(),
                Kind::Number => "7".to_owned(),
                Kind::Flag => "true".to_owned(),
                Kind::OneOf(words) => words[0].to_owned(),
            };
            writeln!(text, "{}: {value}", field.name).unwrap();
        }
        if spec.fields.iter().any(|field| field.kind == Kind::Document) {
            continue;
        }
        let update = Update::new(&config(&text), &NoSecrets).await;
        let update = update.unwrap_or_else(|e| panic!("{}: {e}", spec.word));
        assert_eq!(update.label(), spec.label);
        assert!(!format!("{update:?}").contains("czNj"));
    }
}

#[tokio::test]
async fn a_credential_of_two_lines_is_told_before_it_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "one\ntwo\n").unwrap();
    let config = config(&format!(
        "provider: cloudflare\napiToken: {{file: {}}}\n",
        path.display()
    ));
    let error = Update::new(&config, &NoSecrets).await.unwrap_err();
    assert_eq!(error.message, "apiToken of Cloudflare holds more than one line");
}

#[cfg(target_os = "linux")] // /proc
mod trust;
