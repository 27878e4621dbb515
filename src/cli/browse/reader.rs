//! The reader: holds the picture of the cluster, keeps it current, and answers what the screen asks of it.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
};

use crate::{
    check::{Reason, Rules, Select, SharedFindings},
    clock::now,
    error::Blame,
    inventory::{BindingId, Inventory},
    k8s::{Connection, WatchState, connect, namespace_exists, namespace_names, watch},
    object::{Change, Forbidden, Key, Kind, Seconds},
    ops::{
        Cluster, Front, OpError,
        session::{Open, Session},
    },
    report::show::Context,
    scan::{
        About, Judged, evaluate,
        live::{Live, News},
        probe::{self, ProbeResults},
    },
    source::pairs::DataKeys,
    tui::{
        Message,
        item::{Item, ItemSubject},
        message::{Level, Link, LogLine, Trouble},
        model::popup::{TextOf, WindowId},
    },
};

use super::{
    super::{
        args::StatusArgs,
        show::{CertificateEvents, Found, certificates_of, picture, said},
    },
    fetch, in_context, place,
};

/// How many changes may wait for the inventory.
const WAITING: usize = 256;
/// Changes that come together are told together.
const TOGETHER: usize = 1024;
/// How many rows travel in one message.
const ROWS: usize = 2_000;
/// While lists arrive, rows are told about so often.
const LOOK: Duration = Duration::from_millis(80);
/// After the last change, so long is waited for more: a deployment changes many objects at once.
const SETTLE: Duration = Duration::from_millis(20);
/// A reading that failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);

/// What the screen asks.
#[derive(Debug)]
pub(super) enum Ask {
    /// Read everything again.
    Read,
    /// Read other namespaces; none is all.
    Namespaces(Vec<String>),
    /// Find out whether there is a namespace of which nothing was read.
    IsNamespace(String),
    /// Find out whether there is a Secret.
    IsSecret(Key),
    /// Read another context.
    Context(String),
    /// Judge as of another day.
    At(Option<Seconds>),
    /// Draw a picture.
    Picture { of: ItemSubject, width: u16 },
    /// Make a text for a window.
    Text {
        window: WindowId,
        what: TextOf,
        of: ItemSubject,
    },
    /// Read a chain as PEM.
    Pem(ItemSubject),
    /// Probe hosts.
    Probe(Vec<About>),
}

/// What was asked of others beside the reading, when it is there.
enum LateAnswer {
    /// Probes.
    Probed(ProbeResults),
    /// The events of cert-manager's Certificates, for a picture.
    CertificateEvents {
        of: ItemSubject,
        width: u16,
        said: CertificateEvents,
    },
}

/// What others have answered so far.
struct Answered {
    probed: Found,
    said: CertificateEvents,
    sink: UnboundedSender<LateAnswer>,
}

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
            for_watch: true,
            all_users: false,
            quiet: self.args.output.quiet,
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
        let starts = std::mem::take(&mut session.read.listing);
        let fetched = std::mem::take(&mut session.read.fetched);
        let scope = session.scope.clone();
        self.data_keys.clone_from(&scope.data_keys);
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
        let (sink, changes) = mpsc::channel(WAITING);
        let (name, named) = mpsc::channel(WAITING);
        for key in fetched {
            live.follow(key);
        }
        live.hand_on(&name);
        let following = connection.clone().map(|connection| {
            let told = self.sink.clone();
            let tell = move |state| match state {
                WatchState::Connected => drop(told.send(Message::Link(Link::Up))),
                WatchState::Lost { why, .. } => drop(told.send(Message::Link(Link::Lost(why)))),
                WatchState::Relisted(kind) => log::debug!("{} were listed again", kind.plural()),
            };
            tokio::spawn(async move { watch(&connection, &scope, starts, named, sink, tell).await })
        });
        let next = self.follow(&mut live, connection.as_ref(), changes, &name).await;
        following.as_ref().inspect(|task| task.abort());
        // A large picture is given back while the next one is read.
        std::thread::spawn(move || drop(live));
        next.map(|again| again.or(connection))
    }

    /// Waits for what may fix a reading that failed: time, or who looks at it.
    async fn after_failure(&mut self) -> Option<Option<Connection>> {
        for ask in std::mem::take(&mut self.early) {
            self.unread(&ask);
        }
        let until = tokio::time::Instant::now() + AGAIN;
        loop {
            let ask = match tokio::time::timeout_at(until, self.asks.recv()).await {
                Ok(ask) => ask?,
                Err(_) => return Some(None),
            };
            self.unread(&ask);
            if let Some(again) = self.again(ask).await {
                return Some(again);
            }
        }
    }

    /// Nothing can be answered without a reading: whoever waits is told.
    fn unread(&self, ask: &Ask) {
        let trouble = Trouble::new("the cluster could not be read")
            .hint("it is retried automatically; the log shows why it failed");
        self.send(match ask {
            Ask::Picture { of, width } => Message::Picture {
                of: of.clone(),
                width: *width,
                lines: Err(trouble),
            },
            Ask::Text { window, .. } => Message::Text {
                window: *window,
                lines: Err(trouble),
            },
            Ask::Pem(_) => Message::Pem(Err(trouble)),
            Ask::IsNamespace(name) => Message::NothingIn(name.clone()),
            Ask::IsSecret(key) => Message::Secret {
                key: key.clone(),
                is_there: Err(trouble),
            },
            Ask::Read | Ask::Namespaces(_) | Ask::Context(_) | Ask::At(_) | Ask::Probe(_) => return,
        });
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

    /// Keeps the picture current and answers, until it is to be read anew.
    async fn follow(
        &mut self,
        live: &mut Live,
        connection: Option<&Connection>,
        mut changes: Receiver<Change>,
        name: &Sender<Key>,
    ) -> Option<Option<Connection>> {
        let (answered, mut answers) = mpsc::unbounded_channel();
        let mut found = Answered {
            probed: Found::default(),
            said: CertificateEvents::new(),
            sink: answered,
        };
        let mut batch = Vec::new();
        let mut watched = connection.is_some();
        loop {
            let wait = self.until_time_changes_something(live);
            let mut early = std::mem::take(&mut self.early);
            tokio::select! {
                biased;
                ask = async { if early.is_empty() { self.asks.recv().await } else { early.pop() } } => {
                    // Whoever holds an arrow key down wants the last day, and the last picture.
                    let mut asks = early;
                    asks.push(ask?);
                    while let Ok(more) = self.asks.try_recv() {
                        asks.push(more);
                    }
                    for ask in latest(asks) {
                        if let (Ask::Namespaces(names), Some(connection)) = (&ask, connection)
                            && let Some(told) = not_there(connection, names).await
                        {
                            self.send(told);
                            continue;
                        }
                        let ask = match ask {
                            ask @ (Ask::Read | Ask::Namespaces(_) | Ask::Context(_)) => {
                                if let Some(again) = self.again(ask).await {
                                    return Some(again);
                                }
                                continue;
                            }
                            ask => ask,
                        };
                        match ask {
                            Ask::Probe(chosen) => self.probe(chosen, live, found.sink.clone()),
                            ask => self.answer(ask, live, connection, &found),
                        }
                    }
                }
                Some(answer) = answers.recv() => match answer {
                    LateAnswer::Probed(asked) => self.probed(asked, live, &mut found.probed),
                    LateAnswer::CertificateEvents { of, width, said } => {
                        found.said.extend(said);
                        self.draw(live, &found, &of, width);
                    }
                },
                received = changes.recv_many(&mut batch, TOGETHER), if watched => {
                    if received == 0 {
                        watched = false;
                    } else {
                        tokio::time::sleep(SETTLE).await;
                        while batch.len() < TOGETHER * 4 {
                            let Ok(change) = changes.try_recv() else { break };
                            batch.push(change);
                        }
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
            if self.at.is_none() {
                live.rules.now = now();
            }
            for change in batch.drain(..) {
                match change {
                    Change::Forbidden(forbidden) if forbidden.verb == "watch" => self.unwatched(&forbidden),
                    change => live.apply(change),
                }
            }
            let news = live.settle();
            live.hand_on(name);
            self.news(&live.inventory, &news);
            let moment = live.rules.now;
            let more = live.time(moment);
            self.news(&live.inventory, &more);
            if !(news.is_empty() && more.is_empty()) {
                self.apart(live);
            }
        }
    }

    fn until_time_changes_something(&self, live: &Live) -> Duration {
        if self.at.is_some() {
            return LONGEST;
        }
        let left = live.next_change().map(|at| at.saturating_sub(live.rules.now).max(0));
        let left = left.and_then(|seconds| u64::try_from(seconds).ok());
        left.map_or(LONGEST, Duration::from_secs).clamp(SHORTEST, LONGEST)
    }

    fn unwatched(&self, forbidden: &Forbidden) {
        self.send(Message::Unwatched(forbidden.kind.plural()));
    }

    /// Tells rows in messages of moderate size, so that the screen is drawn between them.
    fn rows(&self, inventory: &Inventory, judged: &[Judged], whole: bool) {
        let items =
            |judged: &[Judged]| -> Vec<Item> { judged.iter().filter_map(|one| Item::new(inventory, one)).collect() };
        if whole {
            self.send(Message::Rows {
                whole: true,
                set: items(judged),
                gone: Vec::new(),
            });
            return;
        }
        for part in judged.chunks(ROWS) {
            self.send(Message::Rows {
                whole: false,
                set: items(part),
                gone: Vec::new(),
            });
        }
    }

    /// How much is not chosen.
    fn apart(&self, live: &Live) {
        if live.select.chooses() {
            self.send(Message::LeftOut(live.left_out()));
        }
    }

    fn news(&self, inventory: &Inventory, news: &News) {
        if !news.gone.is_empty() {
            self.send(Message::Rows {
                whole: false,
                set: Vec::new(),
                gone: news.gone.clone(),
            });
        }
        self.rows(inventory, &news.judged, false);
    }

    fn answer(&mut self, ask: Ask, live: &mut Live, connection: Option<&Connection>, found: &Answered) {
        match ask {
            Ask::Read | Ask::Namespaces(_) | Ask::Context(_) | Ask::Probe(_) => {}
            Ask::At(at) => {
                self.at = at;
                live.rules.now = at.unwrap_or_else(now);
                let judged = live.all();
                self.rows(&live.inventory, &judged, true);
                self.apart(live);
            }
            Ask::Picture { of, width } => self.picture(live, connection, found, &of, width),
            Ask::Text { window, what, of } => self.text(live, connection, window, what, of),
            Ask::Pem(of) => drop(self.pem(live, connection, &of)),
            Ask::IsNamespace(name) => {
                let (connection, sink) = (connection.cloned(), self.sink.clone());
                tokio::spawn(async move {
                    let told = match &connection {
                        Some(connection) => not_there(connection, std::slice::from_ref(&name)).await,
                        None => None,
                    };
                    let _ = sink.send(told.unwrap_or(Message::NothingIn(name)));
                });
            }
            Ask::IsSecret(key) => drop(fetch::is_secret(connection.cloned(), key, self.sink.clone())),
        }
    }

    fn text(&self, live: &Live, connection: Option<&Connection>, window: WindowId, what: TextOf, of: ItemSubject) {
        let (connection, sink) = (connection.cloned(), self.sink.clone());
        match what {
            TextOf::Certificates => self.send(Message::Text {
                window,
                lines: fetch::decoded(&live.inventory, &of, live.rules.now),
            }),
            TextOf::Yaml => drop(fetch::yaml(connection, of, window, sink)),
            TextOf::Users => drop(fetch::users(&live.inventory, connection, &of, window, sink)),
        }
    }

    /// Draws at once what is known; what cert-manager has said is asked for, and drawn when it is there.
    fn picture(&self, live: &Live, connection: Option<&Connection>, found: &Answered, of: &ItemSubject, width: u16) {
        self.draw(live, found, of, width);
        let certificates = certificates_of(&live.inventory, &judged(live, of), of.kind, &of.key);
        let Some(connection) = connection.filter(|_| !certificates.is_empty()).cloned() else {
            return;
        };
        let (sink, of) = (found.sink.clone(), of.clone());
        tokio::spawn(async move {
            let said = said(&connection, certificates).await;
            let _ = sink.send(LateAnswer::CertificateEvents { of, width, said });
        });
    }

    fn draw(&self, live: &Live, found: &Answered, of: &ItemSubject, width: u16) {
        self.send(Message::Picture {
            of: of.clone(),
            width,
            lines: Ok(lines(live, found, of, width)),
        });
    }

    fn pem(&self, live: &Live, connection: Option<&Connection>, of: &ItemSubject) -> JoinHandle<()> {
        let secret = fetch::secrets_of(&live.inventory, of).into_iter().next();
        if !self.args.source.filename.is_empty() {
            return fetch::pem_of_manifests(
                self.args.source.clone(),
                self.data_keys.clone(),
                secret,
                self.sink.clone(),
            );
        }
        fetch::pem(connection.cloned(), secret, self.sink.clone())
    }

    /// Asks the servers beside the reading: many that do not answer take minutes.
    fn probe(&self, chosen: Vec<About>, live: &Live, answered: UnboundedSender<LateAnswer>) {
        let mut ids: Vec<BindingId> = chosen
            .into_iter()
            .flat_map(|about| match about {
                About::Binding(id) => vec![id],
                About::Secret(key) => live.inventory.bindings_of_secret(&key).to_vec(),
                About::Forbidden(_) => Vec::new(),
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let options = self.args.probe.options();
        let places = probe::places(&live.inventory, &ids);
        tokio::spawn(async move {
            // Nobody listens any more once everything is read anew.
            let _ = answered.send(LateAnswer::Probed(probe::ask(places, &options).await));
        });
    }

    fn probed(&self, mut asked: ProbeResults, live: &mut Live, found: &mut Found) {
        asked.retain(|place| {
            let binding = live.inventory.bindings().get(place.binding);
            binding.is_some_and(|binding| binding.route == place.route && binding.host == place.host)
        });
        let (probed, answers) = asked.judged(&live.judge);
        let ids: Vec<BindingId> = probed.keys().copied().collect();
        found.1.retain(|answer| !probed.contains_key(&answer.binding));
        found.1.extend(answers);
        found.0.extend(probed.clone());
        live.probed.extend(probed);
        let mut news = News::default();
        for id in &ids {
            live.binding(*id, &mut news);
        }
        self.news(&live.inventory, &news);
        self.send(Message::Probed(ids.len()));
    }
}

/// Why other namespaces are not read: one of them is not there.
async fn not_there(connection: &Connection, names: &[String]) -> Option<Message> {
    for name in names {
        if namespace_exists(connection, name).await == Some(false) {
            let known = namespace_names(connection).await;
            let meant = crate::text::nearest(name, known.iter().map(String::as_str));
            return Some(Message::NoNamespace {
                name: name.clone(),
                meant: meant.map(str::to_owned),
            });
        }
    }
    None
}

/// What was asked, without what a later question makes moot.
fn latest(asks: Vec<Ask>) -> Vec<Ask> {
    let last_day = asks.iter().rposition(|ask| matches!(ask, Ask::At(_)));
    let last_picture = asks.iter().rposition(|ask| matches!(ask, Ask::Picture { .. }));
    let counts = |(at, ask): (usize, Ask)| match ask {
        Ask::At(_) if Some(at) != last_day => None,
        Ask::Picture { .. } if Some(at) != last_picture => None,
        ask => Some(ask),
    };
    asks.into_iter().enumerate().filter_map(counts).collect()
}

/// Everything that a picture is of, with its verdicts.
fn judged(live: &Live, of: &ItemSubject) -> Vec<Judged> {
    let inventory = &live.inventory;
    let ids: Vec<BindingId> = if of.kind == Kind::Secret {
        inventory.bindings_of_secret(&of.key).to_vec()
    } else {
        let of_route =
            |binding: &crate::inventory::Binding| binding.route.kind == of.kind && binding.route.key == of.key;
        inventory
            .bindings()
            .iter()
            .filter(|(_, b)| of_route(b))
            .map(|(id, _)| id)
            .collect()
    };
    let shared = SharedFindings::new(inventory, &live.rules);
    let mut judged: Vec<Judged> = ids
        .iter()
        .filter_map(|id| evaluate::binding(inventory, *id, live.rules, &live.select, live.probed.get(id), &shared))
        .collect();
    if of.kind == Kind::Secret && judged.is_empty() {
        let wanted = std::collections::BTreeSet::from([of.key.clone()]);
        judged.extend(evaluate::secret(
            inventory,
            of.key.clone(),
            live.rules,
            &live.select,
            &wanted,
        ));
    }
    judged
}

/// The picture as it can be drawn now.
fn lines(live: &Live, found: &Answered, of: &ItemSubject, width: u16) -> crate::tui::message::StyledLines {
    let context = Context {
        now: live.rules.now,
        colour: false,
        width: usize::from(width),
        ascii: false,
    };
    let judged = judged(live, of);
    picture(
        &live.inventory,
        &found.said,
        &judged,
        &found.probed,
        (of.kind, &of.key),
        |show| crate::report::show::lines(show, &context),
    )
}

/// Rows before everything has been read: of what is complete already, as far as that can be told.
struct Early {
    sink: UnboundedSender<Message>,
    rules: Rules,
    select: Select,
    told: HashSet<BindingId>,
    /// Whether rows are told before all has been read.
    tells: bool,
    last: Instant,
}

impl Early {
    fn new(reader: &ReadingParts) -> Self {
        let check = &reader.args.check;
        Self {
            sink: reader.sink.clone(),
            rules: Rules {
                now: reader.at.unwrap_or_else(now),
                expiring_within: check.expiring_within.and_then(|d| Seconds::try_from(d.as_secs()).ok()),
            },
            select: Select {
                min_severity: check.min_severity.map(Into::into),
                only: check.reason.iter().copied().collect(),
                ignored: check.ignore.iter().copied().collect(),
                unread: [Reason::OrphanSecret, Reason::StalePods].into(),
            },
            told: HashSet::new(),
            tells: true,
            last: Instant::now(),
        }
    }

    fn look(&mut self, inventory: &mut Inventory) {
        if self.last.elapsed() < LOOK {
            return;
        }
        inventory.settle();
        let mut set = Vec::new();
        // Until the classes are there, nobody knows which controller serves a route.
        if self.tells && inventory.knows_all(Kind::IngressClass) {
            let inventory = &*inventory;
            let shared = SharedFindings::default();
            for (id, binding) in inventory.bindings().iter() {
                let there = !binding.secrets.is_empty()
                    && binding.secrets.iter().all(|key| inventory.secrets().get(key).is_some());
                if !there || !self.told.insert(id) {
                    continue;
                }
                let judged = evaluate::binding(inventory, id, self.rules, &self.select, None, &shared);
                let judged = judged.filter(|one| one.chosen);
                set.extend(judged.and_then(|judged| Item::new(inventory, &judged)));
            }
        }
        let _ = self.sink.send(Message::Progress {
            hosts: inventory.bindings().iter().count(),
            secrets: inventory.secrets().len(),
        });
        if !set.is_empty() {
            let _ = self.sink.send(Message::Rows {
                whole: false,
                set,
                gone: Vec::new(),
            });
        }
        self.last = Instant::now();
    }
}
