//! What the screen asks of somebody who renews many: their number, and whether a run goes on in which one after another fails alike.

use std::time::Duration;

use super::tui::{settings, start};
use crate::support::{cluster::ingress, eventually, issuing::Issuing, terminal::Terminal};

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("POST /order-plz").count()
}

/// Marks all rows, which are of the hosts `first` to `last` in the order of the names, and opens the plan of their renewal in production.
fn planned(terminal: &Terminal, first: &str, last: &str) {
    terminal.resize(160, 50);
    terminal.line(&[first]);
    terminal.line(&[last]);
    terminal.press(&["g", "Space", "G", "C-Space", "R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["t"]);
    terminal.shows(&["renew: PRODUCTION", " at letsencrypt; no CA changes"]);
    terminal.press(&["Enter"]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_number_of_very_many_orders_is_typed_even_where_no_name_is() {
    let it = Issuing::new("tui-many");
    let hosts: Vec<String> = (0..21).map(|n| it.host(&format!("w{n:02}"))).collect();
    let routes = hosts.iter().enumerate().map(|(n, host)| {
        let name = format!("w{n:02}");
        ingress(&name, &[(&[host], &format!("{name}-tls"))])
    });
    it.ns.apply(routes.collect());
    it.settings(&format!("{}tui:\n  unprotectedContexts: [testbed]\n", settings(&it)));
    let terminal = start(&it, &[]);
    planned(&terminal, &hosts[0], &hosts[20]);
    terminal.shows(&["This is production. Type 21 to continue:"]);
    // Neither a yes nor another number is this one.
    for word in ["y", "20"] {
        terminal.type_text(word);
        terminal.press(&["Enter"]);
        terminal.shows(&["Type 21 to continue:"]);
        assert_eq!(orders(&it), 0, "{word}");
        terminal.press(&["C-u"]);
    }
    terminal.type_text("21");
    terminal.press(&["Enter"]);
    terminal.shows(&["21 issued", "done  "]);
    assert_eq!(orders(&it), 21);
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_closed_terminal_leaves_nothing_of_a_run_behind() {
    let it = Issuing::with("tui-closed", |pebble| pebble.sleep = 5);
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    it.settings(&format!("{}tui:\n  unprotectedContexts: [testbed]\n", settings(&it)));
    // Standard error is the terminal as well, and goes with it.
    let terminal = Terminal::run(160, 50, &format!("( {} 2>/dev/tty )", it.plain(&[]).line()));
    terminal.line(&[&host, "critical"]);
    terminal.press(&["R"]);
    terminal.shows(&["this is a rehearsal"]);
    terminal.press(&["t"]);
    terminal.shows(&["renew: PRODUCTION", "carries it out in production"]);
    terminal.press(&["Enter"]);
    terminal.shows(&["renew PRODUCTION", "running"]);
    eventually("the answer is in place", || match it.left() {
        left if left.iter().any(|name| name.contains("ingress")) => Ok(()),
        left => Err(format!("{left:?}")),
    });
    terminal.close();
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn whether_a_run_goes_on_after_three_failures_alike_is_asked() {
    let it = Issuing::new("tui-fail");
    let hosts: Vec<String> = (0..5).map(|n| it.ns.host(&format!("gone-{n}"))).collect();
    let routes = hosts.iter().enumerate().map(|(n, host)| {
        let name = format!("gone-{n}");
        ingress(&name, &[(&[host], &format!("{name}-tls"))])
    });
    it.ns.apply(routes.collect());
    let one_by_one = settings(&it).replace(
        "http01:\n",
        "certificate:\n  concurrency: 1\nhttp01:\n  selfCheck: off\n",
    );
    it.settings(&format!("{one_by_one}tui:\n  unprotectedContexts: [testbed]\n"));
    let terminal = start(&it, &[]);
    let mut before = 0;
    for (answer, ordered) in [("n", 3), ("y", 5)] {
        planned(&terminal, &hosts[0], &hosts[4]);
        terminal.shows(&["3 failed in a row with the same error: ", "Continue with the rest?"]);
        assert_eq!(orders(&it) - before, 3, "nothing begins while it is asked");
        // What is pressed in the moment in which it appears is no answer.
        std::thread::sleep(Duration::from_secs(2));
        terminal.press(&[answer]);
        let ended = if answer == "n" {
            "3 of 5 failed, 2 not started; "
        } else {
            "5 of 5 failed; "
        };
        let screen = terminal.shows(&[ended]);
        let left = screen.matches("not started: others failed").count();
        assert_eq!(left, 5 - ordered, "{answer}: {screen}");
        assert_eq!(orders(&it) - before, ordered, "{answer}: {screen}");
        before = orders(&it);
        terminal.press(&["Escape", "1"]);
    }
    terminal.press(&["C-c"]);
    terminal.ends_with(0);
    assert_eq!(it.left(), [""; 0]);
}
