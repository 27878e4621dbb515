//! Whatever is pressed, clicked, told and resized: nothing panics, the model stays sound, and Esc and q lead out.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use kubectl_certs::{
    report::Status,
    scan::About,
    tui::{
        Effect, Message, Model,
        item::Item,
        keymap::Action,
        message::{Link, Trouble},
        model::{View, popup::Popup},
        order::{Ending, Stage},
        run::frame,
        update,
    },
};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};

use super::{
    desk::{key, place, ui, whole},
    example::{example, noon},
    hostile,
    runs::{checkout, course, happened, of_checkout, planned},
    states::{forbidden, manifests, read_only},
};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happens {
    Key(String),
    Letter(char),
    Mouse(u8, u16, u16),
    Resize(u16, u16),
    Rows(Vec<usize>, bool),
    Gone(Vec<usize>),
    Told(u8),
    Later(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let keys: Vec<String> = Action::ALL
        .iter()
        .flat_map(|action| action.usual_keys())
        .chain(&["y", "n", "d", "f", "backspace", "left", "enter", "enter"])
        .map(|key| (*key).to_owned())
        .collect();
    let some = || prop::collection::vec(0..36_usize, 0..12);
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(Happens::Key),
        4 => prop::sample::select(":/ shop revoke rollback at 2027-01-01 sort ctx ns all q!-f\u{202e}\u{8a3c}".chars().collect::<Vec<_>>()).prop_map(Happens::Letter),
        2 => (0..4_u8, 0..210_u16, 0..60_u16).prop_map(|(kind, x, y)| Happens::Mouse(kind, x, y)),
        1 => (0..210_u16, 0..60_u16).prop_map(|(width, height)| Happens::Resize(width, height)),
        2 => (some(), any::<bool>()).prop_map(|(items, whole)| Happens::Rows(items, whole)),
        1 => some().prop_map(Happens::Gone),
        4 => (0..16_u8).prop_map(Happens::Told),
        1 => (0..20_000_u64).prop_map(Happens::Later),
    ]
}

/// The items that come and go, the second time they are asked for as hostile ones.
fn pool(hostile: bool) -> Vec<Item> {
    let mut items = if hostile {
        hostile::items()
    } else {
        example().items.clone()
    };
    items.push(forbidden());
    items
}

fn message(happens: &Happens, model: &Model) -> Option<Message> {
    let newest = model.runs.last().map_or(1, |run| run.id);
    Some(match happens {
        Happens::Key(word) => match key(word) {
            crossterm::event::Event::Key(key) => Message::Key(key),
            _ => return None,
        },
        Happens::Letter(letter) => Message::Key(KeyEvent::new(KeyCode::Char(*letter), KeyModifiers::NONE)),
        Happens::Mouse(kind, column, row) => Message::Mouse(MouseEvent {
            kind: match kind {
                0 => MouseEventKind::ScrollUp,
                1 => MouseEventKind::ScrollDown,
                2 => MouseEventKind::Down(MouseButton::Right),
                _ => MouseEventKind::Down(MouseButton::Left),
            },
            column: *column,
            row: *row,
            modifiers: KeyModifiers::NONE,
        }),
        Happens::Resize(width, height) => Message::Resize(*width, *height),
        Happens::Rows(which, all) => {
            let pool = pool(*all);
            Message::Rows {
                whole: *all && which.len() % 2 == 0,
                set: which.iter().filter_map(|at| pool.get(*at).cloned()).collect(),
                gone: Vec::new(),
            }
        }
        Happens::Gone(which) => {
            let pool = pool(false);
            Message::Rows {
                whole: false,
                set: which
                    .iter()
                    .step_by(3)
                    .filter_map(|at| pool.get(*at).cloned())
                    .collect(),
                gone: which
                    .iter()
                    .filter_map(|at| Some(pool.get(*at)?.about.clone()))
                    .collect(),
            }
        }
        Happens::Later(ms) => Message::Clock {
            now: noon() + i64::try_from(model.ms + ms).ok()? / 1_000,
            ms: model.ms + ms,
        },
        Happens::Told(0) => Message::Link(Link::Lost(hostile::HOSTILE.to_owned())),
        Happens::Told(1) => Message::Link(Link::Up),
        Happens::Told(2) => Message::Read { live: true, took_ms: 3 },
        Happens::Told(3) => Message::ReadFailed(Trouble::new(hostile::HOSTILE)),
        Happens::Told(4) => planned(newest, of_checkout(Stage::Rehearsal)),
        Happens::Told(5) => planned(newest, of_checkout(Stage::Production)),
        Happens::Told(6) => Message::Ended(newest, Ending::Good("done".to_owned())),
        Happens::Told(7) => Message::Ended(newest, Ending::Bad(Trouble::new(hostile::HOSTILE))),
        Happens::Told(8) => Message::Said(newest, hostile::HOSTILE.to_owned()),
        Happens::Told(9) => Message::Asked(newest, hostile::HOSTILE.to_owned()),
        Happens::Told(10) => Message::Probed(3),
        Happens::Told(11) => Message::Written(Err(Trouble::new("no room"))),
        Happens::Told(12) => Message::Text {
            window: match model.popups.last()? {
                Popup::Text(text) => text.id,
                _ => return None,
            },
            lines: Err(Trouble::new(hostile::HOSTILE)),
        },
        Happens::Told(13) => Message::Progress { hosts: 3, secrets: 4 },
        Happens::Told(14) => {
            let detail = model.detail.as_ref()?;
            Message::Picture {
                of: detail.of.clone(),
                width: detail.width,
                lines: Ok(example().picture(&detail.of, detail.width)),
            }
        }
        Happens::Told(_) => {
            let kinds = course("checkout.larkspur.example");
            let at = usize::try_from(model.drawn).unwrap_or(0) % kinds.len();
            happened(newest, &checkout(), kinds.into_iter().nth(at)?)
        }
    })
}

/// What holds after every message and frame.
fn sound(model: &Model) {
    let lines = model.lines();
    let cursor = model.cursor();
    assert!(
        cursor.at < lines.max(1),
        "the cursor is on line {} of {lines}",
        cursor.at
    );
    assert!(cursor.top <= cursor.at, "the cursor is above what is drawn");
    let shown: Vec<&Item> = model.rows.iter().collect();
    assert_eq!(shown.len(), model.rows.len());
    let known: BTreeSet<&About> = model
        .rows
        .everything()
        .filter(|item| model.rows.choice().has_row(item))
        .map(|item| &item.about)
        .collect();
    assert_eq!(known.len(), model.rows.total());
    let mut seen = BTreeSet::new();
    for (position, item) in shown.iter().enumerate() {
        assert!(known.contains(&item.about), "{:?} is not known", item.about);
        assert!(seen.insert(&item.about), "{:?} is there twice", item.about);
        assert!(model.rows.choice().has(item), "{:?} was not chosen", item.about);
        assert_eq!(model.rows.position(&item.about), Some(position), "{:?}", item.about);
    }
    for status in [
        Status::Critical,
        Status::Warning,
        Status::Unknown,
        Status::Info,
        Status::Healthy,
    ] {
        let counted = model
            .rows
            .everything()
            .filter(|item| model.rows.choice().has_row(item) && item.status == status)
            .count();
        assert_eq!(model.rows.all().status[status as usize], counted, "{status:?}");
    }
    assert!(
        model.marks.iter().all(|about| model.rows.about(about).is_some()),
        "something is marked that is gone"
    );
    assert!(model.runs.iter().all(|run| run.id < model.next_run));
}

struct Session {
    model: Model,
    terminal: Terminal<TestBackend>,
    quit: bool,
}

impl Session {
    fn new(which: u8) -> Self {
        let size = (100, 30);
        let (settings, here) = match which {
            0 => (ui(), place()),
            1 => (read_only(), place()),
            _ => (kubectl_certs::tui::Ui { ascii: true, ..ui() }, manifests()),
        };
        let mut session = Self {
            model: Model::new(settings, here, size, noon()),
            terminal: Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal"),
            quit: false,
        };
        session.take(whole(example().items.clone()));
        session.take(Message::Read { live: true, took_ms: 1 });
        session
    }

    fn take(&mut self, message: Message) {
        if let Message::Resize(width, height) = &message {
            self.terminal.backend_mut().resize(*width, *height);
        }
        let effects = update(&mut self.model, message);
        self.quit |= effects.iter().any(|effect| matches!(effect, Effect::Quit { .. }));
    }

    fn draw(&mut self) {
        frame(&mut self.terminal, &mut self.model).expect("a terminal");
        sound(&self.model);
    }

    fn press(&mut self, word: &str) {
        if let Some(message) = message(&Happens::Key(word.to_owned()), &self.model) {
            self.take(message);
        }
    }
}

/// Each case draws some sixty frames.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_it_and_esc_and_q_lead_out(which in 0..3_u8, all in prop::collection::vec(happens(), 1..120)) {
        let mut session = Session::new(which);
        for happens in &all {
            let Some(message) = message(happens, &session.model) else { continue };
            session.take(message);
            session.draw();
            if session.quit {
                session = Session::new(which);
            }
        }
        // Each Esc closes a window or leaves a text; the rest is for what asks once more.
        let windows = session.model.popups.len();
        for _ in 0..windows + 10 {
            // A question that nobody can have read yet takes no answer.
            if let Some(later) = message(&Happens::Later(500), &session.model) {
                session.take(later);
            }
            session.press("esc");
            session.draw();
        }
        prop_assert!(session.model.popups.is_empty() && session.model.prompt.is_none());
        prop_assert_eq!(session.model.view, View::Hosts);
        session.press("q");
        session.draw();
        if !session.quit {
            session.press("y");
        }
        prop_assert!(session.quit, "q does not lead out");
    }
}
