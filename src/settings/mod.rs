//! Arguments, environment and file become one validated value.

pub mod value;
