//! The settings of a program in the cluster: what flags say, and the chosen issuer as it is known here, in a form that a
//! `ConfigMap` may have. They are read back by the program's own reader, so that nothing is written that it refuses.

use std::path::Path;

use super::{
    BUILT_IN, Chosen, SettingsError,
    file::{File, IssuerEntry},
    layer::{Choice, Layer, Origin},
    preference::Preference,
    section::Section as _,
    source,
    value::Namespaced,
};
use crate::{object::Key, solve::dns01::config::Credential};

/// Settings for a `ConfigMap`, and the flags that choose the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// The settings as JSON, for whoever writes YAML.
    pub settings: serde_json::Value,
    /// `--production`, `--staging`, `--issuer=NAME`; nothing where no issuer was chosen.
    pub choice: Vec<String>,
}

/// Makes the settings of the flags, and of the issuer that all `layers` choose.
///
/// # Errors
///
/// A setting concerns credentials, or files of this machine.
pub fn portable(layers: &[Layer], flags: &Layer, chosen: &Chosen) -> Result<Portable, SettingsError> {
    let mut file = flags.file.clone();
    let name = chosen.issuer.name.as_str();
    let choice = layers.iter().find_map(|layer| layer.choice.clone());
    let mut words = Vec::new();
    if let Some(choice) = &choice {
        match choice {
            Choice::Production => {
                words.push("--production".to_owned());
                file.production = (name != BUILT_IN[1].0).then(|| name.to_owned());
            }
            Choice::Staging => {
                words.push("--staging".to_owned());
                file.staging = (name != BUILT_IN[0].0).then(|| name.to_owned());
            }
            Choice::Issuer(_) | Choice::Directory(_) => words.push(format!("--issuer={name}")),
        }
        let said = layers.iter().map(|layer| &layer.issuer);
        let entry = entry(layers, chosen, said)?;
        if entry != IssuerEntry::default() {
            file.issuers.insert(name.to_owned(), entry);
        }
    }
    if file.unattended.issuers.is_some() {
        for other in Preference::of(layers, chosen)?.others {
            for of in std::iter::once(&other.chosen).chain(&other.staging) {
                let entry = entry(layers, of, [])?;
                if entry != IssuerEntry::default() {
                    file.issuers.insert(of.issuer.name.clone(), entry);
                }
            }
        }
    }
    if let Some(field) = file.forbidden_in_config_map() {
        return Err(SettingsError::Value(format!(
            "{field} is about credentials or files of this machine, and is not for a ConfigMap: it belongs into config.yaml of a Secret \
             (--settings-secret)"
        )));
    }
    let settings = serde_json::to_value(&file).map_err(|error| SettingsError::Value(error.to_string()))?;
    Ok(Portable {
        settings,
        choice: words,
    })
}

/// What stands for the credentials of a Secret that is read in the cluster alone: settings that need them are whole with it.
pub fn of_secret(secret: &str) -> Layer {
    let mut layer = Layer::empty(Origin::File(format!("Secret {secret}")));
    let place = Credential::File(secret.into());
    layer.file.domains.database_url = Some(place.clone());
    layer.file.domains.database_key = Some(place.clone());
    layer.file.domains.webhook_secret = Some(place);
    layer
}

/// The issuer as all sources know it, without what is of this machine. What is built in is not said again.
fn entry<'a>(
    layers: &'a [Layer],
    chosen: &Chosen,
    said: impl IntoIterator<Item = &'a IssuerEntry>,
) -> Result<IssuerEntry, SettingsError> {
    let issuer = &chosen.issuer;
    let named = layers.iter().filter_map(|layer| layer.file.issuers.get(&issuer.name));
    let said = said
        .into_iter()
        .chain(named)
        .fold(IssuerEntry::default(), |all, entry| all.merged(entry));
    let is_built_in = BUILT_IN
        .iter()
        .any(|(name, url)| *name == issuer.name && *url == issuer.directory_url);
    let ca = issuer.ca_pem.clone().map(String::from_utf8).transpose();
    let ca = ca.map_err(|_| SettingsError::Issuer {
        issuer: issuer.name.clone(),
        reason: "its CA file is not text".to_owned(),
    })?;
    if issuer.proxy.is_some() {
        return Err(SettingsError::Issuer {
            issuer: issuer.name.clone(),
            reason: "its proxy is not for a ConfigMap: settings with it belong in a Secret (--settings-secret)"
                .to_owned(),
        });
    }
    Ok(IssuerEntry {
        directory: (!is_built_in).then(|| issuer.directory_url.clone()),
        ca,
        ca_file: None,
        // The account is registered from here.
        email: None,
        agree_tos: None,
        eab: None,
        account_secret: None,
        ..said
    })
}

/// Completes what flags say by a file.
///
/// # Errors
///
/// It cannot be read, or says what is none.
pub fn with_file(flags: Layer, path: &Path) -> Result<Layer, SettingsError> {
    let file = source::file(path, true)?;
    let file = file.map_or_else(Default::default, |layer| flags.file.merged(&layer.file));
    Ok(Layer { file, ..flags })
}

/// Reads settings as the program in the cluster reads them, and combines them with the flags that it is given.
///
/// # Errors
///
/// They are refused.
pub fn read_back(text: &str, at: &Namespaced, flags: Layer) -> Result<super::Settings, SettingsError> {
    read_back_with(text, at, None, flags)
}

/// The same where the program in the cluster also reads `config.yaml` of a Secret, which says more than the `ConfigMap`, and may name
/// credentials.
///
/// # Errors
///
/// They are refused.
pub fn read_back_with(
    text: &str,
    at: &Namespaced,
    secret: Option<(&str, &Key)>,
    flags: Layer,
) -> Result<super::Settings, SettingsError> {
    let mut layers = vec![flags];
    if let Some((text, key)) = secret {
        let name = format!("Secret {key}");
        let file = File::parse(text, &name, None)?;
        layers.push(Layer::of(Origin::File(name), file));
    }
    layers.push(source::of_config_map(text, at)?);
    super::Settings::of(&layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn of(flags: &Layer, file: &str) -> Result<Portable, SettingsError> {
        let file = Layer::of(
            Origin::File("config.yaml".into()),
            File::parse(file, "config.yaml", None)?,
        );
        let layers = [flags.clone(), file];
        let chosen = Settings::of(&layers)?.chosen;
        portable(&layers, flags, &chosen)
    }

    fn flags(choice: Option<Choice>) -> Layer {
        Layer {
            choice,
            ..Layer::empty(Origin::Flags)
        }
    }

    #[test]
    fn what_is_built_in_is_not_said_and_an_issuer_of_ones_own_is_said_whole() {
        let portable = of(&flags(Some(Choice::Production)), "email: ops@example.com").unwrap();
        assert_eq!(portable.choice, ["--production"]);
        assert_eq!(portable.settings, serde_json::json!({}));

        let own = "production: corp\nissuers: {corp: {directory: https://ca.corp.example/dir, ca: PEM, stage: own, profile: web, \
                   email: pki@corp.example, accountSecret: a/b, eab: {kid: k, key: {env: KEY}}}}";
        let portable = of(&flags(Some(Choice::Production)), own).unwrap();
        assert_eq!(portable.choice, ["--production"]);
        let entry = serde_json::json!({
            "directory": "https://ca.corp.example/dir", "ca": "PEM", "stage": "own", "profile": "web",
        });
        let expected = serde_json::json!({"production": "corp", "issuers": {"corp": entry}});
        assert_eq!(portable.settings, expected);
        // What is written is read.
        let text = portable.settings.to_string();
        let at: Namespaced = "certs/config".parse().unwrap();
        let read = read_back(&text, &at, flags(Some(Choice::Production))).unwrap();
        assert_eq!(read.chosen.issuer.directory_url, "https://ca.corp.example/dir");
    }

    #[test]
    fn without_a_choice_nothing_is_chosen_and_a_url_becomes_an_issuer() {
        let portable = of(
            &flags(None),
            "issuers: {corp: {directory: https://ca.corp.example/dir}}",
        )
        .unwrap();
        assert_eq!((portable.choice.len(), portable.settings), (0, serde_json::json!({})));
        let url = Choice::Directory("https://ca.corp.example/dir".to_owned());
        let portable = of(&flags(Some(url)), "").unwrap();
        assert_eq!(portable.choice, ["--issuer=ca.corp.example"]);
        assert_eq!(
            portable.settings["issuers"]["ca.corp.example"]["directory"],
            "https://ca.corp.example/dir"
        );
    }

    #[test]
    fn what_a_secret_says_is_read_before_the_config_map_and_may_name_credentials() {
        let at: Namespaced = "certs/config".parse().unwrap();
        let secret = "dns01: {providers: [{name: own, zones: [shop.example], provider: powerdns, url: \"https://dns.example\", \
                      apiKey: {secretRef: {namespace: certs, name: powerdns, key: key}}}]}";
        let key = Key::new("certs", "dns");
        let with = |secret| read_back_with("", &at, secret, flags(Some(Choice::Production)));
        let read = with(Some((secret, &key)));
        let providers = |read: &Settings| {
            read.dns01
                .providers
                .iter()
                .map(|one| one.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(providers(&read.unwrap()), ["own"]);
        assert_eq!(providers(&with(None).unwrap()), [""; 0]);
        let error = with(Some(("dns01: [", &key))).unwrap_err();
        assert!(error.to_string().contains("Secret certs/dns"), "{error}");
    }

    #[test]
    fn what_a_secret_of_the_cluster_names_is_not_missed_here_and_is_written_nowhere() {
        let domains = "domains: {ask: \"https://app.shop/allowed?domain={host}\", serve: source, store: postgres, webhook: \"https://app.shop/hooks\"}";
        let mut flags = flags(None);
        flags.file = File::parse(domains, "domains.yaml", None).unwrap();
        let alone = [flags.clone()];
        assert!(Settings::of(&alone).unwrap_err().to_string().contains("databaseUrl"));
        let layers = [flags.clone(), of_secret("certs")];
        let settings = Settings::of(&layers).unwrap();
        let written = portable(&layers, &flags, &settings.chosen).unwrap().settings;
        let domains = &written["domains"];
        assert_eq!(
            (domains["store"].as_str(), domains.get("databaseUrl")),
            (Some("postgres"), None)
        );
        assert!(domains.get("webhookSecret").is_none(), "{written}");

        flags.file = File::default();
        flags.file.domains.webhook_secret = Some(Credential::Env("SECRET".to_owned()));
        let error = of(&flags, "").unwrap_err().to_string();
        assert!(
            error.contains("domains.webhookSecret") && error.contains("--settings-secret"),
            "{error}"
        );
    }

    #[test]
    fn what_is_of_this_machine_is_refused() {
        let proxied = "issuers: {corp: {directory: https://ca.corp.example/dir, proxy: \"http://proxy:3128\"}}";
        let error = of(&flags(Some(Choice::Issuer("corp".into()))), proxied).unwrap_err();
        assert!(error.to_string().contains("--settings-secret"), "{error}");
        let mut flags = flags(None);
        flags.file.storing.ca_files = Some(vec!["/etc/ca.pem".into()]);
        assert!(of(&flags, "").unwrap_err().to_string().contains("storing.caFiles"));
    }
}
