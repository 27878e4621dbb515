//! A TLS server that stands in for an ingress controller: it shows the pair that a test says, or says nothing. No ingress
//! controller can be made to refuse one good pair and serve another.

use std::{
    io::Read as _,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    ServerConfig, ServerConnection,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;

use super::{issuing::NODE, pki::Pair, tls::server_config};

pub(crate) struct StandIn {
    address: String,
    shows: Arc<Mutex<Option<Arc<ServerConfig>>>>,
    asked: Arc<AtomicUsize>,
}

impl StandIn {
    /// One that accepts connections and closes them without a word, until the test process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((NODE, 0)).unwrap();
        let this = Self {
            address: listener.local_addr().unwrap().to_string(),
            shows: Arc::default(),
            asked: Arc::default(),
        };
        let (shows, asked) = (Arc::clone(&this.shows), Arc::clone(&this.asked));
        std::thread::spawn(move || {
            for mut tcp in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                let Some(config) = shows.lock().unwrap().clone() else {
                    continue;
                };
                std::thread::spawn(move || {
                    let mut tls = ServerConnection::new(config).unwrap();
                    let _ = rustls::Stream::new(&mut tls, &mut tcp).read_to_end(&mut Vec::new());
                });
            }
        });
        this
    }

    /// `ADDRESS:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Has it close connections without a word.
    pub(crate) fn says_nothing(&self) {
        *self.shows.lock().unwrap() = None;
    }

    /// Has it show a pair.
    pub(crate) fn shows(&self, pair: &Pair) {
        *self.shows.lock().unwrap() = Some(server_config(pair));
    }

    /// Has it show what a Secret holds.
    pub(crate) fn shows_secret(&self, secret: &Value) {
        let data = |key: &str| BASE64_STANDARD.decode(secret["data"][key].as_str().unwrap()).unwrap();
        let chain = CertificateDer::pem_slice_iter(&data("tls.crt"))
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&data("tls.key")).unwrap())
            .unwrap();
        *self.shows.lock().unwrap() = Some(Arc::new(config));
    }
}
