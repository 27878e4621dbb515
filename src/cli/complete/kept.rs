//! Names that were read lately, kept for minutes: where a cluster does not answer in the time of a key press, the next press finds them.
//!
//! `$XDG_CACHE_HOME/kubectl-certs/names/`, a file for each thing that was asked for: kinds, names and states, never what a Secret holds.
//! Where the time did not suffice, a process of its own reads on, without a terminal, and keeps what it finds. There is one at most for
//! each file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use crate::{cache, file, settings::env, x509::Fingerprint};

use super::dynamic::Candidate;

/// How long names are offered after they were read.
const LIFE: Duration = Duration::from_mins(5);
/// How long they are not read again beside.
const FRESH: Duration = Duration::from_secs(30);
/// When a file is removed that nobody has asked for.
const STALE: Duration = Duration::from_hours(1);
/// How long the process beside may take; whoever is not done then has gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A hundred thousand names.
const LARGEST: u64 = 16 << 20;

/// The place of what was asked for.
#[derive(Debug, Clone)]
pub(super) struct Kept(PathBuf);

impl Kept {
    /// `what` is everything that the answer depends on. `None` where nothing is to be kept.
    pub(super) fn of(what: &str) -> Option<Self> {
        if !env::keeps_names(&env::process) {
            return None;
        }
        cache::file(&format!("names/{}", Fingerprint::of(what.as_bytes()))).map(Self)
    }

    /// What was kept, where it is not too old.
    pub(super) fn read(&self) -> Option<Vec<Candidate>> {
        self.age().filter(|age| *age < LIFE)?;
        let bytes = cache::read(&self.0, "the names that were kept", LARGEST)?;
        serde_json::from_slice(&bytes).ok()
    }

    fn age(&self) -> Option<Duration> {
        age(&self.0)
    }

    /// Keeps names. Failing to is no error: they are asked for again.
    pub(super) fn write(&self, names: &[Candidate]) {
        let written = serde_json::to_vec(names).map(|bytes| cache::write(&self.0, &bytes));
        if let Ok(Err(error)) | Err(error) = written.map_err(std::io::Error::from) {
            log::debug!("the names cannot be kept in {}: {error}", self.0.display());
        }
        // Of clusters and namespaces that nobody asks for any more nothing stays.
        let others = self.0.parent().and_then(|folder| fs::read_dir(folder).ok());
        for other in others.into_iter().flatten().flatten() {
            if age(&other.path()).is_some_and(|age| age > STALE) {
                let _ = fs::remove_file(other.path());
            }
        }
    }

    /// Has a process of its own read on, where none does and the names are not fresh. `words` are those of the command line.
    pub(super) fn read_on(&self, words: &[String]) {
        if self.age().is_some_and(|age| age < FRESH) {
            return;
        }
        let Some(folder) = self.0.parent() else { return };
        let mark = self.mark();
        if age(&mark).is_some_and(|age| age > PATIENCE * 2) {
            // Of one that was killed.
            let _ = fs::remove_file(&mark);
        }
        let marked = fs::create_dir_all(folder).and_then(|()| file::create(&mark));
        if marked.is_ok()
            && let Err(error) = beside(words)
        {
            log::debug!("no process can be started that reads on: {error}");
            self.done();
        }
    }

    /// Says that the process beside is done.
    pub(super) fn done(&self) {
        let _ = fs::remove_file(self.mark());
    }

    /// Is there while a process reads on.
    fn mark(&self) -> PathBuf {
        self.0.with_extension("reading")
    }
}

fn age(path: &Path) -> Option<Duration> {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok()?;
    SystemTime::now().duration_since(written).ok()
}

/// Starts it: it has no terminal that it could ask at, and Ctrl-C at the prompt is not for it.
fn beside(words: &[String]) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["complete", "--read-on", "--"]).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    crate::system::own_group(&mut command);
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folder: &Path) -> Kept {
        Kept(folder.join("names").join("some"))
    }

    fn aged(path: &Path, age: Duration) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    fn web() -> Vec<Candidate> {
        vec![Candidate::new("ingress", "web", "critical")]
    }

    #[test]
    fn names_are_offered_for_minutes_and_are_for_this_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let kept = kept(dir.path());
        assert_eq!(kept.read(), None);
        kept.write(&web());
        assert_eq!(kept.read(), Some(web()));
        #[cfg(all(unix, not(portable_system)))]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&kept.0).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        aged(&kept.0, LIFE.saturating_sub(Duration::from_secs(5)));
        assert_eq!(kept.read(), Some(web()));
        aged(&kept.0, LIFE);
        assert_eq!(kept.read(), None);
        fs::write(&kept.0, "no names").unwrap();
        assert_eq!(kept.read(), None);
    }

    #[test]
    fn what_nobody_asks_for_any_more_goes() {
        let dir = tempfile::tempdir().unwrap();
        let kept = kept(dir.path());
        kept.write(&web());
        let other = dir.path().join("names").join("other");
        fs::write(&other, "[]").unwrap();
        aged(&other, STALE + LIFE);
        kept.write(&web());
        assert!(!other.exists());
        assert_eq!(kept.read(), Some(web()));
    }

    #[cfg(all(unix, not(portable_system)))]
    #[test]
    fn what_others_may_write_is_not_offered() {
        let dir = tempfile::tempdir().unwrap();
        let kept = kept(dir.path());
        kept.write(&web());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(&kept.0, open).unwrap();
        assert_eq!(kept.read(), None);
    }
}
