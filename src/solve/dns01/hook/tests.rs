use std::{os::unix::fs::PermissionsExt, path::Path};

use super::*;
use crate::apply::Pair;

fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("hook.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn hook(command: PathBuf, timeout: u64) -> Hook {
    Hook::new(&HookConfig {
        command,
        timeout,
        deploy_cert: true,
        environment: vec!["CARGO_PKG_NAME".to_owned()],
    })
}

fn record() -> Record {
    Record {
        zone: "acme.test".to_owned(),
        name: "shop.acme.test".to_owned(),
        value: "val-ue_1".to_owned(),
        ttl: 60,
        domain: "shop.example".to_owned(),
        token: "tok-en".to_owned(),
    }
}

#[tokio::test]
async fn it_gets_dehydrateds_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let hook = hook(script(dir.path(), r#"echo "$#: $*" >> "$(dirname "$0")/calls""#), 60);
    hook.add(&record()).await.unwrap();
    assert_eq!(hook.remove(&record()).await, Ok(true));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("calls")).unwrap(),
        "4: deploy_challenge shop.example tok-en val-ue_1\n4: clean_challenge shop.example tok-en val-ue_1\n"
    );
}

fn pair() -> Pair {
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["shop.example".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let key = secrecy::SecretString::from(key.serialize_pem());
    Pair::check(
        key,
        leaf.pem().as_bytes(),
        &[],
        crate::clock::now(),
        &crate::apply::Roots::Any,
    )
    .unwrap()
}

#[tokio::test]
async fn it_gets_certificates_in_files_of_its_own_user_that_are_gone_afterwards() {
    use secrecy::ExposeSecret as _;
    let dir = tempfile::tempdir().unwrap();
    let text = r#"cd "$(dirname "$0")"; echo "$#: $*" >> calls
stat -c '%a %n' "$(dirname "$3")" "$3" | sed 's/ .*//' >> modes
cat "$3" > key; cat "$4" > cert; cat "$5" > fullchain; cat "$6" > chain"#;
    let hook = hook(script(dir.path(), text), 60);
    let pair = pair();
    let mut call = CertificateCall {
        domain: "shop.example".to_owned(),
        pair: &pair,
        deployed: Some(1_800_000_000),
    };
    hook.certificate(&call).await.unwrap();
    call.deployed = None;
    hook.certificate(&call).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("modes"), "700\n600\n700\n600\n");
    assert_eq!(read("key"), pair.key().expose_secret());
    assert_eq!((read("cert"), read("fullchain")), (pair.leaf_pem(), pair.chain_pem()));
    assert_eq!(read("chain"), "");
    let calls = read("calls");
    let [deployed, unchanged] = calls.lines().collect::<Vec<_>>()[..] else {
        panic!("{calls}")
    };
    let files: Vec<&str> = deployed.split(' ').skip(3).take(4).collect();
    assert!(
        deployed.starts_with("7: deploy_cert shop.example ") && deployed.ends_with(" 1800000000"),
        "{calls}"
    );
    assert!(unchanged.starts_with("6: unchanged_cert shop.example "), "{calls}");
    let names = ["privkey.pem", "cert.pem", "fullchain.pem", "chain.pem"];
    for (file, name) in files.iter().zip(names) {
        assert!(file.ends_with(name), "{calls}");
        assert!(
            !Path::new(file).exists() && !Path::new(file).parent().unwrap().exists(),
            "{file}"
        );
    }
}

#[tokio::test]
async fn it_gets_the_usual_variables_and_those_that_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let hook = hook(script(dir.path(), r#"env > "$(dirname "$0")/env""#), 60);
    hook.add(&record()).await.unwrap();
    let env = std::fs::read_to_string(dir.path().join("env")).unwrap();
    let names: Vec<&str> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(
        names.contains(&"PATH") && names.contains(&"CARGO_PKG_NAME"),
        "{names:?}"
    );
    // cargo sets it, and the settings do not name it.
    assert!(std::env::var_os("CARGO_PKG_VERSION").is_some());
    assert!(!names.contains(&"CARGO_PKG_VERSION"), "{names:?}");
}

#[tokio::test]
async fn a_failure_tells_the_status_and_the_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let long = r#"head -c 100000 /dev/zero | tr '\0' x; echo; echo "no zone" >&2; exit 3"#;
    let error = hook(script(dir.path(), long), 60).add(&record()).await.unwrap_err();
    assert!(
        error
            .message
            .contains("deploy_challenge shop.example: exited with status 3: "),
        "{error}"
    );
    assert!(error.message.len() < 700);
    let error = hook(script(dir.path(), r#"echo "no   zone" >&2; exit 3"#), 60)
        .add(&record())
        .await
        .unwrap_err();
    assert!(error.message.ends_with("exited with status 3: no zone"), "{error}");
    let absent = hook(dir.path().join("absent"), 60).add(&record()).await.unwrap_err();
    assert!(absent.message.contains("cannot be started: No such file"), "{absent}");
}

#[tokio::test]
async fn one_that_does_not_end_is_stopped_with_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let hook = hook(script(dir.path(), "echo waiting; sleep 1000; echo after"), 1);
    let error = hook.add(&record()).await.unwrap_err();
    assert!(
        error
            .message
            .ends_with("did not end within 1 s and was stopped: waiting"),
        "{error}"
    );
}

#[tokio::test]
async fn calls_follow_one_another_even_when_nobody_waits_for_the_first() {
    let dir = tempfile::tempdir().unwrap();
    // The first call ends only when the test says so.
    let text =
        r#"cd "$(dirname "$0")"; echo "$1" >> calls; while [ ! -e go ]; do sleep 0.01; done; echo "end $1" >> calls"#;
    let hook = hook(script(dir.path(), text), 60);
    let calls = || std::fs::read_to_string(dir.path().join("calls")).unwrap_or_default();
    let record = record();
    {
        let add = hook.add(&record);
        tokio::pin!(add);
        while calls().is_empty() {
            tokio::select! {
                _ = &mut add => unreachable!(),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
    let go = dir.path().join("go");
    let (removed, ()) = tokio::join!(hook.remove(&record), async { std::fs::write(go, "").unwrap() });
    removed.unwrap();
    assert_eq!(
        calls(),
        "deploy_challenge\nend deploy_challenge\nclean_challenge\nend clean_challenge\n"
    );
}
