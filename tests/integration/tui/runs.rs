//! Plans, and what happens when they are carried out: as the engine tells it.

use kubectl_certs::{
    apply::backup,
    engine::{journal, lease},
    event::{Event, EventKind, Method},
    object::Key,
    plan::steps::Step,
    tui::{
        Message,
        order::{Plan, RunId, Stage},
    },
};

use super::example::noon;

pub(super) fn checkout() -> Key {
    Key::new("shop", "checkout-tls")
}

/// The steps of one certificate.
pub(super) fn steps(secret: &Key, host: &str, stage: Stage) -> Vec<Step> {
    let name = |host: &str| host.parse().expect("a name");
    let beside = |name: &str| Key::new(secret.namespace.clone(), name);
    let stored = stage != Stage::Rehearsal;
    let issuer = if stage == Stage::Production {
        "letsencrypt"
    } else {
        "letsencrypt-staging"
    };
    // Routes and workloads of the shop are called as their Secrets.
    let route = secret.name.trim_end_matches("-tls");
    let mut steps = vec![
        Step::Lease {
            object: beside(&lease::name(secret)),
        },
        Step::Journal {
            object: beside(&journal::name(secret)),
        },
        Step::Order {
            issuer: issuer.to_owned(),
            names: vec![name(host)],
            profile: None,
            replaces: stored,
            key: "ecdsa-p256".to_owned(),
            changes_ca: None,
        },
        Step::Prove {
            name: name(host),
            method: Method::Http01,
            through: format!("Ingress {}/{route} (Traefik), answered by a Pod", secret.namespace),
        },
    ];
    if stored {
        steps.push(Step::Backup {
            object: backup::key(secret),
        });
        steps.push(Step::Write {
            secret: secret.clone(),
            create: false,
            keys: vec!["tls.crt".to_owned(), "tls.key".to_owned()],
        });
        steps.push(Step::Restart {
            workload: format!("deployment/{route}"),
        });
        steps.push(Step::Look {
            hosts: vec![host.to_owned()],
            seconds: 60,
        });
    } else {
        steps.push(Step::Rehearse { secret: secret.clone() });
    }
    steps.push(Step::CleanUp);
    steps
}

/// A plan for Secrets of the shop, each with its host.
pub(super) fn plan(stage: Stage, targets: &[(&str, &str)]) -> Plan {
    let issuer = if stage == Stage::Production {
        "letsencrypt"
    } else {
        "letsencrypt-staging"
    };
    let targets: Vec<(Key, Vec<Step>)> = targets
        .iter()
        .map(|(secret, host)| {
            let key = Key::new("shop", *secret);
            let steps = steps(&key, host, stage);
            (key, steps)
        })
        .collect();
    Plan {
        issuer: issuer.to_owned(),
        stage: Some(stage),
        limits: match stage {
            Stage::Production => vec!["larkspur.example: 46 of 50 certificates are left, this takes 1".to_owned()],
            _ => Vec::new(),
        },
        notes: vec!["the current certificate expired 7 days ago: clients are refused now".to_owned()],
        targets,
        ..Plan::default()
    }
}

/// The plan of the one that has expired.
pub(super) fn of_checkout(stage: Stage) -> Plan {
    plan(stage, &[("checkout-tls", "checkout.larkspur.example")])
}

pub(super) fn planned(id: RunId, plan: Plan) -> Message {
    Message::Planned(id, Box::new(plan))
}

pub(super) fn happened(id: RunId, secret: &Key, kind: EventKind) -> Message {
    let event = Event {
        secret: Some(secret.clone()),
        kind,
    };
    Message::Happened(id, Box::new(event))
}

/// What the engine tells of a certificate, from its order to where it is served.
pub(super) fn course(host: &str) -> Vec<EventKind> {
    let name = || host.parse().expect("a name");
    vec![
        EventKind::Ordered {
            url: "https://acme-v02.api.letsencrypt.org/acme/order/1/2".to_owned(),
            names: vec![name()],
            resumed: false,
        },
        EventKind::Presented {
            name: name(),
            method: Method::Http01,
            place: format!("http://{host}/.well-known/acme-challenge/iXdQ2Z5y"),
        },
        EventKind::SelfChecked {
            name: name(),
            method: Method::Http01,
            seen: vec!["203.0.113.7".to_owned()],
        },
        EventKind::Asked { name: name() },
        EventKind::Validated {
            name: name(),
            already: false,
        },
        EventKind::Issued {
            sha256: "5f2b9a31c0de".repeat(5),
            not_after: noon() + 90 * 86_400,
            issuer: "R13".to_owned(),
        },
        EventKind::Stored {
            place: "Secret shop/checkout-tls".to_owned(),
        },
        EventKind::Restarted {
            workload: "deployment/checkout".to_owned(),
        },
        EventKind::Served {
            host: host.to_owned(),
            after_ms: 2_300,
        },
        EventKind::CleanedUp { count: 4 },
        EventKind::Done,
    ]
}
