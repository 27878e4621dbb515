//! `controller`, `pause` and `resume`.

use std::net::SocketAddr;

use clap::Args;

use super::{
    ClusterArgs, SourceArgs,
    issue::{IssuanceArgs, NotifyArgs},
};
use crate::{
    ops::{Config, OpError, issuance::Order, pause::NAMESPACE},
    settings::value::{AskUrl, Length},
};

/// `controller`.
#[derive(Debug, Clone, Args)]
pub struct ControllerCommand {
    /// What is followed.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How certificates are ordered.
    #[command(flatten)]
    pub how: IssuanceArgs,
    /// Who is told.
    #[command(flatten)]
    pub notify: NotifyArgs,
    /// Where /metrics, /healthz and /readyz are answered: in a Pod port 9402 of all addresses by default, elsewhere nowhere
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listening, help_heading = "Monitoring")]
    pub listen: Option<SocketAddr>,
    /// Where the application is asked whether a host is a customer's, with {host} for the host: 200 is yes, 404 no
    #[arg(long, value_name = "URL", help_heading = "Customers' domains")]
    pub ask: Option<AskUrl>,
}

fn listening(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an IP address and a port are needed, such as 0.0.0.0:9402 or [::]:9402".to_owned())
}

impl ControllerCommand {
    /// How certificates are ordered, and what is followed.
    ///
    /// # Errors
    ///
    /// The flags do not go together.
    pub fn order(&self) -> Result<Order, OpError> {
        if !self.source.filename.is_empty() {
            return Err(OpError::usage(
                "the controller follows a cluster, and reads no manifests (-f)",
            ));
        }
        let mut order = self.how.order(&self.source)?;
        self.notify.add_to(&mut order.flags)?;
        order.flags.file.domains.ask.clone_from(&self.ask);
        Ok(order)
    }

    /// Where settings are.
    pub fn config(&self) -> Config {
        self.how.ca.settings.config()
    }
}

/// `pause`.
#[derive(Debug, Clone, Args)]
pub struct PauseCommand {
    /// Why, for everybody who looks
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
    /// How long: 2h, 3d; until `resume` by default
    #[arg(long = "for", value_name = "DURATION")]
    pub length: Option<Length>,
    /// Where the controller is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `resume`.
#[derive(Debug, Clone, Args)]
pub struct ResumeCommand {
    /// Where the controller is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Where a controller is.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The controller's namespace
    #[arg(short, long, value_name = "NAMESPACE", default_value = NAMESPACE)]
    pub namespace: String,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}
