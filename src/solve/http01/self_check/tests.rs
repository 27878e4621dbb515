//! Tests against real HTTP servers on this machine's own addresses.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const RIGHT: &str = "tok.thumb";

/// Answers the first `wrong` requests with 404, all others with `answer(path)`. Returns its port.
async fn server(wrong: usize, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (answer, asked) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        loop {
            let Ok((mut tcp, _)) = listener.accept().await else {
                return;
            };
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if tcp.read_exact(&mut byte).await.is_err() {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap();
                let said = if asked.fetch_add(1, Ordering::SeqCst) < wrong {
                    page(404, "no such page")
                } else {
                    answer(path)
                };
                let _ = tcp.write_all(said.as_bytes()).await;
            });
        }
    });
    port
}

fn page(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn look(port: u16) -> Look {
    Look {
        host: "shop.invalid".into(),
        token: "tok".into(),
        key_authorization: RIGHT.into(),
        addresses: vec!["127.0.0.1".into()],
        connect: None,
        guard: Guard::default(),
        lookup: Lookup::System,
        ports: Ports { http: port, https: 1 },
        limit: Duration::from_millis(400),
        dns_counts: true,
        quote: true,
        telling: CheckReporter::default(),
    }
}

fn patient(port: u16) -> Look {
    Look {
        limit: Duration::from_secs(30),
        ..look(port)
    }
}

#[tokio::test]
async fn it_waits_until_the_answer_is_there() {
    let port = server(3, |path| {
        assert_eq!(path, "/.well-known/acme-challenge/tok");
        page(200, "tok.thumb\r\n")
    })
    .await;
    let seen = patient(port).direct().await.unwrap();
    assert_eq!(
        seen,
        AnswerSeen {
            at: vec!["127.0.0.1".into()],
            note: None
        }
    );
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_and_its_end_is_told() {
    let port = server(0, |path| match path {
        "/.well-known/acme-challenge/tok" => redirect("/moved?x=1"),
        "/moved?x=1" => page(200, RIGHT),
        _ => page(404, ""),
    })
    .await;
    assert!(patient(port).direct().await.is_ok());

    let port = server(0, |path| match path {
        "/login" => page(200, "<html>please log in</html>"),
        _ => redirect("/login"),
    })
    .await;
    let error = look(port).direct().await.unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("127.0.0.1 answers 200 after a redirect to http://shop.invalid"),
        "{words}"
    );
    assert!(words.contains("please log in"), "{words}");
    assert!(error.hint.unwrap().contains("redirect"));

    let error = Look {
        dns_counts: true,
        quote: false,
        ..look(port)
    }
    .direct()
    .await
    .unwrap_err();
    assert!(!error.to_string().contains("please log in"), "{error}");
}

#[tokio::test]
async fn too_many_redirects_and_other_ports_are_not_followed() {
    let port = server(0, |path| redirect(&format!("{path}x"))).await;
    let words = look(port).direct().await.unwrap_err().to_string();
    assert!(words.contains("more than 10 redirects"), "{words}");

    let port = server(0, |_| redirect("https://shop.invalid:8443/")).await;
    let words = look(port).direct().await.unwrap_err().to_string();
    assert!(words.contains("redirects to https://shop.invalid:8443/"), "{words}");
    assert!(words.contains("80 and 443 only"), "{words}");
}

#[tokio::test]
async fn a_wrong_answer_is_told_with_status_address_and_beginning() {
    for (status, body, hint) in [
        (404, "404 page not found", "does not know the path"),
        (503, "no available server", "NetworkPolicy"),
        (401, "who are you", "login"),
        (200, "tok.other-thumb", "another server answers"),
    ] {
        let port = server(0, move |_| page(status, body)).await;
        let error = look(port).direct().await.unwrap_err();
        let words = error.to_string();
        assert!(
            words.contains(&format!("127.0.0.1 answers {status} with {body:?}")),
            "{words}"
        );
        assert!(
            words.contains("http://shop.invalid/.well-known/acme-challenge/tok"),
            "{words}"
        );
        assert!(error.hint.unwrap().contains(hint), "{status}");
    }
    let long = "a".repeat(100_000);
    let port = server(0, move |_| page(200, &long)).await;
    assert!(look(port).direct().await.unwrap_err().to_string().len() < 600);
}

#[tokio::test]
async fn a_closed_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = look(port).direct().await.unwrap_err();
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    assert!(error.hint.unwrap().contains("port 80"));
}

#[tokio::test]
async fn a_server_that_speaks_no_http_or_hangs_up_is_an_error_and_no_more() {
    let port = server(0, |_| "220 mail.example ESMTP\r\n".into()).await;
    assert!(look(port).direct().await.is_err());
    let port = server(0, |_| String::new()).await;
    assert!(look(port).direct().await.is_err());
}

#[tokio::test]
async fn where_dns_gives_no_answer_the_routes_own_address_stands_in_and_a_host_that_is_not_there_is_refused() {
    let port = server(1, |_| page(200, RIGHT)).await;
    // It depends on this machine's DNS whether it answers that there is no such name, or not at all.
    let resolved = net::resolve(&patient(port).host, Duration::from_secs(5)).await;
    if resolved.unwrap_err().is_definite() {
        let error = patient(port)
            .automatic()
            .await
            .unwrap_err()
            .expect("no look from the cluster");
        assert!(error.message.contains("and the CA would find none"), "{error}");
        assert!(error.hint.unwrap().contains("--self-check direct"));
        assert_eq!(
            patient(port).direct().await.unwrap().at,
            ["127.0.0.1"],
            "split DNS is told"
        );
        return;
    }
    let seen = patient(port).automatic().await.unwrap();
    assert_eq!(seen.at, ["127.0.0.1"]);
    let note = seen.note.unwrap();
    assert!(note.contains("is not known") && note.contains("127.0.0.1"), "{note}");

    let nowhere = Look {
        addresses: Vec::new(),
        ..patient(port)
    };
    assert_eq!(nowhere.automatic().await, Err(None), "to be looked at from the cluster");
    let error = nowhere.direct().await.unwrap_err();
    assert!(error.hint.unwrap().contains("--connect"));
}

#[tokio::test]
async fn loopback_is_not_asked_for_a_host_unless_it_is_the_routes() {
    let port = server(0, |_| page(200, RIGHT)).await;
    let host = Look {
        host: "localhost".into(),
        addresses: Vec::new(),
        ..patient(port)
    };
    assert_eq!(host.automatic().await, Err(None));
    let own = Look {
        host: "localhost".into(),
        ..patient(port)
    };
    assert!(own.automatic().await.unwrap().at.contains(&"127.0.0.1".to_owned()));

    // Nor does a redirect lead there.
    let inner = server(0, |_| page(200, RIGHT)).await;
    let port = server(0, move |_| redirect(&format!("http://localhost:{inner}/"))).await;
    let other = Look {
        ports: Ports {
            http: port,
            https: inner,
        },
        ..look(port)
    };
    let error = Look {
        guard: Guard::default(),
        addresses: vec!["127.0.0.1".into()],
        ..other
    }
    .direct()
    .await;
    // Another address of localhost, if there is one, is refused; 127.0.0.1 is the route's own here.
    assert!(error.is_ok() || error.unwrap_err().to_string().contains("loopback"));
}

#[tokio::test]
async fn of_several_addresses_all_must_show_it() {
    let port = server(0, |_| page(200, RIGHT)).await;
    // Nothing listens at that port of 127.0.0.2.
    let both = Look {
        addresses: vec!["127.0.0.1".into(), "127.0.0.2".into()],
        ..look(port)
    };
    let words = both.direct().await.unwrap_err().to_string();
    assert!(
        words.contains("127.0.0.2") && !words.contains("127.0.0.1 answers"),
        "{words}"
    );
}
