//! Whom a use case trusts: the public roots, those of `--ca-file`, and what the settings file says.

use std::{path::Path, sync::Arc};

use crate::{
    error::chain,
    policy::NamesPolicy,
    scan,
    settings::{env, layer::Layer, policy, source, trust, value::SecretKeys},
    source::pairs,
    x509::{Anchors, Judge},
};

use super::{Checks, OpError, files::read_file};

/// A `--ca-file` is read whole; a bundle of all public roots is 300 KB.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// The roots, those of `--ca-file` and of `trust:` in the settings too, and the signatures that earlier runs have verified.
/// `context` is the kubeconfig's; manifests, files and servers have none (an empty one).
pub fn judge(check: &Checks, context: &str) -> Result<Judge, OpError> {
    judge_with(given(check)?, own_settings(check)?.as_ref(), context)
}

/// What the settings file says, where there is one.
pub(super) fn own_settings(check: &Checks) -> Result<Option<Layer>, OpError> {
    source::local_file(check.config.as_deref(), &env::process).map_err(|error| OpError::because(&error))
}

/// The names policy of `--policy`; `None` where none is asked.
pub(super) fn names_policy(check: &Checks) -> Result<Option<Arc<NamesPolicy>>, OpError> {
    let Some(path) = &check.policy else { return Ok(None) };
    let layer = source::file(path, true).map_err(|error| OpError::because(&error))?;
    let policy = layer.map(|layer| policy::names_of(&layer.file.policy)).transpose();
    let policy = policy.map_err(OpError::usage)?.flatten();
    policy.map(Some).ok_or_else(|| {
        OpError::usage(format!("{} has no policy.names", path.display())).hint(
            "`--policy` names a settings file of the controller: its `policy.names` says which namespaces may have which names",
        )
    })
}

/// The same, of what has been read already.
pub(super) fn judge_with(mut anchors: Anchors, settings: Option<&Layer>, context: &str) -> Result<Judge, OpError> {
    let file = settings.map_or(&[][..], std::slice::from_ref);
    let entries = trust::entries(file);
    let roots = trust::roots(entries, context).map_err(|error| OpError::because(&error))?;
    for root in roots {
        trusted(&mut anchors, &root)?;
    }
    // What a renewal trusts too, status does.
    for root in trust::of_storing(file) {
        trusted(&mut anchors, &root.map_err(|error| OpError::because(&error))?)?;
    }
    Ok(Judge::new(anchors, scan::memo::load()))
}

/// The data keys of certificates besides the known ones: those of `--secret-keys`, and those under which the settings have this program
/// store.
pub(super) fn secret_keys(check: &Checks, settings: Option<&Layer>) -> Vec<pairs::Pattern> {
    let stored = settings
        .and_then(|layer| layer.file.storing.secret_keys.as_ref())
        .filter(|keys| **keys != SecretKeys::default())
        .and_then(|keys| keys.to_string().parse().ok());
    check.secret_keys.iter().cloned().chain(stored).collect()
}

/// The public roots, and those of `--ca-file`.
pub(super) fn given(check: &Checks) -> Result<Anchors, OpError> {
    let mut anchors = Anchors::public();
    for file in &check.ca_file {
        let text = read_ca_file(file)?;
        anchors.add_pem(&text).map_err(|error| {
            OpError::usage(format!("cannot use --ca-file {}: {}", file.display(), chain(&error)))
                .hint("it holds the roots to trust as PEM: -----BEGIN CERTIFICATE-----")
        })?;
    }
    Ok(anchors)
}

/// Adds what the settings trust.
pub fn trusted(anchors: &mut Anchors, root: &trust::Root) -> Result<(), OpError> {
    anchors.add_pem(&root.pem).map(drop).map_err(|error| {
        OpError::usage(format!("the setting {} cannot be used: {}", root.name, chain(&error)))
            .hint("it holds the roots to trust as PEM: -----BEGIN CERTIFICATE-----")
    })
}

/// Reads a file of `--ca-file`.
pub(super) fn read_ca_file(file: &Path) -> Result<Vec<u8>, OpError> {
    read_file(file, LARGEST_CA_FILE)
        .map_err(|error| OpError::usage(format!("cannot read --ca-file {}: {error}", file.display())))
}
