//! What the commands that are told to the user are given, so that they ask what this run has asked.

use crate::{object::Reach, report::words::quote, source::cluster::Connection};

use super::args::SourceArgs;

/// For a cluster: the kubeconfig that was named, and the context unless it is the current one.
pub(super) fn of_cluster(source: &SourceArgs, connection: &Connection) -> Reach {
    let mut flags = String::new();
    if let Some(file) = &source.connection.kubeconfig {
        flags.push_str(" --kubeconfig ");
        flags.push_str(&quote(&file.to_string_lossy()));
    }
    if !connection.is_current && !connection.context.is_empty() {
        flags.push_str(" --context ");
        flags.push_str(&quote(&connection.context));
    }
    Reach {
        kubectl: flags.as_str().into(),
        certs: flags.into(),
    }
}

/// For manifests: the same files. What came from standard input cannot be asked again.
pub(super) fn of_manifests(source: &SourceArgs) -> Reach {
    let mut flags = String::new();
    for file in source.filename.iter().filter(|file| file.as_os_str() != "-") {
        flags.push_str(" -f ");
        flags.push_str(&quote(&file.to_string_lossy()));
    }
    if source.recursive && !flags.is_empty() {
        flags.push_str(" -R");
    }
    Reach {
        certs: flags.into(),
        ..Reach::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    #[test]
    fn the_files_that_were_read_are_named_again_and_quoted() {
        for (line, flags) in [
            ("certs status -f a.yaml -f - -R", " -f a.yaml -R"),
            ("certs status -f -", ""),
            ("certs status -f it's.yaml", r" -f 'it'\''s.yaml'"),
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("it parses");
            let Some(Command::Status(status)) = cli.command else {
                panic!("status")
            };
            assert_eq!(of_manifests(&status.args.source).certs, flags, "{line}");
            assert_eq!(of_manifests(&status.args.source).kubectl, "", "{line}");
        }
    }
}
