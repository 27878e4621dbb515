//! Shows an issuance as it happens: on a terminal one line a certificate, written over; elsewhere a line an event; as JSON
//! on standard output where it is asked for.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::{
    clock,
    event::{Event, EventKind, Listen},
    object::Key,
    report::progress,
    text::{Clear, time, width},
};

use super::{colour, locale::shown, whom};

/// Between two looks at the clock.
const SECOND: Duration = Duration::from_secs(1);

/// How events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// One JSON line an event, on standard output.
    Json,
    /// One line an event, on standard error.
    Plain,
    /// One line for each certificate at work, written over; what has ended stays above.
    Live,
}

/// What a terminal shows.
#[derive(Debug, Default)]
struct Screen {
    /// The certificates at work, with their stage and when they began.
    active: BTreeMap<Option<Key>, (String, Instant)>,
    /// How many lines are written over.
    lines: usize,
}

/// Listens to a run and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    mode: Mode,
    screen: Mutex<Screen>,
}

/// The lines that are written over now, where there are any.
static LIVE: Mutex<Weak<Progress>> = Mutex::new(Weak::new());

/// Puts a line above those that are written over, where there are any: below them the next event would take a part of it away.
/// `false` where there are none.
pub(super) fn above(line: &str) -> bool {
    let writing = LIVE.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
    let Some(progress) = writing else { return false };
    let mut screen = progress.screen.lock().unwrap_or_else(PoisonError::into_inner);
    if screen.lines == 0 {
        return false;
    }
    let text = screen.redraw(&[line.to_owned()]);
    std::io::stderr().lock().write_all(shown(&text).as_bytes()).is_ok()
}

impl Progress {
    /// As `json` asks for, else as standard error is.
    pub(super) fn new(json: bool) -> Arc<Self> {
        let live = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let mode = match (json, live) {
            (true, _) => Mode::Json,
            (false, true) => Mode::Live,
            (false, false) => Mode::Plain,
        };
        let progress = Arc::new(Self {
            mode,
            screen: Mutex::default(),
        });
        if mode == Mode::Live {
            let weak = Arc::downgrade(&progress);
            LIVE.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&weak);
            // The times in the lines go on though nothing happens.
            std::thread::spawn(move || {
                loop {
                    std::thread::sleep(SECOND);
                    let Some(progress) = weak.upgrade() else { break };
                    progress.tick();
                }
            });
        }
        progress
    }

    fn tick(&self) {
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        if !screen.active.is_empty() {
            let text = screen.redraw(&[]);
            let _ = std::io::stderr().lock().write_all(shown(&text).as_bytes());
        }
    }

    /// Takes the lines that are written over away, so that other text can follow.
    pub(super) fn end(&self) {
        if self.mode != Mode::Live {
            return;
        }
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        screen.active.clear();
        let text = screen.redraw(&[]);
        let _ = std::io::stderr().lock().write_all(shown(&text).as_bytes());
    }
}

impl Screen {
    /// The bytes that put `ended` above the lines of what is at work.
    fn redraw(&mut self, ended: &[String]) -> String {
        let room = colour::stderr_width().unwrap_or(80).max(20);
        let mut out = String::new();
        if self.lines > 0 {
            let _ = write!(out, "\x1b[{}A", self.lines);
        }
        out.push_str("\r\x1b[J");
        for line in ended {
            out.push_str(line);
            out.push('\n');
        }
        // What is higher than the terminal cannot be written over.
        let most = colour::stderr_height().unwrap_or(24).saturating_sub(2).max(1);
        let more = self.active.len().saturating_sub(most);
        let shown = self.active.len() - more;
        for (secret, (stage, began)) in self.active.iter().take(shown) {
            let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let line = format!("{}  {stage} ({})", subject(secret.as_ref()), progress::duration(ms));
            // As it will be shown: an arrow of ASCII is wider.
            out.push_str(&width::cut(&super::locale::shown(&line), room - 1));
            out.push('\n');
        }
        if more > 0 {
            let _ = writeln!(out, "and {more} more");
        }
        self.lines = shown + usize::from(more > 0);
        out
    }
}

fn subject(secret: Option<&Key>) -> String {
    secret.map_or_else(String::new, |key| Clear(&key.to_string()).to_string())
}

impl Listen for Progress {
    fn hear(&self, event: &Event) {
        let event = &whom::completed_event(event);
        match self.mode {
            Mode::Json => {
                let since = clock::since_epoch();
                let seconds = time::date_time(clock::seconds(since));
                // Steps are milliseconds apart.
                let at = format!("{}.{:03}Z", seconds.trim_end_matches('Z'), since.subsec_millis());
                let _ = writeln!(std::io::stdout().lock(), "{}", progress::json(event, &at));
            }
            Mode::Plain => {
                let line = progress::line(&event.kind);
                let line = shown(&line);
                let mut err = std::io::stderr().lock();
                let _ = match &event.secret {
                    Some(_) => writeln!(err, "{}: {line}", subject(event.secret.as_ref())),
                    None => writeln!(err, "{line}"),
                };
            }
            Mode::Live => {
                let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
                let mut ended = Vec::new();
                let told = match &event.secret {
                    Some(_) => format!("{}: {}", subject(event.secret.as_ref()), progress::line(&event.kind)),
                    None => progress::line(&event.kind),
                };
                match &event.kind {
                    EventKind::Done
                    | EventKind::LeftOut { .. }
                    | EventKind::NotStarted { .. }
                    | EventKind::Failed { .. } => {
                        screen.active.remove(&event.secret);
                        ended.push(told);
                    }
                    EventKind::Note { .. }
                    | EventKind::ReplacesRefused { .. }
                    | EventKind::Served { .. }
                    | EventKind::Restarted { .. }
                    | EventKind::Stored { .. }
                    | EventKind::Issued { .. }
                    | EventKind::ChallengeFailed { .. } => ended.push(told),
                    _ => {}
                }
                let going = event.kind.ends().is_none();
                if let Some(stage) = progress::stage(&event.kind).filter(|_| going && event.secret.is_some()) {
                    screen
                        .active
                        .entry(event.secret.clone())
                        .or_insert_with(|| (String::new(), Instant::now()))
                        .0 = stage;
                }
                let text = screen.redraw(&ended);
                let _ = std::io::stderr().lock().write_all(shown(&text).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_lines_are_written_over_than_a_terminal_has() {
        let mut screen = Screen::default();
        for number in 0..100 {
            let key = Key::new("shop", format!("{number:02}-tls").as_str());
            screen.active.insert(Some(key), ("ordered".to_owned(), Instant::now()));
        }
        let text = screen.redraw(&["one has ended".to_owned()]);
        assert!(text.starts_with("\r\x1b[Jone has ended\n"), "{text:?}");
        // Tests have no terminal, or one that somebody has sized.
        let most = colour::stderr_height().unwrap_or(24).max(3);
        assert_eq!(text.lines().count() - 1, screen.lines);
        assert!(screen.lines < most, "{} lines", screen.lines);
        assert!(text.contains(" more\n"), "{text:?}");
        assert!(screen.redraw(&[]).starts_with(&format!("\x1b[{}A", screen.lines)));
    }

    #[test]
    fn what_is_said_meanwhile_stands_whole_above_the_lines_that_are_written_over() {
        let mut screen = Screen::default();
        let at_work = (Some(Key::new("shop", "tls")), ("ordered".to_owned(), Instant::now()));
        screen.active.extend([at_work]);
        screen.redraw(&[]);
        let long = "interrupted: cleaning up; Ctrl-C again stops at once, and `kubectl certs cleanup` removes the rest";
        // What is written over ends where the message begins, however many lines that takes.
        let text = screen.redraw(&[long.to_owned()]);
        assert!(
            text.starts_with(&format!("\x1b[1A\r\x1b[J{long}\nshop/tls  ordered")),
            "{text:?}"
        );
        assert!(
            screen.redraw(&[]).starts_with("\x1b[1A\r\x1b[J"),
            "and only the line of the certificate after it"
        );

        let progress = Arc::new(Progress {
            mode: Mode::Live,
            screen: Mutex::new(screen),
        });
        LIVE.lock().unwrap().clone_from(&Arc::downgrade(&progress));
        assert!(above(long));
        progress.end();
        assert!(!above(long), "nothing is written over any more");
    }
}
