//! At which CAs certificates are ordered unattended, in an order of preference: the chosen issuer first, others where it does
//! not answer, or does not permit an order, before a certificate ends.

use super::{
    Chosen, SettingsError,
    issuer::{of_files, staging_of},
    layer::Layer,
    unattended::OrderEntry,
};
use crate::{
    acme::Stage,
    name::Name,
    object::{Key, Text},
};

/// The issuers besides the chosen one, and for which certificates they are.
#[derive(Debug, Clone, Default)]
pub struct Preference {
    /// For which certificates, the first that applies first.
    pub classes: Vec<Class>,
    /// The issuers besides the chosen one, each once.
    pub others: Vec<Other>,
    /// The orders that do not begin with the chosen issuer, and so are not followed: by the issuer that they begin with.
    pub idle: Vec<String>,
}

/// An issuer besides the chosen one.
#[derive(Debug, Clone)]
pub struct Other {
    /// The issuer.
    pub chosen: Chosen,
    /// The issuer at which a change to it is rehearsed.
    pub staging: Option<Chosen>,
}

/// Some certificates, and the issuers besides the chosen one for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// All names of the certificate are these domains or below them; `None` does not ask for that.
    pub domains: Option<Vec<String>>,
    /// The namespaces; `None` is all.
    pub namespaces: Option<Vec<String>>,
    /// The names of the issuers besides the chosen one, the preferred one first.
    pub others: Vec<Text>,
}

impl Class {
    fn has(&self, secret: &Key, names: &[Name]) -> bool {
        let in_namespace = self
            .namespaces
            .as_ref()
            .is_none_or(|all| all.iter().any(|name| *name == *secret.namespace));
        let is_below = |name: &Name, domain: &str| {
            name.base().is_some_and(|base| {
                base.strip_suffix(domain)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        in_namespace
            && self
                .domains
                .as_ref()
                .is_none_or(|all| names.iter().all(|name| all.iter().any(|domain| is_below(name, domain))))
    }
}

/// The names of the issuers besides the chosen one for a certificate, the preferred one first.
pub fn others<'a>(classes: &'a [Class], secret: &Key, names: &[Name]) -> &'a [Text] {
    let class = classes.iter().find(|class| class.has(secret, names));
    class.map_or(&[], |class| &class.others)
}

impl Preference {
    /// What the layers say of the issuers besides the chosen one. A rehearsal has none.
    ///
    /// # Errors
    ///
    /// An issuer is not known, its settings are wrong, or it is a staging CA.
    pub fn of(layers: &[Layer], chosen: &Chosen) -> Result<Self, SettingsError> {
        let mut all = Self::default();
        if chosen.rehearsal {
            return Ok(all);
        }
        for entry in entries(layers) {
            let Some((first, others)) = entry.order.split_first() else {
                continue;
            };
            if *first != chosen.issuer.name {
                all.idle.push(first.clone());
                continue;
            }
            for name in others {
                all.add(layers, chosen, name)?;
            }
            all.classes.push(Class {
                domains: entry
                    .domains
                    .as_ref()
                    .map(|domains| domains.iter().map(|domain| domain.0.clone()).collect()),
                namespaces: entry.namespaces.clone(),
                others: others.iter().map(|name| Text::from(name.as_str())).collect(),
            });
        }
        Ok(all)
    }

    fn add(&mut self, layers: &[Layer], chosen: &Chosen, name: &str) -> Result<(), SettingsError> {
        if name == chosen.issuer.name || self.others.iter().any(|other| other.chosen.issuer.name == name) {
            return Ok(());
        }
        let beside = |name: &str| {
            of_files(layers, name).map(|mut of| {
                // The Secret of the chosen issuer has room for all accounts.
                of.account_secret.clone_from(&chosen.account_secret);
                of
            })
        };
        let other = beside(name)?;
        if other.issuer.stage == Stage::Staging && chosen.issuer.stage != Stage::Staging {
            return Err(SettingsError::Value(format!(
                "unattended.issuers names {name}, a staging CA, whose certificates no client trusts"
            )));
        }
        let staging = staging_of(layers, name).map(|name| beside(&name)).transpose()?;
        if let Some(staging) = &staging
            && staging.issuer.stage == Stage::Production
        {
            return Err(SettingsError::StagingIsProduction(staging.issuer.name.clone()));
        }
        self.others.push(Other { chosen: other, staging });
        Ok(())
    }
}

fn entries(layers: &[Layer]) -> &[OrderEntry] {
    let said = layers.iter().find_map(|layer| layer.file.unattended.issuers.as_deref());
    said.unwrap_or_default()
}

/// The errors of what the layers say, whichever issuer is chosen.
pub(super) fn problems(layers: &[Layer]) -> Vec<SettingsError> {
    let mut all = Vec::new();
    for entry in entries(layers) {
        let Some(first) = entry.order.first() else {
            let empty = "unattended.issuers: an order names one issuer at least".to_owned();
            all.push(SettingsError::Value(empty));
            continue;
        };
        let judged = of_files(layers, first).and_then(|chosen| Preference::of(layers, &chosen));
        all.extend(judged.err());
    }
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{
        Settings,
        file::File,
        layer::{Choice, Origin},
    };

    const FILE: &str = "
issuers:
  second: {directory: https://second.example/dir, staging: second-test}
  second-test: {directory: https://test.second.example/dir}
  third: {directory: https://third.example/dir}
unattended:
  issuers:
  - {domains: [pinned.example], order: [letsencrypt]}
  - {namespaces: [shop], order: [letsencrypt, third, second]}
  - {order: [letsencrypt, second]}
";

    fn of(file: &str, choice: Choice) -> Result<Preference, SettingsError> {
        let mut flags = Layer::empty(Origin::Flags);
        flags.choice = Some(choice);
        flags.issuer.profile = Some("shortlived".to_owned());
        flags.issuer.account_secret = Some("certs/account".parse().unwrap());
        let layers = [
            flags,
            Layer::of(Origin::File("f".to_owned()), File::parse(file, "f", None).unwrap()),
        ];
        let chosen = Settings::of(&layers).unwrap().chosen;
        Preference::of(&layers, &chosen)
    }

    #[test]
    fn the_first_class_that_applies_says_which_issuers_come_after_the_chosen_one() {
        let all = of(FILE, Choice::Production).unwrap();
        let names: Vec<&str> = all
            .others
            .iter()
            .map(|other| other.chosen.issuer.name.as_str())
            .collect();
        assert_eq!(names, ["third", "second"]);
        let rehearsed: Vec<Option<&str>> = all
            .others
            .iter()
            .map(|other| other.staging.as_ref().map(|staging| staging.issuer.name.as_str()))
            .collect();
        assert_eq!(rehearsed, [None, Some("second-test")]);
        // A flag about the CA is about the chosen one, but all accounts are in one Secret.
        assert!(all.others.iter().all(|other| other.chosen.issuer.profile.is_none()));
        assert!(all.others.iter().all(|other| other.chosen.account_secret.is_some()));
        let of = |namespace: &str, hosts: &[&str]| {
            let names: Vec<Name> = hosts.iter().map(|host| host.parse().unwrap()).collect();
            let found = others(&all.classes, &Key::new(namespace, "tls"), &names);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("shop", &["shop.example"]), ["third", "second"]);
        assert_eq!(of("blog", &["shop.example"]), ["second"]);
        assert_eq!(of("shop", &["a.pinned.example", "*.pinned.example"]), [""; 0]);
        assert_eq!(of("blog", &["a.pinned.example", "unpinned.example"]), ["second"]);
    }

    #[test]
    fn an_order_of_another_issuer_is_idle_and_a_wrong_one_is_refused() {
        let staging = of(FILE, Choice::Staging).unwrap();
        assert!(staging.classes.is_empty() && staging.idle.len() == 3);
        let wrong = |order: &str| {
            let file = format!("unattended: {{issuers: [{{order: {order}}}]}}\n");
            of(&file, Choice::Production).unwrap_err().to_string()
        };
        assert_eq!(
            wrong("[letsencrypt, letsencrypt-staging]"),
            "unattended.issuers names letsencrypt-staging, a staging CA, whose certificates no client trusts"
        );
        assert!(wrong("[letsencrypt, google]").starts_with("no issuer is called \"google\""));
    }

    #[test]
    fn a_check_of_settings_finds_what_is_wrong_whichever_issuer_is_chosen() {
        let found = |file: &str| {
            let layers = [Layer::of(
                Origin::File("f".to_owned()),
                File::parse(file, "f", None).unwrap(),
            )];
            problems(&layers).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found(FILE), [""; 0]);
        let empty = found("unattended: {issuers: [{order: []}]}\n");
        assert_eq!(empty, ["unattended.issuers: an order names one issuer at least"]);
        assert_eq!(
            found("unattended: {issuers: [{order: [letsencrypt, nobody]}]}\n").len(),
            1
        );
    }
}
