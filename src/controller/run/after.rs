//! The loop's part in what becomes of certificates after they were stored ([`aftercare`](crate::controller::aftercare)).

use super::Controller;
use crate::{
    apply::{
        Api,
        events::{self, Reason},
        rollout,
    },
    clock::now,
    controller::aftercare::{Due, Looked, News, look},
    engine::{
        aftermath::record_on_secret,
        undo::{self, Both, UndoError},
        witness::{Aftermath, Left},
    },
    error::{Diagnose as _, chain},
    event::Level,
    object::{Key, Seconds, doing::Doing},
    plan::{
        Target,
        target::{names_of, target},
        wanted::last_tenth,
    },
    text::date_time,
    x509::Fingerprint,
};

/// What is told to the loop.
pub(super) enum Told {
    /// A certificate was stored.
    Stored(Key, Aftermath),
    /// Workloads were restarted, or not.
    Restarted(Key, Result<(), String>),
    /// It was looked whether a certificate is served.
    Looked(Key, Fingerprint, Looked),
    /// The former pair was put back, until when it is valid, or was not.
    Undone(Key, Both, Result<Seconds, UndoError>),
}

impl Controller {
    /// Begins what is due after certificates were stored. Nothing of it is waited for.
    pub(super) fn look_after(&mut self) {
        let inventory = &self.live.inventory;
        let holds = |secret: &Key| match inventory.secrets().get(secret) {
            Some(stored) => Some(stored.leaf().map(|leaf| leaf.sha256)),
            None => (!inventory.bindings_of_secret(secret).is_empty()).then_some(None),
        };
        for secret in self.aftercare.drop_others(now(), holds) {
            self.keeper.after(&secret, None, now());
        }
        let Some(term) = &self.term else { return };
        let authority = term.authority.clone();
        let connection = self.unattended.connection();
        for (secret, due) in self.aftercare.due(now()) {
            let tells = self.tells.clone();
            let tell = move |told: Told| drop(tells.send(super::Heard::After(told)));
            match due {
                Due::Restart(since) => {
                    let (workloads, connection) = (self.unattended.restarted(&secret), connection.clone());
                    if let Err(error) = authority.permit() {
                        tell(Told::Restarted(secret, Err(error.to_string())));
                        continue;
                    }
                    tokio::spawn(async move {
                        let workloads = workloads.await;
                        let mut permits = rollout::permits(&workloads);
                        permits.extend(events::permits(&secret.namespace));
                        let api = Api::new(connection, permits);
                        let result = look::restart(api, secret.clone(), workloads, since).await;
                        tell(Told::Restarted(secret, result));
                    });
                }
                Due::Look { new, old, witnesses } => {
                    let target = target(&self.live.inventory, secret.clone(), true);
                    let names = self.names_of(&target, new);
                    let connect = self.unattended.connect().cloned();
                    tokio::spawn(async move {
                        let looked = look::look(target, names, connect, (new, old), witnesses).await;
                        tell(Told::Looked(secret, new, looked));
                    });
                }
                Due::Undo(both) => {
                    let undoing = self.unattended.undo(&secret, both, authority.clone());
                    tokio::spawn(async move {
                        let result = undoing.await;
                        tell(Told::Undone(secret, both, result));
                    });
                }
            }
        }
    }

    /// The names of a certificate; those that were to be ordered while the picture lags.
    fn names_of(&self, target: &Target, new: Fingerprint) -> Vec<crate::name::Name> {
        let leaf = self
            .live
            .inventory
            .secrets()
            .get(&target.secret)
            .and_then(|stored| stored.leaf());
        match leaf.filter(|leaf| leaf.sha256 == new) {
            Some(leaf) => names_of(leaf),
            None => target.names.order.clone(),
        }
    }

    /// Takes note of what is told.
    pub(super) fn after(&mut self, told: Told) {
        match told {
            Told::Stored(secret, aftermath) => {
                let left = aftermath.left;
                if let Some(at) = aftermath.served_at {
                    self.note_served(&secret, aftermath.new, at);
                }
                self.aftercare.begin(&secret, aftermath, now());
                self.forget_row(&secret);
                let event = match left {
                    Left::Nothing => return,
                    Left::Restart => "not-restarted",
                    Left::Serving => "not-served",
                };
                let trouble = self.keeper.trouble().get(&secret);
                let after = trouble.and_then(|trouble| trouble.after.as_ref());
                let message = after.map(|after| after.message.to_string()).unwrap_or_default();
                self.say_after(&secret, event, Level::Warning, &message);
                self.tell_served(&secret, now(), Some(&message));
                self.record(&secret, Reason::CertificateNotServed, message);
            }
            Told::Restarted(secret, result) => {
                let news = self.aftercare.restarted(&secret, result, now());
                self.news(&secret, None, news);
            }
            Told::Looked(secret, new, looked) => {
                let news = self.aftercare.looked(&secret, new, looked, now());
                self.news(&secret, Some(new), news);
            }
            Told::Undone(secret, both, Ok(until)) => {
                self.aftercare.undone(&secret, both, now());
                let (name, namespace) = (&secret.name, &secret.namespace);
                let held_until = self.former_until(&secret, both).unwrap_or(until);
                let message = format!(
                    "the former pair (SHA-256 {}, valid until {}) is put back: three times in a row neither it nor the new one (SHA-256 {}) \
                     was served where the former one had been. It is not renewed before {}; find out why the new one is not served, \
                     then `kubectl certs rollback {name} -n {namespace}` puts it into service again",
                    both.former.short(),
                    date_time(until),
                    both.refused.short(),
                    date_time(held_until),
                );
                self.say_after(&secret, "rolled-back", Level::Error, &message);
                self.keeper.after(&secret, Some(&message), now());
                let api = Api::new(self.unattended.connection().clone(), events::permits(&secret.namespace));
                tokio::spawn(async move { undo::record(&api, &secret, &message).await });
            }
            Told::Undone(secret, _, Err(error)) => {
                let again = error.is_passing();
                self.aftercare.not_undone(&secret, again, now());
                let mut message = format!("the former pair is not put back: {}", chain(&error));
                if let Some(hint) = error.hint() {
                    message = format!("{message}; {hint}");
                }
                self.say_after(&secret, "not-rolled-back", Level::Warning, &message);
            }
        }
    }

    /// When the last tenth of the former pair's life begins, in seconds since 1970, if it was seen.
    fn former_until(&self, secret: &Key, both: Both) -> Option<Seconds> {
        let stored = self.live.inventory.secrets().get(secret)?;
        let leaf = stored.leaf().filter(|leaf| leaf.sha256 == both.former)?;
        Some(last_tenth(leaf.not_before, leaf.not_after))
    }

    /// Goes on with certificates of which the leader before has said that they are not served, or not restarted for.
    pub(super) fn look_on(&mut self, doings: &[Doing]) {
        for doing in doings {
            let Some(after) = &doing.after else { continue };
            let stored = self.live.inventory.secrets().get(&doing.secret);
            let Some(leaf) = stored.and_then(|stored| stored.leaf()) else {
                continue;
            };
            let of = Aftermath {
                stored_at: after.at,
                new: leaf.sha256,
                // What was seen before it was stored is known to nobody any more.
                old: None,
                witnesses: Vec::new(),
                left: if after.is_unrestarted {
                    Left::Restart
                } else {
                    Left::Serving
                },
                served_at: None,
            };
            self.aftercare.begin(&doing.secret, of, now());
        }
    }

    /// What the leader does, with what is left to do after certificates were stored.
    pub(super) fn doings(&self) -> impl Iterator<Item = Doing> {
        self.keeper.doings(now(), false).map(|mut doing| {
            if let (Some(after), Some((at, left))) = (&mut doing.after, self.aftercare.left_of(&doing.secret)) {
                after.at = at;
                after.is_unrestarted = left == Left::Restart;
            }
            doing
        })
    }

    /// Takes note of how it stands with a certificate after it was looked at, or workloads were restarted for it.
    fn news(&mut self, secret: &Key, certificate: Option<Fingerprint>, news: News) {
        match news {
            News::Nothing => {}
            News::Served => {
                if let Some(certificate) = certificate {
                    self.note_served(secret, certificate, now());
                }
                self.keeper.after(secret, None, now());
                let message = "the stored certificate is served by now".to_owned();
                self.say_after(secret, "served-later", Level::Note, &message);
                self.record(secret, Reason::CertificateServed, message);
            }
            News::Still(why) => {
                let message = format!("the new certificate is stored, but not served: {why}");
                self.tell_served(secret, now(), Some(&why));
                self.keeper.after(secret, Some(&message), now());
            }
        }
    }

    /// Notes on the kept pair when its certificate was first seen served. What was seen while this process does not lead any more
    /// is not noted: another one may have stored the next certificate.
    fn note_served(&mut self, secret: &Key, certificate: Fingerprint, at: Seconds) {
        self.tell_served(secret, at, None);
        let Some(term) = &self.term else { return };
        let noting = self
            .unattended
            .note_served(secret, certificate, at, term.authority.clone());
        self.notes.spawn(noting);
        // Those that have ended are let go.
        while self.notes.try_join_next().is_some() {}
    }

    fn say_after(&self, secret: &Key, event: &str, level: Level, message: &str) {
        let level = match level {
            Level::Note => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        self.audit.line([
            ("event", event.into()),
            ("level", level.into()),
            ("namespace", secret.namespace.as_str().into()),
            ("secret", secret.name.as_str().into()),
            ("message", message.into()),
        ]);
    }

    /// Records an event on a Secret, beside everything else.
    fn record(&self, secret: &Key, reason: Reason, message: String) {
        let api = Api::new(self.unattended.connection().clone(), events::permits(&secret.namespace));
        let secret = secret.clone();
        tokio::spawn(async move { record_on_secret(&api, &secret, reason, &message).await });
    }
}
