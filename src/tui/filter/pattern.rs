//! `re:`: a regular expression, for rows and for texts.

use regex::{Regex, RegexBuilder};

/// What begins a regular expression where text is typed.
const PREFIX: &str = "re:";

/// A regular expression that ignores the case of letters. `^` and `$` are the ends of a column or of a line.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// What follows `re:`; `None` where that is not how the text begins.
    pub fn typed(text: &str) -> Option<&str> {
        text.trim_start().strip_prefix(PREFIX).map(str::trim)
    }

    /// A regular expression in the syntax of the regex crate. An error says in a line what is wrong with it.
    pub fn new(expression: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(expression)
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(1 << 20)
            .build()
            .map_err(|error| wrong(&error))?;
        Ok(Self { regex })
    }

    /// Finds what is typed in a text: literally, or as a regular expression after `re:`.
    pub fn of(typed: &str) -> Result<Self, String> {
        match Self::typed(typed) {
            Some(expression) => Self::new(expression),
            None => Self::new(&regex::escape(typed)),
        }
    }

    /// Whether it is found.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it is found, in bytes. Nothing is found where nothing would be seen.
    pub fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.regex
            .find_iter(text)
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
    }
}

/// The last line of the crate's message says what is wrong; those before draw where.
fn wrong(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error:").unwrap_or(last).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_literal_unless_it_is_said_to_be_a_pattern() {
        let found = |typed: &str, text: &str| Pattern::of(typed).expect(typed).is_match(text);
        assert!(found("a.b(c", "xA.B(cx") && !found("a.b", "axb"));
        assert!(found("re:^a.b$", "AxB") && found("re: tls$", "web-tls\nweb"));
        assert!(!found("re:^web$", "web-tls"));
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_one_line() {
        let error = Pattern::of("re:a(").expect_err("a group is open");
        assert_eq!(error, "unclosed group");
        let huge = Pattern::of("re:(a{1000}){1000}").expect_err("too large");
        assert!(huge.contains("size limit") && !huge.contains('\n'), "{huge}");
    }

    #[test]
    fn places_are_those_that_can_be_seen() {
        let pattern = Pattern::of("re:x*").expect("fine");
        let mut places = pattern.places("axxb");
        assert_eq!((places.next(), places.next()), (Some(1..3), None));
    }
}
