//! The table of `docs/performance.md`: the lines of a row are replaced as soon as it is measured, those of others stay.

use std::{fmt::Write as _, path::Path};

use crate::{ROWS, figure::Figure, machine::machine};

const BEGIN: &str = "<!-- written by tests/bench/run unattended: begin -->";
const END: &str = "<!-- written by tests/bench/run unattended: end -->";
const HEAD: &str = "| row | size | what | reached | must reach | measured |\n| --- | --- | --- | --- | --- | --- |\n";

/// Replaces the lines of a row between the marks of the page.
pub(crate) fn write(row: &str, figures: &[Figure], built: &str) {
    let path = Path::new("docs/performance.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a mark in docs/performance.md");
    let (between, after) = rest.split_once(END).expect("a second mark in docs/performance.md");
    let mut own = String::new();
    for figure in figures {
        own += &line(row, figure, built);
    }
    let mut table = HEAD.to_owned();
    for known in ROWS {
        let lead = format!("| {} |", known.name);
        let others = between.lines().filter(|line| line.starts_with(&lead));
        if known.name == row {
            table += &own;
        } else {
            others.for_each(|line| table.extend([line, "\n"]));
        }
    }
    std::fs::write(path, format!("{before}{BEGIN}\n\n{table}{END}{after}")).unwrap();
}

fn line(row: &str, figure: &Figure, built: &str) -> String {
    let mut line = String::new();
    let reached = figure.reached.replace('|', "/");
    let missed = if figure.is_met { "" } else { "**" };
    let _ = writeln!(
        line,
        "| {row} | {} | {} | {missed}{reached}{missed} | {} | {}, {}, {built} |",
        figure.size,
        figure.what,
        figure.must,
        time::OffsetDateTime::now_utc().date(),
        machine(),
    );
    line
}
