//! The reader: holds the picture of the cluster, keeps it current, and answers what the screen asks of it.

mod answer;
mod ask;
mod current;
mod early;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::{
    clock::now,
    error::Blame,
    inventory::Inventory,
    k8s::{Connection, connect},
    object::Seconds,
    ops::{
        Cluster, Front, OpError,
        session::{Open, Session},
    },
    source::pairs::DataKeys,
    tui::{
        Message,
        message::{Level, LogLine, Trouble},
    },
};

use super::{super::args::StatusArgs, in_context, place};
use current::CurrentReading;
use early::Early;

pub(super) use ask::Ask;

/// A reading that failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(10);

/// Everything that a reading is made with.
struct ReadingParts {
    args: StatusArgs,
    at: Option<Seconds>,
    asks: UnboundedReceiver<Ask>,
    /// What was asked before there was a picture to answer from.
    early: Vec<Ask>,
    /// Whether the screen has no rows yet.
    fresh: bool,
    sink: UnboundedSender<Message>,
    /// Takes what is said of a reading.
    front: Arc<dyn Front>,
    /// The data keys of the last reading.
    data_keys: DataKeys,
}

/// Reads until nobody asks any more.
pub(super) async fn run(
    args: StatusArgs,
    connection: Option<Connection>,
    asks: UnboundedReceiver<Ask>,
    sink: UnboundedSender<Message>,
    front: Arc<dyn Front>,
) {
    let at = args.check.at;
    let mut reader = ReadingParts {
        args,
        at,
        asks,
        early: Vec::new(),
        fresh: true,
        sink,
        front,
        data_keys: DataKeys::default(),
    };
    let mut connection = connection;
    loop {
        let next = Box::pin(reader.reading(connection.take())).await;
        match next {
            Some(again) => connection = again,
            None => return,
        }
    }
}

impl ReadingParts {
    fn send(&self, message: Message) {
        let _ = self.sink.send(message);
    }

    fn failed(&self, failure: OpError) {
        self.send(Message::ReadFailed(Trouble::new(failure.message).hint_if(failure.hint)));
    }

    /// One reading, from the lists to the end of the watches. Returns the connection of the next one; `None` at the end.
    async fn reading(&mut self, connection: Option<Connection>) -> Option<Option<Connection>> {
        let started = Instant::now();
        let mut early = Early::new(self);
        // Beside the rows of a reading before, those of another would be taken for them: bindings are numbered anew.
        early.tells = std::mem::take(&mut self.fresh);
        let open = Open {
            with_namespaces: false,
            with_doings: true,
            for_watch: true,
            all_users: false,
            quiet: self.args.output.quiet,
            ..Open::default()
        };
        let mut look = |inventory: &mut Inventory| early.look(inventory);
        let options = self.args.source.connection.options();
        let cluster = Cluster::over(options, connection, Arc::clone(&self.front));
        let (source, checks) = (self.args.source.source(), self.args.check.checks());
        let opening = Session::open_looking(&cluster, &source, &checks, &[], open, &mut look);
        let mut opening = Box::pin(opening);
        // A cluster that does not answer holds nobody who wants to see another.
        let opened = loop {
            tokio::select! {
                opened = &mut opening => break Ok(opened),
                ask = self.asks.recv() => match ask? {
                    // A reading is under way; and the numbers of a probe are of the one before.
                    Ask::Read | Ask::Probe(_) => {}
                    Ask::At(at) => self.at = at,
                    ask @ (Ask::Namespaces(_) | Ask::Context(_)) => break Err(ask),
                    ask => self.early.push(ask),
                },
            }
        };
        drop(opening);
        let mut session = match opened {
            Ok(Ok(session)) => session,
            Ok(Err(failure)) => {
                self.failed(failure);
                return self.after_failure().await;
            }
            Err(ask) => match self.again(ask).await {
                Some(again) => return Some(again),
                None => return self.after_failure().await,
            },
        };
        if session.trouble == Some(Blame::Usage) {
            self.send(Message::Log(LogLine {
                at: now(),
                level: Level::Error,
                text: "not all manifests could be read: see above".to_owned(),
            }));
        }
        let connection = session.connection.clone();
        let start = session.follow_start();
        self.data_keys.clone_from(&session.scope.data_keys);
        let not_judged = std::mem::take(&mut session.not_judged);
        let mut live = session.into_live();
        live.every_secret = true;
        live.rules.now = self.at.unwrap_or_else(now);
        let judged = live.all();
        self.rows(&live.inventory, &judged, true);
        drop(judged);
        self.apart(&live);
        self.send(Message::NotJudged(not_judged));
        self.send(Message::Read {
            live: connection.is_some(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        let mut current = self.begin(live, start, connection);
        let next = self.keep_current(&mut current).await;
        let CurrentReading { live, connection, .. } = current;
        // A large picture is given back while the next one is read.
        std::thread::spawn(move || drop(live));
        next.map(|again| again.or(connection))
    }

    /// Waits for what may fix a reading that failed: time, or who looks at it.
    async fn after_failure(&mut self) -> Option<Option<Connection>> {
        let early = std::mem::take(&mut self.early);
        early
            .iter()
            .filter_map(Ask::unanswered)
            .for_each(|told| self.send(told));
        let until = tokio::time::Instant::now() + AGAIN;
        loop {
            let ask = match tokio::time::timeout_at(until, self.asks.recv()).await {
                Ok(ask) => ask?,
                Err(_) => return Some(None),
            };
            if let Some(told) = ask.unanswered() {
                self.send(told);
            }
            if let Some(again) = self.again(ask).await {
                return Some(again);
            }
        }
    }

    /// What begins another reading: with its connection, or with a new one. `None` for everything else.
    async fn again(&mut self, ask: Ask) -> Option<Option<Connection>> {
        match ask {
            Ask::Read => Some(None),
            Ask::Namespaces(names) => {
                let source = &mut self.args.source;
                source.all_namespaces = names.is_empty();
                source.namespace = names;
                Some(None)
            }
            Ask::Context(name) => {
                let (args, options) = in_context(&self.args.source.connection, &name);
                match connect(&options).await {
                    Ok(connection) => {
                        self.args.source.connection = args;
                        let mut here = place(&self.args, Some(&connection));
                        // A namespace of another context is seldom one of this.
                        if !self.args.source.all_namespaces {
                            self.args.source.namespace.clear();
                            here.namespaces = vec![connection.namespace.clone()];
                        }
                        self.send(Message::Connected(here));
                        self.fresh = true;
                        Some(Some(connection))
                    }
                    Err(error) => {
                        self.failed(OpError::because(&error));
                        None
                    }
                }
            }
            Ask::At(at) => {
                self.at = at;
                None
            }
            _ => None,
        }
    }
}
