//! What the commands that are told to the user are given, so that they ask what this run has asked.

use crate::{object::Reach, source::cluster::Connection, text::quote};

use super::args::{ClusterArgs, SourceArgs};

/// For a cluster: the flags that say which one and as whom, and the context unless it is the current one.
pub(super) fn of_cluster(source: &SourceArgs, connection: &Connection) -> Reach {
    let context = (!connection.is_current && !connection.context.is_empty()).then(|| connection.context.clone());
    let mut flags = String::new();
    for flag in cluster_flags(&source.connection, context) {
        flags.push(' ');
        flags.push_str(&quote(&flag));
    }
    Reach {
        kubectl: flags.as_str().into(),
        certs: flags.into(),
        ..Reach::default()
    }
}

/// The flags that say which cluster and as whom, as they were given, with this context. A token is in none: it must not be shown.
/// kubectl has the same.
pub(super) fn cluster_flags(args: &ClusterArgs, context: Option<String>) -> Vec<String> {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            flags.extend([format!("--{name}"), value]);
        }
    };
    flag("kubeconfig", path(&args.kubeconfig));
    flag("context", context);
    flag("cluster", args.cluster.clone());
    flag("user", args.user.clone());
    flag("as", args.as_user.clone());
    for group in &args.as_group {
        flag("as-group", Some(group.clone()));
    }
    flag("as-uid", args.as_uid.clone());
    // It is shown and copied; a password in it is not.
    flag(
        "server",
        args.server
            .as_deref()
            .map(|url| crate::text::without_user(url).into_owned()),
    );
    flag("certificate-authority", path(&args.certificate_authority));
    flag("client-certificate", path(&args.client_certificate));
    flag("client-key", path(&args.client_key));
    flag("tls-server-name", args.tls_server_name.clone());
    if args.insecure_skip_tls_verify {
        flags.push("--insecure-skip-tls-verify".to_owned());
    }
    flags
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
    fn the_cluster_that_was_read_is_named_again_and_a_token_is_not() {
        let line =
            "certs status --cluster staging -s https://u:secret@10.0.0.1:6443 --as=jane --as-group=a;b --token=t0ken";
        let cli = Cli::try_parse_from(line.split(' ')).expect("it parses");
        let Some(Command::Status(status)) = cli.command else {
            panic!("status")
        };
        let flags = cluster_flags(&status.args.source.connection, Some("prod".to_owned()));
        assert_eq!(
            flags.join(" "),
            "--context prod --cluster staging --as jane --as-group a;b --server https://10.0.0.1:6443"
        );
    }

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
