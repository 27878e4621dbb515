//! Patterns of names in the style of shells: `kube-*`, `web-?`, `[a-c]*`, `[!x]*`, `{shop,blog}-tls`; a backslash makes
//! the next character literal.

use regex::Regex;

/// A parsed pattern. It has to match a whole name, and `*` stands for any characters.
#[derive(Debug, Clone)]
pub struct Glob(Regex);

/// The pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {pattern:?} cannot be read: {why}")]
pub struct GlobError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Glob {
    /// Whether the pattern matches a name.
    pub fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl std::str::FromStr for Glob {
    type Err = GlobError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        let wrong = |why| GlobError {
            pattern: pattern.to_owned(),
            why,
        };
        let regex = translated(pattern).map_err(wrong)?;
        Regex::new(&regex)
            .map(Self)
            .map_err(|_| wrong("it is too large, or a range in it is reversed"))
    }
}

/// The equivalent regular expression.
fn translated(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::from(r"(?s)\A");
    let mut chars = pattern.chars();
    let mut open = 0usize;
    let literal = |out: &mut String, c: char| out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => class(&mut chars, &mut out)?,
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            '}' => {
                open = open.checked_sub(1).ok_or("a closing brace has no opening one")?;
                out.push(')');
            }
            ',' if open > 0 => out.push('|'),
            '\\' => literal(&mut out, chars.next().ok_or("it ends with a backslash")?),
            c => literal(&mut out, c),
        }
    }
    if open > 0 {
        return Err("a brace is not closed");
    }
    out.push_str(r"\z");
    Ok(out)
}

/// Reads a class up to its closing bracket: `a-c]`, `!x]`. A bracket at the beginning is a member.
fn class(chars: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), &'static str> {
    let mut members = String::new();
    let (mut negated, mut first) = (false, true);
    loop {
        match chars.next().ok_or("a bracket is not closed")? {
            '!' | '^' if first && !negated => {
                negated = true;
                continue;
            }
            ']' if !first => break,
            '-' => members.push('-'),
            c => members.push_str(&in_class(c)),
        }
        first = false;
    }
    // A dash is a range between two members, and literal at either end.
    let (members, end) = match members.strip_suffix('-') {
        Some(rest) => (rest, r"\-"),
        None => (members.as_str(), ""),
    };
    let (start, members) = match members.strip_prefix('-') {
        Some(rest) => (r"\-", rest),
        None => ("", members),
    };
    out.push_str(if negated { "[^" } else { "[" });
    out.push_str(start);
    out.push_str(members);
    out.push_str(end);
    out.push(']');
    Ok(())
}

/// A character in the form for a class of a regular expression.
fn in_class(c: char) -> String {
    if c.is_alphanumeric() {
        c.to_string()
    } else {
        format!(r"\x{{{:x}}}", u32::from(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_shells_read_them() {
        for (pattern, meant, not_meant) in [
            ("kube-*", &["kube-system", "kube-"][..], &["xkube-system", "kube"][..]),
            ("*", &["", "a", "a.b/c"], &[]),
            ("web-?", &["web-1", "web-ä"], &["web-", "web-12"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "-x", "x"]),
            ("[!a-c]x", &["dx", "-x"], &["ax", "x"]),
            ("[^a]", &["b"], &["a"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[-a]", &["-", "a"], &["b"]),
            ("[a-]", &["-", "a"], &["b"]),
            ("[.&&~~a]", &[".", "&", "~", "a"], &["b"]),
            (
                "{shop,blog}-tls",
                &["shop-tls", "blog-tls"],
                &["shop,blog-tls", "x-tls"],
            ),
            ("{a,b{c,d}}", &["a", "bc", "bd"], &["b", "ac"]),
            (r"a\*b", &["a*b"], &["axb"]),
            ("a,b.c+(d)", &["a,b.c+(d)"], &["a,bxc+(d)"]),
        ] {
            let glob: Glob = pattern.parse().expect(pattern);
            for name in meant {
                assert!(glob.is_match(name), "{pattern} is for {name}");
            }
            for name in not_meant {
                assert!(!glob.is_match(name), "{pattern} is not for {name}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (pattern, why) in [
            ("[", "a bracket is not closed"),
            ("[a", "a bracket is not closed"),
            ("[]", "a bracket is not closed"),
            ("{a", "a brace is not closed"),
            ("a}", "a closing brace has no opening one"),
            (r"a\", "it ends with a backslash"),
            ("[z-a]", "it is too large, or a range in it is reversed"),
        ] {
            let error = pattern.parse::<Glob>().expect_err(pattern);
            assert_eq!(error.why, why, "{pattern}");
        }
    }
}
