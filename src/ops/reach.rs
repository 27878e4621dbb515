//! What the commands that are told to the user are given, so that they ask what this run has asked.

use crate::{
    k8s::{ConnectOptions, Connection},
    net::address::HostPort,
    object::Reach,
    text::quote,
};

use super::Source;

/// For a cluster: the flags that say which one and as whom, and the context unless it is the current one.
pub fn of_cluster(options: &ConnectOptions, connection: &Connection) -> Reach {
    let context = (!connection.is_current && !connection.context.is_empty()).then(|| connection.context.clone());
    let mut flags = String::new();
    for flag in cluster_flags(options, context) {
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
pub fn cluster_flags(args: &ConnectOptions, context: Option<String>) -> Vec<String> {
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
    for group in &args.as_groups {
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

/// For a server: the address at which it was asked, where that was said.
pub fn of_server(connect: Option<&HostPort>) -> String {
    connect.map_or_else(String::new, |there| format!(" --connect {}", quote(&there.to_string())))
}

/// For manifests: the same files. What came from standard input has to be given again: without it a cluster would be asked.
pub fn of_manifests(source: &Source) -> Reach {
    let mut flags = String::new();
    for file in &source.filename {
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
    use super::*;

    #[test]
    fn the_cluster_that_was_read_is_named_again_and_a_token_is_not() {
        let options = ConnectOptions {
            cluster: Some("staging".to_owned()),
            server: Some("https://u:secret@10.0.0.1:6443".to_owned()),
            as_user: Some("jane".to_owned()),
            as_groups: vec!["a;b".to_owned()],
            token: Some("t0ken".to_owned().into()),
            ..ConnectOptions::default()
        };
        let flags = cluster_flags(&options, Some("prod".to_owned()));
        assert_eq!(
            flags.join(" "),
            "--context prod --cluster staging --as jane --as-group a;b --server https://10.0.0.1:6443"
        );
    }

    #[test]
    fn the_files_that_were_read_are_named_again_and_quoted() {
        for (files, recursive, flags) in [
            (vec!["a.yaml", "-"], true, " -f a.yaml -f - -R"),
            (vec!["-"], false, " -f -"),
            (vec!["it's.yaml"], false, r" -f 'it'\''s.yaml'"),
        ] {
            let source = Source {
                filename: files.iter().map(Into::into).collect(),
                recursive,
                ..Source::default()
            };
            assert_eq!(of_manifests(&source).certs, flags, "{files:?}");
            assert_eq!(of_manifests(&source).kubectl, "", "{files:?}");
        }
    }
}
