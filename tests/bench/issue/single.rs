//! One certificate, whole process: this program, lego and certbot against the same Pebble.

use std::{process::Command, time::Duration};

use crate::{
    Plan,
    clients::{self, Way},
    measure::{self, median},
    pebble_log::PebbleLog,
    say,
    support::{cluster::ingress, dns::PowerDns, issuing::Issuing},
    webroot::Webroot,
};

/// Pebble's own Retry-After for an authorization and for an order, in seconds, as it is shipped.
const SHIPPED: (u32, u32) = (3, 5);

/// One row.
pub(crate) struct Row {
    /// The challenge, and what Retry-After Pebble sends.
    pub(crate) challenge: &'static str,
    pub(crate) retry_after: &'static str,
    pub(crate) client: &'static str,
    /// The whole process.
    pub(crate) wall: Duration,
    /// How long Pebble held it back.
    pub(crate) held: Duration,
}

struct Bench<'a> {
    plan: &'a Plan,
    it: Issuing,
    log: PebbleLog,
    scratch: tempfile::TempDir,
    retry_after: &'static str,
    rows: Vec<Row>,
}

/// All rows: Retry-After as shipped and none, DNS-01 and HTTP-01.
pub(crate) fn all(plan: &Plan) -> Vec<Row> {
    let settings: &[_] = if plan.smoke {
        &[("none", (0, 0))]
    } else {
        &[("as shipped (3 s and 5 s)", SHIPPED), ("none", (0, 0))]
    };
    let mut rows = Vec::new();
    for (retry_after, (authz, order)) in settings.iter().copied() {
        let it = Issuing::with("bench-one", |options| {
            (options.retry_after_authz, options.retry_after_order) = (authz, order);
        });
        let mut bench = Bench {
            plan,
            log: PebbleLog::follow(&it.pebble),
            it,
            scratch: tempfile::tempdir().unwrap(),
            retry_after,
            rows: Vec::new(),
        };
        bench.by_dns();
        bench.by_http();
        rows.extend(bench.rows);
    }
    rows
}

impl Bench<'_> {
    fn by_dns(&mut self) {
        let server = PowerDns::start();
        let zone = format!("dns.{}.example", self.it.ns.name);
        server.create_zone(&zone);
        self.it.resolver.delegate(&zone, server.ip());
        self.it.settings(&format!(
            "dns01:\n  providers:\n  - zones: [{zone}]\n    provider: powerdns\n    url: {}\n    apiKey: {{env: PDNS_API_KEY}}\n",
            server.api_url()
        ));
        let way = Way::Dns {
            server: &server,
            zone: &zone,
        };
        let hosts = |client: &str, round: usize| format!("{client}-{round}.{zone}");
        self.rows("DNS-01", &way, &hosts, &|bench, host| {
            clients::ours_by_dns(bench.plan, &bench.it, host, bench.scratch.path(), &server)
        });
        // What follows is proved by HTTP-01.
        self.it.settings("");
        let left: Vec<_> = server.records(&zone).into_iter().filter(|r| r.kind == "TXT").collect();
        assert!(left.is_empty(), "left in the zone: {left:?}");
    }

    /// Ours is in a cluster: the route's host leads to the web server, and the Service stands for it.
    fn by_http(&mut self) {
        let web = Webroot::start();
        let host = |client: &str, round: usize| self.it.ns.host(&format!("{client}-{round}"));
        let mut objects = vec![serde_json::json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "acme"}, "spec": {"ports": [{"port": 80}]},
        })];
        for client in ["ours", "lego", "certbot"] {
            for round in 0..=self.plan.rounds {
                self.it.resolver.host(&host(client, round), &[&web.ip().to_string()]);
            }
        }
        for round in 0..=self.plan.rounds {
            let host = host("ours", round);
            let label = host.split('.').next().unwrap().to_owned();
            objects.push(ingress(&label, &[(&[&host], &format!("{label}-tls"))]));
        }
        self.it.ns.apply(objects);
        web.answer_for(self.thumbprint());
        let namespace = self.it.ns.name.clone();
        let hosts = |client: &str, round: usize| format!("{client}-{round}.{namespace}.example");
        let way = Way::Http { root: web.root() };
        self.rows("HTTP-01", &way, &hosts, &|bench, host| {
            let mut command = clients::ours(&bench.plan.program, &bench.it);
            let label = host.split('.').next().unwrap();
            command.args(["renew", label, "-n", &bench.it.ns.name, "--wait", "0"]);
            command.args(["--solver", "service", "--solver-service", "acme:80"]);
            clients::with_roots(command, &bench.it)
        });
    }

    /// That of this program's account, which DNS-01 has made.
    fn thumbprint(&self) -> String {
        let mut command = clients::ours(&self.plan.program, &self.it);
        command.args(["account", "show", "-o", "json"]);
        let shown = self.run(&clients::with_ca(command, &self.it)).out;
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let found = shown.pointer("/items/0/thumbprint").or_else(|| shown.get("thumbprint"));
        found
            .and_then(|t| t.as_str())
            .unwrap_or_else(|| panic!("{shown:#}"))
            .to_owned()
    }

    fn run(&self, command: &Command) -> measure::Run {
        measure::run(self.scratch.path(), &self.it.resolver.resolv_conf(), command)
    }

    /// The clients in turn, so that what else goes on in the machine touches each alike. Round 0 makes the accounts and
    /// is not counted.
    fn rows(
        &mut self,
        challenge: &'static str,
        way: &Way<'_>,
        host: &dyn Fn(&str, usize) -> String,
        ours: &dyn Fn(&Self, &str) -> Command,
    ) {
        let mut all: Vec<(&'static str, Vec<Duration>, Vec<Duration>)> = Vec::new();
        for round in 0..=self.plan.rounds {
            say(&format!(
                "{challenge}, Retry-After {}, round {round} of {}",
                self.retry_after, self.plan.rounds
            ));
            let mut commands = vec![("kubectl-certs", ours(self, &host("ours", round)))];
            let (it, scratch) = (&self.it, self.scratch.path());
            if let Some(program) = &self.plan.lego {
                commands.push(("lego", clients::lego(program, it, &host("lego", round), scratch, way)));
            }
            if let Some(program) = &self.plan.certbot {
                commands.push((
                    "certbot",
                    clients::certbot(program, it, &host("certbot", round), scratch, way),
                ));
            }
            for (client, command) in commands {
                let mark = self.log.mark();
                let ran = self.run(&command);
                let held = self.log.held(mark);
                if round == 0 {
                    all.push((client, Vec::new(), Vec::new()));
                } else if let Some((_, walls, helds)) = all.iter_mut().find(|(name, ..)| *name == client) {
                    walls.push(ran.wall);
                    helds.push(held);
                }
            }
        }
        self.rows.extend(all.into_iter().map(|(client, walls, helds)| Row {
            challenge,
            retry_after: self.retry_after,
            client,
            wall: median(walls),
            held: median(helds),
        }));
    }
}
