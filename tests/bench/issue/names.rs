//! One certificate with a hundred names by DNS-01, at a CA that is near and at one that is far.

use std::{
    io::{Read as _, Write as _},
    iter,
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Plan, clients,
    measure::{self, median},
    say,
    support::{cluster::ingress, dns::Bind, issuing::Issuing},
};

/// How many names.
const NAMES: usize = 100;
/// How long a question and its answer are on their way to a CA that is far.
const FAR: Duration = Duration::from_millis(60);

/// A program: the whole process, with the account there already; near, and far.
pub(crate) struct Names {
    pub(crate) program: String,
    pub(crate) near: Duration,
    pub(crate) far: Duration,
}

/// The program, and the one that it is measured beside, if there is one.
pub(crate) fn all(plan: &Plan) -> Vec<Names> {
    let it = Issuing::new("bench-names");
    let zone = format!("names.{}.example", it.ns.name);
    // Each name is a write of its own, and a server that locks its database for each would be what is measured.
    let server = Bind::start(&[&zone]);
    it.resolver.delegate(&zone, server.ip());
    it.settings(&format!(
        "dns01:\n  providers:\n  - {{zones: [{zone}], provider: rfc2136, server: {}, keyName: {}, algorithm: {}, key: {{env: TSIG_KEY}}}}\n",
        server.ip(),
        Bind::KEY_NAME,
        Bind::KEY_ALGORITHM,
    ));
    let near = it.pebble.directory_url();
    let far = delayed(&near);
    let programs: Vec<&Path> = iter::once(&plan.program)
        .chain(&plan.beside)
        .map(|path| &**path)
        .collect();
    let mut times = vec![[Vec::new(), Vec::new()]; programs.len()];
    // Round 0 makes the accounts.
    for round in 0..=plan.rounds.min(5) {
        for (place, url) in [&near, &far].into_iter().enumerate() {
            for (number, (program, times)) in programs.iter().zip(&mut times).enumerate() {
                // A CA need not have names proved again that it has seen proved: each order has its own.
                let label = format!("r{round}u{place}p{number}");
                let took = one(program, &it, &server, (&label, &zone), url);
                say(&format!(
                    "{NAMES} names at {url}, round {round}, {}: {:.2} s",
                    program.display(),
                    took.as_secs_f64()
                ));
                if round > 0 {
                    times[place].push(took);
                }
            }
        }
    }
    let rows = programs.iter().zip(times).map(|(program, [near, far])| Names {
        program: program.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        near: median(near),
        far: median(far),
    });
    rows.collect()
}

fn one(program: &Path, it: &Issuing, server: &Bind, (label, zone): (&str, &str), url: &str) -> Duration {
    let scratch = tempfile::tempdir().unwrap();
    let hosts: Vec<String> = (0..NAMES).map(|number| format!("{label}n{number}.{zone}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut route = ingress("web", &[(&hosts, "web-tls")]);
    route["metadata"]["namespace"] = "shop".into();
    let site = scratch.path().join("site.json");
    std::fs::write(&site, route.to_string()).unwrap();
    let out = scratch.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut command: Command = clients::ours(program, it);
    command.args([
        "renew",
        "web",
        "-n",
        "shop",
        "--dns",
        "rfc2136",
        "--wait",
        "0",
        "--yes",
        "--agree-tos",
    ]);
    command.arg("-f").arg(&site).arg("-o").arg(&out);
    command
        .args(["--directory-url", url, "--directory-ca-file"])
        .arg(it.pebble.ca_file());
    command.arg("--ca-file").arg(it.pebble.root_file());
    command.args(["--resolver", &it.resolver.ip().to_string()]);
    command.env("TSIG_KEY", server.key_secret());
    let took = measure::run(scratch.path(), &it.resolver.resolv_conf(), &command).wall;
    let stored: String = std::fs::read_dir(&out)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(stored.contains("tls.crt"), "{} stored nothing", program.display());
    took
}

/// The same CA at the end of a long way: what is sent arrives half of [`FAR`] later, in both directions.
fn delayed(directory: &str) -> String {
    let address = directory
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let (ip, path) = (
        address.split(':').next().unwrap().to_owned(),
        directory.rsplit('/').next().unwrap(),
    );
    let listener = TcpListener::bind((ip.as_str(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&address) else {
                return;
            };
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let _ = to.set_nodelay(true);
                late(from, to);
            }
        }
    });
    format!("https://{ip}:{port}/{path}")
}

fn late(mut from: TcpStream, mut to: TcpStream) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + FAR / 2;
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
