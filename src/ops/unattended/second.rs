//! What is done for the issuers besides the first: whether certificates could change to them, and rehearsals of that.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{At, Unattended};
use crate::{
    engine::{
        authority::Authority,
        preflight::change::{Change, Found, check},
        run::Run,
    },
    inventory::Inventory,
    name::Name,
    object::Text,
    ops::{Context, Front, OpError},
    plan::{Names, Target},
    settings::Settings,
};

/// How long a CA has to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks whether certificates could be ordered at other issuers. It needs nothing of whoever has made it.
pub struct Checking {
    of: Vec<Part>,
    front: Arc<dyn Front>,
}

struct Part {
    at: Arc<At>,
    settings: Settings,
    sets: Vec<Vec<Name>>,
}

/// What was found for an issuer.
#[derive(Debug)]
pub struct Checked {
    /// Its name.
    pub issuer: Text,
    /// What was found, for the sets of names that were asked for.
    pub found: Found,
}

impl Checking {
    /// Looks. Nothing is ordered.
    pub async fn run(self) -> Vec<Checked> {
        let mut all = Vec::new();
        for Part { at, settings, sets } in self.of {
            let found = match timeout(PATIENCE, at.acme(&*self.front)).await {
                Ok(Ok(acme)) => check(&settings, &at.store, &acme, &sets).await,
                Ok(Err(error)) => Found::alike(Change::Unknown(error.message), &sets),
                Err(_) => {
                    let late = format!("{} does not answer within {} s", at.name(), PATIENCE.as_secs());
                    Found::alike(Change::Unknown(late), &sets)
                }
            };
            all.push(Checked {
                issuer: at.name().into(),
                found,
            });
        }
        all
    }
}

impl Unattended {
    /// Looks whether certificates for these sets of names could be ordered at these issuers.
    pub fn checking(&self, context: &Context, asked: Vec<(Text, Vec<Vec<Name>>)>) -> Checking {
        let part = |(issuer, sets): (Text, Vec<Vec<Name>>)| {
            let at = self.issuers.iter().find(|at| at.name() == issuer.as_str())?;
            Some(Part {
                at: Arc::clone(at),
                settings: at.settings(&self.settings).into_owned(),
                sets,
            })
        };
        Checking {
            of: asked.into_iter().filter_map(part).collect(),
            front: Arc::clone(context.front()),
        }
    }

    /// Asks the CA of an issuer whether it answers.
    pub fn probing(&self, context: &Context, issuer: &str) -> impl Future<Output = bool> + use<> {
        let at = self.issuers.iter().find(|at| at.name() == issuer).map(Arc::clone);
        let front = Arc::clone(context.front());
        async move {
            let Some(at) = at else { return false };
            timeout(PATIENCE, at.look(&*front))
                .await
                .is_ok_and(|looked| looked.is_ok())
        }
    }

    /// The issuers besides the first, each with the name of the one at which a change to it is rehearsed.
    pub fn rehearsed(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.issuers.iter().skip(1).map(|at| {
            let staging = self.stagings.iter().find(|(of, _)| of.as_str() == at.name());
            (at.name(), staging.map(|(_, at)| at.name()))
        })
    }

    /// Prepares an order for one name of a target, in the test environment of an issuer: what comes of it is not stored. Returns
    /// it with what is ordered; `None` if there is no such environment, or no name.
    ///
    /// # Errors
    ///
    /// Nothing was ordered: the CA does not answer, there is no account, or nothing can answer challenges.
    pub async fn begin_rehearsal(
        &self,
        context: &Context,
        inventory: &Inventory,
        issuer: &str,
        target: &Target,
        authority: &Authority,
    ) -> Result<Option<(Run, Target)>, OpError> {
        let staging = self.stagings.iter().find(|(of, _)| of.as_str() == issuer);
        let (Some((_, at)), Some(name)) = (staging, target.names.order.first()) else {
            return Ok(None);
        };
        let target = Target {
            names: Names::join([name.to_string().as_str()], [], true),
            ..target.clone()
        };
        let targets = std::slice::from_ref(&target);
        let run = self.begin_at(at, context, inventory, targets, authority, None).await?;
        Ok(Some((run, target)))
    }
}
