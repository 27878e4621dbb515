//! What Pebble's log tells of the time that it took. The log itself counts seconds, so each line is stamped as it comes.

use std::{
    io::Read as _,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::pebble::Pebble;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// Follows a log.
pub(crate) struct PebbleLog {
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
    over: Arc<AtomicBool>,
}

impl PebbleLog {
    pub(crate) fn follow(pebble: &Pebble) -> Self {
        let path: PathBuf = pebble.ca_file().with_file_name("pebble.log");
        let (lines, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let this = Self {
            lines: Arc::clone(&lines),
            over: Arc::clone(&over),
        };
        std::thread::spawn(move || {
            let mut file = std::fs::File::open(path).unwrap();
            let mut rest = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let _ = file.read_to_end(&mut rest);
                let now = Instant::now();
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    lines
                        .lock()
                        .unwrap()
                        .push((now, String::from_utf8_lossy(&line).into_owned()));
                }
                std::thread::sleep(LOOK);
            }
        });
        this
    }

    /// Where to look from.
    pub(crate) fn mark(&self) -> usize {
        // what was logged just now is to be read first
        std::thread::sleep(LOOK * 5);
        self.lines.lock().unwrap().len()
    }

    /// How long a client of one order was held back since the mark: from the challenge's POST to the verdict, and from the
    /// order's finalization to the certificate.
    pub(crate) fn held(&self, mark: usize) -> Duration {
        std::thread::sleep(LOOK * 5);
        let lines = self.lines.lock().unwrap();
        let (mut held, mut since) = (Duration::ZERO, None);
        for (at, line) in &lines[mark..] {
            if line.contains("POST /chalZ/") || line.contains("POST /finalize-order/") {
                since = Some(*at);
            } else if line.contains(" set VALID by ") || line.contains("Issued certificate serial") {
                held += since.take().map_or(Duration::ZERO, |since| *at - since);
            }
        }
        assert!(!held.is_zero(), "Pebble's log tells of no order");
        held
    }
}

impl Drop for PebbleLog {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
