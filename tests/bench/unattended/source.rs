//! Rows of the certificate source: how long a pair that is kept takes, and what a flood of names that nobody knows does. It
//! needs no cluster: the server is in this process, with clients over TLS that send the token of a `ServiceAccount`.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::{BoxFuture, join_all};
use kubectl_certs::{
    domain::{Host, Material, Pair, Platform, Record, Said, limit::RegistrationLimits},
    domains::{
        instructed::Instructed,
        serve::{Access, Asks, Hands, Identities, Identity, Options, Pairs, Reviews, Serving, serve},
        store::{Store, memory::MemoryStore},
    },
    object::Key,
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use secrecy::{SecretSlice, SecretString};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    Plan, Result,
    figure::{Figure, Of, percentile, thousands},
    support::pki::{self, Pki},
};

/// How many pairs are kept.
const CACHED: usize = 10_000;
/// How long a hit may take for all but one in a hundred.
const HIT: Duration = Duration::from_millis(2);
/// How often the application may be asked in a second.
const ASKS: usize = 50;
/// How many unknown names wait for a question.
const WAITING: u32 = 220;
/// How long a known host may take during a flood, for all but one in a hundred.
const KNOWN: Duration = Duration::from_millis(20);

/// The application, which knows nobody.
#[derive(Debug, Default)]
struct App(AtomicUsize);

impl Asks for App {
    fn ask<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Option<Said>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            sleep(Duration::from_millis(5)).await;
            Some(Said::No)
        })
    }
}

#[derive(Debug)]
struct Own;

impl Pairs for Own {
    fn pair<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, std::result::Result<Option<Arc<Material>>, String>> {
        let found = record.pair.as_ref().and_then(|pair| pair.material.clone());
        Box::pin(async { Ok(found) })
    }
}

#[derive(Debug)]
struct Cluster;

impl Reviews for Cluster {
    fn review<'a>(
        &'a self,
        _: &'a SecretString,
        _: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Option<String>, String>> {
        Box::pin(async { Ok(Some("system:serviceaccount:edge:nginx".to_owned())) })
    }
}

struct World {
    app: Arc<App>,
    serving: Serving,
    root: String,
}

fn host(n: usize) -> String {
    format!("shop{n}.customers.com")
}

impl World {
    /// With so many registered hosts, each with a pair.
    async fn new(known: usize) -> Result<Self> {
        let pki = Pki::new();
        let pair = pki.pair(&["*.customers.com"]);
        let material = Arc::new(Material {
            chain: pair.chain,
            key: pair.key.into(),
        });
        let at = pki::now().unix_timestamp();
        let store = Arc::new(MemoryStore::default());
        for n in 0..known {
            let mut record = Record::new(host(n).parse()?, "shop".parse()?, at);
            record.answered(Said::Yes, false, at);
            record.pair = Some(Pair {
                not_before: at - 60,
                not_after: at + 86_400,
                serial: "01".into(),
                secret: None,
                material: Some(Arc::clone(&material)),
            });
            store.put(&record, None).await?;
        }
        let app = Arc::new(App::default());
        let hands = Hands {
            store: store as Arc<dyn Store>,
            asks: Arc::clone(&app) as Arc<dyn Asks>,
            pairs: Arc::new(Own),
            reviews: Some(Arc::new(Cluster)),
            note: Arc::new(|_, _, _| {}),
        };
        let options = Options {
            platform: Platform::default(),
            instructions: Instructed::default(),
            home: "shop".parse()?,
            limits: RegistrationLimits::default(),
            hold: Duration::from_secs(5),
            cached: CACHED,
            access: Access {
                audience: "kubectl-certs".to_owned(),
                readers: vec![Key::new("edge", "nginx")],
                ..Access::default()
            },
        };
        let own = pki.pair(&["localhost"]);
        let identity = Identity {
            chain: own.chain.into_bytes(),
            key: SecretSlice::from(own.key.into_bytes()),
            client_ca: None,
        };
        let identity = Arc::new(identity) as Arc<dyn Identities>;
        let serving = serve("127.0.0.1:0".parse()?, Some(identity), hands, options).await?;
        while !serving.is_complete() {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Self {
            app,
            serving,
            root: pki.root_pem(),
        })
    }

    async fn client(&self) -> Result<Client> {
        Client::new(self.serving.address(), &self.root).await
    }
}

/// One connection, which is kept.
struct Client {
    tls: TlsStream<TcpStream>,
    token: String,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(address: SocketAddr, root: &str) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let tls = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost")?, tcp)
            .await?;
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"aud":["kubectl-certs"]}"#);
        Ok(Self {
            tls,
            token: format!("e30.{claims}.x"),
            buffer: vec![0; 32 << 10],
        })
    }

    /// Asks for a pair; the status, when the whole answer is there.
    async fn ask(&mut self, host: &str) -> Result<u16> {
        let Self { token, .. } = self;
        let request = format!(
            "GET /v1/certificate?server_name={host} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        self.tls.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let read = self.tls.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            let text = String::from_utf8_lossy(&self.buffer[..filled]);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Ok(head.get(9..12).unwrap_or_default().parse()?);
            }
        }
    }
}

fn run<T>(work: impl Future<Output = Result<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work).unwrap()
}

/// Asks for kept pairs, over several connections.
pub(crate) fn hits(plan: &Plan) -> Vec<Figure> {
    let known = plan.size(300, 100_000);
    let hot = known.min(CACHED);
    let each = if plan.smoke { 300 } else { 20_000 };
    let mut of = Of::size(format!("{} kept of {}", thousands(hot), thousands(known)));
    run(async {
        let world = World::new(known).await?;
        // They are asked for once.
        let mut warming = Vec::new();
        for lane in 0..4 {
            let mut client = world.client().await?;
            warming.push(async move {
                for n in (lane..hot).step_by(4) {
                    assert_eq!(client.ask(&host(n)).await?, 200);
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            });
        }
        join_all(warming).await.into_iter().collect::<Result<()>>()?;
        let before = world.serving.counted();
        let begun = Instant::now();
        let mut lanes = Vec::new();
        for lane in 0..4_usize {
            let mut client = world.client().await?;
            lanes.push(tokio::spawn(async move {
                let mut took = Vec::with_capacity(each);
                // Spread over all of them, in no order.
                let mut n = lane * 7_919;
                for _ in 0..each {
                    n = (n * 31 + 17) % hot;
                    let at = Instant::now();
                    assert_eq!(client.ask(&host(n)).await?, 200);
                    took.push(at.elapsed());
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(took)
            }));
        }
        let mut took = Vec::new();
        for lane in lanes {
            took.extend(lane.await??);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let after = world.serving.counted();
        of.time(
            "a hit, 99 of 100, over TLS with a token",
            percentile(took.clone(), 99),
            HIT,
        );
        of.time("a hit, half of them", percentile(took.clone(), 50), HIT);
        #[expect(clippy::cast_precision_loss, reason = "there are some ten thousand")]
        of.told(
            "hits a second, 4 connections",
            format!("{:.0}", took.len() as f64 / seconds),
        );
        of.none(
            "answers that were not kept",
            usize::try_from(after.reads - before.reads)?,
            "",
        );
        world.serving.end().await;
        Ok(())
    });
    of.figures
}

/// What became of a flood.
#[derive(Default)]
struct Flood {
    statuses: HashMap<u16, usize>,
    sent: usize,
}

/// 10,000 names a second that nobody has registered.
pub(crate) fn flood(plan: &Plan) -> Vec<Figure> {
    let known = plan.size(300, 100_000);
    let lasts = plan.lasts(if plan.smoke { 0.05 } else { 1.0 });
    // Some 220 of them wait for a question at any moment; the others are as many as it takes.
    let (lanes, each_second) = if plan.smoke { (260, 5) } else { (620, 25) };
    let rate = thousands(usize::try_from((lanes - WAITING) * each_second).unwrap_or_default());
    let seconds = lasts.as_secs_f64();
    let mut of = Of::size(format!("{rate}/s for {seconds:.0} s, {} known", thousands(known)));
    run(async {
        let world = World::new(known).await?;
        let hot = known.min(100);
        let mut client = world.client().await?;
        for n in 0..hot {
            assert_eq!(client.ask(&host(n)).await?, 200);
        }
        let begin = Instant::now();
        let until = begin + lasts;
        let mut all = Vec::new();
        for lane in 0..lanes {
            let mut client = world.client().await?;
            all.push(tokio::spawn(async move {
                let mut flood = Flood::default();
                let mut beat = interval(Duration::from_secs(1) / each_second);
                beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while Instant::now() < until {
                    beat.tick().await;
                    let n = flood.sent;
                    let status = client.ask(&format!("x{n}.y{lane}.unknown{n}.com")).await?;
                    *flood.statuses.entry(status).or_default() += 1;
                    flood.sent += 1;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(flood)
            }));
        }
        let mut took = Vec::new();
        let mut failed = 0;
        let mut n = 0;
        while Instant::now() < until {
            let at = Instant::now();
            failed += usize::from(client.ask(&host(n % hot)).await? != 200);
            took.push(at.elapsed());
            n += 1;
            sleep(Duration::from_millis(5)).await;
        }
        let mut whole = Flood::default();
        for lane in all {
            let flood = lane.await??;
            whole.sent += flood.sent;
            for (status, count) in flood.statuses {
                *whole.statuses.entry(status).or_default() += count;
            }
        }
        // Those that waited at the end had their turns afterwards.
        let in_all = begin.elapsed().as_secs_f64();
        let asked = world.app.0.load(Ordering::Relaxed);
        let registered = world.serving.counted().registered;
        #[expect(clippy::cast_precision_loss, reason = "there are some thousand")]
        let [sent, asked] = [whole.sent, asked].map(|count| count as f64 / in_all);
        #[expect(clippy::cast_precision_loss, reason = "there are fifty")]
        of.most("questions to the application, a second", asked.ceil(), ASKS as f64);
        of.none(
            "hosts registered, so that they would be ordered",
            usize::try_from(registered)?,
            "",
        );
        of.time("a known host, 99 of 100", percentile(took, 99), KNOWN);
        of.none("known hosts that got no certificate", failed, "");
        of.told("unknown names answered, a second", format!("{sent:.0}"));
        let mut statuses: Vec<String> = whole
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"))
            .collect();
        statuses.sort_unstable();
        of.told("what they were answered", statuses.join(", "));
        world.serving.end().await;
        Ok(())
    });
    of.figures
}
