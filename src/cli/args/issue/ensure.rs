//! `ensure`.

use std::path::PathBuf;

use clap::Args;

use super::{IssueArgs, NotifyArgs};

/// `ensure`.
#[derive(Debug, Clone, Args)]
pub struct EnsureCommand {
    /// The Secret that is to hold the certificate.
    #[arg(
        help = "The Secret that is to hold the certificate; with --from-env certs-<first domain> by default",
        long,
        value_name = "NAME",
        required_unless_present = "from_env"
    )]
    pub secret: Option<String>,
    /// A host of the certificate: a name, a wildcard or an IP address; may be given more than once. Names of the present certificate that
    /// are not given are removed
    #[arg(
        short = 'd',
        long = "domain",
        value_name = "HOST",
        required_unless_present = "from_env"
    )]
    pub domains: Vec<String>,
    /// Whether the variables of a container are read.
    #[arg(
        help = "Read EMAIL, DOMAINS, RC_NAMES, DEPLOYMENTS, SECRET_NAME, NAMESPACE and LETSENCRYPT_ENDPOINT; flags win",
        long
    )]
    pub from_env: bool,
    /// Encrypt the manifest for this recipient (age1...); may be given more than once
    #[arg(long, value_name = "RECIPIENT", requires = "filename", help_heading = "Encryption")]
    pub age_recipient: Vec<String>,
    /// Encrypt the manifest for the recipients in this file, one a line; may be given more than once
    #[arg(long, value_name = "FILE", requires = "filename", help_heading = "Encryption")]
    pub age_recipients_file: Vec<PathBuf>,
    /// The identity that decrypts the present manifest; without it the chain in NAME.crt decides; may be given more than once
    #[arg(long, value_name = "FILE", requires = "filename", help_heading = "Encryption")]
    pub age_identity: Vec<PathBuf>,
    /// Who is told.
    #[command(flatten)]
    pub notify: NotifyArgs,
    /// Everything else.
    #[command(flatten)]
    pub issue: IssueArgs,
}
