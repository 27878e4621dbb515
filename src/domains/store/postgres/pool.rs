//! A few connections to the database, made when they are needed, each with a limit for every question.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};
use tokio_postgres::{
    Client, Connection, Error, Row, Socket,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    address::Address,
    tls::{Encrypted, Tls},
};
use crate::{
    clock::{Pauses, spread},
    domains::store::StoreError,
    error::chain,
};

/// How many connections there are at most, besides the one that listens.
const MOST: usize = 8;
/// How long a question may take: a little longer than the server itself gives it.
const ANSWER: Duration = Duration::from_secs(12);
/// How long it is tried to connect: a server that restarts is back within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between two attempts.
const PAUSES: Pauses = Pauses::doubling(Duration::from_millis(100), Duration::from_secs(1));

/// A parameter with its type.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A parameter of a type.
pub(super) fn typed(value: &(dyn ToSql + Sync), kind: Type) -> Parameter<'_> {
    (value, kind)
}

/// The connections.
pub(super) struct Pool {
    address: Address,
    idle: Mutex<Vec<Client>>,
    permits: Semaphore,
}

/// What an error means that comes from the connection and not from the question.
pub(super) fn is_of_the_connection(error: &Error) -> bool {
    let ends = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    error.code().is_none_or(|code| ends.contains(code))
}

/// The words for an error, which name no password: the driver's do not.
pub(super) fn refused(error: &Error) -> StoreError {
    let words = error
        .as_db_error()
        .map_or_else(|| chain(error), |said| said.message().to_owned());
    let what = if is_of_the_connection(error) {
        "cannot be reached"
    } else {
        "refuses"
    };
    StoreError::Database(format!("{what}: {words}"))
}

impl Pool {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            idle: Mutex::default(),
            permits: Semaphore::new(MOST),
        }
    }

    /// Asks, on a connection that is free. Where it has broken meanwhile, it is asked on a new one, once, if nothing was sent or if
    /// `is_harmless` says that asking twice is the same as once.
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        is_harmless: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(StoreError::Database("is no longer asked".to_owned()));
        };
        let mut is_first = true;
        loop {
            let known = if is_first { self.take() } else { None };
            let is_known = known.is_some();
            let client = match known {
                Some(client) => client,
                None => self.connect().await?,
            };
            let answer = tokio::time::timeout(ANSWER, client.query_typed(sql, parameters)).await;
            let Ok(answer) = answer else {
                let words = format!("does not answer within {} s", ANSWER.as_secs());
                return Err(StoreError::Database(words));
            };
            match answer {
                Ok(rows) => {
                    self.keep(client);
                    return Ok(rows);
                }
                Err(error) if is_of_the_connection(&error) => {
                    // The others have broken with it.
                    self.idle().clear();
                    if !(is_known && is_first && is_harmless) {
                        return Err(refused(&error));
                    }
                    is_first = false;
                }
                Err(error) => {
                    self.keep(client);
                    return Err(refused(&error));
                }
            }
        }
    }

    /// A new connection, for whoever keeps it.
    pub(super) async fn connect(&self) -> Result<Client, StoreError> {
        let (client, connection) = self.open().await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                log::debug!("a connection to the database has ended: {}", chain(&error));
            }
        });
        Ok(client)
    }

    /// The two halves of a new connection.
    pub(super) async fn open(&self) -> Result<(Client, Connection<Socket, Encrypted>), StoreError> {
        let until = Instant::now() + PATIENCE;
        let mut pauses = PAUSES;
        loop {
            let tls = Tls(self.address.tls.clone());
            let error = match tokio::time::timeout(ANSWER, self.address.config.connect(tls)).await {
                Ok(Ok(opened)) => return Ok(opened),
                Ok(Err(error)) => error,
                Err(_) => return Err(StoreError::Database("cannot be reached: no answer in time".to_owned())),
            };
            let pause = spread(pauses.take());
            if !is_of_the_connection(&error) || Instant::now() + pause > until {
                return Err(refused(&error));
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Client> {
        let mut idle = self.idle();
        idle.retain(|client| !client.is_closed());
        idle.pop()
    }

    fn keep(&self, client: Client) {
        if !client.is_closed() {
            self.idle().push(client);
        }
    }
}
