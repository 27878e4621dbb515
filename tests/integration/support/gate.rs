//! Which tests run beside each other. Traefik writes the status of each new Ingress inside its configuration loop, a few a
//! second: while one test makes a hundred of them, nothing that another makes is served. So such a test runs alone.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::ThreadId,
};

#[derive(Default)]
struct State {
    /// The threads that have the cluster, and how many namespaces each has: who is in may take another.
    inside: HashMap<ThreadId, usize>,
    /// Whether one of them wants no other.
    alone: bool,
    /// How many wait for that: others that come after them wait too, or their turn would never come.
    waiting: usize,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

/// The cluster for a test, until it is dropped.
pub(crate) struct Turn(ThreadId);

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turn {
    /// Beside others.
    pub(crate) fn shared() -> Self {
        let me = std::thread::current().id();
        let busy = |state: &mut Option<State>| {
            let state = state.get_or_insert_default();
            !state.inside.contains_key(&me) && (state.alone || state.waiting > 0)
        };
        let mut state = CHANGED
            .wait_while(state(), busy)
            .unwrap_or_else(PoisonError::into_inner);
        *state.get_or_insert_default().inside.entry(me).or_default() += 1;
        Self(me)
    }

    /// Without any other.
    pub(crate) fn alone() -> Self {
        let me = std::thread::current().id();
        let mut state = state();
        state.get_or_insert_default().waiting += 1;
        let busy = |state: &mut Option<State>| !state.get_or_insert_default().inside.is_empty();
        let mut state = CHANGED.wait_while(state, busy).unwrap_or_else(PoisonError::into_inner);
        let now = state.get_or_insert_default();
        now.waiting -= 1;
        now.alone = true;
        now.inside.insert(me, 1);
        Self(me)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = state();
        let now = state.get_or_insert_default();
        if let Some(count) = now.inside.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                now.inside.remove(&self.0);
                now.alone &= !now.inside.is_empty();
            }
        }
        CHANGED.notify_all();
    }
}
