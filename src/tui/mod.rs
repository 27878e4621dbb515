//! The screen: browse, understand, renew.
//!
//! ```text
//! keys, the clock ┐                                   ┌→ view(&Model, frame)
//! what was read   ├→ Message → update(&mut Model) ────┤
//! what came of it ┘                                   └→ Effect → (whoever runs it) → Message
//! ```
//!
//! The model holds plain values, and nobody locks it. [`update()`] is the one place where it changes; effects are the only way
//! out, messages the only way in. What effects do (read a cluster, renew, save) is elsewhere: this module knows no cluster.

pub mod cells;
pub mod columns;
pub mod effect;
pub mod filter;
pub mod item;
pub mod keymap;
pub mod message;
pub mod model;
pub mod order;
pub mod rows;
pub mod run;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod views;

pub use crate::text::CommandLine;
pub use effect::Effect;
pub use message::Message;
pub use model::{Model, Ui};
pub use update::update;
