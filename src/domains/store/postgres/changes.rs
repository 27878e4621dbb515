//! What changes in the database, whoever changed it: the rows whose transaction is not older than the oldest one that had not
//! ended at the last look. A notification says that there is something to look for, and a look now and then finds what
//! notifications did not tell.
//!
//! A server that was killed gives numbers of transactions again that had written nothing (`nextXid` is what its log says), so that a
//! change may have a smaller number than one that was seen before. Where the server has started anew, all hosts are told again.

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
    /// All hosts are told: those after this one are left, and the changes from this moment on.
    Listing(String, Moment),
    /// The changes from this moment on are left; whether something may be there is to be waited for.
    From(Moment, bool),
    /// The cursor is none of this store's.
    Unknown,
    /// It has failed.
    End,
}

/// A moment of the database.
#[derive(Clone, PartialEq, Eq)]
struct Moment {
    /// When the server was started.
    start: String,
    /// The oldest transaction that had not ended.
    oldest: String,
}

impl Moment {
    fn cursor(&self) -> Cursor {
        Cursor(format!("{}/{}", self.start, self.oldest))
    }

    /// Reads what [`Self::cursor`] wrote; `None` if it is something else.
    fn parse(text: &str) -> Option<Self> {
        let (start, oldest) = text.split_once('/')?;
        oldest.parse::<u64>().ok()?;
        Some(Self {
            start: start.to_owned(),
            oldest: oldest.to_owned(),
        })
    }
}

impl<'a> Watching<'a> {
    pub(super) fn new(pool: &'a Pool, news: watch::Receiver<u64>, from: Option<Cursor>) -> Self {
        let at = match from.map(|cursor| cursor.0).filter(|cursor| !cursor.is_empty()) {
            None => At::Begin,
            Some(cursor) => Moment::parse(&cursor).map_or(At::Unknown, |moment| At::From(moment, false)),
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
            At::Begin => At::Listing(String::new(), self.present().await?),
            At::Listing(after, from) => self.list(after, from).await?,
            At::From(from, waits) => {
                if waits {
                    // The store is gone where nobody sends any more.
                    let _ = tokio::time::timeout(LOOK, self.news.changed()).await;
                }
                self.look(from).await?
            }
            At::Unknown => return Err(StoreError::Expired),
            At::End => At::End,
        };
        Ok(())
    }

    /// The present moment.
    async fn present(&self) -> Result<Moment, StoreError> {
        let sql = "
            SELECT extract(epoch FROM pg_postmaster_start_time())::text, pg_snapshot_xmin(pg_current_snapshot())::text";
        let rows = self.pool.rows(sql, &[], true).await?;
        let row = rows.first().ok_or(StoreError::Expired)?;
        Ok(Moment {
            start: column(row, 0)?,
            oldest: column(row, 1)?,
        })
    }

    async fn list(&mut self, after: String, from: Moment) -> Result<At, StoreError> {
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
            self.waiting.push_back(Change::Listed { cursor: from.cursor() });
            Ok(At::From(from, false))
        }
    }

    async fn look(&mut self, from: Moment) -> Result<At, StoreError> {
        self.news.mark_unchanged();
        // Before the rows are read: what is not seen then is not older.
        let present = self.present().await?;
        if present.start != from.start {
            self.told.clear();
            return Ok(At::Listing(String::new(), present));
        }
        let mut found = HashMap::new();
        let mut after = (from.oldest.clone(), String::new());
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
                    let (host, cursor) = (host.clone(), from.cursor());
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
            *cursor = present.cursor();
        }
        Ok(At::From(present, true))
    }
}
