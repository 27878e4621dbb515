//! Long commands that several findings name: each is printed once, with a number, and then meant by its number.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::text::width::width;

/// A command of fewer cells is as short as what would refer to it.
const LONG: usize = 24;

/// The long commands of some texts that more than one place names.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The number of each, and whether it has been printed.
    numbers: BTreeMap<String, (usize, bool)>,
}

impl Repeats {
    /// Those of all that will be printed, in its order.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut next = 0;
        for text in texts {
            for (_, command) in parts(text).filter(|(is_command, part)| *is_command && width(part) >= LONG) {
                let (_, count) = counts.entry(command).or_insert_with(|| {
                    next += 1;
                    (next, 0)
                });
                *count += 1;
            }
        }
        let mut repeated: Vec<(usize, &str)> = counts
            .into_iter()
            .filter(|(_, (_, count))| *count > 1)
            .map(|(command, (first, _))| (first, command))
            .collect();
        repeated.sort_unstable();
        let numbers = (1..).zip(repeated);
        Self {
            numbers: numbers
                .map(|(number, (_, command))| (command.to_owned(), (number, false)))
                .collect(),
        }
    }

    /// A text with its commands as they are printed the first time, or meant by their numbers.
    pub(super) fn shown(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (is_command, part) in parts(text) {
            let known = self.numbers.get_mut(part).filter(|_| is_command);
            let _ = match known {
                // It may begin a sentence.
                Some((number, true)) if out.is_empty() || out.ends_with(". ") => write!(out, "Command [{number}]"),
                Some((number, true)) => write!(out, "command [{number}]"),
                Some((number, printed)) => {
                    *printed = true;
                    write!(out, "`{part}` [{number}]")
                }
                None if is_command => write!(out, "`{part}`"),
                None => write!(out, "{part}"),
            };
        }
        out
    }
}

/// The parts of a text, and whether each is a command in backquotes. A backquote without its partner begins none.
fn parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let paired = text.bytes().filter(|b| *b == b'`').count() % 2 == 0;
    let whole = (!paired).then_some((false, text));
    let split = paired.then(|| text.split('`').enumerate().map(|(i, part)| (i % 2 == 1, part)));
    whole.into_iter().chain(split.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_printed_once_and_then_meant_by_its_number() {
        let texts = [
            "Run `kubectl certs renew secret/shop-tls -n shop`, then `ls`.",
            "`kubectl -n shop describe certificate/shop-tls` shows it; then `ls`.",
            "Run `kubectl certs renew secret/shop-tls -n shop` (`kubectl -n shop describe certificate/shop-tls`).",
            "What a server says with one ` is no command: kubectl certs renew secret/shop-tls -n shop",
        ];
        let mut repeats = Repeats::of(texts.into_iter());
        assert_eq!(
            texts.map(|text| repeats.shown(text)),
            [
                "Run `kubectl certs renew secret/shop-tls -n shop` [1], then `ls`.",
                "`kubectl -n shop describe certificate/shop-tls` [2] shows it; then `ls`.",
                "Run command [1] (command [2]).",
                texts[3],
            ]
        );
        let mut once = Repeats::of(texts[..1].iter().copied());
        assert_eq!(once.shown(texts[0]), texts[0], "no number without a second place");
    }
}
