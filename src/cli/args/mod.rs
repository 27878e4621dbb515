//! The command line, as it is typed. What the words become is in the files of the commands.

pub mod adopt;
pub mod controller;
pub mod domains;
mod examples;
pub mod install;
pub mod issue;
mod judge;
pub mod kept;
mod read;
#[cfg(test)]
mod remedies;
pub mod respond;
mod source;

use clap::{Parser, Subcommand, builder::styling};

pub use judge::{ByArg, CheckArgs, ColorChoice, OutputArgs, ReachArg, SeverityArg};
pub use read::{
    ExplainArgs, For, ManArgs, ProbeArgs, RightsArgs, ShowArgs, StatusArgs, StatusCommand, VersionArgs, WhyCommand,
};
pub use source::{ClusterArgs, SourceArgs, Token};

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
    /// In the terminal UI: change nothing, whatever key is pressed
    #[arg(long)]
    pub read_only: bool,
    /// Everything that `status` takes, when no command is given.
    #[command(flatten)]
    pub status: StatusArgs,
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
    /// Show which limit of the CA binds when in the coming year, under several lifetimes
    #[command(after_long_help = examples::FORECAST)]
    Forecast(Box<issue::ForecastCommand>),
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
    /// Write certificates with their keys into a directory, encrypted with age
    #[command(after_long_help = examples::EXPORT)]
    Export(Box<kept::ExportCommand>),
    /// Prove that the controller renewed every certificate in time, and when each was seen served
    #[command(after_long_help = examples::PROOF)]
    Proof(Box<kept::ProofCommand>),
    /// Keep the certificates of annotated routes renewed, unattended; what runs in the cluster
    #[command(after_long_help = examples::CONTROLLER)]
    Controller(Box<controller::ControllerCommand>),
    /// Take over certificates that cert-manager, kube-lego, certbot or acme.sh keep, without an order, or give them back
    #[command(after_long_help = examples::ADOPT)]
    Adopt(Box<adopt::AdoptCommand>),
    /// List, register, release and import customers' own domains
    #[command(after_long_help = examples::DOMAINS)]
    Domains(Box<domains::DomainsCommand>),
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
    /// Print the manual page of the program or of a command
    #[command(after_long_help = examples::MAN)]
    Man(ManArgs),
    /// Print what may come next on the command line; what `kubectl_complete-certs` runs
    #[command(hide = true)]
    Complete {
        /// Read the names for the next key press; nobody waits
        #[arg(long, hide = true)]
        read_on: bool,
        /// Nothing of the last word is typed yet; for shells that hand no empty argument on
        #[arg(long, hide = true)]
        next: bool,
        /// The words after `kubectl certs`, the one being typed last
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Answer HTTP-01 challenges; what the solver's Pod runs
    #[command(hide = true)]
    Respond(respond::RespondArgs),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
                      dry-run output color help notify notify-renewed";
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
