//! A frame as a picture, and several as one that moves: text stays text, frames and bars become lines and boxes, so that no font
//! leaves gaps in them.

use std::{collections::BTreeSet, fmt::Write as _};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr as _;

/// A cell, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
/// Around the screen.
const MARGIN: f32 = 12.0;
const BACK: &str = "#1b1f27";
const TEXT: &str = "#d5d9e0";

/// The sixteen colours of the terminal of the pictures.
fn colour(colour: Color) -> &'static str {
    match colour {
        Color::Black => "#2b303b",
        Color::Red | Color::LightRed => "#f07178",
        Color::Green | Color::LightGreen => "#9ccc7b",
        Color::Yellow | Color::LightYellow => "#f0c674",
        Color::Blue | Color::LightBlue => "#6ba4e8",
        Color::Magenta | Color::LightMagenta => "#c792ea",
        Color::Cyan | Color::LightCyan => "#56c8d8",
        _ => TEXT,
    }
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: &'static str,
    paper: Option<&'static str>,
    bold: bool,
    dim: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let ink = colour(cell.fg);
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        Self {
            ink: if reversed { BACK } else { ink },
            paper: reversed.then_some(ink),
            bold: cell.modifier.contains(Modifier::BOLD),
            dim: cell.modifier.contains(Modifier::DIM) && !reversed,
            underlined: cell.modifier.contains(Modifier::UNDERLINED),
        }
    }
}

/// The whole frame.
pub(super) fn svg(buffer: &Buffer, title: &str) -> String {
    let mut out = begin(buffer, title);
    for y in 0..buffer.area.height {
        papers(buffer, y, &mut out);
    }
    for y in 0..buffer.area.height {
        texts(buffer, y, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// A frame of a film, and for how long it is shown, in milliseconds.
pub(super) type Shot = (Buffer, u32);

/// Several frames of one size, one after the other and over again. Where pictures do not move, or somebody wants none that do
/// (`prefers-reduced-motion`), the frame at `still` stands.
///
/// A line that stays as it is for some frames is drawn once, and shown for these: most lines of a screen stay.
pub(super) fn film(shots: &[Shot], still: usize, title: &str) -> String {
    let first = &shots[0].0;
    let mut out = begin(first, title);
    let whole: u32 = shots.iter().map(|(_, ms)| ms).sum();
    let percent = |from: usize| {
        let before: u32 = shots[..from].iter().map(|(_, ms)| ms).sum();
        f64::from(before) * 100.0 / f64::from(whole)
    };
    let mut runs: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut lines = String::new();
    for y in 0..first.area.height {
        let drawn: Vec<String> = shots
            .iter()
            .map(|(buffer, _)| {
                assert_eq!(buffer.area, first.area, "all frames are of one size");
                let mut line = String::new();
                papers(buffer, y, &mut line);
                texts(buffer, y, &mut line);
                line
            })
            .collect();
        let mut from = 0;
        while from < drawn.len() {
            let same = drawn[from..].iter().take_while(|line| **line == drawn[from]).count();
            let until = from + same;
            if same == drawn.len() {
                lines.push_str(&drawn[from]);
            } else if !drawn[from].is_empty() {
                runs.insert((from, until));
                let stands = if (from..until).contains(&still) { " s" } else { "" };
                let _ = writeln!(lines, "<g class=\"f{stands} r{from}-{until}\">\n{}</g>", drawn[from]);
            }
            from = until;
        }
    }
    out.push_str(
        "<style>\n.f{visibility:hidden}.s{visibility:visible}\n@media (prefers-reduced-motion:no-preference){\n",
    );
    for (from, until) in runs {
        let seconds = f64::from(whole) / 1_000.0;
        let _ = write!(
            out,
            ".r{from}-{until}{{animation:r{from}-{until} {seconds}s step-end infinite}}@keyframes r{from}-{until}{{"
        );
        if from > 0 {
            out.push_str("0%{visibility:hidden}");
        }
        let _ = write!(out, "{:.3}%{{visibility:visible}}", percent(from));
        let _ = writeln!(
            out,
            "{:.3}%{{visibility:{}}}}}",
            percent(until),
            if until < shots.len() { "hidden" } else { "visible" }
        );
    }
    out.push_str("}\n</style>\n");
    out.push_str(&lines);
    out.push_str("</svg>\n");
    out
}

/// What a picture of this size begins with.
fn begin(buffer: &Buffer, title: &str) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (
        f32::from(columns) * CELL.0 + 2.0 * MARGIN,
        f32::from(rows) * CELL.1 + 2.0 * MARGIN,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         role=\"img\" font-family=\"'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace\" font-size=\"14\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACK}\"/>\n",
        escaped(title)
    )
}

fn at(x: u16, y: u16) -> (f32, f32) {
    (MARGIN + f32::from(x) * CELL.0, MARGIN + f32::from(y) * CELL.1)
}

/// What is behind the text of a line.
fn papers(buffer: &Buffer, y: u16, out: &mut String) {
    let mut x = 0;
    while x < buffer.area.width {
        let paper = Look::of(&buffer[(x, y)]).paper;
        let from = x;
        while x < buffer.area.width && Look::of(&buffer[(x, y)]).paper == paper {
            x += 1;
        }
        if let Some(paper) = paper {
            let (left, top) = at(from, y);
            let width = f32::from(x - from) * CELL.0;
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{paper}\"/>",
                CELL.1
            );
        }
    }
}

fn texts(buffer: &Buffer, y: u16, out: &mut String) {
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        let look = Look::of(cell);
        let symbol = cell.symbol();
        if matches!(symbol, "█" | "░") {
            let from = x;
            while x < buffer.area.width && buffer[(x, y)].symbol() == symbol && Look::of(&buffer[(x, y)]) == look {
                x += 1;
            }
            bar(from, x - from, y, symbol == "█", look, out);
            continue;
        }
        if line(symbol, x, y, look, out) {
            x += 1;
            continue;
        }
        // Letters of other scripts and signs stand for themselves: a font may have them in another width.
        let mut run = symbol.to_owned();
        let mut cells = u16::try_from(symbol.width().max(1)).unwrap_or(1);
        if symbol.is_ascii() {
            while x + cells < buffer.area.width {
                let next = &buffer[(x + cells, y)];
                if !next.symbol().is_ascii() || Look::of(next) != look {
                    break;
                }
                run.push_str(next.symbol());
                cells += 1;
            }
        }
        // Each column stands where it stands, however wide a font's letters are.
        let mut rest = x;
        for part in run.split_inclusive("  ") {
            text(part, rest, y, look, out);
            rest += u16::try_from(part.width()).unwrap_or(0);
        }
        x += cells;
    }
}

fn text(run: &str, x: u16, y: u16, look: Look, out: &mut String) {
    let shown = run.trim_end();
    let lead = shown.len() - shown.trim_start().len();
    let shown = shown.trim_start();
    if shown.is_empty() {
        return;
    }
    let (left, top) = at(x + u16::try_from(lead).unwrap_or(0), y);
    let width = f32::from(u16::try_from(shown.width()).unwrap_or(1)) * CELL.0;
    let mut style = format!("fill=\"{}\"", look.ink);
    if look.bold {
        style.push_str(" font-weight=\"bold\"");
    }
    if look.dim {
        style.push_str(" opacity=\"0.6\"");
    }
    if look.underlined {
        style.push_str(" text-decoration=\"underline\"");
    }
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" {style}>{}</text>",
        top + 13.5,
        escaped(shown)
    );
}

/// A bar is one box: boxes side by side show a seam.
fn bar(x: u16, cells: u16, y: u16, full: bool, look: Look, out: &mut String) {
    let (left, top) = at(x, y);
    let opacity = if full { "1" } else { "0.25" };
    let _ = writeln!(
        out,
        "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" opacity=\"{opacity}\"/>",
        top + 2.0,
        f32::from(cells) * CELL.0,
        CELL.1 - 4.0,
        look.ink
    );
}

/// Draws a part of a frame. Returns whether it was one.
fn line(symbol: &str, x: u16, y: u16, look: Look, out: &mut String) -> bool {
    let (left, top) = at(x, y);
    let (right, bottom) = (left + CELL.0, top + CELL.1);
    let (mid, middle) = (left + CELL.0 / 2.0, top + CELL.1 / 2.0);
    let path = match symbol {
        "─" => format!("M{left:.1} {middle:.1}H{right:.1}"),
        "│" => format!("M{mid:.1} {top:.1}V{bottom:.1}"),
        "┌" => format!("M{right:.1} {middle:.1}H{mid:.1}V{bottom:.1}"),
        "┐" => format!("M{left:.1} {middle:.1}H{mid:.1}V{bottom:.1}"),
        "└" => format!("M{right:.1} {middle:.1}H{mid:.1}V{top:.1}"),
        "┘" => format!("M{left:.1} {middle:.1}H{mid:.1}V{top:.1}"),
        "├" => format!("M{mid:.1} {top:.1}V{bottom:.1}M{mid:.1} {middle:.1}H{right:.1}"),
        _ => return false,
    };
    let opacity = if look.dim { " opacity=\"0.6\"" } else { "" };
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\"{opacity}/>",
        look.ink
    );
    true
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
