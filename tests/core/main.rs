//! The pure core by itself, with its unit tests: a change to it is compiled without the rest of the program, in a third of the time
//! (`cargo test --test core`). What does not compile here is not pure. All of these tests are the library's too, which is why this
//! target is built only when it is named.

// Whoever uses these items is not here.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]

#[path = "../../src/check/mod.rs"]
mod check;
#[path = "../../src/error/mod.rs"]
mod error;
#[path = "../../src/event/mod.rs"]
mod event;
#[path = "../../src/inventory/mod.rs"]
mod inventory;
#[path = "../../src/name.rs"]
mod name;
#[path = "../../src/object/mod.rs"]
mod object;
#[path = "../../src/plan/mod.rs"]
mod plan;
#[path = "../../src/text/mod.rs"]
mod text;
#[path = "../../src/x509/mod.rs"]
mod x509;
