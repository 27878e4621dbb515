//! The commands that read: `status`, `show`, `why`, `explain`, `rights` and `version`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{ByArg, CheckArgs, ClusterArgs, ColorChoice, OutputArgs, SourceArgs};
use crate::{net::address::HostPort, scan::probe, settings::value::duration};

/// `status` and `probe`.
#[derive(Debug, Clone, Args)]
pub struct StatusCommand {
    /// Only these: ingress/NAME, gateway/NAME, listenerset/NAME, ingressroute/NAME, ingressroutetcp/NAME, secret/NAME; a bare NAME is an Ingress
    #[arg(value_name = "ROUTE|SECRET")]
    pub targets: Vec<String>,
    /// Everything else.
    #[command(flatten)]
    pub args: StatusArgs,
}

/// What `status` and `probe` take besides names, and the program without a command.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which findings count.
    #[command(flatten)]
    pub check: CheckArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Keep watching, and print what changes
    #[arg(short, long, help_heading = "Output", conflicts_with_all = ["filename", "at", "by", "since", "confirm"])]
    pub watch: bool,
    /// Group the table, with one line for each: secret, issuer, owner or namespace
    #[arg(
        long,
        help_heading = "Output",
        value_enum,
        value_name = "WHAT",
        hide_possible_values = true,
        conflicts_with_all = ["sort_by", "reverse"]
    )]
    pub by: Option<ByArg>,
    /// Show only what is new since a report was saved (status -o json > FILE), and count what is gone; --fail-on counts only the new
    #[arg(long, help_heading = "Checks", value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Show only the rows that `/` in the terminal UI would show: words, !words, '-f letters' or '-l labels'
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        help_heading = "Output",
        conflicts_with = "watch"
    )]
    pub filter: Option<String>,
    /// Show only what expires or falls due for renewal in a period: 2026-12-01..2026-12-07, 2026-12-01.. or ..2026-12-07
    #[arg(long, value_name = "FROM..UNTIL", help_heading = "Output", conflicts_with = "watch")]
    pub between: Option<crate::check::Period>,
    /// Connect to the routes of critical rows, once each, to see whether clients get what is expected
    #[arg(long, help_heading = "Probe")]
    pub confirm: bool,
    /// Ignore names that do not exist, and exit with 0
    #[arg(long, help_heading = "Source")]
    pub ignore_not_found: bool,
    /// Whether to connect, and where to.
    #[command(flatten)]
    pub probe: ProbeArgs,
}

/// `show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// ingress/NAME, gateway/NAME, secret/NAME, ./FILE or HOST:PORT; a bare NAME is an Ingress
    #[arg(value_name = "ROUTE|SECRET|FILE|HOST:PORT")]
    pub target: String,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which findings count.
    #[command(flatten)]
    pub check: CheckArgs,
    /// Whether to connect, and where to.
    #[command(flatten)]
    pub probe: ProbeArgs,
    /// The server name to send to HOST:PORT, if it is not HOST
    #[arg(long, help_heading = "Probe", value_name = "NAME")]
    pub servername: Option<String>,
    /// Text by default; or json, yaml: the items of `status`, and the chains behind them
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["json", "yaml"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, help_heading = "Output", value_enum, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// Whether to connect to what is served, and where to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Probe")]
pub struct ProbeArgs {
    /// Also connect to each route and compare what it serves with what is stored
    #[arg(long)]
    pub probe: bool,
    /// Connect here instead of the route's own address; it means --probe
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<HostPort>,
    /// How long one connection of a probe may take [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub probe_timeout: Option<Duration>,
    /// Read no Secret, only routes, and check the certificates that they serve; it means --probe
    #[arg(long)]
    pub no_secrets: bool,
}

impl ProbeArgs {
    /// What a probe is done with.
    pub fn options(&self) -> probe::ProbeOptions {
        probe::ProbeOptions {
            connect: self.connect.clone(),
            timeout: self.timeout(),
            lookup: self.timeout(),
            one_each: false,
            compare_dns: true,
        }
    }

    /// How long one connection may take.
    pub fn timeout(&self) -> Duration {
        self.probe_timeout.unwrap_or(crate::net::probe::TIMEOUT)
    }

    /// Whether it was asked to connect: who says where to means it, and who reads no Secret has nothing else to check.
    pub fn connects(&self) -> bool {
        self.probe || self.connect.is_some() || self.no_secrets
    }
}

/// `why`.
#[derive(Debug, Clone, Args)]
pub struct WhyCommand {
    /// The host, as a route has it
    #[arg(value_name = "HOST")]
    pub host: String,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The controller's namespace; it is looked for by default
    #[arg(long, value_name = "NAMESPACE")]
    pub controller_namespace: Option<String>,
    /// Trust the roots in this PEM file too
    #[arg(long, value_name = "FILE", help_heading = "Checks")]
    pub ca_file: Vec<PathBuf>,
    /// Connect here instead of the route's own address
    #[arg(long, value_name = "HOST:PORT", help_heading = "Probe")]
    pub connect: Option<HostPort>,
    /// How long one connection of a probe may take [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Probe")]
    pub probe_timeout: Option<Duration>,
    /// Text by default; or json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["json"], hide_possible_values = true)]
    pub output: Option<String>,
    /// The settings file.
    #[arg(
        help = "The settings file; by default KUBECTL_CERTS_CONFIG, or ~/.config/kubectl-certs/config.yaml",
        long,
        help_heading = "Settings",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
}

/// `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The reason, such as HostMismatch; without one, all are listed
    pub reason: Option<String>,
    /// Colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// `rights`.
#[derive(Debug, Clone, Args)]
pub struct RightsArgs {
    /// What the role is for: prober (status --no-secrets), reader (status, show, probe) or renewer (renew, issue, preflight,
    /// cleanup, rollback); policy is the admission policy that limits what a group of renewers writes
    #[arg(long = "for", value_enum, value_name = "ROLE", hide_possible_values = true, default_value_t = For::Renewer)]
    pub role: For,
    /// The namespace of the role; may be given more than once, for a role in each: a renewer's is the context's by default, and a reader's role is for all
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
    /// A `ClusterRole`, for all namespaces
    #[arg(
        help = "A ClusterRole, for all namespaces",
        short = 'A',
        long,
        conflicts_with = "namespace"
    )]
    pub all_namespaces: bool,
    /// Whose context gives the namespace, and whom the hint names.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// The roles of the guide, and the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// A role without any right on Secrets, for `status --no-secrets`.
    Prober,
    /// The role for looking at everything.
    Reader,
    /// The role for renewing.
    Renewer,
    /// An admission policy for a group of people who renew.
    Policy,
}

/// `version`.
#[derive(Debug, Clone, Args)]
pub struct VersionArgs {
    /// Text by default; or json, yaml
    #[arg(short, long, value_name = "FORMAT", value_parser = ["json", "yaml"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Accepted as in kubectl: there is only the client's version
    #[arg(long, hide = true)]
    pub client: bool,
}

/// `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The command whose page is printed, such as renew or account register; without one, the program's
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write the pages of all commands into this directory, a file each, for a package
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "command")]
    pub output_dir: Option<PathBuf>,
}
