//! Messages of a program that goes on: gathered for some seconds, at most four in a minute, and tried again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Notice, Receiver, Scene};
use crate::solve::dns01::config::Secrets;

/// So long is waited for more before a message is sent.
const GATHER: Duration = Duration::from_secs(2);
/// So long is waited after a message: what happens meanwhile is in the next one.
const PAUSE: Duration = Duration::from_secs(15);
/// So long is waited after a message that was not taken, and longer each time.
const AGAIN: Duration = Duration::from_mins(1);
/// So often a message is tried.
const TRIES: u32 = 3;
/// So many notices wait at most.
const MOST: usize = 1_000;
/// How long the last message may take when the program ends.
const LAST: Duration = Duration::from_secs(6);

/// Who is told that a message was not delivered.
pub type Trouble = Arc<dyn Fn(&str) + Send + Sync>;

/// Takes notices, and never waits.
pub struct Outbox {
    queues: Vec<mpsc::Sender<Notice>>,
    tasks: Vec<JoinHandle<()>>,
}

/// How long things take. Tests are in a hurry.
#[derive(Debug, Clone, Copy)]
struct Pace {
    gather: Duration,
    pause: Duration,
    again: Duration,
}

impl Outbox {
    /// Begins to deliver to the receivers, each at its own pace.
    pub fn begin(receivers: Vec<Receiver>, scene: &Scene, secrets: &Arc<dyn Secrets>, trouble: &Trouble) -> Self {
        let pace = Pace {
            gather: GATHER,
            pause: PAUSE,
            again: AGAIN,
        };
        Self::at(pace, receivers, scene, secrets, trouble)
    }

    fn at(pace: Pace, receivers: Vec<Receiver>, scene: &Scene, secrets: &Arc<dyn Secrets>, trouble: &Trouble) -> Self {
        let (mut queues, mut tasks) = (Vec::new(), Vec::new());
        for receiver in receivers {
            let (queue, waiting) = mpsc::channel(MOST);
            let (secrets, trouble) = (Arc::clone(secrets), Arc::clone(trouble));
            tasks.push(tokio::spawn(deliver(
                receiver,
                scene.clone(),
                secrets,
                trouble,
                pace,
                waiting,
            )));
            queues.push(queue);
        }
        Self { queues, tasks }
    }

    /// Whether anybody is told.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Puts a notice into the next message. Where a thousand wait, it is lost: the log has it too.
    pub fn put(&self, notice: &Notice) {
        for queue in &self.queues {
            if queue.try_send(notice.clone()).is_err() {
                log::debug!("a notification is lost, because {MOST} wait already");
            }
        }
    }

    /// Ends it: what waits is delivered within six seconds, or lost.
    pub async fn end(self) {
        drop(self.queues);
        for task in self.tasks {
            let stop = task.abort_handle();
            if timeout(LAST, task).await.is_err() {
                stop.abort();
            }
        }
    }
}

async fn deliver(
    receiver: Receiver,
    scene: Scene,
    secrets: Arc<dyn Secrets>,
    trouble: Trouble,
    pace: Pace,
    mut waiting: mpsc::Receiver<Notice>,
) {
    while let Some(first) = waiting.recv().await {
        let mut notices = vec![first];
        gather(&mut waiting, &mut notices, pace.gather).await;
        for tried in 1..=TRIES {
            let Err(error) = receiver.tell(&notices, &scene, &*secrets).await else {
                break;
            };
            let is_last = tried == TRIES || waiting.is_closed();
            let left = if is_last {
                format!("; {} notifications are lost, and the log has them", notices.len())
            } else {
                String::new()
            };
            // The first and the last time: what is in between says the same.
            if tried == 1 || is_last {
                trouble(&format!("{error}{left}"));
            }
            if is_last {
                break;
            }
            gather(&mut waiting, &mut notices, pace.again * tried).await;
        }
        gather_nothing(&waiting, pace.pause).await;
    }
}

/// Takes what comes within a time.
async fn gather(waiting: &mut mpsc::Receiver<Notice>, notices: &mut Vec<Notice>, time: Duration) {
    let _ = timeout(time, async {
        while notices.len() < MOST
            && let Some(more) = waiting.recv().await
        {
            notices.push(more);
        }
    })
    .await;
}

/// Waits, unless the program ends.
async fn gather_nothing(waiting: &mpsc::Receiver<Notice>, time: Duration) {
    let step = Duration::from_millis(100).min(time);
    let mut left = time;
    while !left.is_zero() && !waiting.is_closed() {
        sleep(step).await;
        left = left.saturating_sub(step);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{
        notify::{deliver::testing::server, example},
        solve::dns01::config::NoSecrets,
    };

    const FAST: Pace = Pace {
        gather: Duration::from_millis(200),
        pause: Duration::from_mins(1),
        again: Duration::from_millis(10),
    };

    type Said = Arc<Mutex<Vec<String>>>;

    fn outbox(url: &str) -> (Outbox, Said) {
        let said = Said::default();
        let into = Arc::clone(&said);
        let trouble: Trouble = Arc::new(move |text: &str| into.lock().unwrap().push(text.to_owned()));
        let secrets: Arc<dyn Secrets> = Arc::new(NoSecrets);
        let receivers = vec![Receiver::Alertmanager(url.to_owned())];
        let outbox = Outbox::at(FAST, receivers, &Scene::default(), &secrets, &trouble);
        (outbox, said)
    }

    #[tokio::test]
    async fn a_storm_is_one_message_and_what_comes_later_waits_for_the_next() {
        let (url, got) = server(&["200 OK"]).await;
        let (outbox, said) = outbox(&url);
        for _ in 0..900 {
            outbox.put(&example()[0]);
        }
        while got.lock().await.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        outbox.put(&example()[1]);
        // The pause of a minute ends with the program.
        outbox.end().await;
        let got = got.lock().await;
        assert_eq!(got.len(), 2, "{}", got.len());
        assert_eq!(got[0].matches("\"alertname\"").count(), 900);
        assert!(got[1].contains("CertificateEnds"), "{}", got[1]);
        assert!(said.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_message_that_is_not_taken_is_tried_again_and_then_told_as_lost() {
        let (url, got) = server(&["503 No", "200 OK"]).await;
        let (again, said) = outbox(&url);
        again.put(&example()[0]);
        while got.lock().await.len() < 2 {
            sleep(Duration::from_millis(10)).await;
        }
        again.end().await;
        assert_eq!(said.lock().unwrap().len(), 1, "{said:?}");
        let (url, got) = server(&["503 No"]).await;
        let (lost, said) = outbox(&url);
        lost.put(&example()[0]);
        while said.lock().unwrap().len() < 2 {
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(got.lock().await.len(), 3);
        assert!(said.lock().unwrap()[1].contains("1 notifications are lost"), "{said:?}");
    }
}
