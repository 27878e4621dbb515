//! The commands that issue, and what each takes for itself.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Subcommand};

use super::{CaArgs, ConfigArgs, IssueArgs, NotifyArgs, words};
use crate::{
    cli::{
        args::{ClusterArgs, SourceArgs, examples},
        settings::{acts_with, ca_layer},
    },
    net::HostPort,
    ops::{Config, OpError, named::read_all, renew, revoke, rollback},
    settings::value::{DryRun, Length, days},
};

/// What says which certificates are meant: one of these at least, and each is named where none is given.
fn one_of(flags: &'static [&'static str]) -> ArgGroup {
    ArgGroup::new("which").required(true).multiple(true).args(flags)
}

/// `renew`.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Args)]
#[command(group(one_of(&["targets", "due", "all", "selector", "filename"])))]
pub struct RenewCommand {
    /// Only these: ingress/NAME, gateway/NAME, listenerset/NAME, ingressroute/NAME, secret/NAME; a bare NAME is an Ingress
    #[arg(value_name = "ROUTE|SECRET")]
    pub targets: Vec<String>,
    /// Every certificate that is due, by the CA (ARI) or by its lifetime
    #[arg(long, conflicts_with_all = ["all", "targets"])]
    pub due: bool,
    /// Every certificate of the chosen routes
    #[arg(long, conflicts_with = "targets")]
    pub all: bool,
    /// Order at most this many certificates, the first to expire first; more than 20 at a production CA need this flag, or their
    /// number typed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: Option<u32>,
    /// With --due, --all or -l: also renew certificates of other CAs, which changes their CA
    #[arg(long, conflicts_with = "targets")]
    pub adopt: bool,
    /// Leave out names of the certificate that no route serves; they are listed
    #[arg(long)]
    pub only_route_hosts: bool,
    /// Who is told of --due.
    #[command(flatten)]
    pub notify: NotifyArgs,
    /// Everything else.
    #[command(flatten)]
    pub issue: IssueArgs,
}

/// `issue`.
#[derive(Debug, Clone, Args)]
pub struct IssueCommand {
    /// The Secret to create or renew
    #[arg(long, value_name = "NAME")]
    pub secret: String,
    /// A host of the certificate: a name, a wildcard or an IP address; may be given more than once
    #[arg(short = 'd', long = "domain", value_name = "HOST", required = true)]
    pub domains: Vec<String>,
    /// Everything else.
    #[command(flatten)]
    pub issue: IssueArgs,
}

/// `revoke`.
#[derive(Debug, Clone, Args)]
pub struct RevokeCommand {
    /// The Secret, or ./FILE with the certificate as PEM
    #[arg(value_name = "SECRET|FILE")]
    pub target: String,
    /// The reason: unspecified, key-compromise, superseded or cessation-of-operation
    #[arg(long, value_name = "REASON", default_value = "unspecified",
        value_parser = ["unspecified", "key-compromise", "superseded", "cessation-of-operation"], hide_possible_values = true)]
    pub reason: String,
    /// Sign with the certificate's key in this file instead of the account's
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// How long the certificate that replaced it may take to be served everywhere; 0 does not wait [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<Length>,
    /// Revoke even if it is stored in a Secret or served
    #[arg(long)]
    pub force: bool,
    /// Look where it is in use and print the step, and send nothing to the CA
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_value = "none",
        default_missing_value = "client", hide_default_value = true, hide_possible_values = true, value_parser = words::<DryRun>(["none", "client"]))]
    pub dry_run: DryRun,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
}

/// `rollback`.
#[derive(Debug, Clone, Args)]
pub struct RollbackCommand {
    /// The Secret whose pair before the last renewal is put back
    #[arg(value_name = "SECRET")]
    pub secret: String,
    /// The namespace; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Put it back even if someone else owns the Secret, or the earlier certificate is expired, self-signed or revoked; never after
    /// key-compromise
    #[arg(long)]
    pub force: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// How long the earlier certificate may take to be served; 0 does not check [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<Length>,
    /// Where the routes are reached from here, instead of their own addresses
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<HostPort>,
    /// Print the steps (client), or have the API server check them (server)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_value = "none",
        default_missing_value = "client", hide_default_value = true, hide_possible_values = true, value_parser = words::<DryRun>(DryRun::WORDS.iter().copied()))]
    pub dry_run: DryRun,
    /// The settings file.
    #[arg(
        help = "The settings file; by default KUBECTL_CERTS_CONFIG, or ~/.config/kubectl-certs/config.yaml",
        long,
        help_heading = "Settings",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// `cleanup`.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Args)]
pub struct CleanupCommand {
    /// The namespace; may be given more than once; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Also remove objects of runs that may still be in progress
    #[arg(long)]
    pub force: bool,
    /// Only list what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// The settings, for DNS records of runs that were killed.
    #[command(flatten)]
    pub settings: ConfigArgs,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// `preflight`.
#[derive(Debug, Clone, Args)]
#[command(group(one_of(&["targets", "all", "selector"])))]
pub struct PreflightCommand {
    /// Only these: ingress/NAME, gateway/NAME, listenerset/NAME, ingressroute/NAME, secret/NAME; a bare NAME is an Ingress
    #[arg(value_name = "ROUTE|SECRET")]
    pub targets: Vec<String>,
    /// Every chosen route
    #[arg(long, conflicts_with = "targets")]
    pub all: bool,
    /// Also write a test record with each DNS provider, and remove it
    #[arg(long, help_heading = "DNS-01")]
    pub write_test: bool,
    /// Everything else.
    #[command(flatten)]
    pub issue: IssueArgs,
}

/// `limits`.
#[derive(Debug, Clone, Args)]
pub struct LimitsCommand {
    /// Only this registered domain, or that of this host
    #[arg(value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Where certificates are read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
    /// A table by default; or wide, json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["wide", "json"], hide_possible_values = true)]
    pub output: Option<String>,
}

/// `forecast`.
#[derive(Debug, Clone, Args)]
pub struct ForecastCommand {
    /// How long new certificates live, as a lifetime of the CA's profiles; may be given more than once
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_values = ["90d", "64d", "45d", "160h"])]
    pub lifetime: Vec<Duration>,
    /// So many new names come on the first day, each with a certificate of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub new: Option<u32>,
    /// The domain under which the new names are; by default each has a domain of its own
    #[arg(long, value_name = "DOMAIN", requires = "new")]
    pub under: Option<String>,
    /// Where certificates are read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
    /// Tables and what to do by default; or wide, json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["wide", "json"], hide_possible_values = true)]
    pub output: Option<String>,
}

/// A lifetime of certificates.
fn lifetime(text: &str) -> Result<Duration, String> {
    let length = days(text)?;
    if length < Duration::from_hours(1) || length > Duration::from_hours(24 * 400) {
        return Err("certificates live between an hour and 400 days".to_owned());
    }
    Ok(length)
}

/// `account`.
#[derive(Debug, Clone, Args)]
pub struct AccountCommand {
    /// What to do with it.
    #[command(subcommand)]
    pub action: AccountAction,
}

/// What `account` does.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountAction {
    /// Show the stored accounts; with an issuer chosen, ask its CA about the account
    #[command(after_long_help = examples::ACCOUNT_SHOW)]
    Show(AccountArgs),
    /// Create an account with the CA, or find the one of the stored key
    #[command(after_long_help = examples::ACCOUNT_REGISTER)]
    Register(AccountArgs),
    /// Change the contacts that the CA has
    #[command(after_long_help = examples::ACCOUNT_UPDATE)]
    Update(UpdateArgs),
    /// Take over the account of another client, which loses it: its key signs for a new one
    #[command(after_long_help = examples::ACCOUNT_IMPORT)]
    Import(ImportArgs),
    /// Replace the account's key
    #[command(after_long_help = examples::ACCOUNT_ROLLOVER)]
    Rollover(AccountArgs),
    /// End the account for good
    #[command(after_long_help = examples::ACCOUNT_DEACTIVATE)]
    Deactivate(AccountArgs),
}

/// What the actions on accounts take.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
    /// Text by default; or json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["json"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Which cluster, for --account-secret.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// `account update`.
#[derive(Debug, Clone, Args)]
pub struct UpdateArgs {
    /// Remove every contact from the CA
    #[arg(long, conflicts_with = "email")]
    pub no_email: bool,
    /// Everything else.
    #[command(flatten)]
    pub account: AccountArgs,
}

/// `account import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The account's key: ./FILE (PEM, or certbot's JSON), or the Secret of cert-manager or kube-lego that holds it
    #[arg(value_name = "FILE|SECRET")]
    pub key: String,
    /// The namespace of the Secret; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Find the account and print the steps, and change nothing
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_value = "none",
        default_missing_value = "client", hide_default_value = true, hide_possible_values = true, value_parser = words::<DryRun>(["none", "client"]))]
    pub dry_run: DryRun,
    /// Everything else.
    #[command(flatten)]
    pub account: AccountArgs,
}

/// `config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigCommand {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What `config` does.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAction {
    /// Print the settings in force, and the source of each
    #[command(after_long_help = examples::CONFIG_VIEW)]
    View(ConfigViewArgs),
    /// Read the settings and report their errors
    #[command(after_long_help = examples::CONFIG_CHECK)]
    Check(ConfigViewArgs),
    /// Print a configuration file with every field explained
    #[command(after_long_help = examples::CONFIG_EXAMPLE)]
    Example,
}

/// What `config view` and `config check` take.
#[derive(Debug, Clone, Args)]
pub struct ConfigViewArgs {
    /// Which file.
    #[command(flatten)]
    pub settings: ConfigArgs,
    /// YAML by default; or json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["yaml", "json"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Which cluster, for --config-map.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

impl RenewCommand {
    /// What a use case is asked.
    ///
    /// # Errors
    ///
    /// A word is no name, or the flags do not go together.
    pub fn request(&self) -> Result<renew::Request, OpError> {
        let mut order = self.issue.order()?;
        let is_watched = !self.due && !self.notify.notify.is_empty();
        acts_with("--notify", is_watched, "--due")?;
        acts_with("--notify-renewed", !self.due && self.notify.notify_renewed, "--due")?;
        self.notify.add_to(&mut order.flags)?;
        Ok(renew::Request {
            targets: read_all(&self.targets)?,
            due: self.due,
            max: self.max,
            adopt: self.adopt,
            only_route_hosts: self.only_route_hosts,
            order,
        })
    }
}

impl RevokeCommand {
    /// What a use case is asked.
    ///
    /// # Errors
    ///
    /// The reason is none, or the flags do not go together.
    pub fn request(&self) -> Result<revoke::Request, OpError> {
        Ok(revoke::Request {
            target: self.target.clone(),
            reason: self.reason.parse().map_err(OpError::usage)?,
            key_file: self.key_file.clone(),
            wait: self.wait.map(|length| length.0),
            force: self.force,
            is_dry: self.dry_run != DryRun::None,
            source: self.source.source(),
            flags: ca_layer(&self.ca)?,
        })
    }
}

impl RollbackCommand {
    /// Where a use case finds settings.
    pub fn config(&self) -> Config {
        Config {
            file: self.config.clone(),
            config_map: None,
        }
    }

    /// What a use case is asked.
    pub fn request(&self) -> rollback::Request {
        rollback::Request {
            secret: self.secret.clone(),
            namespace: self.namespace.clone(),
            force: self.force,
            wait: self.wait.map(|length| length.0),
            connect: self.connect.clone(),
            dry_run: self.dry_run,
        }
    }
}
