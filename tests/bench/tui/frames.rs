//! Frames without a terminal: the real loop, drawn on a buffer.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::stream;
use kubectl_certs::tui::{
    self, Effect, Message, Model, Ui,
    message::SourceInfo,
    run::{Input, Outside},
};
use ratatui::{
    Terminal,
    backend::{Backend, ClearType, TestBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};
use tokio::sync::mpsc;

use super::{Result, rows::Maker, say};

const SIZE: (u16, u16) = (200, 50);

/// What was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frames {
    pub(crate) rows: usize,
    /// Drawing a frame: the 99th percentile.
    pub(crate) draw: Duration,
    /// From a key press to its frame, while changes arrive: the 99th percentile.
    pub(crate) key: Duration,
    /// A key of a filter, from the press to what is chosen and drawn: the longest.
    pub(crate) filter: Duration,
}

fn model(maker: &Maker, rows: usize) -> Model {
    let mut model = Model::new(Ui::default(), SourceInfo::default(), SIZE, maker.now);
    let set = (0..rows).map(|number| maker.item(number, 0)).collect();
    tui::update(
        &mut model,
        Message::Rows {
            whole: true,
            set,
            gone: Vec::new(),
        },
    );
    tui::update(&mut model, Message::Read { live: true, took_ms: 1 });
    model
}

/// Measures all of it.
pub(crate) async fn all(rows: usize, smoke: bool) -> Result<Frames> {
    let maker = Maker::new()?;
    say(&format!("drawing {rows} rows"));
    let times = if smoke { 20 } else { 1_000 };
    let mut frames = Frames {
        rows,
        draw: draw(&maker, rows, times)?,
        filter: filter(&maker, rows)?,
        ..Frames::default()
    };
    frames.key = keys(Arc::new(maker), rows, if smoke { 10 } else { 300 }).await?;
    Ok(frames)
}

fn press(code: KeyCode) -> Message {
    Message::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn percentile(mut taken: Vec<Duration>, percent: usize) -> Duration {
    taken.sort_unstable();
    let at = (taken.len() * percent).div_ceil(100).saturating_sub(1);
    taken.get(at).copied().unwrap_or_default()
}

/// Frames while one pages through everything, in the views that gather it too.
fn draw(maker: &Maker, rows: usize, times: usize) -> Result<Duration> {
    let mut model = model(maker, rows);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1))?;
    let mut taken = Vec::new();
    for turn in 0..times {
        let code = match turn % 4 {
            0 => KeyCode::PageDown,
            1 => KeyCode::Down,
            2 => KeyCode::End,
            _ => KeyCode::Up,
        };
        tui::update(&mut model, press(code));
        let began = Instant::now();
        tui::run::frame(&mut terminal, &mut model)?;
        taken.push(began.elapsed());
    }
    Ok(percentile(taken, 99))
}

/// A filter as one types it.
fn filter(maker: &Maker, rows: usize) -> Result<Duration> {
    let mut model = model(maker, rows);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1))?;
    let mut longest = Duration::default();
    for text in ["web-12 team-007", "!healthy", "-f wtx", "zzz", "expired"] {
        for letter in std::iter::once('/').chain(text.chars()) {
            let began = Instant::now();
            tui::update(&mut model, press(KeyCode::Char(letter)));
            tui::run::frame(&mut terminal, &mut model)?;
            longest = longest.max(began.elapsed());
        }
        let began = Instant::now();
        tui::update(&mut model, press(KeyCode::Esc));
        tui::run::frame(&mut terminal, &mut model)?;
        longest = longest.max(began.elapsed());
    }
    Ok(longest)
}

/// A backend that notes whether the first line of the table is a critical one, and when that was drawn.
struct Watched {
    inner: TestBackend,
    seen: Arc<Mutex<(bool, Instant)>>,
}

impl Backend for Watched {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content).map_err(|error| match error {})
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor().map_err(|error| match error {})
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor().map_err(|error| match error {})
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position().map_err(|error| match error {})
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position).map_err(|error| match error {})
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear().map_err(|error| match error {})
    }

    fn clear_region(&mut self, kind: ClearType) -> io::Result<()> {
        self.inner.clear_region(kind).map_err(|error| match error {})
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size().map_err(|error| match error {})
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size().map_err(|error| match error {})
    }

    fn flush(&mut self) -> io::Result<()> {
        let critical = self
            .inner
            .buffer()
            .cell((2, 4))
            .is_some_and(|cell| cell.symbol() == "✗");
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (critical, Instant::now());
        self.inner.flush().map_err(|error| match error {})
    }
}

/// Nobody outside.
struct Nobody {
    started: Instant,
    now: i64,
}

impl Outside for Nobody {
    fn effect(&mut self, _: Effect) {}

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn clock(&self) -> (i64, u64) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or_default();
        (self.now, ms)
    }
}

/// From a key to the frame that shows what it did, while a thousand rows a second change: the last line and the first one are
/// gone to in turn.
async fn keys(maker: Arc<Maker>, rows: usize, times: usize) -> Result<Duration> {
    let mut model = model(&maker, rows);
    let seen = Arc::new(Mutex::new((true, Instant::now())));
    let backend = Watched {
        inner: TestBackend::new(SIZE.0, SIZE.1),
        seen: Arc::clone(&seen),
    };
    let mut terminal = Terminal::new(backend)?;
    let (key, mut keys) = mpsc::unbounded_channel::<KeyCode>();
    let (tell, mut messages) = mpsc::unbounded_channel();
    let now = maker.now;
    let changing = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        for turn in 0_usize.. {
            every.tick().await;
            // Healthy ones, so that the first line stays what it is.
            let set = (0..10).map(|n| maker.item((turn * 7_919 + n * 104_729 + 1) % rows / 20 * 20 + 1 + n, turn + 1));
            let message = Message::Rows {
                whole: false,
                set: set.collect(),
                gone: Vec::new(),
            };
            if tell.send(message).is_err() {
                return;
            }
        }
    });
    let pressing = tokio::task::spawn_blocking(move || -> std::result::Result<Vec<Duration>, String> {
        let mut taken = Vec::new();
        std::thread::sleep(Duration::from_millis(300));
        for turn in 0..times {
            let (code, critical) = if turn % 2 == 0 {
                (KeyCode::End, false)
            } else {
                (KeyCode::Home, true)
            };
            let pressed = Instant::now();
            key.send(code).map_err(|_| "the loop has ended".to_owned())?;
            loop {
                let (shown, at) = *seen.lock().unwrap_or_else(PoisonError::into_inner);
                if shown == critical && at > pressed {
                    taken.push(at - pressed);
                    break;
                }
                if pressed.elapsed() > Duration::from_secs(5) {
                    return Err(format!("key {turn} is not seen"));
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            // As fast as a person who holds a key down, and at no fixed place between two frames.
            std::thread::sleep(Duration::from_millis(43 + (turn as u64 * 17) % 29));
        }
        let _ = key.send(KeyCode::Char('q'));
        Ok(taken)
    });
    let mut inputs = Box::pin(stream::poll_fn(move |cx| {
        keys.poll_recv(cx)
            .map(|key| key.map(|code| Input::Terminal(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))))
    }));
    let mut outside = Nobody {
        started: Instant::now(),
        now,
    };
    tui::run::run(&mut terminal, &mut model, &mut inputs, &mut messages, &mut outside).await?;
    changing.abort();
    Ok(percentile(pressing.await??, 99))
}
