use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    acme::{Acme, AcmeError, Issuer, fake::LIMITS},
    error::Diagnose as _,
};

/// A proxy that answers everything in this way.
struct Small {
    address: String,
    asked: Arc<AtomicUsize>,
    /// What it was asked last.
    last: Arc<std::sync::Mutex<String>>,
}

impl Small {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let small = Self {
            address: listener.local_addr().unwrap().to_string(),
            asked: Arc::default(),
            last: Arc::default(),
        };
        let (asked, last) = (small.asked.clone(), small.last.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let count = stream.read(&mut head).await.unwrap_or(0);
                asked.fetch_add(1, Ordering::Relaxed);
                *last.lock().unwrap() = String::from_utf8_lossy(&head[..count]).into_owned();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        small
    }

    async fn refusal(&self) -> AcmeError {
        let mut issuer = Issuer::new("own", "https://ca.example/dir");
        issuer.proxy = Some(format!("http://user:hunter2@{}", self.address));
        Acme::open_with(&issuer, LIMITS).await.unwrap_err()
    }
}

#[tokio::test]
async fn a_proxy_that_makes_no_connection_is_named_with_its_status_and_without_its_password() {
    for (answer, words, hint, tries) in [
        (
            "HTTP/1.1 403 Forbidden by policy\r\n\r\n",
            "answers with status 403 (Forbidden) when it is asked for a connection to ca.example:443",
            "have the CA's host allowed in the proxy",
            1,
        ),
        (
            "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n",
            "answers with status 407 (Proxy Authentication Required)",
            "give the proxy's user and password",
            1,
        ),
        (
            "HTTP/1.0 503 Down\r\nContent-Type: text/html\r\n\r\n<html>",
            "answers with status 503 (Service Unavailable)",
            "check that the proxy reaches the CA's host",
            4,
        ),
        (
            "SSH-2.0-x\r\n",
            "does not answer as an HTTP proxy does",
            "check the proxy's address",
            4,
        ),
    ] {
        let proxy = Small::start(answer).await;
        let error = proxy.refusal().await;
        let (text, said) = (error.to_string(), error.hint().unwrap());
        assert!(
            text.starts_with(&format!("the proxy http://{} {words}", proxy.address)),
            "{text}"
        );
        assert!(said.contains(hint), "{said}");
        assert!(!format!("{error:?}{text}{said}").contains("hunter2"), "{error:?}");
        // Each try is the client's question and ours.
        assert_eq!(proxy.asked.load(Ordering::Relaxed), 2 * tries, "{text}");
        let last = proxy.last.lock().unwrap().clone();
        assert!(last.starts_with("CONNECT ca.example:443 HTTP/1.1\r\n"), "{last}");
        assert!(last.contains("Proxy-Authorization: Basic "), "{last}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let proxy = Small::start("").await;
    let mut issuer = Issuer::new("own", "https://ca.example/dir");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop((proxy, free));
    issuer.proxy = Some(address.to_string());
    let error = Acme::open_with(&issuer, LIMITS).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("the proxy http://{address} cannot be reached: ")),
        "{text}"
    );
    assert!(error.hint().unwrap().contains("HTTPS_PROXY"), "{error:?}");
}
