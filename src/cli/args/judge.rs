//! How it is judged, and how it is told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::{
    check::{Reason, Severity},
    net::aia::Reach,
    object::Seconds,
    ops::Checks,
    report::by::By,
    settings::value::days,
    source::pairs::Pattern,
};

/// Which findings count, and for when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Checks")]
pub struct CheckArgs {
    /// Check as of this day: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub at: Option<Seconds>,
    /// Trust the roots in this PEM file too, and complete chains with its other certificates
    #[arg(long, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// Fetch missing intermediates from the URLs in the certificates; =private allows private addresses too
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "public",
        hide_possible_values = true)]
    pub fetch_intermediates: Option<ReachArg>,
    /// Also check certificates under these data keys of Secrets that Pods mount: certificate=GLOB,key=GLOB; proxycert,proxykey is built in
    #[arg(long, value_name = "KEYS")]
    pub secret_keys: Vec<Pattern>,
    /// Call a certificate due when less than this is left, whatever its lifetime: 30d, 12h
    #[arg(long, value_name = "DURATION", value_parser = days)]
    pub expiring_within: Option<Duration>,
    /// With -f: presume that missing Secrets are in the cluster, for pipelines that never see one
    #[arg(long, requires = "filename")]
    pub assume_secrets: bool,
    /// Show only rows with findings of at least this severity: info, warning or critical
    #[arg(long, value_enum, value_name = "SEVERITY", hide_possible_values = true)]
    pub min_severity: Option<SeverityArg>,
    /// Show only rows with findings of these reasons: Expired,HostMismatch
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub reason: Vec<Reason>,
    /// Excuse findings with these reasons: they are mentioned, but do not count: ExtraRoot,UnusedNames
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub ignore: Vec<Reason>,
    /// Exit with 1 when a finding is at least this severe: info, warning or critical
    #[arg(long, value_enum, value_name = "SEVERITY", hide_possible_values = true)]
    pub fail_on: Option<SeverityArg>,
    /// Report hosts that the policy.names of this settings file does not permit their namespace, or that another one has
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Exit with 3 when objects serve hosts but are not checked, because their kinds are not read
    #[arg(long)]
    pub strict: bool,
    /// The settings file.
    #[arg(
        help = "The settings file; by default KUBECTL_CERTS_CONFIG, or ~/.config/kubectl-certs/config.yaml",
        long,
        help_heading = "Settings",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
}

impl CheckArgs {
    /// How a use case judges.
    pub fn checks(&self) -> Checks {
        Checks {
            at: self.at,
            ca_file: self.ca_file.clone(),
            fetch_intermediates: self.fetch_intermediates.map(Into::into),
            secret_keys: self.secret_keys.clone(),
            expiring_within: self.expiring_within,
            assume_secrets: self.assume_secrets,
            min_severity: self.min_severity.map(Into::into),
            reason: self.reason.clone(),
            ignore: self.ignore.clone(),
            config: self.config.clone(),
            policy: self.policy.clone(),
        }
    }
}

/// What is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
// Flags of a command line, each of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct OutputArgs {
    /// A table by default; or wide, json, yaml, name, jsonpath=TEMPLATE, jsonpath-file=FILE, custom-columns=NAME:.PATH,..., junit, sarif, github or prometheus
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<String>,
    /// Leave out the line with the column names
    #[arg(long)]
    pub no_headers: bool,
    /// Sort by namespace, name, host, status, expires, age, issuer, or a JSONPath; worst first by default
    #[arg(long, value_name = "KEY")]
    pub sort_by: Option<String>,
    /// Sort the other way round
    #[arg(long, help_heading = "Output")]
    pub reverse: bool,
    /// Add a column for each of these labels of the routes: app,team
    #[arg(short = 'L', long, value_name = "LABEL", value_delimiter = ',')]
    pub label_columns: Vec<String>,
    /// Add a column with the routes' labels
    #[arg(long)]
    pub show_labels: bool,
    /// Do not mention skipped objects of manifests
    #[arg(short, long)]
    pub quiet: bool,
    /// Colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// When to use colour. `NO_COLOR` counts for `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where intermediates are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReachArg {
    /// Public addresses, port 80.
    Public,
    /// Private addresses and this machine's too, any port.
    Private,
}

impl From<ReachArg> for Reach {
    fn from(arg: ReachArg) -> Self {
        match arg {
            ReachArg::Public => Self::Public,
            ReachArg::Private => Self::Private,
        }
    }
}

/// What rows are folded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ByArg {
    /// The Secret.
    Secret,
    /// Who signed the certificate.
    Issuer,
    /// Who writes the Secret.
    Owner,
    /// The namespace.
    Namespace,
}

impl From<ByArg> for By {
    fn from(arg: ByArg) -> Self {
        match arg {
            ByArg::Secret => Self::Secret,
            ByArg::Issuer => Self::Issuer,
            ByArg::Owner => Self::Owner,
            ByArg::Namespace => Self::Namespace,
        }
    }
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeverityArg {
    /// Everything.
    Info,
    /// Warnings and worse.
    Warning,
    /// Only what fails now.
    Critical,
}

impl From<SeverityArg> for Severity {
    fn from(arg: SeverityArg) -> Self {
        match arg {
            SeverityArg::Info => Self::Info,
            SeverityArg::Warning => Self::Warning,
            SeverityArg::Critical => Self::Critical,
        }
    }
}

fn moment(text: &str) -> Result<Seconds, String> {
    crate::text::parse_time(text).ok_or_else(|| "write it as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned())
}

fn reason(text: &str) -> Result<Reason, String> {
    text.parse::<Reason>().map_err(|e| e.to_string())
}
