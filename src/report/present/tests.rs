use std::cmp::Ordering;

use super::{
    cell::{CellOptions, LoneSecret, RowColumn, first_that_fit, name},
    grid::padded,
    order::compare,
    tone::Tone,
    *,
};
use crate::{
    check::{DueBy, Fact, Finding, Severity, finding},
    object::Forbidden,
    report::{
        fixtures::{NOW, RowFixture, Shop},
        order::{Field, SortBy, Sorting, sort},
        rows::Rows,
    },
    text::time::{DAY, HOUR},
    x509::Fingerprint,
};

const COLUMNS: [RowColumn; 18] = [
    RowColumn::Context,
    RowColumn::Namespace,
    RowColumn::Route,
    RowColumn::Host,
    RowColumn::Secret,
    RowColumn::Status,
    RowColumn::Served,
    RowColumn::Expires,
    RowColumn::Issuer,
    RowColumn::Reason,
    RowColumn::Serial,
    RowColumn::Algorithm,
    RowColumn::Names,
    RowColumn::Sha256,
    RowColumn::Class,
    RowColumn::Age,
    RowColumn::Label(0),
    RowColumn::Labels,
];

/// A line of which nothing is known but its state.
struct Bare;

impl TableLine<'static> for Bare {
    fn status(&self) -> Status {
        Status::Unknown
    }

    fn urgency(&self) -> Urgency {
        Urgency::Never
    }

    fn namespace(&self) -> &'static str {
        ""
    }

    fn subject(&self) -> (Kind, &'static str) {
        (Kind::Secret, "")
    }

    fn secret(&self) -> Option<&'static Key> {
        None
    }

    fn secrets(&self) -> &'static [Key] {
        &[]
    }

    fn certificate(&self) -> Option<&'static Certificate> {
        None
    }

    fn created(&self) -> Option<Seconds> {
        None
    }

    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)> {
        std::iter::empty()
    }
}

fn options() -> CellOptions<'static> {
    CellOptions {
        now: NOW,
        room: usize::MAX,
        labels: &[],
        lone: LoneSecret::Bare,
        has_routes: true,
        has_secrets: true,
    }
}

fn cell<'a>(column: RowColumn, line: &impl TableLine<'a>, options: &CellOptions<'_>) -> String {
    let mut out = String::new();
    column.fill(line, options, &mut out).expect("a text takes it");
    out
}

#[test]
fn what_a_row_says_stands_in_its_cells() {
    let mut entry = RowFixture::new(
        Some((Kind::Gateway, "edge", Some("https"))),
        Some("api.shop.example"),
        None,
    )
    .leaf(
        NOW + 12 * DAY,
        "R11",
        &["api.shop.example", "192.0.2.1", "2001:db8::1", "*.shop.example"],
    );
    entry.secrets = vec![Key::new("certs", "api-tls"), Key::new("certs", "api-tls-rsa")];
    entry.labels = vec![("app".into(), "api".into()), ("team".into(), "blue".into())];
    if let Some(leaf) = &mut entry.certificate {
        leaf.sha256 = Fingerprint([0xab; 32]);
    }
    let findings = [finding::WrongOrder, finding::WrongOrder].map(Finding::new);
    let ignored = [Finding::new(finding::SelfSigned)];
    let mut row = entry.row();
    (row.findings, row.ignored, row.created) = (&findings, &ignored, Some(NOW - 5 * HOUR));
    let labels = ["team".to_owned()];
    let options = CellOptions {
        labels: &labels,
        ..options()
    };
    let cells: Vec<String> = COLUMNS.iter().map(|column| cell(*column, &row, &options)).collect();
    assert_eq!(
        cells,
        [
            "prod",
            "shop",
            "gateway/edge:https",
            "api.shop.example",
            "certs/api-tls,+1",
            "healthy",
            "",
            "12d",
            "R11",
            "WrongOrder,(SelfSigned)",
            "01e3",
            "ecdsa-p256",
            "api.shop.example,192.0.2.1,2001:db8::1,+1",
            "abababababababab",
            "nginx",
            "5h",
            "blue",
            "app=api,team=blue",
        ]
    );
}

#[test]
fn what_a_line_does_not_have_leaves_its_cell_empty() {
    for column in COLUMNS.into_iter().filter(|column| *column != RowColumn::Status) {
        assert_eq!(cell(column, &Bare, &options()), "", "{column:?}");
    }
    assert_eq!(cell(RowColumn::Status, &Bare, &options()), "unknown");
}

#[test]
fn a_line_is_named_by_the_next_column_where_one_is_missing() {
    let route = RowFixture::new(Some((Kind::Ingress, "bare", None)), None, Some("bare-tls"));
    let lone = RowFixture::new(None, None, Some("left-over"));
    let (route, lone) = (route.row(), lone.row());
    let marked = CellOptions {
        lone: LoneSecret::Marked,
        ..options()
    };
    assert_eq!(cell(RowColumn::Secret, &lone, &options()), "left-over");
    assert_eq!(cell(RowColumn::Secret, &lone, &marked), "secret/left-over");
    assert_eq!(cell(RowColumn::Secret, &route, &marked), "bare-tls");
    assert_eq!(cell(RowColumn::Route, &lone, &options()), "");
    assert_eq!(cell(RowColumn::Host, &route, &options()), "");
    let without_secrets = CellOptions {
        has_secrets: false,
        ..options()
    };
    assert_eq!(cell(RowColumn::Route, &lone, &without_secrets), "secret/left-over");
    let with_neither = CellOptions {
        has_routes: false,
        ..without_secrets
    };
    assert_eq!(cell(RowColumn::Host, &lone, &with_neither), "secret/left-over");
    assert_eq!(cell(RowColumn::Host, &route, &with_neither), "ingress/bare");
    let mut out = String::new();
    name(&lone, &mut out).expect("a text takes it");
    assert_eq!(out, "secret/left-over");
}

#[test]
fn what_could_not_be_read_is_named_by_the_right_and_sorted_by_its_kind() {
    let unread = |kind| {
        let fact = finding::Forbidden(Forbidden {
            kind,
            namespace: Some("shop".into()),
            name: None,
            verb: "list",
        });
        RowFixture::new(None, None, None).found([Fact::Forbidden(fact)])
    };
    let (ingresses, secrets) = (unread(Kind::Ingress), unread(Kind::Secret));
    let (ingresses, secrets) = (ingresses.row(), secrets.row());
    assert_eq!(cell(RowColumn::Route, &ingresses, &options()), "list ingresses");
    assert_eq!(compare(&ingresses, &secrets, None, false), Ordering::Less);
}

#[test]
fn a_secret_that_is_named_twice_is_one() {
    let mut entry = RowFixture::new(Some((Kind::Gateway, "edge", Some("https"))), None, Some("tls"));
    entry.secrets.push(Key::new("shop", "tls"));
    assert_eq!(cell(RowColumn::Secret, &entry.row(), &options()), "tls");
}

#[test]
fn whole_words_fit_or_are_counted() {
    let fitted = |words: &[&str], room: usize| {
        let mut out = String::new();
        first_that_fit(words, room, &mut out).expect("a text takes it");
        out
    };
    let words = ["Expired", "WrongOrder", "SelfSigned", "MustStaple"];
    assert_eq!(fitted(&words, 99), "Expired,WrongOrder,SelfSigned,+1");
    assert_eq!(fitted(&words, 31), "Expired,WrongOrder,+2");
    assert_eq!(fitted(&words, 12), "Expired,+3");
    assert_eq!(fitted(&words, 3), "Expired,+3", "the first is always told");
    assert_eq!(fitted(&words[..1], 3), "Expired");
    assert_eq!(fitted(&[], 3), "");
}

#[test]
fn colour_is_for_the_state_and_for_an_expiry_that_matters() {
    let due = |at| {
        let fact = Fact::RenewalDue(finding::RenewalDue {
            not_after: at,
            since: NOW - DAY,
            by: DueBy::Lifetime,
        });
        RowFixture::new(None, None, Some("tls"))
            .leaf(at, "E7", &["a.example"])
            .found([fact])
    };
    let tone = |entry: &RowFixture, column: RowColumn| column.tone(&entry.row(), NOW);
    assert_eq!(tone(&due(NOW), RowColumn::Expires), Tone::Of(Status::Critical));
    assert_eq!(tone(&due(NOW + 1), RowColumn::Expires), Tone::Of(Status::Warning));
    assert_eq!(tone(&due(NOW + 1), RowColumn::Status), Tone::Of(Status::Warning));
    assert_eq!(tone(&due(NOW + 1), RowColumn::Issuer), Tone::Plain);
    let mut excused = due(NOW + 1);
    let findings = std::mem::take(&mut excused.findings);
    let mut row = excused.row();
    row.ignored = &findings;
    assert_eq!(RowColumn::Expires.tone(&row, NOW), Tone::Plain, "nobody waits for it");
    assert_eq!(RowColumn::Expires.tone(&Bare, NOW), Tone::Plain);
}

/// Rows that are made anew for each look are sorted by keys, and lines that are there are compared.
#[test]
fn keys_and_comparisons_make_the_same_order() {
    let mut shop = Shop::with_hostile();
    for (entry, severity) in shop
        .0
        .iter_mut()
        .zip([Severity::Info, Severity::Warning].into_iter().cycle())
    {
        entry.findings.push(Finding::at(severity, finding::MustStaple));
    }
    let fields = [
        None,
        Some(Field::Namespace),
        Some(Field::Name),
        Some(Field::Host),
        Some(Field::Status),
        Some(Field::Expires),
        Some(Field::Age),
        Some(Field::Created),
        Some(Field::Issuer),
    ];
    let told = |row: &Row<'_>| format!("{:?}", (row.context, row.namespace, row.subject(), row.host));
    for by in fields {
        for reverse in [false, true] {
            let mut keyed: Rows<'_> = shop.rows().into();
            let sorting = Sorting {
                by: by.map_or(SortBy::Worst, SortBy::Field),
                reverse,
            };
            sort(&mut keyed, &sorting);
            let mut compared = shop.rows();
            compared.reverse();
            compared.sort_by(|a, b| compare(a, b, by, reverse));
            assert_eq!(
                keyed.iter().map(|row| told(&row)).collect::<Vec<_>>(),
                compared.iter().map(told).collect::<Vec<_>>(),
                "{sorting:?}"
            );
        }
    }
}

#[test]
fn what_lacks_a_field_comes_last_and_the_worst_stays_first_among_its_likes() {
    let entry = |host: Option<&str>, not_after| {
        RowFixture::new(Some((Kind::Ingress, "web", None)), host, None).leaf(not_after, "E7", &["a.example"])
    };
    let (none, late, soon) = (
        entry(None, NOW + DAY),
        entry(Some("b.example"), NOW + 9 * DAY),
        entry(Some("b.example"), NOW + DAY),
    );
    let (none, late, soon) = (none.row(), late.row(), soon.row());
    assert_eq!(compare(&late, &none, Some(Field::Host), false), Ordering::Less);
    assert_eq!(compare(&late, &none, Some(Field::Host), true), Ordering::Greater);
    assert_eq!(compare(&soon, &late, Some(Field::Host), false), Ordering::Less);
    assert_eq!(compare(&soon, &late, Some(Field::Host), true), Ordering::Less);
    assert_eq!(compare(&soon, &late, None, true), Ordering::Greater);
}

#[test]
fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_their_last() {
    let lines = [["A", "B", "C"], ["日本", "", "c"], ["a", "bb", ""]].map(|cells| cells.map(str::to_owned));
    let padded: Vec<String> = padded(&lines).collect();
    assert_eq!(padded, ["A      B    C", "日本        c", "a      bb   "]);
    assert_eq!(super::grid::padded::<[String; 1]>(&[]).count(), 0);
}
