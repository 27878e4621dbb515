//! What expires when, and what falls due: a bar for each day or week ahead, and what each issuer has to renew.

mod bars;
mod expiries;

pub use expiries::{Bucket, Expiries, IssuerLine};

use ratatui::{buffer::Buffer, layout::Rect};

use super::prelude::*;
use crate::tui::update::{arrange, keys};

/// The view.
pub(in crate::tui) struct Timeline;

impl ViewKind for Timeline {
    const HELP: &'static str = "expiries by week";
    const ALSO: &'static [&'static str] = &["expiry"];
    const SCOPES: &'static [Scope] = &[Scope::Timeline, Scope::Everywhere];
    const HINTS: &'static [Action] = &[
        Action::Earlier,
        Action::Later,
        Action::Open,
        Action::Command,
        Action::Help,
        Action::Quit,
    ];
    const CLICK_OPENS: bool = false;
    // What is past is a bucket of its own.
    const LASTS: Option<Seconds> = Some(60);

    fn make(derived: &mut Derived, rows: &Rows, _sort: Sort, now: Seconds, _at: Option<usize>) -> Option<usize> {
        derived.timeline = expiries::expiries(rows, now);
        None
    }

    fn lines(model: &Model) -> usize {
        model.derived.timeline.buckets.len()
    }

    // A week that was chosen here is left for another one.
    fn entered(model: &mut Model) {
        if model.rows.choice().between.is_some() {
            let choice = Choice {
                between: None,
                ..model.rows.choice().clone()
            };
            let at = model.cursor().at;
            keys::set_choice(model, choice);
            model.cursor_mut().at = at;
        }
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        let Some(bucket) = model.derived.timeline.buckets.get(model.cursor().at) else {
            return Vec::new();
        };
        if bucket.is_empty() {
            model.notice("open: nothing expires or falls due then", true);
            return Vec::new();
        }
        let choice = Choice {
            between: Some(bucket.period()),
            ..model.rows.choice().clone()
        };
        let effects = travel::drill(model, choice);
        arrange::set_sort(
            model,
            Sort {
                by: Some(Field::Expires),
                reverse: false,
            },
        );
        effects
    }

    /// What expires or falls due in the period of the line, which Enter shows too; no command draws bars.
    fn command(model: &Model) -> Option<CommandLine> {
        let bucket = model.derived.timeline.buckets.get(model.cursor().at)?;
        let between = format!("--between={}", bucket.period());
        Some(status_with(model, &["--sort-by", "expires", &between]))
    }

    fn written(model: &Model) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let line = |bucket: &Bucket| {
            vec![
                bars::name(model, bucket),
                bucket.expire.to_string(),
                bucket.due.to_string(),
                bucket.names.join(" "),
            ]
        };
        let lines = model.derived.timeline.buckets.iter().map(line).collect();
        (vec!["WHEN", "EXPIRE", "DUE", "NAMES"], lines)
    }

    fn height(model: &Model, area: Rect) -> u16 {
        bars::height(model, area)
    }

    fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
        bars::draw(model, area, buffer, hits);
    }
}
