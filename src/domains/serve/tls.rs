//! TLS of the server: its own certificate, read again when it changes, and the certificates of its clients.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rustls::ServerConfig;
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio::{net::TcpStream, task::JoinHandle, time::sleep};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    hands::read_secret,
    who::{Caller, Door},
};
use crate::{k8s::Api, object::Key, tls};

/// How often it is looked whether the server's certificate has changed.
const LOOK: Duration = Duration::from_mins(1);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// The address.
    pub(super) address: IpAddr,
    /// Whether nobody in between reads along.
    pub(super) is_private: bool,
    /// The caller whose certificate TLS has judged.
    pub(super) caller: Option<Caller>,
}

/// The certificate of the server, as it is read.
#[derive(Clone)]
pub struct Identity {
    /// The chain in PEM.
    pub chain: Vec<u8>,
    /// The private key in PEM.
    pub key: SecretSlice<u8>,
    /// The CA of clients in PEM; without it no client certificate is asked for.
    pub client_ca: Option<Vec<u8>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Where the certificate of the server is.
pub trait Identities: Send + Sync + fmt::Debug {
    /// Reads it. The error is a fragment that fits "the certificate of the server cannot be read: ...".
    fn read(&self) -> BoxFuture<'_, Result<Identity, String>>;
}

/// One that stays.
impl Identities for Identity {
    fn read(&self) -> BoxFuture<'_, Result<Identity, String>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

/// A Secret of type `kubernetes.io/tls`, whose `ca.crt` is the CA of clients.
#[derive(Debug, Clone)]
pub struct IdentitySecret {
    /// Reads it.
    pub api: Api,
    /// The Secret.
    pub secret: Key,
}

impl Identities for IdentitySecret {
    fn read(&self) -> BoxFuture<'_, Result<Identity, String>> {
        Box::pin(async move {
            let read = read_secret(&self.api, &self.secret, ["tls.crt", "tls.key", "ca.crt"]).await?;
            let [chain, key, client_ca] = read.ok_or_else(|| format!("there is no Secret {}", self.secret))?;
            let (Some(chain), Some(key)) = (chain, key) else {
                return Err(format!("Secret {} lacks tls.crt or tls.key", self.secret));
            };
            Ok(Identity {
                chain: chain.expose_secret().to_vec(),
                key,
                client_ca: client_ca.map(|ca| ca.expose_secret().to_vec()),
            })
        })
    }
}

/// The present configuration.
#[derive(Clone)]
pub(super) struct Tls {
    identities: Arc<dyn Identities>,
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("identities", &self.identities)
            .finish_non_exhaustive()
    }
}

async fn configured(identities: &dyn Identities) -> Result<Arc<ServerConfig>, String> {
    let identity = identities.read().await?;
    let config = tls::server(
        &identity.chain,
        identity.key.expose_secret(),
        identity.client_ca.as_deref(),
    );
    config.map(Arc::new).map_err(|error| error.to_string())
}

impl Tls {
    /// Reads the certificate for the first time.
    pub(super) async fn new(identities: Arc<dyn Identities>) -> Result<Self, String> {
        let config = configured(identities.as_ref()).await?;
        Ok(Self {
            identities,
            config: Arc::new(RwLock::new(config)),
        })
    }

    /// Reads it again from now on, each minute. One that cannot be read changes nothing.
    pub(super) fn keep_current(&self) -> JoinHandle<()> {
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                sleep(LOOK).await;
                this.look().await;
            }
        })
    }

    async fn look(&self) {
        match configured(self.identities.as_ref()).await {
            Ok(config) => *self.config.write().unwrap_or_else(PoisonError::into_inner) = config,
            Err(why) => log::warn!("the certificate of the domains' server cannot be read, and stays: {why}"),
        }
    }

    /// Greets a client; `None` if that fails.
    pub(super) async fn accept(
        &self,
        tcp: TcpStream,
        from: SocketAddr,
        door: &Door,
    ) -> Option<(TlsStream<TcpStream>, Peer)> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(config).accept(tcp).await.ok()?;
        let certificates = stream.get_ref().1.peer_certificates();
        let caller = certificates
            .and_then(<[_]>::first)
            .and_then(|certificate| door.of_certificate(certificate.as_ref()));
        let peer = Peer {
            address: from.ip().to_canonical(),
            is_private: true,
            caller,
        };
        Some((stream, peer))
    }
}
