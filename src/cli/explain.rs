//! `explain`: offline.

use crate::{check::Reason, cli::failure::Exit, error::Blame, ops::OpError, report::explain};

use super::{args::ExplainArgs, colour, print_text};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, OpError> {
    let colour = colour::wanted(args.color);
    let Some(name) = &args.reason else {
        return print_text(&explain::list(colour, colour::terminal_width()));
    };
    let reason: Reason = name
        .parse()
        .map_err(|error| OpError::of(Blame::Usage, &error).hint("`kubectl certs explain` lists all reasons"))?;
    print_text(&explain::explain(reason, colour, colour::terminal_width()))
}
