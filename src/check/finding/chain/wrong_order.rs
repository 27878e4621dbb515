use crate::check::{
    finding::prelude::*,
    words::say::{rearrange, the_certificate},
};

/// A chain whose certificates are out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongOrder;

impl Defect for WrongOrder {
    const SEVERITY: Severity = Severity::Info;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        format!(
            "The intermediates after {} are out of order (each must be signed by the next): most clients sort them, strict \
             ones refuse the connection.",
            the_certificate(row)
        )
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        rearrange(
            "Put the server's certificate first and after each certificate the one that signed it",
            row,
            commands,
        )
    }

    fn remedy_outside(&self, outside: Outside<'_>, commands: &mut Commands<'_>) -> Option<String> {
        Some(outside.reorder(commands))
    }
}
