//! Whole stories: what a team has, what it types, and what it then has. They read as documentation.

mod container;
mod pipeline;
