//! Whether the installation can prove the names of what it takes over: what it cannot renew stays with whoever can.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{OpError, in_namespaces, programs::Programs};
use crate::{
    apply::{Api, ApiError},
    engine::{choose::led, foreseen},
    error::chain,
    event::Method,
    inventory::Inventory,
    k8s::Own as _,
    name::Name,
    object::{Key, Kind},
    ops::{Front, adopt::installation::Installation},
    plan::{
        Target,
        adopt::{Decision, kind_of, provider_of, remedy, solver_of},
        limits::registered_domain,
    },
    text::first_few,
};

/// cert-manager's issuers, by kind and name.
#[derive(Default)]
pub(super) struct IssuerObjects(BTreeMap<(Kind, Key), Value>);

impl IssuerObjects {
    /// Reads those that Certificates of these namespaces may name.
    pub(super) async fn read(api: &Api, namespaces: &[String], front: &dyn Front) -> Result<Self, OpError> {
        let mut all = BTreeMap::new();
        let none: &[String] = &[];
        for (kind, namespaces) in [(Kind::Issuer, namespaces), (Kind::ClusterIssuer, none)] {
            let found = match in_namespaces(api, kind.resource(), namespaces).await {
                Ok(found) => found,
                Err(error) if error.is_absent() => Vec::new(),
                Err(error @ ApiError::Forbidden { .. }) => {
                    front.warn(&format!(
                        "nobody knows how cert-manager proves the names of a {}: {}",
                        kind.as_str(),
                        chain(&error)
                    ));
                    Vec::new()
                }
                Err(error) => return Err(OpError::because(&error)),
            };
            all.extend(found.into_iter().map(|issuer| ((kind, issuer.key()), issuer)));
        }
        Ok(Self(all))
    }

    /// The issuer of a Certificate.
    fn of(&self, certificate: &Value) -> Option<(Kind, &Value)> {
        let reference = &certificate["spec"]["issuerRef"];
        let name = reference["name"].as_str()?;
        let (kind, key) = match reference["kind"].as_str().unwrap_or_default() {
            "ClusterIssuer" => (Kind::ClusterIssuer, Key::new("", name)),
            _ => (Kind::Issuer, Key::new(certificate.key().namespace, name)),
        };
        Some((kind, self.0.get(&(kind, key))?))
    }
}

/// How a former keeper proves a name by DNS-01.
struct ByDns {
    /// Who does, and by what, in words.
    who: String,
    /// What the installation needs for the same.
    remedy: String,
}

/// What is judged by.
pub(super) struct Proving<'a> {
    pub(super) installation: &'a Installation,
    pub(super) inventory: &'a Inventory,
    pub(super) issuers: &'a IssuerObjects,
    pub(super) certificates: &'a BTreeMap<Key, Value>,
    pub(super) programs: &'a Programs,
}

impl Proving<'_> {
    /// What speaks against taking a Secret over because of its names.
    pub(super) fn against(&self, target: &Target) -> Vec<Decision> {
        let settings = &*led(&self.installation.settings, std::slice::from_ref(target));
        let mut all = Vec::new();
        // Names that lack the same provider are one decision.
        let mut by_dns: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for name in &target.names.order {
            let method = foreseen::method_of(settings, self.inventory, target, name);
            let is_proved_by_dns = || self.by_dns(&target.secret, name);
            match method {
                Ok(Method::Http01) => {
                    if let Some(ByDns { who, remedy }) = is_proved_by_dns() {
                        by_dns.entry((who, remedy)).or_default().push(name.to_string());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let home = self.installation.namespace.as_str();
                    let remedy = match (is_proved_by_dns(), error.hint) {
                        (Some(found), _) => found.remedy,
                        (None, Some(hint)) if !name.is_wildcard() => hint,
                        (None, _) => remedy(None, &registered_domain(name), home, None),
                    };
                    all.push(Decision::Unprovable {
                        why: error.message,
                        remedy,
                    });
                }
            }
        }
        all.extend(by_dns.into_iter().map(|((who, remedy), names)| Decision::Unprovable {
            why: format!(
                "{who} proves {} by DNS-01, and the installation has no DNS provider for that",
                first_few(&names)
            ),
            remedy,
        }));
        all
    }

    /// How the former keeper of a Secret proves a name, if it does so by DNS-01.
    fn by_dns(&self, secret: &Key, name: &Name) -> Option<ByDns> {
        let home = self.installation.namespace.as_str();
        let writes = |certificate: &&Value| {
            certificate["spec"]["secretName"] == secret.name.as_str() && certificate.key().namespace == secret.namespace
        };
        let mut written = self.certificates.values().filter(writes);
        let found = written.find_map(|certificate| {
            let (kind, issuer) = self.issuers.of(certificate)?;
            let solver = solver_of(issuer, &certificate["metadata"]["labels"], name)?;
            Some((kind, issuer, solver.dns01?, solver.zone))
        });
        if let Some((kind, issuer, dns01, zone)) = found {
            let zone = zone.map_or_else(|| registered_domain(name), str::to_owned);
            let provider = provider_of(dns01, &zone, home);
            let namespace = issuer.key().namespace;
            // Where cert-manager has the credentials of a ClusterIssuer is one of its flags.
            let from = (kind == Kind::Issuer).then_some(namespace.as_str());
            return Some(ByDns {
                who: format!("cert-manager ({})", kind_of(dns01)),
                remedy: remedy(provider.as_ref(), &zone, home, from),
            });
        }
        let former = self.programs.proving_by_dns(secret)?;
        Some(ByDns {
            who: former.to_string(),
            remedy: remedy(None, &registered_domain(name), home, None),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::solve::dns01::DnsEntry;

    #[test]
    fn every_entry_that_is_proposed_is_one_that_the_settings_take() {
        let reference = json!({"name": "credential", "key": "key"});
        for solver in [
            json!({"rfc2136": {"nameserver": "192.0.2.53:53"}}),
            json!({"rfc2136": {
                "nameserver": "192.0.2.53:53", "tsigKeyName": "k", "tsigAlgorithm": "HMACSHA256", "tsigSecretSecretRef": reference,
            }}),
            json!({"cloudflare": {"apiTokenSecretRef": reference}}),
            json!({"digitalocean": {"tokenSecretRef": reference}}),
            json!({"route53": {
                "region": "eu-central-1", "accessKeyID": "A", "secretAccessKeySecretRef": reference, "hostedZoneID": "Z",
            }}),
            json!({"cloudDNS": {"project": "p", "serviceAccountSecretRef": reference, "hostedZoneName": "z"}}),
            json!({"azureDNS": {
                "tenantID": "t", "clientID": "c", "clientSecretSecretRef": reference, "subscriptionID": "s", "resourceGroupName": "g",
            }}),
        ] {
            let found = provider_of(&solver, "shop.example", "certs").unwrap();
            let entry: DnsEntry = serde_json::from_value(found.entry.clone()).unwrap();
            assert_eq!(entry.zones, ["shop.example"], "{}", found.entry);
            let secrets = entry.provider.secrets().map(|secret| secret.namespace.as_str());
            assert!(secrets.eq(found.credential.iter().map(|_| "certs")), "{}", found.entry);
        }
    }
}
