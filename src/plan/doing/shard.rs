//! What a controller does, in the data of `ConfigMap`s: a few of them, each with the certificates whose hash leads to it, a
//! line of JSON for each certificate.
//!
//! A `ConfigMap` ends at 1 MiB. Messages are cut, and what still has no room is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    object::{
        Key, Seconds, Text,
        doing::{AfterStoring, Doing, DoingState, Installation, Orders, Rehearsal},
    },
    text::{clear, date_time, parse_time, shorten},
    x509::Fingerprint,
};

/// How many there are.
pub const SHARDS: usize = 8;
/// How their names begin.
pub const PREFIX: &str = "kubectl-certs-state-";
/// The form of the data.
const VERSION: &str = "1";
/// The most bytes of the lines of one.
const LARGEST: usize = 900 << 10;
/// How many characters of a message are stored, and how many where there is no room otherwise.
const MESSAGE: usize = 300;
const SHORT: usize = 60;
/// How many namespaces at most, and how many rules for wildcards, are told of.
const MOST_TOLD: usize = 200;

/// The data keys.
const VERSIONED: &str = "version";
const INSTALL: &str = "install";
const ABOUT: &str = "controller";
const LINES: &str = "certificates";
const LEFT_OUT: &str = "leftOut";

/// Why the data cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// It is of another version, or of something else.
    #[error("it has version {0:?}, and not {VERSION:?}")]
    Version(String),
    /// A line is not one.
    #[error("line {0} of its certificates cannot be read")]
    Line(usize),
    /// What the controller says of itself is not that.
    #[error("what it says of the controller cannot be read")]
    About,
}

/// What one `ConfigMap` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shard {
    /// The id of the installation.
    pub install: Text,
    /// The controller, in the first of the `ConfigMap`s.
    pub about: Option<Installation>,
    /// What it does.
    pub doings: Vec<Doing>,
    /// How many certificates there was no room for.
    pub left_out: usize,
}

/// The names of the `ConfigMap`s.
pub fn names() -> Vec<String> {
    (0..SHARDS).map(|shard| format!("{PREFIX}{shard:02}")).collect()
}

/// Which of them a Secret belongs to.
pub fn of_secret(secret: &Key) -> usize {
    let [first, ..] = Fingerprint::of(secret.to_string().as_bytes()).0;
    usize::from(first) % SHARDS
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    secret: String,
    state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<After>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    without: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    issued: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elsewhere: Option<[String; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct After {
    at: String,
    message: String,
    #[serde(default, skip_serializing_if = "is_false")]
    unrestarted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    issuer: String,
    orders: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused_since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_down_since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespaces: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wildcards: Vec<[String; 3]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rehearsals: Vec<Rehearsed>,
}

#[derive(Serialize, Deserialize)]
struct Rehearsed {
    issuer: String,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form.
fn is_false(is: &bool) -> bool {
    !*is
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form.
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A text of another, cleared and cut.
fn said(text: &str) -> Text {
    shorten(&clear(text), MESSAGE).into()
}

fn moment(text: Option<&String>) -> Option<Seconds> {
    parse_time(text?)
}

impl Line {
    fn of(doing: &Doing, most: usize) -> Self {
        let cut = |text: &Text| shorten(text, most).into_owned();
        Self {
            secret: doing.secret.to_string(),
            state: doing.state.as_str().to_owned(),
            reason: doing.reason.to_string(),
            message: cut(&doing.message),
            since: doing.since.map(date_time),
            until: doing.until.map(date_time),
            failures: doing.failures,
            after: doing.after.as_ref().map(|after| After {
                at: date_time(after.at),
                message: cut(&after.message),
                unrestarted: after.is_unrestarted,
            }),
            without: doing.without.as_ref().map(cut),
            asked: doing.asked.map(date_time),
            names: doing.names.as_ref().map(ToString::to_string),
            issued: doing.issued.iter().copied().map(date_time).collect(),
            elsewhere: doing
                .elsewhere
                .as_ref()
                .map(|(issuer, why)| [issuer.to_string(), cut(why)]),
            bound: doing.bound.as_ref().map(cut),
        }
    }

    fn read(self) -> Option<Doing> {
        let (namespace, name) = self.secret.split_once('/')?;
        // No object has a longer name.
        if namespace.len() > 63 || name.len() > 253 || namespace.is_empty() || name.is_empty() {
            return None;
        }
        let after = self.after.map(|after| {
            Some(AfterStoring {
                at: parse_time(&after.at)?,
                message: said(&after.message),
                is_unrestarted: after.unrestarted,
            })
        });
        Some(Doing {
            secret: Key::new(namespace, name),
            state: DoingState::named(&self.state)?,
            reason: said(&self.reason),
            message: said(&self.message),
            since: moment(self.since.as_ref()),
            until: moment(self.until.as_ref()),
            failures: self.failures,
            after: after.flatten(),
            without: self.without.as_deref().map(said),
            asked: moment(self.asked.as_ref()),
            names: self.names.as_deref().map(said),
            issued: self.issued.iter().filter_map(|at| parse_time(at)).collect(),
            elsewhere: self.elsewhere.map(|[issuer, why]| (said(&issuer), said(&why))),
            bound: self.bound.as_deref().map(said),
        })
    }
}

/// What is left out last where there is no room: what cannot be known otherwise.
fn weight(doing: &Doing) -> u8 {
    match doing.state {
        DoingState::BackOff | DoingState::Limited => 0,
        // Of a healthy one it is found out again.
        DoingState::Scheduled if doing.after.is_none() && doing.without.is_none() => 4,
        DoingState::Waiting | DoingState::Scheduled => 1,
        DoingState::Held => 2,
        DoingState::Running | DoingState::Ready => 3,
    }
}

/// The lines that have room, sorted by Secret, and how many have none.
fn lines(doings: &[Doing], largest: usize) -> (String, usize) {
    let mut weighed: Vec<&Doing> = doings.iter().collect();
    weighed.sort_by(|a, b| (weight(a), &a.secret).cmp(&(weight(b), &b.secret)));
    let write = |most: usize| -> Vec<(&Key, String)> {
        let text = |doing: &Doing| serde_json::to_string(&Line::of(doing, most)).unwrap_or_default();
        weighed.iter().map(|doing| (&doing.secret, text(doing))).collect()
    };
    let size = |all: &[(&Key, String)]| all.iter().map(|(_, text)| text.len() + 1).sum::<usize>();
    let mut all = write(MESSAGE);
    if size(&all) > largest {
        all = write(SHORT);
    }
    let mut room = largest;
    let fit = all.iter().take_while(|(_, text)| {
        let has_room = text.len() < room;
        room = room.saturating_sub(text.len() + 1);
        has_room
    });
    let fit = fit.count();
    let left_out = all.len() - fit;
    all.truncate(fit);
    all.sort();
    let lines: Vec<String> = all.into_iter().map(|(_, text)| text).collect();
    (lines.join("\n"), left_out)
}

/// The data of one of the `ConfigMap`s. It is the same as long as nothing changes.
pub fn encode(by: &Installation, shard: usize, doings: &[Doing]) -> BTreeMap<String, String> {
    let (lines, left_out) = lines(doings, LARGEST);
    let mut data = BTreeMap::from([
        (VERSIONED.to_owned(), VERSION.to_owned()),
        (INSTALL.to_owned(), by.id.to_string()),
    ]);
    if shard == 0 {
        data.insert(
            ABOUT.to_owned(),
            serde_json::to_string(&About::of(by)).unwrap_or_default(),
        );
    }
    if !lines.is_empty() {
        data.insert(LINES.to_owned(), lines);
    }
    if left_out > 0 {
        data.insert(LEFT_OUT.to_owned(), left_out.to_string());
    }
    data
}

impl About {
    fn of(by: &Installation) -> Self {
        let (orders, paused_since, pause_reason) = match &by.orders {
            Orders::Allowed => ("allowed", None, None),
            Orders::Untold => ("untold", None, None),
            Orders::Paused { since, reason } => (
                "paused",
                Some(date_time(*since)),
                Some(shorten(reason, MESSAGE).into_owned()),
            ),
        };
        Self {
            issuer: by.issuer.to_string(),
            orders: orders.to_owned(),
            paused_since,
            pause_reason,
            ca_down_since: by.ca_down_since.map(date_time),
            // A part of them would say of the others that they are not followed.
            namespaces: by
                .follows
                .as_ref()
                .filter(|all| all.len() <= MOST_TOLD)
                .map(|all| all.iter().map(ToString::to_string).collect()),
            wildcards: by
                .wildcards
                .iter()
                .take(MOST_TOLD)
                .map(|rule| rule.each_ref().map(ToString::to_string))
                .collect(),
            rehearsals: by
                .rehearsals
                .iter()
                .map(|of| Rehearsed {
                    issuer: of.issuer.to_string(),
                    at: date_time(of.at),
                    failed: of.failed.as_ref().map(|why| shorten(why, MESSAGE).into_owned()),
                })
                .collect(),
        }
    }

    fn read(self, id: &Text) -> Installation {
        Installation {
            namespace: Text::default(),
            id: id.clone(),
            issuer: said(&self.issuer),
            orders: match self.orders.as_str() {
                "allowed" => Orders::Allowed,
                "paused" => Orders::Paused {
                    since: moment(self.paused_since.as_ref()).unwrap_or_default(),
                    reason: said(self.pause_reason.as_deref().unwrap_or_default()),
                },
                _ => Orders::Untold,
            },
            ca_down_since: moment(self.ca_down_since.as_ref()),
            follows: self.namespaces.map(|all| all.iter().map(|name| said(name)).collect()),
            wildcards: self
                .wildcards
                .iter()
                .map(|rule| rule.each_ref().map(|text| said(text)))
                .collect(),
            rehearsals: self
                .rehearsals
                .iter()
                .take(MOST_TOLD)
                .filter_map(|of| {
                    Some(Rehearsal {
                        issuer: said(&of.issuer),
                        at: parse_time(&of.at)?,
                        failed: of.failed.as_deref().map(said),
                    })
                })
                .collect(),
            left_out: 0,
        }
    }
}

/// Reads the data of one of them. Its texts are cleared and cut, whoever wrote them.
///
/// # Errors
///
/// It is not what this program writes, as a whole: a part of it is not used.
pub fn decode(data: &Value) -> Result<Shard, ShardError> {
    let text = |key: &str| data[key].as_str().unwrap_or_default();
    let version = text(VERSIONED);
    if version != VERSION {
        return Err(ShardError::Version(said(version).to_string()));
    }
    let install = said(text(INSTALL));
    let about = match text(ABOUT) {
        "" => None,
        about => {
            let about: About = serde_json::from_str(about).map_err(|_| ShardError::About)?;
            Some(about.read(&install))
        }
    };
    let read = |(at, line): (usize, &str)| {
        let line: Result<Line, _> = serde_json::from_str(line);
        line.ok()
            .and_then(Line::read)
            .ok_or(ShardError::Line(at.saturating_add(1)))
    };
    let doings: Result<Vec<Doing>, ShardError> = text(LINES).lines().enumerate().map(read).collect();
    Ok(Shard {
        install,
        about,
        doings: doings?,
        left_out: text(LEFT_OUT).parse().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
