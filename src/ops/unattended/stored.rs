//! What is done for a Secret besides orders: restarts, its former pair, copies, and the moment from which it is served.

use super::Unattended;
use crate::{
    apply::{Api, kept, rollout::Workload},
    engine::{
        authority::Authority,
        copy::{self, Copied, Copy, CopyError},
        prepare::store_options,
        undo::{self, Both, UndoError},
    },
    error::chain,
    object::{Key, Seconds},
    ops::consumers,
    x509::Fingerprint,
};

impl Unattended {
    /// The workloads that are restarted for a Secret, by who uses it now.
    pub fn restarted(&self, secret: &Key) -> impl Future<Output = Vec<Workload>> + Send + use<> {
        let (secret, connection) = (secret.clone(), self.connection.clone());
        let wanted = self.settings.storing.restart.clone();
        async move {
            let (mut all, _) = consumers::restarts(connection, vec![secret.clone()], &wanted).await;
            all.remove(&secret).unwrap_or_default().restarted
        }
    }

    /// Puts the former pair of a Secret back. Returns the end of its validity, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Why it was not put back.
    pub fn undo(
        &self,
        secret: &Key,
        both: Both,
        authority: Authority,
    ) -> impl Future<Output = Result<Seconds, UndoError>> + Send + use<> {
        let (secret, options, keeping) = (secret.clone(), store_options(&self.settings), self.keeping());
        let connection = self.connection.clone();
        async move {
            let keeping = keeping.ok_or(UndoError::NotKept)?;
            let api = Api::new(connection, undo::permits(&secret, &keeping));
            undo::undo(&api, &secret, &keeping, &options, both, &authority).await
        }
    }

    /// Makes a Secret a copy of another one, or makes it current. `None` if it was.
    ///
    /// # Errors
    ///
    /// Why it was not.
    pub fn copy(
        &self,
        secret: &Key,
        source: &Key,
        authority: Authority,
    ) -> impl Future<Output = Result<Option<Copied>, CopyError>> + Send + use<> {
        let (options, connection) = (store_options(&self.settings), self.connection.clone());
        let copy = Copy {
            secret: secret.clone(),
            source: source.clone(),
            claim: self.install.get().cloned().unwrap_or_default(),
        };
        async move {
            let api = Api::new(connection, copy::permits(&copy));
            copy::copy(&api, &copy, &options, &authority).await
        }
    }

    /// Notes on the kept pair of a Secret when its certificate was first seen served. What the cluster refuses is only logged: the
    /// certificate is served all the same, and the log has the moment too.
    pub fn note_served(
        &self,
        secret: &Key,
        certificate: Fingerprint,
        at: Seconds,
        authority: Authority,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (secret, keeping, connection) = (secret.clone(), self.keeping(), self.connection.clone());
        async move {
            let Some(keeping) = keeping else { return };
            let Ok(_permitted) = authority.permit() else { return };
            let api = Api::new(connection, keeping.permits(&secret));
            if let Err(error) = kept::note_served(&api, &keeping, &secret, certificate, at).await {
                log::warn!(
                    "when Secret {secret} was first seen served is not noted: {}",
                    chain(&error)
                );
            }
        }
    }
}
