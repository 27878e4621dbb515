//! The steps of a run in the form in which they are shown.

use super::{Prepared, Preparing, slots};
use crate::{
    apply::backup,
    engine::{choose::method_under, journal, lease},
    event::Method,
    name::Name,
    object::Key,
    plan::{Target, standing::LABEL, steps::Step},
    settings::Dns01Settings,
    solve::http01::{self, Backend},
};

impl Preparing<'_> {
    /// The steps for one target.
    pub fn steps(&self, target: &Target, prepared: &Prepared) -> Vec<Step> {
        let settings = self.settings;
        let mut steps = Vec::new();
        if self.connection.is_some() {
            steps.push(Step::Lease {
                object: Key::new(target.secret.namespace.clone(), lease::name(&target.secret)),
            });
            steps.push(Step::Journal {
                object: Key::new(target.secret.namespace.clone(), journal::name(&target.secret)),
            });
        }
        let present = self.inventory.secrets().get(&target.secret).and_then(|s| s.leaf());
        let key = settings
            .certificate
            .said
            .key_type
            .or_else(|| present.and_then(|leaf| crate::apply::KeyKind::of(&leaf.key)))
            .unwrap_or_default();
        steps.push(Step::Order {
            issuer: settings.chosen.issuer.name.clone(),
            names: target.names.order.clone(),
            profile: settings.chosen.issuer.profile.clone(),
            replaces: false,
            key: key.as_str().to_owned(),
            changes_ca: target.changes_ca.clone(),
        });
        for name in &target.names.order {
            steps.push(Step::Prove {
                name: name.clone(),
                method: method_under(&settings.dns01, name),
                through: self.through(name, prepared),
            });
        }
        if settings.chosen.rehearsal {
            steps.push(Step::Rehearse {
                secret: target.secret.clone(),
            });
        } else if let Some(directory) = &self.directory {
            steps.push(Step::File {
                path: directory.path(&target.secret).display().to_string(),
            });
        } else {
            let exists = self.inventory.secrets().get(&target.secret).is_some();
            if target.held.is_some() {
                steps.push(Step::Backup {
                    object: backup::key(&target.secret),
                });
            }
            let slots = slots(settings);
            steps.push(Step::Write {
                secret: target.secret.clone(),
                create: !exists,
                keys: vec![slots.certificate, slots.key],
            });
            let restarted = prepared
                .restarts
                .get(&target.secret)
                .into_iter()
                .flat_map(|r| &r.restarted);
            steps.extend(restarted.map(|workload| Step::Restart {
                workload: workload.to_string(),
            }));
            let hosts: Vec<String> = target
                .uses
                .iter()
                .flat_map(|used| used.hosts.iter().map(|(host, _)| host.to_string()))
                .collect();
            if !hosts.is_empty() && !settings.storing.wait.is_zero() {
                steps.push(Step::Look {
                    hosts,
                    seconds: settings.storing.wait.as_secs(),
                });
            }
        }
        steps.push(Step::CleanUp);
        steps
    }

    /// What proves a name, in words.
    pub(in crate::engine) fn through(&self, name: &Name, prepared: &Prepared) -> String {
        match method_under(&self.settings.dns01, name) {
            Method::Dns01 => return dns_words(&self.settings.dns01, name, prepared),
            Method::DnsPersist01 => {
                let base = name.base().unwrap_or_default();
                return format!("the record at {LABEL}.{base}, which has to be there and stays");
            }
            Method::Http01 => {}
        }
        if let Some(error) = prepared.unplaced.get(name) {
            return format!("impossible: {error}");
        }
        let answers = match &prepared.backend {
            Backend::Pod => self.pod_words(),
            Backend::Endpoint { advertise, .. } => format!("answered by this process at {advertise}"),
            Backend::Service(service) => format!("answered by Service {}", service.name),
        };
        match prepared.places.get(name) {
            Some(place) => match &place.route {
                Some(route) => format!(
                    "through {} {} ({}), {answers}",
                    route.kind.as_str(),
                    route.key,
                    place.controller
                ),
                None => format!(
                    "through an Ingress of the default class in {} ({}), {answers}",
                    place.namespace, place.controller
                ),
            },
            None => answers,
        }
    }

    fn pod_words(&self) -> String {
        let http = &self.settings.http01;
        match (&http.image, http.nodes.as_slice()) {
            (Some(image), []) => format!("answered by a Pod ({image})"),
            (Some(image), [node]) => format!("answered by a Pod ({image}, which node {node} has)"),
            (Some(image), nodes) => format!("answered by a Pod ({image}, which {} nodes have)", nodes.len()),
            (None, _) => format!("answered by a Pod ({}, which is pulled)", http01::image::PUBLIC),
        }
    }
}

fn dns_words(settings: &Dns01Settings, name: &Name, prepared: &Prepared) -> String {
    let base = name.base().unwrap_or_default();
    match prepared.served.get(base) {
        Some(Ok((provider, place))) => {
            return format!(
                "a record at {} in zone {}, by provider {provider}",
                place.name, place.zone
            );
        }
        Some(Err(error)) => return format!("impossible: {error}"),
        None => {}
    }
    match prepared.provider(settings, name) {
        Some(provider) => format!("a record at _acme-challenge.{base}, by provider {provider}"),
        None if settings.providers.is_empty() => "impossible: no DNS provider is configured for it".to_owned(),
        // A CNAME may lead into a zone that a provider serves. DNS is asked before the order.
        None => format!("a record where _acme-challenge.{base} leads, by the provider of that zone"),
    }
}
