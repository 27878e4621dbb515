//! A customer's domain, from the request that registers it to the page under its name.

use std::time::{Duration, Instant};

use crate::{
    Plan,
    figure::{Figure, Of, percentile},
    support::{
        customers::{Application, PAGE, customer, define, platform},
        eventually_within,
        issuing::{Issuing, NODE},
        server::curl,
    },
};

/// How long that may take for all but one in twenty, where DNS is right.
const MOST: Duration = Duration::from_secs(3);

/// One at a time.
pub(crate) fn all(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(3, 40);
    let it = Issuing::new("bench-customers");
    define();
    let app = Application::start(&it);
    let (_running, api) = platform(&it, &app);
    it.ns.kubectl(&["create", "serviceaccount", "app"]);
    let token = it
        .ns
        .kubectl(&["create", "token", "app", "--audience", "kubectl-certs"]);
    let bearer = format!("Authorization: Bearer {}", token.trim());
    let (root, mut all) = (it.pebble.root_file(), Vec::new());
    let root = root.to_str().unwrap();
    for number in 0..many {
        let host = customer(&it, &format!("c{number}"));
        app.knows(&host);
        let resolve = format!("{host}:443:{NODE}");
        let begin = Instant::now();
        curl(&["-X", "PUT", "-H", &bearer, &format!("{api}/v1/domains/{host}")]).expect("it is registered");
        eventually_within(Duration::from_mins(1), &format!("the page of {host}"), || {
            let page = curl(&["--cacert", root, "--resolve", &resolve, &format!("https://{host}/")]);
            if page.as_deref() == Ok(PAGE) {
                Ok(())
            } else {
                Err(format!("{page:?}"))
            }
        });
        all.push(begin.elapsed());
    }
    let mut of = Of::size(many.to_string());
    of.told(
        "put to served, half",
        crate::figure::seconds(percentile(all.clone(), 50)),
    );
    of.time("put to served, 95 %", percentile(all, 95), MOST);
    of.figures
}
