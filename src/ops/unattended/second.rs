//! What is done for the issuers besides the first: whether certificates could change to them, and rehearsals of that.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{At, Unattended};
use crate::{
    apply::RunId,
    engine::choose::led,
    engine::{
        authority::Authority,
        preflight::change::{Change, Found, check},
        prepare::Preparing,
        run::Run,
    },
    error::Blame,
    inventory::Inventory,
    name::Name,
    object::Text,
    ops::{Context, Front, OpError, issuance::Drawn},
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
        let looking = self.looking(context, issuer);
        async move { looking.await.is_ok() }
    }

    /// Asks the CA of an issuer for its directory anew. The error is why it could not be read within 20 s.
    pub fn looking(&self, context: &Context, issuer: &str) -> impl Future<Output = Result<(), Text>> + use<> {
        let named = self.issuers.iter().find(|at| at.name() == issuer).map(Arc::clone);
        let front = Arc::clone(context.front());
        async move {
            let at = named.ok_or("it is not among the issuers any more")?;
            let looked = timeout(PATIENCE, at.look(&*front)).await;
            let late = |_| Text::from(format!("the CA has not answered within {} s", PATIENCE.as_secs()));
            looked.map_err(late)?.map_err(|error| error.message.into())
        }
    }

    /// The issuers besides the first, each with the name of the one at which a change to it is rehearsed.
    pub fn rehearsed(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.issuers.iter().skip(1).map(|at| {
            let staging = self.stagings.iter().find(|(of, _)| of.as_str() == at.name());
            (at.name(), staging.map(|(_, at)| at.name()))
        })
    }

    /// Prepares an order for one name of a target, in the test environment of an issuer: what comes of it is not stored.
    /// `None` if there is no such environment, or no name. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// Nothing can answer challenges.
    pub fn rehearsal(
        self: &Arc<Self>,
        context: &Arc<Context>,
        inventory: &Inventory,
        issuer: &str,
        target: &Target,
        authority: &Authority,
    ) -> Result<Option<Rehearsal>, OpError> {
        let staging = self.stagings.iter().position(|(of, _)| of.as_str() == issuer);
        let (Some(staging), Some(name)) = (staging, target.names.order.first()) else {
            return Ok(None);
        };
        let target = Target {
            names: Names::join([name.to_string().as_str()], [], true),
            ..target.clone()
        };
        let at_staging = self.stagings[staging].1.settings(&self.settings);
        let preparing = Preparing {
            inventory,
            targets: std::slice::from_ref(&target),
            settings: &led(&at_staging, std::slice::from_ref(&target)),
            connection: Some(&self.connection),
            directory: None,
            connect: self.order.connect.clone(),
            run: RunId::random(),
        };
        let drawn = Drawn::of(&preparing, &self.scope);
        let drawn = drawn.map_err(|error| OpError::because(&error).blame(Blame::Usage))?;
        Ok(Some(Rehearsal {
            of: Arc::clone(self),
            staging,
            context: Arc::clone(context),
            scene: inventory.context.clone(),
            drawn,
            target,
            authority: authority.clone(),
        }))
    }
}

/// A rehearsal of a change to another issuer that has not begun. It needs nothing of whoever has made it.
pub struct Rehearsal {
    of: Arc<Unattended>,
    /// Which of the test environments.
    staging: usize,
    context: Arc<Context>,
    /// The context of the cluster.
    scene: Text,
    drawn: Drawn,
    target: Target,
    authority: Authority,
}

impl Rehearsal {
    /// What is ordered.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Begins it.
    ///
    /// # Errors
    ///
    /// Nothing was ordered: the CA does not answer within 20 s, or there is no account.
    pub async fn begin(self) -> Result<(Run, Target), OpError> {
        let Self {
            of, context, target, ..
        } = self;
        let nothing = Inventory::new(self.scene, false);
        let at = &of.stagings[self.staging].1;
        let (picture, targets) = ((&nothing, Some(self.drawn)), std::slice::from_ref(&target));
        let beginning = of.begin_at(at, &context, picture, targets, &self.authority, None);
        let late = |_| {
            OpError::new(
                Blame::Acme,
                format!("it does not answer within {} s", PATIENCE.as_secs()),
            )
        };
        let run = timeout(PATIENCE, beginning).await.map_err(late)??;
        Ok((run, target))
    }
}
