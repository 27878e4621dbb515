//! Runs: the commands that write, carried out as they stand, with the screen as their terminal.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser as _;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::Handle,
    sync::{mpsc::UnboundedSender, oneshot},
};

use crate::{
    cli::{
        args::{Cli, ClusterArgs, Command},
        front::{AGAIN, now_and_then},
        whom::Whom,
    },
    clock::now,
    engine::cancel::{self, Cancel, Canceller},
    error::Blame,
    event::{Event, EventKind, Listen, Teller},
    object::Key,
    ops::{
        Cluster, Config, Context, Front, OpError,
        front::{Waiting, Words, refused},
        issuance::Report,
        reach, renew, restart, revoke, rollback,
    },
    plan::{Plan, Stage, steps::Step},
    report::progress,
    solve::{SolveError, dns01::Operator},
    text::first_few,
    tui::{
        CommandLine, Message,
        message::{Level, LogLine, Trouble},
        order::{Ending, Job, RunId},
    },
};

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

    /// The flags that say where a run works and as whom: its own, and those of the cluster.
    fn whom(&self, words: &[String]) -> Whom {
        Whom::of(words.iter().cloned().chain(self.cluster_flags()).map(Into::into))
    }

    fn cluster_flags(&self) -> Vec<String> {
        reach::cluster_flags(&self.connection.options(), self.connection.context.clone())
    }

    /// Starts a run. What comes of it is told by messages.
    pub(super) fn start(&mut self, id: RunId, job: Job, command: &CommandLine) {
        self.going.retain(|_, going| !going.has_ended());
        let answer = Arc::new(Answers::default());
        let (canceller, cancel) = cancel::pair();
        let front = Arc::new(RunFront {
            ear: Arc::new(Ear {
                id,
                sink: self.sink.clone(),
                seen: Mutex::default(),
                whom: self.whom(&command.words),
                counts: job == Job::Renew,
                waits: AtomicU64::new(0),
            }),
            answer: Arc::clone(&answer),
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
            let carried = carry_out(job, words, connection, cancel, told);
            let carried = std::panic::AssertUnwindSafe(carried).catch_unwind();
            let ending = runtime.block_on(async {
                tokio::select! {
                    result = carried => match result {
                        Ok(result) => front.ear.ending(result, &given_up),
                        Err(_) => Ending::Bad(Trouble {
                            what: "the program failed; the log shows where".to_owned(),
                            hint: Some(front.ear.completed("`kubectl certs cleanup` removes possible leftovers")),
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
        let cluster = self.cluster_flags();
        let cluster = cluster.iter().map(|word| crate::text::quote(word).into_owned());
        let cleanup = ["kubectl certs cleanup".to_owned()]
            .into_iter()
            .chain(flags)
            .chain(cluster)
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
    ear: Arc<Ear>,
    answer: Arc<Answers>,
    /// What a confirmed plan begins, where the use case does not say so itself; `None` for a renewal.
    begins: Option<Cancel>,
}

/// What is heard of a run.
struct Ear {
    id: RunId,
    sink: UnboundedSender<Message>,
    seen: Mutex<Seen>,
    /// Where it works and as whom, for the commands in its hints.
    whom: Whom,
    /// Whether certificates are counted: what is no renewal says in its own words what came of it.
    counts: bool,
    /// How often something was waited for.
    waits: AtomicU64,
}

/// What a use case came to.
enum Came {
    /// Certificates.
    Issued(Report),
    /// In a sentence.
    Said(String),
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

impl Ear {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text whose commands go where the run works.
    fn completed(&self, text: &str) -> String {
        self.whom.complete(text).into_owned()
    }

    fn send(&self, message: Message) {
        let _ = self.sink.send(message);
    }

    /// How a run ended, by what it returned and what was seen of it.
    fn ending(&self, result: Result<Came, OpError>, cancel: &Cancel) -> Ending {
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

impl Front for RunFront {
    fn say(&self, level: Level, text: &str) {
        let text = self.ear.completed(text.trim());
        if level == Level::Note {
            self.ear.send(Message::Said(self.ear.id, text));
        } else {
            self.ear.send(Message::Log(LogLine { at: now(), level, text }));
        }
    }

    fn print(&self, text: &str) -> Result<(), OpError> {
        self.say(Level::Note, text);
        Ok(())
    }

    fn wonder(&self, words: Words) -> Waiting {
        let number = self.ear.waits.fetch_add(1, Ordering::Relaxed);
        let ears = [Arc::clone(&self.ear), Arc::clone(&self.ear)];
        let [telling, ending] = ears.map(|ear| move |words| ear.send(Message::Waits(ear.id, number, words)));
        let tell = move || {
            telling(Some(words()));
            AGAIN
        };
        now_and_then(tell, move |has_told| {
            if has_told {
                ending(None);
            }
        })
    }

    fn listener(&self) -> Arc<dyn Listen> {
        Arc::clone(&self.ear) as Arc<dyn Listen>
    }

    fn steps(&self) -> Teller {
        Teller::new(self.listener())
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(AtScreen {
            ear: Arc::clone(&self.ear),
            answer: Arc::clone(&self.answer),
        })
    }

    fn confirm(&self, mut plan: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        // A window has one list for all that is to be known before.
        plan.notes.append(&mut plan.left);
        plan.notes.extend(
            std::mem::take(&mut plan.refusals)
                .into_iter()
                .map(|refusal| refusal.what),
        );
        self.ear.seen().rehearsal = plan.stage == Some(Stage::Rehearsal);
        let mut steps = plan.targets.iter().flat_map(|(_, steps)| steps);
        self.ear.seen().first = !steps.any(|step| matches!(step, Step::Write { create: false, .. }));
        let answer = self.answer.put();
        self.ear.send(Message::Planned(self.ear.id, Box::new(plan)));
        Box::pin(async move {
            let yes = answer.await.unwrap_or(false);
            self.ear.seen().refused = !yes;
            if !yes {
                return Err(refused());
            }
            if let Some(begins) = &self.begins {
                begins.begin();
            }
            Ok(())
        })
    }

    fn ask(&self, question: String) -> BoxFuture<'_, bool> {
        let asked = asked(&self.ear, &self.answer, question);
        Box::pin(asked)
    }
}

/// Asks a question in the run's window.
async fn asked(ear: &Ear, answer: &Answers, question: String) -> bool {
    let given = answer.put();
    ear.send(Message::Asked(ear.id, question));
    given.await.unwrap_or(false)
}

/// The operator who writes DNS records by hand, before the screen.
struct AtScreen {
    ear: Arc<Ear>,
    answer: Arc<Answers>,
}

impl Operator for AtScreen {
    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if asked(&self.ear, &self.answer, format!("{text}\nDoes it exist?")).await {
                Ok(())
            } else {
                Err(SolveError::new("the operator did not write the record"))
            }
        })
    }

    fn tell(&self, text: &str) {
        self.ear.send(Message::Said(self.ear.id, text.to_owned()));
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
    front: Arc<dyn Front>,
) -> Result<Came, OpError> {
    let context = |config| Context::new(Cluster::new(connection.options(), front), config, cancel);
    if let Job::Restart(secrets) = job {
        let report = restart::run(&secrets, &context(Config::default())).await?;
        return Ok(Came::Said(report.said));
    }
    let typed = std::iter::once("kubectl certs".to_owned()).chain(words);
    let cli = Cli::try_parse_from(typed).map_err(|error| {
        let text = error.to_string();
        OpError::usage(
            text.lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned(),
        )
    })?;
    match cli.command {
        Some(Command::Renew(command)) => {
            let context = context(command.issue.ca.settings.config());
            let report = Box::pin(renew::run(&command.request()?, &context)).await?;
            report.refused().map_or(Ok(Came::Issued(report)), Err)
        }
        Some(Command::Revoke(command)) => {
            let context = context(command.ca.settings.config());
            let report = Box::pin(revoke::run(&command.request()?, &context)).await?;
            Ok(Came::Said(report.said))
        }
        Some(Command::Rollback(command)) => {
            let report = Box::pin(rollback::run(&command.request(), &context(command.config()))).await?;
            Ok(Came::Said(report.said))
        }
        _ => Err(OpError::usage("this command does not run here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cancel;

    fn ear(counts: bool) -> (Ear, Cancel) {
        let (_, cancel) = cancel::pair();
        let (sink, _) = tokio::sync::mpsc::unbounded_channel();
        let ear = Ear {
            id: 1,
            sink,
            seen: Mutex::default(),
            whom: Whom::of(["renew", "-n", "shop", "--context", "prod"].map(Into::into)),
            counts,
            waits: AtomicU64::new(0),
        };
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
            trouble: Trouble {
                what: what.to_owned(),
                hint: Some("look".to_owned()),
            },
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
