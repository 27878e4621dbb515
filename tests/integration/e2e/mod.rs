//! The program as kubectl's plugin, against the testbed's real cluster: `tests/run` runs these.

mod bad_input;
mod connect;
mod exit;
mod gateway;
mod http01;
mod pods;
mod probe;
mod rights;
mod scope;
mod servers;
mod show;
mod status;
mod traefik;
mod watch;
