use proptest::prelude::*;

use super::*;
use crate::{
    check::row::Row,
    object::{Key, Kind},
    report::{
        fixtures::{NOW, RowFixture, Shop, certificate},
        order::{Sorting, sort},
    },
    text::clear::is_unsafe,
};

fn context(width: Option<usize>) -> Context<'static> {
    Context {
        now: NOW,
        width,
        ..Context::default()
    }
}

fn table(rows: &Rows<'_>, context: &Context<'_>, wide: bool) -> String {
    let mut out = Vec::new();
    write(rows, context, wide, &mut out).expect("a vector");
    String::from_utf8(out).expect("UTF-8")
}

fn shop(shop: &Shop, context: &Context<'_>, wide: bool) -> String {
    let mut rows = shop.rows().into();
    sort(&mut rows, &Sorting::default());
    table(&rows, context, wide)
}

#[test]
fn without_a_terminal_nothing_is_cut() {
    insta::assert_snapshot!("pipe", shop(&Shop::new(), &context(None), false));
}

#[test]
fn a_terminal_gets_one_line_a_row() {
    for width in [60, 80, 100, 120, 160] {
        let out = shop(&Shop::new(), &context(Some(width)), false);
        for line in out.lines() {
            assert!(crate::text::width::width(line) <= width, "{width}: {line}");
        }
        insta::assert_snapshot!(format!("terminal_{width}"), out);
    }
}

#[test]
fn all_namespaces_of_several_contexts_fit_too() {
    for width in [60, 80, 120] {
        let all = Context {
            show_context: true,
            show_namespace: true,
            ..context(Some(width))
        };
        let out = shop(&Shop::new(), &all, false);
        for line in out.lines() {
            assert!(crate::text::width::width(line) <= width, "{width}: {line}");
        }
        insta::assert_snapshot!(format!("all_{width}"), out);
    }
}

#[test]
fn wide_shows_more_and_labels_on_demand() {
    let labels = Context {
        show_labels: true,
        show_namespace: true,
        ..context(None)
    };
    insta::assert_snapshot!("wide", shop(&Shop::new(), &labels, true));
    let narrow = shop(&Shop::new(), &context(Some(80)), true);
    assert_eq!(
        narrow,
        shop(&Shop::new(), &context(None), true),
        "what cannot fit is not cut"
    );
}

#[test]
fn hostile_text_stays_in_its_cell() {
    let labels = Context {
        show_labels: true,
        show_namespace: true,
        ..context(None)
    };
    let hostile = Shop::with_hostile();
    let out = shop(&hostile, &labels, true);
    assert_eq!(out.lines().count(), hostile.0.len() + 1);
    insta::assert_snapshot!("hostile", out);
    insta::assert_snapshot!("hostile_80", shop(&hostile, &context(Some(80)), false));
}

#[test]
fn colour_is_on_the_header_status_and_expiry_alone_and_changes_no_width() {
    let plain = shop(&Shop::new(), &context(Some(120)), false);
    let coloured = Context {
        colour: true,
        ..context(Some(120))
    };
    let coloured = shop(&Shop::new(), &coloured, false);
    assert!(coloured.starts_with("\u{1b}[1mROUTE\u{1b}[0m"), "{coloured:?}");
    assert!(
        coloured.contains("\u{1b}[31mcritical\u{1b}[0m   \u{1b}[31m3d4h ago\u{1b}[0m"),
        "{coloured:?}"
    );
    assert!(
        coloured.contains("\u{1b}[33mwarning\u{1b}[0m    \u{1b}[33m12d\u{1b}[0m"),
        "{coloured:?}"
    );
    assert!(coloured.contains("\u{1b}[32mhealthy\u{1b}[0m    60d "), "{coloured:?}");
    let stripped = coloured
        .split('\u{1b}')
        .enumerate()
        .fold(String::new(), |mut text, (i, part)| {
            text.push_str(if i == 0 {
                part
            } else {
                part.split_once('m').expect("SGR").1
            });
            text
        });
    assert_eq!(stripped, plain);
}

#[test]
fn headers_go_and_an_empty_table_is_empty() {
    let bare = Context {
        no_headers: true,
        ..context(None)
    };
    let shop_rows = Shop::new();
    let out = shop(&shop_rows, &bare, false);
    assert_eq!(out.lines().count(), shop_rows.0.len());
    assert!(!out.contains("STATUS"));
    assert_eq!(table(&Vec::new().into(), &context(None), false), "");
}

#[test]
fn fifty_thousand_rows_are_fifty_thousand_lines() {
    let shop = Shop::with_hostile();
    let rows: Vec<Row<'_>> = shop.rows().into_iter().cycle().take(50_000).collect();
    let out = table(&rows.into(), &context(Some(100)), false);
    assert_eq!(out.lines().count(), 50_001);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_table_holds_a_control_or_bidirectional_mark(
        texts in proptest::collection::vec("(?s).{0,40}", 9),
        bad in "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{202e}\u{2066}-\u{2069}\u{feff}\u{e0001}]{1,4}",
        width in proptest::option::of(0usize..200),
        wide: bool,
        flags: bool,
    ) {
        let text = |i: usize| format!("{}{bad}", texts[i]);
        let mut entry = RowFixture::new(Some((Kind::Gateway, &text(0), Some(&text(1)))), Some(&text(2)), None);
        entry.namespace = text(3);
        entry.class = Some(text(4));
        entry.secrets = vec![Key::new(text(5), text(6))];
        entry.labels = vec![(text(7).into(), text(8).into())];
        entry.certificate = Some(certificate(NOW, &text(0), &[&text(1), &text(2)]));
        let mut lone = RowFixture::new(None, None, Some(&text(6)));
        lone.namespace = text(3);
        let rows = vec![entry.row(), lone.row()].into();
        let context = Context { show_namespace: flags, show_labels: flags, ..context(width) };
        let out = table(&rows, &context, wide);
        prop_assert!(!out.chars().any(|c| c != '\n' && is_unsafe(c)), "{out:?}");
        prop_assert_eq!(out.lines().count(), 3);
    }
}
