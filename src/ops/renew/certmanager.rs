//! Secrets that cert-manager writes, or is asked to: left to it, refused, or renewed by it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::super::{
    Context, Front, OpError,
    issuance::Order,
    left::{self, Left},
    opened::Opened,
    session::Session,
};
use crate::{
    apply::{Api, Permits, events},
    engine::{
        cancel::Cancel,
        certmanager,
        failure::TargetError,
        run::{Issued, Outcome},
    },
    error::{Diagnose, chain},
    event::{EventKind, Teller},
    object::Key,
    plan::{Plan, Stage, Target},
    settings::value::DryRun,
    text::{Clear, counted},
};

/// How long cert-manager may take.
const CERT_MANAGER: Duration = Duration::from_mins(10);

/// Why a Secret is left to cert-manager, although there is no Certificate yet: `--force` orders it all the same.
pub(in crate::ops) fn asked_for(opened: &Opened, secret: &Key) -> Option<certmanager::AskedFor> {
    let asked = certmanager::asked_for(&opened.session.inventory, secret)?;
    (!opened.settings.certificate.force).then_some(asked)
}

/// Takes away what cert-manager is asked for, where all are renewed; it is told, and returned counted.
pub(in crate::ops) fn leave_what_is_asked(
    opened: &Opened,
    found: Vec<Target>,
    front: &dyn Front,
) -> (Vec<Target>, Option<String>) {
    let mut whys = Vec::new();
    let mut ours = Vec::new();
    for target in found {
        match asked_for(opened, &target.secret) {
            Some(asked) => whys.push(asked.what),
            None => ours.push(target),
        }
    }
    let Some(why) = whys.first() else {
        return (ours, None);
    };
    let all = format!("{} left to cert-manager", counted(whys.len(), "Secret"));
    front.note(&format!("{all}: {why}"));
    (ours, Some(all))
}

/// Takes away what was named and is refused because it is cert-manager's: told with its reason, while the others are renewed. Where no
/// other was named, it is an error.
pub(in crate::ops) fn refuse(
    opened: &Opened,
    theirs: &mut Vec<(Target, Key)>,
    ours: &mut Vec<Target>,
    front: &dyn Front,
) -> Result<Vec<Left>, OpError> {
    let mut left = Vec::new();
    ours.retain(|target| {
        let asked = asked_for(opened, &target.secret);
        left.extend(
            asked
                .as_ref()
                .map(|asked| Left::new(target, asked.what.clone(), Some(asked.hint.to_owned()))),
        );
        asked.is_none()
    });
    theirs.retain(|(target, certificate)| {
        let from_manifests = opened.session.inventory.from_manifests;
        let refused = certmanager::allowed(&opened.settings.chosen, certificate, &target.secret, from_manifests).err();
        left.extend(
            refused
                .as_ref()
                .map(|error| Left::new(target, chain(error), error.hint())),
        );
        refused.is_none()
    });
    if ours.is_empty() && theirs.is_empty() && !left.is_empty() {
        return Err(left::failure(&left));
    }
    left::tell(&left, front);
    Ok(left)
}

/// Those that cert-manager writes, with their Certificate, and those that this program does.
pub(in crate::ops) fn split(session: &Session, found: Vec<Target>) -> (Vec<(Target, Key)>, Vec<Target>) {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for target in found {
        let owner = session
            .inventory
            .certificates_of(&target.secret)
            .next()
            .map(|c| c.meta.key());
        match owner {
            Some(certificate) => theirs.push((target, certificate)),
            None => ours.push(target),
        }
    }
    (theirs, ours)
}

/// What is asked of cert-manager, for whoever is asked.
fn plan(theirs: &[(Target, Key)], left: &[Left], place: Option<String>) -> Plan {
    let note = |(target, certificate): &(Target, Key)| {
        format!(
            "Secret {} belongs to cert-manager: its Certificate {certificate} is renewed by cert-manager, and followed to the end",
            target.secret
        )
    };
    Plan {
        issuer: "cert-manager".to_owned(),
        stage: Some(Stage::Production),
        notes: theirs.iter().map(note).collect(),
        left: left.iter().map(ToString::to_string).collect(),
        place,
        question: Some(match theirs {
            [(_, certificate)] => format!("Have cert-manager renew Certificate {certificate}?"),
            several => format!("Have cert-manager renew {} Certificates?", several.len()),
        }),
        ..Plan::default()
    }
}

/// Has cert-manager renew what is its own, several at once.
pub(super) async fn renewed(
    opened: &Opened,
    order: &Order,
    theirs: &[(Target, Key)],
    left: &[Left],
    context: &Context,
) -> Result<Vec<Outcome>, OpError> {
    let (front, cancel) = (&**context.front(), &context.cancel);
    let Some(connection) = opened.session.connection.as_ref().filter(|_| !theirs.is_empty()) else {
        return Ok(Vec::new());
    };
    let plan = plan(theirs, left, context.place());
    match order.dry_run {
        DryRun::Client => {
            // Nothing is sent, not even to be judged.
            let lines = plan.notes.iter().map(|line| format!("{}\n", Clear(line)));
            front.print(&lines.collect::<Vec<_>>().concat())?;
            return Ok(Vec::new());
        }
        DryRun::Server => plan.notes.iter().for_each(|line| front.note(line)),
        DryRun::None => front.confirm(plan).await?,
    }
    let tell = Teller::new(front.listener());
    // From here on it is more than a plan: who cancels is told what became of it.
    cancel.begin();
    let outcomes = stream::iter(theirs)
        .map(|(target, certificate)| {
            let mut permits = Permits::none();
            permits.extend(certmanager::permits(certificate));
            // Without the right to it no Event is left, and nothing else is the worse.
            permits.extend(events::permits(&certificate.namespace));
            let api = Api::new(connection.clone(), permits);
            let api = if order.dry_run == DryRun::Server {
                api.dry_run()
            } else {
                api
            };
            one(api, target, certificate, tell.about(target.secret.clone()), cancel)
        })
        .buffered(opened.settings.certificate.concurrency.max(1))
        .collect()
        .await;
    front.finish();
    Ok(outcomes)
}

async fn one(api: Api, target: &Target, certificate: &Key, told: Teller, cancel: &Cancel) -> Outcome {
    let began = std::time::Instant::now();
    let result = certmanager::renew(&api, certificate, &told, cancel, CERT_MANAGER).await;
    let result = match result {
        Ok(renewed) => Ok(Issued {
            names: target.names.order.clone(),
            not_after: renewed.leaf.map_or(0, |leaf| leaf.not_after),
            place: Some(format!("Secret {}", target.secret)),
        }),
        Err(error) => {
            let error = TargetError::CertManager {
                message: chain(&error),
                hint: error.hint(),
            };
            told.tell(EventKind::Failed {
                error: chain(&error),
                hint: error.hint(),
            });
            Err(error)
        }
    };
    Outcome {
        secret: target.secret.clone(),
        names: target.names.order.clone(),
        changes_ca: None,
        first: target.held.is_none(),
        result,
        took: began.elapsed(),
        aftermath: None,
    }
}
