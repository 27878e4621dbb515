//! The command line that prints what a view shows: it stands below each view, and is copied from there.

use super::texts::{status_command, status_with};
use crate::tui::{
    CommandLine,
    model::{Model, View},
};

/// The command that prints what is looked at, or what comes nearest to it:
///
/// - Hosts: the same rows.
/// - Secrets: the rows by the Secret that is expected to be served, where the view has the one that is named. The healthy Secrets that no route uses have no row, and what names no Secret is one line more.
/// - Findings: the rows that have them, each with its reasons; no command counts reasons.
/// - Timeline: what expires or falls due in the period of the line, which Enter shows too; no command draws bars.
/// - Orders: what the run of the line does; a run is printed while it runs, and by nothing afterwards. `None` where none has run.
/// - Namespaces: the rows by their namespace.
pub fn view_command(model: &Model) -> Option<CommandLine> {
    let line = match model.view {
        View::Hosts => status_command(model),
        View::Secrets => status_with(model, &["--by", "secret"]),
        View::Namespaces => status_with(model, &["--by", "namespace"]),
        View::Findings => {
            let given = model.place.check_flags.iter().any(|flag| flag == "--min-severity");
            if given || model.rows.choice().problems_only {
                status_command(model)
            } else {
                status_with(model, &["--min-severity", "info"])
            }
        }
        View::Timeline => {
            let bucket = model.derived.timeline.buckets.get(model.cursor().at)?;
            let between = format!("--between={}", bucket.period());
            status_with(model, &["--sort-by", "expires", &between])
        }
        View::Orders => model.run_at(model.cursor().at)?.command.clone(),
    };
    Some(line)
}
