//! What changes in the database, whoever changed it: the rows whose transaction is not older than the oldest one that had not
//! ended at the last look. A notification says that there is something to look for, and a look now and then finds what
//! notifications did not tell.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::Arc,
    time::Duration,
};

use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, types::Type};

use super::{
    column, host,
    pool::{Pool, typed},
};
use crate::{
    clock::{Pauses, spread},
    domain::Host,
    domains::store::{Change, Cursor, StoreError},
    error::chain,
};

/// How often it is looked without having been told.
const LOOK: Duration = Duration::from_secs(10);
/// The pauses before it is listened again.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(250), Duration::from_secs(30));
/// How many rows are read at a time.
const TOGETHER: i64 = 1_000;

/// Counts the notifications of the database in `news`, until it is dropped.
pub(super) async fn listen(pool: Arc<Pool>, news: watch::Sender<u64>) {
    let mut pauses = PAUSES;
    loop {
        match pool.open().await {
            Ok((client, mut connection)) => {
                // The connection has to be driven while the question is under way.
                let mut asked = std::pin::pin!(client.batch_execute("LISTEN kubectl_certs_domains"));
                let mut is_asked = true;
                let ended = loop {
                    tokio::select! {
                        answer = asked.as_mut(), if is_asked => {
                            is_asked = false;
                            if let Err(error) = answer {
                                break Some(chain(&error));
                            }
                            // What happened until now was not told.
                            news.send_modify(|count| *count += 1);
                            pauses.restart();
                        }
                        message = poll_fn(|cx| connection.poll_message(cx)) => match message {
                            Some(Ok(AsyncMessage::Notification(_))) => news.send_modify(|count| *count += 1),
                            Some(Ok(_)) => {}
                            Some(Err(error)) => break Some(chain(&error)),
                            None => break None,
                        },
                    }
                };
                log::debug!("the database tells no changes any more: {}", ended.unwrap_or_default());
            }
            Err(error) => log::debug!("the database cannot tell changes: {error}"),
        }
        tokio::time::sleep(spread(pauses.take())).await;
    }
}

/// Where a watch stands.
pub(super) struct Watching<'a> {
    pool: &'a Pool,
    news: watch::Receiver<u64>,
    waiting: VecDeque<Change>,
    at: At,
    /// The versions that the last look found: they are found again as long as an older transaction has not ended.
    told: HashMap<Host, i64>,
}

enum At {
    /// Nothing has been told.
    Begin,
    /// All hosts are told: those after this one are left, and the changes from this transaction on.
    Listing(String, String),
    /// The changes from this transaction on are left; whether something may be there is to be waited for.
    From(String, bool),
    /// It has failed.
    End,
}

impl<'a> Watching<'a> {
    pub(super) fn new(pool: &'a Pool, news: watch::Receiver<u64>, from: Option<Cursor>) -> Self {
        let at = match from.map(|cursor| cursor.0).filter(|cursor| !cursor.is_empty()) {
            None => At::Begin,
            Some(cursor) => At::From(cursor, false),
        };
        Self {
            pool,
            news,
            waiting: VecDeque::new(),
            at,
            told: HashMap::new(),
        }
    }

    pub(super) fn stream(self) -> BoxStream<'a, Result<Change, StoreError>> {
        Box::pin(stream::unfold(self, |mut watching| async move {
            loop {
                if let Some(change) = watching.waiting.pop_front() {
                    return Some((Ok(change), watching));
                }
                if matches!(watching.at, At::End) {
                    return None;
                }
                if let Err(error) = watching.step().await {
                    watching.at = At::End;
                    return Some((Err(error), watching));
                }
            }
        }))
    }

    async fn step(&mut self) -> Result<(), StoreError> {
        self.at = match std::mem::replace(&mut self.at, At::End) {
            At::Begin => At::Listing(String::new(), self.oldest().await?.0),
            At::Listing(after, from) => self.list(after, from).await?,
            At::From(from, waits) => {
                if waits {
                    // The store is gone where nobody sends any more.
                    let _ = tokio::time::timeout(LOOK, self.news.changed()).await;
                }
                self.look(from).await?
            }
            At::End => At::End,
        };
        Ok(())
    }

    /// The oldest transaction that has not ended, and the next to come.
    async fn oldest(&self) -> Result<(String, u64), StoreError> {
        let sql = "SELECT pg_snapshot_xmin(it)::text, pg_snapshot_xmax(it)::text FROM pg_current_snapshot() AS it";
        let rows = self.pool.rows(sql, &[], true).await?;
        let row = rows.first().ok_or(StoreError::Expired)?;
        let next = column::<String>(row, 1)?.parse().unwrap_or(u64::MAX);
        Ok((column(row, 0)?, next))
    }

    async fn list(&mut self, after: String, from: String) -> Result<At, StoreError> {
        let sql = "SELECT host FROM kubectl_certs_domains WHERE host > $1 ORDER BY host LIMIT $2";
        let parameters = [typed(&after, Type::TEXT), typed(&TOGETHER, Type::INT8)];
        let rows = self.pool.rows(sql, &parameters, true).await?;
        for row in &rows {
            // Whoever stops in the midst of it begins anew.
            self.waiting.push_back(Change::Host {
                host: host(&column::<String>(row, 0)?)?,
                cursor: Cursor(String::new()),
            });
        }
        if let Some(last) = rows.last() {
            Ok(At::Listing(column(last, 0)?, from))
        } else {
            let cursor = Cursor(from.clone());
            self.waiting.push_back(Change::Listed { cursor });
            Ok(At::From(from, false))
        }
    }

    async fn look(&mut self, from: String) -> Result<At, StoreError> {
        self.news.mark_unchanged();
        // Before the rows are read: what is not seen then is not older.
        let (oldest, next) = self.oldest().await?;
        let begin: u64 = from.parse().map_err(|_| StoreError::Expired)?;
        if begin > next {
            // Another database, or one that was restored.
            return Err(StoreError::Expired);
        }
        let mut found = HashMap::new();
        let mut after = (from.clone(), String::new());
        loop {
            let sql = "
                SELECT host, version, changed::text AS number FROM kubectl_certs_domains
                WHERE (changed, host) > ($1::xid8, $2) ORDER BY changed, host LIMIT $3";
            let parameters = [
                typed(&after.0, Type::TEXT),
                typed(&after.1, Type::TEXT),
                typed(&TOGETHER, Type::INT8),
            ];
            let rows = self.pool.rows(sql, &parameters, true).await?;
            for row in &rows {
                let (host, version) = (host(&column::<String>(row, 0)?)?, column::<i64>(row, 1)?);
                if self.told.get(&host) != Some(&version) {
                    let cursor = Cursor(from.clone());
                    let host = host.clone();
                    self.waiting.push_back(Change::Host { host, cursor });
                }
                found.insert(host, version);
            }
            let Some(last) = rows.last() else {
                break;
            };
            after = (column(last, 2)?, column(last, 0)?);
        }
        self.told = found;
        if let Some(Change::Host { cursor, .. }) = self.waiting.back_mut() {
            *cursor = Cursor(oldest.clone());
        }
        Ok(At::From(oldest, true))
    }
}
