//! A lifetime as a bar: `[██████████░░░░] 2026-09-02 → 2026-12-01  27d left (69 % gone)`.

use super::pen::{Pen, Piece, Sign, Tone};
use crate::{
    check::row::Status,
    object::Seconds,
    text::{age, date, time::DAY, width::width},
};

/// The longest and the shortest bar, without its brackets.
const LONGEST: usize = 24;
const SHORTEST: usize = 6;
/// The cells of most words beside it, `128d left (88 % gone)`, so that bars below each other are alike.
const WORDS: usize = 21;
/// The cells of the dates and of the space beside them, which are a little less in ASCII.
const DATES: usize = 26;

/// How far a lifetime has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    /// The share that is gone, in hundredths.
    Within(u8),
    After,
    /// It ends before it begins.
    Never,
}

fn phase(from: Seconds, to: Seconds, now: Seconds) -> Phase {
    let (from, to, now) = (i128::from(from), i128::from(to), i128::from(now));
    match () {
        () if to < from => Phase::Never,
        () if now < from => Phase::Before,
        () if now > to => Phase::After,
        // The quotient is at most 100.
        () => Phase::Within(u8::try_from((now - from) * 100 / (to - from).max(1)).unwrap_or(100)),
    }
}

/// Whether a leaf is due by its age: two thirds are gone, or half where the lifetime is ten days or less.
fn due(from: Seconds, to: Seconds, gone: u8) -> bool {
    let short = to.saturating_sub(from) <= 10 * DAY;
    gone >= if short { 50 } else { 67 }
}

/// The validity of a certificate in at most `room` cells; the bar is left out where there is no room for one.
pub(super) fn gauge(pen: &Pen<'_>, from: Seconds, to: Seconds, is_leaf: bool, room: usize) -> Vec<Piece> {
    let phase = phase(from, to, pen.now());
    let (status, hundredths, words) = match phase {
        Phase::Before => (
            Status::Critical,
            0,
            format!("begins in {}", age(from.saturating_sub(pen.now()))),
        ),
        Phase::Within(gone) => (
            if is_leaf && due(from, to, gone) {
                Status::Warning
            } else {
                Status::Healthy
            },
            usize::from(gone),
            format!("{} left ({gone} % gone)", age(to.saturating_sub(pen.now()))),
        ),
        Phase::After => (
            Status::Critical,
            100,
            format!("expired {} ago", age(pen.now().saturating_sub(to))),
        ),
        Phase::Never => (Status::Critical, 0, "it ends before it begins".to_owned()),
    };
    let dates = format!("{} {} {}", date(from), pen.sign(Sign::Arrow), date(to));
    let beside = width(&words).max(WORDS) + 3;
    let bar = |cells: usize| {
        let full = hundredths * cells / 100;
        let (gone, left) = if pen.ascii() { ("#", ".") } else { ("█", "░") };
        let bar = format!("[{}{}] ", gone.repeat(full), left.repeat(cells - full));
        pen.piece(Tone::Of(status), &bar)
    };
    let mut pieces = Vec::new();
    let (dates, words) = (pen.unbroken(&dates), pen.piece(Tone::Of(status), &words));
    match (room.saturating_sub(beside + DATES), room.saturating_sub(beside)) {
        (SHORTEST.., cells) => pieces.extend([bar((cells - DATES).min(LONGEST)), dates, Piece::gap(), words]),
        // The dates get a line of their own, because the bar leaves no room for them.
        (_, cells @ SHORTEST..) => pieces.extend([bar(cells.min(LONGEST)), words, pen.plain(" "), dates]),
        _ => pieces.extend([dates, Piece::gap(), words]),
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_a_phase_whatever_its_dates() {
        for (from, to, now, expected) in [
            (0, 100, 0, Phase::Within(0)),
            (0, 100, 69, Phase::Within(69)),
            (0, 100, 100, Phase::Within(100)),
            (0, 100, 101, Phase::After),
            (10, 100, 9, Phase::Before),
            (10, 9, 9, Phase::Never),
            (7, 7, 7, Phase::Within(0)),
            (i64::MIN, i64::MAX, 0, Phase::Within(50)),
        ] {
            assert_eq!(phase(from, to, now), expected, "{from} {to} {now}");
        }
    }

    #[test]
    fn a_short_lifetime_is_due_at_its_half() {
        assert!(due(0, 6 * DAY, 50) && !due(0, 6 * DAY, 49));
        assert!(due(0, 90 * DAY, 67) && !due(0, 90 * DAY, 66));
    }
}
