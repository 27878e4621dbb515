//! Lets so many through at once, and so many a second, in turns between those who ask. Whoever finds no place is told at
//! once.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::lanes::Lanes;

/// The right to go on, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(
    #[expect(dead_code, reason = "it is held, and given back when it is dropped")] OwnedSemaphorePermit,
);

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Place(Waits);

#[derive(Debug)]
enum Waits {
    Still(oneshot::Receiver<Turn>),
    Over(Turn),
}

impl Place {
    /// Waits for one's turn; `None` if somebody who had less got the place.
    pub(super) async fn turn(self) -> Option<Turn> {
        match self.0 {
            Waits::Still(turn) => turn.await.ok(),
            Waits::Over(turn) => Some(turn),
        }
    }
}

#[derive(Debug)]
struct Shared {
    lanes: Mutex<Lanes<IpAddr, oneshot::Sender<Turn>>>,
    wake: Notify,
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Lanes<IpAddr, oneshot::Sender<Turn>>) -> T) -> T {
        act(&mut self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The gate.
#[derive(Debug)]
pub(super) struct Gate {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

impl Gate {
    /// For so many at once, one each `pause`, with room for so many that wait.
    pub(super) fn new(at_once: usize, pause: Duration, waiting: usize) -> Self {
        let shared = Arc::new(Shared {
            lanes: Mutex::new(Lanes::new(waiting)),
            wake: Notify::new(),
        });
        let keeper = tokio::spawn(keep(Arc::clone(&shared), Arc::new(Semaphore::new(at_once)), pause));
        Self { shared, keeper }
    }

    /// Takes a place; `None` if all are taken by those who have no more than this source.
    pub(super) fn enter(&self, source: IpAddr) -> Option<Place> {
        let (turn, mut place) = oneshot::channel();
        // Whose place is lost hears of it, because the sender is dropped.
        drop(self.shared.with(|lanes| lanes.push(&source, turn)));
        self.shared.wake.notify_one();
        match place.try_recv() {
            Err(oneshot::error::TryRecvError::Closed) => None,
            Err(oneshot::error::TryRecvError::Empty) => Some(Place(Waits::Still(place))),
            Ok(turn) => Some(Place(Waits::Over(turn))),
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(shared: Arc<Shared>, slots: Arc<Semaphore>, pause: Duration) {
    let mut next = Instant::now();
    loop {
        while shared.with(|lanes| lanes.is_empty()) {
            shared.wake.notified().await;
        }
        // Only then who is next, so that whoever came meanwhile has the same chance.
        if !pause.is_zero() {
            sleep_until(next).await;
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let mut turn = Turn(slot);
        // Those who have left meanwhile cost nothing.
        while let Some(waiting) = shared.with(Lanes::pop) {
            match waiting.send(turn) {
                Ok(()) => {
                    next = Instant::now() + pause;
                    break;
                }
                Err(back) => turn = back,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn source(n: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    #[tokio::test]
    async fn each_waits_for_the_pause_after_the_one_before_however_many_come() {
        let pause = Duration::from_millis(5);
        let gate = Gate::new(1_000, pause, 40);
        let begun = Instant::now();
        let places: Vec<Place> = (0..1_000).filter_map(|_| gate.enter(source(1))).collect();
        assert_eq!(places.len(), 40);
        for (n, place) in (0..).zip(places) {
            drop(place.turn().await.unwrap());
            assert!(begun.elapsed() >= pause * n, "{n}: {:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn a_source_with_one_is_not_behind_a_source_with_hundreds() {
        let gate = Gate::new(1_000, Duration::from_millis(1), 400);
        let flood: Vec<Place> = (0..400).filter_map(|_| gate.enter(source(1))).collect();
        let (over, mut order) = tokio::sync::mpsc::unbounded_channel();
        let mut all = vec![(2, gate.enter(source(2)).unwrap())];
        all.extend(flood.into_iter().map(|place| (1, place)));
        for (of, place) in all {
            let over = over.clone();
            tokio::spawn(async move {
                let through = place.turn().await.is_some();
                let _ = over.send((of, through));
            });
        }
        drop(over);
        let mut ends = Vec::new();
        while let Some(end) = order.recv().await {
            ends.push(end);
        }
        let at = ends.iter().position(|(of, _)| *of == 2).unwrap();
        assert!(ends[at].1 && at < 10, "it was the {at}th");
        assert_eq!(
            ends.iter().filter(|(_, through)| !through).count(),
            1,
            "one place was needed"
        );
    }

    #[tokio::test]
    async fn so_many_at_once_and_whoever_left_takes_no_turn() {
        let gate = Gate::new(2, Duration::ZERO, 10);
        let first = gate.enter(source(1)).unwrap().turn().await.unwrap();
        let _second = gate.enter(source(1)).unwrap().turn().await.unwrap();
        drop(gate.enter(source(1)).unwrap());
        let third = tokio::spawn(gate.enter(source(1)).unwrap().turn());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!third.is_finished());
        drop(first);
        assert!(third.await.unwrap().is_some());
    }
}
