//! The reasons and the next steps, in words.

use super::State;
use crate::{
    domain::{Looked, OrderState, Purpose, Record, Said, leaving::LASTING},
    object::Seconds,
    text::date_time,
};

/// The state, why, what next, and until when.
pub(super) type Stands = (State, String, String, Option<Seconds>);

/// Where a host stands that has a certificate that is valid now, or has none.
pub(super) fn stands(record: &Record, certificate: bool) -> Stands {
    if let Some(at) = record.released {
        return (
            State::Released,
            format!(
                "The host was released at {}: nothing is ordered for it any more.",
                date_time(at)
            ),
            "Register it again if it is to be served.".to_owned(),
            None,
        );
    }
    if let Some(why) = &record.paused {
        return (
            State::Paused,
            sentence("The host is paused", why),
            "Have it resumed by the platform.".to_owned(),
            None,
        );
    }
    if let Some(OrderState::Blocked { reason }) = &record.order {
        return (
            State::Blocked,
            sentence(
                "A rule of the platform keeps the certificate from being ordered",
                reason,
            ),
            "Ask the platform: nothing happens before it has changed the rule.".to_owned(),
            None,
        );
    }
    if certificate {
        return with_certificate(record);
    }
    without_answer(record)
        .or_else(|| without_records(record))
        .unwrap_or_else(|| ordering(record))
}

/// The host has a certificate that is valid.
fn with_certificate(record: &Record) -> Stands {
    let ends = record.pair.as_ref().map(|pair| pair.not_after);
    let valid = format!(
        "The certificate is valid until {}",
        ends.map(date_time).unwrap_or_default()
    );
    match &record.order {
        Some(OrderState::Validating { .. } | OrderState::Issuing { .. }) => {
            return (
                State::Renewing,
                format!("{valid}, and the next one is being made."),
                NOTHING.to_owned(),
                None,
            );
        }
        Some(OrderState::Failed {
            at,
            reason,
            next,
            until,
        }) => {
            let failed = format!("{valid}. The attempt to renew it failed at {}", date_time(*at));
            return (
                State::Renewing,
                sentence(&failed, reason),
                or_again(next, *until),
                Some(*until),
            );
        }
        Some(OrderState::Limited { reason, until }) => {
            let limited = format!("{valid}. Its renewal waits for a limit of the CA");
            return (
                State::Renewing,
                sentence(&limited, reason),
                NOTHING.to_owned(),
                Some(*until),
            );
        }
        Some(OrderState::Blocked { .. }) | None => {}
    }
    let told = |reason: String, next: &str, until| (State::Active, reason, next.to_owned(), until);
    if let Some(marks) = &record.marks {
        let reason = format!(
            "{valid}. The application has said {} since {} that the host is nobody's.",
            if marks.answers == 1 {
                "once".to_owned()
            } else {
                format!("{} times", marks.answers)
            },
            date_time(marks.first)
        );
        let until = marks
            .release_at()
            .unwrap_or_else(|| marks.first.saturating_add(LASTING));
        let next = "It is released if the application goes on saying so.";
        return told(reason, next, Some(until));
    }
    if let Some(looked) = record.dns.as_ref().filter(|looked| !looked.traffic) {
        let reason = format!("{valid}, and the name does not lead here yet{}.", at_server(looked));
        return (State::Active, reason, set_these(looked), None);
    }
    if let Some(served) = record.served.as_ref().filter(|served| !served.present) {
        let reason = format!("{valid}, and is not served yet");
        return told(sentence(&reason, &served.seen), "It is looked at again.", None);
    }
    if let Some(moved) = &record.moved {
        let reason = format!("{valid}. Another tenant asked for the host at {}.", date_time(moved.at));
        return told(
            reason,
            "Delete the host if it is not yours any more; otherwise nothing has to be done.",
            None,
        );
    }
    told(format!("{valid}."), NOTHING, None)
}

/// The application has not said yes.
fn without_answer(record: &Record) -> Option<Stands> {
    if record.pair.is_some() {
        return None;
    }
    let Some(asked) = &record.asked else {
        let reason = "The host is registered, and the application is asked whether it is a customer's.";
        return Some((State::Asked, reason.to_owned(), NOTHING.to_owned(), None));
    };
    match &asked.said {
        Said::Yes => None,
        Said::No => Some((
            State::Refused,
            format!(
                "The application said at {} that the host is nobody's.",
                date_time(asked.at)
            ),
            "Add the host in the application: it is asked again.".to_owned(),
            Some(record.due),
        )),
        Said::NotNow(why) => Some((
            State::Asked,
            sentence("The application did not say whether the host is a customer's", why),
            "Nothing has to be done: it is asked again.".to_owned(),
            Some(record.due),
        )),
    }
}

/// A record is missing in DNS.
fn without_records(record: &Record) -> Option<Stands> {
    let Some(looked) = &record.dns else {
        let reason = "The records of the host are looked up.".to_owned();
        return Some((State::Dns, reason, NOTHING.to_owned(), None));
    };
    if looked.is_enough() {
        return None;
    }
    let reason = match (looked.traffic || looked.challenge, looked.seen.is_empty()) {
        (true, _) => format!("The proof that you control the name is missing{}.", at_server(looked)),
        (false, true) => format!("The name does not lead here{}.", at_server(looked)),
        (false, false) => format!("The name does not lead here: {}{}.", looked.seen, at_server(looked)),
    };
    Some((State::Dns, reason, set_these(looked), Some(record.due)))
}

/// All is there, and the certificate is ordered.
fn ordering(record: &Record) -> Stands {
    let no_more = record.pair.as_ref().map_or_else(String::new, |pair| {
        format!("The certificate ended at {}. ", date_time(pair.not_after))
    });
    match &record.order {
        Some(OrderState::Issuing { since }) => (
            State::Issuing,
            format!(
                "{no_more}The name is proved, and the certificate has been in the making since {}.",
                date_time(*since)
            ),
            NOTHING.to_owned(),
            None,
        ),
        Some(OrderState::Validating { since }) => (
            State::Validating,
            format!(
                "{no_more}The CA has been looking at the proof since {}.",
                date_time(*since)
            ),
            NOTHING.to_owned(),
            None,
        ),
        Some(OrderState::Failed {
            at,
            reason,
            next,
            until,
        }) => {
            let failed = format!("{no_more}The certificate could not be made at {}", date_time(*at));
            (
                State::Validating,
                sentence(&failed, reason),
                or_again(next, *until),
                Some(*until),
            )
        }
        Some(OrderState::Limited { reason, until }) => (
            State::Limited,
            sentence(&format!("{no_more}A limit of the CA leaves nothing"), reason),
            "Nothing has to be done: it is ordered when there is room.".to_owned(),
            Some(*until),
        ),
        Some(OrderState::Blocked { .. }) | None => (
            State::Validating,
            format!("{no_more}The records are there, and the certificate is ordered next."),
            NOTHING.to_owned(),
            None,
        ),
    }
}

/// What is told where the customer has nothing to do.
const NOTHING: &str = "Nothing has to be done.";

/// A beginning and a clause of others, as one sentence.
fn sentence(begin: &str, clause: &str) -> String {
    let clause = clause.trim().trim_end_matches('.');
    if clause.is_empty() {
        format!("{begin}.")
    } else {
        format!("{begin}: {clause}.")
    }
}

fn or_again(next: &str, until: Seconds) -> String {
    if next.trim().is_empty() {
        return format!("Nothing has to be done: it is tried again at {}.", date_time(until));
    }
    let next = next.trim().trim_end_matches('.');
    let mut letters = next.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let next: String = first.chain(letters).collect();
    format!("{next}. It is tried again at {}.", date_time(until))
}

fn at_server(looked: &Looked) -> String {
    if looked.server.is_empty() {
        String::new()
    } else {
        format!(" (seen at {})", looked.server)
    }
}

/// Which records to set: all with one purpose are told together, because one of those of a challenge is enough, and addresses
/// belong together.
fn set_these(looked: &Looked) -> String {
    let of = |purpose: Purpose| {
        let all = looked.missing.iter().filter(|one| one.purpose == purpose);
        all.map(|one| format!("`{one}`")).collect::<Vec<_>>()
    };
    let (traffic, challenge, ownership) = (of(Purpose::Traffic), of(Purpose::Challenge), of(Purpose::Ownership));
    let mut parts = Vec::new();
    if !traffic.is_empty() {
        parts.push(format!("Set {}.", traffic.join(" and ")));
    }
    if !challenge.is_empty() {
        let before = if traffic.is_empty() {
            "Set"
        } else {
            "For a certificate before traffic moves, set"
        };
        parts.push(format!("{before} {}.", challenge.join(" or ")));
    }
    if !ownership.is_empty() {
        parts.push(format!(
            "To prove that you control the name, set {}.",
            ownership.join(" and ")
        ));
    }
    if parts.is_empty() {
        parts.push("Ask the platform which records to set.".to_owned());
    }
    parts.join(" ")
}
