//! `controller`, `pause` and `resume`.

use std::net::SocketAddr;

use clap::Args;

use super::{
    ClusterArgs, ColorChoice, SourceArgs,
    issue::{CaArgs, Dns01Args, Http01Args, IssueArgs, OrderArgs, RunArgs, StoreArgs},
};
use crate::{
    ops::{Config, OpError, issuance::Order, pause::NAMESPACE},
    settings::value::{DryRun, Length},
};

/// `controller`.
#[derive(Debug, Clone, Args)]
pub struct ControllerCommand {
    /// What is followed.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
    /// What is ordered.
    #[command(flatten)]
    pub order: OrderArgs,
    /// How HTTP-01 is answered.
    #[command(flatten)]
    pub http01: Http01Args,
    /// How DNS-01 is answered.
    #[command(flatten)]
    pub dns01: Dns01Args,
    /// What becomes of the certificate.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Where /metrics, /healthz and /readyz are answered: in a Pod port 9402 of all addresses by default, elsewhere nowhere
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listening, help_heading = "Monitoring")]
    pub listen: Option<SocketAddr>,
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
        let issue = IssueArgs {
            source: self.source.clone(),
            ca: self.ca.clone(),
            order: self.order.clone(),
            http01: self.http01.clone(),
            dns01: self.dns01.clone(),
            store: self.store.clone(),
            run: RunArgs {
                yes: true,
                dry_run: DryRun::None,
                output: None,
                color: ColorChoice::Never,
            },
        };
        issue.order()
    }

    /// Where settings are.
    pub fn config(&self) -> Config {
        self.ca.settings.config()
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
