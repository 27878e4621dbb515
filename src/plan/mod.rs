//! What is to be renewed, and the steps that it takes. Pure.

pub mod permits;
pub mod resource;
