//! Hooks are told of certificates that are not due, as dehydrated tells them.

use std::sync::Arc;

use super::super::{Context, opened::Opened};
use crate::{
    apply::{Api, Permits},
    engine::{hooks, prepare},
    error::{Blame, chain},
    plan::Target,
    settings::source::ClusterSecrets,
};

/// Tells the hooks of each certificate, where hooks prove its names: not in a rehearsal, which is about nothing that is
/// stored. What fails is told; returns what is to blame for it.
pub(super) async fn tell(opened: &Opened, later: &[Target], context: &Context) -> Option<Blame> {
    let (settings, front) = (&opened.settings, context.front());
    let connection = opened.session.connection.as_ref()?;
    if later.is_empty() || settings.chosen.rehearsal {
        return None;
    }
    let api = Api::new(connection.clone(), Permits::none());
    let secrets = Arc::new(ClusterSecrets(api.clone()));
    // Settings that cannot be used are told by the order.
    let dns01 = prepare::dns01(&settings.dns01, &Arc::default(), secrets, front.operator());
    let dns01 = dns01.ok().flatten()?;
    let mut trouble = None;
    for target in later {
        let failed: Vec<String> = match hooks::unchanged(&dns01, settings, &api, target).await {
            Ok(failed) => failed.into_iter().map(|error| error.message).collect(),
            Err(error) => vec![chain(&error)],
        };
        for error in failed {
            front.note(&format!("{}: {error}", target.secret));
            trouble = Some(Blame::Write);
        }
    }
    trouble
}
