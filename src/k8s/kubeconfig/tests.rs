use std::fmt::Write as _;

use super::*;
use crate::error::Diagnose as _;

const ONE: &str = "
apiVersion: v1
kind: Config
current-context: ''
clusters:
- name: prod
  cluster: {server: 'https://prod.example:6443', certificate-authority: ca.crt, tls-server-name: kubernetes}
users:
- name: ann
  user: {token: from-one}
contexts:
- name: prod
  context: {cluster: prod, user: ann, namespace: shop}
- name: nobody
  context: {cluster: prod, user: missing}
- name: torn
  context: {cluster: missing, user: ann}
";
const TWO: &str = "
apiVersion: v1
kind: Config
current-context: staging
clusters:
- name: staging
  cluster: {server: 'https://staging.example'}
- name: prod
  cluster: {server: 'https://elsewhere.example'}
- name: empty
  cluster: {}
users:
- name: ann
  user: {token: from-two, username: discarded}
contexts:
- name: staging
  context: {cluster: staging, user: ann}
- name: empty
  context: {cluster: empty, user: ann}
";

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("one", ONE),
            ("two", TWO),
            ("broken", "clusters: [{name: x, cluster: {server: hunter2\n"),
            ("empty", ""),
        ] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// With `KUBECONFIG` set to these files.
    fn around(&self, files: &[&str]) -> Surroundings {
        let list = std::env::join_paths(files.iter().map(|f| self.path(f))).unwrap();
        Surroundings {
            kubeconfig: Some(list).filter(|list| !list.is_empty()),
            home: Some(self.directory.path().to_owned()),
            pod_address: None,
            pod_files: self.path("pod"),
        }
    }
}

fn with(change: impl FnOnce(&mut ConnectOptions)) -> ConnectOptions {
    let mut options = ConnectOptions::default();
    change(&mut options);
    options
}

#[test]
fn files_are_merged_and_the_first_entry_of_a_name_wins_whole() {
    let home = Home::new();
    let around = home.around(&["not-there", "one", "two"]);
    let chosen = choose(&ConnectOptions::default(), &around).unwrap();
    assert_eq!(
        (chosen.context.as_str(), chosen.server.as_str()),
        ("staging", "https://staging.example")
    );
    assert_eq!((chosen.user.as_str(), chosen.namespace.as_str()), ("ann", "default"));
    assert!(chosen.auth.username.is_none());
    let chosen = choose(&with(|o| o.context = Some("prod".into())), &around).unwrap();
    assert_eq!(
        (chosen.server.as_str(), chosen.namespace.as_str()),
        ("https://prod.example:6443", "shop")
    );
    assert_eq!(
        chosen.cluster.certificate_authority,
        Some(home.path("ca.crt").to_string_lossy().into_owned())
    );
}

#[test]
fn the_flag_names_one_file_that_must_be_there_and_the_default_is_under_home() {
    let home = Home::new();
    let around = home.around(&["one"]);
    let chosen = choose(&with(|o| o.kubeconfig = Some(home.path("two"))), &around).unwrap();
    assert_eq!(chosen.context, "staging");
    let error = choose(&with(|o| o.kubeconfig = Some(home.path("not-there"))), &around).unwrap_err();
    assert!(
        matches!(&error, ConnectError::Unreadable { path, .. } if *path == home.path("not-there")),
        "{error}"
    );
    std::fs::create_dir(home.path(".kube")).unwrap();
    std::fs::copy(home.path("two"), home.path(".kube/config")).unwrap();
    assert_eq!(
        choose(&ConnectOptions::default(), &home.around(&[])).unwrap().context,
        "staging"
    );
}

#[test]
fn nothing_at_all_says_where_it_looked() {
    let home = Home::new();
    for files in [&["not-there"][..], &["not-there", "neither"], &[]] {
        let error = choose(&ConnectOptions::default(), &home.around(files)).unwrap_err();
        let ConnectError::NoKubeconfig { tried } = &error else {
            panic!("{error}")
        };
        assert_eq!(tried.len(), files.len().max(1));
        assert!(error.hint().unwrap().contains("--kubeconfig"));
    }
    let error = choose(&ConnectOptions::default(), &home.around(&["empty"])).unwrap_err();
    assert!(matches!(error, ConnectError::NoKubeconfig { .. }), "{error}");
}

#[test]
fn a_pod_is_used_only_where_nothing_else_is_said() {
    let home = Home::new();
    std::fs::create_dir(home.path("pod")).unwrap();
    for (name, text) in [("token", "t\n"), ("ca.crt", ""), ("namespace", "certs\n")] {
        std::fs::write(home.path("pod").join(name), text).unwrap();
    }
    let inside = |files: &[&str]| Surroundings {
        pod_address: Some(("fd00::1".into(), "443".into())),
        ..home.around(files)
    };
    let chosen = choose(&ConnectOptions::default(), &inside(&[])).unwrap();
    assert_eq!(
        (chosen.server.as_str(), chosen.namespace.as_str()),
        ("https://[fd00::1]:443", "certs")
    );
    assert!(chosen.auth.token_file.is_some() && chosen.root_file.is_some());
    assert_eq!(
        choose(&ConnectOptions::default(), &inside(&["two"])).unwrap().context,
        "staging"
    );
    let chosen = choose(&with(|o| o.server = Some("https://other.example".into())), &inside(&[])).unwrap();
    assert!(chosen.server == "https://other.example" && chosen.auth.token_file.is_none());
}

#[test]
fn a_broken_file_is_named_with_the_place_and_never_quoted() {
    let home = Home::new();
    let error = choose(&ConnectOptions::default(), &home.around(&["one", "broken"])).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(&error, ConnectError::Invalid { path, .. } if *path == home.path("broken")),
        "{text}"
    );
    assert!(
        text.contains("line") && !text.contains("hunter2") && !format!("{error:?}").contains("hunter2"),
        "{text}"
    );
}

#[test]
fn a_context_that_is_not_there_names_the_nearest_and_some_others() {
    let home = Home::new();
    let around = home.around(&["one", "two"]);
    for (name, near) in [("stagin", Some("staging")), ("PROD", Some("prod")), ("xyz", None)] {
        let error = choose(&with(|o| o.context = Some(name.into())), &around).unwrap_err();
        assert!(
            matches!(&error, ConnectError::NoContext { nearest, .. } if nearest.as_deref() == near),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("prod, nobody, torn"));
    }
    let error = choose(&ConnectOptions::default(), &home.around(&["one"])).unwrap_err();
    assert!(matches!(error, ConnectError::NoCurrentContext { .. }), "{error}");
    let mut many = String::from("apiVersion: v1\nkind: Config\ncontexts:\n");
    for n in 0..500 {
        let _ = writeln!(many, "- {{name: c{n}, context: {{cluster: x}}}}");
    }
    std::fs::write(home.path("many"), many).unwrap();
    let error = choose(&with(|o| o.context = Some("zzz".into())), &home.around(&["many"])).unwrap_err();
    assert!(error.hint().unwrap().ends_with("c9 and 490 more"));
}

#[test]
fn clusters_and_users_that_are_missing_are_errors_as_in_kubectl() {
    let home = Home::new();
    let around = home.around(&["one", "two"]);
    let of = |options: ConnectOptions| choose(&options, &around);
    assert_eq!(of(with(|o| o.context = Some("nobody".into()))).unwrap().user, "missing");
    assert!(matches!(
        of(with(|o| o.context = Some("torn".into()))).unwrap_err(),
        ConnectError::NoCluster { .. }
    ));
    assert!(matches!(
        of(with(|o| o.context = Some("empty".into()))).unwrap_err(),
        ConnectError::NoServer { .. }
    ));
    assert!(matches!(
        of(with(|o| o.user = Some("bob".into()))).unwrap_err(),
        ConnectError::NoUser { .. }
    ));
    assert!(matches!(
        of(with(|o| o.cluster = Some("x".into()))).unwrap_err(),
        ConnectError::NoCluster { .. }
    ));
    assert!(matches!(
        of(with(|o| o.as_groups = vec!["g".into()])).unwrap_err(),
        ConnectError::GroupWithoutUser
    ));
    let chosen = of(with(|o| {
        o.context = Some("torn".into());
        o.server = Some("prod2.example".into());
        o.certificate_authority = Some("/ca".into());
        o.as_user = Some("root".into());
    }))
    .unwrap();
    assert_eq!(
        (chosen.server.as_str(), chosen.user.as_str()),
        ("https://prod2.example", "ann as root")
    );
    let chosen = of(with(|o| {
        o.context = Some("prod".into());
        o.server = Some("https://10.0.0.1".into());
        o.token = Some("flag".to_owned().into());
    }))
    .unwrap();
    assert!(chosen.cluster.tls_server_name.is_none() && chosen.token_first);
}

#[test]
fn what_was_chosen_does_not_print_what_it_logs_in_with() {
    let dir = Home::new();
    let options = with(|o| {
        o.server = Some("https://me:hunter2@cluster.example:6443".into());
        o.token = Some("hunter3".to_owned().into());
    });
    let printed = format!("{:?}", choose(&options, &dir.around(&[])).expect("a server is named"));
    assert!(printed.contains("https://cluster.example:6443"), "{printed}");
    for secret in ["hunter", "me@", "me:h"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
