use std::net::Ipv4Addr;

use hickory_proto::{
    op::MessageType,
    rr::{RData, Record, rdata},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

use super::*;

fn txt(of: &str, value: &str) -> Record {
    Record::from_rdata(
        name(of).unwrap(),
        60,
        RData::TXT(rdata::TXT::new(vec![value.to_owned()])),
    )
}

fn answer_to(bytes: &[u8]) -> Message {
    let mut answer = Message::from_vec(bytes).unwrap();
    answer.metadata.message_type = MessageType::Response;
    answer.edns = None;
    answer
}

/// A port that is free for UDP and TCP. The system selects one that is free for one of them, but outgoing TCP
/// connections of other tests may have the same number. Another one is tried then, and unsuitable ones are held until
/// one is suitable.
async fn same_port() -> (UdpSocket, TcpListener) {
    let mut held = Vec::new();
    loop {
        // TCP first, because its ephemeral ports are the ones that are in use.
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        match UdpSocket::bind(tcp.local_addr().unwrap()).await {
            Ok(udp) => return (udp, tcp),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => held.push(tcp),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn servers_and_names_are_read_as_people_write_them() {
    for (text, shown) in [
        ("192.0.2.1", "192.0.2.1:53"),
        (" 192.0.2.1:5353", "192.0.2.1:5353"),
        ("2001:db8::1", "[2001:db8::1]:53"),
        ("[2001:db8::1]", "[2001:db8::1]:53"),
        ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
    ] {
        assert_eq!(server(text).unwrap().to_string(), shown);
    }
    for wrong in ["", "dns.example", "192.0.2.1:x", "192.0.2.1:99999"] {
        assert_eq!(server(wrong), None, "{wrong}");
    }
    assert_eq!(
        shown(&name("_ACME-challenge.Shop.example.").unwrap()),
        "_acme-challenge.shop.example"
    );
    assert_eq!(shown(&name(".").unwrap()), ".");
    assert!(name("a..b").is_err());
}

#[tokio::test]
async fn a_forged_datagram_is_passed_over_and_a_cut_answer_comes_over_tcp() {
    let (udp, tcp) = same_port().await;
    let server = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
        let asked = &buffer[..length];
        let mut forged = answer_to(asked);
        forged.metadata.id = forged.metadata.id.wrapping_add(1);
        forged.add_answer(txt("a.example", "forged"));
        let mut other = answer_to(asked);
        other.queries[0].set_name(name("b.example").unwrap());
        let mut cut = answer_to(asked);
        cut.metadata.truncation = true;
        for message in [forged, other, cut] {
            udp.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        }
        let (mut stream, _) = tcp.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut asked = vec![0; usize::from(length)];
        stream.read_exact(&mut asked).await.unwrap();
        let mut answer = answer_to(&asked);
        answer.add_answer(txt("a.example", "real"));
        let bytes = answer.to_vec().unwrap();
        stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    });
    let reply = query(server, "a.example", RecordType::TXT, Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(reply.texts(), ["real"]);
    assert_eq!(reply.text_ttl(), Some(60));
}

#[tokio::test]
async fn the_next_recursor_is_asked_where_one_fails_and_the_last_word_is_told() {
    let failing = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let good = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (first, second) = (failing.local_addr().unwrap(), good.local_addr().unwrap());
    for (socket, code) in [(failing, ResponseCode::ServFail), (good, ResponseCode::NXDomain)] {
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut answer = answer_to(&buffer[..length]);
                answer.metadata.response_code = code;
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
    }
    let both = Resolver::of(vec![first, second]);
    assert_eq!(both.txt("a.example").await, Ok(Vec::new()));
    let error = Resolver::of(vec![first]).txt("a.example").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{first} answers TXT a.example with SERVFAIL")
    );
}

#[test]
fn the_zone_is_that_of_a_soa_at_or_above_the_name() {
    let reply = |soa_at: &str| {
        let mut message = Message::query();
        message.add_query(Query::query(
            name("_acme-challenge.a.shop.example").unwrap(),
            RecordType::SOA,
        ));
        let root = name(".").unwrap();
        let soa = rdata::SOA::new(name("ns1.shop.example").unwrap(), root, 1, 60, 60, 600, 1);
        message.add_authority(Record::from_rdata(name(soa_at).unwrap(), 1, RData::SOA(soa)));
        Reply {
            message,
            server: (Ipv4Addr::LOCALHOST, 53).into(),
        }
    };
    assert_eq!(reply("shop.example").zone().as_deref(), Some("shop.example"));
    assert_eq!(reply("shop.example").primary().as_deref(), Some("ns1.shop.example"));
    assert_eq!(reply("other.example").zone(), None);
    assert_eq!(reply(".").zone(), None);
}

#[test]
fn the_recursors_of_the_system_are_those_of_its_file() {
    let file = "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1 # the first\n\tnameserver\t2001:db8::1\nnameserver fe80::1%eth0\n\
                nameserver\nnameserver nobody\nnameserver 192.0.2.1\noptions ndots:5\n; nameserver 192.0.2.8\n";
    let found: Vec<String> = name_servers(file).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1]:53"]);
}

#[test]
fn a_server_gives_addresses_of_names_within_its_zone_that_can_be_elsewhere() {
    let mut message = Message::query();
    for (of, address) in [
        ("ns1.shop.example", "192.0.2.53"),
        ("ns1.shop.example", "10.0.0.53"),
        ("ns1.shop.example", "2001:db8::53"),
        ("ns1.shop.example", "127.0.0.1"),
        ("ns1.shop.example", "169.254.169.254"),
        ("ns1.shop.example", "0.0.0.0"),
        ("ns1.shop.example", "224.0.0.1"),
        ("ns1.shop.example", "::1"),
        ("ns1.shop.example", "::ffff:127.0.0.1"),
        ("ns1.shop.example", "fe80::1"),
        ("ns2.shop.example", "192.0.2.54"),
        ("ns.other.test", "192.0.2.55"),
    ] {
        let data = match address.parse().unwrap() {
            IpAddr::V4(v4) => RData::A(rdata::A(v4)),
            IpAddr::V6(v6) => RData::AAAA(rdata::AAAA(v6)),
        };
        message.add_additional(Record::from_rdata(name(of).unwrap(), 60, data));
    }
    let server = SocketAddr::from(([192, 0, 2, 1], 53));
    let reply = Reply { message, server };
    let glue = |of: &str, by: &str| -> Vec<String> {
        let found = reply.glue(of, &name(by).unwrap());
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        glue("ns1.shop.example", "example"),
        ["192.0.2.53", "10.0.0.53", "2001:db8::53"]
    );
    assert!(glue("ns.other.test", "example").is_empty());
}
