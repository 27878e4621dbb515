//! The rows behind the table: merged, they are as if they had been sorted anew.

use std::collections::BTreeMap;

use kubectl_certs::{
    check::Reason,
    object::Seconds,
    report::{Status, order::Field},
    scan::About,
    tui::{
        filter::Filter,
        item::Item,
        rows::{Choice, Rows, Sort},
    },
};
use proptest::prelude::*;

use super::{example::example, states::forbidden};

pub(super) const STATUSES: [Status; 5] = [
    Status::Critical,
    Status::Warning,
    Status::Unknown,
    Status::Info,
    Status::Healthy,
];

fn sorts() -> impl Strategy<Value = Sort> {
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
    (prop::sample::select(fields.to_vec()), any::<bool>()).prop_map(|(by, reverse)| Sort { by, reverse })
}

fn choices() -> impl Strategy<Value = Choice> {
    let filters = [
        "",
        "shop",
        "!shop",
        "-f crit",
        "healthy",
        "secret/",
        "ingress/web",
        "tls example",
        "zzz",
        "-l app",
    ];
    let namespaces = [None, None, Some("shop"), Some("blog"), Some("nowhere")];
    let reasons = [None, None, Some(Reason::Expired), Some(Reason::SecretNotFound)];
    (
        prop::sample::select(filters.to_vec()),
        any::<bool>(),
        prop::sample::select(namespaces.to_vec()),
        prop::sample::select(reasons.to_vec()),
        prop::sample::select(vec![
            None,
            None,
            "2026-12-01..2026-12-31".parse().ok(),
            "..2026-12-01".parse().ok(),
        ]),
    )
        .prop_map(|(filter, problems_only, namespace, reason, between)| Choice {
            filter: Filter::parse(filter),
            problems_only,
            namespace: namespace.map(Into::into),
            reason,
            between,
        })
}

#[derive(Debug, Clone)]
enum Change {
    /// Items by their number, each with a status and a day of creation of its own, and items that are gone.
    Items(Vec<(usize, usize, Seconds)>, Vec<usize>),
    Sort(Sort),
    Choice(Choice),
}

fn changes() -> impl Strategy<Value = Change> {
    let one = (0..40_usize, 0..5_usize, 0..5_i64);
    let items = (
        prop::collection::vec(one, 0..15),
        prop::collection::vec(0..40_usize, 0..6),
    );
    prop_oneof![
        4 => items.prop_map(|(set, gone)| Change::Items(set, gone)),
        1 => sorts().prop_map(Change::Sort),
        1 => choices().prop_map(Change::Choice),
    ]
}

/// An item of the example that has changed.
fn changed(at: usize, status: usize, created: Seconds) -> Item {
    let items = &example().items;
    let mut item = items.get(at).cloned().unwrap_or_else(forbidden);
    item.status = STATUSES[status];
    item.created = (created > 0).then_some(created);
    item
}

fn about(at: usize) -> About {
    changed(at, 0, 0).about
}

#[track_caller]
fn as_if_made_anew(rows: &Rows, held: &BTreeMap<About, Item>) {
    let mut anew = Rows::default();
    anew.set_sort(rows.sort());
    anew.set_choice(rows.choice().clone());
    anew.set_all(held.values().cloned().collect());
    let lines = |rows: &Rows| rows.iter().cloned().collect::<Vec<_>>();
    assert_eq!(lines(rows), lines(&anew));
    assert_eq!((rows.len(), rows.total()), (anew.len(), anew.total()));
    for status in STATUSES {
        let at = status as usize;
        assert_eq!(rows.all().status[at], anew.all().status[at], "{status:?}");
        assert_eq!(
            rows.here().status[at],
            anew.here().status[at],
            "{status:?} of what is looked at"
        );
    }
    for (position, item) in rows.iter().enumerate() {
        assert_eq!(rows.position(&item.about), Some(position));
        assert_eq!(rows.about(&item.about), held.get(&item.about));
    }
    let hidden = held
        .values()
        .find(|item| !rows.choice().has(item) || !rows.choice().has_row(item));
    assert_eq!(
        hidden.and_then(|item| rows.position(&item.about)),
        None,
        "what is not looked at has no position"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn changes_leave_the_order_that_sorting_everything_would_make(all in prop::collection::vec(changes(), 1..25)) {
        let mut rows = Rows::default();
        let mut held: BTreeMap<About, Item> = BTreeMap::new();
        for change in all {
            match change {
                Change::Items(set, gone) => {
                    let set: Vec<Item> = set.into_iter().map(|(at, status, created)| changed(at, status, created)).collect();
                    let gone: Vec<About> = gone.into_iter().map(about).collect();
                    for about in &gone {
                        held.remove(about);
                    }
                    held.extend(set.iter().map(|item| (item.about.clone(), item.clone())));
                    rows.change(set, &gone);
                }
                Change::Sort(sort) => rows.set_sort(sort),
                Change::Choice(choice) => rows.set_choice(choice),
            }
            as_if_made_anew(&rows, &held);
        }
    }

    #[test]
    fn typing_letter_by_letter_chooses_what_the_whole_word_does(word in "[a-z!/:. =-]{0,3}(secret/|ingress/|shop/|-f |-l )?[a-z/]{0,8}") {
        let mut typed = Rows::default();
        typed.set_all(example().items.clone());
        for end in 0..=word.len() {
            let filter = Filter::parse(&word[..end]);
            typed.set_choice(Choice { filter, ..Choice::default() });
            let mut at_once = Rows::default();
            at_once.set_choice(typed.choice().clone());
            at_once.set_all(example().items.clone());
            let hosts = |rows: &Rows| rows.iter().map(|item| item.about.clone()).collect::<Vec<_>>();
            prop_assert_eq!(hosts(&typed), hosts(&at_once), "{:?}", &word[..end]);
        }
    }
}

#[test]
fn a_slash_that_is_typed_last_looks_at_all_rows_again() {
    let mut rows = Rows::default();
    rows.set_all(example().items.clone());
    for typed in ["secret", "secret/", "secret/api-tls"] {
        let filter = Filter::parse(typed);
        rows.set_choice(Choice {
            filter,
            ..Choice::default()
        });
    }
    assert_eq!(rows.len(), 1);
}

#[test]
fn what_is_the_same_changes_nothing() {
    let mut rows = Rows::default();
    assert_eq!(rows.change(example().items.clone(), &[]), example().items.len());
    let version = rows.version();
    assert_eq!(rows.change(example().items.clone(), &[]), 0);
    assert_eq!(rows.version(), version);
    assert_eq!(
        rows.change(Vec::new(), &[about(39), about(39)]),
        0,
        "what was never there cannot go"
    );
    let first = about(0);
    assert_eq!(rows.change(Vec::new(), &[first.clone(), first.clone()]), 1);
    assert!(rows.about(&first).is_none() && rows.position(&first).is_none());
}

#[test]
fn a_slot_that_is_used_again_is_used_once() {
    let mut rows = Rows::default();
    rows.change((0..10).map(|at| changed(at, 0, 1)).collect(), &[]);
    let gone: Vec<About> = (0..5).map(about).collect();
    rows.change((20..25).map(|at| changed(at, 1, 2)).collect(), &gone);
    rows.change((30..34).map(|at| changed(at, 4, 3)).collect(), &[about(20)]);
    assert_eq!(rows.everything().count(), 13);
    assert_eq!(rows.iter().count(), rows.total());
}
