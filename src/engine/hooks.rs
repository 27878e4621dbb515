//! Tells hooks of certificates, as dehydrated does: of each new one after it is stored, and of each that is not due.

use super::{choose::method_under, failure::TargetError, prepare::slots, run::Run};
use crate::{
    apply::{Api, ApiError, Pair, Roots, secret},
    event::{EventKind, Method, Teller},
    name::Name,
    plan::Target,
    settings::Settings,
    solve::{
        SolveError,
        dns01::{CertificateCall, Dns01},
        patience::told,
    },
};

impl Run {
    /// Tells the hooks that prove the names of a certificate that it is stored. A failure is told, and changes nothing.
    pub(super) async fn deploy(&self, names: &[Name], pair: &Pair, tell: &Teller) -> Option<TargetError> {
        let solvers = &self.parts.solvers;
        let dns01 = solvers.dns01.as_deref()?;
        let domains = domains(names, |name| solvers.method(name));
        if !dns01.takes_certificates(&domains) {
            return None;
        }
        let call = CertificateCall {
            domain: names.first().map(ToString::to_string).unwrap_or_default(),
            pair,
            deployed: Some(crate::clock::now()),
        };
        let handing = dns01.hand_over(&domains, &call);
        let mut failed = told(tell, || "the hook to take the new certificate".to_owned(), handing)
            .await
            .into_iter();
        let first = failed.next()?;
        for other in failed {
            tell.tell(EventKind::Note { text: other.message });
        }
        Some(TargetError::Hook {
            message: first.message,
            hint: first.hint,
        })
    }
}

/// Tells the hooks that prove the names of a stored certificate that it is not due. Returns what failed.
///
/// # Errors
///
/// The Secret cannot be read.
pub async fn unchanged(
    dns01: &Dns01,
    settings: &Settings,
    api: &Api,
    target: &Target,
) -> Result<Vec<SolveError>, ApiError> {
    let names = &target.names.order;
    let domains = domains(names, |name| method_under(&settings.dns01, name));
    if !dns01.takes_certificates(&domains) {
        return Ok(Vec::new());
    }
    let found = secret::Target::read(api, &target.secret).await?;
    let slots = slots(settings);
    let (Some(key), Some(chain)) = (found.private_key(&slots), found.chain(&slots)) else {
        return Ok(Vec::new());
    };
    // A pair that cannot be used is a finding of `status`, and nothing for a hook.
    let Ok(pair) = Pair::check(key, chain, &[], crate::clock::now(), &Roots::Any) else {
        return Ok(Vec::new());
    };
    // The route may have got names since.
    let domain = names
        .iter()
        .map(ToString::to_string)
        .find(|name| pair.leaf().names.cover(name));
    let call = CertificateCall {
        domain: domain.unwrap_or_default(),
        pair: &pair,
        deployed: None,
    };
    Ok(dns01.hand_over(&domains, &call).await)
}

/// The domains that are proved by DNS-01, each once.
fn domains(names: &[Name], method: impl Fn(&Name) -> Method) -> Vec<&str> {
    let mut domains: Vec<&str> = names
        .iter()
        .filter(|name| method(name) == Method::Dns01)
        .filter_map(Name::base)
        .collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}
