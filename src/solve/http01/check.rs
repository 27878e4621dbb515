//! The self-check from inside of the cluster: a Pod with the solver's image checks the answer, and its termination
//! message reports the result.
//!
//! It is a separate Pod rather than a service of the answering one: nothing that others may call fetches URLs for them,
//! the API server needs no access to Pods (its proxy is often blocked), and no right is needed that the solver does not
//! have.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Guard, Ports,
    objects::TERMINATION_LOG,
    self_check::{AnswerSeen, CheckReporter, Look},
};
use crate::{net::Lookup, object::Text, solve::SolveError};

/// The task of the Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The host.
    pub host: String,
    /// The token.
    pub token: String,
    /// The thumbprint of the account.
    pub thumbprint: String,
    /// The addresses of the route.
    pub addresses: Vec<Text>,
    /// How long it may take until the answer is visible.
    pub limit: Duration,
}

/// The result of the Pod, which is its termination message. Others may read it, so it quotes no body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Where the answer was seen; empty if it was not.
    pub seen: Vec<String>,
    /// What could not be checked.
    pub note: Option<String>,
    /// Why the answer was not seen.
    pub error: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Question {
    /// The arguments of the Pod's container.
    pub fn arguments(&self) -> Vec<String> {
        // Base64url may begin with a dash, so each value is joined with its flag.
        let mut arguments = vec![
            "respond".to_owned(),
            format!("--thumbprint={}", self.thumbprint),
            format!("--check={}", self.host),
            format!("--token={}", self.token),
            format!("--deadline={}ms", self.limit.as_millis()),
            format!("--report={TERMINATION_LOG}"),
        ];
        arguments.extend(
            self.addresses
                .iter()
                .map(|address| format!("--route-address={address}")),
        );
        arguments
    }

    /// The addresses of the route for a shell, separated by spaces: only IP addresses and host names, no other text.
    pub(super) fn shell_addresses(&self) -> String {
        let plain = |address: &&Text| {
            !address.is_empty()
                && address
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
        };
        let bracketed = |address: &Text| {
            if address.contains(':') {
                format!("[{address}]")
            } else {
                address.to_string()
            }
        };
        let all: Vec<String> = self.addresses.iter().filter(plain).map(bracketed).collect();
        all.join(" ")
    }

    /// Performs the check from this process.
    pub async fn answer(&self) -> Report {
        let look = Look {
            host: self.host.clone(),
            token: self.token.clone(),
            key_authorization: format!("{}.{}", self.token, self.thumbprint),
            addresses: self.addresses.clone(),
            connect: None,
            guard: Guard {
                cluster: Guard::surroundings(|name| std::env::var(name).ok()),
                ..Guard::default()
            },
            lookup: Lookup::System,
            ports: Ports::default(),
            limit: self.limit,
            dns_counts: false,
            quote: false,
            telling: CheckReporter::default(),
        };
        match look.automatic().await {
            Ok(AnswerSeen { at, note }) => Report {
                seen: at,
                note,
                ..Report::default()
            },
            Err(Some(error)) => Report {
                error: Some(error.message),
                hint: error.hint,
                ..Report::default()
            },
            Err(None) => Report {
                error: Some(format!(
                    "the cluster's network reaches neither {} nor the route's own address",
                    self.host
                )),
                hint: Some("use --self-check direct, or none (--self-check wait=30s, off)".to_owned()),
                ..Report::default()
            },
        }
    }
}

impl Report {
    /// Reads the termination message of a Pod.
    pub fn read(words: &str) -> Result<AnswerSeen, SolveError> {
        // Other output may precede the line.
        let line = words.trim().lines().next_back().unwrap_or_default();
        let Ok(report) = serde_json::from_str::<Self>(line) else {
            let words = crate::text::shorten(words.trim(), 300);
            return Err(
                SolveError::new(format!("the Pod that checked from inside the cluster says {words:?}"))
                    .hint("is --solver-image of this version?")
                    .of_cluster(),
            );
        };
        match report.error {
            Some(message) => Err(SolveError {
                hint: report.hint,
                ..SolveError::new(format!("seen from inside the cluster: {message}"))
            }),
            None => Ok(AnswerSeen {
                at: report
                    .seen
                    .iter()
                    .map(|at| format!("{at} (from inside the cluster)"))
                    .collect(),
                note: report.note,
            }),
        }
    }

    /// One line of JSON that fits into a termination message (4096 bytes).
    pub fn line(&self) -> String {
        let cut = |text: &String| crate::text::shorten(text, 1200).into_owned();
        let short = Self {
            seen: self.seen.iter().take(20).cloned().collect(),
            note: self.note.as_ref().map(cut),
            error: self.error.as_ref().map(cut),
            hint: self.hint.as_ref().map(cut),
        };
        serde_json::to_string(&short).unwrap_or_else(|_| {
            serde_json::json!(BTreeMap::from([("error", "the report cannot be written")])).to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_back_and_anything_else_is_quoted() {
        let report = Report {
            seen: vec!["192.0.2.7".into()],
            ..Report::default()
        };
        let seen = Report::read(&format!("noise\n{}\n", report.line())).unwrap();
        assert_eq!(seen.at, ["192.0.2.7 (from inside the cluster)"]);
        let failed = Report {
            error: Some("x".repeat(5000)),
            hint: Some("do it".into()),
            ..Report::default()
        };
        assert!(failed.line().len() < 4096);
        let error = Report::read(&failed.line()).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("do it"));
        assert!(
            Report::read("exec format error")
                .unwrap_err()
                .message
                .contains("exec format error")
        );
    }

    #[test]
    fn the_arguments_say_what_is_looked_for() {
        let question = Question {
            host: "shop.example".into(),
            token: "-tok".into(),
            thumbprint: "thumb".into(),
            addresses: vec!["192.0.2.7".into()],
            limit: Duration::from_millis(1500),
        };
        assert_eq!(
            question.arguments().join(" "),
            "respond --thumbprint=thumb --check=shop.example --token=-tok --deadline=1500ms --report=/dev/termination-log \
             --route-address=192.0.2.7"
        );
    }
}
