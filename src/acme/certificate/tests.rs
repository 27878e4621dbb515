use crate::{
    acme::fake::{Fake, Reply},
    x509::testing::{Authority, pem},
};

/// Two chains of one leaf: by way of the intermediate under the young root, and with the young root cross-signed.
struct Chains {
    short: String,
    long: String,
    leaf: Vec<u8>,
}

fn chains() -> Chains {
    let (old, young) = (Authority::root("Old Root"), Authority::root("Young Root"));
    let sub = young.sub("Sub");
    let leaf = sub.leaf("shop.example");
    let short = leaf.pem() + &sub.pem();
    // Not a cross-signature of the same key, but its issuer is the old root: that is what is looked at.
    let long = short.clone() + &old.sub("Young Root").pem();
    Chains {
        short,
        long,
        leaf: leaf.der,
    }
}

async fn offering(chains: &Chains) -> Fake {
    let (short, long) = (chains.short.clone(), chains.long.clone());
    Fake::start(move |request, _, url| match request.path.as_str() {
        "/cert/1" => Reply::text(200, long.clone())
            .header("link", format!("<{url}/dir>;rel=\"index\""))
            .header("link", format!("<{url}/cert/2>;rel=\"alternate\"")),
        _ => Reply::text(200, short.clone()),
    })
    .await
}

#[tokio::test]
async fn the_chain_that_ends_at_the_preferred_issuer_is_taken() {
    let chains = chains();
    let fake = offering(&chains).await;
    let client = fake.client().await;
    let get = async |preferred| client.certificate(&fake.url("/cert/1"), preferred).await.unwrap();

    let first = get(None).await;
    assert_eq!(
        (first.issuer.as_str(), first.alternates, first.preference_missed),
        ("Old Root", 1, false)
    );
    assert!(fake.seen("/cert/2").is_empty());
    assert_eq!(get(Some("Old Root")).await, first);
    assert!(fake.seen("/cert/2").is_empty(), "the first one fits");

    let young = get(Some("Young Root")).await;
    assert_eq!((young.issuer.as_str(), young.certificates.len()), ("Young Root", 2));
    assert_eq!(
        (young.pem.as_str(), &young.certificates[0]),
        (chains.short.as_str(), &chains.leaf)
    );

    // An issuer in the middle, and one that is nowhere.
    assert_eq!(get(Some("Sub")).await.issuer, "Old Root");
    let missed = get(Some("No Root")).await;
    assert_eq!((missed.issuer.as_str(), missed.preference_missed), ("Old Root", true));
}

#[tokio::test]
async fn an_alternate_that_cannot_be_had_costs_no_certificate() {
    for how in [
        || Reply::problem(404, "malformed", "no such chain"),
        || Reply::text(404, "<html>"),
        || Reply::text(200, "no chain"),
        || Reply::Break,
    ] {
        let all = chains();
        let (short, long) = (all.short.clone(), all.long.clone());
        let fake = Fake::start(move |request, _, url| match request.path.as_str() {
            "/cert/1" => Reply::text(200, long.clone()).header(
                "link",
                format!("<{url}/cert/2>;rel=\"alternate\", <{url}/cert/3>;rel=\"alternate\""),
            ),
            "/cert/2" => how(),
            _ => Reply::text(200, short.clone()),
        })
        .await;
        let client = fake.client().await;
        let get = async |preferred| client.certificate(&fake.url("/cert/1"), preferred).await.unwrap();
        // The default one, and why.
        let missed = get(Some("No Root")).await;
        assert_eq!((missed.issuer.as_str(), missed.preference_missed), ("Old Root", true));
        assert!(missed.unread.is_some());
        // The wanted one is among the others.
        let young = get(Some("Young Root")).await;
        assert_eq!((young.issuer.as_str(), young.unread), ("Young Root", None));
    }
}

#[tokio::test]
async fn what_is_not_a_chain_of_certificates_is_refused() {
    let leaf = chains().leaf;
    let certificate = pem("CERTIFICATE", &leaf);
    let key = pem("PRIVATE KEY", b"key");
    for (body, words) in [
        (String::new(), "there is no certificate in it"),
        ("<html>".to_owned(), "there is no certificate in it"),
        (certificate.clone() + &key, "block 2 in it is not a certificate"),
        (pem("CERTIFICATE", b"junk"), "block 1 in it cannot be read"),
        (certificate.repeat(101), "too many certificates"),
    ] {
        let fake = Fake::start(move |_, _, _| Reply::text(200, body.clone())).await;
        let error = fake
            .client()
            .await
            .certificate(&fake.url("/cert/1"), None)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let fake = Fake::start(move |_, _, _| Reply::text(200, format!("text\n{certificate}text"))).await;
    let chain = fake
        .client()
        .await
        .certificate(&fake.url("/cert/1"), None)
        .await
        .unwrap();
    assert_eq!(
        chain.pem,
        pem("CERTIFICATE", &leaf),
        "text around the blocks is left out"
    );
}
