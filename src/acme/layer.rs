//! What is between instant-acme and the network: it answers what is known, sends what is not, and keeps what was answered.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    directory::Directory,
    error::AcmeError,
    http::{Http, HttpAnswer},
    jws::Signer,
    key::AccountKey,
};

tokio::task_local! {
    /// What the task is sending. An account's requests run side by side, and instant-acme does not say to which of its own
    /// a request belongs.
    static EXCHANGE: Arc<Exchange>;
}

/// What instant-acme gets in place of an answer: it is kept, and read here.
const KEPT: Error = Error::Str("the answer is kept");

/// One request that is made and signed by instant-acme, sent once, and answered.
pub(super) struct Exchange {
    /// Where it goes.
    pub(super) url: String,
    /// The nonce that it is signed with.
    pub(super) nonce: String,
    /// What is not asked, because it is known: bodies by their URLs.
    pub(super) known: Vec<(&'static str, String)>,
    /// Who signs in place of instant-acme, where it cannot, and for which account.
    pub(super) signer: Option<(AccountKey, String)>,
    /// What became of it.
    pub(super) outcome: Mutex<Option<Result<HttpAnswer, AcmeError>>>,
}

impl Exchange {
    /// Lets `work` make and sign the request, and returns what was answered to it.
    pub(super) async fn of(self, work: impl Future<Output = Result<(), Error>>) -> Result<HttpAnswer, AcmeError> {
        let exchange = Arc::new(self);
        let ended = EXCHANGE.scope(Arc::clone(&exchange), work).await;
        let kept = exchange.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.unwrap_or_else(|| Err(unsent(ended.err(), &exchange.url)))
    }

    /// The body to send: as instant-acme signed it, or with the same payload and another key.
    fn body(&self, signed: &[u8]) -> Result<String, AcmeError> {
        #[derive(Deserialize)]
        struct Signed {
            payload: String,
        }
        let unsigned = || AcmeError::Key("signing failed".to_owned());
        let Some((key, account)) = &self.signer else {
            return String::from_utf8(signed.to_vec()).map_err(|_| unsigned());
        };
        let signed: Signed = serde_json::from_slice(signed).map_err(|_| unsigned())?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(signed.payload);
        let payload = payload.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let by = Signer::Kid(key.signing(), account);
        by.sign(&self.url, Some(&self.nonce), &payload.ok_or_else(unsigned)?)
    }
}

/// Why nothing was sent.
pub(super) fn unsent(error: Option<Error>, url: &str) -> AcmeError {
    match error {
        Some(Error::Crypto | Error::KeyRejected) => AcmeError::Key("signing failed".to_owned()),
        Some(error) => AcmeError::malformed(url, crate::text::clear(&error.to_string())),
        None => AcmeError::malformed(url, "nothing was asked"),
    }
}

/// Sends for instant-acme. Cheap to clone.
#[derive(Clone)]
pub(super) struct Layer {
    http: Http,
    /// The directory as it has been read, so that no account reads it again.
    directory: Bytes,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

impl Layer {
    pub(super) fn new(http: Http, directory: &Directory) -> Self {
        Self {
            http,
            directory: for_crate(directory).to_string().into(),
        }
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    async fn answer(
        self,
        request: Request<BodyWrapper<Bytes>>,
        exchange: Option<Arc<Exchange>>,
    ) -> Result<BytesResponse, Error> {
        let exchange = match (request.method(), exchange) {
            (&Method::GET, _) => return answered(None, self.directory),
            (_, None) => return Err(Error::Str("nothing is being sent")),
            (&Method::HEAD, Some(exchange)) => return answered(Some(&exchange.nonce), Bytes::new()),
            (_, Some(exchange)) => exchange,
        };
        let known = exchange.known.iter().find(|(url, _)| request.uri() == url);
        if let Some((_, body)) = known {
            return answered(None, Bytes::from(body.clone()));
        }
        let Ok(signed) = request.into_body().collect().await;
        let outcome = match exchange.body(&signed.to_bytes()) {
            Ok(body) => self.http.post(&exchange.url, body).await,
            Err(error) => Err(error),
        };
        *exchange.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        Err(KEPT)
    }
}

/// The directory as instant-acme has to have it. What the CA does not offer is asked about before instant-acme is.
fn for_crate(directory: &Directory) -> Value {
    let url = |offered: Result<&str, AcmeError>| offered.unwrap_or("https://known.invalid/none").to_owned();
    json!({
        "newNonce": url(directory.new_nonce()), "newAccount": url(directory.new_account()),
        "newOrder": url(directory.new_order()), "revokeCert": url(directory.revoke_cert()),
        "renewalInfo": directory.renewal_info, "meta": {"profiles": directory.meta.profiles},
    })
}

impl HttpClient for Layer {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let exchange = EXCHANGE.try_with(Arc::clone).ok();
        Box::pin(self.clone().answer(request, exchange))
    }
}

/// An answer that comes from here.
fn answered(nonce: Option<&str>, body: Bytes) -> Result<BytesResponse, Error> {
    let mut answer = Response::builder();
    if let Some(nonce) = nonce {
        answer = answer.header("replay-nonce", nonce);
    }
    Ok(answer.body(Full::new(body))?.into())
}
