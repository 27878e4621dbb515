//! The header: where it comes from, as whom, what the next renewal is, how much is wrong, how old it is.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{plain, sign};
use crate::{
    report::Status,
    text::{
        clear, grouped, time,
        width::{cut, width},
    },
    tui::{
        model::{Hits, Model, Reading, View},
        order::{Job, Stage},
        rows::Tally,
        theme::Role,
        views::Counts,
    },
};

/// So many cells of the context's name are worth more than the issuer in the badge.
const CONTEXT: usize = 20;
/// A screen with fewer cells has no room for the words of all views, each with its digit between blanks, and a gap after the last.
const TABS: usize = {
    let (mut cells, mut at) = (2, 0);
    while at < View::COMMANDS.len() {
        cells += View::COMMANDS[at].0.len() + 4;
        at += 1;
    }
    cells
};

/// Writes texts one after the other, as far as there is room.
struct Pen<'b> {
    buffer: &'b mut Buffer,
    x: u16,
    y: u16,
    end: u16,
    ascii: bool,
    /// Whether something did not fit: nothing is written after it.
    full: bool,
}

impl Pen<'_> {
    fn put(&mut self, text: &str, style: Style) -> Rect {
        let room = if self.full {
            0
        } else {
            usize::from(self.end.saturating_sub(self.x))
        };
        self.full |= width(text) > room;
        // What only leads on to what has no room would look as if what stands before it were cut.
        let room = if self.full && text.starts_with(' ') { 0 } else { room };
        let text = plain(&cut(text, room), self.ascii);
        let at = self.x;
        let (x, _) = self.buffer.set_stringn(self.x, self.y, &text, room, style);
        self.x = x;
        Rect::new(at, self.y, x.saturating_sub(at), 1)
    }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
    let ascii = model.ui.ascii;
    let badges = badges(model, area.width);
    let taken: u16 = badges
        .iter()
        .map(|(text, _)| u16::try_from(width(text)).unwrap_or(0) + 1)
        .sum();
    let mut pen = Pen {
        buffer,
        x: area.x,
        y: area.y,
        end: (area.x + area.width).saturating_sub(taken),
        ascii,
        full: false,
    };
    place(model, &mut pen);
    let mut x = (area.x + area.width).saturating_sub(taken.saturating_sub(1));
    for (text, style) in badges {
        let (next, _) = pen
            .buffer
            .set_stringn(x, area.y, plain(&text, ascii), usize::from(area.width), style);
        x = next + 1;
    }
    if area.height > 2 {
        let mut pen = Pen {
            buffer,
            x: area.x,
            y: area.y + 1,
            end: area.x + area.width,
            ascii,
            full: false,
        };
        standing(model, &mut pen);
    }
    let mut pen = Pen {
        buffer,
        x: area.x,
        y: area.y + area.height - 1,
        end: area.x + area.width,
        ascii,
        full: false,
    };
    tabs(model, &mut pen, hits);
    if area.height <= 2 {
        pen.put(" ", Style::new());
        standing(model, &mut pen);
    }
}

/// How much is wrong, and how old that is: the age comes first where it is not current, so that no narrow terminal cuts it.
fn standing(model: &Model, pen: &mut Pen<'_>) {
    let current = model.lost.is_none() && matches!(model.reading, Reading::Done { .. });
    let parts: [fn(&Model, &mut Pen<'_>); 2] = if current { [counts, state] } else { [state, counts] };
    let [first, second] = parts;
    first(model, pen);
    pen.put("  ", Style::new());
    second(model, pen);
}

fn place(model: &Model, pen: &mut Pen<'_>) {
    let theme = &model.ui.theme;
    let (dim, title) = (theme.style(Role::Dim), theme.style(Role::Title));
    if let Some(manifests) = &model.place.manifests {
        pen.put("manifests ", dim);
        pen.put(&clear(manifests), title);
    } else {
        pen.put(&clear(&model.place.context), title);
        // What is told by the context's name already is not told again.
        if !model.place.cluster.is_empty() && model.place.cluster != model.place.context {
            pen.put(" cluster ", dim);
            pen.put(&clear(&model.place.cluster), theme.style(Role::Text));
        }
        if !model.place.user.is_empty() {
            pen.put(" user ", dim);
            pen.put(&clear(&model.place.user), theme.style(Role::Text));
        }
    }
    pen.put(" ns ", dim);
    let chosen = model.rows.choice().namespace.as_deref();
    let namespaces = match (chosen, model.place.namespaces.as_slice()) {
        (Some(one), _) => one.to_owned(),
        (None, []) => "all".to_owned(),
        (None, names) => names.join(","),
    };
    pen.put(&clear(&namespaces), title);
    let choice = model.rows.choice();
    if choice.problems_only {
        pen.put(" problems only", theme.status(Status::Warning));
    }
    if let Some(period) = choice.between {
        pen.put(" between ", dim);
        pen.put(&period.to_string(), theme.style(Role::Key));
    }
    if let Some(reason) = choice.reason {
        pen.put(" reason ", dim);
        pen.put(reason.as_str(), theme.style(Role::Key));
    }
    if !model.filter.is_empty() {
        pen.put(" /", dim);
        pen.put(&clear(&model.filter), theme.style(Role::Key));
    }
}

/// What is said at the right edge of a screen so wide, as wherever else something is decided. The issuer has its place where the
/// context's name has one too.
fn badges(model: &Model, screen: u16) -> Vec<(String, Style)> {
    let theme = &model.ui.theme;
    let mut badges = Vec::new();
    if let Some(at) = model.at {
        badges.push((format!(" AS OF {} ", time::date(at)), theme.badge(Stage::Staging)));
    }
    if model.is_manifests() {
        return badges;
    }
    if model.ui.read_only {
        badges.push((" READ-ONLY ".to_owned(), theme.badge(Stage::Staging)));
        return badges;
    }
    let stage = model.stage();
    let gravest = model.gravest();
    // Where nothing is ordered, no issuer takes part.
    if gravest.is_some_and(|run| run.job != Job::Renew) {
        badges.push((format!(" {} ", stage.badge()), theme.badge(stage)));
        return badges;
    }
    // A plan knows its issuer; without one it is what the settings say.
    let planned = gravest.and_then(|run| match &run.plan {
        Some(plan) => Some(plan.issuer.as_str()),
        None => run.command.value_of("--issuer"),
    });
    let issuer = planned.filter(|issuer| !issuer.is_empty()).unwrap_or(match stage {
        Stage::Rehearsal | Stage::Staging => &model.ui.staging,
        Stage::Production => &model.ui.production,
    });
    let whole = format!(" {} {} ", stage.badge(), clear(issuer));
    let before: usize = badges.iter().map(|(text, _)| width(text) + 1).sum();
    let context = width(&clear(&model.place.context)).min(CONTEXT);
    let text = if context + 1 + before + width(&whole) > usize::from(screen) {
        format!(" {} ", stage.badge())
    } else {
        whole
    };
    badges.push((text, theme.badge(stage)));
    badges
}

fn counts(model: &Model, pen: &mut Pen<'_>) {
    let theme = &model.ui.theme;
    let (kinds, of_status) = model.view.counted(model);
    let narrowed = kinds.iter().any(|kind| kind.here != kind.all);
    pen.put(&of_what(&kinds), theme.style(Role::Title));
    for status in [
        Status::Critical,
        Status::Warning,
        Status::Unknown,
        Status::Info,
        Status::Healthy,
    ] {
        let count = of_status[status as usize];
        if count > 0 {
            pen.put("  ", Style::new());
            let text = format!(
                "{} {} {}",
                sign(status, model.ui.ascii),
                grouped(count),
                status.as_str()
            );
            pen.put(&text, theme.status(status));
        }
    }
    if narrowed {
        pen.put(" here", theme.style(Role::Dim));
    }
    if model.left_out > 0 {
        pen.put(&format!("  {} not chosen", model.left_out), theme.style(Role::Dim));
    }
    let count = |found: &crate::object::NotJudged| found.count.unwrap_or(1);
    let not_judged: u64 = model.not_judged.iter().map(count).sum();
    if not_judged > 0 {
        pen.put(&format!("  {not_judged} not checked"), theme.status(Status::Unknown));
    }
}

/// What is counted, and how many of it are looked at.
pub(in crate::tui) struct Counted {
    pub(in crate::tui) here: usize,
    pub(in crate::tui) all: usize,
    pub(in crate::tui) one: &'static str,
    pub(in crate::tui) many: &'static str,
}

/// Counts something of the rows.
fn of_rows(model: &Model, count: fn(&Tally) -> usize, one: &'static str, many: &'static str) -> Counted {
    Counted {
        here: count(model.rows.here()),
        all: count(model.rows.all()),
        one,
        many,
    }
}

/// What could not be read, which is told with whatever is counted.
pub(in crate::tui) fn unread(model: &Model) -> Counted {
    of_rows(model, |tally| tally.unread, "unread", "unread")
}

/// The rows, by what they are of, and how many of those that are looked at have which status.
pub(in crate::tui) fn counted_rows(model: &Model) -> (Vec<Counted>, Counts) {
    let kinds = vec![
        of_rows(model, |tally| tally.hosts, "host", "hosts"),
        of_rows(model, |tally| tally.routes, "route", "routes"),
        of_rows(model, |tally| tally.secrets, "Secret", "Secrets"),
        unread(model),
    ];
    (kinds, model.rows.here().status)
}

/// Each kind counted for itself: `11 of 35 hosts, 1 Secret`.
fn of_what(kinds: &[Counted]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.all > 0) {
        let noun = if kind.all == 1 { kind.one } else { kind.many };
        let of = if kind.here == kind.all {
            String::new()
        } else {
            format!("{} of ", grouped(kind.here))
        };
        parts.push(format!("{of}{} {noun}", grouped(kind.all)));
    }
    match (kinds.first(), parts.is_empty()) {
        (Some(first), true) => format!("0 {}", first.many),
        _ => parts.join(", "),
    }
}

fn state(model: &Model, pen: &mut Pen<'_>) {
    let theme = &model.ui.theme;
    let dim = theme.style(Role::Dim);
    if let Some(seconds) = model.stale_for() {
        let text = format!(
            "connection lost, {} old",
            crate::text::age(i64::try_from(seconds).unwrap_or(i64::MAX))
        );
        pen.put(&text, theme.status(Status::Critical));
    } else {
        match &model.reading {
            Reading::Going { hosts: 0, secrets: 0 } => drop(pen.put("reading ...", theme.status(Status::Info))),
            Reading::Going { hosts, secrets } => {
                let text = format!("reading: {hosts} hosts, {secrets} Secrets so far");
                pen.put(&text, theme.status(Status::Info));
            }
            Reading::Done { live: true, .. } if !model.unwatched.is_empty() => {
                let kinds: Vec<&str> = model.unwatched.iter().copied().collect();
                let text = format!("live, without {}", kinds.join(", "));
                pen.put(&text, theme.status(Status::Warning));
            }
            Reading::Done { live: true, .. } => drop(pen.put("live", theme.status(Status::Healthy))),
            Reading::Done { live: false, took_ms } => {
                let text = format!("read in {}", crate::report::progress::duration(*took_ms));
                pen.put(&text, dim);
            }
            Reading::Failed(_) => drop(pen.put("not read", theme.status(Status::Critical))),
        }
    }
    let running = model.runs.iter().filter(|run| run.is_under_way()).count();
    if running > 0 {
        pen.put(&format!("  {running} running"), theme.status(Status::Info));
    }
    if model.has_hidden_question() {
        pen.put("  a question is open", theme.status(Status::Warning));
    }
    if !model.marks.is_empty() {
        let (all, seen) = (model.marks.len(), model.seen_marks());
        let hidden = match all.saturating_sub(seen) {
            0 => String::new(),
            hidden => format!(" ({hidden} not shown)"),
        };
        pen.put(&format!("  {all} marked{hidden}"), theme.style(Role::Key));
    }
    if model.unseen > 0 {
        let key = model.ui.keymap.shown(crate::tui::keymap::Action::Log);
        pen.put(
            &format!("  {} in the log ({key})", model.unseen),
            theme.status(Status::Warning),
        );
    }
}

fn tabs(model: &Model, pen: &mut Pen<'_>, hits: &mut Hits) {
    let theme = &model.ui.theme;
    for view in View::ALL {
        let key = model.ui.keymap.shown(view.action());
        let narrow = usize::from(model.size.0) < TABS || (model.size.0 < 100 && model.size.1 < 20);
        let word = if narrow && view != model.view { "" } else { view.word() };
        let text = if word.is_empty() {
            format!(" {key} ")
        } else {
            format!(" {key} {word} ")
        };
        let style = if view == model.view {
            theme.style(Role::Key).patch(theme.selected())
        } else {
            theme.style(Role::Dim)
        };
        let area = pen.put(&text, style);
        hits.actions.push((area, view.action()));
    }
    // Where the cursor is in the list, at the right edge.
    let lines = model.lines();
    if lines == 0 || model.size.1 < 20 {
        return;
    }
    let (at, all) = (grouped((model.cursor().at + 1).min(lines)), grouped(lines));
    for place in [format!("{at} of {all}"), format!("{at}/{all}"), at] {
        let cells = u16::try_from(place.len()).unwrap_or(u16::MAX);
        let x = pen.end.saturating_sub(cells);
        if x > pen.x {
            pen.buffer
                .set_stringn(x, pen.y, place, cells.into(), theme.style(Role::Dim));
            return;
        }
    }
}
