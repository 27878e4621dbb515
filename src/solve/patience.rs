//! Reports what takes longer than a moment while it lasts, so that users need not guess whether the program hangs.

use std::{future::Future, pin::pin, time::Duration};

use crate::event::{EventKind, Teller};

/// How long nothing is reported.
const SILENCE: Duration = Duration::from_secs(2);
/// How often the report is repeated.
const AGAIN: Duration = Duration::from_secs(15);

/// Waits for `future`, and reports from time to time what is being waited for, in the present `words`: `the CA to sign
/// the certificate`.
pub(crate) async fn told<F: Future>(tell: &Teller, words: impl Fn() -> String, future: F) -> F::Output {
    every(tell, words, future, (SILENCE, AGAIN)).await
}

async fn every<F: Future>(
    tell: &Teller,
    words: impl Fn() -> String,
    future: F,
    (silence, again): (Duration, Duration),
) -> F::Output {
    let mut future = pin!(future);
    let mut pause = silence;
    loop {
        tokio::select! {
            done = &mut future => return done,
            () = tokio::time::sleep(pause) => tell.tell(EventKind::Waiting { reason: words() }),
        }
        pause = again;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::event::{Event, Listen};

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listen for Heard {
        fn hear(&self, event: &Event) {
            if let EventKind::Waiting { reason } = &event.kind {
                self.0.lock().unwrap().push(reason.clone());
            }
        }
    }

    #[tokio::test]
    async fn a_moment_is_not_told_and_what_lasts_is_told_from_time_to_time() {
        let millis = Duration::from_millis;
        for (lasts, told) in [(0, 0), (250, 1), (800, 2)] {
            let heard = Arc::new(Heard::default());
            let tell = Teller::new(Arc::clone(&heard) as Arc<dyn Listen>);
            let wait = tokio::time::sleep(millis(lasts));
            every(&tell, || "the CA".to_owned(), wait, (millis(100), millis(500))).await;
            assert_eq!(heard.0.lock().unwrap().len(), told, "{lasts} ms");
        }
    }
}
