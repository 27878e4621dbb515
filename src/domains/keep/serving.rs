//! Who is served: the hosts with a certificate, for as long as that makes sense.

use std::time::Duration;

use tokio::time::Instant;

use super::{AFTER_TROUBLE, DUE, FOLLOW_AGAIN, Keep, News};
use crate::{
    clock::now,
    domain::Record,
    error::chain,
    object::{Seconds, Text},
};

/// How long it is at least between two writes of chunks.
const APART: Duration = Duration::from_secs(1);
/// How often chunks are read, so that what somebody has changed or deleted is put right.
const READ_CHUNKS: Duration = Duration::from_mins(1);

impl Keep {
    /// Has a host served, or no longer.
    pub(super) fn serve(&mut self, record: &Record) {
        let Some(chunks) = &mut self.chunks else { return };
        let host: Text = record.host.as_str().into();
        if let Some(at) = self.ends_at.remove(&record.host) {
            self.ends.remove(&(at, record.host.clone()));
        }
        let pair = record.pair.as_ref().filter(|_| is_in_service(record, now()));
        match pair.and_then(|pair| Some((pair, pair.secret.as_ref()?))) {
            Some((pair, secret)) => {
                chunks.want(&host, secret, &record.tenant);
                if pair.not_after > now() {
                    self.ends.insert((pair.not_after, record.host.clone()));
                    self.ends_at.insert(record.host.clone(), pair.not_after);
                }
            }
            None => chunks.forget(&host),
        }
    }

    /// Looks at those whose certificate has ended by now.
    pub(super) async fn serve_those_that_ended(&mut self) {
        let mut ended = Vec::new();
        while self.ends.first().is_some_and(|(at, _)| *at <= now()) && ended.len() < DUE {
            let Some((_, host)) = self.ends.pop_first() else { break };
            self.ends_at.remove(&host);
            ended.push(host);
        }
        for host in ended {
            // Who cannot be read is told of again when it changes.
            if let Ok(Some((record, _))) = self.work.store.get(&host).await {
                self.serve(&record);
            }
        }
    }

    pub(super) async fn write_chunks(&mut self) {
        let Some(chunks) = &mut self.chunks else { return };
        if self.chunks_later.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.chunks_later = None;
        if self.chunks_read.is_none_or(|at| at.elapsed() >= READ_CHUNKS) {
            match chunks.read().await {
                Ok(()) => self.chunks_read = Some(Instant::now()),
                Err(error) => {
                    (self.work.tell)(News::Trouble(format!(
                        "what serves domains cannot be read: {}",
                        chain(&error)
                    )));
                    self.chunks_later = Some(Instant::now() + AFTER_TROUBLE);
                    return;
                }
            }
        }
        // Many hosts that are new at once are few writes.
        if !chunks.is_dirty() || self.chunks_written.is_some_and(|at| at.elapsed() < APART) {
            return;
        }
        self.chunks_written = Some(Instant::now());
        if let Err(error) = chunks.write(&*self.work.may).await {
            (self.work.tell)(News::Trouble(format!("domains are not served yet: {}", chain(&error))));
            // What is there by now is read before it is tried again.
            self.chunks_read = None;
            self.chunks_later = Some(Instant::now() + FOLLOW_AGAIN);
        }
    }
}

/// Whether a host is served at a moment. One whose certificate has ended is served on while its clients are led here: the next one
/// may come, and what is not encrypted goes on. One that was released, or has gone elsewhere, is not.
pub(super) fn is_in_service(record: &Record, now: Seconds) -> bool {
    let is_valid = record.pair.as_ref().is_some_and(|pair| pair.not_after > now);
    let is_led = record.dns.as_ref().is_none_or(|looked| looked.traffic);
    is_valid || (record.released.is_none() && is_led)
}
