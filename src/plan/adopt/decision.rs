//! What a person has to decide, and what is changed.

use super::Former;
use crate::{
    inventory::RouteKey,
    object::{Key, Seconds},
};

/// What a person has to decide before something is taken over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// No route of its namespace names it, so that nobody would ask for it any more.
    NoRoute,
    /// Several Certificates write it.
    Several(Vec<Key>),
    /// cert-manager is issuing a certificate for it.
    Issuing(Key),
    /// A certificate would be ordered at once, for this reason.
    Ordered(String),
    /// Another CA issued its certificate.
    OtherCa {
        /// The CA that issued it.
        from: String,
        /// The CA at which it would be ordered.
        to: String,
    },
    /// It is due.
    Due(Seconds),
    /// Writing it would be refused, in these words.
    Refused(String),
    /// The installation could not prove its names when it renews it.
    Unprovable {
        /// Why, in words.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// Another installation has claimed it.
    OtherInstall(String),
    /// Another program writes an object again that would be changed: the object, and the program.
    Rewritten(String, String),
    /// The installation does not follow its namespace.
    NotFollowed,
    /// A Job of the `CronJob` that writes it runs now.
    Runs(Key),
    /// Several `CronJob`s write it.
    SeveralClocks(Vec<Key>),
    /// A `CronJob` of a known tool names no Secret.
    UnknownSecret,
    /// A program that is no `CronJob` names it: the kind and the name of the program, and the tool.
    Program(String, Former),
    /// kube-lego's Deployment works for other namespaces too.
    LegoElsewhere(Key),
    /// It has another keeper than those that were asked for.
    OtherFormer(Former),
}

impl Decision {
    /// Whether `--force` does it all the same.
    pub fn yields_to_force(&self) -> bool {
        matches!(self, Self::Rewritten(..))
    }
}

/// Something that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A Secret.
    Secret(Key),
    /// A `CronJob`.
    Clock(Key),
}

/// One change, in the order in which it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An annotation is taken from a route.
    Unask {
        /// The route.
        route: RouteKey,
        /// The annotation.
        annotation: String,
        /// Its value.
        value: String,
    },
    /// A `CronJob` is suspended.
    Suspend(Key),
    /// A Deployment gets no Pods any more.
    Stop {
        /// The Deployment.
        key: Key,
        /// How many it has.
        replicas: u64,
    },
    /// A Certificate is deleted, and its Secret stays.
    Delete {
        /// The Certificate.
        key: Key,
        /// Its issuer.
        issuer: String,
    },
    /// The marks of the former keeper are taken from a Secret.
    Unmark {
        /// The Secret.
        secret: Key,
        /// The marks.
        marks: Vec<String>,
    },
    /// A Secret is claimed.
    Claim(Key),
    /// A route asks this program.
    Ask(RouteKey),
}
