//! The certificate source, asked by the web servers that ask it, over the wire: with a token that the cluster reviews and
//! pairs that are in its Secrets. The servers are set up by the files that users take from `plugin/domains`.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;
use kubectl_certs::{
    domain::{Host, Pair, Platform, Record, Said, limit::RegistrationLimits},
    domains::{
        instructed::Instructed,
        serve::{Access, Asks, Hands, IdentitySecret, Options, Serving, serve},
        store::{Store, memory::MemoryStore},
    },
    k8s::{Api, ConnectOptions, connect},
    object::Key,
    plan::permits::Permits,
};
use serde_json::json;

use crate::support::{
    cluster::Namespace,
    pages,
    pki::{self, now},
    server::{Address, Server, curl},
};

/// The host of a customer, whose page the application has.
const HOST: &str = "shop.customer.com";
const PAGE: &str = "the page of the shop";
/// A directory of the snippets that is another one here.
const OPENRESTY: &str = "/etc/nginx/kubectl-certs";
const CADDY: &str = "/etc/caddy/kubectl-certs";
const TOKEN: &str = "/var/run/secrets/kubectl-certs/token";

/// The application, which knows one host.
#[derive(Debug, Default)]
struct App(AtomicUsize);

impl Asks for App {
    fn ask<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Option<Said>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let is_known = host.as_str() == HOST;
        Box::pin(async move { Some(if is_known { Said::Yes } else { Said::No }) })
    }
}

struct World {
    ns: Namespace,
    app: Arc<App>,
    store: Arc<MemoryStore>,
    serving: Serving,
    /// Where the web server listens, and where the application does.
    web: Address,
    pages: Server,
    pages_at: String,
}

fn tls_secret(name: &str, pair: &pki::Pair) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
        "data": {"tls.crt": BASE64_STANDARD.encode(&pair.chain), "tls.key": BASE64_STANDARD.encode(&pair.key)},
    })
}

impl World {
    async fn new(label: &str) -> Self {
        let ns = Namespace::new(label);
        let dir = ns.dir.path();
        ns.apply(vec![
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "edge"}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stranger"}}),
            tls_secret("domains-server", &ns.pki.pair(&["localhost"])),
        ]);
        for account in ["edge", "stranger"] {
            let token = ns.kubectl(&["create", "token", account, "--audience", "kubectl-certs"]);
            std::fs::write(dir.join(account), token.trim()).unwrap();
        }
        std::fs::write(dir.join("ca.crt"), ns.pki.root_pem()).unwrap();
        let fallback = ns.pki.pair(&["fallback.internal"]);
        std::fs::write(dir.join("fallback.crt"), &fallback.chain).unwrap();
        std::fs::write(dir.join("fallback.key"), &fallback.key).unwrap();
        let pages_at = format!("127.0.0.1:{}", crate::support::server::free_port());
        std::fs::create_dir(dir.join("pages")).unwrap();
        std::fs::write(dir.join("pages/index.html"), PAGE).unwrap();
        let port = pages_at.rsplit(':').next().unwrap();
        let mut program = Command::new("python3");
        program.args(["-m", "http.server", port, "--bind", "127.0.0.1", "--directory", "pages"]);
        let mut pages = Server::start("pages", dir, &program);
        pages.wait_until(|| curl(&[&format!("http://{pages_at}/")]).is_ok());
        let api = Api::new(connect(&ConnectOptions::default()).await.unwrap(), Permits::none());
        let (app, store) = (Arc::new(App::default()), Arc::new(MemoryStore::default()));
        let hands = Hands {
            store: Arc::clone(&store) as Arc<dyn Store>,
            asks: Arc::clone(&app) as Arc<dyn Asks>,
            pairs: Arc::new(api.clone()),
            reviews: Some(Arc::new(api.clone())),
            note: Arc::new(|_, _, _| {}),
        };
        let options = Options {
            platform: Platform::default(),
            instructions: Instructed::default(),
            home: ns.name.parse().unwrap(),
            limits: RegistrationLimits::default(),
            hold: Duration::from_secs(15),
            cached: 100,
            access: Access {
                audience: "kubectl-certs".to_owned(),
                readers: vec![Key::new(ns.name.as_str(), "edge")],
                ..Access::default()
            },
        };
        let identity = IdentitySecret {
            api,
            secret: Key::new(ns.name.as_str(), "domains-server"),
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let serving = serve(address, Some(Arc::new(identity)), hands, options).await.unwrap();
        Self {
            app,
            store,
            serving,
            web: Address::take(),
            pages,
            pages_at,
            ns,
        }
    }

    /// Does what the leader does, once the host is registered: puts a pair into a Secret, and notes it.
    async fn issue(&self, name: &str) -> pki::Pair {
        let host: Host = HOST.parse().unwrap();
        let (mut record, version) = loop {
            if let Some(found) = self.store.get(&host).await.unwrap() {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let pair = self.ns.pki.pair(&[HOST]);
        self.ns.apply(vec![tls_secret(name, &pair)]);
        let at = now().unix_timestamp();
        record.pair = Some(Pair {
            not_before: at - 60,
            not_after: at + 86_400,
            serial: "01".into(),
            secret: Some(Key::new(self.ns.name.as_str(), name)),
            material: None,
        });
        self.store.put(&record, Some(&version)).await.unwrap();
        pair
    }

    /// Asks for a page of a host at the web server, as a client of it does.
    fn asking(&self, host: &str) -> impl FnOnce() -> Result<String, String> + Send + 'static {
        let to = format!("{host}:443:{}", self.web.ip());
        let (ca, url) = (self.ns.ca_file(), format!("https://{host}/"));
        move || curl(&["--cacert", ca.to_str().unwrap(), "--resolve", &to, &url])
    }

    fn page(&self, host: &str) -> Result<String, String> {
        self.asking(host)()
    }

    /// The source's own answer to whoever has a token.
    fn asked_by(&self, account: &str) -> Result<String, String> {
        let token = std::fs::read_to_string(self.ns.dir.path().join(account)).unwrap();
        let url = format!(
            "https://localhost:{}/v1/certificate?server_name={HOST}",
            self.serving.address().port()
        );
        let ca = self.ns.ca_file();
        curl(&[
            "--cacert",
            ca.to_str().unwrap(),
            "-H",
            &format!("Authorization: Bearer {token}"),
            &url,
        ])
    }

    /// The whole way with a web server that is up, and keeps what it got or does not.
    async fn serves_a_customers_page(self, keeps: bool) {
        let first = tokio::task::spawn_blocking(self.asking(HOST));
        let pair = self.issue("domain-shop").await;
        let first = first.await.unwrap();
        assert_eq!(
            first.as_deref(),
            Ok(PAGE),
            "the first handshake is held, and then served"
        );
        assert_eq!(self.page(HOST).as_deref(), Ok(PAGE));
        assert_eq!(self.app.0.load(Ordering::SeqCst), 1);
        let refused = self.page("other.customer.com").unwrap_err();
        assert!(refused.contains("SSL") || refused.contains("TLS"), "{refused}");
        assert_eq!(
            self.store.get(&"other.customer.com".parse().unwrap()).await.unwrap(),
            None::<(Record, _)>
        );
        // The pair has its key with it, for those alone whom the settings name.
        let told = self.asked_by("edge").unwrap();
        assert!(told.starts_with(pair.chain.trim_end()) && told.contains(pair.key.trim_end()));
        let refused = self.asked_by("stranger").unwrap_err();
        assert!(refused.contains("403") && refused.contains("\"next\":"), "{refused}");
        // What the Secret holds now is what is sent, as soon as it is said that it has changed.
        let secret = Key::new(self.ns.name.as_str(), "domain-shop");
        let next = self.ns.pki.pair(&[HOST]);
        self.ns.apply(vec![tls_secret("domain-shop", &next)]);
        self.serving.secret_changed(&secret);
        assert!(self.asked_by("edge").unwrap().starts_with(next.chain.trim_end()));
        let again = self.asking(HOST);
        self.serving.end().await;
        assert_eq!(again().is_ok(), keeps, "while the source is away");
        drop(self.pages);
    }

    /// A file of `plugin/domains`, with what has another place here.
    fn snippet(&self, path: &str, directory: &str) -> String {
        let dir = self.ns.dir.path().to_str().unwrap();
        let port = self.serving.address().port();
        pages::page(path)
            .replace(directory, dir)
            .replace(TOKEN, &format!("{dir}/edge"))
            .replace("kubectl-certs-domains.kubectl-certs.svc.cluster.local", "localhost")
            .replace("9403", &port.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn nginx_with_lua_serves_a_customers_page_with_a_certificate_from_us() {
    let world = World::new("lua").await;
    let dir = world.ns.dir.path();
    let lua = Path::new(&std::env::var_os("TESTBED").map_or_else(testbed, Into::into)).join("nginx-lua");
    let lua = lua.to_str().unwrap();
    std::fs::copy(
        pages::root().join("plugin/domains/openresty/kubectl_certs.lua"),
        dir.join("kubectl_certs.lua"),
    )
    .unwrap();
    let http = world
        .snippet("plugin/domains/openresty/nginx.conf", OPENRESTY)
        .replace("/?.lua;;", &format!("/?.lua;{lua}/usr/share/lua/5.1/?.lua;;"))
        .replace("resolver 10.96.0.10 valid=10s;", "resolver 10.99.0.1;")
        .replace("host = \"localhost\"", "host = \"127.0.0.1\", name = \"localhost\"")
        .replace("listen 443 ssl", &format!("listen {}:443 ssl", world.web.ip()))
        .replace(
            "http://app.shop.svc.cluster.local",
            &format!("http://{}", world.pages_at),
        );
    let here = dir.to_str().unwrap();
    let modules = format!("{lua}/usr/lib/nginx/modules");
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let config = format!(
        "load_module {modules}/ndk_http_module.so;\nload_module {modules}/ngx_http_lua_module.so;\nuser root;\ndaemon off;\n\
         pid {here}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{http}}}\n"
    );
    std::fs::write(dir.join("nginx.conf"), config).unwrap();
    let mut program = Command::new("nginx-lua");
    program.args(["-p", here, "-e", "stderr", "-c", "nginx.conf"]);
    let mut server = Server::start("nginx-lua", dir, &program);
    let address = format!("{}:443", world.web.ip());
    server.wait_until(|| std::net::TcpStream::connect(&address).is_ok());
    world.serves_a_customers_page(true).await;
}

/// Where the testbed is, as its scripts have it.
fn testbed() -> std::path::PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let home = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("kubectl-certs-testbed")
}

mod caddy {
    use super::*;

    /// Caddy is built for `tests/run long` alone.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs the testbed: tests/run"]
    async fn caddy_serves_a_customers_page_with_a_certificate_from_us_and_orders_none() {
        let world = World::new("caddy").await;
        let dir = world.ns.dir.path();
        let [first, second] = [(); 2].map(|()| crate::support::server::free_port().to_string());
        let config = world
            .snippet("plugin/domains/caddy/Caddyfile", CADDY)
            .replace("127.0.0.1:9404", &format!("127.0.0.1:{first}"))
            .replace("127.0.0.1:9405", &format!("127.0.0.1:{second}"))
            .replace("app.shop.svc.cluster.local:80", &world.pages_at)
            .replace("https:// {\n", &format!("https:// {{\n\tbind {}\n", world.web.ip()))
            .replacen("{\n", "{\n\tadmin off\n\tauto_https disable_redirects\n", 1);
        std::fs::write(dir.join("Caddyfile"), config).unwrap();
        let mut program = Command::new("caddy");
        program.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]);
        program
            .env("HOME", dir)
            .env("XDG_DATA_HOME", dir)
            .env("XDG_CONFIG_HOME", dir);
        let mut server = Server::start("caddy", dir, &program);
        let address = format!("{}:443", world.web.ip());
        server.wait_until(|| std::net::TcpStream::connect(&address).is_ok());
        world.serves_a_customers_page(false).await;
        assert!(!server.log().contains("obtaining"), "{}", server.log());
    }
}
