//! `show`: a picture of one route, Secret, file or server.

use std::{
    io::{BufWriter, Write as _},
    net::IpAddr,
    path::Path,
};

use crate::{
    check::{self},
    cli::failure::Exit,
    clock::now,
    error::Blame,
    name::Name,
    net::{
        address::{HostPort, NotHostPort, addresses},
        probe::{ProbeRequest, ServerHandshake, probe_all},
    },
    object::Reach,
    ops::{OpError, files::read_file, reach, trust::judge},
    report::{
        Row, Status,
        show::{
            self, Binding, Context, Cover, HeldCertificates, Probed as ShownAt, Show, ShowSubject, ShownCertificate,
            document::{self, Form},
        },
    },
    scan::{self, intermediates},
    x509::{Bundle, Certificate, Interner, KeyState, Parsed, Trust, bundle, names},
};

use super::{
    args::ShowArgs,
    colour,
    front::Terminal,
    locale::{self, Legible},
    settings::acts_with,
    warn, written,
};

mod held;
mod object;

pub(super) use held::{CertificateEvents, said, users};
pub(super) use object::{Found, certificates_of, picture};

/// A PEM file of certificates; the largest bundle of roots is 1 MB.
const LARGEST_FILE: u64 = 16 << 20;
/// The width of a picture where there is no terminal.
const WIDTH: usize = 100;

pub(super) async fn run(args: ShowArgs) -> Result<Exit, OpError> {
    let target = args.target.as_str();
    if target.starts_with("./") || target.starts_with("../") || target.starts_with('/') {
        for (flag, is_given) in [
            ("--probe", args.probe.probe),
            ("--connect", args.probe.connect.is_some()),
            ("--probe-timeout", args.probe.probe_timeout.is_some()),
            ("--servername", args.servername.is_some()),
        ] {
            acts_with(flag, is_given, "a route or HOST:PORT")?;
        }
        acts_with("--no-secrets", args.probe.no_secrets, "a route")?;
        return file(&args).await;
    }
    if !target.contains('/') && target.contains(':') {
        acts_with("--no-secrets", args.probe.no_secrets, "a route")?;
        let at = target
            .parse()
            .map_err(|error: NotHostPort| OpError::of(Blame::Usage, &error))?;
        return server(&args, &at).await;
    }
    acts_with("--servername", args.servername.is_some(), "HOST:PORT")?;
    let is_idle = args.probe.probe_timeout.is_some() && !args.probe.connects();
    acts_with("--probe-timeout", is_idle, "--probe")?;
    // The future holds a whole scan and a probe.
    Box::pin(object::object(&args)).await
}

fn context(args: &ShowArgs) -> Context {
    Context {
        now: args.check.at.unwrap_or_else(now),
        colour: colour::wanted(args.color),
        width: colour::terminal_width().unwrap_or(WIDTH),
        ascii: locale::is_ascii(),
    }
}

fn draw(show: &Show<'_>, args: &ShowArgs) -> Result<Exit, OpError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let form = match args.output.as_deref() {
        Some("json") => Some(Form::Json),
        Some(_) => Some(Form::Yaml),
        None => None,
    };
    if let Some(form) = form {
        let now = args.check.at.unwrap_or_else(now);
        return written(document::write(show, now, form, &mut out).and_then(|()| out.flush()));
    }
    let mut out = Legible::new(out);
    written(show::write(show, &context(args), &mut out).and_then(|()| out.flush()))
}

/// Certificates that belong to no object, judged for themselves or for one host.
async fn parsed_show(
    args: &ShowArgs,
    subject: ShowSubject<'_>,
    host: Option<&str>,
    parsed: Parsed,
    served: &[ShownAt<'_>],
) -> Result<Exit, OpError> {
    // A file or a server is in no cluster; the context that is named says whose CAs are meant.
    let judge = judge(
        &args.check.checks(),
        args.source.connection.context.as_deref().unwrap_or_default(),
    )?;
    let trust = match args.check.fetch_intermediates {
        None => judge.judge(&parsed),
        Some(reach) => {
            let (trust, problems) = intermediates::complete_one(&parsed, &judge, reach.into()).await;
            for problem in &problems {
                warn(problem);
            }
            trust
        }
    };
    let bundle = Bundle { trust, ..parsed.bundle };
    scan::memo::save(judge.memo());
    let now = args.check.at.unwrap_or_else(now);
    let rules = check::Rules {
        now,
        expiring_within: args.check.expiring_within.and_then(|d| i64::try_from(d.as_secs()).ok()),
    };
    let findings = check::bundle(&bundle, host, rules);
    let status = findings
        .iter()
        .map(|f| Status::from(f.severity))
        .max()
        .unwrap_or(Status::Healthy);
    // Whether a root is trusted is worth knowing, and no more: nobody serves it.
    let held = [HeldCertificates {
        in_file: matches!(subject, ShowSubject::File { .. }),
        ..HeldCertificates::of(&bundle)
    }];
    let untrusted_root = held[0].is_root() && !matches!(bundle.trust, Trust::Trusted { .. });
    let status = status.max(if untrusted_root { Status::Info } else { Status::Healthy });
    let leaf = bundle.leaf().map(AsRef::as_ref);
    let reach = Reach {
        outside: args.target.as_str().into(),
        certs: reach::of_server(args.probe.connect.as_ref()).into(),
        ..Reach::default()
    };
    let row = Row {
        findings: &findings,
        status,
        ..Row::of_certificate(leaf, host, &reach)
    };
    let bindings = [Binding {
        row,
        cover: cover(leaf, host),
    }];
    let show = Show {
        context: "",
        subject,
        bindings: &bindings,
        held: &held,
        served,
        dns: &[],
    };
    draw(&show, args)?;
    Ok(fail_on(args, status, findings.iter().map(|f| f.severity).max()))
}

fn fail_on(args: &ShowArgs, status: Status, worst: Option<check::Severity>) -> Exit {
    match args.check.fail_on.map(check::Severity::from) {
        Some(_) if status == Status::Unknown => Exit::Cluster,
        Some(least) if worst >= Some(least) => Exit::Findings,
        _ => Exit::Ok,
    }
}

fn cover<'a>(leaf: Option<&'a Certificate>, host: Option<&str>) -> Cover<'a> {
    let (Some(leaf), Some(host)) = (leaf, host.filter(|h| !h.is_empty() && *h != "*")) else {
        return Cover::NotJudged;
    };
    leaf.names
        .iter()
        .find(|san| names::matches(host, san))
        .map_or(Cover::Nothing, Cover::By)
}

async fn file(args: &ShowArgs) -> Result<Exit, OpError> {
    let bytes = read_file(Path::new(&args.target), LARGEST_FILE)
        .map_err(|error| OpError::usage(format!("cannot read {}: {error}", args.target)))?;
    let parsed = bundle::parse_file(&bytes, &mut Interner::new());
    if parsed.bundle.certificates.is_empty() && !matches!(parsed.bundle.key, KeyState::Missing | KeyState::NotAsked) {
        return Err(
            OpError::usage(format!("{} holds a private key but no certificate", args.target))
                .hint("the certificate is in a file of its own: fullchain.pem, tls.crt"),
        );
    }
    if parsed.bundle.certificates.is_empty() {
        let why = parsed
            .bundle
            .unreadable
            .first()
            .map_or("it is empty", |(_, why)| why.as_str());
        return Err(
            OpError::usage(format!("there is no certificate in {}: {why}", args.target))
                .hint("it holds certificates as PEM (-----BEGIN CERTIFICATE-----) or one as DER"),
        );
    }
    parsed_show(args, ShowSubject::File { path: &args.target }, None, parsed, &[]).await
}

async fn server(args: &ShowArgs, at: &HostPort) -> Result<Exit, OpError> {
    let host = args.servername.clone().unwrap_or_else(|| at.host.clone());
    let to = args.probe.connect.as_ref().unwrap_or(at);
    let waiting = Terminal::telling().wait_for_hosts();
    let place = addresses(Some(to), &[], at.port, &host, args.probe.timeout())
        .await
        .map_err(|error| OpError::because(&error))?;
    let asks: Vec<ProbeRequest> = place
        .sockets
        .iter()
        .map(|socket| ProbeRequest {
            address: *socket,
            server_name: host.clone(),
        })
        .collect();
    let answers = probe_all(&asks, probe_concurrency(), args.probe.timeout()).await;
    drop(waiting);
    let first = answers.iter().find_map(|answer| answer.as_ref().ok());
    let Some(first) = first else {
        let why = answers.iter().find_map(|a| a.as_ref().err()).map_or_else(
            || {
                place
                    .unresolved
                    .first()
                    .map_or_else(|| "it has no address".to_owned(), ToString::to_string)
            },
            |error| crate::error::chain(error),
        );
        return Err(OpError::new(
            Blame::Cluster,
            format!("{at} serves no certificate: {why}"),
        ));
    };
    let mut interner = Interner::new();
    let parsed = bundle::parse_chain(&first.chain, &mut interner);
    let leaves: Vec<Option<Certificate>> = answers.iter().map(|answer| leaf_of(answer.as_ref().ok())).collect();
    let served: Vec<ShownAt<'_>> = asks
        .iter()
        .zip(&answers)
        .zip(&leaves)
        .map(|((ask, answer), leaf)| shown(ask.address, &host, answer, leaf.as_ref(), None))
        .collect();
    parsed_show(
        args,
        ShowSubject::Server { at: &args.target },
        Some(&host),
        parsed,
        &served,
    )
    .await
}

fn probe_concurrency() -> usize {
    crate::net::probe::CONCURRENCY
}

fn leaf_of(served: Option<&ServerHandshake>) -> Option<Certificate> {
    let parsed = bundle::parse_chain(&[served?.chain.first()?], &mut Interner::new());
    parsed.bundle.certificates.first().map(|c| c.as_ref().clone())
}

fn shown<'a>(
    address: std::net::SocketAddr,
    host: &'a str,
    answer: &'a Result<ServerHandshake, crate::net::probe::ProbeError>,
    leaf: Option<&'a Certificate>,
    stored: Option<&Certificate>,
) -> ShownAt<'a> {
    let outcome = answer
        .as_ref()
        .map_err(|error| crate::error::chain(error))
        .map(|served| ShownCertificate {
            leaf,
            length: served.chain.len(),
            stored: stored.zip(leaf).map(|(stored, leaf)| stored.sha256 == leaf.sha256),
            tls_version: served.tls_version,
            alpn: served.alpn.as_deref(),
            took: served.took,
            client_certificate: served.client_certificate,
        });
    ShownAt {
        address: compact_str::format_compact!("{address}"),
        host,
        outcome,
    }
}

/// A hint where the target is the path of a file, or may be a server.
fn meant(args: &ShowArgs) -> Option<String> {
    let target = args.target.as_str();
    if Path::new(target).is_file() {
        return Some(format!("a file begins with ./ or /: `kubectl certs show ./{target}`"));
    }
    let is_server = target.contains('.') && target.parse::<Name>().is_ok() || target.parse::<IpAddr>().is_ok();
    is_server.then(|| format!("a server is HOST:PORT: `kubectl certs show {target}:443`"))
}
