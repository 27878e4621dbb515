//! Flags that only have an effect together with others. A flag is never ignored silently, because whoever types it
//! means it. Unused values of a file or the environment are permitted.

use super::{
    Dns01Settings, Http01Settings, SettingsError,
    layer::{Layer, Origin},
    value::{SelfCheck, SolverKind},
};

/// The layer of the flags.
pub(super) fn flags(layers: &[Layer]) -> Option<&Layer> {
    layers.first().filter(|layer| layer.origin == Origin::Flags)
}

/// The solver that a flag implies if none is named: `--solver-service` only concerns one.
pub(super) fn meant(layers: &[Layer]) -> Option<SolverKind> {
    let service = flags(layers)?.file.http01.service.as_ref();
    service.map(|_| SolverKind::Service)
}

/// Refuses a flag that would have no effect.
pub(super) fn refuse(layers: &[Layer], http01: &Http01Settings, dns01: &Dns01Settings) -> Result<(), SettingsError> {
    let Some(flags) = flags(layers) else { return Ok(()) };
    let (given, of_dns) = (&flags.file.http01, &flags.file.dns01);
    let of_pod = &flags.file.solver;
    let solver = http01.solver;
    let by_pod = match solver {
        Some(SolverKind::Pod) => true,
        Some(SolverKind::Endpoint) => false,
        // A Pod checks the answer.
        Some(SolverKind::Service) => http01.self_check == SelfCheck::Cluster,
        Some(SolverKind::InPlace) | None => http01.advertise.is_none(),
    };
    let by_service = solver == Some(SolverKind::Service);
    let by_endpoint = !by_service && solver != Some(SolverKind::Pod);
    let by_dns = dns01.only.is_some() || !dns01.providers.is_empty();
    let of_service: &[_] = &[("--solver-service", given.service.is_some())];
    let of_endpoint: &[_] = &[("--advertise", given.advertise.is_some())];
    let of_pod: &[_] = &[
        ("--solver-image", of_pod.image.is_some()),
        ("--solver-pull-secret", of_pod.image_pull_secrets.is_some()),
        ("--solver-node-selector", of_pod.node_selector.is_some()),
        ("--solver-toleration", of_pod.tolerations.is_some()),
    ];
    let of_dns: &[_] = &[
        ("--follow-cname", of_dns.follow_cname.is_some()),
        ("--propagation-timeout", of_dns.propagation_timeout.is_some()),
        ("--propagation-wait", of_dns.propagation_wait.is_some()),
    ];
    let looks = matches!(http01.self_check, SelfCheck::Auto | SelfCheck::Cluster);
    let of_looks: &[_] = &[("--resolve-timeout", given.resolve_timeout.is_some())];
    for (needs, acts, flags) in [
        ("--self-check auto", looks, of_looks),
        ("--solver service", by_service, of_service),
        ("--solver endpoint", by_endpoint, of_endpoint),
        ("--solver pod", by_pod, of_pod),
        ("--dns NAME", by_dns, of_dns),
    ] {
        if let Some((flag, _)) = flags.iter().find(|(_, is_given)| *is_given && !acts) {
            return Err(SettingsError::Idle { flag, needs });
        }
    }
    Ok(())
}
