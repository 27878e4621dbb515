//! `/`: which rows are looked at, by what was typed.

pub mod pasted;
pub mod pattern;
pub mod word;

use self::{
    pasted::digits_of,
    pattern::Pattern,
    word::{Word, joined_text},
};
use super::item::Item;
use crate::{text::nearest, x509::San};

/// What was typed, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    #[default]
    Everything,
    /// Words, anywhere in a row: all of the first, none of the others.
    Words {
        /// What a row has.
        with: Vec<Word>,
        /// What a row does not have.
        without: Vec<Word>,
    },
    /// The letters in this order, anywhere in a row. In lower case.
    Fuzzy(String),
    /// Labels: each a key, with its value where one was typed, and whether it must be so.
    Labels(Vec<(String, Option<String>, bool)>),
    /// A regular expression, anywhere in a row.
    Pattern(Pattern),
    /// A regular expression that cannot be read, and why: it leaves everything, while it is typed.
    Wrong(String),
}

impl Filter {
    /// Reads words, each perhaps with a `!` before it, `-f letters`, `-l key=value,key` or `re:expression`.
    pub fn parse(typed: &str) -> Self {
        let typed = typed.trim_start();
        match Pattern::typed(typed) {
            Some("") => return Self::Everything,
            Some(expression) => {
                return match Pattern::new(expression) {
                    Ok(pattern) => Self::Pattern(pattern),
                    Err(why) => Self::Wrong(why),
                };
            }
            None => {}
        }
        if let Some(rest) = flag(typed, "-f") {
            let letters: String = rest
                .chars()
                .filter(|c| !c.is_whitespace())
                .flat_map(char::to_lowercase)
                .collect();
            return if letters.is_empty() {
                Self::Everything
            } else {
                Self::Fuzzy(letters)
            };
        }
        if let Some(rest) = flag(typed, "-l") {
            let labels: Vec<_> = rest.split(',').filter_map(label).collect();
            return if labels.is_empty() {
                Self::Everything
            } else {
                Self::Labels(labels)
            };
        }
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for word in typed.split_whitespace() {
            let (list, word) = match word.strip_prefix('!') {
                Some(word) => (&mut without, word),
                None => (&mut with, word),
            };
            // A ! alone is the beginning of a word.
            if !word.is_empty() {
                list.push(digits_of(address(word)).to_lowercase().as_str().into());
            }
        }
        if with.is_empty() && without.is_empty() {
            return Self::Everything;
        }
        Self::Words { with, without }
    }

    /// Whether it chooses only rows that `other` chooses too, for certain.
    pub fn narrows(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Everything) => true,
            (
                Self::Words { with, without },
                Self::Words {
                    with: old,
                    without: not,
                },
            ) => {
                old.iter().all(|old| with.iter().any(|new| new.narrows(old)))
                    && not.iter().all(|not| without.iter().any(|new| not.narrows(new)))
            }
            (Self::Fuzzy(new), Self::Fuzzy(old)) => new.starts_with(old.as_str()),
            _ => false,
        }
    }

    /// Whether an item is chosen. `text` is what [`text_of`] makes of it.
    pub fn matches(&self, item: &Item, text: &str) -> bool {
        match self {
            Self::Everything | Self::Wrong(_) => true,
            Self::Pattern(pattern) => pattern.is_match(text) || pattern.is_match(&joined_text(item)),
            Self::Words { with, without } => {
                let is_in = |word: &Word| word.is_in(item, text);
                with.iter().all(is_in) && !without.iter().any(is_in)
            }
            Self::Fuzzy(letters) => in_order_of_a_line(text, letters),
            Self::Labels(labels) => labels.iter().all(|(key, value, must)| {
                let has = item
                    .labels
                    .iter()
                    .any(|(k, v)| k == key && value.as_ref().is_none_or(|value| v == value));
                has == *must
            }),
        }
    }

    /// Whether a few texts, taken together, are chosen: for views whose lines are no items.
    pub fn matches_texts(&self, texts: &[&str]) -> bool {
        let any = |word: &Word| texts.iter().any(|text| contains(text, word.as_str()));
        match self {
            Self::Everything | Self::Labels(_) | Self::Wrong(_) => true,
            Self::Pattern(pattern) => texts.iter().any(|text| pattern.is_match(text)),
            Self::Words { with, without } => with.iter().all(any) && !without.iter().any(any),
            Self::Fuzzy(letters) => texts.iter().any(|text| in_order(text, letters)),
        }
    }
}

/// The host of a URL, or of a host with its port: what is pasted from a browser or a log finds its row. Every other word is
/// itself.
fn address(word: &str) -> &str {
    let host = match word.split_once("://") {
        Some((_, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let authority = &rest[..end];
            authority.rsplit_once('@').map_or(authority, |(_, host)| host)
        }
        None => word,
    };
    match host.rsplit_once(':') {
        Some((name, port))
            if name.contains('.')
                && !name.contains(['/', ':'])
                && (1..=5).contains(&port.len())
                && port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

fn flag<'a>(typed: &'a str, flag: &str) -> Option<&'a str> {
    let rest = typed.strip_prefix(flag)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

fn label(typed: &str) -> Option<(String, Option<String>, bool)> {
    let typed = typed.trim();
    if let Some((key, value)) = typed.split_once("!=") {
        return Some((key.trim().to_owned(), Some(value.trim().to_owned()), false));
    }
    if let Some((key, value)) = typed.split_once('=') {
        let value = value.trim_start_matches('=').trim();
        return Some((key.trim().to_owned(), Some(value.to_owned()), true));
    }
    if let Some(key) = typed.strip_prefix('!') {
        return (!key.is_empty()).then(|| (key.trim().to_owned(), None, false));
    }
    (!typed.is_empty()).then(|| (typed.to_owned(), None, true))
}

/// The texts of the columns in lower case, a line each: made once an item, as a hundred thousand of them are looked at with
/// each key, and what one is made of lies in a dozen places of the memory.
pub fn text_of(item: &Item) -> Box<str> {
    let mut text = String::with_capacity(128);
    let mut put = |field: &str| {
        if !text.is_empty() {
            text.push('\n');
        }
        if field.is_ascii() {
            let from = text.len();
            text.push_str(field);
            if let Some(added) = text.get_mut(from..) {
                added.make_ascii_lowercase();
            }
        } else {
            text.push_str(&field.to_lowercase());
        }
    };
    if let Some(host) = &item.host {
        put(host);
    }
    put(&item.namespace);
    if let Some((kind, name, listener)) = &item.route {
        put(name);
        put(kind.as_str());
        if let Some(listener) = listener {
            put(listener);
        }
    }
    for secret in &item.secrets {
        put(&secret.name);
    }
    put(item.status.as_str());
    for finding in &item.findings {
        put(finding.reason().as_str());
    }
    if let Some(certificate) = &item.certificate {
        put(&certificate.issuer.short);
        for name in &certificate.names {
            match name {
                // Most certificates have one name, and that is the host.
                San::Dns(name) if Some(name.as_str()) != item.host.as_deref() => put(name),
                _ => {}
            }
        }
    }
    if let Some(class) = &item.class {
        put(class);
    }
    text.into()
}

/// Whether `word`, which is in lower case, is in `text`, whatever the case of its letters.
pub fn contains(text: &str, word: &str) -> bool {
    let (hay, needle) = (text.as_bytes(), word.as_bytes());
    let Some(first) = needle.first() else { return true };
    if hay.len() < needle.len() {
        return false;
    }
    if !word.is_ascii() || !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let last = hay.len() - needle.len();
    hay[..=last].iter().enumerate().any(|(at, byte)| {
        byte.to_ascii_lowercase() == *first && hay[at..at + needle.len()].eq_ignore_ascii_case(needle)
    })
}

/// Whether all letters of `letters` are in one line of `text` in their order; both are in lower case.
fn in_order_of_a_line(text: &str, letters: &str) -> bool {
    if !text.is_ascii() || !letters.is_ascii() {
        return text.lines().any(|line| in_order(line, letters));
    }
    let letters = letters.as_bytes();
    let mut found = 0;
    for byte in text.bytes() {
        if letters.get(found) == Some(&byte) {
            found += 1;
            if found == letters.len() {
                return true;
            }
        } else if byte == b'\n' {
            found = 0;
        }
    }
    letters.is_empty()
}

/// Whether all letters of `letters`, which are in lower case, are in `text` in their order.
fn in_order(text: &str, letters: &str) -> bool {
    let mut wanted = letters.chars();
    let mut next = wanted.next();
    for c in text.chars().flat_map(char::to_lowercase) {
        if Some(c) == next {
            next = wanted.next();
        }
    }
    next.is_none()
}

/// The command that was meant by one that is not known.
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(with: &[&str], without: &[&str]) -> Filter {
        let of = |words: &[&str]| words.iter().map(|word| (*word).into()).collect();
        Filter::Words {
            with: of(with),
            without: of(without),
        }
    }

    #[test]
    fn what_is_typed_is_read_as_k9s_reads_it() {
        assert_eq!(Filter::parse("  "), Filter::Everything);
        assert_eq!(Filter::parse("Shop TLS"), words(&["shop", "tls"], &[]));
        assert_eq!(Filter::parse("!shop"), words(&[], &["shop"]));
        assert_eq!(
            Filter::parse("shop !Spare !old tls"),
            words(&["shop", "tls"], &["spare", "old"])
        );
        assert_eq!(Filter::parse(" !"), Filter::Everything);
        assert_eq!(Filter::parse("-f s p"), Filter::Fuzzy("sp".into()));
        assert_eq!(Filter::parse("-foo"), words(&["-foo"], &[]));
        assert_eq!(
            Filter::parse("-l app=web,!old, tier!=x"),
            Filter::Labels(vec![
                ("app".into(), Some("web".into()), true),
                ("old".into(), None, false),
                ("tier".into(), Some("x".into()), false),
            ])
        );
    }

    #[test]
    fn what_is_pasted_finds_its_host() {
        for pasted in [
            "https://Shop.example/cart?x=1",
            "https://ada@shop.example:8443/",
            "shop.example:443",
            "shop.example",
        ] {
            assert_eq!(Filter::parse(pasted), words(&["shop.example"], &[]), "{pasted}");
        }
        for plain in ["36:D7:45", "gateway/public:443", "*.example", "a.b(c"] {
            assert_eq!(Filter::parse(plain), words(&[&plain.to_lowercase()], &[]), "{plain}");
        }
    }

    #[test]
    fn typing_on_narrows_and_typing_something_else_does_not() {
        let narrows = |new: &str, old: &str| Filter::parse(new).narrows(&Filter::parse(old));
        assert!(narrows("shop", "sho") && narrows("shop web", "shop") && narrows("x", ""));
        assert!(!narrows("sho", "shop") && !narrows("!shop", "!sho") && !narrows("", "shop"));
        assert!(narrows("web !sho", "!shop") && narrows("web !old", "we") && !narrows("web", "web !old"));
    }

    #[test]
    fn letters_are_found_whatever_their_case() {
        assert!(contains("HostMismatch", "mism") && contains("MÜLLER.example", "müller") && contains("x", ""));
        assert!(!contains("shop", "shops") && !contains("", "a"));
        assert!(in_order("CheckOut.example", "cxm") && !in_order("checkout", "tc"));
        assert!(in_order("Müller.example", "mü.x") && !in_order("Müller", "üm"));
        for text in ["shop.example\nshop\nweb", "müller.example\nshop\nweb"] {
            assert!(in_order_of_a_line(text, "le") && in_order_of_a_line(text, "wb") && in_order_of_a_line(text, ""));
            assert!(!in_order_of_a_line(text, "ew"), "of two columns");
        }
    }
}
