//! A person at a terminal: keys go into the real loop, frames come out of it, effects are kept.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use futures_util::Stream;
use kubectl_certs::{
    object::Seconds,
    text::clear::is_unsafe,
    tui::{
        Effect, Message, Model, Ui,
        item::Item,
        message::{Signal, SourceInfo},
        run::{Input, Outside, frame, run},
    },
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    style::Modifier,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use unicode_width::UnicodeWidthStr as _;

use super::example::{example, noon};

/// The loop draws no more than 30 frames a second: with more keys it would wait, and so would the test.
const TOGETHER: usize = 20;

/// What a script has happen next.
enum Act {
    Comes(Input),
    Tell(Box<Message>),
}

/// The inputs of one run of the loop. A message is sent when its turn comes, and drawn before the next input.
struct Script {
    acts: VecDeque<Act>,
    messages: UnboundedSender<Message>,
    told: bool,
    /// Whether the loop has asked for more than there is.
    over: bool,
}

impl Stream for Script {
    type Item = Input;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Input>> {
        if std::mem::take(&mut self.told) {
            // What was told has been taken by now; an input that means nothing has it drawn at once.
            return Poll::Ready(Some(Input::Terminal(Event::FocusGained)));
        }
        match self.acts.pop_front() {
            None => {
                self.over = true;
                Poll::Ready(None)
            }
            Some(Act::Comes(input)) => Poll::Ready(Some(input)),
            Some(Act::Tell(message)) => {
                self.messages.send(*message).expect("the loop listens");
                self.told = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Keeps what the model wants done; its clock stands still until it is moved.
struct Recorder {
    effects: Vec<Effect>,
    now: Seconds,
    ms: u64,
    suspended: usize,
}

impl Outside for Recorder {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.suspended += 1;
        Ok(())
    }

    fn clock(&self) -> (Seconds, u64) {
        (self.now, self.ms)
    }
}

/// The terminal, the program, and who sits before it.
pub(super) struct Desk {
    pub(super) model: Model,
    terminal: Terminal<TestBackend>,
    outside: Recorder,
    /// Whether the program has ended, and what asked it to from outside.
    #[allow(clippy::option_option)]
    pub(super) ended: Option<Option<Signal>>,
}

/// Where the example would come from, were it a cluster.
pub(super) fn place() -> SourceInfo {
    SourceInfo {
        context: "prod-eu".to_owned(),
        cluster: "larkspur-eu-1".to_owned(),
        user: "ada".to_owned(),
        namespaces: Vec::new(),
        manifests: None,
        contexts: vec!["prod-eu".to_owned(), "prod-us".to_owned(), "staging".to_owned()],
        flags: vec!["--context".to_owned(), "prod-eu".to_owned()],
        ..SourceInfo::default()
    }
}

/// The settings as they are when nobody has any.
pub(super) fn ui() -> Ui {
    Ui {
        staging: "letsencrypt-staging".to_owned(),
        production: "letsencrypt".to_owned(),
        ..Ui::default()
    }
}

/// All rows at once.
pub(super) fn whole(items: Vec<Item>) -> Message {
    Message::Rows {
        whole: true,
        set: items,
        gone: Vec::new(),
    }
}

impl Desk {
    /// Before anything has been read.
    pub(super) fn dark(size: (u16, u16), ui: Ui, place: SourceInfo) -> Self {
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
        let mut desk = Self {
            model: Model::new(ui, place, size, noon()),
            terminal,
            outside: Recorder {
                effects: Vec::new(),
                now: noon(),
                ms: 1_000,
                suspended: 0,
            },
            ended: None,
        };
        desk.play(VecDeque::new());
        desk
    }

    /// With the example, live, as settings and a place have it.
    pub(super) fn with(size: (u16, u16), ui: Ui, place: SourceInfo) -> Self {
        let live = place.manifests.is_none();
        let mut desk = Self::dark(size, ui, place);
        desk.tell([whole(example().items.clone()), Message::Read { live, took_ms: 140 }]);
        desk
    }

    /// With the example, live.
    pub(super) fn new(size: (u16, u16)) -> Self {
        Self::with(size, ui(), place())
    }

    /// Of a usual size.
    pub(super) fn usual() -> Self {
        Self::new((120, 40))
    }

    /// Runs the loop over the acts, to their end or the program's.
    fn play(&mut self, acts: VecDeque<Act>) {
        let (messages, mut received) = unbounded_channel();
        let mut script = Script {
            acts,
            messages,
            told: false,
            over: false,
        };
        let loops = async {
            run(
                &mut self.terminal,
                &mut self.model,
                &mut script,
                &mut received,
                &mut self.outside,
            )
            .await
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let by = runtime
            .expect("a runtime")
            .block_on(loops)
            .expect("a terminal that is there");
        // A script that is at its end looks as if the terminal were gone.
        if !script.over {
            self.ended = Some(by);
        }
        self.answer();
        self.harmless();
    }

    fn act(&mut self, acts: impl IntoIterator<Item = Act>) -> &mut Self {
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        while !acts.is_empty() && self.ended.is_none() {
            let rest = acts.split_off(acts.len().min(TOGETHER));
            self.play(std::mem::replace(&mut acts, rest));
        }
        self
    }

    /// Answers at once what the reader answers at once: pictures.
    fn answer(&mut self) {
        let wanted = self.outside.effects.iter().rev().find_map(|effect| match effect {
            Effect::Picture { of, width } => Some((of.clone(), *width)),
            _ => None,
        });
        let missing = self.model.detail.as_ref().is_some_and(|detail| {
            detail.lines.is_none() || wanted.as_ref().is_some_and(|(_, width)| *width != detail.width)
        });
        if let (Some((of, width)), true, None) = (wanted, missing, self.ended) {
            let lines = Ok(example().picture(&of, width));
            self.tell([Message::Picture { of, width, lines }]);
        }
    }

    /// Presses keys, as the keymap spells them, with spaces between.
    pub(super) fn press(&mut self, keys: &str) -> &mut Self {
        let keys: Vec<Act> = keys
            .split_whitespace()
            .map(|word| Act::Comes(Input::Terminal(key(word))))
            .collect();
        self.act(keys)
    }

    /// Types text, letter by letter.
    pub(super) fn write(&mut self, text: &str) -> &mut Self {
        let keys: Vec<Act> = text
            .chars()
            .map(|c| {
                Act::Comes(Input::Terminal(Event::Key(KeyEvent::new(
                    KeyCode::Char(c),
                    KeyModifiers::NONE,
                ))))
            })
            .collect();
        self.act(keys)
    }

    /// `:`, a command, and Enter.
    pub(super) fn command(&mut self, command: &str) -> &mut Self {
        self.press(":").write(command).press("enter")
    }

    /// Tells the model something, as the reader and the runs do.
    pub(super) fn tell(&mut self, messages: impl IntoIterator<Item = Message>) -> &mut Self {
        self.act(messages.into_iter().map(|message| Act::Tell(Box::new(message))))
    }

    /// Something comes from outside that is no key.
    pub(super) fn comes(&mut self, input: Input) -> &mut Self {
        self.act([Act::Comes(input)])
    }

    /// A click of the left button.
    pub(super) fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row)
    }

    pub(super) fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> &mut Self {
        let event = MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        self.act([Act::Comes(Input::Terminal(Event::Mouse(event)))])
    }

    /// A click where a text stands.
    #[track_caller]
    pub(super) fn click_on(&mut self, text: &str) -> &mut Self {
        let (x, y) = self.find(text);
        self.click(x, y)
    }

    /// Time passes.
    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        self.outside.ms += ms;
        self.outside.now += Seconds::try_from(ms / 1_000).expect("not for ever");
        self.comes(Input::Terminal(Event::FocusGained))
    }

    /// The terminal becomes another size, and says so.
    pub(super) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.comes(Input::Terminal(Event::Resize(width, height)))
    }

    /// The terminal becomes another size, and something is drawn before the program hears of it.
    pub(super) fn resize_unheard(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        frame(&mut self.terminal, &mut self.model).expect("a terminal");
        self
    }

    /// What the model wanted done since this was asked last. Pictures are answered by themselves, and left out.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        let effects = std::mem::take(&mut self.outside.effects);
        effects
            .into_iter()
            .filter(|effect| !matches!(effect, Effect::Picture { .. }))
            .collect()
    }

    pub(super) fn suspended(&self) -> usize {
        self.outside.suspended
    }

    pub(super) fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    pub(super) fn size(&self) -> (u16, u16) {
        (self.buffer().area.width, self.buffer().area.height)
    }

    /// A line of the screen, without what is empty at its end.
    pub(super) fn line(&self, y: u16) -> String {
        let mut text = String::new();
        let mut skip = 0;
        for x in 0..self.buffer().area.width {
            let cell = &self.buffer()[(x, y)];
            if skip > 0 {
                skip -= 1;
                continue;
            }
            text.push_str(cell.symbol());
            skip = cell.symbol().width().saturating_sub(1);
        }
        text.trim_end().to_owned()
    }

    /// The whole screen.
    pub(super) fn screen(&self) -> String {
        let lines: Vec<String> = (0..self.buffer().area.height).map(|y| self.line(y)).collect();
        lines.join("\n")
    }

    /// Where a text stands first.
    #[track_caller]
    pub(super) fn find(&self, text: &str) -> (u16, u16) {
        let (width, height) = self.size();
        for y in 0..height {
            for x in 0..width {
                let mut rest = text;
                let mut at = x;
                while !rest.is_empty() && at < width {
                    match rest.strip_prefix(self.buffer()[(at, y)].symbol()) {
                        Some(shorter) => (rest, at) = (shorter, at + 1),
                        None => break,
                    }
                }
                if rest.is_empty() {
                    return (x, y);
                }
            }
        }
        panic!("{text:?} is not on the screen:\n{}", self.screen());
    }

    /// The cell in which a text begins.
    #[track_caller]
    pub(super) fn cell(&self, text: &str) -> &Cell {
        &self.buffer()[self.find(text)]
    }

    #[track_caller]
    pub(super) fn shows(&mut self, text: &str) -> &mut Self {
        assert!(
            self.screen().contains(text),
            "{text:?} is not on the screen:\n{}",
            self.screen()
        );
        self
    }

    #[track_caller]
    pub(super) fn hides(&mut self, text: &str) -> &mut Self {
        assert!(
            !self.screen().contains(text),
            "{text:?} is on the screen:\n{}",
            self.screen()
        );
        self
    }

    /// The line that is turned around: where the cursor is.
    #[track_caller]
    pub(super) fn selected(&self) -> String {
        let (width, height) = self.size();
        let turned = |y: &u16| {
            let cells = (0..width).filter(|x| self.buffer()[(*x, *y)].modifier.contains(Modifier::REVERSED));
            // Badges and tabs are turned around too, but not at the left edge of the table.
            *y >= 2 && *y < height - 2 && cells.count() > usize::from(width) / 4
        };
        (0..height)
            .find(turned)
            .map_or_else(|| panic!("no line is selected:\n{}", self.screen()), |y| self.line(y))
    }

    /// Nothing on the screen moves a cursor, rings, or turns the direction of writing around.
    #[track_caller]
    fn harmless(&self) {
        for cell in &self.buffer().content {
            let bad = cell.symbol().chars().find(|c| is_unsafe(*c));
            assert_eq!(bad, None, "in {:?} of\n{}", cell.symbol(), self.screen());
        }
    }
}

/// A key as the keymap spells it: `j`, `G`, `ctrl-r`, `enter`, `space`.
pub(super) fn key(word: &str) -> Event {
    let (modifiers, rest) = match word.split_once('-') {
        Some(("ctrl", rest)) if !rest.is_empty() => (KeyModifiers::CONTROL, rest),
        Some(("alt", rest)) if !rest.is_empty() => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, word),
    };
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        one => {
            let mut letters = one.chars();
            match (letters.next(), letters.next()) {
                (Some(c), None) => KeyCode::Char(c),
                _ => panic!("{one:?} is no key"),
            }
        }
    };
    Event::Key(KeyEvent::new(code, modifiers))
}
