//! How many cells a text takes on a terminal, and cutting a text to fit.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many cells `text` takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The letters of `text` as a reader sees them (the grapheme clusters of UAX #29), each with its number of cells. A
/// character that requests the wide form of the previous one (`0` and U+FE0F) takes no cell by itself and one more
/// after it, so the cells of single characters do not add up to those of the text. Those of letters add up to them, or
/// to more.
pub fn letters(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).map(|letter| (letter, width(letter)))
}

/// `text` cut to at most `cells`. If anything was cut, the last cell is an ellipsis.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for (letter, w) in letters(text) {
        if used + w + 1 > cells {
            break;
        }
        out.push_str(letter);
        used += w;
    }
    if cells > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// The first `most` characters of `text`, with an ellipsis if there are more, for messages of others. A limit of cells
/// would not bound the length, because some characters take none.
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_short_whatever_it_takes_on_a_terminal() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
        assert_eq!(shorten("", 0), "");
        assert_eq!(shorten(&"\u{301}".repeat(1000), 3).chars().count(), 4);
    }

    #[test]
    fn wide_letters_take_two_cells_and_a_cut_text_fits() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("plain", 5), "plain");
        assert_eq!(cut("plainer", 5), "plai…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn a_sign_that_makes_the_one_before_it_wide_stays_with_it() {
        let wide = "0\u{fe0f}";
        assert_eq!(letters("a0\u{fe0f}").collect::<Vec<_>>(), [("a", 1), (wide, 2)]);
        assert_eq!(cut("ab0\u{fe0f}cd", 4), "ab…");
    }

    proptest::proptest! {
        #[test]
        fn letters_take_no_fewer_cells_than_their_text(text in "(\\PC|[0-9#*\u{fe0e}\u{fe0f}\u{200d}\u{1f468}لا]){0,40}", most in 0usize..30) {
            let sum: usize = letters(&text).map(|(_, cells)| cells).sum();
            proptest::prop_assert!(width(&text) <= sum);
            proptest::prop_assert!(width(&cut(&text, most)) <= most);
        }
    }
}
