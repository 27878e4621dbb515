//! What killed replicas and command lines have left of answers to challenges, and of orders whose certificate is stored: looked for
//! when this process begins to lead, again once their Leases have ended, and then seldom. Other orders are continued with their
//! Secrets.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Controller;
use crate::{
    apply::{Api, Permits, RunId},
    clock::now,
    controller::audit::Audit,
    engine::{authority::Authority, cleanup},
    error::chain,
    event::Level,
    object::Text,
};

/// How long after the one before it is looked; the last one from then on.
const PAUSES: [Duration; 3] = [Duration::from_mins(1), Duration::from_mins(4), Duration::from_hours(1)];

/// When it is looked next.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    count: usize,
    next: Option<Instant>,
}

impl Sweeps {
    /// How long it is until then.
    pub(super) fn is_in(&self) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        self.next.map_or(Duration::ZERO, left)
    }

    fn begin(&mut self) {
        let pause = PAUSES.get(self.count).or(PAUSES.last()).copied().unwrap_or_default();
        self.count += 1;
        self.next = Some(Instant::now() + pause);
    }
}

impl Controller {
    /// Looks for what was left and removes it, if it is time. Nothing waits for it.
    pub(super) fn sweep(&mut self) {
        let Some(term) = &self.term else { return };
        if !self.sweeps.is_in().is_zero() {
            return;
        }
        self.sweeps.begin();
        let api = Api::new(self.unattended.connection().clone(), Permits::none());
        let namespaces: Vec<Option<Text>> = match &self.unattended.wildcards.only {
            None => vec![None],
            Some(names) => names.iter().cloned().map(Some).collect(),
        };
        let (authority, audit) = (term.authority.clone(), Arc::clone(&self.audit));
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: the removal cannot be moved between threads while it waits.
        tokio::task::spawn_blocking(move || runtime.block_on(remove(&api, &namespaces, &authority, &audit)));
    }
}

/// Removes what was left in these namespaces, while this process leads.
async fn remove(api: &Api, namespaces: &[Option<Text>], authority: &Authority, audit: &Audit) {
    let mut count = 0;
    for namespace in namespaces {
        let found = cleanup::find_answers(api, namespace.as_deref(), now()).await;
        for error in &found.unread {
            log::debug!("what was left cannot be looked for: {}", chain(error));
        }
        if found.is_empty() {
            continue;
        }
        let Ok(_permitted) = authority.permit() else { return };
        let api = api.with_permits(found.permits());
        let removed = found.remove(&api, None, &RunId::random(), &BTreeSet::new()).await;
        count += removed.count;
        for trouble in removed.trouble {
            let text = format!(
                "what a killed run has left remains (`kubectl certs cleanup`): {}",
                trouble.text
            );
            audit.say(Level::Warning, &text);
        }
    }
    if count > 0 {
        audit.line([("event", "swept".into()), ("objects", count.into())]);
    }
}
