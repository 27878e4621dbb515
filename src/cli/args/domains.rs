//! `domains`: customers' own domains.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

use super::{ClusterArgs, examples};
use crate::{
    domain::{Host, Platform, State, Tenant},
    ops::domains::import::Form,
};

/// `domains`.
#[derive(Debug, Clone, Args)]
pub struct DomainsCommand {
    /// What to do.
    #[command(subcommand)]
    pub what: DomainsWhat,
}

/// What is done.
#[derive(Debug, Clone, Subcommand)]
pub enum DomainsWhat {
    /// List the hosts, and where each stands
    #[command(visible_alias = "ls", after_long_help = examples::DOMAINS_LIST)]
    List(ListCommand),
    /// Show all about one host: where it stands, what is missing, and the DNS records to set
    #[command(after_long_help = examples::DOMAINS_SHOW)]
    Show(ShowCommand),
    /// Register hosts, for which the controller then asks the application
    #[command(after_long_help = examples::DOMAINS_PUT)]
    Put(PutCommand),
    /// Release hosts: nothing is ordered for them any more, and what is served stays
    #[command(after_long_help = examples::DOMAINS_RELEASE)]
    Release(ReleaseCommand),
    /// Take over the certificates that Caddy, lua-resty-auto-ssl or a directory of PEM files keep, without an order
    #[command(after_long_help = examples::DOMAINS_IMPORT)]
    Import(ImportCommand),
}

/// The namespace of Domains.
#[derive(Debug, Clone, Args)]
pub struct WhereArgs {
    /// The namespace of the Domains; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// `domains list`.
#[derive(Debug, Clone, Args)]
pub struct ListCommand {
    /// Only those in this state: asked, refused, dns, validating, issuing, active, renewing, moved, paused, limited, blocked or released
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(State::ALL.map(State::as_str)), hide_possible_values = true)]
    pub state: Option<String>,
    /// Only those of this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<Tenant>,
    /// Only those after this host, in the order of hosts: the next page
    #[arg(long, value_name = "HOST")]
    pub after: Option<Host>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// A table by default; or wide, json, name
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["table", "wide", "json", "name"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Leave the headings of the table out
    #[arg(long, help_heading = "Output")]
    pub no_headers: bool,
    /// Where they are.
    #[command(flatten)]
    pub place: WhereArgs,
}

/// `domains show`.
#[derive(Debug, Clone, Args)]
pub struct ShowCommand {
    /// The host
    #[arg(value_name = "HOST")]
    pub host: Host,
    /// Whole sentences by default; or json
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["json"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Where it is.
    #[command(flatten)]
    pub place: WhereArgs,
}

/// Whether it is done.
#[derive(Debug, Clone, Copy, Args)]
pub struct DoingArgs {
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
}

/// `domains put`.
#[derive(Debug, Clone, Args)]
pub struct PutCommand {
    /// The hosts, as customers write them
    #[arg(value_name = "HOST", required = true, value_parser = registered)]
    pub hosts: Vec<Host>,
    /// Whose they are, in the namespace of the domains that the API registers; elsewhere the namespace is the tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<Tenant>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: DoingArgs,
    /// Where they are.
    #[command(flatten)]
    pub place: WhereArgs,
}

/// `domains release`.
#[derive(Debug, Clone, Args)]
pub struct ReleaseCommand {
    /// The hosts
    #[arg(value_name = "HOST", required = true)]
    pub hosts: Vec<Host>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: DoingArgs,
    /// Where they are.
    #[command(flatten)]
    pub place: WhereArgs,
}

/// `domains import`.
#[derive(Debug, Clone, Args)]
pub struct ImportCommand {
    /// Whose store it is: pem-dir (certbot, acme.sh, lego, dehydrated, HAProxy, or by hand), caddy, or auto-ssl (lua-resty-auto-ssl)
    #[arg(long, value_name = "STORE", required = true, value_parser = PossibleValuesParser::new(Form::ALL), hide_possible_values = true)]
    pub from: String,
    /// Its directory; of lua-resty-auto-ssl its directory, or a dump of its Redis (`redis-cli --rdb FILE`)
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Whose they are, in the namespace of the domains that the API registers; elsewhere the namespace is the tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<Tenant>,
    /// The namespace of the installation that keeps them from then on; it is looked for by default
    #[arg(long, value_name = "NAMESPACE")]
    pub controller_namespace: Option<String>,
    /// They come from the CA from which the installation orders, although nothing in them says so: a CA of one's own
    #[arg(long)]
    pub same_ca: bool,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: DoingArgs,
    /// Where they go.
    #[command(flatten)]
    pub place: WhereArgs,
}

/// A host that may be registered, as far as that is known here: the controller knows the platform's own names.
fn registered(text: &str) -> Result<Host, String> {
    Host::parse(text, &Platform::default()).map_err(|error| error.to_string())
}
