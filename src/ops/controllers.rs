//! What the settings say of ingress controllers, for commands that judge.

use std::collections::BTreeMap;

use crate::{
    inventory::{Controller, programs::NamedPrograms},
    object::Text,
    settings::{file::ControllerWord, layer::Layer},
};

/// By the name of the controller.
pub(super) fn told(settings: Option<&Layer>) -> BTreeMap<Text, NamedPrograms> {
    let entries = settings.into_iter().flat_map(|layer| &layer.file.controllers);
    entries
        .map(|(name, entry)| {
            let told = NamedPrograms {
                controller: entry.is.map(controller),
                default_certificate: entry.default_certificate.as_ref().map(|named| named.0.clone()),
            };
            (Text::from(name), told)
        })
        .collect()
}

fn controller(word: ControllerWord) -> Controller {
    match word {
        ControllerWord::IngressNginx => Controller::IngressNginx,
        ControllerWord::Traefik => Controller::Traefik,
        ControllerWord::F5Nginx => Controller::F5Nginx,
        ControllerWord::Haproxy => Controller::HaProxy,
        ControllerWord::HaproxyIngress => Controller::HaProxyIngress,
        ControllerWord::Contour => Controller::Contour,
        ControllerWord::Kong => Controller::Kong,
        ControllerWord::Other => Controller::Unknown,
    }
}
