//! One line of text that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::text::{clear::is_unsafe, width::width};

/// Nobody types more than this; a paste is cut.
const LONGEST: usize = 1_000;

/// The text, and where the cursor is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// In bytes, at the beginning of a letter.
    at: usize,
}

/// What a key did to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// It changed the text.
    Changed,
    /// It moved the cursor, or did nothing.
    Same,
    /// It is no key for a text.
    NotMine,
}

impl Input {
    /// As much of the text as `room` cells hold, with the cursor in it, and the cells before the cursor: of a long text what is
    /// being typed is seen.
    pub fn shown(&self, room: usize) -> (&str, usize) {
        let before = &self.text[..self.at];
        let mut from = 0;
        for (at, _) in before.char_indices() {
            from = at;
            if width(&before[at..]) < room.max(1) {
                break;
            }
        }
        if width(before) >= room.max(1) && width(&before[from..]) >= room.max(1) {
            from = before.len();
        }
        let rest = &self.text[from..];
        let mut until = 0;
        for (at, c) in rest.char_indices() {
            let end = at + c.len_utf8();
            if width(&rest[..end]) > room {
                break;
            }
            until = end;
        }
        (&rest[..until], width(&before[from..]))
    }

    /// A text with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many cells stand before the cursor.
    pub fn cells(&self) -> usize {
        width(&self.text[..self.at])
    }

    /// Adds text at the cursor, without what is no letter.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !is_unsafe(*c)) {
            if self.text.len() >= LONGEST {
                return;
            }
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    fn before(&self) -> usize {
        self.text[..self.at].chars().next_back().map_or(0, char::len_utf8)
    }

    fn after(&self) -> usize {
        self.text[self.at..].chars().next().map_or(0, char::len_utf8)
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let before = self.text.len();
        match key.code {
            KeyCode::Char('a') if ctrl => self.at = 0,
            KeyCode::Char('e') if ctrl => self.at = self.text.len(),
            KeyCode::Char('u') if ctrl => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            KeyCode::Char('w') if ctrl => {
                let head = self.text[..self.at].trim_end();
                let from = head
                    .rfind(char::is_whitespace)
                    .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
                self.text.drain(from..self.at);
                self.at = from;
            }
            KeyCode::Char(c) if !ctrl && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace => {
                let n = self.before();
                self.text.drain(self.at - n..self.at);
                self.at -= n;
            }
            KeyCode::Delete => {
                let n = self.after();
                self.text.drain(self.at..self.at + n);
            }
            KeyCode::Left => self.at -= self.before(),
            KeyCode::Right => self.at += self.after(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return Typed::NotMine,
        }
        if self.text.len() == before {
            Typed::Same
        } else {
            Typed::Changed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut Input, code: KeyCode, modifiers: KeyModifiers) -> Typed {
        input.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn it_edits_as_a_shell_does() {
        let mut input = Input::new("shop müller");
        assert_eq!(
            press(&mut input, KeyCode::Char('w'), KeyModifiers::CONTROL),
            Typed::Changed
        );
        assert_eq!(input.text(), "shop ");
        input.insert("a\x1b[31mb\nc");
        assert_eq!(input.text(), "shop a[31mbc", "controls are no text");
        press(&mut input, KeyCode::Home, KeyModifiers::NONE);
        press(&mut input, KeyCode::Delete, KeyModifiers::NONE);
        press(&mut input, KeyCode::Right, KeyModifiers::NONE);
        press(&mut input, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(input.text(), "op a[31mbc");
        press(&mut input, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut input, KeyCode::Esc, KeyModifiers::NONE), Typed::NotMine);
        assert_eq!(input.text(), "op a[31mbc", "nothing stands before the cursor");
    }

    proptest::proptest! {
        #[test]
        fn no_key_leaves_the_text(keys in proptest::collection::vec((0usize..9, proptest::char::any()), 0..80)) {
            let mut input = Input::default();
            for (which, c) in keys {
                let (code, ctrl) = match which {
                    0 => (KeyCode::Left, false), 1 => (KeyCode::Right, false), 2 => (KeyCode::Backspace, false),
                    3 => (KeyCode::Delete, false), 4 => (KeyCode::Home, false), 5 => (KeyCode::End, false),
                    6 => (KeyCode::Char('w'), true), 7 => (KeyCode::Char('u'), true), _ => (KeyCode::Char(c), false),
                };
                press(&mut input, code, if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE });
                proptest::prop_assert!(input.cells() <= width(input.text()));
            }
        }
    }
}
