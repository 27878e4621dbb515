//! Which hosts are in which chunk. Pure: from what there is and what is wanted, the fewest objects to write.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::Text;

/// The hosts of one chunk, and the Secret of each.
pub type Hosts = BTreeMap<Text, Text>;

/// One object that serves many hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its number, which is in its name.
    pub number: usize,
    /// Its hosts.
    pub hosts: Hosts,
}

/// What is to be done with one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// It has these hosts from now on; it is made if it is not there.
    Put(Chunk),
    /// Nobody is in it any more.
    Remove(usize),
}

impl Write {
    /// The number of the chunk.
    pub fn number(&self) -> usize {
        match self {
            Self::Put(chunk) => chunk.number,
            Self::Remove(number) => *number,
        }
    }
}

/// What is to be written so that exactly the wanted hosts are served, with at most so many in a chunk. A host stays in its chunk, so
/// that a change of one customer is a change of one object; new ones go into those that change anyway, then into the fullest that
/// have room.
pub fn plan(chunks: &[Chunk], wanted: &Hosts, most: usize) -> Vec<Write> {
    let most = most.max(1);
    let mut placed: BTreeSet<&Text> = BTreeSet::new();
    let mut next: Vec<(Chunk, bool)> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let mut hosts = Hosts::new();
        for host in chunk.hosts.keys() {
            if let Some((host, secret)) = wanted.get_key_value(host)
                && placed.insert(host)
            {
                hosts.insert(host.clone(), secret.clone());
            }
        }
        let changed = hosts != chunk.hosts;
        let number = chunk.number;
        next.push((Chunk { number, hosts }, changed));
    }
    let mut new: Vec<(&Text, &Text)> = wanted.iter().filter(|(host, _)| !placed.contains(host)).collect();
    let mut order: Vec<usize> = (0..next.len()).collect();
    // The fullest first, of those that change anyway before the others.
    order.sort_by_key(|at| {
        let (chunk, changed) = &next[*at];
        (!changed, std::cmp::Reverse(chunk.hosts.len()), chunk.number)
    });
    for at in order {
        let (chunk, changed) = &mut next[at];
        while chunk.hosts.len() < most
            && let Some((host, secret)) = new.pop()
        {
            chunk.hosts.insert(host.clone(), secret.clone());
            *changed = true;
        }
    }
    let mut taken: BTreeSet<usize> = next.iter().map(|(chunk, _)| chunk.number).collect();
    while !new.is_empty() {
        let number = (0..=taken.len())
            .find(|number| !taken.contains(number))
            .unwrap_or_default();
        taken.insert(number);
        let rest = new.split_off(new.len().saturating_sub(most));
        let hosts = rest.into_iter().map(|(h, s)| (h.clone(), s.clone())).collect();
        next.push((Chunk { number, hosts }, true));
    }
    let changed = next
        .into_iter()
        .filter(|(chunk, changed)| *changed || chunk.hosts.is_empty());
    changed
        .map(|(chunk, _)| {
            if chunk.hosts.is_empty() {
                Write::Remove(chunk.number)
            } else {
                Write::Put(chunk)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[&str]) -> Hosts {
        names
            .iter()
            .map(|name| (Text::from(*name), Text::from(format!("domain-{name}"))))
            .collect()
    }

    fn chunk(number: usize, names: &[&str]) -> Chunk {
        Chunk {
            number,
            hosts: hosts(names),
        }
    }

    fn apply(chunks: &[Chunk], writes: &[Write]) -> Vec<Chunk> {
        let mut all: BTreeMap<usize, Chunk> = chunks.iter().map(|c| (c.number, c.clone())).collect();
        for write in writes {
            match write {
                Write::Put(chunk) => drop(all.insert(chunk.number, chunk.clone())),
                Write::Remove(number) => drop(all.remove(number)),
            }
        }
        all.into_values().collect()
    }

    #[test]
    fn hosts_stay_where_they_are_and_a_change_of_one_is_one_write() {
        let chunks = [chunk(0, &["a", "b"]), chunk(1, &["c", "d"])];
        assert!(
            plan(&chunks, &hosts(&["a", "b", "c", "d"]), 2).is_empty(),
            "nothing has changed"
        );
        // One that left makes room for one that came.
        assert_eq!(
            plan(&chunks, &hosts(&["a", "b", "d", "e"]), 2),
            [Write::Put(chunk(1, &["d", "e"]))]
        );
        let mut renamed = hosts(&["a", "b", "c", "d"]);
        renamed.insert("a".into(), "other".into());
        let writes = plan(&chunks, &renamed, 2);
        assert_eq!(writes.iter().map(Write::number).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn full_chunks_are_followed_by_new_ones_and_empty_ones_go() {
        let chunks = [chunk(0, &["a", "b"]), chunk(2, &["c"])];
        let writes = plan(&chunks, &hosts(&["a", "b", "d", "e", "f", "g"]), 2);
        let after = apply(&chunks, &writes);
        assert_eq!(after.len(), 3);
        assert_eq!(after[0], chunks[0], "it is not written");
        assert!(after.iter().all(|chunk| chunk.hosts.len() == 2));
        assert_eq!(after[1].number, 1, "the first number that is free");
        assert_eq!(plan(&chunks, &hosts(&["a", "b"]), 2), [Write::Remove(2)]);
    }

    #[test]
    fn a_host_that_is_in_two_chunks_stays_in_the_first() {
        let chunks = [chunk(0, &["a"]), chunk(1, &["a", "b"])];
        assert_eq!(plan(&chunks, &hosts(&["a", "b"]), 200), [Write::Put(chunk(1, &["b"]))]);
    }

    proptest::proptest! {
        #[test]
        fn each_wanted_host_is_in_exactly_one_chunk_none_is_too_full_and_a_second_plan_writes_nothing(
            before in proptest::collection::vec(proptest::collection::btree_set(0..60u8, 0..8), 0..8),
            wanted in proptest::collection::btree_set(0..60u8, 0..50),
            most in 1..8usize,
        ) {
            let name = |n: &u8| Text::from(format!("h{n}"));
            let of = |all: &BTreeSet<u8>| -> Hosts { all.iter().map(|n| (name(n), "s".into())).collect() };
            let chunks: Vec<Chunk> = before
                .iter()
                .enumerate()
                .map(|(number, all)| Chunk { number, hosts: of(all).into_iter().take(most).collect() })
                .collect();
            let wanted = of(&wanted);
            let after = apply(&chunks, &plan(&chunks, &wanted, most));
            let count: usize = after.iter().map(|chunk| chunk.hosts.len()).sum();
            let all: Hosts = after.iter().flat_map(|chunk| chunk.hosts.clone()).collect();
            proptest::prop_assert_eq!(&all, &wanted);
            proptest::prop_assert_eq!(count, wanted.len());
            proptest::prop_assert!(after.iter().all(|chunk| (1..=most).contains(&chunk.hosts.len())));
            proptest::prop_assert!(plan(&after, &wanted, most).is_empty());
        }
    }
}
