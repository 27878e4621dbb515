//! Runs: the commands that write, carried out as they stand, with the screen as whoever is told and asked.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
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
    event::{Listen, Teller},
    ops::{
        Cluster, Config, Context, Front, OpError,
        front::{Waiting, Words, refused},
        reach, renew, restart, revoke, rollback,
    },
    plan::{Plan, Stage, steps::Step},
    solve::{SolveError, dns01::Operator},
    tui::{
        CommandLine, Message,
        message::{Level, LogLine, Trouble},
        order::{Ending, Job, RunId},
    },
};

use super::heard::{Came, Ear};

/// All runs of this session.
pub(super) struct Runs {
    sink: UnboundedSender<Message>,
    /// Which cluster, and as whom: what a command line shows has no token.
    connection: ClusterArgs,
    going: HashMap<RunId, RunningJob>,
}

/// A run that may not have ended.
struct RunningJob {
    answer: Arc<Answers>,
    canceller: Canceller,
    cancel: Cancel,
    /// Ends it at once, where nothing has to be cleaned up.
    abort: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
    /// Where it works.
    namespaces: Vec<String>,
}

impl RunningJob {
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
            ear: Arc::new(Ear::new(
                id,
                self.sink.clone(),
                self.whom(&command.words),
                job == Job::Renew,
            )),
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
                        Err(_) => Ending::Bad(
                            Trouble::new("the program failed; the log shows where")
                                .hint(front.ear.completed("`kubectl certs cleanup` removes possible leftovers")),
                        ),
                    },
                    Ok(()) = aborted => Ending::Dropped,
                }
            });
            let _ = sink.send(Message::Ended(id, ending));
            let _ = end.send(());
        });
        self.going.insert(
            id,
            RunningJob {
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
        let mut left: Vec<RunningJob> = self.going.drain().map(|(_, going)| going).collect();
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
        for hint in plan.refusals.iter_mut().filter_map(|refusal| refusal.hint.as_mut()) {
            *hint = self.ear.completed(hint);
        }
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
            let context = context(command.issue.how.ca.settings.config());
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
