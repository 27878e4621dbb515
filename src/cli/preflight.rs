//! `preflight`: everything that would stop an issuance, without ordering.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    object::Key,
    ops::{Cluster, Context, OpError, named::read_all, preflight},
    plan::preflight::{waiting, worst},
    report::preflight as report,
    text::{counted, time},
};

use super::{
    args::issue::{Output, PreflightCommand},
    colour,
    front::Terminal,
    note, print, print_text, whom,
};

pub(super) async fn run(command: PreflightCommand) -> Result<Exit, OpError> {
    let args = &command.issue;
    if matches!(args.run.output, Some(Output::Directory(_))) {
        return Err(OpError::usage("preflight writes nothing into a directory").hint("-o json prints JSON"));
    }
    let request = preflight::Request {
        targets: read_all(&command.targets)?,
        write_test: command.write_test,
        order: args.order()?,
    };
    let context = Context::new(
        Cluster::new(args.source.connection.options(), Terminal::telling()),
        args.how.ca.settings.config(),
        Cancel::never(),
    );
    let mut found = Box::pin(preflight::run(&request, &context)).await?;
    for check in found.secrets.iter_mut().flat_map(|secret| &mut secret.checks) {
        check.hint = check.hint.take().map(|hint| whom::completed(&hint).into_owned());
    }
    if args.run.output == Some(Output::Json) {
        print(report::json(&found.secrets, &time::date_time(crate::clock::now())).as_bytes())?;
    } else {
        print_text(&report::list(
            &found.secrets,
            colour::wanted(args.run.color),
            colour::terminal_width(),
        ))?;
    }
    let (warnings, failures, blame) = worst(&found.secrets);
    let awaited = waiting(&found.secrets);
    note(&summary((warnings, failures), &found.theirs, found.looked_at));
    if awaited > 0 {
        let (name, does) = if awaited == 1 {
            ("host", "does")
        } else {
            ("hosts", "do")
        };
        note(&format!(
            "{awaited} {name} {does} not resolve yet: a run waits for the record, and orders nothing before"
        ));
    }
    if found.is_rehearsal {
        note(&format!(
            "no CA was chosen: checked with {}; --production checks with the production CA",
            found.issuer
        ));
    }
    Ok(blame.or(found.trouble).map_or(Exit::Ok, Exit::from))
}

/// The last line, from the counts of warnings and failures: it claims no more than was looked at. `theirs` are those of the `all`
/// Secrets that cert-manager writes, whose orders nobody looked at. Not cleared.
fn summary((warnings, failures): (usize, usize), theirs: &[Key], all: usize) -> String {
    let found = match (warnings, failures) {
        // Rights and little else were looked at.
        (0, 0) if theirs.len() == all => None,
        (0, 0) => Some("none of the checks found an obstacle".to_owned()),
        (warnings, 0) => Some(format!("no obstacle is known; {}", counted(warnings, "warning"))),
        (0, failures) => Some(format!("{} would stop the issuance", counted(failures, "failure"))),
        (warnings, failures) => Some(format!(
            "{} would stop the issuance; {}",
            counted(failures, "failure"),
            counted(warnings, "warning")
        )),
    };
    let unseen = theirs.first().map(|first| {
        let (of, tells) = match theirs.len() {
            1 => (format!("Secret {first}"), "shows it"),
            count => (format!("{count} Secrets"), "shows that of the first"),
        };
        format!(
            "cert-manager's progress with {of} was not checked: `kubectl certs show secret/{} -n {}` {tells}",
            first.name, first.namespace
        )
    });
    found.into_iter().chain(unseen).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_claims_no_more_than_was_looked_at() {
        let theirs = [Key::new("shop", "web-tls"), Key::new("shop", "api-tls")];
        assert_eq!(summary((0, 0), &[], 2), "none of the checks found an obstacle");
        assert_eq!(
            summary((0, 0), &theirs[..1], 1),
            "cert-manager's progress with Secret shop/web-tls was not checked: `kubectl certs show secret/web-tls -n shop` shows it"
        );
        let mixed = summary((0, 0), &theirs, 3);
        assert!(
            mixed.starts_with("none of the checks found an obstacle; cert-manager's progress with 2 Secrets was not"),
            "{mixed}"
        );
        assert!(summary((1, 0), &[], 1).ends_with("; 1 warning"));
        assert_eq!(summary((0, 2), &[], 1), "2 failures would stop the issuance");
    }
}
