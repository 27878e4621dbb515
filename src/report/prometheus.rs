//! `-o prometheus`: the text format that the textfile collector of `node_exporter` reads.
//!
//! The form is the text format 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Metrics of
//! certificates have the names and labels of x509-certificate-exporter 4 (pkg/registry), `x509_read_errors` those of its
//! version 3, where they mean the same. Its metrics that count seconds from now are not written: a file is read long
//! after it was made.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, Write},
};

use super::{item, output::Context, rows::Rows};
use crate::{
    check::{
        Finding, Reason, Severity,
        row::{Row, Status},
    },
    object::Key,
    text::clear,
    x509::{Certificate, Serial},
};

/// How many findings are told with their host: their number must not grow with the cluster.
const NAMED: usize = 200;
/// The statuses that have a series each, whether a host has them or not.
const STATUSES: [Status; 5] = [
    Status::Healthy,
    Status::Info,
    Status::Unknown,
    Status::Warning,
    Status::Critical,
];

/// Writes one series a Secret of each metric of certificates, counts of hosts and findings, and the worst findings with
/// their hosts.
pub fn write(rows: &Rows<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let told = Told::of(rows);
    let mut text = String::new();
    told.certificates(context, &mut text);
    out.write_all(text.as_bytes())?;
    text.clear();
    told.hosts(context, &mut text);
    let all: Vec<Row<'_>> = rows.iter().collect();
    named(&all, &mut text);
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What the rows say of a Secret.
struct Stored<'a> {
    context: &'a str,
    data_key: &'a str,
    certificate: Option<&'a Certificate>,
}

/// What the rows say together.
#[derive(Default)]
struct Told<'a> {
    context: &'a str,
    secrets: BTreeMap<Key, Stored<'a>>,
    unread: BTreeSet<String>,
    statuses: BTreeMap<Status, usize>,
    reasons: BTreeMap<(Reason, Severity), usize>,
}

impl<'a> Told<'a> {
    fn of(rows: &Rows<'a>) -> Self {
        let mut told = Self::default();
        for row in rows.iter() {
            if told.context.is_empty() {
                told.context = row.context;
            }
            if row.host.is_some() {
                *told.statuses.entry(row.status).or_default() += 1;
            }
            told.take_secret(&row);
            for finding in row.findings {
                *told.reasons.entry((finding.reason(), finding.severity)).or_default() += 1;
                if finding.reason() == Reason::Forbidden {
                    // One right that is missing is missing for every host.
                    let what = row.unread_right().map(|right| format!("{} {right}", row.namespace));
                    let secret = || finding.secret().or_else(|| row.secret()).map(ToString::to_string);
                    told.unread.extend(what.or_else(secret));
                }
            }
        }
        told
    }

    fn take_secret(&mut self, row: &Row<'a>) {
        let (Some(secret), context) = (row.secret(), row.context) else {
            return;
        };
        // What is served is not known to be the Secret's.
        if row.is_without_secrets() {
            return;
        }
        let data_key = row.data_keys.map_or("tls.crt", |keys| keys[0].as_str());
        // The chain that cannot be read is that of the Secret, not of what is served in its place.
        let broken = row
            .findings
            .iter()
            .filter(|it| it.reason() == Reason::InvalidCertificate);
        for finding in broken {
            let of = finding.secret().unwrap_or(secret);
            self.secrets.entry(of.clone()).or_insert(Stored {
                context,
                data_key,
                certificate: None,
            });
        }
        if let Some(certificate) = row.certificate {
            self.secrets.entry(secret.clone()).or_insert(Stored {
                context,
                data_key,
                certificate: Some(certificate),
            });
        }
    }

    fn certificates(&self, context: &Context<'_>, text: &mut String) {
        let labelled: Vec<(String, Option<&Certificate>)> = self
            .secrets
            .iter()
            .map(|(secret, stored)| (labels_of(secret, stored), stored.certificate))
            .collect();
        let read = || labelled.iter().filter_map(|(labels, leaf)| Some((labels, (*leaf)?)));
        gauge(
            text,
            "x509_cert_not_before",
            "When the certificate of a Secret begins to be valid, in seconds since 1970.",
            read().map(|(labels, leaf)| (labels.as_str(), leaf.not_before)),
        );
        gauge(
            text,
            "x509_cert_not_after",
            "When the certificate of a Secret ends, in seconds since 1970.",
            read().map(|(labels, leaf)| (labels.as_str(), leaf.not_after)),
        );
        gauge(
            text,
            "x509_cert_expired",
            "Whether the certificate of a Secret had ended when the file was made.",
            read().map(|(labels, leaf)| (labels.as_str(), i64::from(leaf.not_after < context.now))),
        );
        gauge(
            text,
            "x509_cert_error",
            "Whether the certificate of a Secret cannot be read.",
            labelled
                .iter()
                .map(|(labels, leaf)| (labels.as_str(), i64::from(leaf.is_none()))),
        );
        let whole = labels(&[("context", self.context)]);
        gauge(
            text,
            "x509_read_errors",
            "How many lists and Secrets could not be read.",
            [(whole.as_str(), number(self.unread.len()))],
        );
    }

    fn hosts(&self, context: &Context<'_>, text: &mut String) {
        let of = |status: Status| {
            let labels = labels(&[("context", self.context), ("status", status.as_str())]);
            (labels, number(self.statuses.get(&status).copied().unwrap_or_default()))
        };
        let statuses = STATUSES.map(of);
        gauge(
            text,
            "certs_hosts",
            "Hosts of routes by status, once for each route.",
            statuses.iter().map(|(labels, count)| (labels.as_str(), *count)),
        );
        let reasons: Vec<(String, i64)> = self
            .reasons
            .iter()
            .map(|((reason, severity), count)| {
                let labels = labels(&[
                    ("context", self.context),
                    ("reason", reason.as_str()),
                    ("severity", severity.as_str()),
                ]);
                (labels, number(*count))
            })
            .collect();
        gauge(
            text,
            "certs_findings",
            "Findings by reason and severity; a reason without findings has no series.",
            reasons.iter().map(|(labels, count)| (labels.as_str(), *count)),
        );
        let whole = labels(&[("context", self.context)]);
        gauge(
            text,
            "certs_evaluated_timestamp_seconds",
            "The moment of all checks, in seconds since 1970.",
            [(whole.as_str(), context.now)],
        );
    }
}

/// The worst findings with their hosts, and how many others there are.
fn named(rows: &[Row<'_>], text: &mut String) {
    let serious = |row: &'_ Row<'_>| -> Vec<(usize, Severity)> {
        let all = row.findings.iter().enumerate();
        let all = all.map(|(at, finding)| (at, finding.severity));
        all.filter(|(_, severity)| *severity > Severity::Info).collect()
    };
    let mut all: Vec<(Severity, usize, usize)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        all.extend(
            serious(row)
                .into_iter()
                .map(|(finding, severity)| (severity, at, finding)),
        );
    }
    all.sort_by_key(|(severity, row, finding)| (Reverse(*severity), *row, *finding));
    // One reason may be found twice at a host, as of two chains.
    let mut lines: BTreeSet<String> = BTreeSet::new();
    let left_out = all.len().saturating_sub(NAMED);
    for (_, row, finding) in all.into_iter().take(NAMED) {
        let row = &rows[row];
        lines.insert(labels_of_finding(row, &row.findings[finding]));
    }
    gauge(
        text,
        "certs_host_finding",
        "The 200 worst findings that are critical or warnings, with the host of each; the value is always 1.",
        lines.iter().map(|labels| (labels.as_str(), 1)),
    );
    let context = rows.iter().map(|row| row.context).find(|context| !context.is_empty());
    let whole = labels(&[("context", context.unwrap_or_default())]);
    gauge(
        text,
        "certs_host_findings_left_out",
        "Findings that are critical or warnings and not among those with hosts.",
        [(whole.as_str(), number(left_out))],
    );
}

fn labels_of_finding(row: &Row<'_>, finding: &Finding) -> String {
    let (kind, name) = row.subject();
    let secret = finding.secret().or_else(|| row.secret());
    let secret = secret.map(ToString::to_string).unwrap_or_default();
    labels(&[
        ("context", row.context),
        ("namespace", row.namespace),
        ("kind", kind.as_str()),
        ("name", name),
        (
            "listener",
            row.route.and_then(|route| route.listener).unwrap_or_default(),
        ),
        ("host", row.host.map(item::host).unwrap_or_default()),
        ("secret", &secret),
        ("reason", finding.reason().as_str()),
        ("severity", finding.severity.as_str()),
    ])
}

fn labels_of(secret: &Key, stored: &Stored<'_>) -> String {
    let serial = stored.certificate.map(|leaf| decimal(&leaf.serial)).unwrap_or_default();
    let organisation = stored.certificate.and_then(|leaf| leaf.issuer.organisation());
    labels(&[
        ("context", stored.context),
        ("secret_namespace", &secret.namespace),
        ("secret_name", &secret.name),
        ("secret_key", stored.data_key),
        ("serial_number", &serial),
        ("issuer_O", organisation.as_deref().unwrap_or_default()),
        (
            "issuer_CN",
            stored
                .certificate
                .and_then(|leaf| leaf.issuer.common.as_deref())
                .unwrap_or_default(),
        ),
        (
            "subject_CN",
            stored
                .certificate
                .and_then(Certificate::common_name)
                .unwrap_or_default(),
        ),
    ])
}

/// One metric with all of its samples, which stand together.
fn gauge<'s>(text: &mut String, name: &str, help: &str, samples: impl IntoIterator<Item = (&'s str, i64)>) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

/// `{name="value",...}`, without those that are empty: to Prometheus a label without a value is none.
fn labels(all: &[(&str, &str)]) -> String {
    let given: Vec<String> = all
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}=\"{}\"", quoted(value)))
        .collect();
    if given.is_empty() {
        return String::new();
    }
    format!("{{{}}}", given.join(","))
}

/// A label's value. Line breaks and other control characters are shown, because a file is read on a terminal too.
fn quoted(text: &str) -> Cow<'_, str> {
    let text = clear(text);
    if text.contains(['\\', '"']) {
        Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

/// A serial number as a decimal number, as the exporter writes it.
fn decimal(serial: &Serial) -> String {
    // Groups of nine digits, the last ones first.
    let mut groups: Vec<u64> = vec![0];
    for byte in serial.bytes() {
        let mut carry = u64::from(*byte);
        for group in &mut groups {
            let value = *group * 256 + carry;
            *group = value % 1_000_000_000;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut groups = groups.into_iter().rev();
    let mut text = groups.next().unwrap_or_default().to_string();
    for group in groups {
        let _ = write!(text, "{group:09}");
    }
    text
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{NOW, Shop};

    fn text(shop: &Shop) -> String {
        let context = Context {
            now: NOW,
            ..Context::default()
        };
        let mut out = Vec::new();
        write(&shop.rows().into(), &context, &mut out).expect("a vector");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_secret_has_one_series_of_each_metric_however_many_hosts_it_serves() {
        let text = text(&Shop::new());
        let of = |name: &str| -> Vec<&str> { text.lines().filter(|line| line.starts_with(name)).collect() };
        let ends = of("x509_cert_not_after{");
        let shop: Vec<&&str> = ends.iter().filter(|line| line.contains("\"shop-tls\"")).collect();
        assert_eq!(shop.len(), 1, "{ends:?}");
        assert!(
            shop[0].starts_with(
                "x509_cert_not_after{context=\"prod\",secret_namespace=\"shop\",secret_name=\"shop-tls\",\
                 secret_key=\"tls.crt\",serial_number=\"483\",issuer_O=\"Let's Encrypt\""
            ),
            "{shop:?}"
        );
        assert!(
            of("x509_cert_expired{")
                .iter()
                .any(|line| line.contains("\"shop-tls\"") && line.ends_with(" 1"))
        );
        assert_eq!(of("x509_read_errors{"), ["x509_read_errors{context=\"prod\"} 1"]);
        assert_eq!(of("certs_hosts{").len(), STATUSES.len());
        assert!(text.contains(
            "certs_host_finding{context=\"prod\",namespace=\"shop\",kind=\"Ingress\",name=\"web\",host=\"shop.example\",\
             secret=\"shop/shop-tls\",reason=\"Expired\",severity=\"critical\"} 1\n"
        ));
        // What is worth knowing and no defect is counted, and has no host.
        let by_host = of("certs_host_finding{");
        assert!(text.contains("reason=\"OrphanSecret\""), "{text}");
        assert!(by_host.iter().all(|line| !line.contains("left-over")), "{by_host:?}");
    }

    #[test]
    fn every_line_is_a_sample_or_about_one_and_texts_from_outside_are_escaped() {
        let text = text(&Shop::with_hostile());
        let mut series = BTreeSet::new();
        for line in text.lines() {
            if line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
                continue;
            }
            let (labelled, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<i64>().is_ok(), "{line}");
            assert!(series.insert(labelled.to_owned()), "twice: {line}");
            // Each value ends where its quotes do.
            let mut quotes = 0;
            let mut chars = labelled.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => assert!(matches!(chars.next(), Some('\\' | '"')), "{line}"),
                    '"' => quotes += 1,
                    _ => {}
                }
            }
            assert_eq!(quotes % 2, 0, "{line}");
        }
        assert_eq!(quoted("a\"b\\c\nd"), "a\\\"b\\\\c\\\\nd");
    }

    #[test]
    fn a_serial_number_of_twenty_octets_is_decimal() {
        for (bytes, decimal) in [
            (&[][..], "0"),
            (&[0xff], "255"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], "18446744073709551616"),
            (&[0x7f; 20], "727885129180488904360266563744972327436484050815"),
        ] {
            assert_eq!(super::decimal(&Serial::from(bytes)), decimal);
        }
    }

    #[test]
    fn a_large_cluster_makes_no_more_series_of_hosts_than_a_small_one() {
        let mut shop = Shop(Vec::new());
        for n in 0..300 {
            let mut more = Shop::new().0;
            let mut row = more.swap_remove(0);
            row.host = Some(format!("{n}.example"));
            shop.0.push(row);
        }
        let text = text(&shop);
        let named = text.lines().filter(|line| line.starts_with("certs_host_finding{"));
        assert_eq!(named.count(), NAMED);
        assert!(
            text.contains("certs_host_findings_left_out{context=\"prod\"} 100\n"),
            "{text}"
        );
    }
}
