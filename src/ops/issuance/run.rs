//! From what was agreed to, to a run of the engine.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Drawn, Issuance};
use crate::{
    acme::{Client, Issuer, Stage},
    apply::pair::Roots,
    engine::{
        brake::GoOn,
        journal,
        ledger::Ledger,
        prepare::slots,
        run::{Options, Parts, Run, Standing},
        store::Destination,
    },
    error::Blame,
    event::Teller,
    ops::{Front, OpError, trust::read_ca_file},
    settings::{
        account::{self, Agree, Ready},
        trust,
    },
    text::counted,
};

/// Which account orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The one that is kept, or a new one.
    Registered,
    /// The one that is kept. That there is none is an error.
    Kept,
}

impl Issuance<'_> {
    pub(super) async fn run(
        &self,
        drawn: Drawn,
        destination: Destination,
        tell: Teller,
        account: Account,
    ) -> Result<Run, OpError> {
        let Drawn {
            run: id,
            mut prepared,
            seen,
            rivals,
        } = drawn;
        let (settings, front) = (self.settings, self.context.front());
        let secrets = self.secrets();
        let acme = self.acme.get(&**front).await?;
        let waiting = front.wait_for_ca(&settings.chosen.issuer.name);
        let ready = match account {
            Account::Registered => {
                account::ensure(acme, &settings.chosen, self.store, secrets.as_ref(), &Terms(front)).await
            }
            Account::Kept => account::existing(acme, &settings.chosen, self.store).await,
        };
        let Ready { client, .. } = ready.map_err(|error| OpError::because(&error))?;
        drop(waiting);
        let standing = self.standing(&client).await;
        let restarts = std::mem::take(&mut prepared.restarts);
        let solvers = prepared
            .solvers(
                settings,
                &id,
                self.order.connect.clone(),
                &destination,
                &client,
                &standing,
                self.authority.clone(),
                secrets,
                front.operator(),
            )
            .map_err(|error| OpError::because(&error).blame(Blame::Usage))?;
        let journal = match (&destination, journal::local_directory()) {
            (Destination::Cluster(api), _) => journal::JournalStore::Cluster(api.clone()),
            (Destination::Directory { .. }, Some(directory)) => journal::JournalStore::Directory(directory),
            (Destination::Directory { .. }, None) => {
                return Err(OpError::usage("orders in progress have no place").hint("set HOME or XDG_STATE_HOME"));
            }
        };
        Ok(Run::new(Parts {
            standing,
            id,
            client,
            issuer: settings.chosen.issuer.clone(),
            journal,
            solvers,
            destination,
            rows: self.context.rows.clone(),
            seen,
            restarts,
            rivals,
            asks: Arc::new(AskOperator(Arc::clone(front))),
            cancel: self.context.cancel.clone(),
            tell,
            options: self.options()?,
        }))
    }

    /// What orders with this account share: that of earlier ones in this context, where there were some.
    async fn standing(&self, client: &Client) -> Arc<Standing> {
        let mut all = self.context.standing.lock().await;
        if let Some(standing) = all.get(client.account_url()) {
            return Arc::clone(standing);
        }
        let limits = self.settings.chosen.limits;
        let ledger = Ledger::of_account(self.store, Some(client.account_url()), limits, crate::clock::now()).await;
        let standing = Arc::new(Standing::new(
            ledger,
            self.settings.certificate.concurrency,
            self.context.answering.clone(),
            all.values().next().map(Arc::as_ref),
        ));
        all.insert(client.account_url().to_owned(), Arc::clone(&standing));
        standing
    }

    fn options(&self) -> Result<Options, OpError> {
        let (certificate, storing) = (&self.settings.certificate, &self.settings.storing);
        let mut added = Vec::new();
        for file in storing.said.ca_files.iter().flatten() {
            added.push(read_ca_file(file)?);
        }
        let own = trust::roots(&self.settings.trust, &self.inventory().context);
        added.extend(
            own.map_err(|error| OpError::because(&error))?
                .into_iter()
                .map(|root| root.pem),
        );
        // What is trusted too makes nothing fail that passes without it: no client trusts a staging certificate anyway.
        let judged = match self.settings.chosen.issuer.stage {
            Stage::Production => true,
            Stage::Staging => false,
            Stage::Own => !added.is_empty() && !self.settings.chosen.rehearsal,
        };
        let roots = if judged { Roots::Trusted { added } } else { Roots::Any };
        Ok(Options {
            rehearsal: self.settings.chosen.rehearsal,
            key_kind: certificate.said.key_type,
            reuse_key: certificate.said.reuse_key.unwrap_or_default(),
            concurrency: certificate.concurrency,
            limits: self.settings.chosen.limits.filter(|_| !certificate.ignore_rate_limits),
            force: certificate.force,
            overwrite_with_staging: certificate.overwrite_with_staging,
            slots: slots(self.settings),
            claim: self.keeping.as_ref().map(|keeping| keeping.claim.clone()),
            authority: self.authority.clone(),
            directories: self.directories.clone(),
            roots,
            wait: storing.wait,
            connect: self.order.connect.clone(),
            kept: self.keeping.clone(),
        })
    }
}

/// Whoever is asked, after several failures alike, whether the rest is to be tried. What was agreed to before is no answer.
struct AskOperator(Arc<dyn Front>);

impl GoOn for AskOperator {
    fn go_on<'a>(&'a self, failures: usize, error: &'a str, left: usize) -> BoxFuture<'a, bool> {
        let rest = counted(left, "certificate");
        Box::pin(async move {
            if !self.0.can_ask() {
                self.0.note(&format!(
                    "stopped: {failures} failed in a row with the same error, and {rest} not started"
                ));
                return false;
            }
            let said = format!(
                "{failures} failed in a row with the same error: {error}\n{rest} not started. Continue with the rest?"
            );
            self.0.ask(said).await
        })
    }
}

/// Shows terms of service and asks for agreement. What was agreed to before is none: that is about what is done, and is in scripts.
pub struct Terms<'a>(pub &'a Arc<dyn Front>);

impl Agree for Terms<'_> {
    fn agree(&self, issuer: &Issuer, terms: &str) -> bool {
        let name = &issuer.name;
        if !self.0.can_ask() {
            self.0.note(&format!("terms of service of {name}: {terms}"));
            return false;
        }
        let question = format!("Terms of service of {name}:\n{terms}\nDo you agree to them?");
        tokio::task::block_in_place(|| pollster::block_on(self.0.ask(question)))
    }

    fn told(&self, text: &str) {
        self.0.warn(text);
    }
}
