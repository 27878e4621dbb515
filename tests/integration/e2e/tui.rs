//! The screen in a real terminal, against the real cluster: found, understood, rehearsed, renewed, seen healthy.

use std::time::Duration;

use crate::support::{
    cluster::{Namespace, ingress},
    eventually,
    issuing::Issuing,
    kubeconfig,
    proxy::{API_SERVER, Proxy},
    run::Call,
    terminal::Terminal,
};

/// The settings with which the two usual issuers are this test's ACME server.
pub(super) fn settings(it: &Issuing) -> String {
    format!(
        "{}http01:\n  solver: endpoint\n  advertise: {}\ndns01:\n  resolvers: [{}]\nstoring:\n  caFiles: [{}]\n",
        it.issuers(),
        it.advertise(),
        it.resolver.ip(),
        it.pebble.root_file().display(),
    )
}

pub(super) fn start(it: &Issuing, args: &[&str]) -> Terminal {
    let (pebble, pki) = (it.pebble.root_file(), it.ns.ca_file());
    let own = [
        "--ca-file",
        pebble.to_str().unwrap(),
        "--ca-file",
        pki.to_str().unwrap(),
    ];
    Terminal::start(120, 40, &it.plain(&[args, &own].concat()))
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_missing_certificate_is_found_understood_rehearsed_and_renewed() {
    let it = Issuing::new("tui");
    let (shop, other) = (it.host("shop"), it.host("other"));
    it.ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ingress("other", &[(&[&other], "other-tls")]),
        it.ns.pki.pair(&[&other]).secret("other-tls"),
    ]);
    it.settings(&settings(&it));
    let terminal = start(&it, &[]);
    terminal.line(&[&shop, "critical", "SecretNotFound"]);
    terminal.shows(&["REHEARSAL", "live"]);

    // The worst certificate is one key press away, and says what is wrong and what to do.
    terminal.press(&["Enter"]);
    terminal.shows(&["Secret shop-tls", "kubectl certs show shop -n"]);
    terminal.press(&["Escape"]);
    terminal.press(&["/"]);
    terminal.type_text("other");
    terminal.until("only the other", |screen| {
        screen.contains(&other) && !screen.contains(&shop)
    });
    terminal.press(&["Escape"]);
    terminal.line(&[&shop, "critical"]);

    // A rehearsal: the plan first, then its steps light up, and nothing is stored.
    terminal.press(&["g", "R"]);
    terminal.shows(&[
        "REHEARSAL",
        "validate",
        "this is a rehearsal",
        "kubectl certs renew secret/shop-tls",
    ]);
    terminal.press(&["Enter"]);
    terminal.shows(&["the rehearsal passed", "✓"]);
    let secrets = it
        .ns
        .kubectl(&["get", "secret", "shop-tls", "--ignore-not-found", "-o", "name"]);
    assert_eq!(secrets, "", "a rehearsal stores nothing");
    terminal.press(&["Escape"]);

    // For production: the context's name has to be typed, and another one does not do.
    terminal.press(&["R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["t"]);
    terminal.shows(&["PRODUCTION", "create Secret", "switches to a rehearsal"]);
    terminal.press(&["Enter"]);
    terminal.shows(&["Type testbed to continue"]);
    terminal.type_text("tested");
    terminal.press(&["Enter"]);
    terminal.shows(&["or press Esc to cancel"]);
    terminal.press(&["C-u"]);
    terminal.type_text("testbed");
    terminal.press(&["Enter"]);
    terminal.shows(&["issued"]);
    assert_eq!(it.leaf("shop-tls").names(), [shop.as_str()]);
    terminal.press(&["Escape"]);
    terminal.line(&[&shop, "healthy"]);
    assert_eq!(it.left(), [""; 0]);

    // The run is remembered.
    terminal.press(&["5"]);
    terminal.line(&["renew", "PRODUCTION", "done"]);
    terminal.press(&["q"]);
    assert_eq!(terminal.ends_with(0), "");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn solver_and_address_of_a_plan_are_kept_in_the_settings_whose_other_lines_stay() {
    let it = Issuing::new("tui-keep");
    let shop = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&shop], "shop-tls")])]);
    let all = settings(&it);
    let (before, rest) = all.split_once("http01:\n").unwrap();
    let (_, after) = rest.split_once("dns01:").unwrap();
    let own = format!("# the team's CA\n{before}dns01:{after}");
    it.settings(&own);
    let terminal = start(&it, &[]);
    terminal.line(&[&shop, "critical", "SecretNotFound"]);
    // What the command refuses for want of a flag is mended where it stands.
    terminal.press(&["R"]);
    terminal.shows(&["kubectl certs renew secret/shop-tls", "cancels it"]);
    terminal.press(&["s"]);
    terminal.shows(&["the solver that answers HTTP-01"]);
    terminal.type_text("endpoint");
    terminal.press(&["Enter"]);
    terminal.shows(&["--advertise"]);
    terminal.press(&["a"]);
    terminal.shows(&["the address at which the cluster reaches"]);
    terminal.type_text(&it.advertise());
    terminal.press(&["Enter"]);
    terminal.shows(&["this is a rehearsal", "answered by this process at"]);
    terminal.press(&["K"]);
    terminal.shows(&["config.yaml", "+ http01:", "+   solver: endpoint", "Write it?"]);
    std::thread::sleep(Duration::from_millis(500));
    terminal.press(&["y"]);
    terminal.until("it is kept", |screen| {
        screen.contains("kept in") && !screen.contains("Write it?")
    });
    let path = it.kept("config/kubectl-certs/config.yaml");
    let kept = format!(
        "{own}http01:\n  solver: endpoint\n  advertise: \"{}\"\n",
        it.advertise()
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), kept);
    // The plan waits, and another program finds them.
    terminal.press(&["Enter"]);
    terminal.shows(&["the rehearsal passed"]);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    let ran = it.plain(&["renew", "shop"]).run().ends_with(0);
    assert!(ran.err.contains("rehears"), "{}", ran.err);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_change_is_seen_within_a_second_and_a_lost_connection_is_told_and_mended() {
    let ns = Namespace::new("tui-live");
    let (first, second) = (ns.host("first"), ns.host("second"));
    ns.apply(vec![
        ingress("first", &[(&[&first], "first-tls")]),
        ns.pki.pair(&[&first]).secret("first-tls"),
    ]);
    let proxy = Proxy::to(API_SERVER);
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let config = kubeconfig::write(ns.dir.path(), "through.conf", &config);
    let root = ns.ca_file();
    let call = Call::certs([
        "-n",
        &ns.name,
        "--ca-file",
        root.to_str().unwrap(),
        "--kubeconfig",
        config.to_str().unwrap(),
    ]);
    let terminal = Terminal::start(140, 40, &call);
    terminal.line(&[&first, "healthy"]);
    terminal.shows(&["live"]);
    ns.create(vec![ingress("second", &[(&[&second], "second-tls")])]);
    let (_, took) = terminal.line(&[&second, "critical"]);
    assert!(took < Duration::from_secs(1), "{took:?}");
    ns.create(vec![ns.pki.pair(&[&second]).secret("second-tls")]);
    let (_, took) = terminal.line(&[&second, "healthy"]);
    assert!(took < Duration::from_secs(1), "{took:?}");

    proxy.break_all();
    terminal.shows(&["connection lost"]);
    // What was read is still there.
    terminal.shows(&[&first, &second]);
    ns.kubectl(&["delete", "ingress", "second"]);
    proxy.fix();
    terminal.until("the connection is back", |screen| {
        screen.contains("live") && !screen.contains(&second)
    });
    terminal.press(&["q"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_terminal_is_given_back_whatever_ends_the_program() {
    let ns = Namespace::new("tui-end");
    let host = ns.host("web");
    ns.apply(vec![ingress("web", &[(&[&host], "web-tls")])]);
    let start = || {
        let terminal = Terminal::start(100, 30, &Call::certs(["-n", &ns.name]));
        terminal.line(&[&host, "critical"]);
        terminal
    };
    for (signal, status) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let terminal = start();
        terminal.signal(signal);
        terminal.ends_with(status);
    }
    let terminal = start();
    terminal.press(&["C-c"]);
    terminal.ends_with(0);

    // Stopped from outside, and continued.
    let terminal = start();
    let raw = terminal.settings();
    terminal.signal("-TSTP");
    terminal.until("it is stopped", |screen| !screen.contains("STATUS"));
    assert_ne!(
        terminal.settings(),
        raw,
        "the terminal is its own while the program is stopped"
    );
    terminal.signal("-CONT");
    terminal.line(&[&host, "critical"]);
    terminal.resize(60, 15);
    terminal.line(&["web", "✗ "]);
    terminal.resize(40, 10);
    terminal.line(&["web", "✗ "]);
    terminal.resize(39, 9);
    terminal.shows(&["40x10"]);
    terminal.resize(100, 30);
    terminal.line(&[&host, "critical"]);
    terminal.press(&["q"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn no_color_takes_every_colour_away_and_leaves_the_words() {
    let ns = Namespace::new("tui-grey");
    let host = ns.host("web");
    ns.apply(vec![ingress("web", &[(&[&host], "web-tls")])]);
    let seen = |no_color: &str| {
        let call = Call::certs(["-n", &ns.name])
            .env("NO_COLOR", no_color)
            .env("TERM", "xterm-256color");
        let terminal = Terminal::start(100, 30, &call);
        terminal.line(&[&host, "critical"]);
        let screen = terminal.coloured();
        terminal.press(&["q"]);
        terminal.ends_with(0);
        // Select Graphic Rendition (ECMA-48, 8.3.117): 30 to 49 and 90 to 107 are colours.
        let parameters = screen.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m'));
        parameters
            .flat_map(|(numbers, _)| numbers.split([';', ':']).map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|number| number.parse::<u16>().ok())
            .filter(|number| matches!(number, 30..=38 | 40..=48 | 90..=107))
            .count()
    };
    assert!(seen("") > 0, "by default there are colours");
    assert_eq!(seen("1"), 0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_terminal_without_unicode_gets_ascii_and_what_is_cut_ends_in_a_tilde() {
    let ns = Namespace::new("tui-ascii");
    let host = ns.host(&"long".repeat(14));
    ns.apply(vec![ingress("web", &[(&[&host], "web-tls")])]);
    for (name, value) in [("TERM", "linux"), ("LANG", "C")] {
        let call = Call::certs(["-n", &ns.name]).env("LC_ALL", "").env(name, value);
        let terminal = Terminal::start(80, 24, &call);
        let (screen, _) = terminal.line(&["longlong", "~"]);
        assert!(screen.is_ascii(), "{name}={value}:\n{screen}");
        terminal.press(&["Enter"]);
        terminal.shows(&["+--"]);
        assert!(terminal.screen().is_ascii(), "{name}={value}:\n{}", terminal.screen());
        terminal.press(&["C-c"]);
        terminal.ends_with(0);
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_certificate_that_is_pasted_into_the_terminal_finds_its_row() {
    let ns = Namespace::new("tui-paste");
    let (web, other) = (ns.host("web"), ns.host("other"));
    let pair = ns.pki.pair(&[&web]);
    ns.apply(vec![
        ingress("web", &[(&[&web], "web-tls")]),
        ingress("other", &[(&[&other], "other-tls")]),
        pair.secret("web-tls"),
    ]);
    let terminal = Terminal::start(100, 30, &Call::certs(["-n", &ns.name]));
    terminal.shows(&[&web, &other]);
    terminal.paste(&pair.chain);
    terminal.shows(&["esc clears it", &web]);
    terminal.press(&["Enter"]);
    terminal.until("the other row is gone", |screen| !screen.contains(&other));
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn without_a_cluster_the_terminal_is_not_taken_over() {
    let ns = Namespace::new("tui-none");
    let terminal = Terminal::start(100, 30, &Call::certs(["--context", "nowhere", "-n", &ns.name]));
    let said = terminal.ends_with(3);
    assert!(said.contains("nowhere"), "{said}");
    // One that cannot be reached is told on the screen, which tries again when asked.
    let config = kubeconfig::with_server("https://127.0.0.1:1");
    let config = kubeconfig::write(ns.dir.path(), "nowhere.conf", &config);
    let terminal = Terminal::start(100, 30, &Call::certs(["--kubeconfig", config.to_str().unwrap()]));
    terminal.shows(&["127.0.0.1:1", "retries"]);
    terminal.press(&["q"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_renewal_goes_on_behind_the_table_is_cancelled_and_a_failure_explains_itself() {
    // A CA that takes its time.
    let it = Issuing::with("tui-run", |pebble| pebble.sleep = 60);
    let shop = it.host("shop");
    // This one leads nowhere.
    let lost = it.ns.host("lost");
    it.ns.apply(vec![
        ingress("shop", &[(&[&shop], "shop-tls")]),
        ingress("lost", &[(&[&lost], "lost-tls")]),
    ]);
    let impatient = settings(&it).replace("http01:\n", "http01:\n  resolveTimeout: 0s\n");
    it.settings(&format!("{impatient}tui:\n  unprotectedContexts: [testbed]\n"));
    let terminal = start(&it, &[]);
    terminal.line(&[&shop, "critical"]);
    terminal.press(&["/"]);
    terminal.type_text("shop-tls");
    terminal.press(&["Enter", "R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["t"]);
    terminal.shows(&["PRODUCTION", "switches to a rehearsal"]);
    // Of a context that is not protected, its name is not asked for.
    terminal.press(&["Enter"]);
    terminal.shows(&["◐ validate", "running"]);
    terminal.press(&["Escape"]);
    // The table is usable meanwhile, and who quits is asked.
    terminal.shows(&["1 running", "PRODUCTION"]);
    terminal.press(&["q"]);
    terminal.shows(&["1 renewal is in progress"]);
    terminal.press(&["n", "5"]);
    terminal.line(&["renew", "PRODUCTION", "running"]);
    terminal.press(&["c"]);
    terminal.line(&["renew", "cancelled"]);
    assert_eq!(it.left(), [""; 0]);

    terminal.press(&["1", "Escape", "/"]);
    terminal.type_text("lost-tls");
    terminal.press(&["Enter", "R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["Enter", "Escape"]);
    let screen = terminal.shows(&["not started", "does not resolve yet", "hint:"]);
    assert!(screen.contains(&lost), "{screen}");
    terminal.press(&["Escape", "q"]);
    assert_eq!(terminal.ends_with(0), "");
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_terminal_that_goes_during_a_run_leaves_nothing_behind() {
    // A CA that takes its time.
    let it = Issuing::with("tui-gone", |pebble| pebble.sleep = 60);
    let shop = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&shop], "shop-tls")])]);
    it.settings(&settings(&it));
    let terminal = start(&it, &[]);
    terminal.line(&[&shop, "critical"]);
    terminal.press(&["R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["Enter"]);
    terminal.shows(&["◐ validate", "running"]);
    assert!(!it.left().is_empty(), "the answer is in place");
    let program = terminal.program();
    drop(terminal);
    eventually("the end of the program", || {
        let gone = !std::path::Path::new(&format!("/proc/{program}")).exists();
        gone.then_some(()).ok_or_else(|| format!("{program} runs"))
    });
    assert_eq!(it.left(), [""; 0]);
}
