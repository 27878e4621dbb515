//! Numbers and lists in sentences.

use std::fmt::Display;

/// The first `most` items of a list, and how many more there are: `a, b and 3 more`. Not cleared for a terminal.
pub fn first_of<T: Display>(all: &[T], most: usize) -> String {
    let first: Vec<String> = all.iter().take(most).map(ToString::to_string).collect();
    let first = first.join(", ");
    match all.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// How many items of a list a sentence names.
const FEW: usize = 5;

/// The first few items of a list, and how many more there are. Not cleared for a terminal.
pub fn first_few<T: Display>(all: &[T]) -> String {
    first_of(all, FEW)
}

/// A number with its noun: `1 Secret`, `2 Secrets`.
pub fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Each as a line that ends.
pub fn lines(all: impl IntoIterator<Item = String>) -> String {
    all.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    })
}

/// Names namespaces: `in namespace shop`, `in namespaces blog, shop`.
pub fn in_namespaces(names: &[impl AsRef<str>]) -> String {
    let all: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let s = if all.len() == 1 { "" } else { "s" };
    format!("in namespace{s} {}", all.join(", "))
}

/// A number with separated thousands: `10,004`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_and_thousands_are_apart() {
        assert_eq!(first_of(&["a", "b"], 2), "a, b");
        assert_eq!(first_of(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(first_of::<u8>(&[], 2), "");
        assert_eq!(
            [7, 812, 9_812, 1_000_000].map(grouped),
            ["7", "812", "9,812", "1,000,000"]
        );
    }
}
