//! The loop's part in a CA that is down: it is told once for an incident, in the log and as an Event on the account, which is the
//! installation's own object.

use std::time::Duration;

use tokio::time::Instant;

use super::{Controller, Heard, others::News};
use crate::{
    apply::{
        Api,
        events::{self, About, Reason},
    },
    clock::now,
    controller::{fate::Fate, keeper::Keeper},
    notify::Topic,
    object::{Key, Text, resource::SECRET},
};

/// How often an incident is told again: Events last an hour.
const AGAIN: Duration = Duration::from_mins(30);
/// How long after the CA has answered it is not asked whether it does before orders are begun.
const ANSWERED: Duration = Duration::from_secs(30);

impl Controller {
    /// Whether the CA of an issuer has answered a short while ago.
    pub(super) fn has_answered(&self, issuer: &Text) -> bool {
        self.ca_answered.get(issuer).is_some_and(|at| at.elapsed() < ANSWERED)
    }

    /// Asks the CA of an issuer for its directory, so that one that is down fails no order, and what it has changed in the directory
    /// is seen. Nothing is ordered there until it has answered, and nothing else waits for that.
    pub(super) fn ask_ca(&mut self, issuer: &Text) {
        self.keeper.queue.ask(issuer);
        let (looking, tells) = (self.unattended.looking(&self.context, issuer), self.tells.clone());
        let (issuer, runtime) = (issuer.clone(), tokio::runtime::Handle::current());
        tokio::task::spawn_blocking(move || {
            let result = runtime.block_on(looking);
            let _ = tells.send(Heard::Others(News::Answered(issuer, result)));
        });
    }

    /// Takes note of whether the CA of an issuer has answered.
    pub(super) fn answered(&mut self, issuer: &Text, result: &Result<(), Text>) {
        match result {
            Ok(()) => drop(self.ca_answered.insert(issuer.clone(), Instant::now())),
            Err(why) => self.ca_is_down(issuer, why),
        }
        self.keeper.queue.answered(issuer, result.is_ok(), now());
    }

    pub(super) fn is_ca_down(&self, issuer: &Text) -> bool {
        self.keeper.queue.incidents().any(|(name, _)| name == issuer)
    }

    /// Says that new orders stop at an issuer: once, and not for each certificate.
    pub(super) fn ca_is_down(&mut self, issuer: &Text, why: &str) {
        self.ca_answered.remove(issuer);
        let is_news = !self.is_ca_down(issuer);
        if is_news {
            self.audit.line([
                ("event", "ca-down".into()),
                ("level", "error".into()),
                ("ca", issuer.as_str().into()),
                (
                    "message",
                    format!("no order is begun until the CA is back: {why}").into(),
                ),
            ]);
            let message = format!("no order is begun at {issuer} until it is back: {why}");
            self.tell_standing(Topic::CaDown, Some(&message));
        }
        if self.ca_down_told.get(issuer).is_none_or(|at| at.elapsed() >= AGAIN) {
            self.ca_down_told.insert(issuer.clone(), Instant::now());
            // Always in the same words: an incident that goes on, and the next one, are the same Event with another count.
            let message =
                format!("{issuer} does not answer, or only with errors: no order is begun there until it does");
            self.record_on_account(Reason::CertificateAuthorityDown, message);
        }
    }

    /// Says that the CA wants certificates replaced at once: in short, however many there are.
    pub(super) fn is_wanted_at_once(&mut self) {
        if self.at_once_told.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        self.at_once_told = Some(Instant::now());
        let issuer = &self.unattended.settings.chosen.issuer.name;
        let message = format!(
            "{issuer} has moved renewal windows to the past: it wants certificates replaced at once, and those that end first are \
             ordered first"
        );
        self.audit.line([
            ("event", "windows-moved".into()),
            ("level", "warning".into()),
            ("message", message.as_str().into()),
        ]);
        self.record_on_account(Reason::RenewalWindowsMoved, message);
    }

    /// Takes note of what became of an order, and says if the CA is back.
    pub(super) fn end(&mut self, secret: &Key, fate: Fate) {
        self.note(|keeper| keeper.ended(secret, fate, now()));
    }

    /// Takes note of a certificate that is stored, and says if the CA is back.
    pub(super) fn stored(&mut self, secret: &Key) {
        self.ca_answered.insert(self.keeper.issuer_of(secret), Instant::now());
        self.note(|keeper| keeper.queue.stored(secret));
    }

    pub(super) fn note(&mut self, change: impl FnOnce(&mut Keeper)) {
        let down = |keeper: &Keeper| -> Vec<Text> { keeper.queue.incidents().map(|(name, _)| name.clone()).collect() };
        let before = down(&self.keeper);
        change(&mut self.keeper);
        let after = down(&self.keeper);
        for issuer in before.iter().filter(|issuer| !after.contains(issuer)) {
            self.audit
                .line([("event", "ca-back".into()), ("ca", issuer.as_str().into())]);
            self.ca_down_told.remove(issuer);
            if after.is_empty() {
                self.tell_standing(Topic::CaDown, None);
            }
            let message = format!("{issuer} answers again: orders go on");
            self.record_on_account(Reason::CertificateAuthorityBack, message);
        }
    }

    pub(super) fn record_on_account(&self, reason: Reason, message: String) {
        let Some(account) = self.unattended.account_secret().cloned() else {
            return;
        };
        let api = Api::new(
            self.unattended.connection().clone(),
            events::permits(&account.namespace),
        );
        tokio::spawn(async move {
            let about = About {
                resource: SECRET,
                key: account,
                uid: None,
            };
            // Best effort: an event that cannot be recorded changes nothing.
            if let Err(error) = events::record(&api, &about, reason, &message, now()).await {
                log::debug!("cannot record an event: {error}");
            }
        });
    }
}
