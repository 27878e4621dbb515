//! What the loop looks at for those who ask, and what it answers them.

use std::{collections::HashMap, sync::Arc};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{Controller, Heard, LOOKED, TOLD};
use crate::{
    acme::{Acme, CertId},
    clock::now,
    controller::{
        keeper::WindowAnswer,
        overview::Overview,
        state::{self, Ask, Inbox, OtherIssuer, Snapshot},
    },
    object::{Key, Text},
    ops::pause::Told,
    x509::Fingerprint,
};

impl Controller {
    /// Looks at what nobody tells it, for those who ask: the account, its limits, and whether it may order.
    pub(super) async fn look_around(&mut self) {
        if self.tally.looked.is_some_and(|at| at.elapsed() < LOOKED) {
            return;
        }
        let looks = async {
            match self.unattended.limits(&self.context, &self.live.inventory).await {
                Ok(limits) => {
                    let mut limits = limits.into_iter();
                    let first = limits.next().flatten();
                    self.tally.has_account = first.is_some();
                    self.tally.limits(first.unwrap_or_default());
                    let others = self.unattended.issuers().skip(1).map(str::to_owned);
                    self.tally
                        .limits_of_others(others.zip(limits.map(Option::unwrap_or_default)));
                }
                Err(error) => log::debug!("the account cannot be looked at: {}", error.message),
            }
            self.is_told().await;
            self.learn_standing().await;
        };
        // Nothing that is due waits for it.
        let _ = timeout(TOLD, looks).await;
        self.tally.looked = Some(Instant::now());
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        let certificates = state::certificates(&self.keeper, &self.live.inventory, now());
        let marked = certificates.map(|mut certificate| {
            self.aftercare.mark(&mut certificate);
            certificate
        });
        let certificates = Overview::of(marked, now());
        self.tally.look(&certificates.ended);
        let told = self.told.as_ref().map(|(told, _)| told);
        let paused_since = told.and_then(|told| match told {
            Told::Pause(pause) => Some(pause.at),
            Told::Nothing | Told::Order => None,
        });
        let issuer = self.unattended.settings.chosen.issuer.name.clone();
        let down_since = |issuer: &str| {
            let mut incidents = self.keeper.queue.incidents();
            incidents
                .find(|(name, _)| name.as_str() == issuer)
                .map(|(_, incident)| incident.since)
        };
        let others = self.unattended.issuers().skip(1).map(|name| OtherIssuer {
            name: name.to_owned(),
            down_since: down_since(name),
            rehearsal: self.others.rehearsal(name).cloned(),
            limits: self.tally.of_other(name).to_vec(),
        });
        Snapshot {
            others: others.collect(),
            bound: self.keeper.bound_ones().count(),
            at: now(),
            paused_since,
            leads: self.term.is_some(),
            orders: told.is_some_and(Told::orders),
            has_account: self.tally.has_account,
            ca_down_since: down_since(&issuer),
            issuer,
            judged_at: self.live.rules.now,
            certificates,
            missed: self.tally.missed(),
            results: self.tally.results(),
            limits: self.tally.limits.clone(),
        }
    }

    /// Asks the CA for the windows of a few certificates, if it names any. Nothing of it is waited for.
    pub(super) fn ask_for_windows(&mut self) {
        let Some(term) = &self.term else { return };
        if self.keeper.ari.next_wake().is_none_or(|at| at > now()) {
            return;
        }
        // Each is asked of the CA that has issued it.
        let mut all: HashMap<Text, Vec<Asked>> = HashMap::new();
        while let Some((secret, certificate)) = self.keeper.ari.next(now()) {
            let stored = self.live.inventory.secrets().get(&secret);
            let leaf = stored.and_then(|stored| stored.leaf());
            let issuer = stored
                .map(|stored| self.unattended.issuer_of(stored))
                .unwrap_or_default();
            let id = leaf.and_then(|leaf| Some(CertId::new(leaf.authority_key_id.as_deref()?, leaf.serial.bytes())));
            let asked = Asked {
                secret,
                certificate,
                id,
            };
            all.entry(issuer).or_default().push(asked);
        }
        for (issuer, asked) in all {
            let (unattended, context) = (Arc::clone(&self.unattended), Arc::clone(&term.context));
            let (tells, runtime) = (self.tells.clone(), tokio::runtime::Handle::current());
            tokio::task::spawn_blocking(move || {
                runtime.block_on(async move {
                    let acme = unattended.acme(&context, &issuer).await.ok();
                    for one in asked {
                        tokio::spawn(one.ask(acme.clone(), tells.clone()));
                    }
                });
            });
        }
    }
}

/// A certificate for whose window a CA is asked.
struct Asked {
    secret: Arc<Key>,
    certificate: Fingerprint,
    id: Option<CertId>,
}

impl Asked {
    async fn ask(self, acme: Option<Acme>, tells: mpsc::UnboundedSender<Heard>) {
        let info = match (acme, self.id) {
            (Some(acme), Some(id)) if acme.directory().renewal_info.is_some() => acme.renewal_info(&id).await.ok(),
            _ => None,
        };
        let answer = WindowAnswer {
            certificate: self.certificate,
            window: info.as_ref().map(|info| (info.start, info.end)),
            retry_after: info.as_ref().map(|info| info.retry_after),
        };
        let _ = tells.send(Heard::Window(self.secret, answer));
    }
}

/// Answers with what was last while something else is done.
pub(super) async fn answering_meanwhile(
    mut busy: impl Future<Output = ()> + Unpin,
    asks: &mut Inbox,
    latest: &Snapshot,
) {
    loop {
        tokio::select! {
            () = &mut busy => return,
            Some(ask) = asks.asks.recv() => answer(ask, latest),
        }
    }
}

/// Whoever has asked may have gone.
pub(super) fn answer(ask: Ask, latest: &Snapshot) {
    match ask {
        Ask::Alive(answer) => drop(answer.send(())),
        Ask::Snapshot(answer) => drop(answer.send(latest.clone())),
    }
}
