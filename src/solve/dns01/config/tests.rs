use super::*;

fn parse(text: &str) -> Result<DnsEntry, String> {
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}

const POWERDNS: &str = "
name: internal
zones: [Corp.Internal., müller.example]
provider: powerdns
url: https://pdns.corp.internal:8081
apiKey: {secretRef: {namespace: dns, name: powerdns-letsencrypt-apikey, key: apikey}}
";

#[test]
fn an_entry_says_what_it_serves_and_where_its_credentials_are() {
    let entry = parse(POWERDNS).unwrap();
    assert_eq!(entry.name, "internal");
    assert_eq!(entry.zones, ["corp.internal", "xn--mller-kva.example"]);
    assert_eq!(entry.ttl, 60);
    let ProviderConfig::PowerDns(config) = &entry.provider else {
        panic!("{entry:?}")
    };
    assert_eq!(config.server, "localhost");
    assert_eq!(
        entry.provider.credentials()[0].to_string(),
        "apikey of Secret dns/powerdns-letsencrypt-apikey"
    );
    let again: DnsEntry = serde_json::from_str(&serde_json::to_string(&entry).unwrap()).unwrap();
    assert_eq!(again, entry);
}

#[test]
fn every_provider_reads_back_what_it_writes() {
    for spec in table::ALL {
        let mut map = Map::from_iter([("provider".to_owned(), Value::from(spec.word))]);
        for field in spec.fields {
            let value = match field.kind {
                Kind::Secret | Kind::Document => serde_json::json!({"env": "KEY"}),
                Kind::Text => "text".into(),
                Kind::Number => 7.into(),
                Kind::Flag => true.into(),
                Kind::OneOf(words) => words[0].into(),
            };
            map.insert(field.name.to_owned(), value);
        }
        let entry = read(map.clone()).unwrap();
        assert_eq!(entry.name, spec.word);
        let ProviderConfig::Update(config) = &entry.provider else {
            panic!("{entry:?}")
        };
        assert_eq!(config.fields.len(), spec.fields.len(), "{}", spec.word);
        for field in spec.fields.iter().filter(|field| field.needed) {
            let mut less = map.clone();
            less.remove(field.name);
            assert_eq!(read(less).unwrap_err(), format!("missing field `{}`", field.name));
        }
    }
    let words = words();
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
}

#[test]
fn what_is_wrong_is_named_and_a_literal_credential_never_quoted() {
    for (text, said) in [
        (
            "provider: powerdns\nurl: https://a\napikey: {env: A}\n",
            "unknown field `apikey`, expected one of `name`, `zones`, `ttl`, `provider`, `url`, `apiKey`",
        ),
        ("provider: powerdns\nurl: https://a\n", "missing field `apiKey`"),
        ("provider: powerdns\nurl: https://a\napiKey: s3cret\n", "{env: NAME}"),
        (
            "provider: cloudflare\napiToken: s3cret\n",
            "apiToken: expected {env: NAME}",
        ),
        ("provider: cloudflare\ntoken: s3cret\n", "unknown field `token`"),
        (
            "provider: cloudflair\napiToken: {env: A}\n",
            "unknown variant `cloudflair`, expected one of `powerdns`",
        ),
        ("zones: [a.example]\n", "missing field `provider`"),
        (
            "provider: rfc2136\nserver: 192.0.2.1\nkeyName: k\n",
            "keyName and key are needed together",
        ),
        (
            "provider: rfc2136\nserver: 192.0.2.1\nalgorithm: hmac-md5\n",
            "unknown variant `hmac-md5`",
        ),
        (
            "provider: ovh\napplicationKey: a\napplicationSecret: {env: A}\nconsumerKey: {env: B}\nendpoint: ovh\n",
            "endpoint: expected one of `ovh-eu`",
        ),
        ("provider: manual\nttl: 0\n", "ttl: expected 1 to 86400"),
        ("provider: manual\nzones: ['']\n", "is not a domain"),
        ("provider: joker\n", "expected apiKey, or username and password"),
        (
            "provider: powerdns\nurl: service://dns/pdns\napiKey: {env: A}\n",
            "url: the URL of a Service lacks its port: write service://NAMESPACE/NAME:PORT",
        ),
        (
            "provider: powerdns\nurl: service://dns/pdns:8081\napiKey: {env: A}\ncaFile: ca.pem\n",
            "caFile has no effect on a Service",
        ),
        (
            "provider: cpanel\nurl: service://dns/cpanel:2083\nusername: me\napiToken: {env: A}\n",
            "cPanel cannot be reached as a Service: it needs the header Authorization",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(said), "{text}{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn the_guide_names_every_provider_with_its_fields() {
    let guide = include_str!("../../../../docs/guide/dns-01.md");
    let mut rows = Vec::new();
    for spec in table::ALL {
        if guide.contains(&format!("      provider: {}\n", spec.word)) {
            continue;
        }
        let fields = spec.fields.iter().map(|field| {
            let mark = if field.needed { "" } else { "?" };
            format!("`{}`{mark}", field.name)
        });
        let fields: Vec<String> = fields.collect();
        rows.push(format!("| `{}` | {} | {} |", spec.word, spec.label, fields.join(", ")));
    }
    let missing: Vec<&String> = rows.iter().filter(|row| !guide.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "{}", rows.join("\n"));
}
