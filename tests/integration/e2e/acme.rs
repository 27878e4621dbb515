//! The ACME client against Pebble, which validates for real.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kubectl_certs::{
    acme::{
        AccountKey, AccountStatus, Acme, AcmeError, AuthorizationStatus, CertId, Chain, ChallengeKind, Client, Eab,
        Issuer, Order, OrderOptions, OrderStatus, Registration, RevocationReason, Revoked, SigningKey, Wish,
    },
    error::Diagnose as _,
    name::Name,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::support::{
    PATIENCE,
    dns::Resolver,
    pebble::{self, Options, Pebble},
    server::Address,
};

/// Answers every HTTP-01 challenge of one account, on port 80 of an address of its own.
pub(super) struct Web {
    address: Address,
    task: JoinHandle<()>,
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Web {
    pub(super) async fn start(thumbprint: &str) -> Self {
        let address = Address::take();
        let listener = TcpListener::bind((address.ip(), 80)).await.unwrap();
        let thumbprint = thumbprint.to_owned();
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let thumbprint = thumbprint.clone();
                tokio::spawn(async move { answer(connection, &thumbprint).await });
            }
        });
        Self { address, task }
    }

    pub(super) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }
}

async fn answer(connection: TcpStream, thumbprint: &str) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut first = String::new();
    connection.read_line(&mut first).await?;
    let mut line = String::from("-");
    while !line.trim().is_empty() {
        line.clear();
        connection.read_line(&mut line).await?;
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let body = path
        .strip_prefix("/.well-known/acme-challenge/")
        .map(|token| format!("{token}.{thumbprint}"))
        .unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).await
}

/// A CA, a registered account, and what answers its challenges.
struct World {
    // the CA goes before the names that it asks for
    pebble: Pebble,
    resolver: Resolver,
    web: Web,
    client: Client,
}

impl World {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let resolver = Resolver::start();
        let pebble = Pebble::start_with(&resolver, change);
        let (client, _) = open(&pebble)
            .await
            .register(&AccountKey::generate().unwrap(), &agreed())
            .await
            .unwrap();
        let web = Web::start(client.thumbprint()).await;
        Self {
            pebble,
            resolver,
            web,
            client,
        }
    }

    /// Lets hosts lead to what answers.
    fn hosts(&self, hosts: &[&str]) {
        for host in hosts {
            self.resolver.host(host, &[&self.web.ip().to_string()]);
        }
    }

    async fn issue(&self, names: &[&str], options: &OrderOptions) -> Issued {
        issue(&self.client, &parse(names), options).await.unwrap()
    }
}

pub(super) struct Issued {
    order: Order,
    pub(super) key: KeyPair,
    pub(super) chain: Chain,
}

impl Issued {
    fn leaf(&self) -> &[u8] {
        &self.chain.certificates[0]
    }

    fn id(&self) -> CertId {
        CertId::of(self.leaf()).unwrap()
    }

    pub(super) fn serial(&self) -> String {
        let (_, leaf) = X509Certificate::from_der(self.leaf()).unwrap();
        leaf.raw_serial_as_string().replace(':', "")
    }
}

fn issuer(pebble: &Pebble) -> Issuer {
    let mut issuer = Issuer::new("pebble", pebble.directory_url());
    issuer.ca_pem = Some(std::fs::read(pebble.ca_file()).unwrap());
    issuer
}

pub(super) async fn open(pebble: &Pebble) -> Acme {
    Acme::open(&issuer(pebble)).await.unwrap()
}

fn agreed() -> Registration {
    Registration {
        agree_to_terms: true,
        ..Registration::default()
    }
}

pub(super) fn parse(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// From the order to the certificate.
pub(super) async fn issue(client: &Client, names: &[Name], options: &OrderOptions) -> Result<Issued, AcmeError> {
    let order = client.new_order(names, options).await?;
    for url in &order.authorizations {
        let authorization = client.authorization(url).await?;
        if authorization.status == AuthorizationStatus::Pending {
            client
                .respond(authorization.challenge(&ChallengeKind::Http01).unwrap())
                .await?;
            let proved = client.wait_authorization(url, PATIENCE, &Wish::default()).await?;
            assert_eq!(proved.status, AuthorizationStatus::Valid, "{:?}", proved.failure());
        }
    }
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    let csr = params.serialize_request(&key).unwrap();
    let order = client.finalize(&order, csr.der()).await?;
    let order = client.wait_order(&order.url, PATIENCE, &Wish::default()).await?;
    assert_eq!(order.status, OrderStatus::Valid, "{:?}", order.error);
    let chain = client.certificate(order.certificate.as_ref().unwrap(), None).await?;
    Ok(Issued { order, key, chain })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn an_account_lives_from_its_registration_to_its_end() {
    let resolver = Resolver::start();
    let pebble = Pebble::start_with(&resolver, |options| {
        options.caa_identities = vec!["ca.example".to_owned()];
    });
    let acme = open(&pebble).await;
    let meta = &acme.directory().meta;
    assert_eq!(meta.caa_identities, ["ca.example"]);
    assert!(meta.terms_of_service.is_some() && acme.directory().renewal_info.is_some());
    assert!(!meta.external_account_required);

    // RSA, as other clients have had it.
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let key = AccountKey::from_pem(&rsa.serialize_pem().into()).unwrap();
    assert!(acme.find_account(&key).await.unwrap().is_none());
    let refused = acme.register(&key, &Registration::default()).await.unwrap_err();
    assert!(matches!(refused, AcmeError::TermsNotAgreed { .. }), "{refused:?}");
    let mut registration = agreed();
    registration.contact = vec!["mailto:one@shop.example".to_owned()];
    let (client, account) = acme.register(&key, &registration).await.unwrap();
    assert_eq!(
        (account.status, &account.contact),
        (AccountStatus::Valid, &registration.contact)
    );
    // A second time, as after a crash, and by its key alone.
    assert_eq!(acme.register(&key, &registration).await.unwrap().1.url, account.url);
    assert_eq!(acme.find_account(&key).await.unwrap().unwrap().1.url, account.url);

    let contact = ["mailto:two@shop.example".to_owned()];
    assert_eq!(client.update_contact(&contact).await.unwrap().contact, contact);
    assert_eq!(client.account().await.unwrap().contact, contact);

    let new = AccountKey::generate().unwrap();
    let rolled = client.rollover(&new).await.unwrap();
    assert_eq!(rolled.account().await.unwrap().url, account.url);
    assert!(
        client.account().await.is_err(),
        "the old key is no longer the account's"
    );
    assert!(acme.find_account(&key).await.unwrap().is_none());
    // Once more with the same key: no action is needed.
    assert_eq!(client.rollover(&new).await.unwrap().thumbprint(), new.thumbprint());

    for certain in [true, false] {
        let ended = rolled.deactivate().await.unwrap();
        assert_eq!(
            (ended.account.status, ended.certain),
            (AccountStatus::Deactivated, certain)
        );
    }
    let error = rolled
        .new_order(&parse(&["shop.example"]), &OrderOptions::default())
        .await
        .unwrap_err();
    assert!(error.is("unauthorized"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_ca_that_binds_accounts_takes_none_without_its_key() {
    let resolver = Resolver::start();
    let (mine, other) = (Pebble::eab_key(), Pebble::eab_key());
    let pebble = Pebble::start_with(&resolver, |options| {
        options.eab = vec![("kid-1".to_owned(), mine.clone())];
    });
    let acme = open(&pebble).await;
    let register = async |kid: &str, key: &str| {
        let registration = Registration {
            eab: Some(Eab {
                kid: kid.to_owned(),
                key: key.into(),
            }),
            ..agreed()
        };
        acme.register(&AccountKey::generate().unwrap(), &registration).await
    };
    let error = acme
        .register(&AccountKey::generate().unwrap(), &agreed())
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::BindingRequired { .. }), "{error:?}");
    for (kid, key) in [("kid-1", &other), ("kid-2", &mine)] {
        let error = register(kid, key).await.unwrap_err();
        assert!(matches!(error, AcmeError::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(key.as_str()));
    }
    assert_eq!(register("kid-1", &mine).await.unwrap().1.status, AccountStatus::Valid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_directory_is_trusted_by_its_bundle_alone() {
    let resolver = Resolver::start();
    let pebble = Pebble::start(&resolver);
    let error = Acme::open(&Issuer::new("pebble", pebble.directory_url()))
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Unreachable { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("--directory-ca-file"), "{error:?}");
    open(&pebble).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn each_name_of_an_order_has_its_challenges() {
    let world = World::start_with(|options| options.blocklist = vec!["blocked.example".to_owned()]).await;
    let client = &world.client;
    let names = parse(&["shop.example", "*.shop.example"]);
    let ordered = client.new_order(&names, &OrderOptions::default()).await.unwrap();
    assert_eq!(ordered.status, OrderStatus::Pending);
    assert!(ordered.expires.is_some());
    let mut found = Vec::new();
    for url in &ordered.authorizations {
        let authorization = client.authorization(url).await.unwrap();
        assert_eq!(authorization.name.to_string(), "shop.example");
        let token = authorization
            .challenge(&ChallengeKind::Dns01)
            .unwrap()
            .token
            .clone()
            .unwrap();
        assert!(client.key_authorization(&token).ends_with(client.thumbprint()));
        let http = authorization.challenge(&ChallengeKind::Http01).is_some();
        found.push((authorization.ordered().to_string(), authorization.wildcard, http));
    }
    found.sort();
    assert_eq!(
        found,
        [
            ("*.shop.example".to_owned(), true, false),
            ("shop.example".to_owned(), false, true)
        ]
    );

    // The order can be gone on with by its URL.
    let again = open(&world.pebble)
        .await
        .client(client.key().clone(), client.account_url());
    assert_eq!(again.order(&ordered.url).await.unwrap().names.len(), 2);

    let error = client
        .new_order(&parse(&["a.blocked.example"]), &OrderOptions::default())
        .await
        .unwrap_err();
    assert!(error.is("rejectedIdentifier"), "{error:?}");
    assert!(error.to_string().contains("blocked.example"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_name_that_does_not_lead_here_is_told_in_the_cas_words() {
    let world = World::start().await;
    let names = parse(&["nowhere.example"]);
    let order = world.client.new_order(&names, &OrderOptions::default()).await.unwrap();
    let url = &order.authorizations[0];
    let authorization = world.client.authorization(url).await.unwrap();
    let challenge = authorization.challenge(&ChallengeKind::Http01).unwrap();
    world.client.respond(challenge).await.unwrap();
    let failed = world
        .client
        .wait_authorization(url, PATIENCE, &Wish::default())
        .await
        .unwrap();
    assert_eq!(failed.status, AuthorizationStatus::Invalid);
    let problem = failed.failure().unwrap();
    assert!(problem.to_string().contains("nowhere.example"), "{problem}");
    let order = world
        .client
        .wait_ready(&order.url, PATIENCE, &Wish::default())
        .await
        .unwrap();
    assert_eq!(order.status, OrderStatus::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn addresses_are_certified_under_a_profile_that_allows_them() {
    let world = World::start_with(|options| options.profiles = vec![pebble::DEFAULT, pebble::SHORTLIVED]).await;
    let ip = world.web.ip().to_string();
    let profile = |name: &str| OrderOptions {
        profile: Some(name.to_owned()),
        ..OrderOptions::default()
    };
    let issued = world.issue(&[&ip], &profile("shortlived")).await;
    assert_eq!(issued.order.profile.as_deref(), Some("shortlived"));
    let (_, leaf) = X509Certificate::from_der(issued.leaf()).unwrap();
    let seconds = leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp();
    assert!((159 * 3600..=160 * 3600).contains(&seconds), "{seconds}");

    let error = world
        .client
        .new_order(&parse(&[&ip]), &profile("eternal"))
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::UnknownProfile { .. }), "{error:?}");
    assert_eq!(error.hint().as_deref(), Some("it has: default, shortlived"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_chain_is_chosen_by_its_root() {
    let world = World::start_with(|options| options.alternate_roots = 2).await;
    world.hosts(&["shop.example"]);
    let issued = world.issue(&["shop.example"], &OrderOptions::default()).await;
    assert_eq!(
        (issued.chain.alternates, issued.chain.issuer),
        (2, world.pebble.root_name(0))
    );
    let url = issued.order.certificate.unwrap();
    for number in 0..3 {
        let name = world.pebble.root_name(number);
        let chain = world.client.certificate(&url, Some(&name)).await.unwrap();
        assert_eq!((chain.issuer, chain.preference_missed), (name, false));
        assert_eq!(chain.certificates[0], issued.chain.certificates[0]);
    }
    let chain = world.client.certificate(&url, Some("No Root")).await.unwrap();
    assert!(chain.preference_missed);
    assert_eq!(chain.pem, issued.chain.pem);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_renewal_says_what_it_replaces_once() {
    let world = World::start().await;
    world.hosts(&["shop.example", "other.example"]);
    let acme = world.client.acme();
    let first = world.issue(&["shop.example"], &OrderOptions::default()).await;
    let info = acme.renewal_info(&first.id()).await.unwrap();
    let (_, leaf) = X509Certificate::from_der(first.leaf()).unwrap();
    let validity = leaf.validity();
    assert!(
        validity.not_before.timestamp() < info.start && info.end < validity.not_after.timestamp(),
        "{info:?}"
    );
    assert_eq!(info.retry_after, 6 * 3600);
    world
        .pebble
        .set_renewal_window(&first.chain.pem, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let now = acme.renewal_info(&first.id()).await.unwrap();
    assert_eq!(now.end - now.start, 24 * 3600);
    assert!((now.start..=now.end).contains(&now.moment(42)));
    assert!(acme.renewal_info(&CertId::new(&[1], &[2])).await.is_err());

    let replacing = |id: CertId| OrderOptions {
        replaces: Some(id),
        ..OrderOptions::default()
    };
    let names = parse(&["shop.example"]);
    let second = issue(&world.client, &names, &replacing(first.id())).await.unwrap();
    assert_eq!(second.order.replaces, Some(first.id().to_string()));
    // Replaced already; and a certificate that the CA never made.
    let refused = async |client: &Client, id: CertId| match client.new_order(&names, &replacing(id)).await {
        Err(AcmeError::ReplacesRefused { problem }) => *problem,
        other => panic!("{other:?}"),
    };
    assert!(refused(&world.client, first.id()).await.is("alreadyReplaced"));
    refused(&world.client, CertId::new(&[1], &[2])).await;
    // Another account's.
    let (stranger, _) = acme
        .register(&AccountKey::generate().unwrap(), &agreed())
        .await
        .unwrap();
    assert!(refused(&stranger, second.id()).await.is("unauthorized"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_certificate_is_revoked_by_its_account_or_by_its_key() {
    let world = World::start().await;
    world.hosts(&["shop.example"]);
    let by_account = world.issue(&["shop.example"], &OrderOptions::default()).await;
    let by_key = world.issue(&["shop.example"], &OrderOptions::default()).await;
    let (acme, reason) = (world.client.acme(), RevocationReason::Superseded);

    let (stranger, _) = acme
        .register(&AccountKey::generate().unwrap(), &agreed())
        .await
        .unwrap();
    let error = stranger.revoke(by_account.leaf(), reason).await.unwrap_err();
    assert!(error.is("unauthorized"), "{error:?}");
    assert_eq!(world.pebble.certificate_status(&by_account.serial())["Status"], "Valid");

    assert_eq!(
        world.client.revoke(by_account.leaf(), reason).await.unwrap(),
        Revoked::Now
    );
    assert_eq!(
        world.client.revoke(by_account.leaf(), reason).await.unwrap(),
        Revoked::Already
    );
    assert_eq!(
        world.pebble.certificate_status(&by_account.serial())["Status"],
        "Revoked"
    );

    let key = SigningKey::from_pem(by_key.key.serialize_pem().as_bytes()).unwrap();
    let wrong = SigningKey::from_pem(by_account.key.serialize_pem().as_bytes()).unwrap();
    let reason = RevocationReason::KeyCompromise;
    acme.revoke_with_key(&wrong, by_key.leaf(), reason).await.unwrap_err();
    assert_eq!(
        acme.revoke_with_key(&key, by_key.leaf(), reason).await.unwrap(),
        Revoked::Now
    );
    let status = world.pebble.certificate_status(&by_key.serial());
    assert_eq!((&status["Status"], &status["Reason"]), (&"Revoked".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn thirty_orders_at_once_lose_none_to_refused_nonces() {
    let world = World::start_with(|options| options.nonce_reject = 20).await;
    let hosts: Vec<String> = (0..30).map(|n| format!("h{n}.shop.example")).collect();
    world.hosts(&hosts.iter().map(String::as_str).collect::<Vec<_>>());
    let orders = hosts.iter().map(|host| {
        let (client, names) = (world.client.clone(), parse(&[host]));
        async move { issue(&client, &names, &OrderOptions::default()).await }
    });
    let issued: Vec<Issued> = stream::iter(orders).buffer_unordered(8).try_collect().await.unwrap();
    assert_eq!(issued.len(), 30);
    // Of each order one of these is enough.
    let once = ["/order-plz", "/chalZ/", "/finalize-order/", "/certZ/"].map(|path| format!("POST {path} "));
    let log = world.pebble.log();
    let asked = log
        .lines()
        .filter(|line| once.iter().any(|post| line.contains(post)))
        .count();
    assert!(asked > 4 * 30, "some were refused: {asked} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn what_was_proved_before_need_not_be_proved_again() {
    let world = World::start_with(|options| options.authz_reuse = 100).await;
    world.hosts(&["shop.example"]);
    let first = world.issue(&["shop.example"], &OrderOptions::default()).await;
    world.resolver.host("shop.example", &[]);
    let names = parse(&["shop.example"]);
    let order = world.client.new_order(&names, &OrderOptions::default()).await.unwrap();
    let authorization = world.client.authorization(&order.authorizations[0]).await.unwrap();
    assert_eq!(authorization.status, AuthorizationStatus::Valid);
    let second = world.issue(&["shop.example"], &OrderOptions::default()).await;
    assert_ne!(first.id(), second.id());
    // An order that is valid already: its certificate is fetched once more.
    let order = world
        .client
        .wait_order(&second.order.url, Duration::ZERO, &Wish::default())
        .await
        .unwrap();
    let chain = world
        .client
        .certificate(order.certificate.as_ref().unwrap(), None)
        .await
        .unwrap();
    assert_eq!(chain, second.chain);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the testbed: tests/run"]
async fn a_server_that_wishes_for_seconds_is_not_waited_for_when_it_is_done_at_once() {
    let world = World::start_with(|options| (options.retry_after_authz, options.retry_after_order) = (30, 30)).await;
    world.hosts(&["shop.example"]);
    let limit = Duration::from_secs(25);
    let options = OrderOptions::default();
    let issued = tokio::time::timeout(limit, world.issue(&["shop.example"], &options)).await;
    assert_eq!(issued.expect("it does not wait").order.status, OrderStatus::Valid);
}
