//! One issuer of an installation: its CA, and the account there.

use std::{borrow::Cow, sync::Arc};

use crate::{
    acme::Acme,
    ops::{Context, Front, OpError, directory::Directory},
    settings::{Chosen, Settings, store::Store},
};

/// An issuer, and where its account is kept.
pub(super) struct At {
    pub(super) chosen: Chosen,
    pub(super) store: Store,
    /// Whether it is the one of the settings, and not one besides it.
    is_first: bool,
    acme: tokio::sync::Mutex<Arc<Directory>>,
}

impl At {
    /// The first issuer, whose directory is being read, or will be.
    pub(super) fn first(chosen: Chosen, store: Store, directory: Directory) -> Self {
        Self::new(chosen, store, directory, true)
    }

    fn new(chosen: Chosen, store: Store, directory: Directory, is_first: bool) -> Self {
        Self {
            chosen,
            store,
            is_first,
            acme: tokio::sync::Mutex::new(Arc::new(directory)),
        }
    }

    /// Another one, whose directory is read when it is first asked for.
    pub(super) async fn beside(context: &Context, chosen: Chosen) -> Result<Self, OpError> {
        let store = context.store(&chosen).await?;
        let directory = Directory::later(&chosen.issuer);
        Ok(Self::new(chosen, store, directory, false))
    }

    /// Its name in the settings.
    pub(super) fn name(&self) -> &str {
        &self.chosen.issuer.name
    }

    /// The settings with this issuer as the chosen one.
    pub(super) fn settings<'s>(&self, first: &'s Settings) -> Cow<'s, Settings> {
        if self.is_first {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(first.at(self.chosen.clone()))
        }
    }

    /// The directory, as it was or will be read.
    pub(super) async fn directory(&self) -> Arc<Directory> {
        Arc::clone(&*self.acme.lock().await)
    }

    /// The CA. It is asked for its directory again if it could not be read the last time.
    pub(super) async fn acme(&self, front: &dyn Front) -> Result<Acme, OpError> {
        let directory = self.directory().await;
        match directory.get(front).await {
            Ok(acme) => Ok(acme.clone()),
            Err(error) => {
                *self.acme.lock().await = Arc::new(Directory::begin(&self.chosen.issuer));
                Err(error)
            }
        }
    }

    /// Asks the CA for its directory anew.
    pub(super) async fn look(&self, front: &dyn Front) -> Result<(), OpError> {
        let directory = Arc::new(Directory::begin(&self.chosen.issuer));
        directory.get(front).await?;
        *self.acme.lock().await = directory;
        Ok(())
    }
}
