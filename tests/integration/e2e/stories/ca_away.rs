//! The CA is away for a while.

use crate::support::{
    cluster::ingress,
    controller::{NEXT_TRY, asks, controller_by, lines, orders, resume, until_stored_within},
    front::{Front, UNAVAILABLE},
    issuing::Issuing,
};

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_ca_that_is_away_is_told_once_and_everything_is_ordered_by_itself_when_it_is_back() {
    let it = Issuing::new("caaway");
    let front = Front::of(&it.pebble.directory_url());
    let running = controller_by(&it, &front);
    running.out.after(0, &["0 Secrets are kept"]);
    resume(&it);
    front.fault("/", 0, usize::MAX, UNAVAILABLE);
    let hosts: Vec<String> = (0..10).map(|n| it.host(&format!("n{n}"))).collect();
    let secrets: Vec<String> = (0..10).map(|n| format!("n{n}-tls")).collect();
    let each: Vec<[&str; 1]> = hosts.iter().map(|host| [host.as_str()]).collect();
    let entries: Vec<(&[&str], &str)> = each.iter().zip(&secrets).map(|(h, s)| (&h[..], s.as_str())).collect();
    it.ns.apply(vec![asks(ingress("shop", &entries))]);
    running.out.after(0, &["\"event\":\"ca-down\"", "no order is begun"]);
    // It is asked again, and that is not told.
    let asked = front.asked("/").len();
    crate::support::eventually("another question", || {
        let now = front.asked("/").len();
        if now > asked { Ok(()) } else { Err(format!("{now}")) }
    });
    assert_eq!(orders(&it), 0);
    assert_eq!(lines(&running, &["\"event\":\"failed\""]), [""; 0]);
    assert_eq!(it.ns.events("Ingress", "shop", "CertificateFailed"), [""; 0]);
    front.fix();
    for (secret, host) in secrets.iter().zip(&hosts) {
        until_stored_within(NEXT_TRY, &it, secret, &[host], &running);
    }
    assert_eq!(lines(&running, &["\"event\":\"ca-down\""]).len(), 1);
    assert_eq!(lines(&running, &["\"event\":\"ca-back\""]).len(), 1);
    // Ten certificates, and one Event for the incident and one for its end, on the account.
    let said = |reason: &str| {
        let about = format!("involvedObject.kind=Secret,involvedObject.name=account,reason={reason}");
        let path = r#"jsonpath={range .items[*]}{.count} {.message}{"\n"}{end}"#;
        it.ns
            .kubectl(&["get", "events", "--field-selector", &about, "-o", path])
    };
    let down = said("CertificateAuthorityDown");
    assert!(
        down.lines().count() == 1 && down.starts_with("1 ") && down.contains("no order is begun there"),
        "{down}"
    );
    crate::support::eventually("the Event that it is back", || match said("CertificateAuthorityBack") {
        back if back.lines().count() == 1 && back.starts_with("1 ") => Ok(()),
        back => Err(back),
    });
}
