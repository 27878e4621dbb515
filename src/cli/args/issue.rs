//! Everything that issuance takes: flags that are the same for `renew`, `issue`, `ensure`, `revoke`, `preflight` and
//! `account`; the commands themselves are in `commands` and `ensure`.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{ColorChoice, SourceArgs};
use crate::{
    apply::{Folder, KeyKind},
    cli::settings::issue_layer,
    net::HostPort,
    ops::{Checks, Config, OpError, issuance::Order},
    settings::value::{
        Advertised, ChallengeWord, DryRun, Label, Length, NameServer, Namespaced, RestartWord, SecretKeys, SelfCheck,
        ServicePort, SolverKind, Toleration,
    },
};

mod commands;
mod ensure;
mod notify;

pub use commands::{
    AccountAction, AccountArgs, AccountCommand, CleanupCommand, ConfigAction, ConfigCommand, ConfigViewArgs,
    ForecastCommand, ImportArgs, IssueCommand, LimitsCommand, PreflightCommand, RenewCommand, RevokeCommand,
    RollbackCommand, UpdateArgs,
};
pub use ensure::EnsureCommand;
pub use notify::NotifyArgs;

/// All that an issuance takes besides names.
#[derive(Debug, Clone, Args)]
pub struct IssueArgs {
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How certificates are ordered.
    #[command(flatten)]
    pub how: IssuanceArgs,
    /// What is printed, and asked.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How certificates are ordered, by whoever orders them.
#[derive(Debug, Clone, Default, Args)]
pub struct IssuanceArgs {
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
}

impl IssueArgs {
    /// What is asked of an issuance besides which certificates.
    ///
    /// # Errors
    ///
    /// The flags do not go together.
    pub fn order(&self) -> Result<Order, OpError> {
        let output_dir = match (&self.how.store.output_dir, &self.run.output) {
            (Some(directory), _) | (None, Some(Output::Directory(directory))) => Some(directory.clone()),
            _ => None,
        };
        Ok(Order {
            output_dir: output_dir.map(Folder::plain),
            dry_run: self.run.dry_run,
            ..self.how.order(&self.source)?
        })
    }
}

impl IssuanceArgs {
    /// What is asked of an issuance that stores into Secrets.
    ///
    /// # Errors
    ///
    /// The flags do not go together.
    pub fn order(&self, source: &SourceArgs) -> Result<Order, OpError> {
        Ok(Order {
            source: source.source(),
            checks: Checks {
                ca_file: self.store.ca_file.clone(),
                config: self.ca.settings.config.clone(),
                ..Checks::default()
            },
            flags: issue_layer(self)?,
            connect: self.http01.connect.clone(),
            output_dir: None,
            dry_run: DryRun::None,
        })
    }
}

/// Where the settings are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct ConfigArgs {
    /// The settings file.
    #[arg(
        help = "The settings file; by default KUBECTL_CERTS_CONFIG, or ~/.config/kubectl-certs/config.yaml",
        long,
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// The `ConfigMap` with settings.
    #[arg(
        help = "Settings in a ConfigMap (key config.yaml), without credentials; the file takes precedence",
        long,
        value_name = "NAMESPACE/NAME"
    )]
    pub config_map: Option<Namespaced>,
}

impl ConfigArgs {
    /// Where a use case finds settings.
    pub fn config(&self) -> Config {
        Config {
            file: self.config.clone(),
            config_map: self.config_map.clone(),
        }
    }
}

/// Which CA, and which account with it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "CA and account")]
pub struct CaArgs {
    /// Order at Let's Encrypt's staging and store what it issues, which no client trusts; without a CA chosen it is a rehearsal there, which
    /// stores nothing
    #[arg(long, group = "choice")]
    pub staging: bool,
    /// Let's Encrypt, or what `production` in the settings names
    #[arg(long, group = "choice")]
    pub production: bool,
    /// letsencrypt-staging, letsencrypt or an issuer of the settings
    #[arg(long, group = "choice", value_name = "NAME")]
    pub issuer: Option<String>,
    /// The directory of an ACME server
    #[arg(long, group = "choice", value_name = "URL")]
    pub directory_url: Option<String>,
    /// The CA (PEM) of the ACME server's own HTTPS
    #[arg(long, value_name = "FILE")]
    pub directory_ca_file: Option<PathBuf>,
    /// Agree to the CA's terms of service
    #[arg(long)]
    pub agree_tos: bool,
    /// Where the CA writes to.
    #[arg(
        help = "The contact address for the CA: KUBECTL_CERTS_EMAIL; may be given more than once",
        long,
        value_name = "ADDRESS"
    )]
    pub email: Vec<String>,
    /// The key id of an external account binding
    #[arg(long, value_name = "ID")]
    pub eab_kid: Option<String>,
    /// The file with its key (base64url)
    #[arg(long, value_name = "FILE", conflicts_with = "eab_key_env")]
    pub eab_key_file: Option<PathBuf>,
    /// The environment variable with its key
    #[arg(long, value_name = "VARIABLE")]
    pub eab_key_env: Option<String>,
    /// Keep the account in this Secret instead of a local file
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub account_secret: Option<Namespaced>,
    /// Where the settings are.
    #[command(flatten)]
    pub settings: ConfigArgs,
}

/// What is ordered.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Certificate")]
pub struct OrderArgs {
    /// A profile of the CA: classic, tlsserver, shortlived, ...
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The chain whose root or issuer has this common name, if the CA offers several
    #[arg(long, value_name = "NAME")]
    pub preferred_chain: Option<String>,
    /// ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096; the current kind by default, and ecdsa-p256 for a new Secret
    #[arg(long, value_name = "TYPE", value_parser = words::<KeyKind>(KeyKind::ALL.map(KeyKind::as_str)), hide_possible_values = true)]
    pub key_type: Option<KeyKind>,
    /// Keep the private key
    #[arg(long)]
    pub reuse_key: bool,
    /// How many certificates at once [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: Option<u16>,
    /// Order even if a rate limit of the CA would be exceeded, by this tool's estimate
    #[arg(long)]
    pub ignore_rate_limits: bool,
    /// Write Secrets and routes even if someone else owns them
    #[arg(long)]
    pub force: bool,
    /// Let a staging certificate replace a trusted one
    #[arg(long)]
    pub overwrite_with_staging: bool,
}

/// How HTTP-01 is answered.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "HTTP-01")]
pub struct Http01Args {
    /// The solver: pod (default from outside), endpoint (default in the cluster), service or in-place
    #[arg(long, value_name = "SOLVER", value_parser = words::<SolverKind>(SolverKind::WORDS.iter().copied()), hide_possible_values = true)]
    pub solver: Option<SolverKind>,
    /// The image of the Pod
    #[arg(long, value_name = "IMAGE")]
    pub solver_image: Option<String>,
    /// A Secret to pull the image with; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub solver_pull_secret: Vec<String>,
    /// A label of the nodes that the Pod may run on; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    pub solver_node_selector: Vec<Label>,
    /// A taint that the Pod tolerates: KEY, KEY=VALUE, KEY=VALUE:NoSchedule; may be given more than once
    #[arg(long, value_name = "TAINT")]
    pub solver_toleration: Vec<Toleration>,
    /// The Service that answers; it means --solver service
    #[arg(long, value_name = "NAME:PORT")]
    pub solver_service: Option<ServicePort>,
    /// Where the cluster reaches this process, for --solver endpoint
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub advertise: Option<Advertised>,
    /// How the answer is checked before the CA is asked: auto, direct, cluster, wait=30s or off [default: auto]
    #[arg(long, value_name = "HOW")]
    pub self_check: Option<SelfCheck>,
    /// How long to wait for a host that does not resolve yet, before anything is ordered; 0 does not wait [default: 2m]
    #[arg(long, value_name = "DURATION")]
    pub resolve_timeout: Option<Length>,
    /// The address of the routes as seen from here, for the self-check and for what is served, instead of their own
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<HostPort>,
}

/// How DNS-01 is answered.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "DNS-01")]
pub struct Dns01Args {
    /// Validate every name by DNS-01, with this provider of the settings; by default the zones of the providers decide
    #[arg(long, value_name = "NAME")]
    pub dns: Option<String>,
    /// dns-persist-01: validate every name by a TXT record that is set once and stays; `preflight` prints it, and no run writes to DNS
    #[arg(long, value_name = "CHALLENGE", value_parser = words::<ChallengeWord>(ChallengeWord::WORDS.iter().copied()),
        hide_possible_values = true, conflicts_with = "dns")]
    pub challenge: Option<ChallengeWord>,
    /// The name server that is asked for hosts, zones and CAA records, IP or IP:PORT; may be given more than once; else the system's
    #[arg(long, value_name = "ADDRESS")]
    pub resolver: Vec<NameServer>,
    /// Follow a CNAME of _acme-challenge even if a wildcard alone has it
    #[arg(long)]
    pub follow_cname: bool,
    /// How long the record may take to be on every name server of the zone [default: 2m]
    #[arg(long, value_name = "DURATION", conflicts_with = "propagation_wait")]
    pub propagation_timeout: Option<Length>,
    /// Wait this long instead of asking the name servers
    #[arg(long, value_name = "DURATION")]
    pub propagation_wait: Option<Length>,
}

/// What becomes of the certificate.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Storing")]
pub struct StoreArgs {
    /// The Secret's keys for chain and private key, if they are not tls.crt and tls.key: certificate=KEY,key=KEY
    #[arg(long, value_name = "KEYS")]
    pub secret_keys: Option<SecretKeys>,
    /// Then restart none, auto (workloads that would not notice the change) or KIND/NAME,... [default: none]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub restart: Vec<RestartWord>,
    /// How long the new certificate may take to be served; 0 does not check [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<Length>,
    /// Trust the roots in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// With -f: write the Secrets' manifests into this directory
    #[arg(long, value_name = "DIR", requires = "filename")]
    pub output_dir: Option<PathBuf>,
}

/// What is asked and printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct RunArgs {
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// Print the steps (client), or have the API server check them (server)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_value = "none",
        default_missing_value = "client", hide_default_value = true, hide_possible_values = true, value_parser = words::<DryRun>(DryRun::WORDS.iter().copied()))]
    pub dry_run: DryRun,
    /// json: the events as JSON lines; ./DIR: as --output-dir
    #[arg(short, long, value_name = "FORMAT|DIR")]
    pub output: Option<Output>,
    /// Colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// `-o` of an issuance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The events, a line of JSON each, on stdout.
    Json,
    /// A directory for the Secrets' manifests.
    Directory(PathBuf),
}

impl std::str::FromStr for Output {
    type Err = String;

    /// A word with a slash, or the name of a directory that is there, is a directory.
    fn from_str(text: &str) -> Result<Self, String> {
        let path = || Self::Directory(PathBuf::from(text));
        match text {
            "json" => Ok(Self::Json),
            _ if text.contains('/') || text == "." || text == ".." => Ok(path()),
            _ if std::path::Path::new(text).is_dir() => Ok(path()),
            _ => Err(format!(
                "{text:?} is neither json nor a directory; for a new directory write ./{text}"
            )),
        }
    }
}

/// Reads one of the words of a type; completions list them.
pub(in crate::cli::args) fn words<T>(words: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

#[cfg(test)]
mod tests;
