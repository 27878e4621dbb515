//! What is heard of a run, and what it came to.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, atomic::AtomicU64},
};

use tokio::sync::mpsc::UnboundedSender;

use crate::{
    cli::whom::Whom,
    engine::cancel::Cancel,
    error::Blame,
    event::{Event, EventKind, Listen},
    object::Key,
    ops::{OpError, issuance::Report},
    report::progress,
    text::first_few,
    tui::{
        Message,
        message::Trouble,
        order::{Ending, RunId},
    },
};

/// What is heard of a run.
pub(super) struct Ear {
    pub(super) id: RunId,
    sink: UnboundedSender<Message>,
    seen: Mutex<RunProgress>,
    /// Where it works and as whom, for the commands in its hints.
    whom: Whom,
    /// Whether certificates are counted: what is no renewal says in its own words what came of it.
    counts: bool,
    /// How often something was waited for.
    pub(super) waits: AtomicU64,
}

/// What a use case came to.
pub(super) enum Came {
    /// Certificates.
    Issued(Report),
    /// In a sentence.
    Said(String),
}

/// What a run has come to.
#[derive(Default)]
pub(super) struct RunProgress {
    /// The Secrets whose certificates failed, and why.
    failed: BTreeMap<Key, Trouble>,
    /// How many were not begun because these failed, or because their names do not resolve yet.
    not_started: usize,
    /// Why the last of those was not begun.
    why: Option<Trouble>,
    /// How many went well.
    good: usize,
    /// The names that others went well without, and why.
    partly: BTreeMap<Key, (usize, Trouble)>,
    /// The plan was not confirmed.
    pub(super) refused: bool,
    /// It is a rehearsal.
    pub(super) rehearsal: bool,
    /// No Secret of the plan is there yet.
    pub(super) first: bool,
}

impl RunProgress {
    /// How many certificates there are, all names or not.
    fn issued(&self) -> usize {
        self.good + self.partly.len()
    }

    /// How it ended where names were left out, in the words of the command line.
    fn without(&self) -> Ending {
        let left_out = self.partly.values().map(|(count, _)| count).sum();
        let result = progress::result(self.rehearsal, self.first, left_out);
        let said = match self.issued() {
            1 => result,
            many => format!("{many} {result}"),
        };
        let whats: Vec<String> = self
            .partly
            .iter()
            .map(|(secret, (_, trouble))| match self.issued() {
                1 => trouble.what.clone(),
                _ => format!("{secret}: {}", trouble.what),
            })
            .collect();
        let hint = self.partly.values().find_map(|(_, trouble)| trouble.hint.clone());
        let trouble = Trouble::new(whats.join("; ")).hint_if(hint);
        Ending::Partly { said, trouble }
    }
}

impl Ear {
    /// Of a run that has not begun.
    pub(super) fn new(id: RunId, sink: UnboundedSender<Message>, whom: Whom, counts: bool) -> Self {
        Self {
            id,
            sink,
            seen: Mutex::default(),
            whom,
            counts,
            waits: AtomicU64::new(0),
        }
    }

    pub(super) fn seen(&self) -> std::sync::MutexGuard<'_, RunProgress> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text whose commands go where the run works.
    pub(super) fn completed(&self, text: &str) -> String {
        self.whom.complete(text).into_owned()
    }

    pub(super) fn send(&self, message: Message) {
        let _ = self.sink.send(message);
    }

    /// How a run ended, by what it returned and what was seen of it.
    pub(super) fn ending(&self, result: Result<Came, OpError>, cancel: &Cancel) -> Ending {
        let seen = self.seen();
        let blame = match &result {
            Ok(Came::Issued(report)) => report.blame(),
            _ => None,
        };
        match result {
            Err(_) if seen.refused && seen.issued() == 0 && seen.failed.is_empty() => Ending::Dropped,
            // cert-manager's part was carried out, and the rest was not wanted.
            Err(_) if seen.refused && seen.failed.is_empty() => {
                Ending::Good(format!("{} renewed; the rest was left as it is", seen.issued()))
            }
            // What had ended well before stays so.
            _ if (result.is_err() || blame == Some(Blame::Interrupted))
                && cancel.is_cancelled()
                && cancel.has_begun()
                && seen.issued() == 0 =>
            {
                Ending::Cancelled
            }
            Err(error) => Ending::Bad(Trouble {
                what: error.message,
                hint: error.hint.map(|hint| self.completed(&hint)),
                yields_to_force: error.yields_to_force,
            }),
            Ok(_) if !seen.failed.is_empty() => {
                let all = seen.failed.len() + seen.not_started + seen.issued();
                let mut what = match (all, seen.failed.iter().next()) {
                    (1, Some((_, trouble))) => trouble.what.clone(),
                    (_, Some((secret, trouble))) => {
                        let rest = match seen.not_started {
                            0 => String::new(),
                            count => format!(", {count} not started"),
                        };
                        format!(
                            "{} of {all} failed{rest}; {secret}: {}",
                            seen.failed.len(),
                            trouble.what
                        )
                    }
                    (_, None) => String::new(),
                };
                if seen.failed.len() > 1 {
                    what.push_str(" ...");
                }
                let hint = seen.failed.values().find_map(|trouble| trouble.hint.clone());
                Ending::Bad(Trouble::new(what).hint_if(hint))
            }
            Ok(_) if seen.not_started > 0 => {
                let trouble = seen.why.clone().unwrap_or_else(|| Trouble::new("not started"));
                let all = seen.not_started + seen.issued();
                let what = match all {
                    1 => trouble.what,
                    _ => format!("{} of {all} not started: {}", seen.not_started, trouble.what),
                };
                Ending::Bad(Trouble::new(what).hint_if(trouble.hint))
            }
            Ok(_) if !seen.partly.is_empty() => seen.without(),
            Ok(Came::Said(said)) => Ending::Good(said),
            Ok(Came::Issued(_)) if blame.is_none() => Ending::Good(match (seen.good, seen.rehearsal) {
                (0, _) => "done".to_owned(),
                (1, true) => "the rehearsal passed; nothing that serves traffic was changed".to_owned(),
                (n, true) => format!("{n} rehearsals passed; nothing that serves traffic was changed"),
                (1, false) => progress::result(false, seen.first, 0),
                (n, false) => format!("{n} {}", progress::result(false, seen.first, 0)),
            }),
            Ok(_) => Ending::Bad(Trouble::new("it failed; the log shows why")),
        }
    }
}

impl Listen for Ear {
    fn hear(&self, event: &Event) {
        let event = &self.whom.of_event(event);
        if let Some(secret) = event.secret.as_ref().filter(|_| self.counts) {
            match &event.kind {
                EventKind::Done => self.seen().good += 1,
                EventKind::LeftOut { names, why, hint } => {
                    let without = first_few(names);
                    let trouble = Trouble::new(format!("without {without}: {why}")).hint_if(hint.clone());
                    self.seen().partly.insert(secret.clone(), (names.len(), trouble));
                }
                EventKind::NotStarted { why, hint } => {
                    let mut seen = self.seen();
                    seen.not_started += 1;
                    seen.why = Some(Trouble::new(why.as_str()).hint_if(hint.clone()));
                }
                EventKind::Failed { error, hint } => {
                    let trouble = Trouble::new(error.as_str()).hint_if(hint.clone());
                    self.seen().failed.insert(secret.clone(), trouble);
                }
                _ => {}
            }
        }
        self.send(Message::Happened(self.id, Box::new(event.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cancel;

    fn ear(counts: bool) -> (Ear, Cancel) {
        let (_, cancel) = cancel::pair();
        let (sink, _) = tokio::sync::mpsc::unbounded_channel();
        let whom = Whom::of(["renew", "-n", "shop", "--context", "prod"].map(Into::into));
        let ear = Ear::new(1, sink, whom, counts);
        (ear, cancel)
    }

    fn issued(trouble: Option<Blame>) -> Came {
        Came::Issued(Report {
            trouble,
            ..Report::default()
        })
    }

    fn hear(ear: &Ear, secret: &str, kind: EventKind) {
        ear.hear(&Event {
            secret: Some(Key::new("shop", secret)),
            kind,
        });
    }

    fn left_out(names: &[&str]) -> EventKind {
        EventKind::LeftOut {
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
            why: "no answer".to_owned(),
            hint: Some("look".to_owned()),
        }
    }

    #[test]
    fn a_certificate_without_some_names_ends_in_the_words_of_the_command_line() {
        let (ear, cancel) = ear(true);
        hear(&ear, "web-tls", left_out(&["new.example"]));
        let ended = |said: &str, what: &str| Ending::Partly {
            said: said.to_owned(),
            trouble: Trouble::new(what).hint("look"),
        };
        assert_eq!(
            ear.ending(Ok(issued(Some(Blame::Acme))), &cancel),
            ended("renewed, 1 name left out", "without new.example: no answer")
        );
        hear(&ear, "api-tls", EventKind::Done);
        assert_eq!(
            ear.ending(Ok(issued(Some(Blame::Acme))), &cancel),
            ended(
                "2 renewed, 1 name left out",
                "shop/web-tls: without new.example: no answer"
            )
        );
        let failed = EventKind::Failed {
            error: "the CA is away".to_owned(),
            hint: None,
        };
        hear(&ear, "old-tls", failed);
        let Ending::Bad(trouble) = ear.ending(Ok(issued(Some(Blame::Acme))), &cancel) else {
            panic!("one has failed");
        };
        assert_eq!(trouble.what, "1 of 3 failed; shop/old-tls: the CA is away");
    }

    #[test]
    fn what_waits_for_dns_is_not_started_and_says_which_name() {
        let (ear, cancel) = ear(true);
        let waits = |secret| {
            let why = "new.example: waiting for DNS".to_owned();
            let hint = Some("look".to_owned());
            hear(&ear, secret, EventKind::NotStarted { why, hint });
        };
        let ended = |what: &str| Ending::Bad(Trouble::new(what).hint("look"));
        waits("web-tls");
        assert_eq!(
            ear.ending(Ok(issued(Some(Blame::Acme))), &cancel),
            ended("new.example: waiting for DNS")
        );
        hear(&ear, "api-tls", EventKind::Done);
        assert_eq!(
            ear.ending(Ok(issued(Some(Blame::Acme))), &cancel),
            ended("1 of 2 not started: new.example: waiting for DNS")
        );
    }

    #[test]
    fn the_commands_of_a_hint_go_where_the_run_works() {
        let (ear, cancel) = ear(true);
        let error = OpError::usage("it is another's").hint("`kubectl certs show secret/web-tls` says whose");
        let Ending::Bad(trouble) = ear.ending(Err(error), &cancel) else {
            panic!("it has failed");
        };
        let hint = "`kubectl certs show secret/web-tls --context prod -n shop` says whose";
        assert_eq!(trouble.hint.as_deref(), Some(hint));
    }

    #[test]
    fn what_is_no_renewal_ends_in_its_own_words() {
        let (ear, cancel) = ear(false);
        hear(&ear, "web-tls", EventKind::Done);
        assert_eq!(
            ear.ending(
                Ok(Came::Said(
                    "Secret shop/web-tls holds certificate 7f3c again".to_owned()
                )),
                &cancel
            ),
            Ending::Good("Secret shop/web-tls holds certificate 7f3c again".to_owned())
        );
    }
}
