//! Tasks that are ready, fair between namespaces: each namespace has its turn, and within it the earliest deadline is
//! first.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Key, Seconds, Text};

/// The tasks of a namespace.
#[derive(Debug, Default)]
struct Line {
    ready: BTreeSet<(Seconds, Key)>,
    turn: u64,
}

/// Tasks in the order in which they are taken.
#[derive(Debug, Default)]
pub(super) struct Lane {
    lines: BTreeMap<Text, Line>,
    /// Each namespace with tasks once, with the round of its next turn.
    turns: BTreeSet<(u64, Text)>,
    /// The round whose turns are taken now.
    round: u64,
    len: usize,
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a task. A namespace that had none has its turn in the next round: otherwise one that always has a single task
    /// would come before those that have many. So no other namespace has more than two turns before it.
    pub(super) fn add(&mut self, namespace: &Text, deadline: Seconds, key: Key) {
        let line = self.lines.entry(namespace.clone()).or_default();
        if line.ready.is_empty() {
            line.turn = self.round.saturating_add(1);
            self.turns.insert((line.turn, namespace.clone()));
        }
        if line.ready.insert((deadline, key)) {
            self.len += 1;
        }
    }

    /// Removes a task.
    pub(super) fn remove(&mut self, namespace: &Text, deadline: Seconds, key: &Key) {
        let Some(line) = self.lines.get_mut(namespace) else {
            return;
        };
        if line.ready.remove(&(deadline, key.clone())) {
            self.len -= 1;
        }
        if line.ready.is_empty() {
            self.turns.remove(&(line.turn, namespace.clone()));
            self.lines.remove(namespace);
        }
    }

    /// Takes the next task of the namespaces that `may` have one now.
    pub(super) fn take(&mut self, mut may: impl FnMut(&Text) -> bool) -> Option<Key> {
        let (turn, namespace) = self.turns.iter().find(|(_, namespace)| may(namespace))?.clone();
        self.turns.remove(&(turn, namespace.clone()));
        self.round = self.round.max(turn);
        let line = self.lines.get_mut(&namespace)?;
        let (_, key) = line.ready.pop_first()?;
        self.len -= 1;
        if line.ready.is_empty() {
            self.lines.remove(&namespace);
        } else {
            line.turn = self.round.saturating_add(1);
            self.turns.insert((line.turn, namespace));
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(lane: &mut Lane, namespace: &str, deadline: Seconds) {
        let name = format!("{namespace}-{deadline}");
        lane.add(&namespace.into(), deadline, Key::new(namespace, name));
    }

    fn rest(lane: &mut Lane) -> Vec<String> {
        std::iter::from_fn(|| lane.take(|_| true))
            .map(|key| key.name.to_string())
            .collect()
    }

    #[test]
    fn namespaces_take_turns_and_the_earliest_deadline_is_first_in_each() {
        let mut lane = Lane::default();
        for deadline in [3, 1, 2] {
            add(&mut lane, "many", deadline);
        }
        add(&mut lane, "one", 9);
        assert_eq!(rest(&mut lane), ["many-1", "one-9", "many-2", "many-3"]);
        assert!(lane.is_empty() && lane.turns.is_empty() && lane.lines.is_empty());
    }

    #[test]
    fn who_always_has_one_task_does_not_come_before_those_that_have_many() {
        let mut lane = Lane::default();
        for deadline in 0..4 {
            add(&mut lane, "many", deadline);
        }
        let mut taken = Vec::new();
        for deadline in 0..4 {
            add(&mut lane, "a", deadline);
            taken.extend(lane.take(|_| true).map(|key| key.namespace.to_string()));
        }
        assert_eq!(
            taken.iter().filter(|namespace| *namespace == "many").count(),
            2,
            "{taken:?}"
        );
    }

    #[test]
    fn a_namespace_that_may_not_is_passed_over_and_keeps_its_turn() {
        let mut lane = Lane::default();
        for namespace in ["a", "b"] {
            add(&mut lane, namespace, 1);
        }
        let key = lane.take(|namespace| namespace != "a").unwrap();
        assert_eq!(key.namespace, "b");
        assert!(lane.take(|_| false).is_none());
        lane.remove(&"b".into(), 1, &key);
        assert_eq!(rest(&mut lane), ["a-1"]);
    }
}
