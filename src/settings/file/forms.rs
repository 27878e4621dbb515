//! Values of the file that have fields, or more than one form.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::super::value::Namespaced;
use crate::solve::dns01::config::Credential;

/// The value for the name of a controller: a word alone, or several fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerEntry {
    /// The program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<ControllerWord>,
    /// The Secret of its default certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<Namespaced>,
}

impl<'de> Deserialize<'de> for ControllerEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        struct Fields {
            is: Option<ControllerWord>,
            default_certificate: Option<Namespaced>,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ControllerEntry;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a program, or the fields is and defaultCertificate")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ControllerEntry, E> {
                let word = ControllerWord::deserialize(de::value::StrDeserializer::new(text))?;
                Ok(ControllerEntry {
                    is: Some(word),
                    default_certificate: None,
                })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ControllerEntry, A::Error> {
                let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ControllerEntry {
                    is: fields.is,
                    default_certificate: fields.default_certificate,
                })
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// A program whose choice of certificates is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ControllerWord {
    /// The community's ingress-nginx.
    IngressNginx,
    /// Traefik.
    Traefik,
    /// F5's NGINX ingress controller.
    F5Nginx,
    /// The controller of `HAProxy` Technologies.
    Haproxy,
    /// `HAProxy` Ingress.
    HaproxyIngress,
    /// Contour.
    Contour,
    /// Kong.
    Kong,
    /// Another one.
    Other,
}

/// What an issuer's certificates are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StageWord {
    /// For rehearsals: no client trusts them.
    Staging,
    /// For everybody.
    Production,
    /// For whoever trusts this CA.
    Own,
}

/// An external account binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EabEntry {
    /// The key's id.
    pub kid: String,
    /// Where the key is.
    pub key: Credential,
}

/// What a container asks for and may take, as Kubernetes writes quantities: `cpu: 100m`, `memory: 32Mi`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// What it is sure to get.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// What it may take at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// E-mail addresses: one, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Addresses(pub Vec<String>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Addresses;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an e-mail address, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Addresses, E> {
                Ok(Addresses(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Addresses, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Addresses(all))
            }
        }
        from.deserialize_any(Visitor)
    }
}
