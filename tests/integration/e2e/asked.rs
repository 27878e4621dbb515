//! What is asked of somebody who sits at a terminal: the number of very many orders, and whether a run goes on in which one certificate
//! after another fails alike. `--yes` answers neither.

use crate::support::{cluster::ingress, issuing::Issuing, run::Call, terminal::Terminal};

/// The program in a terminal, with what it asks there as well.
fn at_a_terminal(call: &Call) -> Terminal {
    Terminal::run(240, 50, &format!("( {} 2>/dev/tty )", call.line()))
}

fn orders(it: &Issuing) -> usize {
    it.pebble.log().matches("POST /order-plz").count()
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn the_number_of_very_many_orders_is_typed() {
    let it = Issuing::new("asked-many");
    let routes = (0..21).map(|n| {
        let name = format!("w{n:02}");
        ingress(&name, &[(&[&it.host(&name)], &format!("{name}-tls"))])
    });
    it.ns.apply(routes.collect());
    let question = ["21 certificates would be ordered at ", "Type 21 to continue:"];
    // A yes is no number, and neither is another one.
    for word in ["y", "20", ""] {
        let terminal = at_a_terminal(&it.call(&["renew", "--all"]));
        terminal.line(&question);
        terminal.type_text(word);
        terminal.press(&["Enter"]);
        terminal.shows(&["nothing was done", "ended with 2"]);
    }
    assert_eq!(orders(&it), 0);
    let terminal = at_a_terminal(&it.call(&["renew", "--all", "--wait", "0"]));
    terminal.line(&question);
    terminal.type_text("21");
    terminal.press(&["Enter"]);
    terminal.shows(&["ended with 0"]);
    assert_eq!(orders(&it), 21);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn whether_a_run_goes_on_after_three_failures_alike_is_asked() {
    let it = Issuing::new("asked-fail");
    let routes = (0..5).map(|n| {
        // No name server knows it.
        let host = it.ns.host(&format!("gone-{n}"));
        ingress(&format!("gone-{n}"), &[(&[&host], &format!("gone-{n}-tls"))])
    });
    it.ns.apply(routes.collect());
    let args = ["renew", "--all", "--concurrency", "1", "--self-check", "off"];
    let mut before = 0;
    for (answer, ordered, not_started) in [("n", 3, 2), ("y", 5, 0)] {
        let terminal = at_a_terminal(&it.call(&args));
        terminal.shows(&["3 failed in a row with the same error: "]);
        terminal.line(&["2 certificates not started. Continue with the rest? [y/N]"]);
        assert_eq!(orders(&it) - before, 3, "nothing begins while it is asked");
        terminal.type_text(answer);
        terminal.press(&["Enter"]);
        let screen = terminal.shows(&["ended with 4"]);
        assert_eq!(orders(&it) - before, ordered, "{answer}: {screen}");
        let left = screen.lines().filter(|line| line.contains("   not started   ")).count();
        assert_eq!(left, not_started, "{answer}: {screen}");
        before = orders(&it);
    }
    assert_eq!(it.left(), [""; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_question_says_in_which_cluster_and_can_be_left() {
    let it = Issuing::new("asked-where");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    for _ in 0..2 {
        it.certs(&["renew", "shop"]).ends_with(0);
    }
    let before = it.version("shop-tls");
    // The shell around it goes on.
    let line = it.plain(&["rollback", "shop-tls"]).line();
    let terminal = Terminal::run(240, 50, &format!("trap : INT; ( {line} 2>/dev/tty )"));
    terminal.shows(&["in context ", "back into Secret", "[y/N]"]);
    terminal.press(&["C-c"]);
    terminal.shows(&["nothing was done", "ended with 130"]);
    assert_eq!(it.version("shop-tls"), before);
}
