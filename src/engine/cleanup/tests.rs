use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::*;
use crate::{
    apply::{Purpose, RunId, mark},
    object::resource::{CONFIGMAP, HTTPROUTE, INGRESS, JOB, POD, SECRET, SERVICE},
};

fn object(purpose: Purpose, run: &RunId, expires: Seconds) -> Value {
    let about = Key::new("shop", "shop-tls");
    let mut object = json!({"metadata": {"namespace": "shop", "name": purpose.name("x"), "uid": "u"}});
    mark::mark(&mut object, run, purpose, expires, &about);
    object
}

fn lease_of(run: &RunId, renewed: &str) -> Value {
    let mut lease = object(Purpose::Lease, run, 0);
    lease["spec"] =
        json!({"holderIdentity": "bob", "leaseDurationSeconds": 40, "acquireTime": renewed, "renewTime": renewed});
    lease
}

/// 2026-01-01T00:00:10Z
const NOW: Seconds = 1_767_225_610;

fn sorted(leases: Vec<Value>, force: bool, objects: Vec<(Resource, Value)>) -> Leftovers {
    let mut found = Leftovers::default();
    let dead = found.take_leases(Ok(leases), BTreeSet::new(), force, NOW).unwrap();
    for (kind, object) in objects {
        found.sort(kind, object, &dead, NOW);
    }
    found
}

#[test]
fn what_is_of_a_run_whose_lease_is_held_stays_and_the_rest_goes() {
    let (alive, dead) = (RunId::random(), RunId::random());
    let objects = || {
        vec![
            (SERVICE, object(Purpose::Solver, &alive, 0)),
            (JOB, object(Purpose::Solver, &dead, NOW + 900)),
            (SECRET, object(Purpose::Journal, &alive, 0)),
            (SECRET, object(Purpose::Journal, &dead, NOW + 900)),
            (SECRET, object(Purpose::Backup, &dead, NOW + 1)),
            (SECRET, object(Purpose::Backup, &dead, NOW - 1)),
            (CONFIGMAP, object(Purpose::State, &dead, NOW - 1)),
            (INGRESS, object(Purpose::Standing, &dead, NOW - 1)),
            (SERVICE, object(Purpose::Standing, &dead, NOW - 1)),
            (SECRET, object(Purpose::Kept, &dead, NOW - 1)),
            (SECRET, object(Purpose::Adopted, &dead, NOW - 1)),
        ]
    };
    let leases = || {
        vec![
            lease_of(&alive, "2026-01-01T00:00:00Z"),
            lease_of(&dead, "2025-12-31T00:00:00Z"),
        ]
    };
    let found = sorted(leases(), false, objects());
    let kinds: Vec<&str> = found.things.iter().map(|thing| thing.resource.kind).collect();
    assert_eq!(
        kinds,
        ["Job", "Secret"],
        "the dead run's Job, and the pair that has expired"
    );
    assert_eq!(found.journals.len(), 1);
    assert_eq!(found.leases.len(), 1);
    assert_eq!(found.alive[0].holder, "bob");
    let forced = sorted(leases(), true, objects());
    assert_eq!(
        (forced.things.len(), forced.journals.len(), forced.leases.len()),
        (3, 2, 2),
        "a pair that is kept is nobody's leftover, nor what the controller stores, nor a route that stays"
    );
}

#[test]
fn what_all_runs_share_stays_while_any_is_at_work() {
    let (alive, dead) = (RunId::random(), RunId::random());
    let map = || vec![(CONFIGMAP, object(Purpose::Solver, &dead, 0))];
    assert_eq!(
        sorted(vec![lease_of(&alive, "2026-01-01T00:00:00Z")], false, map())
            .things
            .len(),
        0
    );
    assert_eq!(sorted(Vec::new(), false, map()).things.len(), 1);
}

#[tokio::test]
async fn what_is_being_deleted_already_is_counted_and_not_listed() {
    let dead = RunId::random();
    let ending = |purpose| {
        let mut object = object(purpose, &dead, NOW - 1);
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:05Z");
        object
    };
    let mut lease = lease_of(&dead, "2025-12-31T00:00:00Z");
    lease["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:05Z");
    let objects = vec![
        (POD, ending(Purpose::Solver)),
        (SECRET, ending(Purpose::Backup)),
        (SECRET, ending(Purpose::Journal)),
    ];
    let found = sorted(vec![lease], false, objects);
    assert!(found.is_empty() && found.permits().rights().is_empty());
    assert_eq!((found.ending, found.plan(None).await.goes), (4, Vec::new()));
    // What must not be removed is not reported either.
    let alive = lease_of(&dead, "2026-01-01T00:00:00Z");
    assert_eq!(
        sorted(vec![alive], false, vec![(POD, ending(Purpose::Solver))]).ending,
        0
    );
}

#[tokio::test]
async fn what_is_written_is_what_was_found() {
    let dead = RunId::random();
    let found = sorted(Vec::new(), false, vec![(JOB, object(Purpose::Solver, &dead, 0))]);
    let rights: Vec<String> = found.permits().rights().iter().map(ToString::to_string).collect();
    let name = Purpose::Solver.name("x");
    assert_eq!(
        rights,
        [format!("delete jobs.batch {:?} in namespace shop", name.as_str())]
    );
    assert_eq!(
        found.plan(None).await.goes,
        [format!(
            "Job shop/{name} (solver of run {dead}, for Secret shop/shop-tls)"
        )]
    );
}

#[test]
fn what_answers_for_a_secret_elsewhere_stays_as_long_as_that_secrets_lease() {
    let (alive, dead) = (RunId::random(), RunId::random());
    let of = |run: &RunId| {
        let mut object = json!({"metadata": {"namespace": "edge", "name": Purpose::Solver.name("y"), "uid": "u"}});
        mark::mark(&mut object, run, Purpose::Solver, 0, &Key::new("shop", "shop-tls"));
        object
    };
    let thing = Thing::of(HTTPROUTE, &of(&alive));
    assert_eq!(
        (thing.about, thing.made_for),
        (None, Some(Key::new("shop", "shop-tls")))
    );
    let mut found = Leftovers::default();
    let is_dead = found
        .take_leases(Ok(Vec::new()), BTreeSet::from([alive.as_str().into()]), false, NOW)
        .unwrap();
    for run in [&alive, &dead] {
        found.sort(HTTPROUTE, of(run), &is_dead, NOW);
    }
    let left: Vec<_> = found.things.iter().filter_map(|thing| thing.run.clone()).collect();
    assert_eq!(left, [Text::from(dead.as_str())]);
}

#[tokio::test]
async fn what_would_stay_is_told_with_the_setting_that_would_let_it_go() {
    let (alive, dead) = (RunId::random(), RunId::random());
    let record = json!({"record": {
        "provider": "internal", "zone": "shop.example", "name": "_acme-challenge.shop.example", "value": "abc",
        "domain": "shop.example", "token": "t",
    }});
    let change = |namespace| json!({"change": {"kind": "Ingress", "namespace": namespace, "name": "web"}});
    let entry = json!({
        "directory": "", "account": "", "names": [], "keyType": "", "started": 0,
        "left": [record, change("shop"), change("other")],
    });
    let mut journal = object(Purpose::Journal, &dead, 0);
    journal["data"] = json!({"order.json": BASE64_STANDARD.encode(entry.to_string())});
    let mut lease = lease_of(&alive, "2026-01-01T00:00:00Z");
    lease["metadata"]["annotations"] = json!({});
    let found = sorted(vec![lease], false, vec![(SECRET, journal)]);
    let plan = found.plan(None).await;
    assert_eq!(plan.goes, ["the challenges' paths in Ingress other/web"]);
    let said = |at: usize| {
        (
            plan.stays[at].text.as_str(),
            plan.stays[at].hint.as_deref().unwrap_or_default(),
        )
    };
    assert_eq!(
        said(0),
        (
            "TXT record _acme-challenge.shop.example with value abc stays: there is no DNS provider \"internal\"",
            "the settings have none: add one called internal under dns01.providers; or remove the value by hand in zone \
             shop.example"
        )
    );
    assert!(
        said(1).0.contains("Ingress shop/web stay: another run is in progress"),
        "{:?}",
        said(1)
    );
    assert!(said(2).0.ends_with("stays: it notes what stays"), "{:?}", said(2));
    assert_eq!(plan.stays.len(), 3);
}
