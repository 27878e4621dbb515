//! The question to the application: is this host a customer's? 200 is yes, 404 is no, anything else is not now.
//!
//! Nobody can use it to reach another server, and a flood of unknown names can neither flood the application, nor fill the
//! memory, nor keep known hosts from being asked about.

mod pace;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use tokio::time::{Instant, timeout_at};

use pace::Pace;

use crate::{
    domain::{Host, REMEMBERED, Said},
    net::https::{self, HttpsError},
    settings::value::AskUrl,
    tls::{self, TlsError},
};

/// So much of an answer is read, in bytes. It says nothing; a connection whose answer was read can be used again.
const MOST: usize = 1_024;
/// How many questions are asked in a second, at most: so many at once, and as many more in that second.
const AT_ONCE: u32 = 10;
const EACH_SECOND: u32 = 40;
/// The same for hosts that nobody has registered. They leave room for the others.
const UNKNOWN_AT_ONCE: u32 = 5;
const UNKNOWN_EACH_SECOND: u32 = 25;
/// How many negative answers are remembered. There are fewer within a minute.
const MOST_REMEMBERED: usize = 4_096;

/// Why there is nobody to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot ask the application: {0}")]
pub struct AskError(#[from] HttpsError);

/// Asks the application. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Asker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    url: AskUrl,
    timeout: Duration,
    pace: Pace,
    unknown: Pace,
    memory: Mutex<Memory>,
}

/// An answer on its way, for all who wait for it.
type Pending = Shared<BoxFuture<'static, Said>>;

#[derive(Default)]
struct Memory {
    /// Until when a host is known to be nobody's.
    no: HashMap<Host, Instant>,
    /// The same in the order in which it ends.
    ends: VecDeque<(Instant, Host)>,
    /// The questions that are being asked, each with whether it is about a renewal.
    pending: HashMap<(Host, bool), Pending>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("no", &self.no.len())
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

impl Asker {
    /// Makes one for an address, which has so much time for an answer. `ca_pem` is trusted beside the usual roots.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up, or the CA cannot be read.
    pub fn new(url: AskUrl, timeout: Duration, ca_pem: Option<&[u8]>) -> Result<Self, AskError> {
        let config = tls::client(ca_pem).map_err(|error| match error {
            TlsError::Setup(why) => HttpsError::Tls(why),
            _ => HttpsError::Ca,
        })?;
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(Policy::none())
            // The address of the settings is asked, and nobody between.
            .no_proxy()
            .timeout(timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("kubectl-certs/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpsError::Tls(crate::error::chain(&error)))?;
        Ok(Self(Arc::new(Inner {
            client,
            url,
            timeout,
            pace: Pace::new(AT_ONCE, EACH_SECOND),
            unknown: Pace::new(UNKNOWN_AT_ONCE, UNKNOWN_EACH_SECOND),
            memory: Mutex::default(),
        })))
    }

    /// Asks about a host that somebody has registered, when it is its turn. Who asks about the same host meanwhile gets the
    /// same answer. A negative answer of the last minute is not asked for again, unless it is about a renewal.
    pub async fn ask(&self, host: &Host, renewal: bool) -> Said {
        let pending = {
            let mut memory = self.memory();
            if !renewal && memory.is_nobodys(host, Instant::now()) {
                return Said::No;
            }
            match memory.pending.get(&(host.clone(), renewal)) {
                Some(pending) => pending.clone(),
                None => memory.begin(self, host, renewal, true),
            }
        };
        pending.await
    }

    /// Asks about a host that nobody has registered; `None` if too many of these are asked about at the moment.
    pub async fn ask_about_unknown(&self, host: &Host) -> Option<Said> {
        let pending = {
            let mut memory = self.memory();
            if memory.is_nobodys(host, Instant::now()) {
                return Some(Said::No);
            }
            match memory.pending.get(&(host.clone(), false)) {
                Some(pending) => pending.clone(),
                // Its own turn is asked for first: what it does not get is not taken from the others.
                None if self.0.unknown.try_take() && self.0.pace.try_take() => memory.begin(self, host, false, false),
                None => return None,
            }
        };
        Some(pending.await)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn request(&self, host: &Host, renewal: bool) -> Said {
        let Inner {
            client, url, timeout, ..
        } = &*self.0;
        let ends = Instant::now() + *timeout;
        let answer = match timeout_at(ends, client.get(url.of(host.as_str(), renewal)).send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if !error.is_timeout() => return Said::NotNow(https::words(&error)),
            Ok(Err(_)) | Err(_) => {
                return Said::NotNow(format!(
                    "it did not answer within {}",
                    humantime::format_duration(*timeout)
                ));
            }
        };
        let said = said(answer.status());
        // The connection is given up if the rest does not come.
        let _ = timeout_at(ends, finish(answer)).await;
        said
    }
}

impl Memory {
    fn is_nobodys(&mut self, host: &Host, now: Instant) -> bool {
        while let Some((_, host)) = self.ends.pop_front_if(|(until, _)| *until <= now) {
            if self.no.get(&host).is_some_and(|until| *until <= now) {
                self.no.remove(&host);
            }
        }
        self.no.contains_key(host)
    }

    fn remember(&mut self, host: Host, until: Instant) {
        if self.ends.len() >= MOST_REMEMBERED
            && let Some((_, oldest)) = self.ends.pop_front()
        {
            self.no.remove(&oldest);
        }
        self.no.insert(host.clone(), until);
        self.ends.push_back((until, host));
    }

    /// Begins a question that goes on whether or not anybody waits for its answer.
    fn begin(&mut self, asker: &Asker, host: &Host, renewal: bool, waits: bool) -> Pending {
        let (asker, of) = (asker.clone(), host.clone());
        let task = tokio::spawn(async move {
            if waits {
                asker.0.pace.take().await;
            }
            let said = asker.request(&of, renewal).await;
            let mut memory = asker.memory();
            if said == Said::Yes {
                memory.no.remove(&of);
            }
            if said == Said::No {
                let until = Instant::now() + Duration::from_secs(REMEMBERED.unsigned_abs());
                memory.remember(of.clone(), until);
            }
            memory.pending.remove(&(of, renewal));
            said
        });
        let pending = async move {
            task.await
                .unwrap_or_else(|_| Said::NotNow("the question was given up".to_owned()))
        };
        let pending = pending.boxed().shared();
        self.pending.insert((host.clone(), renewal), pending.clone());
        pending
    }
}

/// What a status says.
fn said(status: StatusCode) -> Said {
    match status {
        StatusCode::OK => Said::Yes,
        StatusCode::NOT_FOUND => Said::No,
        status if status.is_redirection() => {
            Said::NotNow(format!("it answered {status}, and redirects are not followed"))
        }
        status => Said::NotNow(format!("it answered {status}")),
    }
}

/// Reads the rest of an answer that is small.
async fn finish(mut answer: Response) {
    let mut read = 0;
    while let Ok(Some(part)) = answer.chunk().await {
        read += part.len();
        if read > MOST {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
