//! `o`: the view as a table, Markdown, JSON or YAML.

use std::{fmt::Write as _, path::PathBuf};

use crate::{
    report::{self, Apart, Context, LeftOut, Rows},
    tui::{cells::cell, columns::Columns, effect::Effect, model::Model},
};

/// How it is written, by the end of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Table,
    Markdown,
    Json,
    Yaml,
}

/// Saves the view as a file.
pub(super) fn save(model: &mut Model, path: &str) -> Vec<Effect> {
    let path = PathBuf::from(path.trim());
    let end = path
        .extension()
        .and_then(|end| end.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let how = match end.as_str() {
        "md" | "markdown" => As::Markdown,
        "json" => As::Json,
        "yaml" | "yml" => As::Yaml,
        "txt" | "" => As::Table,
        other => {
            model.notice(format!("save: .{other} is not one of .md, .json, .yaml and .txt"), true);
            return Vec::new();
        }
    };
    if path.as_os_str().is_empty() {
        model.notice("save: name a file", true);
        return Vec::new();
    }
    let view = model.view;
    let now = model.now();
    model
        .derived
        .make(view, &model.rows, model.sorts[view as usize], now, None);
    match bytes(model, how) {
        Ok(bytes) => vec![Effect::Write { path, bytes }],
        Err(why) => {
            model.notice(format!("save: {why}"), true);
            Vec::new()
        }
    }
}

fn bytes(model: &Model, how: As) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let is_status = model.view.is_status();
    let rows = || {
        Rows::from(
            model
                .rows
                .iter()
                .map(|item| item.row(&model.place.context))
                .collect::<Vec<_>>(),
        )
    };
    let context = Context {
        now: model.now(),
        show_namespace: true,
        apart: Apart {
            left_out: LeftOut {
                items: model.left_out,
                findings: 0,
            },
            routes_chosen_by: None,
            not_judged: &model.not_judged,
            since: None,
            secrets_left_out: false,
        },
        ..Context::default()
    };
    let result = match how {
        As::Json if is_status => report::json::write(&rows(), &context, &mut out),
        As::Yaml if is_status => report::yaml::write(&rows(), &context, &mut out),
        As::Table if is_status => report::table::write(&rows(), &context, model.columns.wide, &mut out),
        As::Yaml => return Err("YAML is only for the hosts: use .json, .md or .txt".to_owned()),
        _ => {
            let (heads, lines) = model.view.written(model);
            out = written(how, &heads, &lines).into_bytes();
            Ok(())
        }
    };
    result.map_err(|error| error.to_string())?;
    Ok(out)
}

/// The heads and the cells of a table: of a view whose lines are no rows of a status, or of any as Markdown.
pub(in crate::tui) fn cells(model: &Model) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let columns: Vec<_> = Columns::all(model.view)
        .iter()
        .filter(|column| model.columns.has(model.view, column))
        .collect();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for line in 0..model.lines() {
        let text = |column: &&crate::tui::columns::Column| {
            let mut out = String::new();
            cell(model, model.view, line, column.what, &mut out);
            out
        };
        lines.push(columns.iter().map(text).collect());
    }
    (columns.iter().map(|column| column.head).collect(), lines)
}

fn written(how: As, heads: &[&str], lines: &[Vec<String>]) -> String {
    match how {
        As::Json => {
            let objects: Vec<serde_json::Value> = lines
                .iter()
                .map(|cells| {
                    let pairs = heads
                        .iter()
                        .zip(cells)
                        .map(|(head, cell)| (head.to_ascii_lowercase(), cell.clone().into()));
                    serde_json::Value::Object(pairs.collect())
                })
                .collect();
            let mut text = serde_json::to_string_pretty(&objects).unwrap_or_default();
            text.push('\n');
            text
        }
        As::Markdown | As::Yaml => markdown(heads, lines),
        As::Table => {
            let mut widths: Vec<usize> = heads.iter().map(|head| head.len()).collect();
            for (width, cell) in lines
                .iter()
                .flat_map(|cells| cells.iter().enumerate())
                .map(|(i, c)| (i, crate::text::width::width(c)))
            {
                widths[width] = widths[width].max(cell);
            }
            let mut out = String::new();
            let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
            for cells in std::iter::once(&heads).chain(lines) {
                let mut line = String::new();
                for (cell, width) in cells.iter().zip(&widths) {
                    line.push_str(cell);
                    line.extend(std::iter::repeat_n(
                        ' ',
                        width.saturating_sub(crate::text::width::width(cell)) + 3,
                    ));
                }
                let _ = writeln!(out, "{}", line.trim_end());
            }
            out
        }
    }
}

fn markdown(heads: &[&str], lines: &[Vec<String>]) -> String {
    let mut out = format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for cells in lines {
        // A bar would end the cell, and < might begin a tag.
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| cell.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;"))
            .collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}
