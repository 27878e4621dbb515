//! A PKI for tests, made anew each time.
