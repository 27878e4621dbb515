//! A host as customers and their applications read it.

use serde::Serialize;

use crate::{
    domain::{
        Host, Purpose, Record, RecordKind, Tenant, ToSet, Told,
        dns::{Instructions, to_set},
        state,
    },
    object::Seconds,
    text::date_time,
};

/// One host. Moments are in UTC, as RFC 3339 has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DomainBody {
    host: String,
    tenant: String,
    /// When it was registered; null for another tenant's.
    since: Option<String>,
    /// Where it stands, in one word of twelve.
    state: &'static str,
    /// Why, as a sentence.
    reason: String,
    /// What is done next, and by whom.
    next: String,
    /// When it goes on by itself; null if time alone changes nothing.
    until: Option<String>,
    certificate: CertificateLight,
    served: ServedLight,
    /// What to set in DNS.
    records: Vec<RecordBody>,
}

/// The first light.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateLight {
    /// Whether there is a certificate that is valid now.
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
}

/// The second light.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServedLight {
    /// Whether clients were seen to get that certificate; null if nobody has looked.
    present: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
}

/// A record in DNS.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordBody {
    purpose: Purpose,
    #[serde(rename = "type")]
    kind: RecordKind,
    name: String,
    value: String,
    /// Whether it keeps the host from its certificate; null if nobody has looked yet.
    missing: Option<bool>,
}

/// One page of hosts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageBody {
    pub(super) items: Vec<DomainBody>,
    /// What the next page comes after; null on the last one.
    pub(super) after: Option<String>,
}

impl DomainBody {
    /// What a tenant is told of another tenant's host that it has asked for.
    pub(super) fn of_another(host: &Host, tenant: &Tenant, told: Told, proof: &ToSet) -> Self {
        Self {
            host: host.to_string(),
            tenant: tenant.to_string(),
            since: None,
            state: told.state.as_str(),
            reason: told.reason,
            next: told.next,
            until: told.until.map(date_time),
            certificate: CertificateLight::default(),
            served: ServedLight::default(),
            records: vec![RecordBody::of(proof, Some(true))],
        }
    }

    /// What is told of a record at a moment.
    pub(super) fn of(record: &Record, instructions: &Instructions, now: Seconds) -> Self {
        let told = state(record, now);
        let pair = record.pair.as_ref();
        let served = record.served.as_ref();
        let missing = record.dns.as_ref().map(|seen| seen.missing.as_slice());
        let is_missing = |one: &ToSet| missing.map(|missing| missing.contains(one));
        let records = to_set(&record.host, &record.tenant, instructions, &[]);
        Self {
            host: record.host.to_string(),
            tenant: record.tenant.to_string(),
            since: Some(date_time(record.since)),
            state: told.state.as_str(),
            reason: told.reason,
            next: told.next,
            until: told.until.map(date_time),
            certificate: CertificateLight {
                valid: told.certificate,
                not_before: pair.map(|pair| date_time(pair.not_before)),
                not_after: pair.map(|pair| date_time(pair.not_after)),
                serial: pair.map(|pair| pair.serial.to_string()),
            },
            served: ServedLight {
                present: told.served,
                seen_at: served.map(|served| date_time(served.at)),
                seen: served.map(|served| served.seen.clone()).filter(|seen| !seen.is_empty()),
            },
            records: records
                .into_iter()
                .map(|one| {
                    let is_missing = is_missing(&one);
                    RecordBody::of(&one, is_missing)
                })
                .collect(),
        }
    }
}

impl RecordBody {
    fn of(record: &ToSet, missing: Option<bool>) -> Self {
        Self {
            purpose: record.purpose,
            kind: record.kind,
            name: record.name.to_string(),
            value: record.value.to_string(),
            missing,
        }
    }
}
