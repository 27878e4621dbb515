use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ips(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|a| a.parse().expect(a)).collect()
}

#[test]
fn host_and_port_are_read_as_users_write_them() {
    for (text, host, port) in [
        ("shop.example:443", "shop.example", 443),
        ("192.0.2.1:8443", "192.0.2.1", 8443),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("localhost:1", "localhost", 1),
    ] {
        let read: HostPort = text.parse().expect(text);
        assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        assert_eq!(read.to_string(), text);
    }
    for wrong in [
        "shop.example",
        "shop.example:",
        "shop.example:0",
        "shop.example:65536",
        "shop.example:+443",
        ":443",
        "*:443",
        "*.a.example:443",
        "2001:db8::1:443",
        "https://shop.example:443",
        "a b:443",
    ] {
        assert!(wrong.parse::<HostPort>().is_err(), "{wrong}");
    }
}

#[test]
fn dns_is_elsewhere_only_when_comparable_addresses_have_none_in_common() {
    for (resolved, expected, answer) in [
        (&["192.0.2.1"][..], &["192.0.2.2"][..], true),
        (&["192.0.2.1", "192.0.2.2"], &["192.0.2.2"], false),
        (&["::ffff:192.0.2.2"], &["192.0.2.2"], false),
        (&[], &["192.0.2.2"], false),
        (&["192.0.2.2"], &[], false),
        // Address families that cannot be compared, and then one that can.
        (&["2001:db8::1"], &["192.0.2.2"], false),
        (&["2001:db8::1", "192.0.2.1"], &["192.0.2.2"], true),
        // A balancer in a private network behind address translation, and split DNS.
        (&["192.0.2.1"], &["10.0.0.1"], false),
        (&["10.0.0.1"], &["192.0.2.1"], false),
        (&["192.0.2.1"], &["100.64.0.9"], false),
        (&["10.0.0.1"], &["10.0.0.2"], true),
        (&["fd00::1"], &["fd00::2"], true),
    ] {
        assert_eq!(
            elsewhere(&ips(resolved), &ips(expected)),
            answer,
            "{resolved:?} {expected:?}"
        );
    }
}

#[test]
fn addresses_that_no_server_has_are_refused() {
    for no in [
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "::ffff:0.0.0.0",
    ] {
        assert!(is_refused(no.parse().expect(no)), "{no}");
    }
    for yes in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "192.0.2.1",
        "169.254.0.1",
        "2001:db8::1",
    ] {
        assert!(!is_refused(yes.parse().expect(yes)), "{yes}");
    }
}

#[test]
fn repeated_and_too_many_addresses_are_dropped() {
    let many = (0..100u8).flat_map(|i| [IpAddr::from([10, 0, 0, i]); 3]);
    let kept = distinct(many);
    assert_eq!(kept.len(), MOST_ADDRESSES);
    assert_eq!(kept[1], IpAddr::from([10, 0, 0, 1]));
}

#[tokio::test]
async fn connect_wins_over_the_status_and_the_status_over_dns() {
    let status: Vec<Text> = vec!["192.0.2.1".into(), "192.0.2.1".into(), "2001:db8::1".into()];
    let connect = HostPort {
        host: "198.51.100.1".into(),
        port: 8443,
    };
    let sockets = |a: Addresses| {
        (
            a.origin,
            a.sockets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        )
    };
    let at = addresses(Some(&connect), &status, HTTPS, "203.0.113.1", SECOND)
        .await
        .expect("connect");
    assert_eq!(sockets(at), (Origin::Connect, "198.51.100.1:8443".into()));
    let at = addresses(None, &status, 4443, "203.0.113.1", SECOND)
        .await
        .expect("status");
    assert_eq!(
        sockets(at),
        (Origin::Status, "192.0.2.1:4443 [2001:db8::1]:4443".into())
    );
    let at = addresses(None, &[], HTTPS, "203.0.113.1", SECOND).await.expect("dns");
    assert_eq!(sockets(at), (Origin::Dns, "203.0.113.1:443".into()));
}

#[tokio::test]
async fn a_status_name_that_does_not_resolve_leaves_the_other_addresses() {
    let status: Vec<Text> = vec!["not a name".into(), "192.0.2.1".into()];
    let at = addresses(None, &status, HTTPS, "shop.example", SECOND)
        .await
        .expect("one");
    assert_eq!(at.sockets.len(), 1);
    assert!(matches!(at.unresolved[..], [ResolveError::InvalidName(_)]));
    let error = addresses(None, &[], HTTPS, "*", SECOND).await.expect_err("no host");
    assert!(error.to_string().contains("--connect"), "{error}");
}

#[tokio::test]
async fn a_name_of_this_machine_resolves_and_an_unknown_one_says_so_in_words() {
    let local = resolve("localhost", Duration::from_secs(5)).await.expect("localhost");
    assert!(local.iter().all(IpAddr::is_loopback), "{local:?}");
    let error = resolve("no-such-name.invalid", Duration::from_secs(10))
        .await
        .expect_err("RFC 2606 keeps .invalid free");
    let text = error.to_string();
    assert!(
        text.contains("no-such-name.invalid") && !text.contains("lookup address"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_comes_by_the_timeout_whatever_dns_does() {
    let start = Instant::now();
    let answer = resolve("no-such-name.invalid", Duration::from_millis(1)).await;
    assert!(answer.is_err());
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
}
