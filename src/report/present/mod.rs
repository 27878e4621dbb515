//! What tables show of rows: what stands in a cell, what it means, and which line comes first. Written once, for the table of
//! `status` and for the screen.
//!
//! A table asks its lines by [`TableLine`], whatever they are. What its readers want otherwise is an option of
//! [`cell::CellOptions`] with a name.

pub mod cell;
pub mod grid;
pub mod order;
#[cfg(test)]
mod tests;
pub mod tone;

use crate::{
    check::{
        Reason, Urgency,
        row::{Compared, RouteRef, Row, Status},
    },
    object::{Key, Kind, Seconds, Text, doing::Doings},
    x509::Certificate,
};

/// What a line says of itself: one row of a status, or what several rows have in common. What it does not have is `None`, and its
/// cell is a dash.
///
/// Lines are compared by it a million times, so answers are cheap. What is given lives as long as what the line borrows from: a row is
/// made anew each time that it is looked at.
pub trait TableLine<'a> {
    /// The state.
    fn status(&self) -> Status;

    /// When clients are refused.
    fn urgency(&self) -> Urgency;

    /// The namespace of the route, or of the Secret where there is no route.
    fn namespace(&self) -> &'a str;

    /// Kind and name of what it is about: its route, or its Secret where there is no route.
    fn subject(&self) -> (Kind, &'a str);

    /// The Secret that it is about: of a row the one that is expected to be served, whoever named it; of a line of the screen one of
    /// its own, as what is done to the line is done to that.
    fn secret(&self) -> Option<&'a Key>;

    /// All Secrets that are named for it.
    fn secrets(&self) -> &'a [Key];

    /// The leaf that is expected to be served.
    fn certificate(&self) -> Option<&'a Certificate>;

    /// When its route (or its Secret, where there is no route) was created.
    fn created(&self) -> Option<Seconds>;

    /// The reasons of its findings and whether they are excused, which come last; one may come several times.
    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)>;

    /// The kubeconfig context; empty where there is only one.
    fn context(&self) -> &'a str {
        ""
    }

    /// The route.
    fn route(&self) -> Option<RouteRef<'a>> {
        None
    }

    /// The host.
    fn host(&self) -> Option<&'a str> {
        None
    }

    /// The right that is missing, where it is about a list that could not be read.
    fn unread_right(&self) -> Option<String> {
        None
    }

    /// How what was served compares with what is stored.
    fn served(&self) -> Option<Compared> {
        None
    }

    /// What controllers do with its certificate.
    fn doings(&self) -> Doings<'a> {
        Doings::default()
    }

    /// The class of the route.
    fn class(&self) -> Option<&'a str> {
        None
    }

    /// The labels of the route.
    fn labels(&self) -> &'a [(Text, Text)] {
        &[]
    }

    /// When its certificate expires.
    fn expires(&self) -> Option<Seconds> {
        self.certificate().map(|certificate| certificate.not_after)
    }
}

impl<'a> TableLine<'a> for Row<'a> {
    fn status(&self) -> Status {
        self.status
    }

    fn urgency(&self) -> Urgency {
        Urgency::of(self.findings)
    }

    fn namespace(&self) -> &'a str {
        self.namespace
    }

    fn subject(&self) -> (Kind, &'a str) {
        Row::subject(self)
    }

    fn secret(&self) -> Option<&'a Key> {
        Row::secret(self)
    }

    fn secrets(&self) -> &'a [Key] {
        self.secrets
    }

    fn certificate(&self) -> Option<&'a Certificate> {
        self.certificate
    }

    fn created(&self) -> Option<Seconds> {
        self.created
    }

    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)> {
        let told = self.findings.iter().map(|finding| (finding.reason(), false));
        told.chain(self.ignored.iter().map(|finding| (finding.reason(), true)))
    }

    fn context(&self) -> &'a str {
        self.context
    }

    fn route(&self) -> Option<RouteRef<'a>> {
        self.route
    }

    fn host(&self) -> Option<&'a str> {
        self.host
    }

    fn unread_right(&self) -> Option<String> {
        Row::unread_right(self)
    }

    fn served(&self) -> Option<Compared> {
        self.answer.map(|answer| answer.compared)
    }

    fn doings(&self) -> Doings<'a> {
        self.doings
    }

    fn class(&self) -> Option<&'a str> {
        self.class
    }

    fn labels(&self) -> &'a [(Text, Text)] {
        self.labels
    }
}
