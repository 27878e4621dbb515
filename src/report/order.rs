//! The order of rows: worst first, or by a field.

use std::{cmp::Ordering, str::FromStr};

use super::{
    item::{self, Item},
    jsonpath::{JsonPathError, Path},
    row::Row,
};

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

/// How rows are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Worst first, then what expires first, then context, namespace, kind, name, listener, host.
    #[default]
    Worst,
    /// By a field, then as [`SortBy::Worst`].
    Field(Field),
    /// By what a path leads to in the row's JSON item, as text, then as [`SortBy::Worst`].
    Path(Path),
}

/// What `--sort-by` cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SortByError {
    /// It is no field's name.
    #[error(
        "cannot sort by {0:?}: it is none of status, expires, namespace, name, host, issuer, age, and no JSONPath such as .notAfter"
    )]
    Name(String),
    /// It is a path to a field that items do not have.
    #[error("cannot sort by {0:?}: an item has no such field; it has {fields}", fields = item::FIELDS.join(", "))]
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

/// Sorts `rows`. The order is total but for rows that are alike in every part, and the same for the same rows.
pub fn sort(rows: &mut [Row<'_>], by: &SortBy) {
    // Rows that it does not tell apart are alike; and no second half of them is needed to sort in place.
    rows.sort_unstable_by(worst_first);
    match by {
        SortBy::Worst => {}
        SortBy::Field(field) => rows.sort_by(|a, b| by_field(*field, a, b)),
        SortBy::Path(path) => rows.sort_by_cached_key(|row| {
            let value = serde_json::to_value(Item::new(row, 0)).unwrap_or_default();
            let text = path.text(&value);
            (text.is_none(), text)
        }),
    }
}

fn worst_first(a: &Row<'_>, b: &Row<'_>) -> Ordering {
    b.status
        .cmp(&a.status)
        .then_with(|| last(expires(a), expires(b)))
        .then_with(|| a.context.cmp(b.context))
        .then_with(|| a.namespace.cmp(b.namespace))
        .then_with(|| a.subject().cmp(&b.subject()))
        .then_with(|| listener(a).cmp(&listener(b)))
        .then_with(|| a.host.cmp(&b.host))
        .then_with(|| a.secrets.cmp(b.secrets))
}

fn by_field(field: Field, a: &Row<'_>, b: &Row<'_>) -> Ordering {
    match field {
        Field::Namespace => a.namespace.cmp(b.namespace),
        Field::Name => a.subject().1.cmp(b.subject().1),
        Field::Host => last(a.host.map(item::host), b.host.map(item::host)),
        Field::Status => b.status.cmp(&a.status),
        Field::Expires => last(expires(a), expires(b)),
        Field::Age => last(a.created.map(std::cmp::Reverse), b.created.map(std::cmp::Reverse)),
        Field::Created => last(a.created, b.created),
        Field::Issuer => last(
            a.certificate.map(|c| &c.issuer_short),
            b.certificate.map(|c| &c.issuer_short),
        ),
    }
}

fn listener<'a>(row: &Row<'a>) -> Option<&'a str> {
    row.route.and_then(|route| route.listener)
}

fn expires(row: &Row<'_>) -> Option<i64> {
    row.certificate.map(|c| c.not_after)
}

/// Compares what is there, and puts what is not there last.
fn last<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::Shop;

    fn sorted(by: &str) -> Vec<String> {
        let shop = Shop::new();
        let mut rows = shop.rows();
        rows.reverse();
        sort(&mut rows, &by.parse().expect(by));
        rows.iter()
            .map(|r| format!("{} {} {}", r.status.as_str(), r.subject().1, r.host.unwrap_or("-")))
            .collect()
    }

    #[test]
    fn the_worst_comes_first_and_then_what_expires_first() {
        let shop = Shop::new();
        let (mut one, mut two) = (shop.rows(), shop.rows());
        two.reverse();
        sort(&mut one, &SortBy::default());
        sort(&mut two, &SortBy::default());
        let names = |rows: &[Row<'_>]| {
            rows.iter()
                .map(|r| format!("{:?}", (r.subject(), r.host)))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&one), names(&two), "the order does not hang on that of the input");
        assert!(one.windows(2).all(|w| w[0].status >= w[1].status));
        let first = |i: usize| (one[i].status.as_str(), one[i].host);
        assert_eq!(first(0), ("critical", Some("shop.example")));
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
