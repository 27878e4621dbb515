//! The commands: one file each. None has logic of its own about certificates.

mod account;
mod adopt;
mod again;
pub mod args;
mod ask;
mod browse;
mod cleanup;
mod colour;
mod complete;
mod config;
mod controller;
mod domains;
mod ensure;
mod explain;
mod export;
pub mod failure;
mod forecast;
mod front;
mod install;
mod labels;
mod limits;
mod locale;
mod log;
mod man;
mod manual;
mod misread;
mod no_secrets;
mod preflight;
mod progress;
mod proof;
mod renew;
mod respond;
mod revoke;
mod rights;
mod rollback;
mod runtime;
mod settings;
mod show;
mod since;
mod status;
mod summary;
mod typed;
mod version;
mod watch;
mod whom;
mod why;

use std::io::Write as _;

use clap::Parser as _;

use crate::{
    cli::failure::Exit,
    error::Blame,
    ops::OpError,
    text::{Clear, clear::is_unsafe, wrap::message},
};
use args::{Cli, Command, StatusCommand};
use log::Log;
use runtime::{on_plain_runtime, on_runtime, on_runtime_giving_up};

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
            misread::improve(&mut error);
            complain(&error);
            return Exit::Usage;
        }
    };
    let log = Log::begin(verbosity);
    let result = match cli.command {
        None if browse::wanted(&cli.status) => on_plain_runtime(browse::run(cli.status, cli.read_only, log)),
        None => {
            no_secrets::tell_of_no_screen(&cli.status);
            on_runtime(status::run(
                StatusCommand {
                    targets: Vec::new(),
                    args: cli.status,
                },
                false,
            ))
        }
        Some(Command::Status(command)) => on_runtime(status::run(*command, false)),
        Some(Command::Probe(command)) => on_runtime(status::run(*command, true)),
        Some(Command::Show(command)) => on_runtime(show::run(*command)),
        Some(Command::Account(command)) => on_runtime(account::run(*command)),
        Some(Command::Config(command)) => on_runtime(config::run(*command)),
        Some(Command::Preflight(command)) => on_runtime(preflight::run(*command)),
        Some(Command::Limits(command)) => on_runtime(limits::run(*command)),
        Some(Command::Forecast(command)) => on_runtime(forecast::run(*command)),
        Some(Command::Why(command)) => on_runtime(why::run(*command)),
        Some(Command::Renew(command)) => on_runtime_giving_up(|cancel| renew::run(*command, cancel)),
        Some(Command::Issue(command)) => on_runtime_giving_up(|cancel| renew::issue(*command, cancel)),
        Some(Command::Ensure(command)) => on_runtime_giving_up(|cancel| ensure::run(*command, cancel)),
        Some(Command::Revoke(command)) => on_runtime(revoke::run(*command)),
        Some(Command::Rollback(command)) => on_runtime(rollback::run(*command)),
        Some(Command::Export(command)) => on_runtime(export::run(*command)),
        Some(Command::Proof(command)) => on_runtime(proof::run(*command)),
        Some(Command::Controller(command)) => on_runtime_giving_up(|cancel| controller::run(*command, cancel)),
        Some(Command::Pause(command)) => on_runtime(controller::pause(*command)),
        Some(Command::Resume(command)) => on_runtime(controller::resume(*command)),
        Some(Command::Adopt(command)) => on_runtime_giving_up(|cancel| adopt::run(*command, cancel)),
        Some(Command::Domains(command)) => on_runtime_giving_up(|cancel| domains::run(*command, cancel)),
        Some(Command::Install(command)) => on_runtime(install::run(*command)),
        Some(Command::Uninstall(command)) => on_runtime(install::uninstall(*command)),
        Some(Command::Cleanup(command)) => on_runtime(cleanup::run(*command)),
        Some(Command::Explain(command)) => explain::run(&command),
        Some(Command::Rights(command)) => rights::run(&command),
        Some(Command::Version(command)) => version::run(&command),
        Some(Command::Respond(command)) => on_plain_runtime(respond::run(command)),
        Some(Command::Completion { shell }) => print(&complete::script(shell)),
        Some(Command::Man(command)) => man::run(&command),
        Some(Command::Complete {
            mut words,
            read_on,
            next,
        }) => {
            words.extend(next.then(String::new));
            complete::run(&words, read_on)
        }
    };
    result.unwrap_or_else(|failure| ended(&failure))
}

/// Tells a failure, which is the last that is said. Returns its exit status.
fn ended(failure: &OpError) -> Exit {
    let mut told = failure.clone();
    told.hint = told.hint.map(|hint| whom::completed(&hint).into_owned());
    for line in failure::told(&told).lines() {
        let _ = writeln!(anstream::stderr(), "{}", fitted(line, 0));
    }
    failure.blame.into()
}

/// Tells what is wrong with the command line. An argument may come from elsewhere by way of a script.
fn complain(error: &clap::Error) {
    let harmless = |word: std::ffi::OsString| !word.to_string_lossy().chars().any(is_unsafe);
    if std::env::args_os().all(harmless) && !locale::is_ascii() {
        let _ = error.print();
        return;
    }
    for line in error.render().to_string().lines() {
        let _ = writeln!(anstream::stderr(), "{}", locale::shown(&Clear(line).to_string()));
    }
}

/// Writes to stdout. A closed pipe is no error: whoever reads has seen enough.
fn print(bytes: &[u8]) -> Result<Exit, OpError> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// The same of a text for people.
fn print_text(text: &str) -> Result<Exit, OpError> {
    print(locale::shown(text).as_bytes())
}

fn written(result: std::io::Result<()>) -> Result<Exit, OpError> {
    match result {
        Ok(()) => Ok(Exit::Ok),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(error) => Err(OpError::new(
            Blame::Usage,
            format!("cannot write to standard output: {error}"),
        )),
    }
}

fn stderr_line(kind: &str, text: &str) {
    let line = fitted(&format!("{kind}{}", Clear(whom::completed(text.trim()).as_ref())), 0);
    if !progress::above(&line) {
        let _ = writeln!(anstream::stderr(), "{line}");
    }
}

/// A line of standard error as it can be shown here: broken between words where that is a terminal, the later lines set in by `hang`.
fn fitted(line: &str, hang: usize) -> String {
    let line = locale::shown(line);
    match colour::stderr_width() {
        Some(room) => message(&line, 0, hang, room),
        None => line.into_owned(),
    }
}

/// Something that went wrong, while the rest is still reported.
fn error_line(text: &str) {
    stderr_line("error: ", text);
}

/// A failure, while the rest is still reported.
fn failed(failure: &OpError) {
    error_line(&failure.message);
    failure.hint.as_deref().into_iter().for_each(hint);
}

/// What to do, below what went wrong.
fn hint(text: &str) {
    note(&format!("hint: {text}"));
}

/// Something that the user should know of.
fn warn(text: &str) {
    stderr_line("warning: ", text);
}

/// Something that the user may like to know.
fn note(text: &str) {
    stderr_line("", text);
}
