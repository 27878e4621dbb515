use secrecy::SecretString;

use super::*;

const DIRECTORY: &str = "https://acme.example/dir";

fn kept(key: &str) -> Kept {
    Kept {
        account: StoredAccount {
            directory: DIRECTORY.to_owned(),
            url: None,
            key: SecretString::from(key),
            contact: vec!["mailto:a@b.example".to_owned()],
            created: 1_800_000_000,
        },
        pending: None,
        terms: None,
    }
}

fn keep(key: &'static str) -> impl Fn(Option<Kept>) -> Change + Send + Sync {
    move |present| match present {
        Some(_) => Change::Leave,
        None => Change::Keep(Box::new(kept(key))),
    }
}

#[test]
fn each_directory_has_a_file_of_its_own() {
    let one = file_name("https://acme.example/dir");
    assert!(
        one.starts_with("acme.example-") && one.split('.').next_back() == Some("json"),
        "{one}"
    );
    assert_ne!(one, file_name("https://acme.example/other"));
    let odd = file_name("https://../../etc/passwd");
    assert!(!odd.contains('/') && !odd.starts_with('.'), "{odd}");
    assert!(file_name("https://[::1]:14000/dir").starts_with("___1__14000-"));
}

#[tokio::test]
async fn of_two_that_make_a_key_at_once_one_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::Local(dir.path().join("kubectl-certs/accounts"));
    let (keep_a, keep_b) = (keep("a"), keep("b"));
    let (a, b) = tokio::join!(store.change(DIRECTORY, &keep_a), store.change(DIRECTORY, &keep_b));
    let (a, b) = (a.unwrap().unwrap(), b.unwrap().unwrap());
    assert_eq!(a.account.key.expose_secret(), b.account.key.expose_secret());
    let all = store.list().await.unwrap();
    assert_eq!(all.len(), 1);
    assert!(!format!("{all:?}").contains("key: \"a\""));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_it_and_what_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let accounts = dir.path().join("accounts");
    let store = Store::Local(accounts.clone());
    store.change(DIRECTORY, &keep("a")).await.unwrap();
    let file = accounts.join(file_name(DIRECTORY));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&accounts), mode(&file)), (0o700, 0o600));
    let open =
        |path: &std::path::Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    open(&file, 0o640);
    let error = store.load(DIRECTORY).await.unwrap_err();
    assert!(
        error.to_string().ends_with("can be read by others (mode 640)"),
        "{error}"
    );
    assert_eq!(error.hint().unwrap(), format!("chmod 600 {}", file.display()));
    open(&file, 0o600);
    open(&accounts, 0o755);
    assert_eq!(
        store.load(DIRECTORY).await.unwrap_err().hint().unwrap(),
        format!("chmod 700 {}", accounts.display())
    );
}

#[tokio::test]
async fn what_is_damaged_is_said_without_its_content_and_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::Local(dir.path().join("accounts"));
    store.change(DIRECTORY, &keep("a")).await.unwrap();
    let file = dir.path().join("accounts").join(file_name(DIRECTORY));
    std::fs::write(&file, "{\"key\": \"hunter2\", ").unwrap();
    for error in [
        store.load(DIRECTORY).await.unwrap_err(),
        store.change(DIRECTORY, &keep("b")).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("holds no account"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    // An account of another directory is not taken for this one's.
    let other = serde_json::to_string(&kept("a"))
        .unwrap()
        .replace("acme.example", "evil.example");
    std::fs::write(&file, other).unwrap();
    assert!(
        store
            .load(DIRECTORY)
            .await
            .unwrap_err()
            .to_string()
            .contains("https://evil.example/dir")
    );
}

#[tokio::test]
async fn a_change_is_whole_and_leaves_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::Local(dir.path().to_owned().join("accounts"));
    assert!(store.load(DIRECTORY).await.unwrap().is_none());
    store.change(DIRECTORY, &keep("a")).await.unwrap();
    let add = |present: Option<Kept>| {
        let mut kept = present.unwrap();
        kept.pending = Some(PendingKey {
            key: "next".into(),
            since: 1_800_000_000,
        });
        Change::Keep(Box::new(kept))
    };
    store.change(DIRECTORY, &add).await.unwrap();
    let back = store.load(DIRECTORY).await.unwrap().unwrap();
    assert_eq!(back.pending.unwrap().key.expose_secret(), "next");
    assert_eq!(back.account.key.expose_secret(), "a");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(dir.path().join("accounts")).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names().len(), 2, "the account and its lock: {:?}", names());
    store.change(DIRECTORY, &|_| Change::Remove).await.unwrap();
    assert!(store.load(DIRECTORY).await.unwrap().is_none());
    assert_eq!(names().len(), 1, "{:?}", names());
}
