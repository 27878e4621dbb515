//! What leads requests for hosts to the platform: few objects with many hosts each, or one for each host.

use super::{
    chunks::Chunks,
    routes::{Routes, RoutesError},
};
use crate::{
    domain::Tenant,
    object::{Key, Text},
};

/// The objects, in one of the two ways.
#[derive(Debug)]
pub enum Routing {
    /// Few objects with many hosts each.
    Chunks(Chunks),
    /// One for each host, of a template.
    Routes(Routes),
}

impl Routing {
    /// Has a host of a tenant served with a Secret.
    pub fn want(&mut self, host: &Text, secret: &Key, tenant: &Tenant) {
        match self {
            Self::Chunks(chunks) => chunks.want(host, secret),
            Self::Routes(routes) => routes.want(host, secret, tenant),
        }
    }

    /// Has a host no longer served.
    pub fn forget(&mut self, host: &Text) {
        match self {
            Self::Chunks(chunks) => chunks.forget(host),
            Self::Routes(routes) => routes.forget(host),
        }
    }

    /// Takes note that every host that is wanted was told.
    pub fn complete(&mut self) {
        match self {
            Self::Chunks(chunks) => chunks.complete(),
            Self::Routes(routes) => routes.complete(),
        }
    }

    /// Whether something can be written.
    pub fn is_dirty(&self) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.is_dirty(),
            Self::Routes(routes) => routes.is_dirty(),
        }
    }

    /// Reads what there is, so that what somebody has changed is put right by the next [`Routing::write`].
    ///
    /// # Errors
    ///
    /// The cluster refuses or does not answer, or there is no template that can be used. What was read before is still known.
    pub async fn read(&mut self) -> Result<(), RoutesError> {
        match self {
            Self::Chunks(chunks) => Ok(chunks.read().await?),
            Self::Routes(routes) => routes.read().await,
        }
    }

    /// Writes what differs from what is wanted. `may` is asked before each request.
    ///
    /// # Errors
    ///
    /// The first error; what was not written is tried again by the next call.
    pub async fn write(&mut self, may: &(dyn Fn() -> bool + Sync)) -> Result<usize, RoutesError> {
        match self {
            Self::Chunks(chunks) => Ok(chunks.write(may).await?),
            Self::Routes(routes) => routes.write(may).await,
        }
    }
}
