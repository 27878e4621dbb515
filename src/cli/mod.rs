//! The commands: one file each. None has logic of its own about certificates.

mod account;
mod agree;
pub mod args;
mod ask;
mod browse;
mod cleanup;
mod colour;
mod complete;
mod config;
mod controllers;
mod counted;
mod directory;
mod explain;
mod foreseen;
mod issuance;
mod man;
mod preflight;
mod progress;
mod reach;
mod renew;
mod respond;
mod revoke;
mod rollback;
mod session;
mod settings;
mod show;
mod since;
mod status;
mod sweep;
pub mod target;
mod told;
mod typed;
mod version;
mod waiting;
mod watch;

use std::{
    future::Future,
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::{
    CommandFactory as _, Parser as _,
    error::{ContextKind, ContextValue},
};

use crate::{
    engine::cancel::{self, Cancel},
    error::{Exit, Failure},
    text::{Clear, clear::is_unsafe},
    tui::message::Level,
};
use args::{Cli, Command, StatusCommand};

/// Runs the program on the process's arguments. Returns how it ends; what went wrong has been told on stderr.
pub fn run() -> Exit {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let words: Vec<std::ffi::OsString> = words.collect();
    let verbosity = typed::verbosity(&words);
    let line = std::iter::once(program).chain(typed::in_order(words));
    let cli = match Cli::try_parse_from(line) {
        Ok(cli) => cli,
        Err(mut error) => {
            // Help and version come as errors that go to stdout.
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Ok;
            }
            without_hidden(&mut error);
            complain(&error);
            return Exit::Usage;
        }
    };
    start_log(verbosity);
    let result = match cli.command {
        None if browse::wanted(&cli.status) => on_plain_runtime(browse::run(cli.status, cli.read_only)),
        None => on_runtime(status::run(
            StatusCommand {
                targets: Vec::new(),
                args: cli.status,
            },
            false,
        )),
        Some(Command::Status(command)) => on_runtime(status::run(*command, false)),
        Some(Command::Probe(command)) => on_runtime(status::run(*command, true)),
        Some(Command::Show(command)) => on_runtime(show::run(*command)),
        Some(Command::Account(command)) => on_runtime(account::run(*command)),
        Some(Command::Config(command)) => on_runtime(config::run(*command)),
        Some(Command::Preflight(command)) => on_runtime(preflight::run(*command)),
        Some(Command::Renew(command)) => on_runtime_giving_up(|cancel| renew::run(*command, cancel)),
        Some(Command::Issue(command)) => on_runtime_giving_up(|cancel| renew::issue(*command, cancel)),
        Some(Command::Revoke(command)) => on_runtime(revoke::run(*command)),
        Some(Command::Rollback(command)) => on_runtime(rollback::run(*command)),
        Some(Command::Cleanup(command)) => on_runtime(cleanup::run(*command)),
        Some(Command::Explain(command)) => explain::run(&command),
        Some(Command::Version(command)) => version::run(&command),
        Some(Command::Respond(command)) => on_plain_runtime(respond::run(command)),
        Some(Command::Completion { shell }) => print(&complete::script(shell)),
        Some(Command::Man) => man::page()
            .map_err(|error| Failure::new(Exit::Usage, error))
            .and_then(|page| print(&page)),
        Some(Command::Complete { words, read_on }) => complete::run(&words, read_on),
    };
    result.unwrap_or_else(|failure| {
        let _ = writeln!(anstream::stderr(), "{failure}");
        failure.exit
    })
}

/// Takes commands that are for programs alone out of what is suggested.
fn without_hidden(error: &mut clap::Error) {
    let root = Cli::command();
    let hidden = |name: &String| root.find_subcommand(name).is_some_and(clap::Command::is_hide_set);
    let seen: Vec<String> = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => return,
    };
    if !seen.iter().any(hidden) {
        return;
    }
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::Suggested);
    let left: Vec<String> = seen.into_iter().filter(|name| !hidden(name)).collect();
    if !left.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(left));
    }
}

/// Tells what is wrong with the command line. An argument may come from elsewhere by way of a script.
fn complain(error: &clap::Error) {
    let harmless = |word: std::ffi::OsString| !word.to_string_lossy().chars().any(is_unsafe);
    if std::env::args_os().all(harmless) {
        let _ = error.print();
        return;
    }
    for line in error.render().to_string().lines() {
        let _ = writeln!(anstream::stderr(), "{}", Clear(line));
    }
}

/// Runs what looks after Ctrl-C and signals itself.
fn on_plain_runtime(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Cluster, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// Runs a command until it ends or Ctrl-C is pressed.
fn on_runtime(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Cluster, format!("cannot start threads: {error}")))?;
    // A task of its own, which ends the process: the command may be reading standard input, or computing.
    runtime.spawn(async {
        let exit = interrupted().await;
        std::process::exit(exit as i32);
    });
    let result = runtime.block_on(command);
    // A name that the system's resolver never answers for must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Runs a command that cleans up when Ctrl-C is pressed (or SIGTERM arrives); a second time ends it at once.
fn on_runtime_giving_up<F>(command: impl FnOnce(Cancel) -> F) -> Result<Exit, Failure>
where
    F: Future<Output = Result<Exit, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Cluster, format!("cannot start threads: {error}")))?;
    let (canceller, cancel) = cancel::pair();
    let watching = cancel.clone();
    runtime.spawn(async move {
        let exit = interrupted().await;
        // Until something is under way there is nothing to clean up.
        if !watching.has_begun() {
            std::process::exit(exit as i32);
        }
        TERMINATED.store(exit == Exit::Terminated, Ordering::Relaxed);
        note("interrupted: cleaning up; Ctrl-C again stops at once, and `kubectl certs cleanup` removes the rest");
        canceller.cancel();
        let exit = interrupted().await;
        std::process::exit(exit as i32);
    });
    let result = runtime.block_on(command(cancel));
    runtime.shutdown_background();
    // What was cleaned up after is told by the same status as what was not.
    match result {
        Ok(Exit::Interrupted) if TERMINATED.load(Ordering::Relaxed) => Ok(Exit::Terminated),
        Err(failure) if failure.exit == Exit::Interrupted && TERMINATED.load(Ordering::Relaxed) => Err(Failure {
            exit: Exit::Terminated,
            ..failure
        }),
        other => other,
    }
}

/// Whether SIGTERM is what ends the run.
static TERMINATED: AtomicBool = AtomicBool::new(false);

/// Returns when the process is asked to end: the exit status that says by what.
async fn interrupted() -> Exit {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => match result {
            Ok(()) => Exit::Interrupted,
            Err(_) => std::future::pending().await,
        },
        () = terminated => Exit::Terminated,
    }
}

/// `KUBECTL_CERTS_LOG` chooses what the program logs, as `tracing` directives; else `-v N`, as kubectl counts; warnings without
/// either.
fn start_log(verbosity: u8) {
    let usual = match verbosity {
        0 => "kubectl_certs=warn",
        1..=3 => "kubectl_certs=info",
        4..=7 => "kubectl_certs=debug",
        _ => "kubectl_certs=trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("KUBECTL_CERTS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(told::LogWriter)
        .with_ansi(false)
        .without_time();
    let _ = log.try_init();
}

/// Writes to stdout. A closed pipe is no error: whoever reads has seen enough.
fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    if let Some(front) = told::front() {
        front.print(bytes);
        return Ok(Exit::Ok);
    }
    let mut out = std::io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

fn written(result: std::io::Result<()>) -> Result<Exit, Failure> {
    match result {
        Ok(()) => Ok(Exit::Ok),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(error) => Err(Failure::new(
            Exit::Usage,
            format!("cannot write to standard output: {error}"),
        )),
    }
}

fn stderr_line(level: Level, kind: &str, text: &str) {
    if told::is_silent() {
        return;
    }
    if let Some(front) = told::front() {
        front.say(level, text.trim());
        return;
    }
    let _ = writeln!(anstream::stderr(), "{kind}{}", Clear(text.trim()));
}

/// Something that went wrong, while the rest is still reported.
fn error_line(text: &str) {
    stderr_line(Level::Error, "error: ", text);
}

/// Something that the user should know of.
fn warn(text: &str) {
    stderr_line(Level::Warning, "warning: ", text);
}

/// Something that the user may like to know.
fn note(text: &str) {
    stderr_line(Level::Note, "", text);
}
