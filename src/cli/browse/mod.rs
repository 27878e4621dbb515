//! `kubectl certs` on a terminal: the screen, and what its effects do.
//!
//! ```text
//! keys ──→ tui (model, update, view) ──→ effects ─┬→ reader: scan, watch, pictures, probes
//!              ↑                                  ├→ runs: renew, revoke, rollback, restart, as the commands do them
//!              └──────────── messages ────────────┴→ files, clipboard
//! ```

mod fetch;
mod heard;
mod reader;
mod runs;
pub(super) mod settings;

use std::{
    io::IsTerminal as _,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::ValueEnum as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    cli::failure::Exit,
    clock::now,
    error::Diagnose,
    event::Listen,
    k8s::{ConnectOptions, Connection, contexts},
    object::Seconds,
    ops::{
        Cluster, Front, OpError,
        front::{Nobody, Waiting, Words},
        reach::cluster_flags,
    },
    plan::Plan,
    settings::{
        env,
        keep::{Change, NotKept},
    },
    solve::dns01::Operator,
    tui::{
        self, Effect, Message, Model,
        message::{Level, LogLine, Signal, SourceInfo, Trouble},
        run::Outside,
        terminal::{self, Screen},
    },
};

use super::{
    args::{ClusterArgs, StatusArgs},
    front::Terminal,
    log::Log,
};
use reader::Ask;
use runs::Runs;

/// How long runs may take to clean up when the program ends.
const CLEAN_UP: Duration = Duration::from_mins(1);

/// Whether there is a terminal to draw on, and nothing was asked for that is only printed.
pub(super) fn wanted(args: &StatusArgs) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    let output = &args.output;
    let printed = args.watch
        || args.probe.connects()
        || args.confirm
        || args.check.fail_on.is_some()
        || args.check.strict
        || args.by.is_some()
        || args.since.is_some()
        || output.output.is_some()
        || output.no_headers
        || output.show_labels
        || output.sort_by.is_some();
    // Standard input is read for keys: manifests cannot come from there as well.
    let piped = args.source.filename.iter().any(|file| file.as_os_str() == "-");
    terminal && !dumb && !printed && !piped
}

/// Takes the terminal over until the user quits.
pub(super) async fn run(args: StatusArgs, read_only: bool, log: Log) -> Result<Exit, OpError> {
    let started = Instant::now();
    let ui = settings::ui(&args, read_only).await?;
    let manifests = !args.source.filename.is_empty();
    // Sign-in programs of a kubeconfig may want the terminal: they run before it is taken over.
    let connection = if manifests {
        None
    } else {
        let cluster = Cluster::new(args.source.connection.options(), Terminal::telling());
        Some(cluster.connection().await?.clone())
    };
    let place = place(&args, connection.as_ref());
    let columns = settings::columns(&args).await?;
    let (sink, mut messages) = unbounded_channel();
    let mut screen =
        Screen::take().map_err(|error| OpError::usage(format!("cannot draw on this terminal: {error}")))?;
    terminal::mouse(!ui.no_mouse);
    let front: Arc<dyn Front> = Arc::new(Screened { sink: sink.clone() });
    log.divert(Some(Arc::clone(&front)));
    crate::k8s::terminal_is_taken(true);
    let size = screen
        .terminal
        .size()
        .map_or((80, 24), |size| (size.width, size.height));
    let mut model = Model::new(ui, place, size, args.check.at.unwrap_or_else(now));
    model.at = args.check.at;
    model.begun_at = args.check.at;
    model.columns = columns;
    let mut inputs = match terminal::inputs() {
        Ok(inputs) => inputs,
        Err(error) => {
            drop(screen);
            log.divert(None);
            return Err(OpError::usage(format!("cannot read from this terminal: {error}")));
        }
    };
    // The first frame is there before anything is asked of the cluster.
    let _ = tui::run::frame(&mut *screen.terminal, &mut model);
    let (ask, asks) = unbounded_channel();
    let connecting = args.source.connection.clone();
    let config = args.check.config.clone();
    let (runtime, told) = (tokio::runtime::Handle::current(), sink.clone());
    // A thread of its own: parsing and judging would keep others waiting.
    std::thread::spawn(move || runtime.block_on(reader::run(args, connection, asks, told, front)));
    let mut hands = Hands {
        ask,
        sink: sink.clone(),
        runs: Runs::new(sink, connecting),
        config,
        started,
    };
    let ended = tui::run::run(
        &mut *screen.terminal,
        &mut model,
        &mut inputs,
        &mut messages,
        &mut hands,
    )
    .await;
    crate::k8s::terminal_is_taken(false);
    drop(screen);
    log.divert(None);
    hands.runs.finish(CLEAN_UP).await;
    let exit = match ended {
        Ok(None) => Exit::Ok,
        Ok(Some(Signal::Interrupt)) => Exit::Interrupted,
        Ok(Some(Signal::Terminate)) => Exit::Terminated,
        // The terminal is gone.
        Ok(Some(Signal::HangUp)) | Err(_) => Exit::HungUp,
    };
    // The process ends: the system takes what is held back at once, which freeing piece by piece does not.
    std::mem::forget(model);
    Ok(exit)
}

/// Where it comes from, for the header.
fn place(args: &StatusArgs, connection: Option<&Connection>) -> SourceInfo {
    let source = &args.source;
    let Some(connection) = connection else {
        let files: Vec<String> = source.filename.iter().map(|file| file.display().to_string()).collect();
        let recursive = source.recursive.then(|| "-R".to_owned());
        let mut flags: Vec<String> = files.iter().flat_map(|file| ["-f".to_owned(), file.clone()]).collect();
        flags.extend(recursive);
        return SourceInfo {
            namespaces: source.namespace.clone(),
            manifests: Some(files.join(", ")),
            flags,
            ca_flags: settings::ca_flags(args),
            config_flags: settings::config_flags(args),
            check_flags: check_flags(args),
            ..SourceInfo::default()
        };
    };
    let namespaces = match (source.all_namespaces, source.namespace.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => vec![connection.namespace.clone()],
        (false, given) => given.to_vec(),
    };
    SourceInfo {
        context: connection.context.clone(),
        cluster: connection.cluster.clone(),
        user: connection.user.clone(),
        namespaces,
        manifests: None,
        contexts: contexts(&source.connection.options()),
        flags: cluster_flags(&source.connection.options(), source.connection.context.clone()),
        ca_flags: settings::ca_flags(args),
        config_flags: settings::config_flags(args),
        check_flags: check_flags(args),
    }
}

/// The flags that say what is looked at and what counts, as they were given.
fn check_flags(args: &StatusArgs) -> Vec<String> {
    let (source, check) = (&args.source, &args.check);
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: String| flags.extend([format!("--{name}"), value]);
    for pattern in &source.exclude_namespace {
        flag("exclude-namespace", pattern.clone());
    }
    if let Some(selector) = &source.selector {
        flag("selector", selector.clone());
    }
    if let Some(selector) = &source.field_selector {
        flag("field-selector", selector.clone());
    }
    for reason in &check.reason {
        flag("reason", reason.to_string());
    }
    for reason in &check.ignore {
        flag("ignore", reason.to_string());
    }
    if let Some(least) = check.min_severity.and_then(|least| least.to_possible_value()) {
        flag("min-severity", least.get_name().to_owned());
    }
    if let Some(within) = check.expiring_within {
        let hours = within.as_secs() / 3_600;
        flag("expiring-within", format!("{hours}h"));
    }
    flags
}

/// Takes what is said while the screen is taken over, outside of any run.
struct Screened {
    sink: UnboundedSender<Message>,
}

impl Front for Screened {
    fn say(&self, level: Level, text: &str) {
        let _ = self.sink.send(Message::Log(LogLine {
            at: now(),
            level,
            text: text.to_owned(),
        }));
    }

    fn print(&self, text: &str) -> Result<(), OpError> {
        self.say(Level::Note, text.trim());
        Ok(())
    }

    /// The screen has its own way.
    fn wonder(&self, _: Words) -> Waiting {
        Waiting::default()
    }

    /// Nothing happens outside of runs.
    fn listener(&self) -> Arc<dyn Listen> {
        Nobody.listener()
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Nobody.operator()
    }

    fn confirm(&self, plan: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        Nobody.confirm(plan)
    }

    fn ask(&self, question: String) -> BoxFuture<'_, bool> {
        Front::ask(&Nobody, question)
    }
}

/// What the screen's effects are done with.
struct Hands {
    ask: UnboundedSender<Ask>,
    sink: UnboundedSender<Message>,
    runs: Runs,
    /// The settings file, where one was named.
    config: Option<std::path::PathBuf>,
    started: Instant,
}

impl Outside for Hands {
    fn effect(&mut self, effect: Effect) {
        let ask = match effect {
            Effect::Quit { .. } => return,
            Effect::Copy(text) => return terminal::copy(&text),
            Effect::Mouse(on) => return terminal::mouse(on),
            Effect::Bell => return terminal::bell(),
            Effect::Run { id, job, command } => return self.runs.start(id, job, &command),
            Effect::Answer { id, yes } => return self.runs.answer(id, yes),
            Effect::Cancel(id) => return self.runs.cancel(id),
            Effect::Write { path, bytes } => {
                let sink = self.sink.clone();
                tokio::spawn(async move {
                    let _ = sink.send(Message::Written(write(&path, &bytes).await));
                });
                return;
            }
            Effect::Keep { settings, agreed } => {
                let _ = self
                    .sink
                    .send(keep(settings, self.config.as_deref(), agreed.as_deref()));
                return;
            }
            Effect::RunsIn(context) => return self.runs.use_context(&context),
            Effect::Context(name) => Ask::Context(name),
            Effect::Read => Ask::Read,
            Effect::Namespaces(names) => Ask::Namespaces(names),
            Effect::LookForNamespace(name) => Ask::IsNamespace(name),
            Effect::LookForSecret(key) => Ask::IsSecret(key),
            Effect::At(at) => Ask::At(at),
            Effect::Picture { of, width } => Ask::Picture { of, width },
            Effect::Text { window, what, of } => Ask::Text { window, what, of },
            Effect::Pem(of) => Ask::Pem(of),
            Effect::Probe(chosen) => Ask::Probe(chosen),
        };
        let _ = self.ask.send(ask);
    }

    fn suspend(&mut self) -> std::io::Result<()> {
        terminal::suspend()
    }

    fn clock(&self) -> (Seconds, u64) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        (now(), ms)
    }
}

/// Writes a new file. One that is there is not written over.
async fn write(path: &std::path::Path, bytes: &[u8]) -> Result<String, Trouble> {
    use tokio::io::AsyncWriteExt as _;
    let shown = path.display().to_string();
    let opened = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .await;
    let result = match opened {
        Ok(mut file) => match file.write_all(bytes).await {
            Ok(()) => file.flush().await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    result.map(|()| shown.clone()).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Trouble::new(format!("{shown} already exists")).hint("choose another name")
        }
        _ => Trouble::new(format!("cannot write {shown}: {error}")),
    })
}

/// Says what would be kept in the user's settings, or keeps it where that is what was agreed to.
fn keep(settings: Vec<(String, String)>, config: Option<&std::path::Path>, agreed: Option<&[String]>) -> Message {
    let trouble = |why: NotKept| Trouble::new(why.to_string()).hint_if(why.hint());
    let change = match Change::of(&settings, config, &env::process) {
        Ok(change) => change,
        Err(why) => return Message::Kept(Err(trouble(why))),
    };
    let file = change.path.display().to_string();
    match agreed {
        None => Message::Keeps {
            settings,
            file,
            lines: change.shown,
        },
        Some(lines) if lines == change.shown => Message::Kept(change.write().map(|()| file).map_err(trouble)),
        Some(_) => Message::Kept(Err(Trouble::new(format!(
            "{file} has been changed meanwhile, and was left"
        ))
        .hint("look again"))),
    }
}

/// The options of a connection to another context.
fn in_context(args: &ClusterArgs, name: &str) -> (ClusterArgs, ConnectOptions) {
    let mut args = args.clone();
    args.context = Some(name.to_owned());
    let options = args.options();
    (args, options)
}
