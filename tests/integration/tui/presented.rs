//! The table of `status` and the screen say the same of the same rows, in the same order.

use kubectl_certs::{
    report::{
        Context, Row, Rows, SortBy, Sorting,
        order::{Field, sort},
        table,
    },
    tui::{Effect, item::Item, rows::Sort},
};

use super::{
    desk::Desk,
    example::{example, noon},
};

const SORTS: [Option<Field>; 8] = [
    None,
    Some(Field::Namespace),
    Some(Field::Name),
    Some(Field::Host),
    Some(Field::Status),
    Some(Field::Expires),
    Some(Field::Age),
    Some(Field::Issuer),
];

/// The rows that the screen has a line for.
fn shown() -> Vec<Row<'static>> {
    let shown = |item: &Item| item.is_shown();
    let both = example().rows().zip(&example().items);
    both.filter(|(_, item)| shown(item)).map(|(row, _)| row).collect()
}

/// The Secret of its own that the screen names, where another is served in its place and named by the table: what is done to a line of
/// the screen is done to its own.
fn own_secret<'a>(row: &Row<'a>) -> Option<&'a str> {
    let is_another = row.served.is_some_and(|served| !row.secrets.contains(served));
    row.secrets.first().filter(|_| is_another).map(|own| own.name.as_str())
}

/// The screen's cells of all hosts with all columns, as it saves them: the heads, and the lines.
fn cells_of_screen(desk: &mut Desk) -> Vec<Vec<String>> {
    desk.model.columns.wide = true;
    desk.effects();
    desk.press("1").command("save all.md");
    let saved = desk.effects().into_iter().find_map(|effect| match effect {
        Effect::Write { bytes, .. } => Some(String::from_utf8(bytes).expect("text")),
        _ => None,
    });
    let saved = saved.expect("it is saved");
    let lines = saved.lines().filter(|line| !line.starts_with("| ---"));
    let cells = |line: &str| {
        let inside = line.strip_prefix("| ").and_then(|rest| rest.strip_suffix(" |"));
        let cells = inside.expect("a line of a table").split(" | ");
        cells.map(|cell| cell.replace("&lt;", "<")).collect()
    };
    lines.map(cells).collect()
}

/// The cells of the table with all columns, its heads first.
fn cells_of_table(rows: &Rows<'_>) -> Vec<Vec<String>> {
    let context = Context {
        now: noon(),
        show_namespace: true,
        show_labels: true,
        show_doings: true,
        ..Context::default()
    };
    let mut out = Vec::new();
    table::write(rows, &context, true, &mut out).expect("a vector");
    let out = String::from_utf8(out).expect("text");
    let cells = |line: &str| {
        line.split("   ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    out.lines().map(cells).collect()
}

#[test]
fn each_column_says_what_the_table_says_and_lines_stand_in_its_order() {
    let mut desk = Desk::usual();
    for by in SORTS {
        for reverse in [false, true] {
            desk.model.rows.set_sort(Sort { by, reverse });
            let screen = cells_of_screen(&mut desk);
            let mut rows = Rows::from(shown());
            let sorting = Sorting {
                by: by.map_or(SortBy::Worst, SortBy::Field),
                reverse,
            };
            sort(&mut rows, &sorting);
            let own: Vec<Option<&str>> = rows.iter().map(|row| own_secret(&row)).collect();
            let table = cells_of_table(&rows);
            assert_eq!(screen.len(), table.len());
            let (heads, heads_of_table) = (&screen[0], &table[0]);
            let mut sorted = (heads.clone(), heads_of_table.clone());
            sorted.0.sort();
            sorted.1.sort();
            assert_eq!(sorted.0, sorted.1, "both have the same columns");
            for ((line, of_table), own) in screen.iter().zip(&table).skip(1).zip(own) {
                for (cell, head) in line.iter().zip(heads) {
                    let at = heads_of_table
                        .iter()
                        .position(|other| other == head)
                        .expect("it has it");
                    let told = match (head.as_str(), own) {
                        ("SECRET", Some(own)) => own,
                        // A line of the screen is named beside its host, where it has none: its Secret needs no mark.
                        ("SECRET", None) => of_table[at].trim_start_matches("secret/"),
                        _ => &of_table[at],
                    };
                    assert_eq!(cell, told, "{head} of {line:?}, by {sorting:?}");
                }
            }
        }
    }
}
