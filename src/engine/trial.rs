//! `--dry-run=server`: makes the API server judge the writes that are known before there is a certificate, without
//! persisting them.

use super::{failure::TargetError, journal, lease::Lease};
use crate::{
    apply::{
        Api, RunId,
        secret::{self, Slots, Target as Present},
    },
    plan::Target,
};

/// Makes the server judge the Lease, the journal and, as far as possible, the Secret of each target.
pub async fn all(api: &Api, targets: &[Target], run: &RunId, slots: &Slots) -> Result<(), TargetError> {
    for target in targets {
        let options = secret::Options {
            slots: slots.clone(),
            force: true,
            ..secret::Options::default()
        };
        let present = Present::read(api, &target.secret).await.map_err(TargetError::Api)?;
        secret::may_be_written(&present, &options)?;
        let lease = Lease::take(api, &target.secret, run).await?;
        drop(lease);
        let place = journal::JournalStore::Cluster(api.clone());
        let entry = journal::Entry::default();
        let key = secrecy::SecretString::from(String::new());
        let found = journal::find(&place, &target.secret).await?;
        journal::Journal::begin(&place, &target.secret, run, entry, key, found).await?;
    }
    Ok(())
}
