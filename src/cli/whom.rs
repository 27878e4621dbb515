//! Hints that ask the cluster what one may do, completed with who one is: without `--as` and `--context` they would ask about
//! somebody else, or elsewhere, and answer yes.

use std::borrow::Cow;

use crate::text::quote;

/// What such a hint begins with.
const ASKS: &str = "`kubectl auth can-i ";

/// The flags of kubectl that say where and as whom. A token is in none: it must not be shown.
const FLAGS: [&str; 7] = [
    "--as",
    "--as-group",
    "--as-uid",
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
];

/// The text with the flags of this process in the commands that ask about rights.
pub(super) fn completed(text: &str) -> Cow<'_, str> {
    if text.contains(ASKS) {
        with(text, std::env::args().skip(1))
    } else {
        Cow::Borrowed(text)
    }
}

fn with(text: &str, words: impl Iterator<Item = String>) -> Cow<'_, str> {
    let flags = flags(words);
    if flags.is_empty() || text.contains(flags.as_str()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ASKS, &format!("`kubectl{flags} auth can-i ")))
}

/// ` --as jane --context prod`: as they were given.
fn flags(mut words: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some((flag, value)) if FLAGS.contains(&flag) => Some((flag.to_owned(), value.to_owned())),
            None if FLAGS.contains(&word.as_str()) => words.next().map(|value| (word, value)),
            _ => None,
        };
        if let Some((flag, value)) = value {
            out.push(' ');
            out.push_str(&flag);
            out.push(' ');
            out.push_str(&quote(&value));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_asked_for_as_who_was_refused() {
        let hint = "ask for the right; `kubectl auth can-i list secrets -n shop` shows when you have it";
        let typed = |line: &str| with(hint, line.split(' ').map(str::to_owned)).into_owned();
        assert_eq!(typed("renew web -n shop"), hint);
        assert_eq!(
            typed("renew web --as=jane --context prod --token abc"),
            "ask for the right; `kubectl --as jane --context prod auth can-i list secrets -n shop` shows when you have it"
        );
    }
}
