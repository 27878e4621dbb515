//! What the file of a view has to say.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Counts, Derived};
use crate::{
    check::Reason,
    object::{Key, Seconds},
    report::show::Tone,
    scan::About,
    tui::{
        CommandLine,
        columns::{Column, ColumnContent},
        effect::Effect,
        item::{Item, ItemSubject},
        keymap::{Action, Scope},
        model::{Hits, Model},
        rows::{Rows, Sort},
        update::save,
        view::{
            header::{self, Counted},
            table,
        },
    },
};

/// What may follow the word of a view in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Takes {
    /// Nothing.
    Nothing,
    /// A filter: its lines are no narrower with a namespace.
    Filter,
    /// A namespace and a filter.
    NamespaceAndFilter,
}

impl Takes {
    /// As the list of commands has it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Filter => "[/FILTER]",
            Self::NamespaceAndFilter => "[NAMESPACE] [/FILTER]",
        }
    }
}

/// What a view says of itself. What has no default has to be said by each; a default is what is right for a table whose lines are made of
/// several rows. Functions that are given no line are asked only of the view that is looked at.
pub(in crate::tui) trait ViewKind {
    /// What its key does, for the help.
    const HELP: &'static str;
    /// The actions that the footer names, the most wanted first.
    const HINTS: &'static [Action];

    /// What may follow its word in a command.
    const TAKES: Takes = Takes::NamespaceAndFilter;
    /// Other words for it in a command.
    const ALSO: &'static [&'static str] = &[];
    /// Where its keys are looked up, the narrowest first: the help begins with that.
    const SCOPES: &'static [Scope] = &[Scope::Lists, Scope::Everywhere];
    /// Whether the footer names those of its actions too that cannot be done now.
    const HINTS_ALL: bool = true;
    /// Whether a click on the line of the cursor does what Enter does.
    const CLICK_OPENS: bool = true;
    /// Its columns. A view without is no table, and draws itself.
    const COLUMNS: &'static [Column] = &[];
    /// Whether its lines are the rows of `status`: it is printed and saved as those are.
    const IS_STATUS: bool = false;
    /// What is said to who wants to do something with a line that stands for many rows, of which [`item`](Self::item) is an example.
    const GATHERS: Option<&'static str> = None;
    /// What nothing does where it is empty though rows were read: `Nothing here ...`.
    const LACKS: Option<&'static str> = None;
    /// For how many seconds its lines are right while no row changes; for ever without.
    const LASTS: Option<Seconds> = None;

    /// Makes its part of what is derived. Returns where the line is then that was at `at`, which `again` finds, so that the cursor stays on
    /// it; `None` where the cursor stays where it is.
    fn make(_derived: &mut Derived, _rows: &Rows, _sort: Sort, _now: Seconds, _at: Option<usize>) -> Option<usize> {
        None
    }

    /// How it is sorted.
    fn sort(model: &Model) -> Sort {
        model.sorts[model.view as usize]
    }

    /// Sorts it.
    fn set_sort(model: &mut Model, sort: Sort) {
        model.sorts[model.view as usize] = sort;
    }

    /// How many lines it has.
    fn lines(model: &Model) -> usize;

    /// Appends what stands in a cell, cleared for a terminal. Returns what it means, where it is more than plain text.
    fn cell(_model: &Model, _line: usize, _what: ColumnContent, _out: &mut String) -> Option<Tone> {
        None
    }

    /// What a line is about, in place of the host that it has not, unless one of the columns that are `drawn` says it.
    fn name(_model: &Model, _line: usize, _drawn: &[ColumnContent]) -> Option<String> {
        None
    }

    /// The row that a line is of, or the worst one.
    fn item(_model: &Model, _line: usize) -> Option<&Item> {
        None
    }

    /// What a line has a picture of, and what is copied of it.
    fn subject(model: &Model, line: usize) -> Option<ItemSubject> {
        Self::item(model, line).and_then(Self::subject_of)
    }

    /// The same of a row that is marked.
    fn subject_of(item: &Item) -> Option<ItemSubject> {
        item.subject()
    }

    /// The Secret of a line.
    fn secret(model: &Model, line: usize) -> Option<&Key> {
        Self::item(model, line)?.secret()
    }

    /// The reason that a line is about, where that is not what is worst about its row.
    fn reason(_model: &Model, _line: usize) -> Option<Reason> {
        None
    }

    /// By what a line is marked, and known to have changed, where that can be.
    fn about(_model: &Model, _line: usize) -> Option<&About> {
        None
    }

    /// The line that is marked by this.
    fn position(model: &Model, about: &About) -> Option<usize> {
        model.rows.position(about)
    }

    /// How many of the marks are of lines that it has.
    fn seen_marks(model: &Model) -> usize {
        let is_seen = |about: &&About| model.rows.position(about).is_some();
        model.marks.iter().filter(is_seen).count()
    }

    /// What else changes when one comes to it by its key, its word or its tab.
    fn entered(_model: &mut Model) {}

    /// Enter.
    fn open(model: &mut Model) -> Vec<Effect>;

    /// The command line that prints what it shows, or what comes nearest to that.
    fn command(model: &Model) -> Option<CommandLine>;

    /// Its heads and its cells, as they are saved.
    fn written(model: &Model) -> (Vec<&'static str>, Vec<Vec<String>>) {
        save::cells(model)
    }

    /// What the header counts, and the counts by status. Without a default of its own a view gathers rows, and those are counted.
    fn counted(model: &Model) -> (Vec<Counted>, Counts) {
        header::counted_rows(model)
    }

    /// Whether it has lines of another namespace than the only one that was read.
    fn reaches_beyond(_model: &Model, _namespace: &str) -> bool {
        false
    }

    /// What is said where it is empty, whatever was read.
    fn nothing(_model: &Model) -> Option<String> {
        None
    }

    /// Of how many what is chosen, by the word for them; `None` where it may be empty whatever is chosen.
    fn chosen_from(model: &Model) -> Option<(usize, &'static str)> {
        Some((model.rows.total(), "rows"))
    }

    /// How many lines are seen in an area.
    fn height(_model: &Model, area: Rect) -> u16 {
        table::height(area)
    }

    /// Draws it, and notes where its lines can be pressed.
    fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
        table::draw(model, area, buffer, hits);
    }
}

/// Where the keys of a view are looked up whose lines are of one row each.
pub(in crate::tui) const OF_ROWS: &[Scope] = &[Scope::Rows, Scope::Lists, Scope::Everywhere];

/// The actions that the footer names in such a view.
pub(in crate::tui) const HINTS_OF_ROWS: &[Action] = &[
    Action::Open,
    Action::Renew,
    Action::Filter,
    Action::Explain,
    Action::Probe,
    Action::Mark,
    Action::ProblemsOnly,
    Action::Sort,
    Action::Yaml,
    Action::Decode,
    Action::Users,
    Action::Restart,
    Action::Copy,
    Action::Save,
    Action::Command,
    Action::Help,
    Action::Quit,
];

/// What every view's file uses.
pub(in crate::tui) mod prelude {
    pub(in crate::tui) use super::{
        super::{Counts, Derived, derived::again},
        HINTS_OF_ROWS, OF_ROWS, Takes, ViewKind,
    };
    pub(in crate::tui) use crate::{
        object::Seconds,
        report::{Status, order::Field, present::cell::RowColumn, show::Tone},
        scan::About,
        tui::{
            CommandLine,
            cells::put,
            columns::{Column, ColumnContent, column, of_row},
            effect::Effect,
            item::{Item, ItemSubject},
            keymap::{Action, Scope},
            model::{Hits, Model},
            rows::{Choice, Rows, Sort},
            update::{
                texts::{status_command, status_with},
                travel,
            },
        },
    };
}
