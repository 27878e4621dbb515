//! What is shown before it is asked, and said afterwards.

use super::{Front, OpError, Report, Request, installation::Installation};
use crate::{
    apply::adopted::Record,
    plan::adopt::{About, Facts, Group},
    text::{Clear, counted, date, date_time, first_few, quote},
};

/// What a group is called: by its Secrets, or by its `CronJob`.
pub(super) fn title(group: &Group) -> String {
    match (group.secrets.as_slice(), group.clocks.first()) {
        ([], Some(clock)) => format!("CronJob {clock}"),
        ([one], _) => format!("Secret {one}"),
        (several, _) => format!("Secrets {}", first_few(several)),
    }
}

/// Prints what is changed for each group, one change a line, and what has to be decided and by which command.
pub(super) fn plan(
    request: &Request,
    begun: &[Record],
    returning: &[Record],
    ready: &[Group],
    undecided: &[Group],
    facts: &Facts,
    front: &dyn Front,
) -> Result<(), OpError> {
    let would = if request.is_dry { "would " } else { "" };
    let mut lines: Vec<String> = Vec::new();
    for record in begun {
        if let Some(name) = record.name() {
            let at = date_time(record.at);
            lines.push(format!("{would}go on with Secret {name}, which was begun at {at}"));
        }
    }
    for group in ready {
        let due = group
            .secrets
            .iter()
            .filter_map(|secret| facts.secrets.get(secret)?.due)
            .min();
        let due = due.map_or_else(String::new, |due| format!(", renewed next on {}", date(due)));
        lines.push(format!("{}, kept by {}{due}:", title(group), group.kept_by()));
        lines.extend(group.changes.iter().map(|change| format!("  {would}{change}")));
    }
    if !undecided.is_empty() {
        lines.push("Left to whoever keeps them, until somebody decides:".to_owned());
    }
    for group in undecided {
        let blocked: Vec<&About> = group.decisions.iter().map(|(about, _)| about).collect();
        for (about, decision) in &group.decisions {
            let names = match about {
                About::Secret(key) => facts.secrets.get(key).map(|known| known.names.as_slice()),
                About::Clock(_) => None,
            };
            lines.push(format!("  {about}: {decision}"));
            lines.push(format!("    {}", decision.next(about, names.unwrap_or_default())));
        }
        let with: Vec<String> = group
            .secrets
            .iter()
            .map(|secret| About::Secret(secret.clone()))
            .filter(|about| !blocked.contains(&about))
            .map(|about| about.to_string())
            .collect();
        if !with.is_empty() {
            lines.push(format!("  {}: shares a route or a CronJob with it", first_few(&with)));
        }
    }
    let text: String = lines.iter().map(|line| Clear(line).to_string() + "\n").collect();
    front.print(&text)?;
    for record in returning {
        if let Some(name) = record.name() {
            front.warn(&format!(
                "giving Secret {name} back was begun and has not ended: `kubectl certs adopt --undo -n {}` goes on",
                quote(&name.namespace)
            ));
        }
    }
    for note in ready.iter().flat_map(|group| &group.notes) {
        front.note(note);
    }
    if lines.is_empty() {
        front.note("nobody else keeps a certificate here: nothing to adopt");
    }
    Ok(())
}

/// Says what came of it, and what is next.
pub(super) fn adopted(report: &Report, installation: &Installation, front: &dyn Front) {
    let namespace = quote(&installation.namespace);
    front.note(&format!(
        "{} adopted, and nothing was ordered",
        counted(report.done, "certificate")
    ));
    if report.done > 0 {
        front.note(&format!(
            "the controller renews them when they are due, once `kubectl certs resume -n {namespace}` has told it to; `kubectl certs adopt --undo` \
             gives them back"
        ));
    }
}
