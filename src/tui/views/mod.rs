//! The register of views: a line each, and a file each, which says everything that is the view's own.
//!
//! A new view is its file here with `ViewKind` for it, its line below and a test. The line makes its variant of `View`, its digit
//! (by its place among the lines), its word (the file's name) as tab, command and action of the settings, and its part of `Derived`,
//! where it names a type in brackets: what its lines are made of, which is made anew when rows, choice or sort have changed.
//!
//! Whoever formats: the files are named by a macro, so that `cargo fmt` does not see them; `rustfmt src/tui/views/*.rs` does.

mod derived;
mod kind;

pub use derived::Counts;
pub(in crate::tui) use kind::{Takes, ViewKind, prelude};

use ratatui::{buffer::Buffer, layout::Rect};

use self::derived::Made;
use super::{
    CommandLine,
    columns::{Column, ColumnContent},
    effect::Effect,
    item::{Item, ItemSubject},
    keymap::{Action, Scope},
    model::{Hits, Model},
    rows::{Rows, Sort},
    view::header::Counted,
};
use crate::{
    check::Reason,
    object::{Key, Seconds},
    report::show::Tone,
    scan::About,
};

macro_rules! views {
    ($($(#[$attribute:meta])* $file:ident::$Name:ident $([$Made:ident])?),* $(,)?) => {
        $(pub mod $file;)*

        /// What is looked at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
        #[allow(missing_docs)] // Each has its help, and its file.
        pub enum View { $($(#[$attribute])* $Name,)* }

        impl View {
            /// All, in the order of their digits.
            pub const ALL: [Self; [$(stringify!($Name)),*].len()] = [$(Self::$Name),*];

            /// The command of each, and what may follow it.
            pub(in crate::tui) const COMMANDS: [(&'static str, &'static str); Self::ALL.len()] =
                [$((stringify!($file), <$file::$Name as ViewKind>::TAKES.as_str())),*];

            /// Its name, as the tabs, the settings and the command line have it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$Name => stringify!($file),)* }
            }
        }

        /// What the views are made of besides the rows themselves: made anew from them when they have changed, and only for the view
        /// that is looked at.
        #[derive(Debug, Default)]
        #[allow(missing_docs)] // Each type says what it is.
        pub struct Derived {
            $($(pub $file: $file::$Made,)?)*
            made: [Option<Made>; View::ALL.len()],
        }

        /// Asks the file of a view.
        macro_rules! of_view {
            ($view:expr, $Kind:ident => $answer:expr) => {
                match $view { $(View::$Name => { type $Kind = $file::$Name; $answer })* }
            };
        }
    };
}

views! {
    #[default]
    hosts::Hosts,
    secrets::Secrets [SecretLines],
    findings::Findings [Groups],
    timeline::Timeline [Expiries],
    orders::Orders,
    namespaces::Namespaces [NamespaceLines],
}

/// The digits that show the views.
const DIGITS: [&[&str]; 9] = [&["1"], &["2"], &["3"], &["4"], &["5"], &["6"], &["7"], &["8"], &["9"]];
const _: () = assert!(View::ALL.len() <= DIGITS.len(), "each view has a digit");

/// What stands before that of the views, that of each view, and what stands after it.
pub(in crate::tui) const fn joined<T: Copy, const N: usize>(before: &[T], views: &[T], after: &[T]) -> [T; N] {
    let mut all = [views[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < before.len() {
            before[at]
        } else if at < before.len() + views.len() {
            views[at - before.len()]
        } else {
            after[at - before.len() - views.len()]
        };
        at += 1;
    }
    all
}

/// What is asked of a view is said by `ViewKind` of its file, where each of these is described.
impl View {
    /// The view that a word of the command line means.
    pub(in crate::tui) fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|view| view.word() == word || of_view!(view, V => V::ALSO).contains(&word))
    }

    /// The action that shows it.
    pub fn action(self) -> Action {
        Action::Show(self)
    }

    /// The digit that shows it, where the settings say nothing else.
    pub(in crate::tui) fn usual_keys(self) -> &'static [&'static str] {
        DIGITS[self as usize]
    }

    /// Whether each line is of one row: then lines can be marked and renewed, and have pictures.
    pub(in crate::tui) fn has_rows(self) -> bool {
        self.scopes().contains(&Scope::Rows)
    }

    pub(in crate::tui) fn help(self) -> &'static str {
        of_view!(self, V => V::HELP)
    }

    pub(in crate::tui) fn takes(self) -> Takes {
        of_view!(self, V => V::TAKES)
    }

    pub(in crate::tui) fn scopes(self) -> &'static [Scope] {
        of_view!(self, V => V::SCOPES)
    }

    pub(in crate::tui) fn hints(self) -> &'static [Action] {
        of_view!(self, V => V::HINTS)
    }

    pub(in crate::tui) fn hints_all(self) -> bool {
        of_view!(self, V => V::HINTS_ALL)
    }

    pub(in crate::tui) fn click_opens(self) -> bool {
        of_view!(self, V => V::CLICK_OPENS)
    }

    pub(in crate::tui) fn columns(self) -> &'static [Column] {
        of_view!(self, V => V::COLUMNS)
    }

    pub(in crate::tui) fn is_status(self) -> bool {
        of_view!(self, V => V::IS_STATUS)
    }

    pub(in crate::tui) fn gathers(self) -> Option<&'static str> {
        of_view!(self, V => V::GATHERS)
    }

    pub(in crate::tui) fn lacks(self) -> Option<&'static str> {
        of_view!(self, V => V::LACKS)
    }

    fn lasts(self) -> Option<Seconds> {
        of_view!(self, V => V::LASTS)
    }

    fn make(self, derived: &mut Derived, rows: &Rows, sort: Sort, now: Seconds, at: Option<usize>) -> Option<usize> {
        of_view!(self, V => V::make(derived, rows, sort, now, at))
    }

    pub(in crate::tui) fn sort(self, model: &Model) -> Sort {
        of_view!(self, V => V::sort(model))
    }

    pub(in crate::tui) fn set_sort(self, model: &mut Model, sort: Sort) {
        of_view!(self, V => V::set_sort(model, sort));
    }

    pub(in crate::tui) fn lines(self, model: &Model) -> usize {
        of_view!(self, V => V::lines(model))
    }

    pub(in crate::tui) fn cell(
        self,
        model: &Model,
        line: usize,
        what: ColumnContent,
        out: &mut String,
    ) -> Option<Tone> {
        of_view!(self, V => V::cell(model, line, what, out))
    }

    pub(in crate::tui) fn name(self, model: &Model, line: usize, drawn: &[ColumnContent]) -> Option<String> {
        of_view!(self, V => V::name(model, line, drawn))
    }

    pub(in crate::tui) fn item(self, model: &Model, line: usize) -> Option<&Item> {
        of_view!(self, V => V::item(model, line))
    }

    pub(in crate::tui) fn subject(self, model: &Model, line: usize) -> Option<ItemSubject> {
        of_view!(self, V => V::subject(model, line))
    }

    pub(in crate::tui) fn subject_of(self, item: &Item) -> Option<ItemSubject> {
        of_view!(self, V => V::subject_of(item))
    }

    pub(in crate::tui) fn secret(self, model: &Model, line: usize) -> Option<&Key> {
        of_view!(self, V => V::secret(model, line))
    }

    pub(in crate::tui) fn reason(self, model: &Model, line: usize) -> Option<Reason> {
        of_view!(self, V => V::reason(model, line))
    }

    pub(in crate::tui) fn about(self, model: &Model, line: usize) -> Option<&About> {
        of_view!(self, V => V::about(model, line))
    }

    pub(in crate::tui) fn position(self, model: &Model, about: &About) -> Option<usize> {
        of_view!(self, V => V::position(model, about))
    }

    pub(in crate::tui) fn seen_marks(self, model: &Model) -> usize {
        of_view!(self, V => V::seen_marks(model))
    }

    pub(in crate::tui) fn entered(self, model: &mut Model) {
        of_view!(self, V => V::entered(model));
    }

    pub(in crate::tui) fn open(self, model: &mut Model) -> Vec<Effect> {
        of_view!(self, V => V::open(model))
    }

    pub(in crate::tui) fn command(self, model: &Model) -> Option<CommandLine> {
        of_view!(self, V => V::command(model))
    }

    pub(in crate::tui) fn written(self, model: &Model) -> (Vec<&'static str>, Vec<Vec<String>>) {
        of_view!(self, V => V::written(model))
    }

    pub(in crate::tui) fn counted(self, model: &Model) -> (Vec<Counted>, Counts) {
        of_view!(self, V => V::counted(model))
    }

    pub(in crate::tui) fn reaches_beyond(self, model: &Model, namespace: &str) -> bool {
        of_view!(self, V => V::reaches_beyond(model, namespace))
    }

    pub(in crate::tui) fn nothing(self, model: &Model) -> Option<String> {
        of_view!(self, V => V::nothing(model))
    }

    pub(in crate::tui) fn chosen_from(self, model: &Model) -> Option<(usize, &'static str)> {
        of_view!(self, V => V::chosen_from(model))
    }

    pub(in crate::tui) fn height(self, model: &Model, area: Rect) -> u16 {
        of_view!(self, V => V::height(model, area))
    }

    pub(in crate::tui) fn draw(self, model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
        of_view!(self, V => V::draw(model, area, buffer, hits));
    }
}
