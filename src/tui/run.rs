//! The loop: messages in, effects out, a frame when something has changed.
//!
//! It knows no terminal: tests run the same loop with a backend that is a buffer, and with keys from a list.

use std::{collections::VecDeque, io, time::Duration};

use crossterm::event::{Event, MouseEventKind};
use futures_util::{Stream, StreamExt as _};
use ratatui::{Terminal, backend::Backend};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};

use super::{
    effect::Effect,
    message::{Message, Signal},
    model::{Hits, Model, Reading},
    update::{picture::follow_cursor, update},
    view,
};
use crate::object::Seconds;

/// No more frames than this in a second.
const FRAMES: usize = 30;
/// What changes by itself is drawn less often than what somebody waits for.
const BETWEEN: Duration = Duration::from_millis(66);
/// How many messages are taken before the next frame.
const TOGETHER: usize = 256;

/// What comes from outside besides messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Keys, the mouse, a new size.
    Terminal(Event),
    /// The process is to end. A terminal that is gone is a [`Signal::HangUp`] too.
    Terminate(Signal),
    /// The process is to stop for a while (SIGTSTP).
    Suspend,
}

/// What the loop asks of whoever runs it.
pub trait Outside {
    /// Does what the model wants done. It must not block.
    fn effect(&mut self, effect: Effect);
    /// Stops the process until it is continued, with the terminal as it was before.
    fn suspend(&mut self) -> io::Result<()>;
    /// The clock, and milliseconds since the program started.
    fn clock(&self) -> (Seconds, u64);
}

/// When the next frame may be drawn.
#[derive(Debug, Default)]
struct Pace {
    drawn: VecDeque<Instant>,
}

impl Pace {
    /// The moment from which a frame may be drawn; `urgent` when somebody waits for it.
    fn next(&self, urgent: bool) -> Option<Instant> {
        let by_second = (self.drawn.len() >= FRAMES)
            .then(|| self.drawn.front().map(|first| *first + Duration::from_secs(1)))
            .flatten();
        let by_last = self.drawn.back().filter(|_| !urgent).map(|last| *last + BETWEEN);
        by_second.max(by_last)
    }

    fn drew(&mut self, at: Instant) {
        if self.drawn.len() >= FRAMES {
            self.drawn.pop_front();
        }
        self.drawn.push_back(at);
    }
}

/// Draws one frame.
pub fn frame<B: Backend>(terminal: &mut Terminal<B>, model: &mut Model) -> Result<(), B::Error> {
    view::prepare(model);
    let mut hits = Hits::default();
    terminal.draw(|frame| view::draw(model, frame, &mut hits))?;
    model.hits = hits;
    Ok(())
}

/// How long nothing on the screen changes by time alone.
fn quiet(model: &Model) -> Duration {
    let seconds = model.active().next().is_some()
        || model.notice.is_some()
        || !model.changed.is_empty()
        || model.lost.is_some()
        || matches!(model.reading, Reading::Going { .. });
    if seconds {
        return Duration::from_millis(500);
    }
    // An age of less than ten minutes is counted in seconds.
    let now = model.now();
    let soon = (model.cursor().top..model.lines().min(model.cursor().top + usize::from(model.size.1)))
        .filter_map(|line| {
            model
                .rows
                .get(line)?
                .certificate
                .as_ref()
                .map(|c| c.not_after.saturating_sub(now).abs())
        })
        .any(|left| left < 600);
    if soon {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(30)
    }
}

/// Runs until the model quits. Returns what asked it to from outside, if anything did.
///
/// Errors are those of the backend: the terminal is gone.
pub async fn run<B: Backend>(
    terminal: &mut Terminal<B>,
    model: &mut Model,
    inputs: &mut (impl Stream<Item = Input> + Unpin),
    messages: &mut UnboundedReceiver<Message>,
    outside: &mut impl Outside,
) -> Result<Option<Signal>, B::Error> {
    let mut pace = Pace::default();
    let mut drawn = None;
    let mut urgent = true;
    let mut batch = Vec::new();
    let mut told = true;
    loop {
        let due = (drawn != Some(model.drawn)).then(|| pace.next(urgent));
        if let Some(from) = due
            && from.is_none_or(|from| from <= Instant::now())
        {
            view::prepare(model);
            // What is shown beside the table is what the cursor is on, whatever moved it.
            for effect in follow_cursor(model) {
                outside.effect(effect);
            }
            frame(terminal, model)?;
            pace.drew(Instant::now());
            drawn = Some(model.drawn);
            urgent = false;
            continue;
        }
        let wake = due.flatten().unwrap_or_else(|| Instant::now() + quiet(model));
        tokio::select! {
            // Keys first: whoever presses one waits.
            biased;
            input = inputs.next() => {
                urgent = true;
                match input {
                    Some(Input::Terminal(event)) => batch.extend(message(event)),
                    Some(Input::Suspend) => {
                        // What cannot be stopped goes on.
                        let _ = outside.suspend();
                        // `Terminal::clear` would ask the terminal where its cursor is, while another thread reads the answer.
                        terminal.backend_mut().clear()?;
                        terminal.swap_buffers();
                        model.drawn += 1;
                    }
                    Some(Input::Terminate(by)) => batch.push(Message::Terminate(by)),
                    None => batch.push(Message::Terminate(Signal::HangUp)),
                }
            }
            () = sleep_until(wake) => {}
            // Once nobody is left who could tell anything, keys still work.
            received = messages.recv_many(&mut batch, TOGETHER), if told => told = received > 0,
        }
        let (now, ms) = outside.clock();
        for message in std::iter::once(Message::Clock { now, ms }).chain(batch.drain(..)) {
            for effect in update(model, message) {
                match effect {
                    Effect::Quit { by } => return Ok(by),
                    effect => outside.effect(effect),
                }
            }
        }
    }
}

/// What a terminal's event tells the model.
fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => {
            let counts = matches!(
                mouse.kind,
                MouseEventKind::Down(_) | MouseEventKind::ScrollUp | MouseEventKind::ScrollDown
            );
            counts.then_some(Message::Mouse(mouse))
        }
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}
