//! One look at what is served, and one try to restart: what takes a cluster and a network.

use std::{collections::BTreeSet, time::Duration};

use super::Looked;
use crate::{
    apply::{
        Api,
        rollout::{self, Workload},
        verify,
    },
    engine::{
        aftermath::{places, record_restarts},
        witness::{self, Sight, Witness, at_places},
    },
    error::{Diagnose as _, chain, with_hint},
    event::Teller,
    name::Name,
    net::HostPort,
    object::{Key, Seconds},
    plan::Target,
    x509::Fingerprint,
};

/// How long one workload may take to restart.
const ROLLOUT: Duration = Duration::from_mins(5);

/// Looks once at every address of the hosts of a Secret, and at those where the former pair was seen.
pub async fn look(
    target: Target,
    names: Vec<Name>,
    connect: Option<HostPort>,
    (new, old): (Fingerprint, Option<Fingerprint>),
    witnesses: Vec<Witness>,
) -> Looked {
    let (places, _) = places(&target, &names, connect.as_ref()).await;
    let witnesses: BTreeSet<Witness> = witnesses.into_iter().collect();
    let wanted: BTreeSet<Witness> = at_places(&places).collect();
    // Those first that may prove something: there is an end to how many are asked.
    let seen = witness::look(witnesses.iter().chain(&wanted).cloned()).await;
    let (mut sights, mut outcomes) = (Vec::new(), Vec::new());
    for (at, answer) in seen {
        let sight = Sight::of(&answer, new, old);
        if witnesses.contains(&at) {
            sights.push(sight);
        }
        // The host may lead elsewhere by now.
        if !wanted.contains(&at) {
            continue;
        }
        let shown = match (sight, answer) {
            (Sight::New, _) => verify::Seen::New,
            (_, Ok(served)) => match served.chain.first() {
                Some(der) => verify::Seen::Other(Fingerprint::of(der)),
                None => continue,
            },
            (_, Err(error)) => verify::Seen::Nothing(error),
        };
        outcomes.push(verify::Outcome {
            host: at.host,
            seen: vec![(at.address, shown)],
            after: Duration::ZERO,
        });
    }
    let complaints: Vec<String> = outcomes.iter().filter_map(verify::Outcome::complaint).collect();
    Looked {
        complaint: (!complaints.is_empty()).then(|| complaints.join("; ")),
        sight: Sight::of_all(sights),
    }
}

/// Restarts workloads for a Secret that were not restarted since a moment, in seconds since 1970.
///
/// # Errors
///
/// The first workload that is not back, in words.
pub async fn restart(api: Api, secret: Key, workloads: Vec<Workload>, since: Seconds) -> Result<(), String> {
    let tell = Teller::silent();
    rollout::resume(&api, &workloads, since, ROLLOUT, &tell)
        .await
        .map_err(|error| with_hint(&chain(&error), error.hint().as_deref()))?;
    record_restarts(&api, &secret, &workloads).await;
    Ok(())
}
