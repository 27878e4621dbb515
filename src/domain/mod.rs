//! Customers' domains: thousands of hosts that an application knows, each with a record of where it stands. Pure.
//!
//! A [`Record`] is what a [store](crate::domains::store) has of one [`Host`]. The functions here say what an answer, a
//! look at DNS or the time makes of it; whoever calls them stores the result.

mod answer;
pub mod dns;
mod due;
mod host;
pub mod leaving;
pub mod limit;
pub mod order;
mod record;
mod state;
#[cfg(test)]
pub(crate) mod testing;

pub use answer::{Question, REMEMBERED, next_question};
pub use host::{Host, HostError, Platform};
pub use leaving::{Access, Census, Frozen, access, may_leave};
pub use record::{
    Asked, Looked, Marks, Material, Moved, OrderState, Pair, Purpose, Record, RecordKind, Said, Served, Tenant,
    TenantError, ToSet,
};
pub use state::{State, Told, is_permitted, state, state_for};
