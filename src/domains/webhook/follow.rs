//! Follows a store, and tells a webhook of each host whose state is another one, whoever has changed it: the leader, the API, or a
//! command line.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{sync::oneshot, time::sleep};

use super::{Changed, Receiver, Trouble, Webhook};
use crate::{
    clock::now,
    domain::{Host, Record, State, state},
    domains::store::{Change, Store, StoreError},
    error::chain,
    object::Seconds,
    solve::dns01::config::Secrets,
};

/// How long passes before a watch that ended begins again.
const AGAIN: Duration = Duration::from_secs(2);

/// Goes on until it is dropped; what waits then is delivered within seconds, or lost.
#[derive(Debug)]
pub struct Following {
    _end: oneshot::Sender<()>,
}

impl Following {
    /// Begins to follow. What there is by then is told of only once it changes.
    pub fn begin(store: Arc<dyn Store>, receiver: Receiver, secrets: Arc<dyn Secrets>, trouble: Trouble) -> Self {
        let (end, mut ended) = oneshot::channel();
        tokio::spawn(async move {
            let webhook = Webhook::begin(receiver, secrets, Arc::clone(&trouble));
            let mut known = Known::default();
            tokio::select! {
                () = follow(&*store, &webhook, &mut known, &trouble) => {}
                _ = &mut ended => {}
            }
            webhook.end().await;
        });
        Self { _end: end }
    }
}

/// Where the hosts stood when it was last looked: a few bytes each.
#[derive(Debug, Default)]
struct Known {
    hosts: HashMap<Host, (State, u64)>,
    /// Whether all that there was has been told.
    is_listed: bool,
}

impl Known {
    /// What there is to tell of a host.
    fn changed(&mut self, host: &Host, record: Option<&Record>, now: Seconds) -> Option<Changed> {
        let Some(record) = record else {
            self.hosts.remove(host);
            return None;
        };
        let told = state(record, now);
        let mut hasher = DefaultHasher::new();
        told.reason.hash(&mut hasher);
        let stands = (told.state, hasher.finish());
        let before = self.hosts.insert(host.clone(), stands);
        let is_news = match before {
            Some(before) => before != stands,
            None => self.is_listed,
        };
        is_news.then(|| Changed::of(record, &told, now))
    }
}

async fn follow(store: &dyn Store, webhook: &Webhook, known: &mut Known, trouble: &Trouble) {
    let mut cursor = None;
    loop {
        let mut changes = store.watch(cursor.clone());
        while let Some(change) = changes.next().await {
            match change {
                Ok(Change::Listed { cursor: at }) => {
                    known.is_listed = true;
                    cursor = Some(at);
                }
                Ok(Change::Host { host, cursor: at }) => {
                    cursor = Some(at);
                    let read = store.get(&host).await;
                    let found = match read {
                        Ok(found) => found,
                        Err(error) => {
                            trouble(&format!("the record of {host} cannot be read: {}", chain(&error)));
                            continue;
                        }
                    };
                    let record = found.as_ref().map(|(record, _)| record);
                    if let Some(changed) = known.changed(&host, record, now()) {
                        webhook.put(changed);
                    }
                }
                Err(StoreError::Expired) => cursor = None,
                Err(error) => log::debug!("the domains are not followed for the webhook: {}", chain(&error)),
            }
        }
        sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_customer_would_notice_is_told_and_what_was_there_is_not() {
        let mut known = Known::default();
        let host: Host = "shop.example.com".parse().unwrap();
        let mut record = Record::new(host.clone(), "acme".parse().unwrap(), 1_000);
        assert_eq!(known.changed(&host, Some(&record), 1_000), None, "it was there before");
        known.is_listed = true;
        record.since = 2_000;
        assert_eq!(known.changed(&host, Some(&record), 1_001), None);
        record.released = Some(1_002);
        let released = known.changed(&host, Some(&record), 1_002).unwrap();
        assert_eq!(
            (released.state, released.at.as_str()),
            ("released", "1970-01-01T00:16:42Z")
        );
        assert_eq!(known.changed(&host, None, 1_003), None);
        let new = known.changed(&host, Some(&record), 1_004);
        assert!(new.is_some(), "it was gone, and is there again");
    }
}
