use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use hickory_proto::{
    op::{Message, MessageType},
    rr::{RData, Record, rdata::TXT},
};
use tokio::net::UdpSocket;

use super::*;

/// A name server that has the value from its `from`-th answer on, and others' values all the time.
async fn server(name: &str, from: u32, code: ResponseCode) -> (Server, Arc<AtomicU32>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = Server {
        name: name.to_owned(),
        address: socket.local_addr().unwrap(),
        recursor: false,
    };
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from_whom)) = socket.recv_from(&mut buffer).await {
            let time = count.fetch_add(1, Ordering::SeqCst) + 1;
            let mut answer = Message::from_vec(&buffer[..length]).unwrap();
            answer.metadata.message_type = MessageType::Response;
            answer.metadata.authoritative = true;
            answer.metadata.response_code = code;
            answer.edns = None;
            let mut values = vec!["of another"];
            if time >= from {
                values.push("value");
            }
            for value in values {
                let text = RData::TXT(TXT::new(vec![value.to_owned()]));
                let name = answer.queries[0].name().clone();
                answer.add_answer(Record::from_rdata(name, 60, text));
            }
            socket.send_to(&answer.to_vec().unwrap(), from_whom).await.unwrap();
        }
    });
    (server, asked)
}

fn place() -> TxtName {
    TxtName {
        name: "_acme-challenge.shop.example".to_owned(),
        zone: "shop.example".to_owned(),
        aliases: Vec::new(),
    }
}

fn useless(given_up: bool) -> ServerState {
    ServerState::Useless(Useless {
        times: 1,
        given_up,
        why: "says nothing".to_owned(),
    })
}

#[tokio::test]
async fn the_slowest_server_is_waited_for_and_the_others_are_asked_no_more() {
    let (fast, asked_fast) = server("ns1.shop.example", 1, ResponseCode::NoError).await;
    let (slow, asked_slow) = server("ns2.shop.example", 3, ResponseCode::NoError).await;
    let limit = Duration::from_mins(1);
    let seen = watch(&[fast, slow], &[], &place(), "value", limit).await.unwrap();
    assert_eq!(
        seen.at,
        ["ns1.shop.example (127.0.0.1)", "ns2.shop.example (127.0.0.1)"]
    );
    assert!(seen.notes.is_empty());
    assert_eq!(asked_fast.load(Ordering::SeqCst), 1);
    assert_eq!(asked_slow.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_end_of_the_wait_says_who_lacks_the_value() {
    let (has, _) = server("ns1.shop.example", 1, ResponseCode::NoError).await;
    let (lacks, _) = server("ns2.shop.example", u32::MAX, ResponseCode::NoError).await;
    let (lame, _) = server("ns3.shop.example", 1, ResponseCode::ServFail).await;
    let limit = Duration::from_millis(300);
    let error = watch(&[has, lacks, lame], &[], &place(), "value", limit)
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "the TXT record _acme-challenge.shop.example is not seen everywhere within 0.3 s: ns2.shop.example (127.0.0.1) has \
         another value; ns3.shop.example (127.0.0.1): answers SERVFAIL"
    );
    assert!(error.hint.unwrap().contains("--propagation-timeout"));
}

#[test]
fn a_server_that_is_given_up_is_told_unless_another_of_its_addresses_has_the_value() {
    let server = |name: &str, last: u8| Server {
        name: name.to_owned(),
        address: ([192, 0, 2, last], 53).into(),
        recursor: false,
    };
    let asked = [server("ns1", 1), server("ns1", 2), server("ns2", 3)];
    assert_eq!(
        settled(&asked, &[ServerState::Has, useless(true), useless(true)]),
        Some(vec!["name server ns2 (192.0.2.3) is left out: says nothing".to_owned()])
    );
    assert_eq!(
        settled(&asked, &[ServerState::Has, useless(true), ServerState::Has]),
        Some(Vec::new())
    );
    for states in [
        [ServerState::Has, useless(false), ServerState::Has],
        [ServerState::Has, ServerState::Lacks(0), ServerState::Has],
        [useless(true), useless(true), useless(true)],
    ] {
        assert_eq!(settled(&asked, &states), None);
    }
}
