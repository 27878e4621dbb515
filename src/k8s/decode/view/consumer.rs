//! Pods, the workloads that hold a Pod template, and service accounts: which Secrets they use, and how.

use std::collections::HashMap;

use super::{
    super::wire::{Fields, Malformed, Value, text_of},
    meta::{Labels, meta},
};
use crate::object::{
    Consumer, Kind, Meta, Seconds, Text,
    consumer::{How, SecretUse},
};

/// A Pod, workload or service account.
pub(super) fn consumer(kind: Kind, message: &[u8]) -> Result<Consumer, Malformed> {
    let mut consumer = Consumer {
        kind,
        meta: Meta::default(),
        uses: Vec::new(),
        started: None,
        ended: false,
        program: None,
    };
    let mut uses = Uses::default();
    for field in Fields::new(message) {
        match (kind, field?) {
            (Kind::Pod, (1, value)) => consumer.meta = meta(value, Labels::Kept)?,
            (_, (1, value)) => consumer.meta = meta(value, Labels::Dropped)?,
            (Kind::ServiceAccount, (2, value)) => uses.add(text_of(value.bytes()?, 3)?, How::Other),
            (Kind::ServiceAccount, (3, value)) => uses.add(text_of(value.bytes()?, 1)?, How::Other),
            (Kind::ServiceAccount, _) => {}
            (Kind::Pod, (2, value)) => uses.pod_spec(value)?,
            (Kind::Pod, (3, value)) => pod_status(value, &mut consumer)?,
            (_, (2, value)) => workload_spec(kind, value, &mut uses)?,
            _ => {}
        }
    }
    let labels = std::mem::take(&mut uses.labels);
    if !labels.is_empty() {
        let mut more = consumer.meta.more.take().map(|more| *more).unwrap_or_default();
        more.labels = labels;
        consumer.meta.more = more.boxed();
    }
    consumer.uses = uses.finish();
    Ok(consumer)
}

/// Finds the Pod template in a workload's spec.
fn workload_spec<'a>(kind: Kind, value: Value<'a>, uses: &mut Uses<'a>) -> Result<(), Malformed> {
    let wanted = match kind {
        Kind::Job => 6,
        Kind::CronJob => 5,
        Kind::DaemonSet => 2,
        _ => 3,
    };
    for field in value.message()? {
        let (number, template) = field?;
        if number != wanted {
            continue;
        }
        // Both kinds of template have their spec in field 2.
        for field in template.message()? {
            match field? {
                (2, spec) if kind == Kind::CronJob => workload_spec(Kind::Job, spec, uses)?,
                (1, metadata) if kind != Kind::CronJob => {
                    uses.labels = meta(metadata, Labels::Kept)?
                        .more
                        .map(|more| more.labels)
                        .unwrap_or_default();
                }
                (2, spec) => uses.pod_spec(spec)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn pod_status(value: Value<'_>, consumer: &mut Consumer) -> Result<(), Malformed> {
    for field in value.message()? {
        match field? {
            (1, phase) => consumer.ended = matches!(phase.bytes()?, b"Succeeded" | b"Failed"),
            (8, status) => {
                let started = running_since(status)?;
                consumer.started = consumer.started.into_iter().chain(started).min();
            }
            _ => {}
        }
    }
    Ok(())
}

/// state.running.startedAt of a container that runs.
fn running_since(status: Value<'_>) -> Result<Option<Seconds>, Malformed> {
    let mut since = None;
    for field in status.message()? {
        let (2, state) = field? else { continue };
        for field in state.message()? {
            let (2, running) = field? else { continue };
            for field in running.message()? {
                if let (1, value) = field? {
                    since = super::time(value)?;
                }
            }
        }
    }
    Ok(since)
}

/// How the containers mount a volume.
#[derive(Debug, Clone, Copy, Default)]
struct Mounts {
    whole: bool,
    part: bool,
}

/// The uses that a Pod's spec has, as they are found.
#[derive(Default)]
struct Uses<'a> {
    found: Vec<SecretUse>,
    /// The labels of the Pods that a template makes.
    labels: Box<[(Text, Text)]>,
    /// Name of the volume, name of the Secret.
    volumes: Vec<(&'a [u8], Text)>,
    /// Name of the volume, whether it is mounted by subPath.
    mounts: Vec<(&'a [u8], bool)>,
}

impl<'a> Uses<'a> {
    fn add(&mut self, name: Option<Text>, how: How) {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.found.push(SecretUse { name, how });
        }
    }

    fn pod_spec(&mut self, value: Value<'a>) -> Result<(), Malformed> {
        for field in value.message()? {
            match field? {
                (1, volume) => self.volume(volume)?,
                (2 | 20, container) => self.container(container)?,
                (15, reference) => self.add(text_of(reference.bytes()?, 1)?, How::Other),
                (34, ephemeral) => {
                    for field in ephemeral.message()? {
                        if let (1, container) = field? {
                            self.container(container)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A volume of one Secret, or projected from several sources.
    fn volume(&mut self, value: Value<'a>) -> Result<(), Malformed> {
        let (mut volume, mut secrets) = (&[][..], Vec::new());
        for field in value.message()? {
            match field? {
                (1, name) => volume = name.bytes()?,
                (2, source) => {
                    for field in source.message()? {
                        match field? {
                            (6, secret) => secrets.extend(text_of(secret.bytes()?, 1)?),
                            (26, projected) => projected_secrets(projected, &mut secrets)?,
                            // nodePublishSecretRef of a CSI driver.
                            (28, csi) => {
                                if let Some(reference) = inner(csi, &[5])? {
                                    self.add(text_of(reference.bytes()?, 1)?, How::Other);
                                }
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let named = secrets.into_iter().filter(|name| !name.is_empty());
        self.volumes.extend(named.map(|name| (volume, name)));
        Ok(())
    }

    fn container(&mut self, value: Value<'a>) -> Result<(), Malformed> {
        for field in value.message()? {
            match field? {
                (7, variable) => {
                    if let Some(selector) = inner(variable, &[3, 4])? {
                        self.add(local_reference(selector)?, How::Environment);
                    }
                }
                (9, mount) => self.mount(mount)?,
                (19, source) => {
                    if let Some(source) = inner(source, &[3])? {
                        self.add(local_reference(source)?, How::Environment);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn mount(&mut self, value: Value<'a>) -> Result<(), Malformed> {
        let (mut volume, mut part) = (&[][..], false);
        for field in value.message()? {
            match field? {
                (1, name) => volume = name.bytes()?,
                (4 | 6, path) => part |= !path.bytes()?.is_empty(),
                _ => {}
            }
        }
        self.mounts.push((volume, part));
        Ok(())
    }

    /// All uses, each once, by name. A volume that nothing mounts is still one.
    fn finish(mut self) -> Vec<SecretUse> {
        if !self.volumes.is_empty() {
            let mut mounted: HashMap<&[u8], Mounts> = HashMap::new();
            for (volume, part) in self.mounts {
                let mounts = mounted.entry(volume).or_default();
                mounts.whole |= !part;
                mounts.part |= part;
            }
            for (volume, name) in self.volumes {
                let mounts = mounted.get(volume).copied().unwrap_or_default();
                if mounts.part {
                    let name = name.clone();
                    self.found.push(SecretUse {
                        name,
                        how: How::SubPath,
                    });
                }
                if mounts.whole || !mounts.part {
                    self.found.push(SecretUse { name, how: How::Volume });
                }
            }
        }
        self.found
            .sort_by(|a, b| (&a.name, a.how as u8).cmp(&(&b.name, b.how as u8)));
        self.found.dedup();
        self.found
    }
}

fn projected_secrets(value: Value<'_>, secrets: &mut Vec<Text>) -> Result<(), Malformed> {
    for field in value.message()? {
        let (1, source) = field? else { continue };
        if let Some(secret) = inner(source, &[1])? {
            secrets.extend(local_reference(secret)?);
        }
    }
    Ok(())
}

/// The message at the end of a path of fields.
fn inner<'a>(value: Value<'a>, path: &[u32]) -> Result<Option<Value<'a>>, Malformed> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(Some(value));
    };
    for field in value.message()? {
        let (number, value) = field?;
        if number == *first {
            return inner(value, rest);
        }
    }
    Ok(None)
}

/// The name in the `LocalObjectReference` that is a message's first field.
fn local_reference(value: Value<'_>) -> Result<Option<Text>, Malformed> {
    match inner(value, &[1])? {
        Some(reference) => text_of(reference.bytes()?, 1),
        None => Ok(None),
    }
}
