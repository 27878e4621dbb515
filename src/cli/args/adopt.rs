//! `adopt`.

use clap::{Args, builder::PossibleValuesParser};

use super::ClusterArgs;
use crate::{
    controller::moment,
    ops::{Source, adopt},
    plan::adopt::Former,
    settings::value::Namespaced,
};

/// `adopt`.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Args)]
pub struct AdoptCommand {
    /// Only what this keeper keeps: cert-manager, kube-lego, certbot, acme.sh, lego or dehydrated; may be given more than once
    #[arg(long, value_name = "KEEPER", value_parser = PossibleValuesParser::new(Former::ALL.map(Former::as_str)), hide_possible_values = true)]
    pub from: Vec<String>,
    /// Give back what was adopted: objects, annotations and field managers as they were
    #[arg(long)]
    pub undo: bool,
    /// The namespace; may be given more than once; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The namespace of the installation that keeps them from then on; it is looked for by default
    #[arg(long, value_name = "NAMESPACE")]
    pub controller_namespace: Option<String>,
    /// Also take over the account whose key is in this Secret, and replace its key: its former client loses it. Only if nothing that stays
    /// uses it, and the installation has no account yet
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "undo")]
    pub import_account: Option<Namespaced>,
    /// Also adopt what Argo CD, Flux, Helm or another tool writes again from where it comes from: change it there too
    #[arg(long, conflicts_with = "undo")]
    pub force: bool,
    /// Only show what would be changed, and what somebody has to decide
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

impl AdoptCommand {
    /// What a use case is asked.
    pub fn request(&self) -> adopt::Request {
        adopt::Request {
            source: Source {
                namespace: self.namespace.clone(),
                all_namespaces: self.all_namespaces,
                chunk_size: self.connection.chunk_size,
                ..Source::default()
            },
            from: self.from.iter().filter_map(|name| Former::named(name)).collect(),
            controller_namespace: self.controller_namespace.clone(),
            undo: self.undo,
            import_account: self.import_account.as_ref().map(|at| at.0.clone()),
            force: self.force,
            is_dry: self.dry_run,
            due: moment::renewal_of,
        }
    }
}
