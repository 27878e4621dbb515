//! What the addresses of a route answered, for its row.

use std::sync::Arc;

use crate::{
    check::{Probed, ServedChain, row::Compared, seen_leaf},
    report::ServedAnswer,
    x509::Certificate,
};

/// What the addresses of a route serve.
#[derive(Debug, Clone)]
pub(super) struct SeenServed {
    pub(super) answer: ServedAnswer,
    /// The certificate of the row, where no Secret was read by choice.
    pub(super) leaf: Option<Arc<Certificate>>,
}

impl SeenServed {
    /// What the addresses answered, beside the leaf that is expected; `None` where none was asked.
    pub(super) fn of(probed: &Probed, stored: Option<&Certificate>, secrets_left_out: bool) -> Option<Self> {
        let leaves = || probed.at.iter().map(|at| at.served.leaf());
        let same = |leaf: &Certificate| stored.is_some_and(|stored| stored.sha256 == leaf.sha256);
        let compared = match (leaves().flatten().next(), stored) {
            _ if probed.at.iter().all(|at| matches!(at.served, ServedChain::Unasked(_))) => return None,
            (None, _) => Compared::Nothing,
            (Some(_), None) => Compared::NotCompared,
            _ if !leaves().flatten().all(same) => Compared::Another,
            _ if leaves().all(|leaf| leaf.is_some()) => Compared::Stored,
            _ => Compared::Partly,
        };
        let leaf = seen_leaf(probed).filter(|_| secrets_left_out);
        let shown = leaf.map(AsRef::as_ref).or_else(|| leaves().flatten().next());
        Some(Self {
            answer: ServedAnswer {
                compared,
                addresses: probed.at.len(),
                leaf: shown.map(|leaf| (leaf.sha256, leaf.not_after)),
            },
            leaf: leaf.cloned(),
        })
    }
}
