//! Taking what a cluster's lists send, while they send it.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{inventory::Inventory, object::Change, x509::Judge};

use super::{super::secrets::Unresolved, WAITING};

/// What a task of its own came to: taking changes blocks its thread, so what it waits for must not share its task.
pub async fn finished<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // A task is cancelled when the runtime ends, and then nobody waits any more.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Takes changes while they arrive. Parsing blocks its thread, so the runtime is told. It waits with a waker of its own: the
/// runtime's `block_on` within a task would swallow what wakes that task for something else.
pub(super) async fn take(
    mut changes: mpsc::Receiver<Change>,
    unresolved: &mut Unresolved,
    inventory: &mut Inventory,
    judge: &Judge,
    look: &mut (dyn FnMut(&mut Inventory) + Send),
) {
    // The first change comes when the server has answered; until then no thread is blocked.
    let Some(first) = changes.recv().await else { return };
    tokio::task::block_in_place(|| {
        // All that wait at once: waking this thread costs more than what it does for one of them.
        let mut batch = Vec::with_capacity(WAITING);
        batch.push(first);
        let next = || {
            if batch.is_empty() {
                pollster::block_on(changes.recv_many(&mut batch, WAITING));
                batch.reverse();
            }
            batch.pop()
        };
        unresolved.take_all(next, inventory, judge, look);
    });
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::{sync::oneshot, task::spawn};

    use super::*;
    use crate::{
        object::{Key, Kind},
        x509::{Anchors, Memo},
    };

    /// What wakes a task while it takes changes wakes it, though it is asleep for them.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_shares_a_task_with_the_reading_of_a_cluster_is_not_forgotten() {
        let (sink, changes) = mpsc::channel(WAITING);
        let (tell, told) = oneshot::channel();
        sink.send(Change::Gone(Kind::Ingress, Key::new("shop", "shop")))
            .await
            .unwrap();
        spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            tell.send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(sink);
        });
        let (mut unresolved, mut inventory) = (Unresolved::default(), Inventory::default());
        let judge = Judge::new(Anchors::default(), Memo::default());
        let mut nobody = |_: &mut Inventory| {};
        let taking = take(changes, &mut unresolved, &mut inventory, &judge, &mut nobody);
        let both = async { tokio::join!(biased; told, taking) };
        // The end of the time wakes it too, so that alone would show nothing.
        let patience = Duration::from_secs(5);
        let started = Instant::now();
        let (told, ()) = tokio::time::timeout(patience, both).await.unwrap();
        assert!(started.elapsed() < patience, "nobody woke it");
        told.unwrap();
    }
}
