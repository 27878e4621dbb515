//! A directory that has been read, and an account at it.

use std::{fmt, future::Future, sync::Arc, time::Instant};

use tokio::{sync::OnceCell, time::sleep};

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
        })))
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
        let thumbprint = key.thumbprint();
        Client(Arc::new(SharedClient {
            acme: self.clone(),
            key,
            account_url: account_url.into(),
            thumbprint,
            account: OnceCell::new(),
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

    async fn new_nonce(&self) -> Result<String, AcmeError> {
        let url = &self.0.directory.new_nonce;
        let answer = self.http().head(url).await?;
        answer
            .nonce
            .ok_or_else(|| AcmeError::malformed(url, "there is no nonce in it"))
    }
}

/// An account at a directory. Cheap to clone, and used by many orders at once.
#[derive(Clone)]
pub struct Client(Arc<SharedClient>);

struct SharedClient {
    acme: Acme,
    key: AccountKey,
    account_url: String,
    thumbprint: String,
    /// The same as instant-acme has it, from the first request on.
    account: OnceCell<instant_acme::Account>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.account_url).finish()
    }
}

impl Client {
    /// The directory.
    pub fn acme(&self) -> &Acme {
        &self.0.acme
    }

    /// The account's URL.
    pub fn account_url(&self) -> &str {
        &self.0.account_url
    }

    /// The account's key.
    pub fn key(&self) -> &AccountKey {
        &self.0.key
    }

    /// The thumbprint of the account's key, in base64url: what every key authorization ends with.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    pub(super) async fn account_of_crate(&self) -> Result<&instant_acme::Account, AcmeError> {
        let acme = &self.0.acme;
        let account = || {
            engine::account(
                acme.layer().clone(),
                &self.0.key,
                &self.0.account_url,
                acme.directory_url(),
            )
        };
        self.0.account.get_or_try_init(account).await
    }
}
