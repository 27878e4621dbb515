//! The CA's directory: it is far away, so it is read beside the cluster; who needs no CA does not wait for it.

use tokio::{
    sync::{Mutex, OnceCell},
    task::JoinHandle,
};

use crate::{
    acme::{Acme, AcmeError, Issuer},
    error::Blame,
};

use super::{Front, OpError};

/// A directory that is being read, or will be when it is asked for.
pub(super) struct Directory {
    issuer: Issuer,
    reading: Mutex<Option<JoinHandle<Result<Acme, AcmeError>>>>,
    read: OnceCell<Acme>,
}

impl Directory {
    /// Begins to read that of an issuer.
    pub(super) fn begin(issuer: &Issuer) -> Self {
        let asked = issuer.clone();
        Self {
            reading: Mutex::new(Some(tokio::spawn(async move { Acme::open(&asked).await }))),
            issuer: issuer.clone(),
            read: OnceCell::new(),
        }
    }

    /// Waits until it is asked for: for whoever may need no CA at all.
    pub(super) fn later(issuer: &Issuer) -> Self {
        Self {
            issuer: issuer.clone(),
            reading: Mutex::default(),
            read: OnceCell::new(),
        }
    }

    /// What was read, once it is.
    pub(super) async fn get(&self, front: &dyn Front) -> Result<&Acme, OpError> {
        let read = || async {
            let reading = self.reading.lock().await.take();
            let _waiting = front.wait_for_ca(&self.issuer.name);
            match reading {
                Some(reading) => match reading.await {
                    Ok(read) => read.map_err(|error| OpError::because(&error)),
                    Err(_) => Err(OpError::new(Blame::Acme, "reading the CA's directory was cut off")),
                },
                None => Acme::open(&self.issuer).await.map_err(|error| OpError::because(&error)),
            }
        };
        self.read.get_or_try_init(read).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.get_mut().take() {
            reading.abort();
        }
    }
}
