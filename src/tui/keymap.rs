//! The one table of keys: what a key does, where, and what the help and the footer say of it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::views::{View, joined};
use crate::report::order::Field;

/// Where an action can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wherever no text is typed.
    Everywhere,
    /// In every view whose lines can be moved through.
    Lists,
    /// Where lines are hosts or Secrets.
    Rows,
    /// In the timeline.
    Timeline,
    /// In the list of orders, and in the picture of one.
    Orders,
    /// Where a plan waits for an answer, and where a rehearsal has passed.
    Plan,
    /// While a picture stands beside the table.
    Picture,
    /// In a text: the help, the log, what a window shows, a picture that has the keys.
    Text,
}

macro_rules! actions {
    ($($group:literal { $($name:ident $word:literal $scope:ident [$($key:literal),*] $short:literal $help:literal,)* })*) => {
        /// What a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // Each has its help: `help()`.
        pub enum Action {
            /// Shows a view. The register of views has its word, its key and its help.
            Show(View),
            $($($name,)*)*
        }

        impl Action {
            /// All but those that show a view.
            const OWN: &'static [Self] = &[$($(Self::$name,)*)*];

            /// The name in the settings.
            pub fn word(self) -> &'static str {
                match self { Self::Show(view) => view.word(), $($(Self::$name => $word,)*)* }
            }

            /// Where it can be asked for.
            pub fn scope(self) -> Scope {
                match self { Self::Show(_) => Scope::Everywhere, $($(Self::$name => Scope::$scope,)*)* }
            }

            /// The heading of the help under which it stands.
            pub fn group(self) -> &'static str {
                match self { Self::Show(_) => Self::NextView.group(), $($(Self::$name => $group,)*)* }
            }

            /// One word or two, for the footer.
            pub fn short(self) -> &'static str {
                match self { Self::Show(view) => view.word(), $($(Self::$name => $short,)*)* }
            }

            /// What it does, for the help.
            pub fn help(self) -> &'static str {
                match self { Self::Show(view) => view.help(), $($(Self::$name => $help,)*)* }
            }

            /// The keys that it has when the settings give it no others.
            pub fn usual_keys(self) -> &'static [&'static str] {
                match self { Self::Show(view) => view.usual_keys(), $($(Self::$name => &[$($key),*],)*)* }
            }
        }
    };
}

actions! {
    "Move" {
        Up "up" Everywhere ["up", "k"] "up" "one line up",
        Down "down" Everywhere ["down", "j"] "down" "one line down",
        PageUp "page-up" Everywhere ["pageup", "ctrl-b"] "page up" "one page up",
        PageDown "page-down" Everywhere ["pagedown", "ctrl-f"] "page down" "one page down",
        Top "top" Everywhere ["g", "home"] "top" "to the first line",
        Bottom "bottom" Everywhere ["G", "end"] "bottom" "to the last line",
        Open "open" Everywhere ["enter"] "open" "all about the line: chain, findings, remedies",
        Back "back" Everywhere ["esc"] "back" "back: closes a window, clears a filter, leaves a drill-down",
        Focus "focus" Picture ["tab", "backtab"] "picture/table" "to the detail beside the table, and back",
        Earlier "earlier" Timeline ["left", "h"] "earlier" "a day earlier, as --at does",
        Later "later" Timeline ["right", "l"] "later" "a day later, as --at does",
        HistoryBack "history-back" Everywhere ["["] "previous" "back to the previous view",
        HistoryForward "history-forward" Everywhere ["]"] "next" "on to the next view again",
    }
    "Views" {
        NextView "next-view" Everywhere ["tab"] "next view" "the next view",
        PreviousView "previous-view" Everywhere ["backtab"] "previous view" "the previous view",
    }
    "Find and arrange" {
        Filter "filter" Everywhere ["/"] "filter" "filter as you type: text, !text, -f fuzzy, -l labels, re:expression",
        Find "find" Text ["/"] "find" "find in the text: plain words, or re:expression",
        FindNext "find-next" Text ["n"] "next" "to the next match",
        FindPrevious "find-previous" Text ["N"] "previous" "to the previous match",
        Command "command" Everywhere [":"] "command" "a command: ns, ctx, at, sort, revoke, rollback, q, ...",
        ProblemsOnly "problems-only" Everywhere ["ctrl-z"] "problems" "only rows with findings",
        Sort "sort" Lists ["s"] "sort" "sort by the next column",
        SortName "sort-name" Lists ["N"] "by name" "sort by name; again: reversed",
        SortNamespace "sort-namespace" Lists ["P"] "by namespace" "sort by namespace",
        SortHost "sort-host" Lists ["H"] "by host" "sort by host",
        SortStatus "sort-status" Lists ["S"] "by status" "sort by status, worst first",
        SortExpiry "sort-expiry" Lists ["E"] "by expiry" "sort by expiry, soonest first",
        SortAge "sort-age" Lists ["A"] "by age" "sort by age, youngest first",
        Wide "wide" Lists ["ctrl-w"] "wide" "more columns",
        Columns "columns" Lists ["z"] "columns" "choose the columns",
        ScrollLeft "scroll-left" Lists ["<"] "left" "scroll the columns back by one",
        ScrollRight "scroll-right" Lists [">"] "right" "scroll the columns on by one",
        Mark "mark" Rows ["space"] "mark" "mark the line; actions work on all marked ones",
        MarkRange "mark-range" Rows ["ctrl-space"] "mark range" "mark from the last mark to here",
        Unmark "unmark" Rows ["ctrl-\\"] "unmark" "clear all marks",
    }
    "Certificates" {
        Renew "renew" Rows ["R"] "renew" "renew: shows the plan first; a rehearsal unless you choose",
        Probe "probe" Rows ["p"] "probe" "compare the served certificate with the stored one",
        Restart "restart" Rows ["r"] "restart" "restart the workloads that use the Secret",
        Explain "explain" Everywhere ["e"] "explain" "explain the finding and how to fix it",
        Users "users" Rows ["u"] "users" "list everything that uses the Secret",
        Decode "decode" Rows ["x"] "decode" "the certificates decoded",
        Yaml "yaml" Rows ["y"] "yaml" "the object as YAML, keys redacted",
        Wait "wait" Everywhere ["w"] "wait" "ring the terminal's bell when all renewals have ended",
    }
    "Renewals" {
        Confirm "confirm" Plan ["enter", "Y"] "go" "carry the plan out",
        Stage "stage" Plan ["t"] "rehearsal/production" "switch between rehearsal and production; also after a passed rehearsal",
        Issuer "issuer" Plan ["i"] "issuer" "another issuer for this plan (--issuer), in earnest",
        Solver "solver" Plan ["s"] "solver" "the solver of HTTP-01, from now on (--solver)",
        Advertise "advertise" Plan ["a"] "advertise" "this process's address for the cluster, from now on (--advertise)",
        Flags "flags" Plan ["f"] "flags" "more flags of `renew` for this plan: --self-check, --solver-image, --dns, ...",
        Keep "keep" Plan ["K"] "keep" "write issuer, solver and address into the settings; asks first",
        Cancel "cancel" Orders ["c"] "cancel" "cancel the renewal and clean up",
    }
    "Program" {
        Copy "copy" Everywhere ["c"] "copy" "copy the name, the certificate or the command (OSC 52)",
        Save "save" Everywhere ["o"] "save" "save the view as a table, JSON or Markdown",
        Reread "reread" Everywhere ["ctrl-r"] "read again" "read everything again",
        Mouse "mouse" Everywhere ["M"] "mouse" "give the mouse to the terminal, to select text; again: take it back",
        Log "log" Everywhere ["L"] "log" "the program's log",
        Help "help" Everywhere ["?"] "help" "this help",
        Quit "quit" Everywhere ["q", "ctrl-c"] "quit" "close the window, or quit; asks during a renewal (ctrl-c quits from everywhere)",
    }
}

/// The actions that show a view, in the order of their digits.
const SHOWING: [Action; View::ALL.len()] = {
    let mut all = [Action::NextView; View::ALL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = Action::Show(View::ALL[at]);
        at += 1;
    }
    all
};

/// All actions. Those that show a view stand before what goes from one to the next.
const ALL: [Action; Action::OWN.len() + SHOWING.len()] = {
    let mut at = 0;
    while !matches!(Action::OWN[at], Action::NextView) {
        at += 1;
    }
    let (before, after) = Action::OWN.split_at(at);
    joined(before, &SHOWING, after)
};

impl Action {
    /// All actions, in the order of the help.
    pub const ALL: &'static [Self] = &ALL;

    /// What an action that sorts sorts by.
    pub fn field(self) -> Option<Field> {
        Some(match self {
            Self::SortName => Field::Name,
            Self::SortNamespace => Field::Namespace,
            Self::SortHost => Field::Host,
            Self::SortStatus => Field::Status,
            Self::SortExpiry => Field::Expires,
            Self::SortAge => Field::Age,
            _ => return None,
        })
    }
}

/// One key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// A key that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key: write k, G, ctrl-r, alt-x, enter, esc, tab, backtab, space, up, pagedown, home, f5")]
pub struct NotAKey(String);

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
    ("backspace", KeyCode::Backspace),
];

impl Key {
    /// Whether it is the one that interrupts a program: it leads out of everything.
    pub fn is_interrupt(self) -> bool {
        self.ctrl && self.code == KeyCode::Char('c')
    }
}

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let (mut ctrl, mut alt, mut shift, mut rest) = (false, false, false, text);
        loop {
            let lower = rest.to_ascii_lowercase();
            let cut = |word: &str| lower.starts_with(word) && rest.len() > word.len();
            if cut("ctrl-") {
                (ctrl, rest) = (true, &rest[5..]);
            } else if cut("alt-") {
                (alt, rest) = (true, &rest[4..]);
            } else if cut("shift-") {
                (shift, rest) = (true, &rest[6..]);
            } else {
                break;
            }
        }
        let lower = rest.to_ascii_lowercase();
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(c), None) if shift => KeyCode::Char(c.to_ascii_uppercase()),
            (Some(c), None) => KeyCode::Char(c),
            _ => match NAMED.iter().find(|(name, _)| *name == lower) {
                Some((_, KeyCode::Tab)) if shift => KeyCode::BackTab,
                Some((_, code)) => *code,
                None => lower
                    .strip_prefix('f')
                    .and_then(|n| n.parse().ok())
                    .filter(|n| (1..=24).contains(n))
                    .map(KeyCode::F)
                    .ok_or_else(|| NotAKey(text.to_owned()))?,
            },
        };
        // With ctrl, a terminal sends the same for both cases.
        let code = match code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Ok(Self { code, ctrl, alt })
    }
}

impl fmt::Display for Key {
    /// As a person writes it: `ctrl-r`, `G`, `enter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "f{n}"),
            _ => f.write_str("?"),
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let code = match event.code {
            // What a terminal sends for ctrl-\ is read as ctrl-4.
            KeyCode::Char('4') if ctrl => KeyCode::Char('\\'),
            // A letter says by itself whether shift was held.
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl, alt }
    }
}

/// Which keys each action has.
#[derive(Debug, Clone)]
pub struct Keymap {
    keys: BTreeMap<Action, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let usual = |action: &Action| {
            let keys = action.usual_keys().iter().filter_map(|key| key.parse().ok());
            (*action, keys.collect())
        };
        Self {
            keys: Action::ALL.iter().map(usual).collect(),
        }
    }
}

/// Why the settings' keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such action.
    #[error("no action is called {word:?}{}", meant.map(|m| format!("; did you mean {m:?}?")).unwrap_or_default())]
    Action {
        /// What was written.
        word: String,
        /// The action with the nearest name.
        meant: Option<&'static str>,
    },
    /// It is no key.
    #[error(transparent)]
    Key(#[from] NotAKey),
    /// Two actions of one place have the same key.
    #[error("{key} is the key of both {a} and {b}")]
    Twice {
        /// The key.
        key: String,
        /// An action.
        a: &'static str,
        /// Another.
        b: &'static str,
    },
    /// Nobody could leave any more.
    #[error("{0} needs a key")]
    None(&'static str),
}

impl Keymap {
    /// The usual keys, with others for the actions that `own` names.
    pub fn with(own: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        for (word, keys) in own {
            let action = Action::ALL.iter().find(|action| action.word() == word);
            let Some(action) = action else {
                let words = Action::ALL.iter().map(|action| action.word());
                return Err(KeymapError::Action {
                    word: word.clone(),
                    meant: crate::text::nearest(word, words),
                });
            };
            let keys: Vec<Key> = keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?;
            if keys.is_empty() && matches!(action, Action::Quit | Action::Back) {
                return Err(KeymapError::None(action.word()));
            }
            map.keys.insert(*action, keys);
        }
        map.check()?;
        Ok(map)
    }

    fn check(&self) -> Result<(), KeymapError> {
        let mut seen: Vec<(Key, Action)> = Vec::new();
        for action in Action::ALL {
            for key in self.keys(*action) {
                let other = seen.iter().find(|(other, of)| {
                    other == key && (may_meet(of.scope(), action.scope()) || leads_out(*of, *action))
                });
                if let Some((key, other)) = other {
                    return Err(KeymapError::Twice {
                        key: key.to_string(),
                        a: other.word(),
                        b: action.word(),
                    });
                }
                seen.push((*key, *action));
            }
        }
        Ok(())
    }

    /// The keys of an action, the first of which is shown.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The key that is shown for an action; empty where it has none.
    pub fn shown(&self, action: Action) -> String {
        self.keys(action).first().map(ToString::to_string).unwrap_or_default()
    }

    /// The action of a key, among those whose scope is in `scopes`: the narrower scope comes first there.
    pub fn action(&self, key: Key, scopes: &[Scope]) -> Option<Action> {
        scopes.iter().find_map(|scope| {
            Action::ALL
                .iter()
                .copied()
                .find(|action| action.scope() == *scope && self.keys(*action).contains(&key))
        })
    }
}

/// Whether one of two actions leads out: no other may take its key from it, wherever that is meant.
fn leads_out(a: Action, b: Action) -> bool {
    // The digit of a view means that view wherever one is.
    let fixed = |action: &Action| matches!(action, Action::Quit | Action::Back | Action::Show(_));
    [a, b].iter().any(fixed)
}

/// Whether two actions of these scopes could be meant by one key at one place. A narrow scope goes before a wide one.
fn may_meet(a: Scope, b: Scope) -> bool {
    a == b
        || matches!((a, b), (Scope::Lists, Scope::Rows) | (Scope::Rows, Scope::Lists))
        || matches!(
            (a, b),
            (Scope::Everywhere, Scope::Lists | Scope::Rows) | (Scope::Lists | Scope::Rows, Scope::Everywhere)
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let owned = |(word, keys): &(&str, &[&str])| {
            (
                (*word).to_owned(),
                keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>(),
            )
        };
        Keymap::with(&pairs.iter().map(owned).collect())
    }

    #[test]
    fn every_usual_key_can_be_read_and_none_means_two_things_at_one_place() {
        for action in Action::ALL {
            for key in action.usual_keys() {
                let read: Key = key.parse().unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(read.to_string(), *key, "{}", action.word());
            }
        }
        Keymap::default().check().expect("sound");
    }

    #[test]
    fn keys_are_what_the_settings_say_and_mistakes_are_named() {
        let map = own(&[("renew", &["f2", "alt-R"])]).expect("fine");
        assert_eq!(map.shown(Action::Renew), "f2");
        let map = own(&[("renew", &["ctrl-T"])]).expect("fine");
        let sent = Key::from(KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL));
        assert_eq!(
            map.action(sent, &[Scope::Rows]),
            Some(Action::Renew),
            "what a terminal sends"
        );
        let error = own(&[("renw", &["x"])]).expect_err("no action").to_string();
        assert!(error.contains("renew"), "{error}");
        assert!(matches!(own(&[("renew", &["hyper-x"])]), Err(KeymapError::Key(_))));
        assert!(matches!(own(&[("renew", &["q"])]), Err(KeymapError::Twice { .. })));
        assert!(matches!(own(&[("stage", &["esc"])]), Err(KeymapError::Twice { .. })));
        for place in ["later", "cancel", "stage", "focus", "columns"] {
            let taken = own(&[(place, &["3"])]);
            assert!(
                matches!(taken, Err(KeymapError::Twice { .. })),
                "{place}: digits are views everywhere"
            );
        }
        assert!(matches!(own(&[("later", &["q"])]), Err(KeymapError::Twice { .. })));
        assert!(matches!(own(&[("quit", &[])]), Err(KeymapError::None("quit"))));
    }

    #[test]
    fn what_terminals_send_is_what_was_pressed() {
        let sent = |code, modifiers| Key::from(KeyEvent::new(code, modifiers)).to_string();
        assert_eq!(sent(KeyCode::Char('4'), KeyModifiers::CONTROL), "ctrl-\\");
        assert_eq!(sent(KeyCode::Char(' '), KeyModifiers::CONTROL), "ctrl-space");
        assert_eq!(sent(KeyCode::Char('N'), KeyModifiers::SHIFT), "N");
        assert_eq!(sent(KeyCode::BackTab, KeyModifiers::SHIFT), "backtab");
    }
}
