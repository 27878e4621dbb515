use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::{
    found::{Form, Item, walk},
    judge::Judge,
    rdb,
};
use crate::{
    domain::Platform,
    object::Seconds,
    plan::ca::Ca,
    x509::testing::{Authority, Issued},
};

/// A moment within the validity of certificates of tests.
const NOW: Seconds = 1_800_000_000;

fn write(root: &Path, all: &[(&str, &str)]) {
    for (path, text) in all {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn judge(same_ca: bool) -> Judge {
    let ca = Ca {
        name: "own".to_owned(),
        directory: "https://ca.example/directory".to_owned(),
    };
    let platform = Platform {
        own: vec!["platform.example.com".parse().unwrap()],
        ..Platform::default()
    };
    Judge::of(ca, platform, same_ca, NOW)
}

/// The hosts that would be imported, each with the place of its pair, and what is told of the rest.
fn all(form: Form, path: &Path, judge: &Judge) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut hosts, mut told) = (BTreeMap::new(), Vec::new());
    walk(form, path, &mut |item| {
        let judged = judge.judge(item);
        told.extend(judged.problems);
        if let Some(good) = judged.pair {
            hosts.extend(good.hosts.iter().map(|host| (host.to_string(), good.at.clone())));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (hosts, told)
}

fn hosts(found: &BTreeMap<String, String>) -> Vec<&str> {
    found.keys().map(String::as_str).collect()
}

fn chain(leaf: &Issued, ca: &Authority) -> String {
    leaf.pem() + &ca.pem()
}

#[test]
fn pem_files_are_found_wherever_certbot_acme_sh_lego_haproxy_and_people_put_them() {
    let (root, dir) = (Authority::root("Root"), tempfile::tempdir().unwrap());
    let ca = root.sub("Sub");
    let leaf = |name: &str| ca.leaf(name);
    let (certbot, acme, lego, haproxy, mounted, mine) = (
        leaf("certbot.example.com"),
        leaf("acme.example.com"),
        leaf("lego.example.com"),
        leaf("haproxy.example.com"),
        leaf("mounted.example.com"),
        leaf("mine.example.com"),
    );
    let text = |leaf: &Issued| chain(leaf, &ca);
    write(
        dir.path(),
        &[
            ("le/live/README", "not a pair"),
            ("le/live/certbot.example.com/fullchain.pem", &text(&certbot)),
            ("le/live/certbot.example.com/privkey.pem", &certbot.key_pem()),
            ("le/live/certbot.example.com/cert.pem", &certbot.pem()),
            ("le/archive/certbot.example.com/fullchain1.pem", "a former one"),
            ("le/keys/0000_key-certbot.pem", &certbot.key_pem()),
            ("acme.sh/acme.example.com_ecc/fullchain.cer", &text(&acme)),
            ("acme.sh/acme.example.com_ecc/acme.example.com.cer", &acme.pem()),
            ("acme.sh/acme.example.com_ecc/acme.example.com.key", &acme.key_pem()),
            ("lego/lego.example.com.crt", &text(&lego)),
            ("lego/lego.example.com.issuer.crt", &ca.pem()),
            ("lego/lego.example.com.key", &lego.key_pem()),
            ("haproxy/site.pem", &(haproxy.key_pem() + &text(&haproxy))),
            ("mounted/tls.crt", &text(&mounted)),
            ("mounted/tls.key", &mounted.key_pem()),
            ("mine/mine.pem", &text(&mine)),
            ("mine/mine-key.pem", &mine.key_pem()),
            ("mine/ca.crt", &root.pem()),
            ("mine/.hidden.crt", "nothing"),
        ],
    );
    let (found, told) = all(Form::PemDir, dir.path(), &judge(true));
    assert_eq!(told, [""; 0]);
    let expected = [
        "acme.example.com",
        "certbot.example.com",
        "haproxy.example.com",
        "lego.example.com",
        "mine.example.com",
        "mounted.example.com",
    ];
    assert_eq!(hosts(&found), expected);
    assert_eq!(
        found["certbot.example.com"],
        "le/live/certbot.example.com/fullchain.pem"
    );
}

#[test]
fn caddys_storage_is_read_with_the_directory_from_which_it_ordered() {
    let (root, dir) = (Authority::root("Root"), tempfile::tempdir().unwrap());
    let (ours, others) = (root.leaf("shop.example.com"), root.leaf("blog.example.com"));
    let meta =
        |ca: &str| format!(r#"{{"sans": ["x"], "issuer_data": {{"url": "https://ca.example/1", "ca": "{ca}"}}}}"#);
    write(
        dir.path(),
        &[
            ("acme/ca.example-directory/users/default/default.key", "an account"),
            (
                "certificates/ca.example-directory/shop.example.com/shop.example.com.crt",
                &chain(&ours, &root),
            ),
            (
                "certificates/ca.example-directory/shop.example.com/shop.example.com.key",
                &ours.key_pem(),
            ),
            (
                "certificates/ca.example-directory/shop.example.com/shop.example.com.json",
                &meta("https://ca.example/directory"),
            ),
            (
                "certificates/zero/blog.example.com/blog.example.com.crt",
                &chain(&others, &root),
            ),
            (
                "certificates/zero/blog.example.com/blog.example.com.key",
                &others.key_pem(),
            ),
            (
                "certificates/zero/blog.example.com/blog.example.com.json",
                &meta("https://zero.example/v2"),
            ),
            ("certificates/zero/empty.example.com/empty.example.com.json", "{"),
        ],
    );
    let (found, told) = all(Form::Caddy, dir.path(), &judge(false));
    assert_eq!(hosts(&found), ["shop.example.com"]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("zero/blog.example.com/blog.example.com.crt: "),
        "{told:?}"
    );
    assert!(told[0].contains("it would not be renewed"), "{told:?}");
    assert!(told[1].contains("there is no certificate"), "{told:?}");
    // The directory below is meant as well.
    assert_eq!(
        all(Form::Caddy, &dir.path().join("certificates"), &judge(true)).0.len(),
        2
    );
    let none = walk(
        Form::Caddy,
        &dir.path().join("acme"),
        &mut |_| ControlFlow::Continue(()),
    );
    assert!(none.unwrap_err().to_string().contains("no storage of Caddy"));
}

/// The value of lua-resty-auto-ssl.
fn value(leaf: &Issued, ca: &Authority) -> String {
    serde_json::json!({
        "fullchain_pem": chain(leaf, ca), "privkey_pem": leaf.key_pem(), "cert_pem": leaf.pem(), "expiry": NOW,
    })
    .to_string()
}

#[test]
fn lua_resty_auto_ssl_is_read_from_its_files_and_from_a_dump_of_redis() {
    let (root, dir) = (Authority::root("Root"), tempfile::tempdir().unwrap());
    let (shop, blog) = (root.leaf("shop.example.com"), root.leaf("blog.example.com"));
    let (shop, blog) = (value(&shop, &root), value(&blog, &root));
    write(
        dir.path(),
        &[
            ("storage/file/shop.example.com%3Alatest", &shop),
            ("storage/file/blog.example.com%3Alatest", &blog),
            ("storage/file/blog.example.com%3Aissue_cert_lock", "0123"),
            (
                "storage/file/x.example.com%3Alatest",
                "{\"fullchain_pem\": \"hunter2\"}",
            ),
        ],
    );
    let (found, told) = all(Form::AutoSsl, dir.path(), &judge(true));
    assert_eq!(hosts(&found), ["blog.example.com", "shop.example.com"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(!told[0].contains("hunter2"), "{told:?}");

    let dump = rdb::tests::dump(&[
        ("shop.example.com:latest", &shop),
        ("sessions:1", "something else"),
        ("auto-ssl:blog.example.com:latest", &blog),
        ("blog.example.com:challenge:xyz", "token"),
        ("other.example.com:latest", &shop),
    ]);
    let path = dir.path().join("dump.rdb");
    fs::write(&path, &dump).unwrap();
    let (found, told) = all(Form::AutoSsl, &path, &judge(true));
    assert_eq!(hosts(&found), ["blog.example.com", "shop.example.com"]);
    assert_eq!(found["blog.example.com"], "key auto-ssl:blog.example.com:latest");
    assert_eq!(
        told,
        ["key other.example.com:latest: its certificate is not for other.example.com, but for shop.example.com"]
    );
    fs::write(&path, &dump[..dump.len() - 20]).unwrap();
    let cut = walk(Form::AutoSsl, &path, &mut |_| ControlFlow::Continue(()));
    assert!(cut.unwrap_err().to_string().contains("cut off"));
}

#[test]
fn what_cannot_be_served_or_renewed_is_left_with_the_reason_and_the_others_go_on() {
    let (root, dir) = (Authority::root("Root"), tempfile::tempdir().unwrap());
    let good = root.leaf("good.example.com");
    let expired = root.leaf_with("expired.example.com", |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let several = root.leaf_with("a.example.com", |params| {
        for name in [
            "*.b.example.com",
            "c.platform.example.com",
            "platform.example.com",
            "d.example.com",
        ] {
            let name = rcgen::SanType::DnsName(name.try_into().unwrap());
            params.subject_alt_names.push(name);
        }
    });
    let text = |leaf: &Issued| chain(leaf, &root);
    write(
        dir.path(),
        &[
            ("good.crt", &text(&good)),
            ("good.key", &good.key_pem()),
            ("expired.crt", &text(&expired)),
            ("expired.key", &expired.key_pem()),
            ("several.crt", &text(&several)),
            ("several.key", &several.key_pem()),
            ("other.crt", &text(&good)),
            ("other.key", &expired.key_pem()),
            ("alone.crt", &text(&good)),
            ("empty.crt", ""),
            ("empty.key", ""),
            (
                "broken.crt",
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            ),
            ("broken.key", &good.key_pem()),
        ],
    );
    let (found, told) = all(Form::PemDir, dir.path(), &judge(true));
    assert_eq!(
        hosts(&found),
        [
            "a.example.com",
            "c.platform.example.com",
            "d.example.com",
            "good.example.com"
        ]
    );
    let lines = told.join("\n");
    for words in [
        "alone.crt: there is no alone.key beside it",
        "broken.crt: the chain cannot be read",
        "empty.crt: it has no private key",
        "expired.crt: the certificate expired on 2020-01-01",
        "other.crt: the private key is not the certificate's",
        "several.crt: *.b.example.com is not taken: it is a wildcard",
        "several.crt: platform.example.com is not taken: it is one of the platform's own names",
    ] {
        assert!(lines.contains(words), "{words} is missing in {lines}");
    }
    assert_eq!(told.len(), 7, "{lines}");
    assert!(!lines.contains("PRIVATE KEY"), "{lines}");
    // Without a word that the CA is the same, nobody would renew them.
    let (found, told) = all(Form::PemDir, dir.path(), &judge(false));
    assert!(found.is_empty(), "{found:?}");
    assert!(told.iter().any(|line| line.contains("--same-ca")), "{told:?}");
}

#[test]
fn a_key_is_never_in_what_is_shown_of_a_pair() {
    let (root, dir) = (Authority::root("Root"), tempfile::tempdir().unwrap());
    let leaf = root.leaf("shop.example.com");
    write(dir.path(), &[("site.pem", &(leaf.key_pem() + &leaf.pem()))]);
    walk(Form::PemDir, dir.path(), &mut |item| {
        assert!(!format!("{item:?}").contains("PRIVATE"), "{item:?}");
        let Item::Pair(found) = item else { panic!("{item:?}") };
        assert!(!String::from_utf8_lossy(&found.chain).contains("PRIVATE"));
        assert!(found.key.expose_secret().contains("PRIVATE KEY-----"));
        ControlFlow::Continue(())
    })
    .unwrap();
}

#[test]
fn directories_that_lead_round_in_circles_end() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("a/b/c/d/e/f/g/h");
    fs::create_dir_all(&below).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path(), dir.path().join("a/again")).unwrap();
    let (found, told) = all(Form::PemDir, dir.path(), &judge(true));
    assert!(found.is_empty());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("directories down"), "{told:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_in_the_files_nothing_panics_and_nothing_is_imported(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 4),
        wrapped in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let names = ["a.crt", "a.key", "storage/file/a.example.com%3Alatest", "certificates/x/a.example.com/a.example.com.crt"];
        for (name, text) in names.iter().zip(&texts) {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = if wrapped {
                [b"-----BEGIN CERTIFICATE-----\n", text.as_slice(), b"\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"].concat()
            } else {
                text.clone()
            };
            fs::write(path, text).unwrap();
        }
        for form in [Form::PemDir, Form::AutoSsl, Form::Caddy] {
            let (found, told) = all(form, dir.path(), &judge(true));
            prop_assert!(found.is_empty());
            prop_assert!(!told.is_empty());
        }
    }
}
