use super::*;
use crate::net::dns::{
    Presence,
    testing::{Asked, ScriptedServer},
};

/// Where the servers of `example` and of `shop.example` are, at one port.
const TOP: [u8; 4] = [127, 0, 0, 2];
const SHOP: [u8; 4] = [127, 0, 0, 3];
const SECOND: [u8; 4] = [127, 0, 0, 4];

/// A recursor that knows `example` and its server, and that `shop.example` is served by `servers`.
async fn recursor(servers: &'static [(&'static str, [u8; 4])]) -> ScriptedServer {
    ScriptedServer::start(([127, 0, 0, 1], 0), |asked: &mut Asked<'_>| {
        asked.answer.metadata.authoritative = false;
        if asked.answer.metadata.recursion_desired {
            recursive(asked, servers);
        } else if asked.is("told.shop.example", RecordType::A) {
            asked.a([192, 0, 2, 9]);
        } else {
            asked.answer.metadata.response_code = ResponseCode::Refused;
        }
    })
    .await
}

fn recursive(asked: &mut Asked<'_>, servers: &[(&str, [u8; 4])]) {
    if asked.is("example", RecordType::NS) {
        asked.ns("ns.example");
    } else if asked.is("ns.example", RecordType::A) {
        asked.a(TOP);
    } else if asked.is("shop.example", RecordType::NS) {
        for (server, _) in servers {
            asked.ns(server);
        }
    } else if let Some((_, ip)) = servers.iter().find(|(server, _)| asked.is(server, RecordType::A)) {
        asked.a(*ip);
    }
}

/// The server of `shop.example`, which has `www`, and whose `late` has no address yet.
fn shop(asked: &mut Asked<'_>) {
    match (asked.name, asked.kind) {
        ("www.shop.example", RecordType::A) => asked.a([192, 0, 2, 7]),
        ("alias.shop.example", _) => asked.cname("www.shop.example"),
        ("ahead.shop.example", _) => asked.cname("new.shop.example"),
        ("www.shop.example" | "late.shop.example", _) => {
            asked.none(ResponseCode::NoError, "shop.example", 3600, 300);
        }
        _ => asked.none(ResponseCode::NXDomain, "shop.example", 120, 3600),
    }
}

/// One that has `www` and nothing else, and refers to `shop.example`.
fn top(asked: &mut Asked<'_>) {
    if asked.name.ends_with("shop.example") {
        asked.refer("shop.example", "ns1.shop.example", SHOP);
    } else {
        asked.none(ResponseCode::NXDomain, "example", 60, 60);
    }
}

fn authorities(recursor: &ScriptedServer, port: u16) -> Authorities {
    let mut made = Authorities::new(Resolver::of(vec![recursor.address]), []);
    made.port = port;
    made
}

const ONE: &[(&str, [u8; 4])] = &[("ns1.shop.example", SHOP)];
const TWO: &[(&str, [u8; 4])] = &[("ns1.shop.example", SHOP), ("ns2.shop.example", SECOND)];

#[tokio::test]
async fn a_recursor_hears_of_no_name_that_does_not_exist_yet() {
    let recursor = recursor(ONE).await;
    let server = ScriptedServer::start((SHOP, 0), shop).await;
    let authorities = authorities(&recursor, server.address.port());
    for (host, has_others, kept) in [
        ("new.shop.example", false, 120),
        ("late.shop.example", true, 300),
        ("New2.Shop.example", false, 120),
    ] {
        let Presence::Absent(absence) = authorities.presence(host).await else {
            panic!("{host}");
        };
        assert_eq!(absence.name, host.to_lowercase());
        assert_eq!(absence.zone.as_deref(), Some("shop.example"));
        assert_eq!(absence.server, "ns1.shop.example (127.0.0.3)");
        // The smaller one of the TTL of the SOA and of its minimum.
        assert_eq!(
            (absence.has_others, absence.kept),
            (has_others, Some(Duration::from_secs(kept)))
        );
    }
    let Presence::Absent(absence) = authorities.presence("ahead.shop.example").await else {
        panic!("its CNAME leads to nothing");
    };
    assert_eq!(absence.name, "new.shop.example");
    for host in ["www.shop.example", "alias.shop.example", "told.shop.example"] {
        let presence = authorities.presence(host).await;
        assert!(matches!(presence, Presence::Here), "{host}: {presence:?}");
    }
    // It is asked for the servers once, and for what its operator has told it.
    let asked = recursor.asked();
    let asked: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|asked| !asked.ends_with(" without recursion"))
        .collect();
    assert_eq!(
        asked.iter().filter(|asked| asked.starts_with("NS")).collect::<Vec<_>>(),
        [&"NS shop.example"]
    );
    assert!(
        asked
            .iter()
            .all(|asked| asked.ends_with(" shop.example") || asked.ends_with(" ns1.shop.example")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_host_that_is_a_zones_own_name_is_reached_from_the_zone_above() {
    let recursor = recursor(ONE).await;
    let server = ScriptedServer::start((SHOP, 0), |asked| {
        if asked.is("shop.example", RecordType::A) {
            asked.a([192, 0, 2, 7]);
        }
    })
    .await;
    let port = server.address.port();
    let above = ScriptedServer::start((TOP, port), top).await;
    let authorities = authorities(&recursor, port);
    let presence = authorities.presence("shop.example").await;
    assert!(matches!(presence, Presence::Here), "{presence:?}");
    assert_eq!(above.asked(), ["A shop.example without recursion"]);
    // One that is not delegated is heard of by nobody but the zone above.
    let presence = authorities.presence("other.example").await;
    assert!(matches!(presence, Presence::Absent(_)), "{presence:?}");
    let asked = recursor.asked();
    assert!(!asked.contains(&"A other.example".to_owned()), "{asked:?}");
    assert!(!asked.contains(&"NS other.example".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn one_server_without_the_record_is_told_and_one_without_an_answer_is_not() {
    let recursor = recursor(TWO).await;
    let first = ScriptedServer::start((SHOP, 0), shop).await;
    let port = first.address.port();
    let of = || authorities(&recursor, port);
    // Nobody listens at the second one.
    let presence = of().presence("www.shop.example").await;
    assert!(matches!(presence, Presence::Here), "{presence:?}");
    let _second = ScriptedServer::start((SECOND, port), |asked| {
        asked.none(ResponseCode::NXDomain, "shop.example", 60, 60);
    })
    .await;
    let Presence::Partial(absence) = of().presence("www.shop.example").await else {
        panic!("the second one has none");
    };
    assert_eq!(absence.server, "ns2.shop.example (127.0.0.4)");
    let presence = of().presence("new.shop.example").await;
    assert!(matches!(presence, Presence::Absent(_)), "{presence:?}");
}

#[tokio::test]
async fn a_zone_that_takes_long_keeps_no_other_zone_waiting() {
    let recursor = ScriptedServer::start(([127, 0, 0, 1], 0), |asked| {
        asked.is_silent = asked.name == "slow.example";
        recursive(asked, ONE);
    })
    .await;
    let server = ScriptedServer::start((SHOP, 0), shop).await;
    let authorities = authorities(&recursor, server.address.port());
    let begin = Instant::now();
    let slow = authorities.presence("www.slow.example");
    let quick = async {
        let presence = authorities.presence("www.shop.example").await;
        (presence, begin.elapsed())
    };
    let (slow, (quick, after)) = join(slow, quick).await;
    assert!(matches!(quick, Presence::Here), "{quick:?}");
    assert!(after < LONGEST / 2, "{after:?}");
    assert!(matches!(slow, Presence::Unknown(_)), "{slow:?}");
    // The next name does not wait for the same silence.
    let begin = Instant::now();
    let next = authorities.presence("next.slow.example").await;
    assert!(matches!(next, Presence::Unknown(_)), "{next:?}");
    assert!(begin.elapsed() < LONGEST / 2, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_zone_that_only_the_recursor_knows_is_found_before_a_host_is_told_as_absent() {
    let recursor = ScriptedServer::start(([127, 0, 0, 1], 0), |asked| {
        if asked.is("int.shop.example", RecordType::NS) {
            asked.ns("ns1.int.shop.example");
        } else if asked.is("ns1.int.shop.example", RecordType::A) {
            asked.a(SECOND);
        } else {
            recursive(asked, ONE);
        }
    })
    .await;
    let public = ScriptedServer::start((SHOP, 0), shop).await;
    let port = public.address.port();
    let _inner = ScriptedServer::start((SECOND, port), |asked| {
        if asked.is("a.int.shop.example", RecordType::A) {
            asked.a([10, 0, 0, 7]);
        } else {
            asked.none(ResponseCode::NXDomain, "int.shop.example", 60, 60);
        }
    })
    .await;
    let authorities = authorities(&recursor, port);
    let presence = authorities.presence("a.int.shop.example").await;
    assert!(matches!(presence, Presence::Here), "{presence:?}");
    let Presence::Absent(absence) = authorities.presence("b.int.shop.example").await else {
        panic!("the inner zone has no such host");
    };
    assert_eq!(absence.server, "ns1.int.shop.example (127.0.0.4)");
    let Presence::Absent(absence) = authorities.presence("a.b.shop.example").await else {
        panic!("there is no zone b.shop.example");
    };
    assert_eq!(absence.server, "ns1.shop.example (127.0.0.3)");
    let asked = recursor.asked();
    let of_hosts = |asked: &&String| {
        ["a.int.shop.example", "b.int.shop.example"]
            .iter()
            .any(|host| asked.ends_with(host))
    };
    assert_eq!(asked.iter().find(of_hosts), None, "{asked:?}");
}

#[tokio::test]
async fn whether_a_zone_is_delegated_is_asked_of_the_zone_above() {
    let recursor = recursor(ONE).await;
    let server = ScriptedServer::start((TOP, 0), top).await;
    let mut made = Authorities::new(Resolver::of(vec![recursor.address]), ["shop.example", "other.example"]);
    made.port = server.address.port();
    assert_eq!(made.delegated("shop.example").await.unwrap(), ["ns1.shop.example"]);
    assert!(made.delegated("other.example").await.unwrap().is_empty());
    let asked = recursor.asked();
    assert!(
        !asked
            .iter()
            .any(|asked| asked.ends_with("shop.example") || asked.ends_with("other.example")),
        "{asked:?}"
    );
    let unknown = made.delegated("corp.internal").await;
    assert!(matches!(unknown, Err(DnsError::NoAuthority(_))), "{unknown:?}");
}

#[tokio::test]
async fn servers_that_cannot_be_asked_are_told_and_not_waited_for_again() {
    let recursor = recursor(ONE).await;
    // A port that is closed, and one that serves another zone.
    let closed = ScriptedServer::start((SHOP, 0), shop).await.address.port();
    let of_closed = authorities(&recursor, closed);
    for host in ["www.shop.example", "new.shop.example"] {
        let presence = of_closed.presence(host).await;
        assert!(matches!(presence, Presence::Unknown(_)), "{presence:?}");
    }
    let lame = ScriptedServer::start((SHOP, 0), |asked| asked.answer.metadata.authoritative = false).await;
    let error = authorities(&recursor, lame.address.port())
        .ask("www.shop.example", RecordType::CNAME)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} does not serve the zone of CNAME www.shop.example", lame.address)
    );
}

#[tokio::test]
async fn a_zone_of_the_settings_is_where_the_way_begins() {
    let recursor = ScriptedServer::start(([127, 0, 0, 1], 0), |asked| {
        if asked.is("eu.shop.example", RecordType::NS) {
            asked.ns("ns1.eu.shop.example");
        } else if asked.is("ns1.eu.shop.example", RecordType::A) {
            asked.a(SHOP);
        } else if asked.kind == RecordType::NS {
            asked.none(ResponseCode::NXDomain, "example", 60, 60);
        }
    })
    .await;
    let server = ScriptedServer::start((SHOP, 0), |asked| {
        asked.none(ResponseCode::NXDomain, "eu.shop.example", 60, 60);
    })
    .await;
    let mut made = Authorities::new(Resolver::of(vec![recursor.address]), ["eu.shop.example"]);
    made.port = server.address.port();
    let answer = made
        .ask("_acme-challenge.a.eu.shop.example", RecordType::CNAME)
        .await
        .unwrap();
    assert_eq!(answer.reply.zone().as_deref(), Some("eu.shop.example"));
    assert_eq!(recursor.asked().first().unwrap(), "NS eu.shop.example");
}
