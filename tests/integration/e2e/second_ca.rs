//! A second CA, where the first one does not answer, or does not permit an order, in time.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    PATIENCE,
    cluster::Namespace,
    controller::{asking, exists, lines},
    eventually,
    limiter::{Outage, Rate},
    second_ca::{TwoCas, through_an_outage},
    watcher::in_words,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_limit_changes_what_cannot_wait_for_it_and_neither_a_failed_validation_nor_a_caa_record_does() {
    let rates = |rates: &mut crate::support::limiter::Rates| {
        rates.orders = Rate::new(2, Duration::from_hours(3));
        rates.speed = 1;
    };
    let two = TwoCas::new(Namespace::new("second"), rates, |_| {});
    let it = &two.it;
    let [first, other, bound] = ["first", "other", "bound"].map(|label| it.host(label));
    // The second CA may not issue for this one.
    it.resolver.add(&bound, "CAA", "0 issue \"pebble.letsencrypt.org\"");
    // Nobody answers there.
    let bad = it.ns.host("bad");
    it.resolver.host(&bad, &["10.99.0.77"]);
    let running = two.call().start();
    running.out.after(0, &["\"event\":\"leads\""]);
    it.ns.apply(vec![asking("first", &[&first])]);
    two.until_of("first-tls", "first", PATIENCE, &running);
    // A change is rehearsed where it costs nothing, and nothing of it is stored.
    let (line, _) = running.out.after(0, &["\"event\":\"rehearsed\"", "\"ca\":\"second\""]);
    assert!(line.contains("\"passed\":true") && line.contains(&first), "{line}");
    assert_eq!(two.test.log().matches("POST /order-plz").count(), 1);
    assert_eq!((two.at_second(), two.issuer_of("first-tls").as_str()), (0, "first"));
    eventually("nothing is left of it", || {
        let left = it.left();
        left.is_empty().then_some(()).ok_or_else(|| format!("{left:?}"))
    });
    // The order that the account has left is for a name that fails.
    it.ns.apply(vec![asking("bad", &[&bad])]);
    running.out.after(0, &["\"event\":\"failed\"", "bad-tls"]);
    // From now on the first CA would want them to wait for an hour and more.
    it.ns
        .apply(vec![asking("other", &[&other]), asking("bound", &[&bound])]);
    two.until_of("other-tls", "second", PATIENCE, &running);
    let stuck = running
        .out
        .after(0, &["\"event\":\"issuer-not-changed\"", "bound-tls"])
        .0;
    let record = format!("add the CAA record `{bound} CAA 0 issue \\\"second.example\\\"`");
    assert!(stuck.contains(&record), "{stuck}");
    assert_eq!(lines(&running, &["\"event\":\"no-other-ca\"", &bound]).len(), 1);
    for (secret, ca) in [("first-tls", "first"), ("other-tls", "second")] {
        let lines = lines(&running, &["\"event\":\"issued\"", secret, &format!("\"ca\":\"{ca}\"")]);
        assert!(!lines.is_empty(), "{secret}: {:#?}", running.out.all());
    }
    // What it was asked for names its account there, so that its renewal is none of the first one's.
    let noted = it.secret("other-tls")["metadata"]["annotations"].clone();
    let noted = |key: &str| noted[format!("kubectl-certs.io/{key}")].as_str().unwrap().to_owned();
    assert_eq!(noted("directory"), two.second.directory_url());
    let host = two.second.directory_url().replace("/dir", "");
    assert!(noted("account").starts_with(&host), "{}", noted("account"));
    assert_eq!(
        two.at_second(),
        1,
        "neither the one that failed nor the one that is bound"
    );
    assert!(!exists(it, "bad-tls") && !exists(it, "bound-tls"));
    eventually("what is stored of it", || {
        let found = it
            .ns
            .kubectl(&["get", "configmap", "kubectl-certs-state-00", "-o", "json"]);
        let object: Value = serde_json::from_str(&found).map_err(|error| error.to_string())?;
        let about: Value = serde_json::from_str(object["data"]["controller"].as_str().unwrap()).unwrap();
        let of = &about["rehearsals"][0];
        let is_there = of["issuer"] == "second" && of["failed"].is_null();
        is_there.then_some(()).ok_or_else(|| about.to_string())
    });
    eventually("what `status` says of it", || {
        let ran = it.plain(&["status"]).run();
        let said = ran.out + &ran.err;
        let is_there = said.contains("it could be ordered at no other CA: second: ");
        is_there.then_some(()).ok_or(said)
    });
}

#[test]
#[ignore = "needs the testbed: tests/run long"]
fn a_test_environment_that_hangs_fails_its_rehearsal_and_holds_up_no_order() {
    let two = TwoCas::new(Namespace::new("hangs"), |_| {}, |_| {});
    let it = &two.it;
    two.before_test.outage(Some(Outage::Hang));
    let running = two.call().start();
    running.out.after(0, &["\"event\":\"leads\""]);
    // It begins as soon as there is something to rehearse with, and is given up 20 s later.
    let mut count = 0;
    while lines(&running, &["\"event\":\"rehearsed\"", "did not answer within 20 s"]).is_empty() {
        let name = format!("web{count}");
        let host = it.host(&name);
        it.ns.apply(vec![asking(&name, &[&host])]);
        two.until_of(&format!("{name}-tls"), "first", Duration::from_secs(12), &running);
        count += 1;
        assert!(count < 100, "{:#?}", running.out.all());
    }
    assert!(count > 1);
    assert_eq!(two.test.log().matches("POST /order-plz").count(), 0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn an_outage_during_short_lives_lets_nothing_expire_and_all_go_back_to_the_first_ca() {
    let kept = through_an_outage("away", 3, 80, Duration::from_mins(1));
    assert!(kept.expired.is_empty(), "{}", in_words(&kept.expired));
    assert!(kept.gaps.is_empty(), "{}", in_words(&kept.gaps));
    assert_eq!((kept.changed, kept.changed_early, kept.failed_changed), (3, 0, 0));
    assert_eq!(kept.told, 1);
    assert!(kept.until_back < Duration::from_secs(100), "{:?}", kept.until_back);
}
