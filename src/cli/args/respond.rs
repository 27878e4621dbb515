//! The command line of `respond`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    settings::value::duration,
    solve::http01::{Thumbprint, objects::POD_PORT},
};

/// `respond`: what the solver's Pod runs. Not for people, so not shown.
#[derive(Debug, Clone, Args)]
pub struct RespondArgs {
    /// The thumbprint of the account's key
    #[arg(long, value_name = "THUMBPRINT")]
    pub thumbprint: Thumbprint,
    /// The port to answer on
    #[arg(long, default_value_t = POD_PORT)]
    pub port: u16,
    /// The address to answer on; every address of this machine by default
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<IpAddr>,
    /// End after this long; with --check, give up after this long
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1h")]
    pub deadline: Duration,
    /// Do not answer, but look whether this host does
    #[arg(long, value_name = "HOST", requires = "token")]
    pub check: Option<String>,
    /// The token to look for
    #[arg(long, value_name = "TOKEN", requires = "check")]
    pub token: Option<String>,
    /// An address of the host's route; may be given more than once
    #[arg(long, value_name = "ADDRESS", requires = "check")]
    pub route_address: Vec<String>,
    /// Where what was seen is written to, besides standard output
    #[arg(long, value_name = "FILE", requires = "check")]
    pub report: Option<PathBuf>,
}
