//! What is known of all domains, in the order in which they are asked for: by host, by when they are due, and by their last
//! change. Pure: what happens comes in from the watch and from our own writes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::object::Entry;
use crate::{
    domain::{Host, Record},
    object::Seconds,
};

/// So many hosts that are gone are remembered for watches that go on later.
const GONE: usize = 10_000;

/// The index. Each change has a number, which only grows.
#[derive(Debug, Default)]
pub(super) struct Index {
    hosts: BTreeMap<Host, Holder>,
    due: BTreeSet<(Seconds, Host)>,
    /// The last change of each host.
    log: BTreeMap<u64, Host>,
    /// The hosts that are gone, with the number of that change.
    gone: HashMap<Host, u64>,
    last: u64,
    /// Changes up to this one are no longer complete.
    forgotten: u64,
}

/// The object that has a host: the oldest of all namespaces.
#[derive(Debug)]
struct Holder {
    entry: Entry,
    /// In which list or watch each was last seen.
    seen: u32,
    /// Objects of other namespaces for the same host.
    seconds: Vec<(Entry, u32)>,
    changed: u64,
}

impl Holder {
    fn record(&self) -> Option<&Arc<Record>> {
        self.entry.record.as_ref().ok()
    }
}

/// Whether a version is older than another. Versions are numbers that grow (Kubernetes promises it since 1.35, and etcd always
/// had it so); of others it is not known.
fn is_older(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

impl Index {
    /// The number of the last change.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// How many hosts there are.
    pub(super) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// What has a host.
    pub(super) fn get(&self, host: &Host) -> Option<&Entry> {
        self.hosts.get(host).map(|holder| &holder.entry)
    }

    /// What else wants the host, and has not been told that it is not the first.
    pub(super) fn untold(&self, host: &Host) -> Vec<Entry> {
        let seconds = self.hosts.get(host).map(|holder| holder.seconds.as_slice());
        let untold = seconds.unwrap_or_default().iter().map(|(entry, _)| entry);
        untold.filter(|entry| !entry.is_told).cloned().collect()
    }

    /// Notes the state of an object. An older one than is known counts for nothing.
    pub(super) fn set(&mut self, host: Host, entry: Entry, seen: u32) {
        let Some(mut holder) = self.take_out(&host) else {
            self.put_in(host, entry, seen, Vec::new());
            return;
        };
        let mut all = std::mem::take(&mut holder.seconds);
        all.push((holder.entry, holder.seen));
        match all.iter_mut().find(|(known, _)| known.namespace == entry.namespace) {
            Some((known, when)) => {
                *when = seen;
                if !is_older(&entry.version, &known.version) {
                    *known = entry;
                }
            }
            None => all.push((entry, seen)),
        }
        self.elect(host, all);
    }

    /// Notes that the object of a namespace is gone, in this version.
    pub(super) fn remove(&mut self, host: &Host, namespace: &str, version: &str) {
        self.keep_only(host, |entry, _| {
            entry.namespace != namespace || is_older(version, &entry.version)
        });
    }

    /// Removes what was not seen since a list began: the objects of a namespace, or all.
    pub(super) fn forget_unseen(&mut self, namespace: Option<&str>, since: u32) {
        let is_left = |entry: &Entry, seen: u32| seen >= since || namespace.is_some_and(|it| entry.namespace != it);
        let stale = |holder: &Holder| {
            !is_left(&holder.entry, holder.seen) || holder.seconds.iter().any(|(entry, seen)| !is_left(entry, *seen))
        };
        let hosts: Vec<Host> = self
            .hosts
            .iter()
            .filter(|(_, holder)| stale(holder))
            .map(|(host, _)| host.clone())
            .collect();
        for host in hosts {
            self.keep_only(&host, is_left);
        }
    }

    fn keep_only(&mut self, host: &Host, is_left: impl Fn(&Entry, u32) -> bool) {
        let Some(mut holder) = self.take_out(host) else {
            return;
        };
        let mut all = std::mem::take(&mut holder.seconds);
        all.push((holder.entry, holder.seen));
        all.retain(|(entry, seen)| is_left(entry, *seen));
        self.elect(host.clone(), all);
    }

    /// Gives a host to the oldest object; none of two of the same second has an advantage over the other by coming first.
    fn elect(&mut self, host: Host, mut all: Vec<(Entry, u32)>) {
        let first = all
            .iter()
            .enumerate()
            .min_by(|(_, (a, _)), (_, (b, _))| (a.created, &a.namespace).cmp(&(b.created, &b.namespace)))
            .map(|(at, _)| at);
        match first {
            Some(first) => {
                let (entry, seen) = all.swap_remove(first);
                self.put_in(host, entry, seen, all);
            }
            None => self.bury(host),
        }
    }

    fn take_out(&mut self, host: &Host) -> Option<Holder> {
        let holder = self.hosts.remove(host)?;
        self.log.remove(&holder.changed);
        if let Some(record) = holder.record() {
            self.due.remove(&(record.due, host.clone()));
        }
        Some(holder)
    }

    fn put_in(&mut self, host: Host, entry: Entry, seen: u32, seconds: Vec<(Entry, u32)>) {
        if let Some(changed) = self.gone.remove(&host) {
            self.log.remove(&changed);
        }
        let holder = Holder {
            entry,
            seen,
            seconds,
            changed: self.note(&host),
        };
        if let Some(record) = holder.record() {
            self.due.insert((record.due, host.clone()));
        }
        self.hosts.insert(host, holder);
    }

    fn bury(&mut self, host: Host) {
        let changed = self.note(&host);
        self.gone.insert(host, changed);
        if self.gone.len() > GONE {
            let mut numbers: Vec<u64> = self.gone.values().copied().collect();
            numbers.sort_unstable();
            numbers.truncate(GONE / 2);
            for number in numbers {
                if let Some(host) = self.log.remove(&number) {
                    self.gone.remove(&host);
                }
                self.forgotten = number;
            }
        }
    }

    fn note(&mut self, host: &Host) -> u64 {
        self.last += 1;
        self.log.insert(self.last, host.clone());
        self.last
    }

    /// The hosts that are due by a moment, the longest due first.
    pub(super) fn due(&self, until: Seconds, limit: usize) -> Vec<Host> {
        let due = self.due.iter().take_while(|(due, _)| *due <= until);
        due.take(limit).map(|(_, host)| host.clone()).collect()
    }

    /// The records after a host, in the order of their hosts. Those that cannot be read are left out.
    pub(super) fn after(&self, host: Option<&Host>) -> impl Iterator<Item = &Arc<Record>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = host.map_or(Unbounded, Excluded);
        self.hosts
            .range::<Host, _>((from, Unbounded))
            .filter_map(|(_, holder)| holder.record())
    }

    /// So many hosts after one.
    pub(super) fn hosts_after(&self, host: Option<&Host>, limit: usize) -> Vec<Host> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = host.map_or(Unbounded, Excluded);
        let range = self.hosts.range::<Host, _>((from, Unbounded));
        range.take(limit).map(|(host, _)| host.clone()).collect()
    }

    /// So many changes after one; `None` if they are no longer kept, or never were.
    pub(super) fn changes_after(&self, number: u64, limit: usize) -> Option<Vec<(u64, Host)>> {
        if number < self.forgotten || number > self.last {
            return None;
        }
        let log = self.log.range(number + 1..).take(limit);
        Some(log.map(|(number, host)| (*number, host.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        name.parse().unwrap()
    }

    fn entry(name: &str, namespace: &str, version: &str, due: Seconds) -> Entry {
        let mut record = Record::new(host(name), namespace.parse().unwrap(), 0);
        record.due = due;
        Entry {
            namespace: namespace.into(),
            version: version.into(),
            created: version.parse().unwrap(),
            record: Ok(Arc::new(record)),
            claim: None,
            has_status: true,
            is_told: false,
            has_secret: true,
        }
    }

    fn names(hosts: &[Host]) -> Vec<String> {
        hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_longest_due_come_first_and_each_once_however_often_it_changed() {
        let mut index = Index::default();
        index.set(host("b.example"), entry("b.example", "shop", "1", 20), 1);
        index.set(host("a.example"), entry("a.example", "shop", "2", 30), 1);
        index.set(host("b.example"), entry("b.example", "shop", "3", 40), 1);
        assert_eq!(names(&index.due(50, 9)), ["a.example", "b.example"]);
        assert_eq!(names(&index.due(30, 9)), ["a.example"]);
        assert_eq!(names(&index.due(50, 1)), ["a.example"]);
        let log = index.changes_after(0, 9).unwrap();
        assert_eq!(log, [(2, host("a.example")), (3, host("b.example"))]);
    }

    #[test]
    fn a_late_message_of_the_watch_does_not_undo_a_write() {
        let mut index = Index::default();
        index.set(host("a.example"), entry("a.example", "shop", "10", 20), 1);
        index.set(host("a.example"), entry("a.example", "shop", "9", 5), 1);
        assert_eq!(index.get(&host("a.example")).unwrap().version, "10");
        index.remove(&host("a.example"), "shop", "9");
        assert_eq!(index.len(), 1);
        index.remove(&host("a.example"), "shop", "11");
        assert!(index.get(&host("a.example")).is_none() && index.due(99, 9).is_empty());
        // A watch is told of it all the same.
        assert_eq!(index.changes_after(1, 9).unwrap().last().unwrap().1, host("a.example"));
    }

    #[test]
    fn of_two_namespaces_the_first_has_the_host_until_it_gives_it_up() {
        let mut index = Index::default();
        index.set(host("a.example"), entry("a.example", "late", "7", 20), 1);
        index.set(host("a.example"), entry("a.example", "early", "3", 20), 1);
        assert_eq!(index.get(&host("a.example")).unwrap().namespace, "early");
        assert_eq!(index.untold(&host("a.example"))[0].namespace, "late");
        index.remove(&host("a.example"), "early", "8");
        assert_eq!(index.get(&host("a.example")).unwrap().namespace, "late");
        assert!(index.untold(&host("a.example")).is_empty());
    }

    #[test]
    fn what_a_list_no_longer_has_is_gone_in_its_namespace_alone() {
        let mut index = Index::default();
        index.set(host("a.example"), entry("a.example", "shop", "1", 1), 1);
        index.set(host("b.example"), entry("b.example", "shop", "2", 1), 2);
        index.set(host("c.example"), entry("c.example", "other", "3", 1), 1);
        index.forget_unseen(Some("shop"), 2);
        assert_eq!(names(&index.hosts_after(None, 9)), ["b.example", "c.example"]);
        index.forget_unseen(None, 2);
        assert_eq!(names(&index.hosts_after(None, 9)), ["b.example"]);
    }

    #[test]
    fn changes_that_are_no_longer_kept_are_not_taken_for_none() {
        let mut index = Index::default();
        let count = GONE + 1;
        for at in 0..count {
            let name = format!("h{at}.example");
            index.set(host(&name), entry(&name, "shop", "1", 1), 1);
            index.remove(&host(&name), "shop", "2");
        }
        assert!(index.changes_after(0, 9).is_none());
        assert!(index.changes_after(index.last() + 1, 9).is_none());
        assert_eq!(index.changes_after(index.last(), 9), Some(Vec::new()));
    }
}
