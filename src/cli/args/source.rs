//! Where is read from.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{k8s::ConnectOptions, ops::Source, settings::value::as_kubectl};

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
