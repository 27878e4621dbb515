//! Customers' domains: thousands of hosts that an application knows, each with a record of where it stands. Pure.
//!
//! A [`Record`] is what a [store](crate::domains::store) has of one [`Host`]. The functions here say what an answer, a
//! look at DNS or the time makes of it; whoever calls them stores the result.

mod host;
mod record;
mod state;

pub use host::{Host, HostError, Platform};
pub use record::{
    Asked, Looked, Marks, Material, Moved, OrderState, Pair, Purpose, Record, RecordKind, Said, Served, Tenant,
    TenantError, ToSet,
};
pub use state::{State, Told, is_permitted, state};
