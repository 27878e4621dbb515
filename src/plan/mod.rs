//! What is to be renewed, and the steps that it takes. Pure.

pub mod caa;
pub mod limits;
pub mod names;
pub mod permits;
pub mod preflight;
pub mod resource;
pub mod steps;
pub mod target;

pub use names::Names;
pub use target::{Choice, Held, NoTarget, Target, Use, targets};
