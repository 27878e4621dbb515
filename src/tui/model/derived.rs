//! What the views besides the hosts are made of: made anew from the items when they have changed, and only for the view that
//! is looked at.

use std::collections::HashMap;

use hashbrown::HashMap as FastMap;

use super::{
    View,
    lists::{Group, NamespaceLine, SecretLine, groups, namespaces, secrets},
    timeline::{Timeline, timeline},
};
use crate::{
    object::{Key, Seconds, Text},
    report::Status,
    tui::rows::{Choice, Rows, Sort},
};

/// The lines of all views that are made from items.
#[derive(Debug, Default)]
pub struct Derived {
    /// The Secrets.
    pub secrets: Vec<SecretLine>,
    /// The Secrets by status.
    pub of_secrets: Counts,
    /// How many Secrets there are, chosen or not.
    pub all_secrets: usize,
    /// The findings by reason.
    pub groups: Vec<Group>,
    /// The namespaces.
    pub namespaces: Vec<NamespaceLine>,
    /// What expires when.
    pub timeline: Timeline,
    made: HashMap<View, Made>,
}

/// What a view was made from.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    version: u64,
    sort: Sort,
    choice: Choice,
    /// The day, for what changes with it.
    day: Seconds,
}

impl std::hash::Hash for View {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (*self as u8).hash(state);
    }
}

impl Derived {
    /// Makes the lines of a view, unless they are as they would be. Returns whether it made them.
    pub fn make(&mut self, view: View, rows: &Rows, sort: Sort, now: Seconds) -> bool {
        let choice = rows.choice();
        let wanted = Made {
            version: rows.version(),
            sort,
            choice: choice.clone(),
            day: if view == View::Timeline { now / 60 } else { 0 },
        };
        if self.made.get(&view) == Some(&wanted) {
            return false;
        }
        match view {
            View::Hosts | View::Orders => {}
            View::Secrets => {
                self.secrets = secrets(rows, sort);
                self.of_secrets = Counts::default();
                for line in &self.secrets {
                    self.of_secrets[line.status as usize] += 1;
                }
                self.all_secrets = rows.count_secrets();
            }
            View::Findings => self.groups = groups(rows, sort),
            View::Namespaces => self.namespaces = namespaces(rows, sort),
            View::Timeline => self.timeline = timeline(rows, now),
        }
        self.made.insert(view, wanted);
        true
    }
}

/// Counts by status.
pub type Counts = [usize; 5];

/// The worst status that is counted.
pub fn worst(counts: &Counts) -> Status {
    [Status::Critical, Status::Warning, Status::Unknown, Status::Info]
        .into_iter()
        .find(|status| counts[*status as usize] > 0)
        .unwrap_or(Status::Healthy)
}

/// Items by the Secret that is expected to be served.
pub type BySecret<'a, T> = FastMap<&'a Key, T>;
/// Items by their namespace.
pub type ByNamespace<'a, T> = FastMap<&'a Text, T>;
