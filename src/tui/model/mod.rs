//! Everything that the screen is made from. Plain values: nothing here waits, reads or writes.

mod detail;
pub mod front;
pub mod input;
mod lines;
mod notice;
mod place;
pub mod popup;
mod reading;
mod runs;
mod typed;
mod ui;

use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;
use ratatui::layout::Rect;

use super::{
    columns::Columns,
    keymap::{Action, Key as Pressed},
    message::{LogLine, SourceInfo},
    order::{Run, RunId},
    rows::{Rows, Sort},
};
use crate::{
    object::{Key, NotJudged, Seconds},
    scan::About,
};
use popup::Popup;

pub use super::views::{Derived, View};
pub use detail::Detail;
pub use front::{Front, Sought};
pub use notice::{Notice, Passing};
pub use place::{Cursor, Moment};
pub use reading::Reading;
pub use typed::{Prompt, Recall};
pub use ui::Ui;

/// How many lines the log keeps.
pub const LOG: usize = 1_000;
/// So long a line that has changed is marked, in milliseconds.
pub const FRESH_MS: u64 = 60_000;
/// The narrowest and lowest terminal that it works in.
pub const LEAST: (u16, u16) = (40, 10);
/// From this width on a picture stands beside the table.
pub const SPLIT: u16 = 120;

/// Where the mouse can press what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// The lines of the table: where they begin.
    pub lines: Rect,
    /// The heads of the columns, and the columns' numbers.
    pub heads: Vec<(Rect, usize)>,
    /// Key hints and tabs.
    pub actions: Vec<(Rect, Action)>,
    /// The picture, or the text of a window.
    pub text: Rect,
}

/// Everything.
#[derive(Debug)]
pub struct Model {
    /// The clock, in seconds since 1970.
    pub clock: Seconds,
    /// Milliseconds since the program started.
    pub ms: u64,
    /// The day for which is judged, where it is not now.
    pub at: Option<Seconds>,
    /// The day that the program was started for (`--at`): what leads back leads no further.
    pub begun_at: Option<Seconds>,
    /// The namespaces that were read before others were asked for, in this context: what leads back leads there, and no further.
    pub begun_in: Option<Vec<String>>,
    /// The keys of which it has been said that they mean nothing: once is enough.
    pub unknown_keys: Vec<Pressed>,
    /// The commands that were typed, the newest last.
    pub commands: Vec<String>,
    /// How far completing, or going through the commands before, has come.
    pub recall: Recall,
    /// The terminal's size.
    pub size: (u16, u16),
    /// What the settings say.
    pub ui: Ui,
    /// Where it comes from.
    pub place: SourceInfo,
    /// How far reading has come.
    pub reading: Reading,
    /// What stood there before another context was asked for, until that one is connected to.
    pub before: Option<Reading>,
    /// How far reading had come, and of which namespaces, before others were asked for, until those have been read.
    pub elsewhere: Option<(Reading, Vec<String>)>,
    /// The kinds that may not be watched.
    pub unwatched: BTreeSet<&'static str>,
    /// How many rows are not chosen.
    pub left_out: usize,
    /// What carries certificates and is not read.
    pub not_judged: Vec<NotJudged>,
    /// Why changes do not arrive.
    pub lost: Option<String>,
    /// When news last came, or was known to be current, in milliseconds since the start.
    pub fresh_ms: u64,
    /// All items.
    pub rows: Rows,
    /// What the views are made of besides them.
    pub derived: Derived,
    /// What is looked at.
    pub view: View,
    /// Where each view's cursor is.
    pub cursors: [Cursor; View::ALL.len()],
    /// How each view is sorted that does not keep that itself.
    pub sorts: [Sort; View::ALL.len()],
    /// Which columns are drawn.
    pub columns: Columns,
    /// The filter as it was typed.
    pub filter: String,
    /// What is typed at the bottom.
    pub prompt: Option<Prompt>,
    /// What is looked for in the text in front.
    pub sought: Option<Sought>,
    /// Windows over the view, the last on top.
    pub popups: Vec<Popup>,
    /// The picture.
    pub detail: Option<Detail>,
    /// What has changed, and when: what changed in the last minute is marked.
    pub changed: HashMap<About, u64>,
    /// What is marked.
    pub marks: BTreeSet<About>,
    /// What was marked last.
    pub last_mark: Option<About>,
    /// The marks of the views that are not looked at, and what was marked last in each.
    pub other_marks: [(BTreeSet<About>, Option<About>); View::ALL.len()],
    /// The Secret that is to be revoked, while it is found out whether there is one, and whether by force.
    pub looked_for: Option<(Key, bool)>,
    /// All runs, the newest last.
    pub runs: Vec<Run>,
    /// The number of the next run.
    pub next_run: RunId,
    /// The number of the next window that something answers.
    next_window: u64,
    /// A line that is shown for a while.
    pub notice: Option<Notice>,
    /// What the program said.
    pub log: VecDeque<LogLine>,
    /// How many lines of the log are worse than a note and were not seen.
    pub unseen: usize,
    /// Places before.
    pub history: Vec<Moment>,
    /// Places after.
    pub future: Vec<Moment>,
    /// Whether the bell rings when no run is under way any more.
    pub ring: bool,
    /// Where the mouse can press what, as it was drawn last.
    pub hits: Hits,
    /// Goes up with every change that the screen shows.
    pub drawn: u64,
}

impl Model {
    /// An empty model: what is drawn before anything has been read.
    pub fn new(ui: Ui, place: SourceInfo, size: (u16, u16), clock: Seconds) -> Self {
        Self {
            clock,
            ms: 0,
            at: None,
            begun_at: None,
            begun_in: None,
            unknown_keys: Vec::new(),
            commands: Vec::new(),
            recall: Recall::None,
            size,
            ui,
            place,
            reading: Reading::Going { hosts: 0, secrets: 0 },
            before: None,
            elsewhere: None,
            unwatched: BTreeSet::new(),
            left_out: 0,
            not_judged: Vec::new(),
            lost: None,
            fresh_ms: 0,
            rows: Rows::default(),
            derived: Derived::default(),
            view: View::default(),
            cursors: Default::default(),
            sorts: Default::default(),
            columns: Columns::default(),
            filter: String::new(),
            prompt: None,
            sought: None,
            popups: Vec::new(),
            detail: None,
            changed: HashMap::new(),
            marks: BTreeSet::new(),
            last_mark: None,
            other_marks: Default::default(),
            looked_for: None,
            runs: Vec::new(),
            next_run: 1,
            next_window: 1,
            notice: None,
            log: VecDeque::new(),
            unseen: 0,
            history: Vec::new(),
            future: Vec::new(),
            ring: false,
            hits: Hits::default(),
            drawn: 0,
        }
    }

    /// The moment for which it is judged.
    pub fn now(&self) -> Seconds {
        self.at.unwrap_or(self.clock)
    }

    /// Whether manifests are looked at, and no cluster.
    pub fn is_manifests(&self) -> bool {
        self.place.manifests.is_some()
    }

    /// Whether production asks for the context's name.
    pub fn is_protected(&self) -> bool {
        !self.ui.unprotected.contains(&self.place.context)
    }
}
