//! Runs: the commands that write, carried out as they stand, with the screen as their terminal.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clap::Parser as _;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::Handle,
    sync::{mpsc::UnboundedSender, oneshot},
};

use crate::{
    cli::failure::{Exit, Failure},
    clock::now,
    engine::cancel::{self, Cancel, Canceller},
    event::{Event, EventKind, Listen},
    object::Key,
    plan::steps::Step,
    report::progress,
    tui::{
        CommandLine, Message,
        message::{Level, Trouble},
        order::{Ending, Job, Plan, RunId},
    },
};

use super::super::{
    args::{Cli, ClusterArgs, Command},
    counted::first_of,
    renew, revoke, rollback,
    told::{self, Front},
};
use super::restart;

/// All runs of this session.
pub(super) struct Runs {
    sink: UnboundedSender<Message>,
    /// Which cluster, and as whom: what a command line shows has no token.
    connection: ClusterArgs,
    going: HashMap<RunId, Going>,
}

/// A run that may not have ended.
struct Going {
    answer: Arc<Answers>,
    canceller: Canceller,
    cancel: Cancel,
    /// Ends it at once, where nothing has to be cleaned up.
    abort: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
    /// Where it works.
    namespaces: Vec<String>,
}

impl Going {
    fn has_ended(&mut self) -> bool {
        !matches!(self.ended.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }
}

/// The question of a run that waits for its answer.
#[derive(Default)]
struct Answers(Mutex<Option<oneshot::Sender<bool>>>);

impl Answers {
    fn put(&self) -> oneshot::Receiver<bool> {
        let (give, take) = oneshot::channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(give);
        take
    }

    fn give(&self, yes: bool) {
        if let Some(waiting) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = waiting.send(yes);
        }
    }
}

impl Runs {
    pub(super) fn new(sink: UnboundedSender<Message>, connection: ClusterArgs) -> Self {
        Self {
            sink,
            connection,
            going: HashMap::new(),
        }
    }

    /// Later runs are of another context.
    pub(super) fn use_context(&mut self, name: &str) {
        if !name.is_empty() {
            self.connection.context = Some(name.to_owned());
        }
    }

    /// Starts a run. What comes of it is told by messages.
    pub(super) fn start(&mut self, id: RunId, job: Job, command: &CommandLine) {
        self.going.retain(|_, going| !going.has_ended());
        let answer = Arc::new(Answers::default());
        let (canceller, cancel) = cancel::pair();
        let front = Arc::new(RunFront {
            id,
            sink: self.sink.clone(),
            answer: Arc::clone(&answer),
            seen: Mutex::default(),
            begins: (job != Job::Renew).then(|| cancel.clone()),
        });
        let (sink, connection, watched) = (self.sink.clone(), self.connection.clone(), cancel.clone());
        let words = command.words.clone();
        let namespaces = words
            .windows(2)
            .filter(|pair| pair[0] == "-n")
            .map(|pair| pair[1].clone());
        let namespaces = namespaces.collect();
        let given_up = cancel.clone();
        let (abort, aborted) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let runtime = Handle::current();
        // A thread of its own: what a command awaits need not be fit to move between threads.
        std::thread::spawn(move || {
            let told = Arc::clone(&front) as Arc<dyn Front>;
            let carried = told::within(told, carry_out(job, words, connection, cancel, Arc::clone(&front)));
            let carried = std::panic::AssertUnwindSafe(carried).catch_unwind();
            let ending = runtime.block_on(async {
                tokio::select! {
                    result = carried => match result {
                        Ok(result) => front.ending(result, &given_up),
                        Err(_) => Ending::Bad(Trouble {
                            what: "the program failed; the log shows where".to_owned(),
                            hint: Some("`kubectl certs cleanup -n NAMESPACE` removes possible leftovers".to_owned()),
                        }),
                    },
                    Ok(()) = aborted => Ending::Dropped,
                }
            });
            let _ = sink.send(Message::Ended(id, ending));
            let _ = end.send(());
        });
        self.going.insert(
            id,
            Going {
                answer,
                canceller,
                cancel: watched,
                abort: Some(abort),
                ended,
                namespaces,
            },
        );
    }

    /// Answers the question of a run.
    pub(super) fn answer(&mut self, id: RunId, yes: bool) {
        if let Some(going) = self.going.get(&id) {
            going.answer.give(yes);
        }
    }

    /// Gives a run up: what is under way cleans up; what has not begun ends at once.
    pub(super) fn cancel(&mut self, id: RunId) {
        let Some(going) = self.going.get_mut(&id) else { return };
        going.canceller.cancel();
        going.answer.give(false);
        if !going.cancel.has_begun()
            && let Some(abort) = going.abort.take()
        {
            let _ = abort.send(());
        }
    }

    /// Gives all up, and waits until they have cleaned up.
    pub(super) async fn finish(&mut self, limit: Duration) {
        let ids: Vec<RunId> = self.going.keys().copied().collect();
        for id in &ids {
            self.cancel(*id);
        }
        let mut left: Vec<Going> = self.going.drain().map(|(_, going)| going).collect();
        left.retain_mut(|going| !going.has_ended() && going.cancel.has_begun());
        if left.is_empty() {
            return;
        }
        let places: BTreeSet<&str> = left
            .iter()
            .flat_map(|going| going.namespaces.iter().map(String::as_str))
            .collect();
        let flags = places.iter().map(|place| format!("-n {}", crate::text::quote(place)));
        let cleanup = ["kubectl certs cleanup".to_owned()]
            .into_iter()
            .chain(flags)
            .collect::<Vec<_>>()
            .join(" ");
        super::super::note(&format!(
            "cleaning up; Ctrl-C stops at once, and `{cleanup}` removes the rest"
        ));
        let all = futures_util::future::join_all(left.into_iter().map(|going| going.ended));
        tokio::select! {
            ended = tokio::time::timeout(limit, all) => if ended.is_err() {
                super::super::warn(&format!(
                    "not everything was cleaned up in time: `{cleanup}` removes the rest"
                ));
            },
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

/// A run's own words and questions.
struct RunFront {
    id: RunId,
    sink: UnboundedSender<Message>,
    answer: Arc<Answers>,
    seen: Mutex<Seen>,
    /// What a confirmed plan begins, where the command does not say so itself; `None` for a renewal.
    begins: Option<Cancel>,
}

/// What a run has come to.
#[derive(Default)]
struct Seen {
    /// The Secrets whose certificates failed, and why.
    failed: BTreeMap<Key, Trouble>,
    /// How many were not begun because these failed.
    not_started: usize,
    /// How many went well.
    good: usize,
    /// The names that others went well without, and why.
    partly: BTreeMap<Key, (usize, Trouble)>,
    /// The plan was not confirmed.
    refused: bool,
    /// It is a rehearsal.
    rehearsal: bool,
    /// No Secret of the plan is there yet.
    first: bool,
    /// The last line that was printed.
    printed: String,
}

impl Seen {
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
        let trouble = Trouble {
            what: whats.join("; "),
            hint: self.partly.values().find_map(|(_, trouble)| trouble.hint.clone()),
        };
        Ending::Partly { said, trouble }
    }
}

impl RunFront {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: Message) {
        let _ = self.sink.send(message);
    }

    /// How a run ended, by what it returned and what was seen of it.
    fn ending(&self, result: Result<Exit, Failure>, cancel: &Cancel) -> Ending {
        let seen = self.seen();
        match result {
            Err(_) if seen.refused && seen.issued() == 0 && seen.failed.is_empty() => Ending::Dropped,
            // cert-manager's part was carried out, and the rest was not wanted.
            Err(_) if seen.refused && seen.failed.is_empty() => {
                Ending::Good(format!("{} renewed; the rest was left as it is", seen.issued()))
            }
            // What had ended well before stays so.
            Err(_) | Ok(Exit::Interrupted) if cancel.is_cancelled() && cancel.has_begun() && seen.issued() == 0 => {
                Ending::Cancelled
            }
            Err(failure) => Ending::Bad(Trouble {
                what: failure.message,
                hint: failure.hint,
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
                Ending::Bad(Trouble { what, hint })
            }
            Ok(_) if !seen.partly.is_empty() => seen.without(),
            Ok(Exit::Ok) => Ending::Good(match (seen.good, seen.rehearsal, seen.printed.as_str()) {
                (0, _, "") => "done".to_owned(),
                (0, _, printed) => printed.to_owned(),
                (1, true, _) => "the rehearsal passed; nothing that serves traffic was changed".to_owned(),
                (n, true, _) => format!("{n} rehearsals passed; nothing that serves traffic was changed"),
                (1, false, _) => progress::result(false, seen.first, 0),
                (n, false, _) => format!("{n} {}", progress::result(false, seen.first, 0)),
            }),
            Ok(_) => Ending::Bad(Trouble::new("it failed; the log shows why")),
        }
    }
}

impl Front for RunFront {
    fn say(&self, level: Level, text: &str) {
        if level == Level::Note {
            self.send(Message::Said(self.id, text.to_owned()));
        } else {
            self.send(Message::Log(crate::tui::message::LogLine {
                at: now(),
                level,
                text: text.to_owned(),
            }));
        }
    }

    fn print(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).trim().to_owned();
        self.send(Message::Said(self.id, text.clone()));
        text.lines()
            .last()
            .unwrap_or_default()
            .clone_into(&mut self.seen().printed);
    }

    fn listener(self: Arc<Self>) -> Arc<dyn Listen> {
        self
    }

    fn confirm(&self, plan: Plan) -> BoxFuture<'_, bool> {
        self.seen().rehearsal = plan.stage == Some(crate::tui::order::Stage::Rehearsal);
        let mut steps = plan.targets.iter().flat_map(|(_, steps)| steps);
        self.seen().first = !steps.any(|step| matches!(step, Step::Write { create: false, .. }));
        let answer = self.answer.put();
        self.send(Message::Planned(self.id, Box::new(plan)));
        Box::pin(async move {
            let yes = answer.await.unwrap_or(false);
            self.seen().refused = !yes;
            if let Some(begins) = self.begins.as_ref().filter(|_| yes) {
                begins.begin();
            }
            yes
        })
    }

    fn ask(&self, question: String) -> BoxFuture<'_, bool> {
        let answer = self.answer.put();
        self.send(Message::Asked(self.id, question));
        Box::pin(async move { answer.await.unwrap_or(false) })
    }
}

impl Listen for RunFront {
    fn hear(&self, event: &Event) {
        // What is no renewal says in its own words what came of it.
        if let Some(secret) = event.secret.as_ref().filter(|_| self.begins.is_none()) {
            match &event.kind {
                EventKind::Done => self.seen().good += 1,
                EventKind::LeftOut { names, why, hint } => {
                    let without = first_of(names);
                    let trouble = Trouble {
                        what: format!("without {without}: {why}"),
                        hint: hint.clone(),
                    };
                    self.seen().partly.insert(secret.clone(), (names.len(), trouble));
                }
                EventKind::NotStarted { .. } => self.seen().not_started += 1,
                EventKind::Failed { error, hint } => {
                    let trouble = Trouble {
                        what: error.clone(),
                        hint: hint.clone(),
                    };
                    self.seen().failed.insert(secret.clone(), trouble);
                }
                _ => {}
            }
        }
        self.send(Message::Happened(self.id, Box::new(event.clone())));
    }
}

async fn carry_out(
    job: Job,
    words: Vec<String>,
    connection: ClusterArgs,
    cancel: Cancel,
    front: Arc<RunFront>,
) -> Result<Exit, Failure> {
    if let Job::Restart(secrets) = job {
        return restart::restart(&secrets, &connection, &cancel, front).await;
    }
    let typed = std::iter::once("kubectl certs".to_owned()).chain(words);
    let cli = Cli::try_parse_from(typed).map_err(|error| {
        let text = error.to_string();
        Failure::usage(
            text.lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned(),
        )
    })?;
    match cli.command {
        Some(Command::Renew(mut command)) => {
            command.issue.source.connection = connection;
            Box::pin(renew::run(*command, cancel)).await
        }
        Some(Command::Revoke(mut command)) => {
            command.source.connection = connection;
            revoke::run(*command).await
        }
        Some(Command::Rollback(mut command)) => {
            command.connection = connection;
            Box::pin(rollback::run(*command)).await
        }
        _ => Err(Failure::usage("this command does not run here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cancel;

    fn front(job: &Job) -> (RunFront, Cancel) {
        let (_, cancel) = cancel::pair();
        let (sink, _) = tokio::sync::mpsc::unbounded_channel();
        let front = RunFront {
            id: 1,
            sink,
            answer: Arc::default(),
            seen: Mutex::default(),
            begins: (*job != Job::Renew).then(|| cancel.clone()),
        };
        (front, cancel)
    }

    fn hear(front: &RunFront, secret: &str, kind: EventKind) {
        front.hear(&Event {
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
        let (front, cancel) = front(&Job::Renew);
        hear(&front, "web-tls", left_out(&["new.example"]));
        let ended = |said: &str, what: &str| Ending::Partly {
            said: said.to_owned(),
            trouble: Trouble {
                what: what.to_owned(),
                hint: Some("look".to_owned()),
            },
        };
        assert_eq!(
            front.ending(Ok(Exit::Acme), &cancel),
            ended("renewed, 1 name left out", "without new.example: no answer")
        );
        hear(&front, "api-tls", EventKind::Done);
        assert_eq!(
            front.ending(Ok(Exit::Acme), &cancel),
            ended(
                "2 renewed, 1 name left out",
                "shop/web-tls: without new.example: no answer"
            )
        );
        let failed = EventKind::Failed {
            error: "the CA is away".to_owned(),
            hint: None,
        };
        hear(&front, "old-tls", failed);
        let Ending::Bad(trouble) = front.ending(Ok(Exit::Acme), &cancel) else {
            panic!("one has failed");
        };
        assert_eq!(trouble.what, "1 of 3 failed; shop/old-tls: the CA is away");
    }

    #[test]
    fn what_is_no_renewal_ends_in_its_own_words() {
        let (front, cancel) = front(&Job::Rollback);
        hear(&front, "web-tls", EventKind::Done);
        front.print(b"Secret shop/web-tls holds certificate 7f3c again\n");
        assert_eq!(
            front.ending(Ok(Exit::Ok), &cancel),
            Ending::Good("Secret shop/web-tls holds certificate 7f3c again".to_owned())
        );
    }
}
