//! How the timeline is drawn: its bars, and the issuers below them.

use std::fmt::Write as _;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Bucket, IssuerLine};
use crate::{
    report::Status,
    text::{
        clear, time,
        width::{cut, width},
    },
    tui::{
        model::{Hits, Model},
        theme::Role,
        view::plain,
    },
};

/// The cells of a bucket's name: `2026-12-01..12-07`.
const NAME: u16 = 17;
/// The cells that bars leave to the names of hosts, where there are enough.
const NAMES: u16 = 40;
/// The cells of the two counts.
const COUNTS: u16 = 14;

/// How many lines the issuers below the bars take.
fn below(model: &Model, area: Rect) -> u16 {
    let issuers = u16::try_from(model.derived.timeline.issuers.len()).unwrap_or(u16::MAX);
    let issuers = issuers.min(area.height / 3);
    if issuers > 0 { issuers + 2 } else { 0 }
}

/// How many bars are seen in an area.
pub(super) fn height(model: &Model, area: Rect) -> u16 {
    area.height.saturating_sub(1 + below(model, area))
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer, hits: &mut Hits) {
    let theme = &model.ui.theme;
    let timeline = &model.derived.timeline;
    let below = below(model, area);
    let bars = Rect {
        y: area.y + 1,
        height: height(model, area),
        ..area
    };
    hits.lines = bars;
    let title = match model.at {
        Some(at) => format!("as of {}", time::date(at)),
        None => "from today on".to_owned(),
    };
    let (full, light) = if model.ui.ascii { ('#', '=') } else { ('█', '░') };
    let head = format!("{:<17}  EXPIRE   DUE  ", "WHEN");
    let legend = format!("{full} expire {light} due");
    let room = usize::from(area.width);
    let said = [format!("certificates {title}: {legend}"), legend];
    let said = said.iter().find(|said| width(&head) + width(said) <= room);
    let head = format!("{head}{}", said.map_or("", String::as_str));
    buffer.set_stringn(area.x, area.y, &head, room, theme.style(Role::Title));
    let room = area.width.saturating_sub(NAME + COUNTS + 2);
    // The names of the busiest days stand beside the longest bars.
    let room = if room > 2 * NAMES { room - NAMES } else { room / 2 };
    let top = model.cursor().top;
    for (offset, y) in (bars.y..bars.bottom()).enumerate() {
        let at = top + offset;
        let Some(bucket) = timeline.buckets.get(at) else { break };
        bar(model, bucket, Rect::new(area.x, y, area.width, 1), room, buffer);
        if at == model.cursor().at {
            buffer.set_style(Rect::new(area.x, y, NAME + COUNTS, 1), theme.selected());
        }
    }
    if below > 0 {
        table(
            model,
            Rect {
                y: bars.bottom() + 1,
                height: below - 1,
                ..area
            },
            buffer,
        );
    }
}

/// The bucket in words. The first day is called today where that is the day that it really is.
pub(super) fn name(model: &Model, bucket: &Bucket) -> String {
    let today = model.at.is_none().then(|| model.now());
    match (bucket.from, bucket.until) {
        (None, _) => "expired/overdue".to_owned(),
        (Some(from), Some(until)) if until - from <= time::DAY => {
            let day = time::date(from);
            if today.is_some_and(|today| from.div_euclid(time::DAY) == today.div_euclid(time::DAY)) {
                format!("{day} today")
            } else {
                day
            }
        }
        (Some(from), Some(until)) => {
            let last = time::date(until - 1);
            format!("{}..{}", time::date(from), last.get(5..).unwrap_or_default())
        }
        (Some(from), None) => format!("from {}", time::date(from)),
    }
}

fn bar(model: &Model, bucket: &Bucket, area: Rect, room: u16, buffer: &mut Buffer) {
    let theme = &model.ui.theme;
    let text = format!(
        "{:<17}  {:>6}  {:>4}  ",
        name(model, bucket),
        number(bucket.expire),
        number(bucket.due)
    );
    let style = match (bucket.from, bucket.expire) {
        (None, 1..) => theme.status(Status::Critical),
        (_, 0) if bucket.due == 0 => theme.style(Role::Dim),
        _ => theme.style(Role::Text),
    };
    let (x, _) = buffer.set_stringn(area.x, area.y, &text, usize::from(area.width), style);
    let most = model.derived.timeline.most.max(1);
    let cells = |count: usize| {
        let cells = count.saturating_mul(usize::from(room)).div_ceil(most);
        u16::try_from(cells).unwrap_or(room).min(room)
    };
    let (full, light) = if model.ui.ascii { ("#", "=") } else { ("█", "░") };
    let (expire, due) = (cells(bucket.expire), cells(bucket.due));
    let of_expiry = match bucket.from {
        None => theme.status(Status::Critical),
        Some(from) if from < model.now() + 7 * time::DAY => theme.status(Status::Warning),
        Some(_) => theme.style(Role::Bar),
    };
    buffer.set_stringn(x, area.y, full.repeat(expire.into()), room.into(), of_expiry);
    if due > expire {
        let rest = light.repeat((due - expire).into());
        buffer.set_stringn(x + expire, area.y, rest, (room - expire).into(), theme.style(Role::Dim));
    }
    // The names stand where no bar does.
    let bar = expire.max(due);
    let end = if bar > 0 { x + bar + 1 } else { x };
    let left = area.right().saturating_sub(end);
    let named = names(bucket, left.into());
    let named = plain(&cut(&named, left.into()), model.ui.ascii);
    buffer.set_stringn(end, area.y, named, left.into(), theme.style(Role::Dim));
}

/// As many of the names as there is room for, and how many more there are.
fn names(bucket: &Bucket, room: usize) -> String {
    let mut text = String::new();
    for (shown, host) in bucket.names.iter().enumerate() {
        let more = format!(" +{}", bucket.named - shown);
        let (host, gap) = (clear(host), usize::from(shown > 0));
        let last = shown + 1 == bucket.named;
        let rest = if last { 0 } else { more.len() };
        if shown > 0 && width(&text) + gap + width(&host) + rest > room {
            text.push_str(&more);
            return text;
        }
        if shown > 0 {
            text.push(' ');
        }
        let own = room.saturating_sub(rest);
        text.push_str(if shown == 0 { cut(&host, own) } else { host }.as_ref());
    }
    let more = bucket.named - bucket.names.len().min(bucket.named);
    if more > 0 {
        let _ = write!(text, " +{more}");
    }
    text
}

fn number(count: usize) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

/// The cells of the four counts of an issuer.
const ISSUED: usize = 28;
/// The fewest and the most cells of an issuer's name.
const ISSUER: (usize, usize) = (10, 24);
const LIMITS: &str = "RATE LIMITS";

/// What an issuer's rate limits mean for renewals, each time in fewer words.
fn limits_of(line: &IssuerLine) -> [&'static str; 4] {
    if line.exempts_renewals {
        [
            "renewals of the same names are exempt",
            "the same names are exempt",
            "renewals exempt",
            "exempt",
        ]
    } else {
        ["not known"; 4]
    }
}

/// How many cells the issuer has, and how its limits are told: as fully as leaves the names whole, and not at all where not even the
/// fewest words have room.
fn fitted(issuers: &[IssuerLine], room: usize) -> (usize, Option<usize>) {
    let (least, most) = ISSUER;
    let names = issuers.iter().map(|line| width(&clear(&line.issuer)));
    let longest = names.max().unwrap_or(0).clamp(least, most);
    for (form, needed) in [longest, longest, longest, least].into_iter().enumerate() {
        let limits = issuers
            .iter()
            .filter_map(|line| limits_of(line).get(form).map(|said| width(said)));
        let limits = limits.max().unwrap_or(0).max(LIMITS.len());
        let left = room.saturating_sub(ISSUED + 2 + limits);
        if left >= needed {
            return (left.min(most), Some(form));
        }
    }
    (room.saturating_sub(ISSUED).min(most), None)
}

fn table(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.ui.theme;
    let issuers = &model.derived.timeline.issuers;
    let (cells, form) = fitted(issuers, area.width.into());
    let head = format!(
        "{:<cells$}  {:>5}  {:>5}  {:>5}  {:>5}  {}",
        "ISSUER",
        "ALL",
        "DUE",
        "7 d",
        "30 d",
        form.map_or("", |_| LIMITS)
    );
    buffer.set_stringn(area.x, area.y, head, area.width.into(), theme.style(Role::Title));
    for (line, y) in issuers.iter().zip(area.y + 1..area.bottom()) {
        let limits = form
            .and_then(|form| limits_of(line).into_iter().nth(form))
            .unwrap_or_default();
        let issuer = cut(&clear(&line.issuer), cells).into_owned();
        let gap = " ".repeat(cells.saturating_sub(width(&issuer)));
        let text = format!(
            "{issuer}{gap}  {:>5}  {:>5}  {:>5}  {:>5}  {limits}",
            line.total,
            number(line.due),
            number(line.soon),
            number(line.later)
        );
        let style = if line.due > 0 {
            theme.style(Role::Text)
        } else {
            theme.style(Role::Dim)
        };
        let text = plain(&cut(&text, area.width.into()), model.ui.ascii);
        buffer.set_stringn(area.x, y, text, area.width.into(), style);
    }
}
