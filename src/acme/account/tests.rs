use super::*;

#[test]
fn a_key_that_was_made_is_read_back_from_its_pem() {
    let key = AccountKey::generate().unwrap();
    let pem = key.pem().expose_secret();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(AccountKey::from_pem(key.pem()).unwrap().thumbprint(), key.thumbprint());
    assert_eq!(key.thumbprint().len(), 43);
}

#[test]
fn a_stored_account_keeps_its_key_and_does_not_show_it() {
    let key = AccountKey::generate().unwrap();
    let stored = StoredAccount {
        directory: "https://ca.example/dir".to_owned(),
        url: Some("https://ca.example/a/1".to_owned()),
        key: key.pem().clone(),
        contact: vec!["mailto:ops@shop.example".to_owned()],
        created: 1_800_000_000,
    };
    let shown = format!("{stored:?} {key:?}");
    let secret = key.pem().expose_secret().lines().nth(1).unwrap();
    assert!(!shown.contains(secret), "{shown}");
    let text = serde_json::to_string(&stored).unwrap();
    let back: StoredAccount = serde_json::from_str(&text).unwrap();
    assert_eq!(AccountKey::from_pem(&back.key).unwrap().thumbprint(), key.thumbprint());
    assert_eq!(
        (back.url, back.contact, back.created),
        (stored.url, stored.contact, stored.created)
    );
}

#[test]
fn an_eab_key_is_taken_in_any_base64_and_otherwise_refused_without_repeating_it() {
    let eab = |key: &str| Eab {
        kid: "kid-1".to_owned(),
        key: key.into(),
    };
    for text in ["-_-_", "+/+/", " -_-_\n"] {
        assert_eq!(*mac_key(&eab(text)).unwrap(), [0xfb, 0xff, 0xbf], "{text}");
    }
    assert_eq!(*mac_key(&eab("AQ")).unwrap(), *mac_key(&eab("AQ==")).unwrap());
    for wrong in ["", "se same", "sesame!"] {
        let error = mac_key(&eab(wrong)).unwrap_err().to_string();
        assert_eq!(error, "the EAB key is not base64url");
    }
}
