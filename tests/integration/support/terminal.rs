//! A real terminal: tmux, in which the program runs as a person starts it.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use super::{PATIENCE, run::Call};

/// A terminal with the program in it.
pub(crate) struct Terminal {
    socket: PathBuf,
    dir: tempfile::TempDir,
}

impl Terminal {
    /// Starts a program in a terminal of this size. The terminal's settings before and after are kept, and its exit status is
    /// shown when it has ended.
    #[track_caller]
    pub(crate) fn start(width: u16, height: u16, call: &Call) -> Self {
        Self::run(width, height, &call.line())
    }

    /// The same of a line for a shell.
    #[track_caller]
    pub(crate) fn run(width: u16, height: u16, line: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let here = |name: &str| dir.path().join(name).display().to_string();
        let script = format!(
            "stty -a >{before}\n{line} 2>{err}\nstatus=$?\nstty -a >{after}\necho \"ended with $status\"\nexec sleep 600\n",
            before = here("before"),
            after = here("after"),
            err = here("err"),
        );
        std::fs::write(dir.path().join("script"), script).unwrap();
        let this = Self {
            socket: dir.path().join("tmux"),
            dir,
        };
        let (width, height) = (width.to_string(), height.to_string());
        let script = this.dir.path().join("script").display().to_string();
        this.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "t",
            "-x",
            &width,
            "-y",
            &height,
            &format!("exec sh {script}"),
            ";",
            "set-option",
            "-g",
            "set-clipboard",
            "on",
        ]);
        this
    }

    #[track_caller]
    fn tmux(&self, args: &[&str]) -> String {
        let ran = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(args)
            .env("TERM", "xterm-256color")
            .output()
            .expect("tmux is installed");
        assert!(
            ran.status.success(),
            "tmux {args:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    /// What is on the screen.
    #[track_caller]
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "t"])
    }

    /// What is on the screen, with the sequences that colour it.
    #[track_caller]
    pub(crate) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-t", "t"])
    }

    /// Presses keys: as tmux names them, `Enter`, `Escape`, `C-c`, or letters.
    #[track_caller]
    pub(crate) fn press(&self, keys: &[&str]) {
        for key in keys {
            self.tmux(&["send-keys", "-t", "t", key]);
            if *key == "Escape" {
                // Time alone tells Esc and a letter from that letter with Alt.
                std::thread::sleep(Duration::from_millis(150));
            }
        }
    }

    /// Types a text as it stands.
    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "t", "-l", "--", text]);
    }

    /// Pastes a text, as a terminal marks it.
    #[track_caller]
    pub(crate) fn paste(&self, text: &str) {
        self.tmux(&["set-buffer", "-b", "pasted", "--", text]);
        self.tmux(&["paste-buffer", "-p", "-b", "pasted", "-t", "t"]);
    }

    /// Waits until something was copied (OSC 52), and returns it.
    #[track_caller]
    pub(crate) fn copied(&self) -> String {
        super::eventually("something is copied", || {
            let ran = Command::new("tmux")
                .arg("-S")
                .arg(&self.socket)
                .arg("show-buffer")
                .output();
            let ran = ran.expect("tmux is installed");
            let text = String::from_utf8_lossy(&ran.stdout).into_owned();
            if ran.status.success() {
                Ok(text)
            } else {
                Err("nothing is".to_owned())
            }
        })
    }

    /// Waits until the screen is as `right` says. Returns it, and how long that took.
    ///
    /// tmux also shows half of a frame that is still being written: it is looked at again until nothing moves, for a moment.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, right: impl Fn(&str) -> bool) -> (String, Duration) {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if right(&screen) {
                let took = began.elapsed();
                return (self.at_rest(screen, right), took);
            }
            let said = std::fs::read_to_string(self.dir.path().join("err")).unwrap_or_default();
            assert!(
                began.elapsed() < PATIENCE * 2,
                "{what} did not come about:\n{screen}\n{said}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The screen once nothing moves, or a moment later; the last one that is `right`.
    fn at_rest(&self, mut screen: String, right: impl Fn(&str) -> bool) -> String {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(40));
            let next = self.screen();
            if next == screen || !right(&next) {
                break;
            }
            screen = next;
        }
        screen
    }

    /// Waits until all of `words` are on the screen.
    #[track_caller]
    pub(crate) fn shows(&self, words: &[&str]) -> String {
        self.until(&format!("{words:?}"), |screen| {
            words.iter().all(|word| screen.contains(word))
        })
        .0
    }

    /// Waits until one line has all of `words`.
    #[track_caller]
    pub(crate) fn line(&self, words: &[&str]) -> (String, Duration) {
        self.until(&format!("a line with {words:?}"), |screen| {
            screen.lines().any(|line| words.iter().all(|word| line.contains(word)))
        })
    }

    #[track_caller]
    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.tmux(&[
            "resize-window",
            "-t",
            "t",
            "-x",
            &width.to_string(),
            "-y",
            &height.to_string(),
        ]);
    }

    /// The process of the program: the innermost one below the terminal's shell.
    #[track_caller]
    pub(crate) fn program(&self) -> u32 {
        let shell = self.tmux(&["display-message", "-p", "-t", "t", "#{pane_pid}"]);
        let mut pid: u32 = shell.trim().parse().unwrap();
        super::eventually("the program's process", || {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            if let Some(child) = children.split_whitespace().next().and_then(|child| child.parse().ok()) {
                pid = child;
            }
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() == "kubectl-certs" {
                Ok(pid)
            } else {
                Err(format!("{pid} is {name}"))
            }
        })
    }

    /// Sends the program a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.program().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// The terminal's settings as `stty -a` shows them now.
    #[track_caller]
    pub(crate) fn settings(&self) -> String {
        let tty = self.tmux(&["display-message", "-p", "-t", "t", "#{pane_tty}"]);
        let ran = Command::new("stty").args(["-a", "-F", tty.trim()]).output().unwrap();
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    /// Waits for the end. The exit status has to be this one, the terminal's settings those of before, and its own screen is
    /// back. Returns what was said on standard error.
    #[track_caller]
    pub(crate) fn ends_with(&self, status: i32) -> String {
        let screen = self.shows(&["ended with"]);
        let said = std::fs::read_to_string(self.dir.path().join("err")).unwrap_or_default();
        assert!(screen.contains(&format!("ended with {status}\n")), "{screen}\n{said}");
        assert!(!screen.contains("NAMESPACE"), "the alternate screen is left: {screen}");
        // But for its size, which a test may change.
        let read = |name: &str| {
            let said = std::fs::read_to_string(self.dir.path().join(name)).unwrap();
            let fields = said
                .split(';')
                .filter(|field| !field.contains("rows") && !field.contains("columns"));
            fields.collect::<Vec<_>>().join(";")
        };
        assert_eq!(read("before"), read("after"), "the terminal's settings");
        let modes = self.tmux(&[
            "display-message",
            "-p",
            "-t",
            "t",
            "#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
        ]);
        assert_eq!(modes.trim(), "0 0 1", "alternate screen, mouse, cursor");
        said
    }
}

impl Terminal {
    /// Closes the terminal, as a window is closed or a connection breaks, and waits until the program has ended.
    pub(crate) fn close(&self) {
        let pid = self.program();
        self.tmux(&["kill-session", "-t", "t"]);
        super::eventually("the program has ended", || {
            if std::path::Path::new(&format!("/proc/{pid}")).exists() {
                Err(format!("process {pid} is there"))
            } else {
                Ok(())
            }
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .arg("kill-server")
            .output();
    }
}
