//! The program as kubectl's plugin, against the testbed's real cluster: `tests/run` runs these.

mod acme;
mod account;
mod apply;
mod bad_input;
mod certmanager;
mod connect;
mod dns01;
mod exit;
mod gateway;
mod http01;
mod pods;
mod probe;
mod revoke;
mod rights;
mod rollback;
mod scope;
mod servers;
mod show;
mod status;
mod traefik;
mod watch;
