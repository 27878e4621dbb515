//! URLs in messages.

use std::borrow::Cow;

/// A URL without the user and the password that it may hold: `https://me:secret@host/x` becomes `https://host/x`. What has no
/// scheme is taken as beginning with the host.
pub fn without_user(url: &str) -> Cow<'_, str> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[start..];
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{}{}", &url[..start], &rest[at + 1..])),
        None => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_left_out_and_nothing_else() {
        for (url, shown) in [
            ("https://me:secret@host:6443/x?y=a@b", "https://host:6443/x?y=a@b"),
            ("https://me@host", "https://host"),
            ("https://me:p@ss@host/", "https://host/"),
            ("me:secret@host:6443", "host:6443"),
            ("https://host/a@b", "https://host/a@b"),
            ("https://host", "https://host"),
            ("socks5://u:p@[::1]:1080", "socks5://[::1]:1080"),
            ("", ""),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in ".*") {
            let _ = without_user(&text);
        }
    }
}
