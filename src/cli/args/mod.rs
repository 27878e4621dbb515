//! The command line, as it is typed. What the words become is in the files of the commands.

pub mod controller;
mod examples;
pub mod install;
pub mod issue;
#[cfg(test)]
mod remedies;
pub mod respond;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::styling};

use crate::{
    check::{Reason, Severity},
    k8s::ConnectOptions,
    net::{address::HostPort, aia::Reach},
    object::Seconds,
    ops::{Checks, Source},
    report::by::By,
    scan::probe,
    settings::value::{as_kubectl, days, duration},
    source::pairs::Pattern,
};

const STYLES: styling::Styles = styling::Styles::plain()
    .header(styling::AnsiColor::Yellow.on_default())
    .literal(styling::AnsiColor::Green.on_default());

/// As a macro, because only literals can be joined into one.
macro_rules! after {
    () => {
        "Without a command it shows the terminal UI on a terminal and runs `status` elsewhere. Every finding is explained by `kubectl certs explain REASON`.\nExit status: 0; 1 findings at or above --fail-on; 2 usage or manifests; 3 the cluster; 4 ACME or a challenge; 5 the write, the rollout or its proof; 130 interrupted."
    };
}

/// What stands below the short help, and above the examples of the long one.
const AFTER: &str = after!();
/// The same, with examples.
const LONG_AFTER: &str = concat!(
    after!(),
    "\n\nExamples:\n  # The screen, for all namespaces\n  kubectl certs -A\n  # The table, as a script takes it\n  kubectl certs status -A"
);

/// Finds every missing, expired or mismatched certificate behind a cluster's Ingresses, Gateways and TLS Secrets, says
/// what to do about it, and issues and renews over ACME.
#[derive(Debug, Parser)]
#[command(name = "kubectl certs", bin_name = "kubectl certs", version, styles = STYLES, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, after_long_help = LONG_AFTER)]
#[command(after_help = AFTER)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Everything that `status` takes, when no command is given.
    #[command(flatten)]
    pub status: StatusArgs,
    /// In the terminal UI: change nothing, whatever key is pressed
    #[arg(long)]
    pub read_only: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every host that is served over TLS, whether it works, and why not
    #[command(visible_alias = "get", after_long_help = examples::STATUS)]
    Status(Box<StatusCommand>),
    /// Show everything about one route, Secret, PEM file or HOST:PORT
    #[command(after_long_help = examples::SHOW)]
    Show(Box<ShowArgs>),
    /// Compare what is served with what is stored
    #[command(after_long_help = examples::PROBE)]
    Probe(Box<StatusCommand>),
    /// Find out what would stop an issuance, without ordering
    #[command(after_long_help = examples::PREFLIGHT)]
    Preflight(Box<issue::PreflightCommand>),
    /// Show what is left of a CA's rate limits, and what the next 90 days will take
    #[command(after_long_help = examples::LIMITS)]
    Limits(Box<issue::LimitsCommand>),
    /// Show where a host stands, from annotation to served, and what holds it
    #[command(after_long_help = examples::WHY)]
    Why(Box<WhyCommand>),
    /// Renew certificates over ACME; without a CA chosen, rehearse it and change nothing
    #[command(after_long_help = examples::RENEW)]
    Renew(Box<issue::RenewCommand>),
    /// Order a certificate for a Secret that no route uses yet
    #[command(after_long_help = examples::ISSUE)]
    Issue(Box<issue::IssueCommand>),
    /// Order a certificate if a Secret lacks it, if it is due or if its names change; otherwise do nothing
    #[command(after_long_help = examples::ENSURE)]
    Ensure(Box<issue::EnsureCommand>),
    /// Revoke a certificate that is no longer in use
    #[command(after_long_help = examples::REVOKE)]
    Revoke(Box<issue::RevokeCommand>),
    /// Put back the pair from before the last renewal
    #[command(after_long_help = examples::ROLLBACK)]
    Rollback(Box<issue::RollbackCommand>),
    /// Remove the leftovers of killed runs
    #[command(after_long_help = examples::CLEANUP)]
    Cleanup(Box<issue::CleanupCommand>),
    /// Keep the certificates of annotated routes renewed, unattended; what runs in the cluster
    #[command(after_long_help = examples::CONTROLLER)]
    Controller(Box<controller::ControllerCommand>),
    /// Install what runs in a cluster.
    #[command(
        about = "Install the controller in a cluster, or a CronJob for one certificate, with the rights for it",
        after_long_help = examples::INSTALL
    )]
    Install(Box<install::InstallCommand>),
    /// Remove what `install` made; certificates and the account stay
    #[command(after_long_help = examples::UNINSTALL)]
    Uninstall(Box<install::UninstallCommand>),
    /// Have the controller order nothing for a while
    #[command(after_long_help = examples::PAUSE)]
    Pause(Box<controller::PauseCommand>),
    /// Let the controller order, for the first time or again
    #[command(after_long_help = examples::RESUME)]
    Resume(Box<controller::ResumeCommand>),
    /// Show, create, change and end accounts with CAs
    #[command(after_long_help = examples::ACCOUNT)]
    Account(Box<issue::AccountCommand>),
    /// Show and check the settings
    #[command(after_long_help = examples::CONFIG)]
    Config(Box<issue::ConfigCommand>),
    /// Explain a finding: what it means, how to see it and how to fix it
    #[command(after_long_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// Print the role that reading or renewing needs, for `kubectl apply`
    #[command(after_long_help = examples::RIGHTS)]
    Rights(Box<RightsArgs>),
    /// Print the version
    #[command(after_long_help = examples::VERSION)]
    Version(VersionArgs),
    /// Print the completion script of a shell
    #[command(after_long_help = examples::COMPLETION)]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_long_help = examples::MAN)]
    Man,
    /// Print what may come next on the command line; what `kubectl_complete-certs` runs
    #[command(hide = true)]
    Complete {
        /// Read the names for the next key press; nobody waits
        #[arg(long, hide = true)]
        read_on: bool,
        /// The words after `kubectl certs`, the one being typed last
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Answer HTTP-01 challenges; what the solver's Pod runs
    #[command(hide = true)]
    Respond(respond::RespondArgs),
}

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

    /// Whether it was asked to connect: who says where to means it.
    pub fn connects(&self) -> bool {
        self.probe || self.connect.is_some()
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
    /// What the role is for: reader (status, show, probe) or renewer (renew, issue, preflight, cleanup, rollback)
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

/// The roles of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// `kubectl-certs-reader`.
    Reader,
    /// `kubectl-certs-renewer`.
    Renewer,
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

/// Where to read from: a cluster, by kubectl's flags with kubectl's meanings, or manifests.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Source")]
pub struct SourceArgs {
    /// Read manifests instead of a cluster: files, directories, or - for standard input
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub filename: Vec<PathBuf>,
    /// Read the subdirectories of -f too
    #[arg(short = 'R', long, requires = "filename")]
    pub recursive: bool,
    /// The namespace; may be given more than once; the context's by default, and all with -f
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Leave namespaces out: kube-*; may be given more than once
    #[arg(long, value_name = "GLOB")]
    pub exclude_namespace: Vec<String>,
    /// Only routes with these labels: KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY, !KEY
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// Only routes with these fields, as the API server knows them
    #[arg(long, value_name = "FIELDS", conflicts_with = "filename")]
    pub field_selector: Option<String>,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// Which cluster, and as whom: kubectl's flags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// The kubeconfig file; by default those of KUBECONFIG, or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one by default
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The cluster of the kubeconfig; the context's by default
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub cluster: Option<String>,
    /// The user of the kubeconfig; the context's by default
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub user: Option<String>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER", hide_short_help = true)]
    pub as_user: Option<String>,
    /// Act as a member of this group; may be given more than once
    #[arg(long = "as-group", value_name = "GROUP", hide_short_help = true)]
    pub as_group: Vec<String>,
    /// Act as the user with this UID
    #[arg(long = "as-uid", value_name = "UID", hide_short_help = true)]
    pub as_uid: Option<String>,
    /// The bearer token; other users of the machine can see it: a kubeconfig is safer
    #[arg(long, hide_env_values = true, hide_short_help = true)]
    pub token: Option<Token>,
    /// The API server's address
    #[arg(short, long, value_name = "URL", hide_short_help = true)]
    pub server: Option<String>,
    /// The CA of the API server's certificate
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub certificate_authority: Option<PathBuf>,
    /// The client certificate to log in with
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub client_key: Option<PathBuf>,
    /// Do not verify the API server's certificate
    #[arg(long, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,
    /// The name to verify the API server's certificate for
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub tls_server_name: Option<String>,
    /// How long one request to the API server may take; 0 sets no limit for a server that answers: one that is silent is given up within
    /// seconds anyway
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = as_kubectl, hide_short_help = true)]
    pub request_timeout: Duration,
    /// How much the program logs, as in kubectl: 4 for its actions, 8 for every detail
    #[arg(
        short = 'v',
        long = "v",
        value_name = "N",
        default_value_t = 0,
        hide_short_help = true
    )]
    pub verbosity: u8,
    /// Read lists in pages of this many; 0 is one page
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    pub chunk_size: u32,
}

impl SourceArgs {
    /// Where a use case reads from.
    pub fn source(&self) -> Source {
        Source {
            filename: self.filename.clone(),
            recursive: self.recursive,
            namespace: self.namespace.clone(),
            all_namespaces: self.all_namespaces,
            exclude_namespace: self.exclude_namespace.clone(),
            selector: self.selector.clone(),
            field_selector: self.field_selector.clone(),
            chunk_size: self.connection.chunk_size,
        }
    }
}

impl ClusterArgs {
    /// What a connection is made with.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            as_user: self.as_user.clone(),
            as_uid: self.as_uid.clone(),
            as_groups: self.as_group.clone(),
            token: self.token.as_ref().map(|token| token.0.clone()),
            server: self.server.clone(),
            request_timeout: Some(self.request_timeout),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            certificate_authority: self.certificate_authority.clone(),
            tls_server_name: self.tls_server_name.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
        }
    }
}

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
        }
    }
}

/// What is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
// Flags of a command line, each of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct OutputArgs {
    /// A table by default; or wide, json, yaml, name, jsonpath=TEMPLATE, jsonpath-file=FILE, custom-columns=NAME:.PATH,..., junit, sarif or github
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

/// A token from the command line. `Debug` does not show it.
#[derive(Clone)]
pub struct Token(pub secrecy::SecretString);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl std::str::FromStr for Token {
    type Err = std::convert::Infallible;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self(s.to_owned().into()))
    }
}

fn moment(text: &str) -> Result<Seconds, String> {
    crate::text::parse_time(text).ok_or_else(|| "write it as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned())
}

fn reason(text: &str) -> Result<Reason, String> {
    text.parse::<Reason>().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_examples_and_each_is_taken() {
        let mut root = Cli::command();
        root.build();
        let mut lines = Vec::new();
        let mut left: Vec<&clap::Command> = root.get_subcommands().collect();
        while let Some(command) = left.pop() {
            if command.is_hide_set() || command.get_name() == "help" {
                continue;
            }
            left.extend(command.get_subcommands());
            let long = command.clone().render_long_help().to_string();
            let (_, examples) = long.split_once("\nExamples:\n").unwrap_or_default();
            // An example of a command begins with its own words.
            let name = command
                .get_bin_name()
                .unwrap_or_default()
                .replace("kubectl-certs", "kubectl certs");
            let own = examples.lines().filter_map(|line| line.trim().strip_prefix(&name));
            let own: Vec<String> = own.map(|rest| format!("{name}{rest}")).collect();
            assert!(!own.is_empty(), "{name}: {examples}");
            lines.extend(own);
        }
        assert!(lines.len() > 40, "{lines:?}");
        for line in lines {
            let typed = line.split(" > ").next().unwrap_or_default();
            let typed = typed.split(" | ").next().unwrap_or_default();
            let words = typed.split(' ').skip(1);
            let cli = Cli::try_parse_from(words).map_err(|error| format!("{line}: {error}"));
            assert!(cli.is_ok(), "{:?}", cli.err());
        }
    }

    #[test]
    fn the_screen_takes_every_flag_of_renew_that_says_how() {
        use crate::tui::update::fields::{FLAGS, Field};
        // What is renewed, in which cluster, and how it is told: the screen's own.
        let others = "due all max adopt filename recursive namespace all-namespaces exclude-namespace selector field-selector kubeconfig context \
                      cluster user as as-group as-uid token server certificate-authority client-certificate client-key insecure-skip-tls-verify \
                      tls-server-name request-timeout v chunk-size staging production directory-url account-secret config config-map output-dir yes \
                      dry-run output color help";
        let mut root = Cli::command();
        root.build();
        let renew = root.find_subcommand("renew").expect("it is there");
        let own = [Field::Issuer, Field::Solver, Field::Advertise].map(Field::flag);
        for arg in renew.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let Some(long) = arg.get_long() else { continue };
            let flag = format!("--{long}");
            let taken = FLAGS.iter().find(|(name, _)| *name == flag);
            let is_other = others.split_whitespace().any(|other| other == long);
            let places = [taken.is_some(), own.contains(&flag.as_str()), is_other];
            assert_eq!(places.iter().filter(|is| **is).count(), 1, "{flag}");
            if let Some((_, valued)) = taken {
                assert_eq!(*valued, arg.get_action().takes_values(), "{flag}");
            }
        }
    }

    #[test]
    fn kubectls_flags_mean_what_they_mean_there() {
        let words = "certs status -A -l app=web --chunk-size 500 --request-timeout 30 -o json web secret/x";
        let cli = Cli::try_parse_from(words.split(' ')).expect("it parses");
        let Some(Command::Status(args)) = cli.command else {
            panic!("status")
        };
        assert!(args.args.source.all_namespaces);
        assert_eq!(args.args.source.connection.request_timeout, Duration::from_secs(30));
        assert_eq!(args.targets, ["web", "secret/x"]);
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let cli = Cli::try_parse_from(["certs", "--token", "s3cr3t"]).expect("it parses");
        assert!(!format!("{cli:?}").contains("s3cr3t"));
    }
}
