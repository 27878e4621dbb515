//! What needs no server: judging, one changed Secret, and the program's start.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use kubectl_certs::{
    check::{self, Rules},
    inventory::{Inventory, Presence, Stored},
    k8s::decode::{Event, EventDecoder},
    object::{Change, Ingress, IngressClass, Kind, List, Meta, Object, Seconds, ingress::IngressTls, secret::TLS_TYPE},
    scan::secrets::Unresolved,
    source::pairs::DataKeys,
    x509::{Anchors, Fingerprint, Interner, Judge, KeyState, Memo, San, Trust, bundle},
};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    Result,
    load::{self, CLASS, Material},
    measure,
    pki::Pki,
    say,
};

/// What was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Micro {
    /// Bindings judged a second, by one thread.
    pub(crate) judged: f64,
    /// One changed Secret: from the event's bytes to the verdicts; the median, and the longest.
    pub(crate) change: Duration,
    pub(crate) change_longest: Duration,
    /// Whole processes.
    pub(crate) example: Duration,
    pub(crate) version: Duration,
    /// The size of the shipped program in bytes, where it was built.
    pub(crate) size: Option<u64>,
}

/// Measures all of it. Few bindings make the smoke run short.
pub(crate) fn all(program: &Path, smoke: bool) -> Result<Micro> {
    let bindings = if smoke { 1_000 } else { 50_000 };
    say(&format!("judging {bindings} bindings"));
    let material = Material {
        pki: Pki::new()?,
        rsa: Vec::new(),
    };
    let mut inventory = inventory(&material, bindings)?;
    let judged = judge(&inventory, bindings, if smoke { 1 } else { 5 })?;
    let mut changes = change(&material, &mut inventory, bindings)?;
    changes.sort_unstable();
    let (middle, longest) = (changes.get(changes.len() / 2), changes.last());
    let times = if smoke { 3 } else { 41 };
    let example = [
        "status",
        "-f",
        "docs/example",
        "--ca-file",
        "docs/example/root.pem",
        "--at",
        "2026-12-01",
    ];
    let shipped = std::fs::metadata(program.with_file_name("../dist/kubectl-certs"));
    Ok(Micro {
        judged,
        change: middle.copied().unwrap_or_default(),
        change_longest: longest.copied().unwrap_or_default(),
        example: measure::short(program, &example, times)?,
        version: measure::short(program, &["--version"], times)?,
        size: shipped.ok().map(|about| about.len()),
    })
}

fn rules() -> Rules {
    Rules {
        now: OffsetDateTime::now_utc().unix_timestamp(),
        expiring_within: None,
    }
}

/// So many routes, each with a Secret of its own; of twenty certificates one has expired.
fn inventory(material: &Material, bindings: usize) -> Result<Inventory> {
    let mut interner = Interner::new();
    let (chain, key) = material.pair(1)?.ok_or("the route has no Secret")?;
    let mut model = bundle::parse(Some(chain.as_bytes()), None, &mut interner).bundle;
    drop(key);
    model.key = KeyState::Matches;
    model.trust = Trust::Trusted {
        root: "Bench Root X1".into(),
        public: false,
        path: vec![0, 1].into(),
        by_equality: false,
        bounds: None,
    };
    let now: Seconds = rules().now;
    let mut inventory = Inventory::new("bench", false);
    inventory.apply(Change::Set(Object::IngressClass(IngressClass {
        meta: meta("", CLASS),
        controller: "k8s.io/ingress-nginx".into(),
        default: false,
    })));
    for number in 0..bindings {
        let (secret, host) = (format!("web-{number}-tls"), load::host(number));
        let mut bundle = model.clone();
        if let Some(leaf) = bundle.certificates.first_mut().map(std::sync::Arc::make_mut) {
            leaf.names = vec![San::Dns(host.as_str().into())].into();
            leaf.sha256 = Fingerprint::of(secret.as_bytes());
            leaf.key_sha256 = Fingerprint::of(host.as_bytes());
            if number.is_multiple_of(20) {
                leaf.not_after = now - 3600;
            }
        }
        inventory.store(Stored {
            meta: meta("bench", &secret),
            secret_type: TLS_TYPE.into(),
            data_keys: None,
            certificate: Presence::Present,
            key: Presence::Present,
            other_keys: Vec::new(),
            data_changed: None,
            ca_fault: None,
            bundle,
        });
        inventory.apply(Change::Set(Object::Ingress(Ingress {
            meta: meta("bench", &format!("web-{number}")),
            class: Some(CLASS.into()),
            tls: List::from(vec![IngressTls {
                hosts: vec![host.as_str().into()].into(),
                secret: Some(secret.into()),
            }]),
            rules: vec![host.into()].into(),
            ..Ingress::default()
        })));
    }
    for kind in [Kind::Secret, Kind::Ingress, Kind::IngressClass] {
        inventory.apply(Change::Listed(kind));
    }
    inventory.derive();
    Ok(inventory)
}

fn meta(namespace: &str, name: &str) -> Meta {
    Meta {
        namespace: namespace.into(),
        name: name.into(),
        ..Meta::default()
    }
}

/// Bindings a second.
fn judge(inventory: &Inventory, bindings: usize, rounds: usize) -> Result<f64> {
    let rules = rules();
    let mut taken = Vec::new();
    for _ in 0..rounds {
        let begin = Instant::now();
        let with_findings = inventory
            .bindings()
            .iter()
            .filter_map(|(id, _)| check::binding(inventory, id, rules))
            .filter(|verdict| !verdict.findings.is_empty())
            .count();
        taken.push(begin.elapsed().as_secs_f64());
        if with_findings != bindings.div_ceil(20) {
            return Err(format!("{with_findings} of {bindings} bindings have findings").into());
        }
    }
    #[allow(clippy::cast_precision_loss)]
    Ok(bindings as f64 / measure::middle(taken))
}

/// Renewals as a watch brings them, each with a signature that nobody has seen: from the bytes to the verdicts.
fn change(material: &Material, inventory: &mut Inventory, bindings: usize) -> Result<Vec<Duration>> {
    let mut anchors = Anchors::public();
    anchors.add_pem(material.pki.root_pem().as_bytes())?;
    let judge = Judge::new(anchors, Memo::default());
    let (mut unresolved, mut interner) = (Unresolved::default(), Interner::new());
    let mut decoder = EventDecoder::new(Kind::Secret, &DataKeys::default());
    let rules = rules();
    let mut taken = Vec::new();
    for number in (1..bindings).step_by((bindings / 200).max(1)) {
        let Some((chain, key)) = material.pair(number)? else {
            continue;
        };
        let mut object = load::secret(number, &chain, &key);
        object["metadata"]["namespace"] = json!("bench");
        let mut line = serde_json::to_vec(&json!({"type": "MODIFIED", "object": object}))?;
        line.push(b'\n');
        let begin = Instant::now();
        let mut event = None;
        decoder.push(&line, &mut |decoded| event = Some(decoded))?;
        let Some(Event::Set(object, _)) = event else {
            return Err("the event was not understood".into());
        };
        unresolved.apply(Change::Set(object), inventory, &judge, &mut interner);
        let dirty = inventory.derive();
        let verdicts = dirty
            .bindings
            .iter()
            .filter_map(|id| check::binding(inventory, *id, rules))
            .count();
        taken.push(begin.elapsed());
        if verdicts != 1 {
            return Err(format!("a changed Secret touched {verdicts} bindings").into());
        }
    }
    Ok(taken)
}
