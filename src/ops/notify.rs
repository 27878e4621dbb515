//! Tells the receivers of the settings what came of a run that nobody watches.

use std::sync::Arc;

use super::{
    Context, OpError,
    issuance::{Order, Report},
};
use crate::{
    clock::now,
    engine::{failure::TargetError, run::Outcome},
    error::{Blame, Diagnose as _, chain, with_hint},
    notify::{Notice, Receiver, Scene, Topic},
    object::Seconds,
    settings::{notify::NotifyEntry, notify_of, value::DryRun},
    solve::dns01::config::{NoSecrets, Secrets},
    text::{date_time, time::HOUR},
};

/// How long what a run has found lasts, in seconds: runs that repeat once a day say it again before it is over.
const LASTS: Seconds = 26 * HOUR;

/// Tells what failed, what is held and, if that is asked for, what was renewed. Rehearsals and dry runs are not told of.
/// What cannot be delivered is a warning, and changes nothing else.
pub async fn of_run(order: &Order, context: &Context, result: &Result<Report, OpError>) {
    if order.dry_run != DryRun::None {
        return;
    }
    let entry = match context.layers(order.flags.clone()).await {
        Ok(layers) => notify_of(&layers),
        // Why the other sources cannot be read is what the run has failed at.
        Err(_) => order.flags.file.notify.clone(),
    };
    if !entry.tells() {
        return;
    }
    let notices = notices(result, &entry, now());
    if notices.is_empty() {
        return;
    }
    let secrets: &dyn Secrets = if order.source.filename.is_empty() {
        &context.cluster
    } else {
        &NoSecrets
    };
    let scene = Scene {
        cluster: context.cluster_name().unwrap_or_default(),
        lasts: LASTS,
    };
    for receiver in Receiver::of(&entry) {
        if let Err(error) = receiver.tell(&notices, &scene, secrets).await {
            context.front().warn(&error.to_string());
        }
    }
}

/// What there is to tell of a run.
fn notices(result: &Result<Report, OpError>, entry: &NotifyEntry, at: Seconds) -> Vec<Notice> {
    match result {
        Ok(report) if report.is_rehearsal || report.is_dry => Vec::new(),
        Ok(report) => {
            let told = |outcome| of_outcome(outcome, entry.renewed == Some(true), at);
            report.outcomes.iter().flat_map(told).collect()
        }
        // Whoever typed something wrong, or has ended it, is there to see it.
        Err(error) if matches!(error.blame, Blame::Usage | Blame::Interrupted) => Vec::new(),
        Err(error) => vec![Notice {
            topic: Topic::RunFailed,
            secret: None,
            message: with_hint(&error.message, error.hint.as_deref()),
            is_over: false,
            at,
        }],
    }
}

fn of_outcome(outcome: &Outcome, renewed: bool, at: Seconds) -> Vec<Notice> {
    let notice = |topic, message: String| Notice {
        topic,
        secret: Some(outcome.secret.clone()),
        message,
        is_over: false,
        at,
    };
    let over = |topic| Notice {
        is_over: true,
        ..notice(topic, String::new())
    };
    let error = match &outcome.result {
        Ok(issued) => {
            let mut all = vec![over(Topic::RenewalFailed), over(Topic::NotServed)];
            if renewed {
                let message = format!("valid until {}", date_time(issued.not_after));
                all.push(notice(Topic::Renewed, message));
            }
            return all;
        }
        Err(error) => error,
    };
    let message = with_hint(&chain(error), error.hint().as_deref());
    match error {
        error if error.is_done_elsewhere() => vec![over(Topic::RenewalFailed)],
        TargetError::Stopped => Vec::new(),
        error if error.blame() == Blame::Interrupted => Vec::new(),
        TargetError::NotOurs { .. } | TargetError::Refused(_) | TargetError::Limit { .. } => {
            vec![notice(Topic::Held, message)]
        }
        TargetError::LeftOut { .. } => vec![over(Topic::RenewalFailed), notice(Topic::WithoutNames, message)],
        error if error.is_after_storing() => {
            vec![over(Topic::RenewalFailed), notice(Topic::NotServed, message)]
        }
        _ => vec![notice(Topic::RenewalFailed, message)],
    }
}

/// Says in the log of a program that goes on what was not delivered.
pub fn trouble(context: &Context) -> crate::notify::outbox::Trouble {
    let front = Arc::clone(context.front());
    Arc::new(move |text: &str| front.warn(text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{engine::run::Issued, object::Key};

    fn outcome(result: Result<Issued, TargetError>) -> Outcome {
        Outcome {
            secret: Key::new("shop", "shop-tls"),
            names: Vec::new(),
            changes_ca: None,
            first: false,
            result,
            took: Duration::ZERO,
            aftermath: None,
        }
    }

    fn told(result: &Result<Report, OpError>, renewed: bool) -> Vec<(Topic, bool, String)> {
        let entry = NotifyEntry {
            renewed: Some(renewed),
            ..NotifyEntry::default()
        };
        let notices = notices(result, &entry, 1_000);
        notices
            .into_iter()
            .map(|it| (it.topic, it.is_over, it.message))
            .collect()
    }

    fn report(error: TargetError) -> Report {
        Report {
            outcomes: vec![outcome(Err(error))],
            ..Report::default()
        }
    }

    #[test]
    fn what_failed_is_told_with_what_to_do_and_what_is_others_is_held() {
        let failed = told(&Ok(report(TargetError::NoNames(Key::new("shop", "shop-tls")))), false);
        assert_eq!(failed.len(), 1);
        assert_eq!((failed[0].0, failed[0].1), (Topic::RenewalFailed, false));
        assert!(
            failed[0].2.contains("no route gives Secret shop/shop-tls a host"),
            "{failed:?}"
        );
        let held = told(
            &Ok(report(TargetError::NotOurs {
                message: "cert-manager renews it".to_owned(),
                hint: Some("name it".to_owned()),
            })),
            false,
        );
        assert_eq!(
            held,
            [(Topic::Held, false, "cert-manager renews it; name it".to_owned())]
        );
        let not_served = told(
            &Ok(report(TargetError::NotServed {
                message: "another is".to_owned(),
                hint: None,
            })),
            false,
        );
        let topics: Vec<_> = not_served.iter().map(|(topic, over, _)| (*topic, *over)).collect();
        assert_eq!(topics, [(Topic::RenewalFailed, true), (Topic::NotServed, false)]);
    }

    #[test]
    fn a_run_that_cannot_begin_is_told_and_a_mistyped_flag_a_rehearsal_and_control_c_are_not() {
        let cluster = told(
            &Err(OpError::new(Blame::Cluster, "no answer").hint("look at it")),
            false,
        );
        assert_eq!(cluster, [(Topic::RunFailed, false, "no answer; look at it".to_owned())]);
        assert!(told(&Err(OpError::usage("no such flag")), false).is_empty());
        assert!(told(&Err(OpError::new(Blame::Interrupted, "interrupted")), false).is_empty());
        assert!(told(&Ok(report(TargetError::Interrupted)), false).is_empty());
        let rehearsal = Report {
            is_rehearsal: true,
            ..report(TargetError::NoNames(Key::new("a", "b")))
        };
        assert!(told(&Ok(rehearsal), false).is_empty());
    }
}
