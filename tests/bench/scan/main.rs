//! Measures a scan.

fn main() {}
