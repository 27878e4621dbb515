//! Everything that the screen is made from. Plain values: nothing here waits, reads or writes.

pub mod derived;
pub mod front;
pub mod input;
pub mod lists;
pub mod popup;
pub mod timeline;

use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;
use ratatui::layout::Rect;

use super::{
    columns::Columns,
    item::{Item, ItemSubject},
    keymap::{Action, Key as Pressed, Keymap},
    message::{LogLine, SourceInfo, StyledLines, Trouble},
    order::{Ending, Job, Plan, Run, RunId, RunState, Stage},
    rows::{Choice, Rows, Sort},
    theme::Theme,
};
use crate::{
    object::{Key, NotJudged, Seconds},
    scan::About,
};
use derived::Derived;
pub use front::{Front, Sought};
use input::Input;
use popup::Popup;

/// How many lines the log keeps.
pub const LOG: usize = 1_000;
/// So long a line that has changed is marked, in milliseconds.
pub const FRESH_MS: u64 = 60_000;
/// The narrowest and lowest terminal that it works in.
pub const LEAST: (u16, u16) = (40, 10);
/// From this width on a picture stands beside the table.
pub const SPLIT: u16 = 120;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum View {
    /// The bindings.
    #[default]
    Hosts,
    /// The TLS Secrets.
    Secrets,
    /// Findings by reason.
    Findings,
    /// What expires when.
    Timeline,
    /// Runs.
    Orders,
    /// Namespaces with their counts.
    Namespaces,
}

impl View {
    /// All, in the order of their digits.
    pub const ALL: [Self; 6] = [
        Self::Hosts,
        Self::Secrets,
        Self::Findings,
        Self::Timeline,
        Self::Orders,
        Self::Namespaces,
    ];

    /// Its name, as the tabs and the command line have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Secrets => "secrets",
            Self::Findings => "findings",
            Self::Timeline => "timeline",
            Self::Orders => "orders",
            Self::Namespaces => "namespaces",
        }
    }

    /// The action that shows it.
    pub fn action(self) -> Action {
        match self {
            Self::Hosts => Action::Hosts,
            Self::Secrets => Action::Secrets,
            Self::Findings => Action::Findings,
            Self::Timeline => Action::Timeline,
            Self::Orders => Action::Orders,
            Self::Namespaces => Action::Namespaces,
        }
    }
}

/// What the settings say of the screen.
#[derive(Debug, Clone, Default)]
pub struct Ui {
    /// The keys.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// Whether the mouse is left to the terminal.
    pub no_mouse: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// The contexts on which production needs no more than a key press.
    pub unprotected: Vec<String>,
    /// The issuers that a rehearsal and `--production` mean.
    pub staging: String,
    /// See `staging`.
    pub production: String,
    /// The flags that each command line gets that renews (settings, CA files, solvers), as they were given.
    pub renew_flags: Vec<String>,
}

/// How far reading has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It reads; so many hosts and Secrets so far.
    Going {
        /// Hosts.
        hosts: usize,
        /// TLS Secrets.
        secrets: usize,
    },
    /// Everything is there.
    Done {
        /// Whether changes are followed.
        live: bool,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// It could not be read.
    Failed(Trouble),
}

/// Where the cursor of a view is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cursor {
    /// The line.
    pub at: usize,
    /// The first line that is drawn.
    pub top: usize,
    /// The widths that the columns have needed so far.
    pub widths: Vec<u16>,
    /// How many columns it is moved sideways.
    pub left: usize,
}

/// A picture of one route or Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Of what.
    pub of: ItemSubject,
    /// The width that was asked for.
    pub width: u16,
    /// The picture; `None` until it is there.
    pub lines: Option<Result<StyledLines, Trouble>>,
    /// How many lines are scrolled past.
    pub scroll: usize,
    /// When it was asked for, in milliseconds since the start.
    pub asked_ms: u64,
    /// Whether the keys scroll it and not the table.
    pub focused: bool,
}

/// What is typed at the bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A filter, which counts as it is typed.
    Filter(Input),
    /// A command.
    Command(Input),
    /// What is looked for in the text in front.
    Find(Input),
}

/// A line that is shown for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
    /// Until when, in milliseconds since the start.
    pub until_ms: u64,
    /// What it speaks of: once that is over, it goes before its time.
    pub about: Passing,
}

/// What a notice speaks of that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Nothing that does.
    Nothing,
    /// A word is wanted in the window on top.
    Typing,
    /// The plan of the window on top is being made.
    Making,
    /// Runs are being given up.
    Cancelling,
    /// Runs have not ended.
    Running,
    /// The bell is to ring.
    Ring,
    /// An action cannot be done.
    Refused(Action),
}

/// A place in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The view.
    pub view: View,
    /// The filter as it was typed.
    pub filter: String,
    /// What else chooses.
    pub choice: Choice,
    /// How the hosts are sorted.
    pub sort: Sort,
    /// The line.
    pub at: usize,
    /// Whether Enter led on from here, so that Esc leads back.
    pub drilled: bool,
}

/// What the last key did to a command that is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recall {
    /// It was typed.
    #[default]
    None,
    /// A word of those that fit was put in place of what was typed; the next key takes the next one.
    Completed {
        /// What was typed.
        typed: String,
        /// The number of the word.
        at: usize,
    },
    /// It is an earlier one: so many before the newest, and what was typed before.
    Before {
        /// How many.
        back: usize,
        /// What was typed.
        typed: String,
    },
}

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
    /// What the views besides the hosts are made of.
    pub derived: Derived,
    /// What is looked at.
    pub view: View,
    /// Where each view's cursor is.
    pub cursors: [Cursor; 6],
    /// How the Secrets are sorted, and the namespaces.
    pub sorts: [Sort; 6],
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
    pub other_marks: [(BTreeSet<About>, Option<About>); 6],
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

    /// The cursor of the view.
    pub fn cursor(&self) -> &Cursor {
        &self.cursors[self.view as usize]
    }

    /// The cursor of the view.
    pub fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.cursors[self.view as usize]
    }

    /// The item under the cursor, where lines are hosts or Secrets.
    pub fn item(&self) -> Option<&Item> {
        match self.view {
            View::Hosts => self.rows.get(self.cursor().at),
            View::Secrets => {
                let line = self.derived.secrets.get(self.cursor().at)?;
                self.rows.about(&line.about)
            }
            View::Findings => {
                let group = self.derived.groups.get(self.cursor().at)?;
                self.rows.about(&group.example)
            }
            _ => None,
        }
    }

    /// What the line under the cursor is about.
    pub fn subject(&self) -> Option<ItemSubject> {
        match self.view {
            View::Secrets => {
                let line = self.derived.secrets.get(self.cursor().at)?;
                Some(ItemSubject {
                    kind: crate::object::Kind::Secret,
                    key: line.key.clone(),
                })
            }
            _ => self.item()?.subject(),
        }
    }

    /// What actions are about: what is marked, or the line under the cursor.
    pub fn chosen(&self) -> Vec<About> {
        if self.marks.is_empty() {
            return self.item().map(|item| item.about.clone()).into_iter().collect();
        }
        self.marks
            .iter()
            .filter(|about| self.rows.about(about).is_some())
            .cloned()
            .collect()
    }

    /// How many of the marks are of lines that are chosen: the others are meant too, and not seen.
    pub fn seen_marks(&self) -> usize {
        let marked = |about: &About| self.marks.contains(about);
        match self.view {
            View::Secrets => self.derived.secrets.iter().filter(|line| marked(&line.about)).count(),
            _ => self
                .marks
                .iter()
                .filter(|about| self.rows.position(about).is_some())
                .count(),
        }
    }

    /// The run whose question is on the screen.
    pub fn question(&self) -> Option<RunId> {
        match self.popups.last() {
            Some(Popup::Ask(ask)) if self.prompt.is_none() => ask.of_run(),
            _ => None,
        }
    }

    /// Whether a run's question waits until what is typed is finished: its keys would go to the line.
    pub fn has_hidden_question(&self) -> bool {
        let is_question = |popup: &Popup| matches!(popup, Popup::Ask(ask) if ask.of_run().is_some());
        self.is_typing() && self.popups.iter().any(is_question)
    }

    /// The run whose issuer and stage the header shows: the gravest of those that have not ended, and of those that a
    /// window shows.
    pub fn gravest(&self) -> Option<&Run> {
        let is_shown = |run: &Run| self.popups.iter().any(|popup| popup.runs().contains(&run.id));
        self.runs
            .iter()
            .filter(|run| !run.is_over() || is_shown(run))
            .filter(|run| run.stage().is_some())
            .max_by_key(|run| run.stage().map(|stage| stage as u8))
    }

    /// The runs that have not ended.
    pub fn active(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.is_over())
    }

    /// A run by its number.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// A run by its number.
    pub fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// The plan that waits for an answer first.
    pub fn waiting(&self) -> Option<(&Run, &Plan)> {
        self.runs
            .iter()
            .filter(|run| run.state == RunState::Waiting)
            .find_map(|run| Some((run, run.plan.as_ref()?)))
    }

    /// The badge of the header: what a window shows, or else what the next renewal is. A run that writes in earnest goes before.
    pub fn stage(&self) -> Stage {
        let stage = self.gravest().and_then(Run::stage);
        stage.unwrap_or(Stage::Rehearsal)
    }

    /// Whether production asks for the context's name.
    pub fn is_protected(&self) -> bool {
        !self.ui.unprotected.contains(&self.place.context)
    }

    /// Whether text is typed, so that letters are no keys.
    pub fn is_typing(&self) -> bool {
        self.prompt.is_some() || self.popups.last().is_some_and(Popup::is_typing)
    }

    /// Whether a picture stands beside the table.
    pub fn is_beside(&self) -> bool {
        self.detail.is_some() && self.size.0 >= SPLIT
    }

    /// Whether all of these runs have ended, and a renewal among them badly, or without some names.
    pub fn has_failed(&self, ids: &[RunId]) -> bool {
        let runs = || ids.iter().filter_map(|id| self.run(*id));
        let failed = |run: &Run| {
            run.job == Job::Renew && matches!(run.state, RunState::Ended(Ending::Bad(_) | Ending::Partly { .. }))
        };
        runs().all(Run::is_over) && runs().any(failed)
    }

    /// Whether all of these runs were rehearsals, and passed: production comes next.
    pub fn has_passed(&self, ids: &[RunId]) -> bool {
        let passed = |id: &RunId| {
            self.run(*id).is_some_and(|run| {
                run.stage() == Some(Stage::Rehearsal) && matches!(run.state, RunState::Ended(Ending::Good(_)))
            })
        };
        !ids.is_empty() && ids.iter().all(passed)
    }

    /// Shows a line for a while.
    pub fn notice(&mut self, text: impl Into<String>, bad: bool) {
        self.notice_while(Passing::Nothing, text, bad);
    }

    /// Shows a line for a while, but no longer than what it speaks of lasts.
    pub fn notice_while(&mut self, about: Passing, text: impl Into<String>, bad: bool) {
        self.notice = Some(Notice {
            text: text.into(),
            bad,
            until_ms: self.ms + if bad { 5_000 } else { 3_000 },
            about,
        });
    }

    /// What was said goes with what is done next; what was said of a mistake only with `all`.
    pub fn leave_notice(&mut self, all: bool) {
        let goes =
            |notice: &Notice| matches!(notice.about, Passing::Nothing | Passing::Refused(_)) && (all || !notice.bad);
        if self.notice.as_ref().is_some_and(goes) {
            self.notice = None;
        }
    }

    /// Whether the window on top has a plan that is being made.
    pub fn is_planning(&self) -> bool {
        let Some(Popup::Plan(window)) = self.popups.last() else {
            return false;
        };
        let making = |id: &RunId| self.run(*id).is_some_and(|run| run.state == RunState::Planning);
        window.runs.iter().any(making)
    }

    /// Keeps a line of the log.
    pub fn note(&mut self, line: LogLine) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// How long the data has been as it is, in seconds; `None` while it is current.
    pub fn stale_for(&self) -> Option<u64> {
        self.lost.as_ref()?;
        Some(self.ms.saturating_sub(self.fresh_ms) / 1_000)
    }

    /// How many lines the view has.
    pub fn lines(&self) -> usize {
        match self.view {
            View::Hosts => self.rows.len(),
            View::Secrets => self.derived.secrets.len(),
            View::Findings => self.derived.groups.len(),
            View::Timeline => self.derived.timeline.buckets.len(),
            View::Orders => self.runs.len(),
            View::Namespaces => self.derived.namespaces.len(),
        }
    }

    /// The run of a line of the orders: the newest is first.
    pub fn run_at(&self, line: usize) -> Option<&Run> {
        self.runs.iter().rev().nth(line)
    }
}
