//! What the controllers of the cluster do with the certificates.

use std::io;

use super::{Show, pen::Pen};
use crate::{check::row::Status, object::doing::DoingState, plan::doing::sentence, text::first_few};

/// A sentence for each controller, with the hosts of which it is said; what is said of several hosts is told once.
pub(super) fn doings(pen: &mut Pen<'_>, show: &Show<'_>) -> io::Result<()> {
    let mut told: Vec<(Status, String, Vec<&str>)> = Vec::new();
    for row in show.bindings.iter().map(|binding| &binding.row) {
        for one in row.doings.iter() {
            let status = match one.doing.state {
                DoingState::BackOff => Status::Warning,
                _ => Status::Info,
            };
            let text = sentence(one, pen.now());
            let at = told.iter().position(|(_, known, _)| *known == text).unwrap_or_else(|| {
                told.push((status, text, Vec::new()));
                told.len() - 1
            });
            if let (Some(host), Some((.., hosts))) = (row.host, told.get_mut(at))
                && !hosts.contains(&host)
            {
                hosts.push(host);
            }
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    pen.title("Controller")?;
    let several = told.len() > 1;
    for (status, text, hosts) in told {
        let mut pieces = vec![pen.with_commands(&text)];
        if several && !hosts.is_empty() {
            pieces.extend([pen.dot(), pen.dim(&first_few(&hosts))]);
        }
        let first = format!("  {} ", pen.mark(status));
        pen.flow(&first, "    ", &pieces)?;
    }
    Ok(())
}
