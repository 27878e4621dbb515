//! What the loop stores of what is not healthy, and takes over from the leader before.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Controller, TOLD};
use crate::{
    clock::now,
    error::chain,
    event::Level,
    notify::Topic,
    object::doing::{Installation, Orders},
    ops::pause::Told,
};

impl Controller {
    /// Takes over what the leader before has stored, before anything is begun.
    pub(super) async fn recall(&mut self) {
        if self.term.is_none() || self.memory.is_recalled {
            return;
        }
        let (namespace, install) = (self.unattended.namespace(), self.keeper.install().to_owned());
        let read = timeout(TOLD, self.memory.read(&self.api, namespace, &install)).await;
        let mut recalled = match read {
            Ok(Ok(recalled)) => recalled,
            // Who may not read it will never.
            Ok(Err(error)) if error.is_forbidden() => {
                self.memory.is_recalled = true;
                let text = format!(
                    "what was stored cannot be read, so that failures begin anew: {}",
                    chain(&error)
                );
                return self.audit.say(Level::Warning, &text);
            }
            Ok(Err(error)) => return log::debug!("what was stored cannot be read yet: {}", chain(&error)),
            Err(_) => return log::debug!("what was stored cannot be read yet"),
        };
        for text in &recalled.news {
            self.audit.say(Level::Warning, text);
        }
        let issuer = &self.unattended.settings.chosen.issuer.name;
        let same_issuer = recalled.issuer.as_ref().is_none_or(|of| of == issuer);
        let inventory = &self.live.inventory;
        let count = self.keeper.recall(inventory, &recalled.doings, same_issuer, now());
        self.look_on(&recalled.doings);
        self.others.recall(std::mem::take(&mut recalled.rehearsals));
        if self.others.has_failed() {
            self.news.was_told(Topic::RehearsalFailed);
        }
        self.memory.is_recalled = true;
        if count > 0 {
            self.audit
                .line([("event", "recalled".into()), ("certificates", count.into())]);
        }
    }

    /// Stores what is not healthy, if something may have changed and the last look is some seconds past.
    pub(super) async fn remember(&mut self) {
        if self.term.is_none() || !self.memory.is_recalled || !self.memory.begins_look(Instant::now()) {
            return;
        }
        if self.told.is_none() {
            self.is_told().await;
        }
        // A permission is asked for as late as it can be.
        let Ok(permission) = self.leadership.permit() else {
            return self.memory.note();
        };
        let by = self.installation();
        let may = || permission.check().is_ok();
        let doings: Vec<_> = self.doings().collect();
        self.tell_news(&doings);
        let stored = self.memory.store(&self.api, &may, &by, doings.into_iter());
        match timeout(TOLD.min(permission.left()), stored).await {
            Ok(news) => news.iter().for_each(|text| self.audit.say(Level::Warning, text)),
            Err(_) => self.memory.doubt(),
        }
    }

    /// When it is to be looked whether something is to be stored.
    pub(super) fn remembers_in(&self) -> Option<Duration> {
        self.term.as_ref()?;
        if !self.memory.is_recalled {
            return Some(TOLD);
        }
        self.memory.next_look(Instant::now())
    }

    fn installation(&self) -> Installation {
        let settings = &self.unattended.settings;
        let rules = settings.unattended.wildcards.iter().flatten();
        Installation {
            namespace: self.unattended.namespace().into(),
            id: self.keeper.install().into(),
            issuer: settings.chosen.issuer.name.as_str().into(),
            orders: match self.told.as_ref().map(|(told, _)| told) {
                Some(Told::Order) => Orders::Allowed,
                Some(Told::Pause(pause)) => Orders::Paused {
                    since: pause.at,
                    reason: pause.reason.as_str().into(),
                },
                Some(Told::Nothing) | None => Orders::Untold,
            },
            ca_down_since: self
                .keeper
                .queue
                .incidents()
                .find(|(name, _)| name.as_str() == settings.chosen.issuer.name)
                .map(|(_, incident)| incident.since),
            rehearsals: self.others.rehearsals().cloned().collect(),
            follows: self.unattended.wildcards.only.clone(),
            wildcards: rules
                .map(|rule| {
                    let selector = rule.namespace_selector.as_deref().unwrap_or_default();
                    let secret = rule.secret.as_deref().unwrap_or(crate::plan::wildcard::SECRET);
                    [selector.into(), rule.name.as_str().into(), secret.into()]
                })
                .collect(),
            left_out: 0,
        }
    }
}
