//! What is changed, and what has to be decided, in words.

use std::fmt;

use super::{About, Change, Decision, Group};
use crate::{
    object::{Key, annotation},
    text::{date, first_few, quote},
};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unask {
                route,
                annotation,
                value,
            } => write!(f, "take the annotation {annotation}={value} from {route}"),
            Self::Suspend(key) => write!(f, "suspend CronJob {key}"),
            Self::Stop { key, replicas } => write!(f, "scale Deployment {key} from {replicas} to 0"),
            Self::Delete { key, issuer } => write!(f, "delete Certificate {key} ({issuer}); its Secret stays"),
            Self::Unmark { secret, marks } => write!(f, "take from Secret {secret}: {}", marks.join(", ")),
            Self::Claim(secret) => write!(f, "claim Secret {secret} by the annotation {}", annotation::CLAIM),
            Self::Ask(route) => write!(f, "give {route} the annotation {}=true", annotation::TLS_ACME),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(key) => write!(f, "Secret {key}"),
            Self::Clock(key) => write!(f, "CronJob {key}"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("no route of its namespace names it, so that nothing would ask for it"),
            Self::Several(all) => write!(f, "several Certificates write it: {}", first_few(all)),
            Self::Issuing(key) => write!(f, "cert-manager is issuing Certificate {key} right now"),
            Self::Ordered(why) => write!(f, "a certificate would be ordered at once: {why}"),
            Self::OtherCa { from, to } => write!(
                f,
                "{from} issued its certificate, and the installation orders from {to}"
            ),
            Self::Due(at) => write!(f, "it is due since {}, so that it would be ordered at once", date(*at)),
            Self::Refused(why) => write!(f, "this program would not write it: {why}"),
            Self::Unprovable { why, .. } => write!(f, "the installation could not renew it: {why}"),
            Self::OtherInstall(claim) => write!(f, "another installation ({claim}) keeps it"),
            Self::Rewritten(what, owner) => write!(f, "{what} is written again by {owner}"),
            Self::NotFollowed => f.write_str("the installation does not follow its namespace"),
            Self::Runs(key) => write!(f, "a Job of CronJob {key} runs right now"),
            Self::SeveralClocks(all) => write!(f, "several CronJobs name it: {}", first_few(all)),
            Self::UnknownSecret => f.write_str("it runs a known tool, and nothing in it names a Secret of a route"),
            Self::Program(what, former) => write!(f, "{what} runs {former} and names it"),
            Self::LegoElsewhere(key) => write!(f, "kube-lego (Deployment {key}) works for other namespaces too"),
            Self::OtherFormer(former) => write!(f, "{former} keeps it, and was not asked for"),
        }
    }
}

impl Decision {
    /// What to do about it, with the exact command where there is one. `names` are those of the certificate.
    pub fn next(&self, about: &About, names: &[String]) -> String {
        let (About::Secret(key) | About::Clock(key)) = about;
        match self {
            Self::NoRoute => {
                let hosts = names.iter().fold(String::new(), |all, name| all + " -d " + &quote(name));
                format!(
                    "`kubectl certs install -n {} --cronjob --secret {}{hosts}` renews it by a CronJob, or a route that serves it names it",
                    quote(&key.namespace),
                    quote(&key.name)
                )
            }
            Self::Several(_) => "delete all but one of them".to_owned(),
            Self::Issuing(_) | Self::Runs(_) => "run this again when it has ended".to_owned(),
            Self::Ordered(_) | Self::Due(_) => "let its keeper renew it first, then run this again".to_owned(),
            Self::OtherCa { .. } => {
                "leave it to its keeper, or renew it by its name once it is adopted by hand: `kubectl certs renew secret/NAME --adopt`".to_owned()
            }
            Self::Refused(_) => "leave it to its keeper, or take away what speaks against it".to_owned(),
            Self::Unprovable { remedy, .. } => remedy.clone(),
            Self::OtherInstall(_) => format!(
                "`kubectl annotate secret -n {} {} {}-` gives it up, if the other installation is gone",
                quote(&key.namespace),
                quote(&key.name),
                annotation::CLAIM
            ),
            Self::Rewritten(..) => {
                "change it where it comes from, or add --force and change it there before the next synchronization".to_owned()
            }
            Self::NotFollowed => "`kubectl certs install --namespaced` names the namespaces that are followed".to_owned(),
            Self::SeveralClocks(_) => "suspend all but one of them".to_owned(),
            Self::UnknownSecret => {
                "see which Secret it writes, suspend it, and take the Secret over by hand (docs/guide/coming-from-certbot.md)".to_owned()
            }
            Self::Program(..) => "end it, then run this again".to_owned(),
            Self::LegoElsewhere(_) => "-A takes all namespaces over; or end kube-lego by hand first".to_owned(),
            Self::OtherFormer(former) => format!("add --from {former}"),
        }
    }
}

impl Group {
    /// The Secret by which the group is called: the first.
    pub fn name(&self) -> Option<&Key> {
        self.secrets.first()
    }

    /// Who keeps it: `cert-manager and certbot`.
    pub fn kept_by(&self) -> String {
        let names: Vec<&str> = self.formers.iter().map(|former| former.as_str()).collect();
        names.join(" and ")
    }
}
