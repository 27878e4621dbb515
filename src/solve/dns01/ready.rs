//! What is known of a domain before its challenge: where the record belongs, and what a test write found.

use super::zone::{TxtName, WildcardAlias};

/// The provider and the place for the record of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The name of the provider in the settings.
    pub provider: String,
    /// Whether the operator writes the record by hand.
    pub by_hand: bool,
    /// Where the record belongs.
    pub place: TxtName,
    /// The CNAMEs that a wildcard alone has on the way. With `--follow-cname` they are followed; otherwise there is at
    /// most one, and the record belongs to its name.
    pub wildcards: Vec<WildcardAlias>,
}

impl Ready {
    /// What the CNAMEs by wildcards mean for the place, in words; `None` if there are none.
    pub fn about_wildcards(&self) -> Option<String> {
        about_wildcards(&self.wildcards, &self.place)
    }
}

pub(super) fn about_wildcards(wildcards: &[WildcardAlias], place: &TxtName) -> Option<String> {
    let said: Vec<String> = wildcards.iter().map(ToString::to_string).collect();
    let last = wildcards.last()?;
    Some(if last.name == place.name {
        format!(
            "{}, which is made for hosts and delegates no challenge: the record is written at {} itself (--follow-cname \
             follows the CNAME)",
            said.join("; "),
            place.name
        )
    } else {
        format!("{}, and is followed as --follow-cname says", said.join("; "))
    })
}

/// The result of a test write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The name of the record.
    pub name: String,
    /// The zone.
    pub zone: String,
    /// The name of the provider in the settings.
    pub provider: String,
    /// Whether it could be removed; acme-dns keeps its newest two values.
    pub removed: bool,
}
