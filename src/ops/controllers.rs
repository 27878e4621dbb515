//! What the settings say of ingress controllers, for commands that judge.

use std::collections::BTreeMap;

use super::Front;
use crate::{
    inventory::{Controller, programs::Told},
    object::Text,
    settings::{
        env,
        file::ControllerWord,
        layer::{Layer, Origin},
        source,
    },
};

/// By the name of the controller. Settings that cannot be read are told on stderr, and judging goes on without them.
pub(super) fn told(front: &dyn Front) -> BTreeMap<Text, Told> {
    let layers = match source::layers(Layer::empty(Origin::Flags), None, &env::process) {
        Ok(layers) => layers,
        Err(error) => {
            front.warn(&format!(
                "the settings are ignored: {}; `kubectl certs config check` says more",
                crate::error::chain(&error)
            ));
            return BTreeMap::new();
        }
    };
    let mut told = BTreeMap::new();
    // The weakest first, so that the strongest is the last to write.
    for layer in layers.iter().rev() {
        for (name, entry) in &layer.file.controllers {
            let one = Told {
                controller: entry.is.map(controller),
                default_certificate: entry.default_certificate.as_ref().map(|named| named.0.clone()),
            };
            told.insert(Text::from(name), one);
        }
    }
    told
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
