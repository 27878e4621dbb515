//! A directory that has been read, and an account at it.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{Mutex, OnceCell},
    time::sleep,
};

use super::{
    directory::Directory,
    engine,
    error::AcmeError,
    http::{Http, HttpAnswer, Limits},
    issuer::Issuer,
    jws::Signer,
    key::AccountKey,
    layer::Layer,
    nonce::Nonces,
    problem::Problem,
};
use crate::object::Seconds;

/// How often a nonce may be refused in a row: at one in five, one request in ten million fails.
const BAD_NONCES: u32 = 10;

/// A directory that has been read: what needs no account. Cheap to clone; clones share connections and nonces.
#[derive(Clone)]
pub struct Acme(Arc<SharedAcme>);

struct SharedAcme {
    layer: Layer,
    directory: Directory,
    directory_url: String,
    nonces: Nonces,
    /// Whether the server gives nonces by GET alone.
    no_head: AtomicBool,
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acme").field(&self.0.directory_url).finish()
    }
}

impl Acme {
    /// Reads an issuer's directory.
    pub async fn open(issuer: &Issuer) -> Result<Self, AcmeError> {
        Self::open_with(issuer, Limits::default()).await
    }

    /// Reads an issuer's directory, with other limits than usual.
    pub async fn open_with(issuer: &Issuer, limits: Limits) -> Result<Self, AcmeError> {
        let http = Http::new(issuer, limits)?;
        let directory = Directory::fetch(&http, &issuer.directory_url).await?;
        Ok(Self(Arc::new(SharedAcme {
            layer: Layer::new(http, &directory),
            directory,
            directory_url: issuer.directory_url.clone(),
            nonces: Nonces::default(),
            no_head: AtomicBool::new(false),
        })))
    }

    /// The time by the CA's clock, in seconds since 1970, as its last answer told it; by this machine's clock where none
    /// did.
    pub fn server_time(&self) -> Seconds {
        self.0.layer.http().server_time()
    }

    /// What the CA offers and says of itself.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// The directory's URL.
    pub fn directory_url(&self) -> &str {
        &self.0.directory_url
    }

    /// An account that is known: nothing is asked.
    pub fn client(&self, key: AccountKey, account_url: impl Into<String>) -> Client {
        self.client_of(key, account_url.into(), None)
    }

    /// The same. `moved` is told when the CA turns out to have the account at another URL.
    pub fn client_of(&self, key: AccountKey, account_url: String, moved: Option<Box<dyn Moved>>) -> Client {
        let thumbprint = key.thumbprint();
        Client(Arc::new(SharedClient {
            acme: self.clone(),
            key,
            thumbprint,
            kept: KnownAccount::new(account_url),
            found: OnceLock::new(),
            sought: Mutex::default(),
            untold: AtomicBool::new(false),
            moved,
        }))
    }

    pub(super) fn http(&self) -> &Http {
        self.0.layer.http()
    }

    pub(super) fn layer(&self) -> &Layer {
        &self.0.layer
    }

    /// Sends what instant-acme does not sign, until there is an answer that stands.
    pub(super) async fn post(&self, signer: Signer<'_>, url: &str, payload: &str) -> Result<HttpAnswer, AcmeError> {
        let once = async |nonce: String| {
            let body = signer.sign(url, Some(&nonce), payload)?;
            self.http().post(url, body).await
        };
        self.call(url, once, |_| false).await
    }

    /// Sends a request until there is an answer that stands: a refused nonce is replaced, a busy or broken server asked
    /// again. `once` signs it with a nonce and sends it: no body is sent twice. All requests of ACME may be repeated: the
    /// second of two equal ones finds what the first has done. A problem of which `stands` says so is not asked about
    /// again, whatever its status. Fails when the answer is not a success.
    pub(super) async fn call<F>(
        &self,
        url: &str,
        once: impl Fn(String) -> F,
        stands: impl Fn(&Problem) -> bool,
    ) -> Result<HttpAnswer, AcmeError>
    where
        F: Future<Output = Result<HttpAnswer, AcmeError>>,
    {
        self.http().check(url)?;
        let began = Instant::now();
        let (mut refused, mut failed) = (0, 0);
        let mut nonce = self.0.nonces.take();
        loop {
            let used = match nonce.take() {
                Some(nonce) => nonce,
                None => self.new_nonce().await?,
            };
            let mut outcome = once(used).await;
            let fresh = outcome.as_mut().ok().and_then(|answer| answer.nonce.take());
            if let Ok(answer) = &outcome {
                if answer.is_success() {
                    self.0.nonces.put(fresh);
                    return outcome;
                }
                let problem = answer.problem();
                if problem.as_ref().is_some_and(&stands) {
                    self.0.nonces.put(fresh);
                    return Err(AcmeError::of(answer));
                }
                let bad_nonce = problem.is_some_and(|problem| problem.is("badNonce"));
                if bad_nonce && refused < BAD_NONCES {
                    refused += 1;
                    // Not one of the pool, which may be as stale.
                    nonce = fresh;
                    continue;
                }
            }
            let Some(wait) = self.http().again(&outcome, failed) else {
                self.0.nonces.put(fresh);
                return Err(outcome.map_or_else(|error| error.since(began), |answer| AcmeError::of(&answer)));
            };
            sleep(wait).await;
            failed += 1;
            nonce = fresh.or_else(|| self.0.nonces.take());
        }
    }

    /// Asks for a nonce by HEAD, and by GET where the server knows no HEAD (RFC 8555, section 7.2, has both).
    async fn new_nonce(&self) -> Result<String, AcmeError> {
        let url = self.0.directory.new_nonce()?;
        let no_head = &self.0.no_head;
        let mut answered = None;
        if !no_head.load(Ordering::Relaxed) {
            let answer = self.http().head(url).await?;
            if answer.is_busy() || answer.status == 429 {
                return Err(AcmeError::of(&answer));
            }
            let is_success = answer.is_success();
            answered = answer.nonce.filter(|_| is_success);
            no_head.store(answered.is_none(), Ordering::Relaxed);
        }
        let nonce = match answered {
            Some(nonce) => Some(nonce),
            None => self.http().get(url).await?.nonce,
        };
        nonce.ok_or_else(|| AcmeError::malformed(url, "there is no nonce in it"))
    }
}

/// Keeps where a CA has an account.
pub trait Moved: Send + Sync {
    /// The CA has the account of the key at this URL.
    fn moved<'a>(&'a self, url: &'a str) -> BoxFuture<'a, ()>;
}

/// An account at a directory. Cheap to clone, and used by many orders at once.
#[derive(Clone)]
pub struct Client(Arc<SharedClient>);

struct SharedClient {
    acme: Acme,
    key: AccountKey,
    thumbprint: String,
    /// Where the account was when it was kept.
    kept: KnownAccount,
    /// Where the CA has it now, if that is elsewhere: a CA that has moved gives its accounts other URLs.
    found: OnceLock<KnownAccount>,
    /// Whether the account has been looked for by its key: the CA says the same again.
    sought: Mutex<bool>,
    /// Whether it was found elsewhere, and nobody has been told.
    untold: AtomicBool,
    moved: Option<Box<dyn Moved>>,
}

/// The URL of an account, and the account as instant-acme has it, from the first request on.
struct KnownAccount {
    url: String,
    account: OnceCell<instant_acme::Account>,
}

impl KnownAccount {
    fn new(url: String) -> Self {
        Self {
            url,
            account: OnceCell::new(),
        }
    }
}

/// What came of looking for an account by its key.
pub(super) enum Sought {
    /// The CA has it at another URL, which counts from now on.
    Elsewhere,
    /// The CA knows none of this key.
    Nowhere,
    /// The CA has it where it is thought to be, or does not say.
    NothingNew,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.account_url()).finish()
    }
}

impl Client {
    /// The directory.
    pub fn acme(&self) -> &Acme {
        &self.0.acme
    }

    /// The account's URL.
    pub fn account_url(&self) -> &str {
        &self.place().url
    }

    /// The account's URL, once, after the CA turned out to have the account elsewhere than it was kept.
    pub fn take_moved(&self) -> Option<&str> {
        self.0.untold.swap(false, Ordering::Relaxed).then(|| self.account_url())
    }

    /// The account's key.
    pub fn key(&self) -> &AccountKey {
        &self.0.key
    }

    /// The thumbprint of the account's key, in base64url: what every key authorization ends with.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    fn place(&self) -> &KnownAccount {
        self.0.found.get().unwrap_or(&self.0.kept)
    }

    /// Asks the CA where the account of this key is (RFC 8555, section 7.3.1). `before` is the URL by which the CA does not know it.
    pub(super) async fn look_for_account(&self, before: &str) -> Sought {
        let mut sought = self.0.sought.lock().await;
        // Another request may have found it meanwhile.
        if self.account_url() != before {
            return Sought::Elsewhere;
        }
        if *sought {
            return Sought::NothingNew;
        }
        let url = match self.acme().find_account(&self.0.key).await {
            Ok(Some((_, account))) => account.url,
            Ok(None) => return Sought::Nowhere,
            Err(_) => return Sought::NothingNew,
        };
        *sought = true;
        if url == before || self.0.found.set(KnownAccount::new(url)).is_err() {
            return Sought::NothingNew;
        }
        self.0.untold.store(true, Ordering::Relaxed);
        if let Some(moved) = &self.0.moved {
            moved.moved(self.account_url()).await;
        }
        Sought::Elsewhere
    }

    pub(super) async fn account_of_crate(&self) -> Result<&instant_acme::Account, AcmeError> {
        let (acme, place) = (&self.0.acme, self.place());
        let account = || engine::account(acme.layer().clone(), &self.0.key, &place.url, acme.directory_url());
        place.account.get_or_try_init(account).await
    }
}
