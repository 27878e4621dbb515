//! The ACME protocol (RFC 8555, RFC 9773): directory, account, order, renewal information. Knows nothing of solvers.
