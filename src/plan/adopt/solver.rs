//! How cert-manager proves a name, and the entry of this program's settings that proves it in the same way.

use serde_json::{Value, json};

use crate::{name::Name, object::Key};

/// The solver that cert-manager chooses for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solver<'a> {
    /// What it says of DNS-01; `None` if it answers by HTTP-01.
    pub dns01: Option<&'a Value>,
    /// The zone for which it was chosen, if it is for some zones alone.
    pub zone: Option<&'a str>,
}

/// An entry of `dns01.providers`, and where its credential is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderOfSolver {
    /// The entry. It expects the credential in the namespace of the installation.
    pub entry: Value,
    /// The name of the Secret with the credential.
    pub credential: Option<String>,
}

/// The solver of an ACME issuer for a name of a Certificate with these labels; `None` if there is none. Like cert-manager
/// (`pkg/controller/acmeorders/util.go`), all parts of a selector have to match; then a solver for the very name comes first, then the
/// one with the longest zone, then the one with most labels, and the first of those that are equal.
pub fn solver_of<'a>(issuer: &'a Value, labels: &Value, name: &Name) -> Option<Solver<'a>> {
    let full = name.to_string();
    let base = name.base().unwrap_or(&full);
    let mut best: Option<((bool, usize, usize), Solver<'a>)> = None;
    for one in issuer["spec"]["acme"]["solvers"].as_array().into_iter().flatten() {
        let selector = &one["selector"];
        let dns01 = Some(&one["dns01"]).filter(|dns01| dns01.is_object());
        // A wildcard cannot be proved otherwise.
        if name.is_wildcard() && dns01.is_none() {
            continue;
        }
        let wanted: Vec<(&String, &Value)> = selector["matchLabels"].as_object().into_iter().flatten().collect();
        if wanted.iter().any(|(key, value)| labels[key.as_str()] != **value) {
            continue;
        }
        let names: Vec<&str> = texts(&selector["dnsNames"]).collect();
        let is_named = names.contains(&full.as_str());
        if !names.is_empty() && !is_named {
            continue;
        }
        let zones: Vec<&str> = texts(&selector["dnsZones"]).collect();
        let zone = zones
            .iter()
            .copied()
            .filter(|zone| is_within(base, zone))
            .max_by_key(|zone| zone.len());
        if !zones.is_empty() && zone.is_none() {
            continue;
        }
        let rank = (is_named, zone.map_or(0, str::len), wanted.len());
        if best.as_ref().is_none_or(|(before, _)| rank > *before) {
            best = Some((rank, Solver { dns01, zone }));
        }
    }
    best.map(|(_, solver)| solver)
}

/// The kind of a solver for DNS-01 in cert-manager's words: `rfc2136`.
pub fn kind_of(dns01: &Value) -> &str {
    let kinds = dns01.as_object().into_iter().flatten();
    let mut kinds = kinds.filter(|(_, value)| value.is_object());
    kinds.next().map_or("DNS", |(kind, _)| kind.as_str())
}

/// The entry of the settings for a solver and a zone, with its credential in `namespace`; `None` if there is no provider that takes what
/// the solver has: a webhook, an identity of the cloud, a TSIG key of an algorithm that is not safe.
pub fn provider_of(dns01: &Value, zone: &str, namespace: &str) -> Option<ProviderOfSolver> {
    let kind = kind_of(dns01);
    let own = &dns01[kind];
    let text = |field: &str| own[field].as_str().filter(|text| !text.is_empty());
    let mut credential = None;
    let mut secret = |field: &str| {
        let (name, key) = (own[field]["name"].as_str()?, own[field]["key"].as_str()?);
        credential = Some(name.to_owned());
        Some(json!({"secretRef": {"namespace": namespace, "name": name, "key": key}}))
    };
    let mut entry = match kind {
        "rfc2136" => {
            let mut entry = json!({"provider": "rfc2136", "server": text("nameserver")?});
            if let Some(name) = text("tsigKeyName") {
                // Without a word, cert-manager takes MD5.
                let algorithm = match text("tsigAlgorithm")? {
                    "HMACSHA256" => "hmac-sha256",
                    "HMACSHA512" => "hmac-sha512",
                    _ => return None,
                };
                entry["keyName"] = name.into();
                entry["algorithm"] = algorithm.into();
                entry["key"] = secret("tsigSecretSecretRef")?;
            }
            entry
        }
        "cloudflare" => json!({"provider": "cloudflare", "apiToken": secret("apiTokenSecretRef")?}),
        "digitalocean" => json!({"provider": "digitalocean", "apiToken": secret("tokenSecretRef")?}),
        "route53" => json!({
            "provider": "route53", "accessKeyId": text("accessKeyID")?, "secretAccessKey": secret("secretAccessKeySecretRef")?,
        }),
        "cloudDNS" => json!({
            "provider": "google", "project": text("project")?, "serviceAccount": secret("serviceAccountSecretRef")?,
        }),
        "azureDNS" => json!({
            "provider": "azure", "tenantId": text("tenantID")?, "clientId": text("clientID")?,
            "clientSecret": secret("clientSecretSecretRef")?, "subscriptionId": text("subscriptionID")?,
            "resourceGroup": text("resourceGroupName")?,
        }),
        _ => return None,
    };
    let besides: &[(&str, &str)] = match kind {
        "route53" => &[("region", "region"), ("hostedZoneID", "hostedZoneId")],
        "cloudDNS" => &[("hostedZoneName", "managedZone")],
        _ => &[],
    };
    for (theirs, ours) in besides {
        if let Some(value) = text(theirs) {
            entry[*ours] = value.into();
        }
    }
    entry["name"] = zone.into();
    entry["zones"] = json!([zone]);
    Some(ProviderOfSolver { entry, credential })
}

/// What to do so that the installation in `namespace` can prove names of `zone`; `from` is where cert-manager has the credentials of the
/// issuer, if that is known.
pub fn remedy(provider: Option<&ProviderOfSolver>, zone: &str, namespace: &str, from: Option<&str>) -> String {
    let Some(ProviderOfSolver { entry, credential }) = provider else {
        return format!(
            "add a provider for {zone} to dns01.providers of the installation's settings, in the Secret that `install --settings-secret` names \
             (docs/guide/dns-01.md), then run this again; or leave it to its keeper"
        );
    };
    let copy = match (credential, from) {
        (Some(name), Some(from)) if from != namespace => {
            format!(
                ", copy Secret {} into namespace {namespace}",
                Key::new(from, name.as_str())
            )
        }
        (Some(name), None) => {
            format!(", copy Secret {name} of cert-manager's own namespace into namespace {namespace}")
        }
        _ => String::new(),
    };
    format!(
        "add `{entry}` to dns01.providers of the installation's settings, in the Secret that `install --settings-secret` names{copy}, then run \
         this again"
    )
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn is_within(name: &str, zone: &str) -> bool {
    let zone = zone.trim_end_matches('.');
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Value {
        let rfc2136 = |server: &str| json!({"rfc2136": {"nameserver": server}});
        json!({"spec": {"acme": {"solvers": [
            {"http01": {"ingress": {"ingressClassName": "nginx"}}},
            {"selector": {"dnsZones": ["example.com"]}, "dns01": rfc2136("zone")},
            {"selector": {"dnsZones": ["example.com"], "matchLabels": {"dns": "own"}}, "dns01": rfc2136("labelled")},
            {"selector": {"dnsZones": ["qa.example.com", "example.org"]}, "dns01": rfc2136("longest")},
            {"selector": {"dnsNames": ["www.qa.example.com"]}, "http01": {}},
            {"selector": {"dnsNames": ["*.shop.example"]}, "dns01": rfc2136("named")},
        ]}}})
    }

    #[test]
    fn the_solver_is_the_one_that_cert_manager_chooses() {
        for (name, labels, expected) in [
            ("shop.example", json!(null), Some((None, None))),
            ("example.com", json!(null), Some((Some("zone"), Some("example.com")))),
            (
                "a.example.com",
                json!({"dns": "own"}),
                Some((Some("labelled"), Some("example.com"))),
            ),
            (
                "a.example.com",
                json!({"dns": "other"}),
                Some((Some("zone"), Some("example.com"))),
            ),
            (
                "a.qa.example.com",
                json!({"dns": "own"}),
                Some((Some("longest"), Some("qa.example.com"))),
            ),
            // No part of a name is a zone.
            ("notexample.com", json!({}), Some((None, None))),
            ("www.qa.example.com", json!({}), Some((None, None))),
            ("*.shop.example", json!({}), Some((Some("named"), None))),
            ("*.example.org", json!({}), Some((Some("longest"), Some("example.org")))),
            // HTTP-01 cannot prove it.
            ("*.other.example", json!({}), None),
        ] {
            let issuer = issuer();
            let found = solver_of(&issuer, &labels, &name.parse().unwrap());
            let found = found.map(|solver| {
                let server = solver.dns01.and_then(|dns01| dns01["rfc2136"]["nameserver"].as_str());
                (server, solver.zone)
            });
            assert_eq!(found, expected, "{name} {labels}");
        }
        assert_eq!(solver_of(&json!({}), &json!({}), &"a.example".parse().unwrap()), None);
    }

    #[test]
    fn an_entry_has_what_the_solver_has_and_its_credential_in_the_namespace_of_the_installation() {
        let solver = json!({"cnameStrategy": "Follow", "rfc2136": {
            "nameserver": "192.0.2.53:53", "tsigKeyName": "acme", "tsigAlgorithm": "HMACSHA512",
            "tsigSecretSecretRef": {"name": "tsig", "key": "secret"},
        }});
        let found = provider_of(&solver, "example.com", "certs").unwrap();
        assert_eq!(
            found.entry,
            json!({
                "name": "example.com", "zones": ["example.com"], "provider": "rfc2136", "server": "192.0.2.53:53",
                "keyName": "acme", "algorithm": "hmac-sha512",
                "key": {"secretRef": {"namespace": "certs", "name": "tsig", "key": "secret"}},
            })
        );
        for (from, expected) in [
            (Some("certs"), "names, then run this again"),
            (Some("shop"), "names, copy Secret shop/tsig into namespace certs, then"),
            (
                None,
                "names, copy Secret tsig of cert-manager's own namespace into namespace certs, then",
            ),
        ] {
            let text = remedy(Some(&found), "example.com", "certs", from);
            assert!(
                text.contains(expected) && text.contains(&found.entry.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_no_provider_takes_has_no_entry() {
        let reference = json!({"name": "s", "key": "k"});
        for solver in [
            json!({"rfc2136": {"nameserver": "a:53", "tsigKeyName": "k", "tsigSecretSecretRef": reference}}),
            json!({"rfc2136": {"nameserver": "a:53", "tsigKeyName": "k", "tsigAlgorithm": "HMACSHA1", "tsigSecretSecretRef": reference}}),
            json!({"cloudflare": {"email": "a@example.com", "apiKeySecretRef": reference}}),
            json!({"route53": {"region": "eu-central-1", "role": "r"}}),
            json!({"webhook": {"groupName": "acme.example.com", "solverName": "x", "config": {}}}),
            json!({}),
        ] {
            assert_eq!(provider_of(&solver, "example.com", "certs"), None, "{solver}");
        }
        let text = remedy(None, "example.com", "certs", None);
        assert!(
            text.starts_with("add a provider for example.com to dns01.providers"),
            "{text}"
        );
    }
}
