//! Quoting of text that users copy into a shell.

use std::borrow::Cow;

/// Quotes a text as one word of a shell command. It stays as it is if it only has letters, digits and `._/:@-`, and
/// `=,+` after its first character (zsh replaces a word that begins with `=`); otherwise it is put into single quotes.
pub fn quote(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    let later = |c: char| matches!(c, '=' | ',' | '+');
    let is_plain = text.char_indices().all(|(at, c)| plain(c) || (at > 0 && later(c)));
    if !text.is_empty() && is_plain {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}
