//! The hosts of Traefik's rules, in the syntax of versions 2 and 3: matchers such as ``Host(`a`, `b`)`` joined by `&&`,
//! `||`, `!` and parentheses, with texts in backticks or double quotes.

use std::collections::HashSet;

use crate::object::Text;

/// The hosts of the rules that have been read.
#[derive(Default)]
pub(super) struct Hosts {
    /// The plain names, each once, in order.
    pub(super) names: Vec<Text>,
    /// Whether a rule selects hosts by anything but a plain name.
    pub(super) others: bool,
    seen: HashSet<Text>,
}

/// A token of a rule.
enum Token<'a> {
    Word(&'a str),
    Quoted(Text),
    Other(char),
}

impl Hosts {
    /// Adds the hosts of one rule. A rule that cannot be read adds none.
    pub(super) fn read(&mut self, rule: &str) {
        // The matcher whose arguments are being read, and whether a `!` negates it.
        let mut matcher = "";
        let mut word = "";
        let mut depth = 0usize;
        // The depths of the groups that a `!` negates: their hosts are those that are not served.
        let mut negated: Vec<usize> = Vec::new();
        let mut negation = false;
        for token in Tokens(rule) {
            match token {
                Token::Word(w) => word = w,
                Token::Other('!') => negation = !negation,
                Token::Other('(') => {
                    if negation {
                        negated.push(depth);
                    }
                    negation = false;
                    depth += 1;
                    matcher = std::mem::take(&mut word);
                }
                Token::Other(')') => {
                    depth = depth.saturating_sub(1);
                    if negated.last() == Some(&depth) {
                        negated.pop();
                    }
                    matcher = "";
                }
                Token::Quoted(text) => self.argument(matcher, text, negated.len() % 2 == 1),
                Token::Other(_) => {}
            }
        }
    }

    fn argument(&mut self, matcher: &str, text: Text, negated: bool) {
        let is = |name: &str| matcher.eq_ignore_ascii_case(name);
        if is("Host") || is("HostSNI") || is("HostHeader") {
            if negated || text.is_empty() || text.contains(['*', '{', '}']) {
                self.others = true;
            } else if self.seen.insert(text.clone()) {
                self.names.push(text);
            }
        } else if is("HostRegexp") || is("HostSNIRegexp") {
            self.others = true;
        }
    }
}

/// Splits a rule into tokens, in one pass.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.0.trim_start();
        let first = rest.chars().next()?;
        let after = &rest[first.len_utf8()..];
        if first == '`' {
            let (text, after) = after.split_once('`').unwrap_or((after, ""));
            self.0 = after;
            return Some(Token::Quoted(text.into()));
        }
        if first == '"' {
            let (text, after) = double_quoted(after);
            self.0 = after;
            return Some(Token::Quoted(text));
        }
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end > 0 {
            self.0 = &rest[end..];
            return Some(Token::Word(&rest[..end]));
        }
        self.0 = after;
        Some(Token::Other(first))
    }
}

/// The text up to the closing quote, with escapes resolved as far as host names have any, and the rest after it.
fn double_quoted(rest: &str) -> (Text, &str) {
    let mut text = Text::default();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &rest[at + 1..]),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            c => text.push(c),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(rule: &str) -> (Vec<String>, bool) {
        let mut hosts = Hosts::default();
        hosts.read(rule);
        (hosts.names.iter().map(ToString::to_string).collect(), hosts.others)
    }

    #[test]
    fn hosts_are_read_in_both_syntaxes() {
        for (rule, names, others) in [
            ("Host(`a.example`)", &["a.example"][..], false),
            ("Host(`a.example`, `b.example`)", &["a.example", "b.example"], false),
            ("Host(\"a.example\") && PathPrefix(\"/x\")", &["a.example"], false),
            ("(Host(`a`) || Host(`b`)) && Method(`GET`)", &["a", "b"], false),
            (
                "Host(`a`) && Path(`/Host(`) && Query(`x`,`Host(\"no\")`)",
                &["a"],
                false,
            ),
            ("HostSNI(`a`)||HostSNI(`*`)", &["a"], true),
            ("HostRegexp(`^.+\\.example$`)", &[], true),
            ("HostRegexp(`{sub:[a-z]+}.example`) || Host(`a`)", &["a"], true),
            ("!Host(`a`) && Host(`b`)", &["b"], true),
            ("!(Host(`a`) || PathPrefix(`/`)) && Host(`b`)", &["b"], true),
            ("Host(`a`) || Host(`a`)", &["a"], false),
            ("host ( \"a\" )", &["a"], false),
            ("PathPrefix(`/`)", &[], false),
            ("Header(`Host`, `a`)", &[], false),
            ("Host(`a", &["a"], false),
            ("Host(", &[], false),
            ("", &[], false),
        ] {
            let expected = (names.iter().map(ToString::to_string).collect(), others);
            assert_eq!(hosts(rule), expected, "{rule}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_rule_can_be_read(rule in "[Host()`\"!&| a.*{}\\\\]{0,60}") {
            hosts(&rule);
        }
    }
}
