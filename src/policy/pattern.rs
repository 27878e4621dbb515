//! Patterns of host names and namespaces: `*` stands for any characters but a dot, `**` for any characters, `?` for one
//! that is no dot, and `{namespace}` for the namespace that asks.
//!
//! They are simpler than those of shells, because the API server has to read them too (`install::tenants`).

/// What stands for the namespace that asks.
const NAMESPACE: &str = "{namespace}";

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// Without [`NAMESPACE`], which makes others of it.
    parts: Option<Vec<Part>>,
}

/// A pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {0:?} cannot be read: it has letters, digits and -._: besides *, **, ? and {{namespace}}")]
pub struct PatternError(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Byte(u8),
    /// One byte that is no dot.
    One,
    /// Any bytes but dots.
    Label,
    /// Any bytes.
    All,
}

impl Pattern {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is for a namespace, or for another name without a star.
    pub fn is_for(&self, text: &str, namespace: &str) -> bool {
        match &self.parts {
            Some(parts) => matches(parts, text),
            None => matches(&parts_of(&self.text.replace(NAMESPACE, namespace)), text),
        }
    }

    /// Whether it is for a host: one like `*.shop.example` if it is for all names that the star may stand for.
    pub fn is_for_host(&self, host: &str, namespace: &str) -> bool {
        match host.strip_prefix("*.") {
            None => self.is_for(host, namespace),
            Some(base) => {
                let is_any = self.text.starts_with("*.") || self.text.starts_with("**");
                is_any && self.is_for(&format!("x.{base}"), namespace)
            }
        }
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.replace(NAMESPACE, "");
        let is_known =
            |b: u8| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'*' | b'?');
        if text.is_empty() || text.len() > 300 || !bare.bytes().all(is_known) {
            return Err(PatternError(crate::text::shorten(text, 300).into_owned()));
        }
        Ok(Self {
            parts: (bare == text).then(|| parts_of(text)),
            text: text.to_owned(),
        })
    }
}

fn parts_of(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        parts.push(match byte {
            b'*' if bytes.peek() == Some(&b'*') => {
                bytes.next();
                Part::All
            }
            b'*' => Part::Label,
            b'?' => Part::One,
            byte => Part::Byte(byte),
        });
    }
    parts
}

/// Takes time in proportion to both lengths, whatever they are.
fn matches(parts: &[Part], text: &str) -> bool {
    // Whether the text so far is that of so many parts.
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    skip(parts, &mut reached);
    for byte in text.bytes() {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match part {
                Part::Byte(wanted) if *wanted == byte => next[at + 1] = true,
                Part::One if byte != b'.' => next[at + 1] = true,
                Part::Label if byte != b'.' => next[at] = true,
                Part::All => next[at] = true,
                _ => {}
            }
        }
        skip(parts, &mut next);
        reached = next;
    }
    reached[parts.len()]
}

/// Stars may stand for nothing.
fn skip(parts: &[Part], reached: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if reached[at] && matches!(part, Part::Label | Part::All) {
            reached[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_for(pattern: &str, host: &str) -> bool {
        pattern.parse::<Pattern>().expect(pattern).is_for_host(host, "shop")
    }

    #[test]
    fn a_star_ends_at_a_dot_and_two_do_not() {
        for (pattern, meant, not_meant) in [
            (
                "shop.example",
                &["shop.example"][..],
                &["a.shop.example", "shopxexample"][..],
            ),
            (
                "*.shop.example",
                &["a.shop.example", "*.shop.example"],
                &["shop.example", "a.b.shop.example", "*.a.shop.example", "ashop.example"],
            ),
            (
                "**.shop.example",
                &[
                    "a.shop.example",
                    "a.b.shop.example",
                    "*.shop.example",
                    "*.a.shop.example",
                ],
                &["shop.example", "evilshop.example"],
            ),
            (
                "web-*.example",
                &["web-1.example", "web-.example"],
                &["web-a.b.example", "*.example"],
            ),
            ("?.example", &["a.example"], &["ab.example", "*.example"]),
            (
                "*.{namespace}.example",
                &["a.shop.example", "*.shop.example"],
                &["a.blog.example"],
            ),
            ("{namespace}.example", &["shop.example"], &["*.example", "blog.example"]),
            ("**", &["a", "a.b", "*.a", "192.0.2.7", "2001:db8::1"], &[]),
            ("192.0.2.*", &["192.0.2.7"], &["192.0.20.7"]),
        ] {
            for host in meant {
                assert!(is_for(pattern, host), "{pattern} is for {host}");
            }
            for host in not_meant {
                assert!(!is_for(pattern, host), "{pattern} is not for {host}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in [
            "",
            "a{b,c}",
            "[ab].example",
            "a b",
            "$(x)",
            "müller.example",
            "{name}.example",
        ] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_its_length_says() {
        let pattern: Pattern = "**a".repeat(90).parse().expect("a pattern");
        let began = std::time::Instant::now();
        assert!(!pattern.is_for(&format!("{}b", "a".repeat(252)), ""));
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
    }
}
