//! The order of rows: worst first, or by a field.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashMap,
    str::FromStr,
};

use super::{
    item::{self, Item},
    jsonpath::{JsonPathError, Path},
    present::order::{badness, by_name, key, last, soonest},
    rows::Rows,
};
use crate::{check::row::Row, object::Kind, text::closest};

/// A field that rows can be sorted by. Rows that lack it come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The namespace.
    Namespace,
    /// The name of the route, or of the Secret where there is no route.
    Name,
    /// The host.
    Host,
    /// The state, worst first.
    Status,
    /// What expires first.
    Expires,
    /// The youngest object first.
    Age,
    /// The oldest object first (`.metadata.creationTimestamp`).
    Created,
    /// The issuer in short.
    Issuer,
}

impl Field {
    /// As `--sort-by` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Name => "name",
            Self::Host => "host",
            Self::Status => "status",
            Self::Expires => "expires",
            Self::Age => "age",
            Self::Created => ".metadata.creationTimestamp",
            Self::Issuer => "issuer",
        }
    }
}

/// How rows are sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum SortBy {
    /// Worst first, then what is refused now before what will be and what is untidy, then what expires first, then context,
    /// namespace, kind, name, listener, host.
    #[default]
    Worst,
    /// By a field, then as [`SortBy::Worst`].
    Field(Field),
    /// By what a path leads to in the row's JSON item, as text, then as [`SortBy::Worst`].
    Path(Path),
}

/// The fields that `--sort-by` takes by their names.
const NAMES: [&str; 7] = ["status", "expires", "namespace", "name", "host", "issuer", "age"];

/// What `--sort-by` cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SortByError {
    /// It is no field's name.
    #[error(
        "cannot sort by {0:?}: it is neither one of {all} nor a JSONPath such as .notAfter; the nearest is {meant}",
        all = NAMES.join(", "), meant = closest(.0, NAMES).unwrap_or_default()
    )]
    Name(String),
    /// It is a path to a field that items do not have.
    #[error(
        "cannot sort by {0:?}: an item has no such field; the nearest is {meant} (fields: {fields})",
        meant = closest(.0, item::FIELDS.iter().copied()).unwrap_or_default(), fields = item::FIELDS.join(", ")
    )]
    Field(String),
    /// It is not a valid path.
    #[error(transparent)]
    Path(#[from] JsonPathError),
}

impl FromStr for SortBy {
    type Err = SortByError;

    /// Reads a field's name, or a path into the JSON item: `.notAfter`, `{.route.name}`, `{.items[*].host}`.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let field = match s.trim().to_ascii_lowercase().as_str() {
            "status" => Field::Status,
            "expires" => Field::Expires,
            "namespace" => Field::Namespace,
            "name" => Field::Name,
            "host" => Field::Host,
            "issuer" => Field::Issuer,
            "age" => Field::Age,
            _ => return path(s),
        };
        Ok(Self::Field(field))
    }
}

fn path(s: &str) -> Result<SortBy, SortByError> {
    let bare = s.trim();
    let bare = bare
        .strip_prefix('{')
        .and_then(|b| b.strip_suffix('}'))
        .unwrap_or(bare)
        .trim();
    if !bare.starts_with(['.', '$', '@', '[']) {
        return Err(SortByError::Name(s.to_owned()));
    }
    let bare = bare.trim_start_matches(['$', '@']);
    let bare = bare.strip_prefix(".items[*]").unwrap_or(bare);
    // What hands have learnt from `kubectl get`.
    match bare {
        ".metadata.name" => return Ok(SortBy::Field(Field::Name)),
        ".metadata.namespace" => return Ok(SortBy::Field(Field::Namespace)),
        ".metadata.creationTimestamp" => return Ok(SortBy::Field(Field::Created)),
        _ => {}
    }
    let path = Path::parse(bare)?;
    match path.leading.first() {
        Some(name) if !item::FIELDS.contains(&name.as_str()) => Err(SortByError::Field(name.clone())),
        _ => Ok(SortBy::Path(path)),
    }
}

/// By what rows are sorted, and whether the other way round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sorting {
    /// By what.
    pub by: SortBy,
    /// Whether what would come last comes first. Rows that are alike by a field stay worst first.
    pub reverse: bool,
}

/// Sorts `rows`. The order is total but for rows that are alike in every part, and the same for the same rows.
pub fn sort<'a>(rows: &mut Rows<'a>, sorting: &Sorting) {
    let names = Names::of(rows);
    let worst = |row: &Row<'a>| (badness(row), soonest(row), names.number(row));
    let ties = |a: &Row<'a>, b: &Row<'a>| by_name(a, b).then_with(|| a.secrets.cmp(b.secrets));
    match (&sorting.by, sorting.reverse) {
        (SortBy::Worst, true) => rows.sort_by(|row| Reverse(worst(row)), |a, b| ties(b, a)),
        _ => rows.sort_by(worst, ties),
    }
    match &sorting.by {
        SortBy::Worst => {}
        SortBy::Field(field) => by_key(rows, sorting, |row| key(row, *field)),
        SortBy::Path(path) => by_key(rows, sorting, |row| {
            let value = serde_json::to_value(Item::new(row, 0)).unwrap_or_default();
            last(path.text(&value))
        }),
    }
}

/// Sorts by a key; rows that have the same one stay as they are.
fn by_key<'a, K: Ord>(rows: &mut Rows<'a>, sorting: &Sorting, key: impl Fn(&Row<'a>) -> K) {
    let as_they_are = |_: &Row<'_>, _: &Row<'_>| Ordering::Equal;
    if sorting.reverse {
        rows.sort_by(|row| Reverse(key(row)), as_they_are);
    } else {
        rows.sort_by(key, as_they_are);
    }
}

/// Numbers in the order of names, as far as numbers can be: most rows are told apart without a look at their names.
struct Names<'a> {
    /// The rank of each context's namespaces.
    places: HashMap<(&'a str, &'a str), usize>,
    /// How many bytes the names of all rows have in common.
    shared: usize,
}

impl<'a> Names<'a> {
    fn of(rows: &Rows<'a>) -> Self {
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        let mut shared: Option<&[u8]> = None;
        for row in rows.iter() {
            places.entry((row.context, row.namespace)).or_default();
            let name = row.subject().1.as_bytes();
            let known = shared.unwrap_or(name);
            let same = known.iter().zip(name).take_while(|(a, b)| a == b).count();
            shared = Some(&known[..same]);
        }
        let mut ranked: Vec<_> = places.iter_mut().collect();
        ranked.sort_unstable_by_key(|(place, _)| **place);
        for (i, (_, rank)) in ranked.into_iter().enumerate() {
            *rank = i;
        }
        let shared = shared.map_or(0, <[u8]>::len);
        Self { places, shared }
    }

    /// The rank of its namespace, its kind, and the first eight bytes in which its name may differ from others.
    fn number(&self, row: &Row<'a>) -> (usize, Kind, u64) {
        let (kind, name) = row.subject();
        let mut first = [0; 8];
        for (place, byte) in first.iter_mut().zip(name.bytes().skip(self.shared)) {
            *place = byte;
        }
        let rank = self.places.get(&(row.context, row.namespace)).copied();
        (rank.unwrap_or_default(), kind, u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding;
    use crate::{
        check::{DueBy, Fact, Finding, Severity},
        object::Key,
        report::fixtures::{NOW, RowFixture, Shop},
        text::time::DAY,
    };

    fn reversed(shop: &Shop) -> Rows<'_> {
        let mut rows = shop.rows();
        rows.reverse();
        rows.into()
    }

    fn sorted(by: &str) -> Vec<String> {
        let shop = Shop::new();
        let mut rows = reversed(&shop);
        let sorting = Sorting {
            by: by.parse().expect(by),
            reverse: false,
        };
        sort(&mut rows, &sorting);
        rows.iter()
            .map(|r| format!("{} {} {}", r.status.as_str(), r.subject().1, r.host.unwrap_or("-")))
            .collect()
    }

    #[test]
    fn the_worst_comes_first_and_then_what_expires_first() {
        let shop = Shop::new();
        let (mut one, mut two) = (Rows::from(shop.rows()), reversed(&shop));
        sort(&mut one, &Sorting::default());
        sort(&mut two, &Sorting::default());
        let names = |rows: &Rows<'_>| {
            rows.iter()
                .map(|r| format!("{:?}", (r.subject(), r.host)))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&one), names(&two), "the order does not hang on that of the input");
        assert!(one.iter().map(|row| Reverse(row.status)).is_sorted());
        let first = one.iter().next().map(|row| (row.status.as_str(), row.host));
        assert_eq!(first, Some(("critical", Some("shop.example"))));
    }

    #[test]
    fn among_warnings_what_is_refused_now_comes_before_what_is_only_untidy() {
        let key = Key::new("shop", "old-tls");
        let expired = NOW - 90 * DAY;
        let mut unused = RowFixture::new(None, None, Some("old-tls")).leaf(expired, "E7", &["old.example"]);
        unused.findings = vec![
            Finding::at(Severity::Warning, finding::Expired { not_after: expired }),
            Finding::new(finding::OrphanSecret { secret: key }),
        ];
        let ingress = Some((Kind::Ingress, "web", None));
        let due = |host: &'static str| {
            RowFixture::new(ingress, Some(host), Some("due-tls"))
                .leaf(NOW + DAY, "E7", &[host])
                .found([Fact::RenewalDue(finding::RenewalDue {
                    not_after: NOW + DAY,
                    since: NOW - 29 * DAY,
                    by: DueBy::Lifetime,
                })])
        };
        let mut refused = due("refused.example").leaf(NOW + 80 * DAY, "E7", &["refused.example"]);
        refused
            .findings
            .push(Finding::at(Severity::Warning, finding::MustStaple));
        let entries = [unused, due("due.example"), refused];
        let mut rows = Rows::from(entries.iter().map(RowFixture::row).collect::<Vec<_>>());
        sort(&mut rows, &Sorting::default());
        let hosts: Vec<&str> = rows.iter().map(|row| row.host.unwrap_or("-")).collect();
        assert_eq!(hosts, ["refused.example", "due.example", "-"]);
    }

    #[test]
    fn names_and_paths_sort_alike() {
        for (name, path) in [
            ("host", ".host"),
            ("host", "{.items[*].host}"),
            ("expires", ".notAfter"),
            ("namespace", "{.metadata.namespace}"),
            ("namespace", "$.namespace"),
            ("name", ".metadata.name"),
        ] {
            assert_eq!(sorted(name), sorted(path), "{name} and {path}");
        }
        assert_eq!(sorted("expires")[0], "critical web shop.example");
        assert!(
            sorted("host").last().expect("rows").ends_with(" -"),
            "no host comes last"
        );
        assert_ne!(sorted("age"), sorted(".metadata.creationTimestamp"));
    }

    #[test]
    fn a_wrong_field_is_named_with_the_right_ones() {
        let error = "expiry".parse::<SortBy>().expect_err("no field").to_string();
        assert!(error.contains("\"expiry\"") && error.contains("expires"), "{error}");
        let error = ".spec.tls".parse::<SortBy>().expect_err("no field").to_string();
        assert!(error.contains("\"spec\"") && error.contains("notAfter"), "{error}");
        assert!(matches!(".host[".parse::<SortBy>(), Err(SortByError::Path(_))));
    }
}
