//! Customers' domains, as far as they have to do with the world: the store of their records, the question to the
//! application, the API and the source of certificates. What is decided of a record is in [`crate::domain`].

pub mod ask;
pub mod chunks;
pub mod instructed;
pub mod keep;
pub mod look;
pub mod routes;
pub mod routing;
pub mod rows;
pub mod serve;
pub mod store;
pub mod template;
pub mod webhook;
