//! DNS-01's records on real name servers: where they go, beside whose, when they are seen, and that nothing is left.

use std::{
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use kubectl_certs::{
    event::{Event, EventKind, Listen, Teller},
    net::dns,
    solve::{
        Challenge, Solve as _, SolveError,
        dns01::{Dns01, KeepNothing, NoSecrets, Parts, Terminal, Wait},
    },
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{
    PATIENCE,
    dns::{Bind, PowerDns, Record, Resolver},
    server::{Address, curl},
};

/// Credentials in files, and the settings that name them.
struct Settings {
    dir: tempfile::TempDir,
    entries: Vec<String>,
}

impl Settings {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            entries: Vec::new(),
        }
    }

    /// A file with a credential. Returns how the settings name it.
    fn secret(&self, name: &str, value: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, format!("{value}\n")).unwrap();
        format!("{{file: {}}}", path.display())
    }

    fn powerdns(mut self, server: &PowerDns, zones: &str) -> Self {
        let key = self.secret("pdns", server.api_key());
        let url = server.api_url();
        self.entries.push(format!(
            "{{name: pdns, zones: [{zones}], provider: powerdns, url: '{url}', apiKey: {key}}}"
        ));
        self
    }

    fn bind(mut self, server: &Bind, zones: &str) -> Self {
        let key = self.secret("bind", server.key_secret());
        self.entries.push(format!(
            "{{name: bind, zones: [{zones}], provider: rfc2136, server: {}, keyName: {}, algorithm: {}, key: {key}}}",
            server.ip(),
            Bind::KEY_NAME,
            Bind::KEY_ALGORITHM,
        ));
        self
    }

    fn solver(&self, resolver: &Resolver) -> Dns01 {
        self.solver_for(resolver, Wait::Ask(PATIENCE))
    }

    fn solver_for(&self, resolver: &Resolver, wait: Wait) -> Dns01 {
        let parts = Parts {
            entries: serde_saphyr::from_str(&format!("[{}]", self.entries.join(", "))).unwrap(),
            chosen: None,
            resolver: dns::Resolver::of(vec![dns::server(&resolver.address()).unwrap()]),
            follow_cname: false,
            wait,
            secrets: Arc::new(NoSecrets),
            keep: Arc::new(KeepNothing),
            operator: Arc::new(Terminal),
        };
        Dns01::new(parts).unwrap()
    }
}

fn challenge(name: &str, token: &str) -> Challenge {
    Challenge {
        name: name.trim_start_matches("*.").parse().unwrap(),
        wildcard: name.starts_with("*."),
        token: token.to_owned(),
        key_authorization: format!("{token}.thumbprint"),
        issuers: Vec::new(),
    }
}

async fn present_all(solver: &Dns01, challenges: &[Challenge]) -> Vec<Result<(), SolveError>> {
    let tell = Teller::silent();
    join_all(challenges.iter().map(|challenge| solver.present(challenge, &tell))).await
}

/// What a listener has heard.
struct Heard(Mutex<UnboundedSender<EventKind>>);

impl Listen for Heard {
    fn hear(&self, event: &Event) {
        let _ = self.0.lock().unwrap().send(event.kind.clone());
    }
}

fn listen() -> (Teller, UnboundedReceiver<EventKind>) {
    let (sender, heard) = unbounded_channel();
    (Teller::new(Arc::new(Heard(Mutex::new(sender)))), heard)
}

/// All that was told so far.
fn told(heard: &mut UnboundedReceiver<EventKind>) -> Vec<EventKind> {
    std::iter::from_fn(|| heard.try_recv().ok()).collect()
}

fn txt(records: &[Record]) -> Vec<&Record> {
    records.iter().filter(|record| record.kind == "TXT").collect()
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn a_domain_and_its_wildcard_stand_beside_anothers_value_and_the_zone_is_as_it_was() {
    let (resolver, powerdns) = (Resolver::start(), PowerDns::start());
    let zone = "corp.internal";
    powerdns.create_zone(zone);
    resolver.delegate(zone, powerdns.ip());
    let name = "_acme-challenge.corp.internal";
    powerdns.set(zone, name, "TXT", &["\"of another\""]);
    let before = powerdns.records(zone);
    let solver = Settings::new().powerdns(&powerdns, zone);
    let solver = solver.solver(&resolver);

    let challenges = ["corp.internal", "*.corp.internal", "corp.internal", "www.corp.internal"];
    let challenges: Vec<Challenge> = challenges
        .iter()
        .enumerate()
        .map(|(number, name)| challenge(name, &format!("token-{number}")))
        .collect();
    let (tell, mut heard) = listen();
    for outcome in join_all(challenges.iter().map(|c| solver.present(c, &tell))).await {
        outcome.unwrap();
    }
    assert_eq!(resolver.lookup(name, "TXT").data("TXT").len(), 4);
    assert_eq!(
        resolver
            .lookup("_acme-challenge.www.corp.internal", "TXT")
            .data("TXT")
            .len(),
        1
    );
    let told = told(&mut heard);
    let server = format!("ns1.corp.internal ({})", powerdns.ip());
    for event in &told {
        match event {
            EventKind::Presented { place, .. } => {
                assert!(
                    place.ends_with("corp.internal in zone corp.internal, by pdns"),
                    "{place}"
                );
            }
            EventKind::SelfChecked { seen, .. } => assert_eq!(seen, std::slice::from_ref(&server)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told.len(), 8);

    for outcome in join_all(challenges.iter().map(|c| solver.clean(c))).await {
        assert_eq!(outcome, Ok(1));
    }
    assert_eq!(solver.finish().await, Ok(0));
    assert_eq!(powerdns.records(zone), before);
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn a_value_that_is_switched_off_stays_so_and_a_refusal_says_what_to_do() {
    let (resolver, powerdns) = (Resolver::start(), PowerDns::start());
    let zone = "corp.internal";
    powerdns.create_zone(zone);
    resolver.delegate(zone, powerdns.ip());
    let url = format!("{}/api/v1/servers/localhost/zones/{zone}.", powerdns.api_url());
    let key = format!("X-API-Key: {}", powerdns.api_key());
    let body = r#"{"rrsets": [{"name": "_acme-challenge.corp.internal.", "type": "TXT", "ttl": 300, "changetype": "REPLACE",
        "records": [{"content": "\"off\"", "disabled": true}, {"content": "\"on\"", "disabled": false}]}]}"#;
    curl(&["-X", "PATCH", "-H", &key, "-d", body, &url]).unwrap();
    let set = || {
        let zone: serde_json::Value = serde_json::from_str(&curl(&["-H", &key, &url]).unwrap()).unwrap();
        let sets = zone["rrsets"].as_array().unwrap();
        sets.iter().find(|set| set["type"] == "TXT").cloned().unwrap()
    };
    let before = set();
    let mut settings = Settings::new().powerdns(&powerdns, zone);
    let solver = settings.solver(&resolver);
    let one = challenge("corp.internal", "one");
    solver.present(&one, &Teller::silent()).await.unwrap();
    let during = set();
    assert_eq!(during["records"].as_array().unwrap().len(), 3, "{during}");
    assert_eq!(during["ttl"], 300);
    assert_eq!(solver.clean(&one).await, Ok(1));
    assert_eq!(set(), before);

    settings.secret("pdns", "another");
    let error = settings
        .solver(&resolver)
        .write_test("corp.internal")
        .await
        .unwrap_err();
    assert!(error.message.contains("answers 401: "), "{error}");
    assert!(error.hint.unwrap().starts_with("check apiKey"));
    settings.secret("pdns", powerdns.api_key());
    // The name's zone in DNS is one that the server does not have.
    settings.entries = vec![settings.entries[0].replace("[corp.internal]", "[internal]")];
    let error = settings
        .solver(&resolver)
        .write_test("shop.internal")
        .await
        .unwrap_err();
    assert!(error.message.contains("answers 404: "), "{error}");
    assert!(error.hint.unwrap().contains("must hold the zone internal"));
    assert_eq!(set(), before);
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn bind_takes_one_value_and_gives_just_that_back() {
    let resolver = Resolver::start();
    let zone = "corp.example";
    let bind = Bind::start(&[zone]);
    resolver.delegate(zone, bind.ip());
    let name = "_acme-challenge.www.corp.example";
    bind.update(&[&format!("update add {name}. 300 TXT \"of another\"")]);
    let before = bind.records(zone);
    let settings = Settings::new().bind(&bind, zone);
    let solver = settings.solver(&resolver);
    let challenges = [
        challenge("www.corp.example", "one"),
        challenge("*.www.corp.example", "two"),
    ];
    for outcome in present_all(&solver, &challenges).await {
        outcome.unwrap();
    }
    assert_eq!(resolver.lookup(name, "TXT").data("TXT").len(), 3);
    let ttl = std::process::Command::new("dig")
        .args(["+noall", "+answer", &format!("@{}", bind.ip()), name, "TXT"])
        .output()
        .unwrap();
    let ttl = String::from_utf8(ttl.stdout).unwrap();
    assert!(
        ttl.lines().all(|line| line.split_whitespace().nth(1) == Some("300")),
        "{ttl}"
    );
    for challenge in &challenges {
        assert_eq!(solver.clean(challenge).await, Ok(1));
    }
    assert_eq!(bind.records(zone), before);

    // Each way of being refused has a name and a next step, and changes nothing.
    let good = settings.entries[0].clone();
    let other_key = settings.secret("wrong", "d3JvbmctLXdyb25nLS13cm9uZy0td3Jvbmc=");
    let key = settings.secret("bind", bind.key_secret());
    for (entry, said, advised) in [
        (good.replace(&key, &other_key), "BADSIG", "check the key's secret"),
        (
            good.replace(Bind::KEY_NAME, "nobody"),
            "BADKEY",
            "check keyName and algorithm",
        ),
        (
            good.replace("hmac-sha256", "hmac-sha512"),
            "BADKEY",
            "check keyName and algorithm",
        ),
        (
            good.replace(&format!("keyName: {}, ", Bind::KEY_NAME), "")
                .replace(&format!(", key: {key}"), ""),
            "REFUSED",
            "give keyName and key",
        ),
    ] {
        let mut settings = Settings::new();
        settings.entries.push(entry);
        let error = settings
            .solver(&resolver)
            .write_test("www.corp.example")
            .await
            .unwrap_err();
        assert!(error.message.ends_with(said), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(advised), "{error:?}");
    }
    assert_eq!(bind.records(zone), before);
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn the_record_goes_where_the_name_ends() {
    let (resolver, powerdns) = (Resolver::start(), PowerDns::start());
    let (zone, elsewhere, below) = ("corp.example", "acme.test", "eu.corp.example");
    let bind = Bind::start(&[elsewhere, below]);
    powerdns.create_zone(zone);
    resolver.delegate(zone, powerdns.ip());
    resolver.delegate(elsewhere, bind.ip());
    powerdns.delegate(zone, below, bind.ip());
    // Two steps, over both servers
    powerdns.set(
        zone,
        "_acme-challenge.www.corp.example",
        "CNAME",
        &["alias.corp.example."],
    );
    powerdns.set(zone, "alias.corp.example", "CNAME", &["www.acme.test."]);
    powerdns.set(
        zone,
        "_acme-challenge.loop.corp.example",
        "CNAME",
        &["_acme-challenge.loop.corp.example."],
    );
    let before = (powerdns.records(zone), bind.records(elsewhere), bind.records(below));
    let settings = Settings::new()
        .powerdns(&powerdns, zone)
        .bind(&bind, "acme.test, eu.corp.example");
    let solver = settings.solver(&resolver);

    let challenges =
        ["www.corp.example", "shop.eu.corp.example", "plain.corp.example"].map(|name| challenge(name, name));
    for outcome in present_all(&solver, &challenges).await {
        outcome.unwrap();
    }
    let names = |records: Vec<Record>| -> Vec<String> { txt(&records).iter().map(|r| r.name.clone()).collect() };
    assert_eq!(names(bind.records(elsewhere)), ["www.acme.test"]);
    assert_eq!(names(bind.records(below)), ["_acme-challenge.shop.eu.corp.example"]);
    assert_eq!(names(powerdns.records(zone)), ["_acme-challenge.plain.corp.example"]);
    // What a CA sees
    let seen = resolver.lookup("_acme-challenge.www.corp.example", "TXT");
    assert_eq!(seen.data("TXT").len(), 1);

    // A run that was killed here leaves word of what it has written; the next one removes it.
    let left = solver.left();
    assert_eq!(left.len(), 3);
    drop(solver);
    let next = settings.solver(&resolver);
    for written in &left {
        assert_eq!(next.remove_written(written).await, Ok(true));
        assert_eq!(next.remove_written(written).await, Ok(false));
    }
    assert_eq!(
        (powerdns.records(zone), bind.records(elsewhere), bind.records(below)),
        before
    );

    let tested = next.write_test("www.corp.example").await.unwrap();
    assert_eq!(
        (tested.name.as_str(), tested.zone.as_str(), tested.removed),
        ("www.acme.test", elsewhere, true)
    );
    assert_eq!(bind.records(elsewhere), before.1);
    let error = next.write_test("loop.corp.example").await.unwrap_err();
    assert!(error.message.contains("_acme-challenge.loop.corp.example"), "{error}");
}

/// Two servers that both have the zone, and neither tells the other.
struct Two {
    resolver: Resolver,
    first: Bind,
    second: Bind,
}

impl Two {
    fn start(zone: &str) -> Self {
        let (resolver, first, second) = (Resolver::start(), Bind::start(&[zone]), Bind::start(&[zone]));
        resolver.delegate(zone, first.ip());
        for bind in [&first, &second] {
            // The zone's own name server is ns1 at its own address, which the second is not.
            bind.update(&[
                &format!("update delete ns1.{zone}. A"),
                &format!("update add ns1.{zone}. 1 A {}", first.ip()),
                &format!("update add ns2.{zone}. 1 A {}", second.ip()),
                &format!("update add {zone}. 1 NS ns2.{zone}."),
            ]);
        }
        Self {
            resolver,
            first,
            second,
        }
    }
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn the_slower_of_two_servers_is_waited_for() {
    let zone = "slow.example";
    let two = Two::start(zone);
    let settings = Settings::new().bind(&two.first, zone);
    let solver = Arc::new(settings.solver(&two.resolver));
    let (tell, mut heard) = listen();
    let one = challenge(zone, "one");
    let presenting = tokio::spawn({
        let (solver, one) = (Arc::clone(&solver), one.clone());
        async move { solver.present(&one, &tell).await }
    });
    assert!(matches!(heard.recv().await, Some(EventKind::Presented { .. })));
    // The first has it. Nobody but this test brings it to the second.
    let name = "_acme-challenge.slow.example";
    let records = two.first.records(zone);
    let value = &txt(&records)[0].data;
    assert_eq!(txt(&two.second.records(zone)).len(), 0);
    assert!(!presenting.is_finished());
    two.second.update(&[&format!("update add {name}. 1 TXT {value}")]);
    presenting.await.unwrap().unwrap();
    let Some(EventKind::SelfChecked { seen, .. }) = heard.recv().await else {
        panic!("nothing was seen")
    };
    let server = |number: u8, ip: Ipv4Addr| format!("ns{number}.slow.example ({ip})");
    assert_eq!(seen, [server(1, two.first.ip()), server(2, two.second.ip())]);
    assert_eq!(solver.clean(&one).await, Ok(1));
    assert_eq!(txt(&two.first.records(zone)).len(), 0);
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn one_that_never_takes_it_over_is_named_and_one_that_is_gone_is_left_out() {
    let zone = "slow.example";
    let two = Two::start(zone);
    let settings = Settings::new().bind(&two.first, zone);
    let solver = settings.solver_for(&two.resolver, Wait::Ask(Duration::from_millis(500)));
    let one = challenge(zone, "one");
    let error = solver.present(&one, &Teller::silent()).await.unwrap_err();
    let said = format!(
        "is not seen everywhere within 0.5 s: ns2.slow.example ({}) has no value",
        two.second.ip()
    );
    assert!(error.message.ends_with(&said), "{error}");
    // A record that was not seen is taken away all the same.
    assert_eq!(solver.clean(&one).await, Ok(1));
    assert_eq!(txt(&two.first.records(zone)).len(), 0);

    // At the second one's address nobody answers now.
    let gone = Address::take();
    for bind in [&two.first, &two.second] {
        bind.update(&[
            &format!("update delete ns2.{zone}. A"),
            &format!("update add ns2.{zone}. 1 A {}", gone.ip()),
        ]);
    }
    let solver = settings.solver(&two.resolver);
    let (tell, mut heard) = listen();
    solver.present(&one, &tell).await.unwrap();
    let told = told(&mut heard);
    let left_out = format!("name server ns2.slow.example ({}) is left out: ", gone.ip());
    assert!(
        told.iter()
            .any(|event| matches!(event, EventKind::Note { text } if text.starts_with(&left_out))),
        "{told:?}"
    );
    assert_eq!(solver.clean(&one).await, Ok(1));
}

#[tokio::test]
#[ignore = "needs the testbed: tests/run"]
async fn a_hook_written_for_dehydrated_works_as_it_is() {
    let resolver = Resolver::start();
    let zone = "corp.example";
    let bind = Bind::start(&[zone]);
    resolver.delegate(zone, bind.ip());
    let before = bind.records(zone);
    let mut settings = Settings::new();
    let hook = settings.dir.path().join("hook.sh");
    let key = format!("{}:{}:{}", Bind::KEY_ALGORITHM, Bind::KEY_NAME, bind.key_secret());
    let script = format!(
        r#"#!/usr/bin/env bash
set -e
deploy_challenge() {{
  local DOMAIN="$1" TOKEN_FILENAME="$2" TOKEN_VALUE="$3"
  printf 'server {ip}\nupdate add _acme-challenge.%s. 1 TXT "%s"\nsend\n' "$DOMAIN" "$TOKEN_VALUE" | nsupdate -y {key}
}}
clean_challenge() {{
  local DOMAIN="$1" TOKEN_FILENAME="$2" TOKEN_VALUE="$3"
  printf 'server {ip}\nupdate delete _acme-challenge.%s. TXT "%s"\nsend\n' "$DOMAIN" "$TOKEN_VALUE" | nsupdate -y {key}
}}
HANDLER="$1"; shift
if [[ "${{HANDLER}}" =~ ^(deploy_challenge|clean_challenge)$ ]]; then "$HANDLER" "$@"; fi
"#,
        ip = bind.ip()
    );
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    settings
        .entries
        .push(format!("{{provider: hook, command: {}}}", hook.display()));
    let solver = settings.solver(&resolver);
    let challenges = [challenge("corp.example", "one"), challenge("*.corp.example", "two")];
    for outcome in present_all(&solver, &challenges).await {
        outcome.unwrap();
    }
    assert_eq!(
        resolver.lookup("_acme-challenge.corp.example", "TXT").data("TXT").len(),
        2
    );
    for challenge in &challenges {
        assert_eq!(solver.clean(challenge).await, Ok(1));
    }
    assert_eq!(bind.records(zone), before);
}
