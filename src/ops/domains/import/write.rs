//! Writes what is imported: the kept pair, the Secret and the Domain of each host, by conditional requests.

use std::{ops::ControlFlow, sync::Arc};

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{
    Hosts, Report, Request, cut_off,
    found::{Item, walk},
    judge::{Good, Judge},
    unread,
};
use crate::{
    apply::{
        Api, ApiError, Pair, RunId, SecretChange, Target,
        kept::{self, KeepError, Keeping},
        secret::Options,
    },
    domain::Host,
    error::{Blame, chain},
    object::{Key, Seconds, annotation::CLAIM, resource::DOMAIN},
    ops::{Context, OpError, domains::objects},
    text::time::date,
    x509::KeyState,
};

/// How many hosts are written at once.
const AT_ONCE: usize = 8;
/// How many pairs wait in memory to be written.
const WAITING: usize = 16;
/// How often a host is tried that somebody else writes at the same time.
const TRIES: usize = 3;

/// Writes.
pub(super) struct Importer {
    pub(super) api: Api,
    pub(super) namespace: String,
    pub(super) controller_namespace: String,
    pub(super) tenant: Option<String>,
    /// The id of the installation; empty if it has none yet, and nothing is written.
    pub(super) install: String,
    pub(super) options: Options,
    /// The directory of the installation's CA.
    pub(super) directory: String,
    pub(super) known: Hosts,
    pub(super) run: RunId,
    pub(super) is_dry: bool,
    pub(super) now: Seconds,
}

/// What became of one host.
enum Done {
    /// Written, or would be: in words.
    Imported(String),
    /// It was there.
    AsItWas,
}

impl Importer {
    /// Reads the store once more, and writes what it holds. What fails for a host is told.
    pub(super) async fn import(
        &self,
        request: &Request,
        judge: &Arc<Judge>,
        context: &Context,
        report: &mut Report,
    ) -> Result<(), OpError> {
        let front = &**context.front();
        let (give, take) = mpsc::channel::<Good>(WAITING);
        let (form, path, judge, cancel) = (
            request.form,
            request.path.clone(),
            Arc::clone(judge),
            context.cancel.clone(),
        );
        let walking = tokio::task::spawn_blocking(move || {
            walk(form, &path, &mut |item: Item| {
                // What is wrong with it has been told.
                let pair = judge.judge(item).pair;
                match pair.map(|pair| give.blocking_send(pair).is_ok()) {
                    _ if cancel.is_cancelled() => ControlFlow::Break(()),
                    Some(false) => ControlFlow::Break(()),
                    Some(true) | None => ControlFlow::Continue(()),
                }
            })
        });
        let pairs = stream::unfold(
            take,
            |mut take| async move { take.recv().await.map(|good| (good, take)) },
        );
        let mut done = std::pin::pin!(pairs.map(|good| self.all(good)).buffer_unordered(AT_ONCE));
        while let Some(results) = done.next().await {
            for (host, at, result) in results {
                match result {
                    Ok(Done::Imported(words)) => {
                        report.imported += 1;
                        front.print(&format!("{}\n", crate::text::Clear(&words)))?;
                    }
                    Ok(Done::AsItWas) => report.as_they_were += 1,
                    Err(error) => {
                        report.left += 1;
                        report.trouble = report.trouble.max(Some(error.blame));
                        front.failed(&error.after(&format!("{at}: {host} is not imported")));
                    }
                }
            }
            if context.cancel.is_cancelled() {
                return Ok(());
            }
        }
        walking
            .await
            .map_err(|error| cut_off(&error))?
            .map_err(|error| unread(&error))
    }

    /// Writes a pair for each of its hosts.
    async fn all(&self, good: Good) -> Vec<(Host, String, Result<Done, OpError>)> {
        let mut results = Vec::new();
        for host in &good.hosts {
            let mut result = self.one(host, &good).await;
            for _ in 1..TRIES {
                if !matches!(result, Err(Failed::Meanwhile(_))) {
                    break;
                }
                result = self.one(host, &good).await;
            }
            let result = result.map_err(|failed| match failed {
                Failed::Meanwhile(error) | Failed::For(error) => error,
            });
            results.push((host.clone(), good.at.clone(), result));
        }
        results
    }

    async fn one(&self, host: &Host, good: &Good) -> Result<Done, Failed> {
        let secret = Key::new(self.namespace.as_str(), objects::secret_name(host));
        let known = self.known.get(host);
        if let Some(known) = known {
            known.stands_against(&self.namespace, &secret).map_err(Failed::For)?;
        }
        let target = Target::read(&self.api, &secret).await?;
        let is_there = self.is_there(&target, &good.pair)?;
        if is_there && known.is_some() {
            return Ok(Done::AsItWas);
        }
        let words = format!(
            "Domain {}/{host} with Secret {secret}, valid until {}",
            self.namespace,
            date(good.pair.leaf().not_after)
        );
        if self.is_dry {
            return Ok(Done::Imported(format!("would import {words}")));
        }
        if !is_there {
            self.store(&target, good).await?;
        }
        if known.is_none() {
            let domain = objects::made(host, &self.namespace, self.tenant.as_deref(), &self.run);
            match self.api.create(DOMAIN, &domain).await {
                Ok(_) | Err(ApiError::AlreadyExists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Done::Imported(format!("imported {words}")))
    }

    /// Whether a Secret has the pair already, or a newer one.
    ///
    /// # Errors
    ///
    /// It is there, and not this installation's.
    fn is_there(&self, target: &Target, pair: &Pair) -> Result<bool, Failed> {
        if !target.exists() {
            return Ok(false);
        }
        let claim = target.annotation(CLAIM);
        if claim.is_none() || claim != Some(self.install.as_str()) {
            let whose = match claim {
                Some(_) => "another installation keeps it",
                None => "nobody has claimed it for the installation",
            };
            return Err(Failed::For(
                OpError::new(Blame::Write, format!("Secret {} is there, and {whose}", target.key()))
                    .hint("it is left as it is: look at it, and delete it if nobody needs it"),
            ));
        }
        let held = target.held(&self.options.slots);
        let held = held.filter(|held| held.bundle.key == KeyState::Matches);
        let leaf = held.as_ref().and_then(|held| held.bundle.leaf());
        Ok(leaf.is_some_and(|leaf| leaf.sha256 == pair.sha256() || leaf.not_before >= pair.leaf().not_before))
    }

    /// Keeps the pair, and writes the Secret.
    async fn store(&self, target: &Target, good: &Good) -> Result<(), Failed> {
        let change = SecretChange::import(target, &good.pair, &self.options, &self.directory, &self.install)
            .map_err(|refusal| Failed::For(OpError::because(&refusal)))?;
        let keeping = Keeping {
            namespace: self.controller_namespace.as_str().into(),
            claim: self.install.clone(),
        };
        kept::keep(&self.api, &keeping, target, &good.pair, &change, &self.run, self.now).await?;
        change.write(&self.api).await?;
        Ok(())
    }
}

/// Why a host was not written.
enum Failed {
    /// Somebody else wrote at the same time.
    Meanwhile(OpError),
    For(OpError),
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        let is_meanwhile = matches!(
            error,
            ApiError::Conflict { .. } | ApiError::AlreadyExists { .. } | ApiError::NotFound { .. }
        );
        let error = OpError::because(&error);
        if is_meanwhile {
            Self::Meanwhile(error)
        } else {
            Self::For(error)
        }
    }
}

impl From<KeepError> for Failed {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Api(error) => error.into(),
            other => Self::For(OpError::new(Blame::Write, chain(&other))),
        }
    }
}
