//! Completion as somebody at a prompt sees it: bash with bash-completion, zsh with compinit and fish, each in a terminal, ask a cluster.

use std::path::Path;

use super::{program, tab::Slow};
use crate::support::terminal::Terminal;

/// A shell that reads the printed script when it starts, as its user's own files would have it.
struct Prompt {
    terminal: Terminal,
    /// The keys that end a list, empty the line and clear the screen.
    clears: &'static [&'static str],
    _dir: tempfile::TempDir,
    _cluster: Slow,
}

impl Prompt {
    /// `file` is what the shell reads, `text` what stands in it, and `line` what starts it.
    #[track_caller]
    fn open(clears: &'static [&'static str], file: &str, text: &str, line: impl Fn(&Path) -> String) -> Self {
        let cluster = Slow::new();
        cluster.wake(true);
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink(program(), dir.path().join("kubectl-certs")).expect("a link");
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
        std::fs::write(&path, text).expect("a file");
        let home = dir.path().display();
        let line = format!(
            // bash writes its prompt to standard error.
            "(exec env -i PATH={home}:/usr/bin:/bin HOME={home} TERM=tmux LANG=C.UTF-8 XDG_CACHE_HOME={home}/cache XDG_CONFIG_HOME={home} \
             KUBECONFIG={} {} 2>/dev/tty)",
            cluster.kubeconfig().display(),
            line(dir.path())
        );
        let terminal = Terminal::run(100, 20, &line);
        terminal.shows(&["ready>"]);
        Self {
            terminal,
            clears,
            _dir: dir,
            _cluster: cluster,
        }
    }

    fn bash() -> Self {
        let text = "source /usr/share/bash-completion/bash_completion || echo tests/run installs it\n\
                    source <(kubectl-certs completion bash)\nPS1='ready> '\n";
        Self::open(&["C-u", "C-l"], "bashrc", text, |dir| {
            format!("bash --noprofile --rcfile {}/bashrc -i", dir.display())
        })
    }

    fn zsh() -> Self {
        let text = "autoload -Uz compinit && compinit -u\nsource <(kubectl-certs completion zsh)\nPS1='ready> '\n";
        Self::open(&["C-g", "C-u", "C-l"], ".zshrc", text, |dir| {
            format!("ZDOTDIR={} zsh -i", dir.display())
        })
    }

    fn fish() -> Self {
        let text = "set -g fish_greeting\nkubectl-certs completion fish | source\nfunction fish_prompt\n  echo -n 'ready> '\nend\n";
        Self::open(&["C-c", "C-u", "C-l"], "fish/config.fish", text, |_| {
            "fish -i".to_owned()
        })
    }

    /// Types a line, presses TAB so often, and waits for `words`. Leaves an empty line.
    #[track_caller]
    fn completes(&self, line: &str, tabs: usize, words: &[&str]) -> String {
        self.terminal.type_text(line);
        self.terminal.shows(&[line.trim_end()]);
        self.terminal.press(&vec!["Tab"; tabs]);
        let screen = self.terminal.shows(words);
        assert!(!screen.contains("error") && !screen.contains("not found"), "{screen}");
        self.terminal.press(self.clears);
        self.terminal
            .until("an empty prompt", |screen| screen.trim_end() == "ready>");
        screen
    }

    /// What each shell must show.
    #[track_caller]
    fn names_are_seen(&self) {
        // What is listed, and what one letter is completed to.
        self.completes("kubectl-certs renew ", 2, &["web", "secret/shop-tls"]);
        self.completes("kubectl-certs renew w", 1, &["renew web"]);
        self.completes("kubectl-certs renew secret sh", 1, &["renew secret shop-tls"]);
        self.completes("kubectl-certs status -n s", 1, &["status -n shop"]);
        self.completes("kubectl-certs rene", 1, &["kubectl-certs renew"]);
        self.completes("kubectl-certs renew --produ", 1, &["renew --production"]);
    }
}

#[test]
fn bash_shows_the_names_of_the_cluster() {
    Prompt::bash().names_are_seen();
}

#[test]
fn zsh_shows_the_names_of_the_cluster_and_their_states() {
    let prompt = Prompt::zsh();
    prompt.names_are_seen();
    prompt.completes("kubectl-certs renew ", 2, &["-- critical"]);
}

#[test]
fn fish_shows_the_names_of_the_cluster_and_their_states() {
    let prompt = Prompt::fish();
    prompt.names_are_seen();
    prompt.completes("kubectl-certs renew ", 2, &["(critical)"]);
}
