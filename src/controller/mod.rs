//! The unattended mode: a third caller of [`ops`](crate::ops), which goes on.
//!
//! ```text
//! watch → inventory → plan::wanted → keeper → queue ──→ ops::unattended → engine
//!                                      ↑  fate ←──────────────────────────┘
//! leader  who orders    routes  lead challenges to it    audit  what it did
//! ```
//!
//! [`run`](run()) is the loop; [`keeper`] decides what is queued, [`queue`] what is next, [`moment`] when a renewal is due,
//! [`fate`] what becomes of what was ordered, and [`aftercare`] what becomes of what was stored. They are pure, and know nothing of
//! each other's inside. [`memory`] stores what is not healthy, for everybody to see and for the next leader; [`news`] says what of it is new, for whoever is told.

pub mod aftercare;
pub mod ari;
pub mod audit;
pub mod choice;
pub mod copies;
pub mod fate;
pub mod front;
pub mod keeper;
pub mod leader;
pub mod memory;
pub mod moment;
pub mod news;
pub mod overview;
pub mod queue;
pub mod restores;
pub mod routes;
mod run;
pub mod serve;
pub mod state;
pub mod tally;
pub mod twice;

pub use run::{Request, run};
