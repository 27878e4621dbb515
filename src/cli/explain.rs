//! `explain`: offline.

use crate::{
    check::Reason,
    cli::failure::{Exit, Failure},
    error::Blame,
    report::explain,
};

use super::{args::ExplainArgs, colour, print_text};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let colour = colour::wanted(args.color);
    let Some(name) = &args.reason else {
        return print_text(&explain::list(colour, colour::terminal_width()));
    };
    let reason: Reason = name
        .parse()
        .map_err(|error| Failure::of(Blame::Usage, &error).hint("`kubectl certs explain` lists all reasons"))?;
    print_text(&explain::explain(reason, colour, colour::terminal_width()))
}
