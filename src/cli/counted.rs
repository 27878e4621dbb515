//! Numbers with their nouns, and lists that are cut, for notes.

use std::fmt::Display;

/// How many of a list are named.
const NAMED: usize = 5;

/// `1 Secret`, `2 Secrets`.
pub(super) fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The first few of a list, and how many more there are.
pub(super) fn first_of<T: Display>(all: &[T]) -> String {
    crate::text::first_of(all, NAMED)
}
/// `in namespace shop`, `in namespaces blog, shop`.
pub(super) fn in_namespaces(names: &[impl AsRef<str>]) -> String {
    let all: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let s = if all.len() == 1 { "" } else { "s" };
    format!("in namespace{s} {}", all.join(", "))
}
