//! Records as rows of a `PostgreSQL` database (13 or later), for more names than a cluster keeps as objects.
//!
//! A row has a version, by which a put is conditional; an index by what is due; a claim that ends by the database's own clock;
//! and the chain with its key, which is sealed. `docs/decisions/0036-customers-domains-store.md` says when it is worth having.

mod address;
mod changes;
mod pool;
mod schema;
mod seal;
mod tls;

use std::{fmt, sync::Arc};

use futures_util::stream::BoxStream;
use secrecy::SecretString;
use tokio::{sync::watch, task::JoinHandle};
use tokio_postgres::{Row, types::Type};

pub use address::BadDatabaseUrl;
pub use seal::{NotASealingKey, Sealer};

use self::{
    address::Address,
    changes::Watching,
    pool::{Pool, typed},
};
use super::{Change, Cursor, Filter, Later, Store, StoreError, Version};
use crate::{
    clock::now,
    domain::{Host, Material, Pair, Record},
    object::Seconds,
};

/// How many rows are read at a time where a filter cannot be told to the database.
const TOGETHER: i64 = 2_000;

/// The store in a database.
pub struct PostgresStore {
    pool: Arc<Pool>,
    sealer: Option<Sealer>,
    /// Grows when the database says that something has changed.
    news: watch::Sender<u64>,
    listening: JoinHandle<()>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What a put does with the columns of the pair.
struct Columns {
    serial: Option<String>,
    chain: Option<String>,
    key: Option<Vec<u8>>,
    /// Whether those that are there stay.
    stay: bool,
}

impl PostgresStore {
    /// Connects to the database of this URL, and makes the tables if they are not there. `sealer` seals private keys; without one a
    /// record that brings its key is refused.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`]: the URL, the database or its tables cannot be used.
    pub async fn open(url: &SecretString, sealer: Option<Sealer>) -> Result<Self, StoreError> {
        let address = Address::read(url)
            .map_err(|error| StoreError::Database(format!("has a URL that is not accepted: {error}")))?;
        let pool = Arc::new(Pool::new(address));
        schema::prepare(&pool).await?;
        let news = watch::channel(0).0;
        let listening = tokio::spawn(changes::listen(Arc::clone(&pool), news.clone()));
        Ok(Self {
            pool,
            sealer,
            news,
            listening,
        })
    }

    fn record(&self, row: &Row) -> Result<(Record, Version), StoreError> {
        let (text, version) = (column::<String>(row, 0)?, column::<i64>(row, 1)?);
        let mut record = read(&text)?;
        let (serial, chain, sealed) = (
            column::<Option<String>>(row, 2)?,
            column::<Option<String>>(row, 3)?,
            column::<Option<Vec<u8>>>(row, 4)?,
        );
        let host = record.host.clone();
        if let (Some(pair), Some(serial), Some(chain), Some(sealed)) = (&mut record.pair, serial, chain, sealed)
            && pair.serial == serial
        {
            pair.material = self.opened(&host, chain, &sealed);
        }
        Ok((record, Version(version.to_string())))
    }

    /// The pair, if it can be opened: without it the record is as if the pair were lost, and a new one can be ordered.
    fn opened(&self, host: &Host, chain: String, key: &[u8]) -> Option<Arc<Material>> {
        let Some(sealer) = &self.sealer else {
            log::warn!("the key of {host} in the database cannot be opened: no key of the settings seals it");
            return None;
        };
        match sealer.open(host, key) {
            Ok(key) => Some(Arc::new(Material { chain, key })),
            Err(why) => {
                log::warn!("the key of {host} in the database cannot be opened: {why}");
                None
            }
        }
    }

    fn columns(&self, record: &Record) -> Result<Columns, StoreError> {
        let none = |stay| Columns {
            serial: None,
            chain: None,
            key: None,
            stay,
        };
        let Some(Pair { serial, material, .. }) = &record.pair else {
            return Ok(none(false));
        };
        let Some(material) = material else {
            // Those of another pair are not read.
            return Ok(none(true));
        };
        let sealed = self
            .sealer
            .as_ref()
            .and_then(|sealer| sealer.seal(&record.host, &material.key));
        let Some(sealed) = sealed else {
            let words = "is given no private key that is not sealed: `domains.databaseKey` in the settings names none";
            return Err(StoreError::Database(words.to_owned()));
        };
        Ok(Columns {
            serial: Some(serial.to_string()),
            chain: Some(material.chain.clone()),
            key: Some(sealed),
            stay: false,
        })
    }

    async fn get_now(&self, host: &Host) -> Result<Option<(Record, Version)>, StoreError> {
        let sql = "SELECT record::text, version, serial, chain, key FROM kubectl_certs_domains WHERE host = $1";
        let rows = self.pool.rows(sql, &[typed(&host.as_str(), Type::TEXT)], true).await?;
        rows.first().map(|row| self.record(row)).transpose()
    }

    async fn put_now(&self, record: &Record, was: Option<&Version>) -> Result<Version, StoreError> {
        let conflict = || StoreError::Conflict(record.host.clone());
        let json = serde_json::to_string(record).map_err(|error| StoreError::Unreadable {
            host: record.host.to_string(),
            why: error.to_string(),
        })?;
        let columns = self.columns(record)?;
        let version: i64 = match was {
            None => 0,
            Some(was) => was.0.parse().map_err(|_| conflict())?,
        };
        let (host, tenant) = (record.host.as_str(), record.tenant.as_str());
        let mut parameters = vec![
            typed(&host, Type::TEXT),
            typed(&tenant, Type::TEXT),
            typed(&json, Type::TEXT),
            typed(&record.due, Type::INT8),
            typed(&columns.serial, Type::TEXT),
            typed(&columns.chain, Type::TEXT),
            typed(&columns.key, Type::BYTEA),
        ];
        let sql = if was.is_none() {
            "WITH put AS (
                INSERT INTO kubectl_certs_domains (host, tenant, record, due, serial, chain, key)
                VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7) ON CONFLICT (host) DO NOTHING RETURNING version
            ) SELECT version, pg_notify('kubectl_certs_domains', '') FROM put"
        } else {
            parameters.extend([typed(&version, Type::INT8), typed(&columns.stay, Type::BOOL)]);
            "WITH put AS (
                UPDATE kubectl_certs_domains SET tenant = $2, record = $3::jsonb, due = $4,
                    serial = CASE WHEN $9 THEN serial ELSE $5 END, chain = CASE WHEN $9 THEN chain ELSE $6 END,
                    key = CASE WHEN $9 THEN key ELSE $7 END,
                    version = nextval('kubectl_certs_version'), changed = pg_current_xact_id()
                WHERE host = $1 AND version = $8 RETURNING version
            ) SELECT version, pg_notify('kubectl_certs_domains', '') FROM put"
        };
        let rows = self.pool.rows(sql, &parameters, false).await?;
        let version: i64 = column(rows.first().ok_or_else(conflict)?, 0)?;
        Ok(Version(version.to_string()))
    }

    async fn due_now(&self, until: Seconds, limit: usize) -> Result<Vec<Host>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT host FROM kubectl_certs_domains WHERE due <= $1 ORDER BY due, host LIMIT $2";
        let parameters = [typed(&until, Type::INT8), typed(&limit, Type::INT8)];
        let rows = self.pool.rows(sql, &parameters, true).await?;
        rows.iter().map(|row| host(&column::<String>(row, 0)?)).collect()
    }

    /// Whoever is at the row this moment has it, so that nobody waits for a lock.
    async fn claim_now(&self, host: &Host, by: &str, until: Seconds) -> Result<bool, StoreError> {
        let sql = "
            WITH free AS (
                SELECT host FROM kubectl_certs_domains WHERE host = $1
                AND (claimed_by IS NULL OR claimed_by = $2 OR claimed_until <= floor(extract(epoch FROM now())))
                FOR UPDATE SKIP LOCKED
            ) UPDATE kubectl_certs_domains AS it SET claimed_by = $2, claimed_until = $3
            FROM free WHERE it.host = free.host RETURNING it.version";
        let name = host.as_str();
        let parameters = [
            typed(&name, Type::TEXT),
            typed(&by, Type::TEXT),
            typed(&until, Type::INT8),
        ];
        let rows = self.pool.rows(sql, &parameters, true).await?;
        Ok(!rows.is_empty())
    }

    /// States change with the time, so the database does not know them: rows are read until there are enough.
    async fn page_now(&self, filter: &Filter, after: Option<&Host>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let sql = "
            SELECT record::text FROM kubectl_certs_domains WHERE host > $1
            AND ($2::text IS NULL OR tenant = $2) AND ($3::text IS NULL OR position($3 IN host) > 0)
            ORDER BY host LIMIT $4";
        let now = now();
        let tenant = filter.tenant.as_ref().map(ToString::to_string);
        let together = match filter.state {
            None => i64::try_from(limit).unwrap_or(TOGETHER).min(TOGETHER),
            Some(_) => TOGETHER,
        };
        let mut last = after.map_or_else(String::new, ToString::to_string);
        let mut page = Vec::new();
        while page.len() < limit {
            let parameters = [
                typed(&last, Type::TEXT),
                typed(&tenant, Type::TEXT),
                typed(&filter.part, Type::TEXT),
                typed(&together, Type::INT8),
            ];
            let rows = self.pool.rows(sql, &parameters, true).await?;
            let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < together;
            for row in &rows {
                let record = read(&column::<String>(row, 0)?)?;
                last = record.host.to_string();
                if page.len() < limit && filter.admits(&record, now) {
                    page.push(record);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(page)
    }
}

/// A value of a row.
fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at)
        .map_err(|error| StoreError::Database(format!("has tables that are not this program's: {error}")))
}

fn read(text: &str) -> Result<Record, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable {
        host: serde_json::from_str::<serde_json::Value>(text)
            .ok()
            .and_then(|value| value["host"].as_str().map(str::to_owned))
            .unwrap_or_default(),
        why: error.to_string(),
    })
}

fn host(text: &str) -> Result<Host, StoreError> {
    text.parse()
        .map_err(|why: crate::domain::HostError| StoreError::Unreadable {
            host: text.to_owned(),
            why: why.to_string(),
        })
}

impl Store for PostgresStore {
    fn get<'a>(&'a self, host: &'a Host) -> Later<'a, Option<(Record, Version)>> {
        Box::pin(self.get_now(host))
    }

    fn put<'a>(&'a self, record: &'a Record, was: Option<&'a Version>) -> Later<'a, Version> {
        Box::pin(self.put_now(record, was))
    }

    fn due(&self, until: Seconds, limit: usize) -> Later<'_, Vec<Host>> {
        Box::pin(self.due_now(until, limit))
    }

    fn claim<'a>(&'a self, host: &'a Host, by: &'a str, until: Seconds) -> Later<'a, bool> {
        Box::pin(self.claim_now(host, by, until))
    }

    fn watch(&self, from: Option<Cursor>) -> BoxStream<'_, Result<Change, StoreError>> {
        Watching::new(&self.pool, self.news.subscribe(), from).stream()
    }

    fn page<'a>(&'a self, filter: &'a Filter, after: Option<&'a Host>, limit: usize) -> Later<'a, Vec<Record>> {
        Box::pin(self.page_now(filter, after, limit))
    }
}
