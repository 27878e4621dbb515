//! What a user copies into a shell.

use std::borrow::Cow;

/// A text as one word of a shell command: as it is where it holds only letters, digits and `._/:@-`, and `=,+` after its first
/// character (zsh replaces a word that begins with `=`), else in single quotes.
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
