//! `man`: the page of the program or of a command, or all pages into a directory.

use std::path::Path;

use super::{
    args::ManArgs,
    manual::{self, CommandText, roff},
    print,
};
use crate::{
    cli::failure::Exit,
    error::Blame,
    ops::OpError,
    text::{nearest, time::date},
};

pub(super) fn run(args: &ManArgs) -> Result<Exit, OpError> {
    let all = manual::all();
    let date = day();
    if let Some(directory) = &args.output_dir {
        return write(&all, &date, directory);
    }
    let typed = args.command.join(" ");
    let is_meant = |one: &&CommandText| one.words.join(" ") == typed || one.aliases.contains(&typed);
    let Some(command) = all.iter().find(is_meant) else {
        let names: Vec<String> = all.iter().skip(1).map(|one| one.words.join(" ")).collect();
        let meant = nearest(&typed, names.iter().map(String::as_str));
        let hint = match meant {
            Some(meant) => format!("did you mean `kubectl certs man {meant}`?"),
            None => "`kubectl certs --help` lists the commands".to_owned(),
        };
        return Err(OpError::usage(format!("no command is called {typed:?}")).hint(hint));
    };
    print(roff::page(command, &date).as_bytes())
}

/// The day that pages are of: that of `SOURCE_DATE_EPOCH`, by which packages are reproduced, or none.
fn day() -> String {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok();
    said.and_then(|text| text.trim().parse().ok())
        .map(date)
        .unwrap_or_default()
}

fn write(all: &[CommandText], date: &str, directory: &Path) -> Result<Exit, OpError> {
    std::fs::create_dir_all(directory).map_err(|error| failed("make", directory, &error))?;
    for command in all {
        let path = directory.join(roff::file(command));
        std::fs::write(&path, roff::page(command, date)).map_err(|error| failed("write", &path, &error))?;
    }
    Ok(Exit::Ok)
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> OpError {
    OpError::new(Blame::Usage, format!("cannot {verb} {}: {error}", path.display()))
        .hint("--output-dir names another directory")
}
