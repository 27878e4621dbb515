use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::error::Diagnose as _;

/// A plugin that writes a line for each run into `runs` beside it, then runs `script`.
fn plugin(directory: &std::path::Path, script: &str) -> AuthInfo {
    let path = directory.join("plugin");
    std::fs::write(
        &path,
        format!("#!/bin/sh\necho x >> {0}/runs\ncd {0}\n{script}\n", directory.display()),
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1".into()),
        command: Some(path.to_string_lossy().into_owned()),
        args: Some(vec!["get-token".into()]),
        env: Some(vec![
            [("name", "WHO"), ("value", "ann")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        ]),
        ..ExecConfig::default()
    };
    AuthInfo {
        exec: Some(exec),
        ..AuthInfo::default()
    }
}

fn runs(directory: &std::path::Path) -> usize {
    std::fs::read_to_string(directory.join("runs")).map_or(0, |text| text.lines().count())
}

async fn take(auth: &mut AuthInfo) -> Result<Credential, ConnectError> {
    Credential::take("ann", auth, &Cluster::default(), false).await
}

fn header(credential: &Credential) -> Option<String> {
    credential.header().map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_plugin_runs_once_and_again_only_when_its_token_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let answer = r#"echo "$KUBERNETES_EXEC_INFO" > info
echo "{\"status\":{\"token\":\"$WHO-$1-$(wc -l < runs | tr -d ' ')\",\"expirationTimestamp\":\"$(cat until)\"}}""#;
    std::fs::write(directory.path().join("until"), "2999-01-01T00:00:00Z").unwrap();
    let mut auth = plugin(directory.path(), answer);
    let credential = take(&mut auth).await.unwrap();
    assert!(auth.exec.is_none(), "kube would run it three times more");
    assert_eq!(header(&credential).as_deref(), Some("Bearer ann-get-token-1"));
    for refused in [false, true, false] {
        assert!(!credential.renew(refused).await.unwrap());
    }
    assert_eq!(runs(directory.path()), 1);
    let info = std::fs::read_to_string(directory.path().join("info")).unwrap();
    assert!(
        info.contains(r#""kind":"ExecCredential""#) && info.contains(r#""interactive":"#),
        "{info}"
    );

    std::fs::write(directory.path().join("until"), "2001-01-01T00:00:00Z").unwrap();
    let credential = take(&mut plugin(directory.path(), answer)).await.unwrap();
    assert!(credential.renew(false).await.unwrap());
    assert_eq!(header(&credential).as_deref(), Some("Bearer ann-get-token-3"));
}

#[tokio::test]
async fn plugins_that_cannot_be_used_are_named_and_their_answers_are_not() {
    let directory = tempfile::tempdir().unwrap();
    for (script, expected) in [
        ("exit 7", "exit status: 7"),
        ("echo hunter2", "not an ExecCredential"),
        ("echo '{\"status\":{}}'", "neither token nor certificate"),
        (
            "echo '{\"status\":{\"token\":\"hunter2\",\"expirationTimestamp\":\"soon\"}}'",
            "not a time",
        ),
    ] {
        let Err(error) = take(&mut plugin(directory.path(), script)).await else {
            panic!("{script}")
        };
        let text = format!("{error} {error:?}");
        assert!(
            matches!(error, ConnectError::PluginFailed { .. }) && text.contains(expected),
            "{script}: {text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    let mut auth = plugin(directory.path(), "");
    if let Some(exec) = &mut auth.exec {
        exec.command = Some("/no/such/plugin".into());
        exec.install_hint = Some("run\n  brew install it".into());
    }
    let Err(error) = take(&mut auth).await else {
        panic!("no plugin")
    };
    assert!(matches!(error, ConnectError::PluginMissing { .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("run brew install it"));
}

#[tokio::test]
async fn a_plugin_may_give_a_certificate_or_write_yaml() {
    let directory = tempfile::tempdir().unwrap();
    let mut auth = plugin(
        directory.path(),
        "printf 'status:\\n  clientCertificateData: CERT\\n  clientKeyData: KEY\\n'",
    );
    let credential = take(&mut auth).await.unwrap();
    assert_eq!(
        (header(&credential), auth.client_certificate_data.as_deref()),
        (None, Some("Q0VSVA=="))
    );
    assert!(!credential.renew(true).await.unwrap());
}

#[tokio::test]
async fn a_token_file_may_end_in_a_newline_and_a_given_token_wins_over_a_plugin() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "abc\n").unwrap();
    let file = || Some(path.to_string_lossy().into_owned());
    let mut auth = AuthInfo {
        token_file: file(),
        ..AuthInfo::default()
    };
    assert_eq!(header(&take(&mut auth).await.unwrap()).as_deref(), Some("Bearer abc"));
    let mut auth = AuthInfo {
        token_file: file(),
        token: Some("flag".to_owned().into()),
        ..AuthInfo::default()
    };
    let credential = Credential::take("ann", &mut auth, &Cluster::default(), true)
        .await
        .unwrap();
    assert_eq!(header(&credential).as_deref(), Some("Bearer flag"));
    let mut auth = AuthInfo {
        token: Some("given".to_owned().into()),
        ..plugin(directory.path(), "exit 1")
    };
    assert_eq!(header(&take(&mut auth).await.unwrap()).as_deref(), Some("Bearer given"));
    assert_eq!(runs(directory.path()), 0);
    let mut auth = AuthInfo {
        token: Some("a\nb".to_owned().into()),
        ..AuthInfo::default()
    };
    assert!(matches!(
        take(&mut auth).await,
        Err(ConnectError::BadCredentials { .. })
    ));
}
