//! The loop's part in telling people: what is new goes into the outbox, which is never waited for.

use std::sync::Arc;

use super::Controller;
use crate::{
    clock::now,
    controller::fate::Fate,
    event::Level,
    notify::{Notice, Receiver, Scene, Topic, outbox::Outbox},
    object::{Key, Seconds, doing::Doing},
    ops::{Context, notify::trouble, unattended::Unattended},
    settings::source::ClusterSecrets,
    solve::dns01::config::Secrets,
    text::{date_time, time::DAY},
};

/// How long an alert lasts of which the controller says nothing more, in seconds. What is over is told when it is.
const LASTS: Seconds = 7 * DAY;

/// Begins to deliver to the receivers of the settings.
pub(super) fn outbox(unattended: &Unattended, context: &Context, api: &crate::apply::Api) -> Outbox {
    let connection = unattended.connection();
    // In a Pod the context has no name of its own: the installation has.
    let cluster = if connection.context == "in-cluster" {
        String::new()
    } else {
        connection.context.clone()
    };
    let scene = Scene { cluster, lasts: LASTS };
    let secrets: Arc<dyn Secrets> = Arc::new(ClusterSecrets(api.clone()));
    let receivers = Receiver::of(&unattended.settings.notify);
    Outbox::begin(receivers, &scene, &secrets, &trouble(context))
}

impl Controller {
    /// Tells what is new of certificates.
    pub(super) fn tell_news(&mut self, doings: &[Doing]) {
        if self.outbox.is_empty() {
            return;
        }
        for notice in self.news.look(doings.iter(), &self.live.inventory, now()) {
            self.outbox.put(&notice);
        }
    }

    /// Tells whether something about the installation as a whole is so; each once.
    pub(super) fn tell_standing(&mut self, topic: Topic, message: Option<&str>) {
        if let Some(notice) = self.news.standing(topic, message, now()) {
            self.outbox.put(&notice);
        }
    }

    /// Tells of a renewal, if that is asked for.
    pub(super) fn tell_renewed(&self, secret: &Key, fate: &Fate) {
        if self.unattended.settings.notify.renewed != Some(true)
            || !matches!(fate, Fate::Stored | Fate::StoredBut { .. })
        {
            return;
        }
        let stored = self.live.inventory.secrets().get(secret);
        // The picture may lag behind what was stored.
        let leaf = stored
            .and_then(|stored| stored.leaf())
            .filter(|leaf| leaf.not_before > now() - DAY);
        let message = leaf.map(|leaf| format!("valid until {}", date_time(leaf.not_after)));
        self.outbox.put(&Notice {
            topic: Topic::Renewed,
            secret: Some(secret.clone()),
            message: message.unwrap_or_default(),
            is_over: false,
            at: now(),
        });
    }

    /// Says in the log who is told.
    pub(super) fn say_who_is_told(&self) {
        let receivers = Receiver::of(&self.unattended.settings.notify);
        for receiver in receivers {
            self.audit
                .say(Level::Note, &format!("{receiver} is told what fails, is held or ends"));
        }
    }
}
