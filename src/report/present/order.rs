//! Which line comes first.
//!
//! Keys for lines that are made each time they are looked at, and a comparison for those that are there. Both are made of the same
//! parts.

use std::cmp::{Ordering, Reverse};

use super::TableLine;
use crate::{
    check::{Urgency, row::Status},
    object::Seconds,
    report::{item, order::Field},
};

/// A key that puts what is not there last.
pub type Last<T> = (bool, Option<T>);

/// Puts what is not there last.
pub fn last<T>(value: Option<T>) -> Last<T> {
    (value.is_none(), value)
}

/// How bad a line is: the worst first, and of those what is refused now before what will be and what is untidy.
pub fn badness<'a>(line: &impl TableLine<'a>) -> (Reverse<Status>, Urgency) {
    (Reverse(line.status()), line.urgency())
}

/// What expires first.
pub fn soonest<'a>(line: &impl TableLine<'a>) -> Last<Seconds> {
    last(line.expires())
}

/// By context, namespace, kind, name, listener, host.
pub fn by_name<'a, L: TableLine<'a>>(a: &L, b: &L) -> Ordering {
    let listener = |line: &L| line.route().and_then(|route| route.listener);
    a.context()
        .cmp(b.context())
        .then_with(|| a.namespace().cmp(b.namespace()))
        .then_with(|| a.subject().cmp(&b.subject()))
        .then_with(|| listener(a).cmp(&listener(b)))
        .then_with(|| a.host().cmp(&b.host()))
}

/// What a field says of a line, to be compared with what the same field says of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldKey<'a> {
    /// A text.
    Text(&'a str),
    /// A state, the worst first.
    Status(Reverse<Status>),
    /// A moment, the earliest first.
    Time(Seconds),
    /// A moment, the latest first.
    Youngest(Reverse<Seconds>),
}

/// The key of a line by a field. Lines that lack the field come last.
pub fn key<'a>(line: &impl TableLine<'a>, field: Field) -> Last<FieldKey<'a>> {
    last(match field {
        Field::Namespace => Some(FieldKey::Text(line.namespace())),
        Field::Name => Some(FieldKey::Text(line.subject().1)),
        Field::Host => line.host().map(|host| FieldKey::Text(item::host(host))),
        Field::Status => Some(FieldKey::Status(Reverse(line.status()))),
        Field::Expires => line.expires().map(FieldKey::Time),
        Field::Age => line.created().map(|created| FieldKey::Youngest(Reverse(created))),
        Field::Created => line.created().map(FieldKey::Time),
        Field::Issuer => line.certificate().map(|leaf| FieldKey::Text(&leaf.issuer.short)),
    })
}

/// The order of two lines: worst first, or by a field and then as without one. `reverse` turns that which is asked for: of lines that
/// are alike by a field, the worst stays first.
pub fn compare<'a, L: TableLine<'a>>(a: &L, b: &L, by: Option<Field>, reverse: bool) -> Ordering {
    let turned = |order: Ordering| if reverse { order.reverse() } else { order };
    match by {
        None => turned(worst(a, b)),
        Some(field) => turned(key(a, field).cmp(&key(b, field))).then_with(|| worst(a, b)),
    }
}

/// Worst first, then what expires first, then by name. Most lines differ before their names are looked at.
fn worst<'a, L: TableLine<'a>>(a: &L, b: &L) -> Ordering {
    badness(a)
        .cmp(&badness(b))
        .then_with(|| soonest(a).cmp(&soonest(b)))
        .then_with(|| by_name(a, b))
}
