//! What has to be there before the loop begins.

use std::{sync::Arc, time::Duration};

use crate::{
    controller::state::{self, Inbox},
    engine::{cancel::Cancel, prepare::advertised},
    error::Blame,
    ops::{Context, OpError, unattended::Unattended},
    solve::http01::{responder::listening_hint, standing::Standing},
};

/// How often it is looked whether there is an account, before anything else.
const UNTIL_ACCOUNT: Duration = Duration::from_secs(2);

/// What answers challenges for as long as this process goes on.
pub(super) async fn answering(unattended: &Unattended) -> Result<Arc<Standing>, OpError> {
    let Some(address) = advertised(&unattended.settings.http01) else {
        return Err(
            OpError::usage("the controller answers challenges itself, and does not know its address")
                .hint("outside of a cluster, give one that the cluster reaches: --advertise ADDRESS:PORT"),
        );
    };
    let started = Standing::start(address)
        .await
        .map_err(|error| OpError::usage(format!("cannot listen on {address}: {error}")).hint(listening_hint(&error)));
    Ok(Arc::new(started?))
}

/// The id of the installation, once there is an account; `None` if nobody waits for it any more.
pub(super) async fn installed(
    unattended: &Unattended,
    context: &Context,
    cancel: &Cancel,
    asks: &Inbox,
) -> Result<Option<String>, OpError> {
    let mut is_told = false;
    loop {
        let error = match unattended.install().await {
            Ok(Some(install)) => return Ok(Some(install.to_owned())),
            Ok(None) => OpError::new(
                Blame::Usage,
                "AccountMissing: there is no Secret with the account, so nothing is ordered",
            )
            .hint("`kubectl certs account register --account-secret NAMESPACE/NAME` makes one"),
            Err(error) => error.after("AccountMissing: nothing is ordered"),
        };
        asks.stage.send_replace(state::Stage::WithoutAccount);
        if !std::mem::replace(&mut is_told, true) {
            context.front().failed(&error);
        }
        tokio::select! {
            () = tokio::time::sleep(UNTIL_ACCOUNT) => {}
            () = cancel.cancelled() => return Ok(None),
        }
    }
}
