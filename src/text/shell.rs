//! What a user copies into a shell.

use std::borrow::Cow;

/// A text as one word of a shell command: as it is where it holds only letters, digits and `._/:@-`, else in single
/// quotes.
pub fn quote(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}
