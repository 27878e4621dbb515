//! `explain`: offline.

use crate::{
    check::Reason,
    error::{Exit, Failure},
    report::explain,
};

use super::{args::ExplainArgs, colour, print};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let colour = colour::wanted(args.color);
    let Some(name) = &args.reason else {
        return print(explain::list(colour, colour::terminal_width()).as_bytes());
    };
    let reason: Reason = name
        .parse()
        .map_err(|error| Failure::of(Exit::Usage, &error).hint("`kubectl certs explain` lists all reasons"))?;
    print(explain::explain(reason, colour, colour::terminal_width()).as_bytes())
}
