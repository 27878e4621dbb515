//! What is kept down of a group before it is touched.

use serde_json::{Map, Value};

use super::read::Found;
use crate::{
    apply::adopted::{self, CertificateBefore, LARGEST, ProgramBefore, Record, RouteBefore, State, Which},
    object::{
        Seconds, annotation,
        resource::{CERTIFICATE, CRONJOB, DEPLOYMENT},
    },
    plan::adopt::Group,
};

/// What is kept down of a group; `None` if it is too large for one object, or something has gone meanwhile.
pub(super) fn of(group: &Group, found: &Found, now: Seconds) -> Option<Record> {
    let mut record = Record {
        state: State::Begun,
        at: now,
        formers: group.formers.iter().map(|former| former.as_str().to_owned()).collect(),
        routes: Vec::new(),
        certificates: Vec::new(),
        programs: Vec::new(),
        secrets: Vec::new(),
    };
    for key in &group.routes {
        let (resource, object) = found.routes.get(key)?;
        let facts = found.facts.routes.get(key)?;
        let asked_before = object["metadata"]["annotations"][annotation::TLS_ACME].as_str();
        let taken: Map<String, Value> = facts
            .asks_cert_manager
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        record.routes.push(RouteBefore {
            route: Which::of(object, &resource.api_version(), resource.kind),
            taken,
            is_asked: !facts.asks,
            asked_before: asked_before.map(str::to_owned),
        });
    }
    for key in &group.certificates {
        let object = found.certificates.get(key)?;
        let mut whole = adopted::anew(object);
        whole["apiVersion"] = CERTIFICATE.api_version().into();
        whole["kind"] = CERTIFICATE.kind.into();
        record.certificates.push(CertificateBefore {
            certificate: Which::of(object, &CERTIFICATE.api_version(), CERTIFICATE.kind),
            object: whole,
        });
    }
    for key in &group.clocks {
        let (facts, object) = found.programs.clocks.get(key)?;
        if !facts.is_suspended {
            record.programs.push(ProgramBefore {
                program: Which::of(object, &CRONJOB.api_version(), CRONJOB.kind),
                field: "suspend".to_owned(),
                before: object["spec"]["suspend"].clone(),
                meanwhile: true.into(),
            });
        }
    }
    for key in &group.legos {
        let (_, object) = found.programs.legos.get(key)?;
        record.programs.push(ProgramBefore {
            program: Which::of(object, &DEPLOYMENT.api_version(), DEPLOYMENT.kind),
            field: "replicas".to_owned(),
            before: object["spec"]["replicas"].clone(),
            meanwhile: 0.into(),
        });
    }
    for key in &group.secrets {
        record.secrets.push(found.secrets.get(key)?.clone());
    }
    let is_small = serde_json::to_vec(&record).is_ok_and(|text| text.len() <= LARGEST);
    is_small.then_some(record)
}
