//! The program as kubectl's plugin, against the testbed's real cluster: `tests/run` runs these.

mod account;
mod acme;
mod apply;
mod bad_input;
mod certmanager;
mod connect;
mod dns01;
mod exit;
mod gateway;
mod http01;
mod issue_dns;
mod issue_protocol;
mod pods;
mod probe;
mod renew;
mod revoke;
mod rights;
mod rollback;
mod scope;
mod servers;
mod show;
mod status;
mod traefik;
mod watch;
