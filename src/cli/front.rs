//! The command line as whoever is told and asked: standard error, and questions on the terminal.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

use crate::{
    event::{Level, Listen},
    ops::{
        Front, OpError,
        front::{Waiting, Words, refused},
    },
    plan::{Plan, Stage, summary::summary},
    solve::dns01::{self, Operator},
};

use super::{ask, colour, note, progress::Progress};

/// Nobody wonders before.
const WONDER: Duration = Duration::from_secs(2);
/// So often it is said again.
pub(super) const AGAIN: Duration = Duration::from_secs(15);
/// How many Secrets are shown with their steps.
const SHOWN: usize = 3;

/// What was said last to be waited for, and when: one wait may follow another for the same.
type Last = Option<(String, Instant)>;

/// Says what has not just been said.
fn say(words: String, last: &Mutex<Last>) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if is_news(last.as_ref(), &words, Instant::now()) {
        note(&words);
        *last = Some((words, Instant::now()));
    }
}

fn is_news(last: Option<&(String, Instant)>, words: &str, now: Instant) -> bool {
    // Half a second, because two clocks need not agree.
    let soon = AGAIN.saturating_sub(Duration::from_millis(500));
    last.is_none_or(|(said, at)| said != words || now.saturating_duration_since(*at) >= soon)
}

/// Calls `tell` once it has taken long, and again after each pause that it returns, until what comes back is dropped; then `over`, with
/// whether there was anything to tell. A thread of its own: reading a cluster keeps a task from being woken.
pub(super) fn now_and_then(
    mut tell: impl FnMut() -> Duration + Send + 'static,
    over: impl FnOnce(bool) + Send + 'static,
) -> Waiting {
    let (ended, end) = channel::<()>();
    std::thread::spawn(move || {
        let (mut pause, mut has_told) = (WONDER, false);
        while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = tell();
            has_told = true;
        }
        over(has_told);
    });
    // The thread sees that this end is gone.
    Waiting::until_dropped(ended)
}

/// The terminal, or what stands in its place.
#[derive(Default)]
pub(super) struct Terminal {
    /// Whether `--yes` was given.
    yes: bool,
    /// Whether events are JSON on standard output.
    json: bool,
    progress: Mutex<Option<Arc<Progress>>>,
    last: Arc<Mutex<Last>>,
}

impl Terminal {
    /// For a command that asks nothing.
    pub(super) fn telling() -> Arc<dyn Front> {
        Arc::new(Self::default())
    }

    /// For a command that asks; `yes` was said before, on the command line.
    pub(super) fn asking(yes: bool) -> Arc<dyn Front> {
        Arc::new(Self { yes, ..Self::default() })
    }

    /// For a command whose events are JSON on standard output, if they are.
    pub(super) fn following(yes: bool, json: bool) -> Arc<dyn Front> {
        Arc::new(Self {
            yes,
            json,
            ..Self::default()
        })
    }

    fn agreed(&self, plan: &Plan) -> Result<(), OpError> {
        plan.notes.iter().for_each(|line| note(line));
        let mut hints = BTreeSet::new();
        for refusal in &plan.refusals {
            note(&refusal.what);
            if let Some(hint) = refusal.hint.as_deref().filter(|hint| hints.insert(*hint)) {
                super::hint(hint);
            }
        }
        let Some(question) = &plan.question else {
            return Ok(());
        };
        // What a rehearsal touches has been said.
        if !self.yes && plan.stage != Some(Stage::Rehearsal) {
            show(plan);
        }
        // Which cluster it is stands beside the question.
        if let Some(place) = plan.place.as_ref().filter(|_| !self.yes && ask::possible()) {
            note(&format!("in {place}:"));
        }
        if let Some(number) = plan.number {
            agree_to_number(&plan.issuer, number)?;
        }
        if ask::confirm(question, self.yes)? {
            Ok(())
        } else {
            Err(refused())
        }
    }
}

impl Front for Terminal {
    fn say(&self, level: Level, text: &str) {
        let kind = match level {
            Level::Note => "",
            Level::Warning => "warning: ",
            Level::Error => "error: ",
        };
        super::stderr_line(kind, text);
    }

    fn print(&self, text: &str) -> Result<(), OpError> {
        super::print_text(text).map(drop)
    }

    fn wonder(&self, words: Words) -> Waiting {
        let last = Arc::clone(&self.last);
        let tell = move || {
            if ask::is_asking() {
                // It is the user who is waited for.
                return WONDER;
            }
            say(words(), &last);
            AGAIN
        };
        now_and_then(tell, |_| {})
    }

    fn listener(&self) -> Arc<dyn Listen> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = progress.get_or_insert_with(|| Progress::new(self.json));
        Arc::clone(progress) as Arc<dyn Listen>
    }

    fn finish(&self) {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(progress) = progress {
            progress.end();
        }
    }

    fn is_one_screen(&self) -> bool {
        colour::stderr_width().is_some() && colour::terminal_width().is_some()
    }

    fn can_ask(&self) -> bool {
        ask::possible()
    }

    fn has_agreed(&self) -> bool {
        self.yes
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Arc::new(dns01::Terminal)
    }

    fn confirm(&self, plan: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        Box::pin(async move { self.agreed(&plan) })
    }

    fn ask(&self, question: String) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            if !ask::possible() {
                return false;
            }
            let asked = tokio::task::spawn_blocking(move || {
                let (said, question) = question.rsplit_once('\n').unwrap_or(("", &question));
                said.lines().for_each(note);
                ask::answer(question)
            });
            asked.await.unwrap_or(false)
        })
    }
}

/// Shows a summary, and the steps of the first Secrets, where somebody is there to see them. Steps of no Secret have no heading. What is
/// left out has been told before, with its reasons.
fn show(plan: &Plan) {
    if !ask::possible() || plan.targets.is_empty() {
        return;
    }
    for line in summary(&plan.targets, plan.refused, &[]) {
        note(&line);
    }
    for (secret, steps) in plan.targets.iter().take(SHOWN) {
        if !secret.name.is_empty() {
            note(&format!("Secret {secret}"));
        }
        for (number, step) in (1..).zip(steps) {
            note(&format!("{number}. {step}"));
        }
    }
}

/// Of very many orders in production, the number is typed: `--yes` says yes to a question, and does not know how much that is.
fn agree_to_number(issuer: &str, count: usize) -> Result<(), OpError> {
    let said = format!("{count} certificates would be ordered at {issuer}");
    if !ask::possible() {
        let most = crate::plan::MANY_ORDERS;
        let error = OpError::usage(format!("{said}: more than {most} need a confirmation by their number"));
        return Err(error.hint(format!(
            "--max {count} orders all of them; --max {most} orders those that expire first, and the next run continues"
        )));
    }
    if ask::typed(&said, &count.to_string()) {
        Ok(())
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_said_is_not_said_again() {
        let began = Instant::now();
        let last = ("waiting for the CA".to_owned(), began);
        let after = |seconds| began + Duration::from_secs(seconds);
        assert!(is_news(None, "waiting for the CA", began));
        assert!(!is_news(Some(&last), "waiting for the CA", after(3)));
        assert!(is_news(Some(&last), "waiting for the hosts", after(3)));
        assert!(is_news(Some(&last), "waiting for the CA", after(15)));
    }
}
