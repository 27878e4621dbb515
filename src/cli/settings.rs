//! What the flags of the command line say becomes a layer of the settings.

use crate::{
    ops::OpError,
    settings::{
        SettingsError, env,
        file::{Addresses, EabEntry},
        layer::{Choice, Layer, Origin},
    },
    solve::dns01::config::Credential,
};

use super::args::issue::{CaArgs, IssuanceArgs};

/// Refuses a flag that would change nothing as it stands.
pub(super) fn acts_with(flag: &'static str, is_idle: bool, needs: &'static str) -> Result<(), OpError> {
    if is_idle {
        return Err(OpError::because(&SettingsError::Idle { flag, needs }));
    }
    Ok(())
}

/// What the flags say of the CA and the account.
pub(super) fn ca_layer(args: &CaArgs) -> Result<Layer, OpError> {
    let mut layer = Layer::empty(Origin::Flags);
    layer.choice = if args.staging {
        Some(Choice::Staging)
    } else if args.production {
        Some(Choice::Production)
    } else {
        let named = args.issuer.clone().map(Choice::Issuer);
        named.or_else(|| args.directory_url.clone().map(Choice::Directory))
    };
    let issuer = &mut layer.issuer;
    issuer.ca_file.clone_from(&args.directory_ca_file);
    issuer.agree_tos = args.agree_tos.then_some(true);
    issuer.email = (!args.email.is_empty()).then(|| Addresses(args.email.clone()));
    issuer.account_secret.clone_from(&args.account_secret);
    let key = args.eab_key_file.clone().map(Credential::File);
    let key = key.or_else(|| args.eab_key_env.clone().map(Credential::Env));
    issuer.eab = match (&args.eab_kid, key) {
        (None, None) => None,
        (Some(kid), Some(key)) => Some(EabEntry { kid: kid.clone(), key }),
        (Some(kid), None) if env::has_eab_key(&env::process) => Some(EabEntry {
            kid: kid.clone(),
            key: env::eab_key(),
        }),
        _ => return Err(OpError::because(&SettingsError::HalfBinding)),
    };
    Ok(layer)
}

/// What the flags of an issuance say.
pub(super) fn issue_layer(args: &IssuanceArgs) -> Result<Layer, OpError> {
    let some = |list: &Vec<_>| (!list.is_empty()).then(|| list.clone());
    let mut layer = ca_layer(&args.ca)?;
    layer.issuer.profile.clone_from(&args.order.profile);
    layer.issuer.preferred_chain.clone_from(&args.order.preferred_chain);
    layer.dns.clone_from(&args.dns01.dns);
    layer.issuer.challenge = args.dns01.challenge;
    layer.ignore_rate_limits = args.order.ignore_rate_limits;
    layer.force = args.order.force;
    layer.overwrite_with_staging = args.order.overwrite_with_staging;
    let file = &mut layer.file;
    file.certificate.key_type = args.order.key_type;
    file.certificate.reuse_key = args.order.reuse_key.then_some(true);
    file.certificate.concurrency = args.order.concurrency;
    let http01 = &args.http01;
    file.http01.solver = http01.solver;
    file.solver.image.clone_from(&http01.solver_image);
    file.solver.image_pull_secrets = some(&http01.solver_pull_secret);
    if !http01.solver_node_selector.is_empty() {
        let labels = http01.solver_node_selector.iter();
        file.solver.node_selector = Some(labels.map(|l| (l.key.clone(), l.value.clone())).collect());
    }
    if !http01.solver_toleration.is_empty() {
        file.solver.tolerations = Some(http01.solver_toleration.clone());
    }
    file.http01.service.clone_from(&http01.solver_service);
    file.http01.advertise = http01.advertise;
    file.http01.self_check = http01.self_check;
    file.http01.resolve_timeout = http01.resolve_timeout;
    if !args.dns01.resolver.is_empty() {
        file.dns01.resolvers = Some(args.dns01.resolver.clone());
    }
    file.dns01.follow_cname = args.dns01.follow_cname.then_some(true);
    file.dns01.propagation_timeout = args.dns01.propagation_timeout;
    file.dns01.propagation_wait = args.dns01.propagation_wait;
    file.storing.secret_keys.clone_from(&args.store.secret_keys);
    if !args.store.restart.is_empty() {
        file.storing.restart = Some(args.store.restart.clone());
    }
    file.storing.wait = args.store.wait;
    if !args.store.ca_file.is_empty() {
        file.storing.ca_files = Some(args.store.ca_file.clone());
    }
    Ok(layer)
}
