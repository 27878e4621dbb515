use crate::check::{
    finding::prelude::*,
    words::say::{brief, data_keys, secret},
};

/// A chain in which another certificate comes before the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafNotFirst {
    pub secret: Key,
    pub position: usize,
}

impl Defect for LeafNotFirst {
    const SEVERITY: Severity = Severity::Critical;
    const AS_WARNING: Urgency = Urgency::Now;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        let Self { secret: key, position } = self;
        format!(
            "The server's certificate is number {} of {} in {}, not the first: servers use the first one, which has \
             another key.",
            position.saturating_add(1),
            brief(data_keys(row)[0]),
            secret(key, row)
        )
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { secret, .. } = self;
        format!(
            "Put the server's certificate first and its intermediates after it ({}), and store it: {}. {} shows the current \
             order.",
            commands.whole_chain(),
            commands.store(secret),
            commands.show_secret(secret)
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.reorder(commands))
    }

    fn secret(&self) -> Option<&Key> {
        Some(&self.secret)
    }
}
