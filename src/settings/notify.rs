//! `notify:`: who is told of what unattended runs did, held back or failed at.

use std::str::FromStr;

use super::{file::has_user, section::section, value::NotAValue};
use crate::solve::dns01::config::Credential;

section! {
    /// Who is told what the controller, ensure and renew --due did. Nobody watches those.
    pub struct NotifyEntry {
        /// Where the URL of an incoming webhook of Slack is, or of a program that takes the same messages. The URL is a secret.
        /// --notify slack=env:NAME, --notify slack=file:PATH.
        slack: Credential => "{file: slack-url}", off = true;
        /// The URL of an Alertmanager, http or https, without /api/v2/alerts. --notify alertmanager=URL.
        alertmanager: String => "http://alertmanager.monitoring:9093", off = true;
        /// Tell of renewals too. --notify-renewed.
        renewed: bool => "false", usual = Some(false);
    }
}

/// One receiver of the command line: `slack=env:NAME`, `slack=file:PATH` or `alertmanager=URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyWord {
    /// Where the URL of a webhook of Slack is.
    Slack(Credential),
    /// The URL of an Alertmanager.
    Alertmanager(String),
}

impl FromStr for NotifyWord {
    type Err = NotAValue;

    /// Reads a receiver. Errors quote nothing of a webhook's URL, which whoever types it here has not meant to show.
    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let no = |what, form: &'static str| NotAValue {
            value: text
                .split(['=', ':'])
                .next()
                .unwrap_or_default()
                .chars()
                .take(20)
                .collect(),
            what,
            form: form.into(),
        };
        match text.split_once('=') {
            Some(("slack", place)) => match place.split_once(':') {
                Some(("env", name)) if !name.is_empty() => Ok(Self::Slack(Credential::Env(name.to_owned()))),
                Some(("file", path)) if !path.is_empty() => Ok(Self::Slack(Credential::File(path.into()))),
                _ => Err(no(
                    "receiver, because the URL of a webhook is a secret and no argument",
                    "slack=env:NAME or slack=file:PATH, where the URL is",
                )),
            },
            Some(("alertmanager", url)) if problem(url).is_none() => Ok(Self::Alertmanager(url.to_owned())),
            Some(("alertmanager", url)) if has_user(url) => Err(no(
                "receiver, because its URL holds a user name",
                "alertmanager=http://HOST:9093, without one",
            )),
            _ => Err(no(
                "receiver of notifications",
                "slack=env:NAME, slack=file:PATH or alertmanager=http://HOST:9093",
            )),
        }
    }
}

/// What is wrong with the URL of an Alertmanager, if anything is.
pub(super) fn problem(url: &str) -> Option<&'static str> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if has_user(url) {
        return Some("holds a user name");
    }
    let is_url = url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some());
    (!is_url || !matches!(scheme, Some("http" | "https"))).then_some("is no http or https URL")
}

impl NotifyEntry {
    /// Whether anybody is to be told.
    pub fn tells(&self) -> bool {
        self.slack.is_some() || self.alertmanager.is_some()
    }

    /// Takes receivers of the command line, of which there is at most one of each form.
    ///
    /// # Errors
    ///
    /// Two of the same form: the form.
    pub fn add(&mut self, words: &[NotifyWord]) -> Result<(), &'static str> {
        for word in words {
            let is_second = match word {
                NotifyWord::Slack(place) => self.slack.replace(place.clone()).is_some().then_some("slack"),
                NotifyWord::Alertmanager(url) => self
                    .alertmanager
                    .replace(url.clone())
                    .is_some()
                    .then_some("alertmanager"),
            };
            if let Some(form) = is_second {
                return Err(form);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_named_by_its_place_and_never_by_its_url() {
        let read = |text: &str| text.parse::<NotifyWord>();
        assert_eq!(
            read("slack=env:SLACK_URL"),
            Ok(NotifyWord::Slack(Credential::Env("SLACK_URL".to_owned())))
        );
        assert_eq!(
            read("slack=file:/run/slack"),
            Ok(NotifyWord::Slack(Credential::File("/run/slack".into())))
        );
        assert_eq!(
            read("alertmanager=http://alertmanager:9093/x"),
            Ok(NotifyWord::Alertmanager("http://alertmanager:9093/x".to_owned()))
        );
        for secret in [
            "slack=https://hooks.slack.com/services/T0/B0/hunter2",
            "https://hooks.slack.com/services/T0/B0/hunter2",
            "alertmanager=https://me:hunter2@alertmanager:9093",
            "alertmanager=ftp://hunter2",
            "slack+https://hooks.slack.com/services/T0/B0/hunter2",
        ] {
            let error = read(secret).unwrap_err().to_string();
            assert!(error.contains("slack=") || error.contains("alertmanager="), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("hooks."), "{error}");
        }
    }

    #[test]
    fn there_is_one_receiver_of_each_form() {
        let word = |text: &str| text.parse::<NotifyWord>().unwrap();
        let mut entry = NotifyEntry::default();
        assert!(!entry.tells());
        assert_eq!(entry.add(&[word("slack=env:A"), word("alertmanager=http://b")]), Ok(()));
        assert!(entry.tells());
        assert_eq!(entry.add(&[word("slack=env:B")]), Err("slack"));
    }
}
