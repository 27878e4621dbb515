//! A picture of one thing.
