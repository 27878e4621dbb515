//! The list of providers, and the fields of each.

use super::super::update::table;

const COMMON: [&str; 4] = ["name", "zones", "ttl", "provider"];

/// Providers with a client of this program's own.
const OWN: [(&str, &[&str]); 5] = [
    ("powerdns", &["url", "apiKey", "server", "caFile"]),
    ("rfc2136", &["server", "keyName", "key", "algorithm", "transport"]),
    ("acme-dns", &["url", "username", "password", "subdomain", "caFile"]),
    ("hook", &["command", "timeout", "deployCert", "environment"]),
    ("manual", &[]),
];

/// The words for all providers: first those with their own client, then those of the dns-update crate.
pub fn words() -> Vec<&'static str> {
    let own = OWN.iter().map(|(word, _)| *word);
    own.chain(table::ALL.iter().map(|spec| spec.word)).collect()
}

/// The fields of a provider, including those that every provider has; `None` if there is no such provider.
pub fn fields(word: &str) -> Option<Vec<&'static str>> {
    let own = OWN.iter().find(|(own, _)| *own == word);
    let fields: Vec<&'static str> = match own {
        Some((_, fields)) => fields.to_vec(),
        None => table::find(word)?.fields.iter().map(|field| field.name).collect(),
    };
    Some(COMMON.into_iter().chain(fields).collect())
}
