//! Rows for the tests of the formats: a small shop, and text from somebody who means harm.

use std::fmt::Write;

use crate::{
    check::{
        DueBy, Fact, Finding, Instead, Severity, finding,
        row::{RouteRef, Row, Status},
    },
    object::{Forbidden, Key, Kind, Seconds, Text},
    text::time::{DAY, HOUR},
    x509::{Certificate, Fingerprint, KeyAlgorithm, Name, San, certificate::ExtendedKeyUsage, readers::GoReads},
};

/// 2026-12-01T00:00:00Z.
pub(crate) const NOW: Seconds = 1_796_083_200;

/// Owns what rows borrow.
pub(crate) struct RowFixture {
    pub(crate) context: &'static str,
    pub(crate) namespace: String,
    pub(crate) route: Option<(Kind, String, Option<String>)>,
    pub(crate) host: Option<String>,
    pub(crate) secrets: Vec<Key>,
    pub(crate) class: Option<String>,
    pub(crate) labels: Vec<(Text, Text)>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) status: Option<Status>,
}

impl RowFixture {
    pub(crate) fn new(route: Option<(Kind, &str, Option<&str>)>, host: Option<&str>, secret: Option<&str>) -> Self {
        Self {
            context: "prod",
            namespace: "shop".into(),
            route: route.map(|(kind, name, listener)| (kind, name.into(), listener.map(Into::into))),
            host: host.map(Into::into),
            secrets: secret.map(|name| Key::new("shop", name)).into_iter().collect(),
            class: route.map(|_| "nginx".into()),
            labels: Vec::new(),
            certificate: None,
            findings: Vec::new(),
            status: None,
        }
    }

    fn ingress(name: &str, host: &str, secret: &str) -> Self {
        Self::new(Some((Kind::Ingress, name, None)), Some(host), Some(secret))
    }

    pub(crate) fn leaf(mut self, not_after: Seconds, issuer: &str, names: &[&str]) -> Self {
        self.certificate = Some(certificate(not_after, issuer, names));
        self
    }

    pub(crate) fn found(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.findings = facts.into_iter().map(Finding::new).collect();
        self.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        self
    }

    fn labels(mut self, labels: &[(&str, &str)]) -> Self {
        self.labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        self
    }

    pub(crate) fn row(&self) -> Row<'_> {
        let worst = self.findings.iter().map(|f| f.severity).max();
        Row {
            context: self.context,
            namespace: &self.namespace,
            route: self.route.as_ref().map(|(kind, name, listener)| RouteRef {
                kind: *kind,
                name,
                listener: listener.as_deref(),
            }),
            host: self.host.as_deref(),
            secrets: &self.secrets,
            sole: self.secrets.len() == 1,
            served: None,
            class: self.class.as_deref(),
            created: Some(NOW - 400 * DAY - i64::try_from(self.namespace.len()).unwrap_or(0) * DAY),
            labels: &self.labels,
            certificate: self.certificate.as_ref(),
            evidence: Some(crate::check::row::Evidence::Stored),
            answer: None,
            doings: crate::object::doing::Doings::default(),
            data_keys: None,
            renewer: crate::check::Renewer::Unknown,
            reach: crate::object::Reach::HERE,
            findings: &self.findings,
            ignored: &[],
            status: self.status.unwrap_or(worst.map_or(Status::Healthy, Status::from)),
        }
    }
}

pub(crate) fn certificate(not_after: Seconds, issuer: &str, names: &[&str]) -> Certificate {
    let fill = u8::try_from(not_after.rem_euclid(251)).unwrap_or(0);
    Certificate {
        subject: Name::new(&format!("CN={}", names.first().unwrap_or(&"nobody")), "", None).into(),
        issuer: Name::new(&format!("CN={issuer},O=Let's Encrypt,C=US"), issuer, None).into(),
        serial: [0x01, 0xe3][..].into(),
        sha256: Fingerprint([fill; 32]),
        key_sha256: Fingerprint([!fill; 32]),
        not_before: not_after - 90 * DAY,
        not_after,
        names: names
            .iter()
            .map(|n| n.parse().map_or_else(|_| San::Dns((*n).into()), San::Ip))
            .collect(),
        has_san: true,
        key: KeyAlgorithm::Ec("p256".into(), 256),
        signature: "ecdsa-with-SHA384",
        weak_signature: false,
        is_ca: false,
        usage: ExtendedKeyUsage::default(),
        key_usage: None,
        rsa_pss_key: false,
        go: GoReads::default(),
        must_staple: false,
        self_signed: false,
        authority_key_id: None,
    }
}

/// Some rows of each kind.
pub(crate) struct Shop(pub(crate) Vec<RowFixture>);

impl Shop {
    pub(crate) fn new() -> Self {
        let key = |name: &str| Key::new("shop", name);
        let mut api = RowFixture::new(
            Some((Kind::Gateway, "edge", Some("https"))),
            Some("api.shop.example"),
            None,
        )
        .leaf(
            NOW + 12 * DAY,
            "R11",
            &["api.shop.example", "192.0.2.1", "2001:db8::1", "*.shop.example"],
        )
        .found([Fact::RenewalDue(finding::RenewalDue {
            not_after: NOW + 12 * DAY,
            since: NOW - 18 * DAY,
            by: DueBy::Lifetime,
        })]);
        api.namespace = "gateways".into();
        api.class = Some("traefik".into());
        api.secrets = vec![Key::new("certs", "api-tls"), Key::new("certs", "api-tls-rsa")];
        let mut forbidden = RowFixture::ingress("legacy", "old.example", "old-tls").found([Fact::Forbidden(
            finding::Forbidden(Forbidden {
                kind: Kind::Secret,
                namespace: Some("shop".into()),
                name: Some("old-tls".into()),
                verb: "get",
            }),
        )]);
        forbidden.status = Some(Status::Unknown);
        let mut staging =
            RowFixture::ingress("web", "*", "staging-tls").leaf(NOW + 70 * DAY, "(STAGING) Baloney R3", &["yes"]);
        staging.context = "stage";
        staging.findings = vec![Finding::at(Severity::Info, finding::MustStaple)];
        Self(vec![
            RowFixture::ingress("web", "shop.example", "shop-tls")
                .leaf(NOW - 3 * DAY - 4 * HOUR, "E7", &["shop.example"])
                .found([Fact::Expired(finding::Expired {
                    not_after: NOW - 3 * DAY - 4 * HOUR,
                })])
                .labels(&[("app", "web"), ("app.kubernetes.io/part-of", "shop")]),
            RowFixture::ingress("web", "www.shop.example", "shop-tls")
                .leaf(NOW + 60 * DAY, "E7", &["shop.example", "www.shop.example"])
                .labels(&[("app", "web")]),
            RowFixture::ingress("web", "", "default-tls").leaf(NOW + 60 * DAY, "E7", &["*.shop.example"]),
            api,
            RowFixture::new(
                Some((Kind::ListenerSet, "team-blue", Some("tls"))),
                Some("blue.customers.europe-west-3.internal.shop.example"),
                Some("blue-customers-europe-west-3-wildcard-tls"),
            )
            .leaf(
                NOW + 29 * HOUR,
                "Shop Internal Issuing Authority G2",
                &["*.internal.shop.example"],
            )
            .found([
                Fact::HostMismatch(finding::HostMismatch {
                    host: "blue.customers.europe-west-3.internal.shop.example".into(),
                    names: vec!["*.internal.shop.example".into()].into(),
                    instead: Instead::DefaultCertificate,
                }),
                Fact::RenewalDue(finding::RenewalDue {
                    not_after: NOW + 29 * HOUR,
                    since: NOW - DAY,
                    by: DueBy::Lifetime,
                }),
                Fact::UntrustedIssuer(finding::UntrustedIssuer {
                    issuer: "CN=Shop Internal Root".into(),
                    root_presented: false,
                    namesake: false,
                }),
                Fact::WrongOrder(finding::WrongOrder),
                Fact::UnusedNames(finding::UnusedNames {
                    names: vec!["*.internal.shop.example".into()].into(),
                }),
            ]),
            RowFixture::new(
                Some((Kind::IngressRoute, "dash", None)),
                Some("dash.example"),
                Some("gone"),
            )
            .found([Fact::SecretNotFound(finding::SecretNotFound {
                secret: key("gone"),
                instead: Instead::DefaultCertificate,
                among_manifests: false,
                maker: None,
            })]),
            forbidden,
            RowFixture::new(Some((Kind::Ingress, "bare", None)), None, Some("bare-tls"))
                .found([Fact::DefaultBackendOnly(finding::DefaultBackendOnly)]),
            RowFixture::new(None, None, Some("left-over"))
                .leaf(NOW + 20 * DAY, "E7", &["left.example"])
                .found([Fact::OrphanSecret(finding::OrphanSecret {
                    secret: key("left-over"),
                })]),
            staging,
        ])
    }

    /// The shop, and rows that try to leave their cell.
    pub(crate) fn with_hostile() -> Self {
        let mut shop = Self::new();
        let mut evil = RowFixture::ingress(
            "we\u{1b}]0;owned\u{7}b",
            "evil\u{1b}[31m\u{202e}moc.elpmaxe",
            "tls\nshop   healthy",
        )
        .leaf(
            NOW + 50 * DAY,
            "Good CA\r\nweb   shop.example   healthy",
            &[
                "a\u{9b}31m.example",
                "b\u{2028}.example",
                "\u{feff}c.example",
                "d.example",
                "e.example",
            ],
        )
        .found([
            Fact::SelfSigned(finding::SelfSigned),
            Fact::UnusedNames(finding::UnusedNames {
                names: vec!["\u{1b}[2J".into()].into(),
            }),
        ])
        .labels(&[("a\u{200b}", "b\u{1b}[8m,c=d")]);
        evil.class = Some("ng\tinx".into());
        evil.namespace = "de\u{e0041}v".into();
        shop.0.push(evil);
        shop.0.push(
            RowFixture::ingress("日本語", "例え.テスト.日本語の長い名前.example", "証明書").leaf(
                253_402_300_799,
                "認証局",
                &["例え.テスト"],
            ),
        );
        shop
    }

    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        self.0.iter().map(RowFixture::row).collect()
    }
}

/// A document whose messages and remedies are left out: what they say is tested where they are made.
pub(crate) fn without_words(document: &str) -> String {
    let mut in_body = false;
    let mut out = String::new();
    for line in document.lines() {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        let wordy = ["\"message\": \"", "\"remedy\": \"", "message:", "remedy:"];
        if let Some(start) = wordy.iter().find(|w| trimmed.starts_with(*w)) {
            let start = start.trim_end_matches('"');
            let comma = if line.ends_with(',') { "," } else { "" };
            let _ = writeln!(out, "{indent}{start} ...{comma}");
            continue;
        }
        let severity = ["critical ", "warning ", "info "].iter().find_map(|s| line.find(s));
        if let Some((start, end)) = severity
            .and_then(|s| Some((s, s + line[s..].find(": ")?)))
            .filter(|_| line.contains('>') || in_body)
        {
            in_body = true;
            let close = line[start..].find('<').map_or("", |at| &line[start + at..]);
            let _ = writeln!(out, "{}: ...{close}", &line[..end]);
            continue;
        }
        if in_body && line.starts_with("  ") && !trimmed.starts_with('<') {
            let close = line.find('<').map_or("", |at| &line[at..]);
            let _ = writeln!(out, "  ...{close}");
            in_body = close.is_empty();
            continue;
        }
        in_body = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}
