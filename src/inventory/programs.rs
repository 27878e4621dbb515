//! Which program is behind a controller's name. A name is not proof: Traefik also serves the classes of ingress-nginx
//! (3.5 and later, the provider `kubernetesIngressNGINX`), and a second ingress-nginx has a different name. The
//! settings decide, then the Pods; if neither says anything, the name is believed.

use std::collections::BTreeMap;

use crate::object::{
    Key, Kind, Text,
    program::{DefaultSecret, Program, Software},
};

use super::{Inventory, binding::RouteKey, controller::Controller};

/// The settings for one controller name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPrograms {
    /// The controller; `None` leaves it to the Pods and the name.
    pub controller: Option<Controller>,
    /// The Secret with its default certificate.
    pub default_certificate: Option<Key>,
}

/// The known programs behind the names of controllers.
#[derive(Debug, Default)]
pub(super) struct Programs {
    told: BTreeMap<Text, NamedPrograms>,
    /// Programs of Pods and workloads, by kind and name.
    found: BTreeMap<(Kind, Key), Program>,
    /// Programs of the Pods that were queried in a cluster.
    running: Vec<Program>,
}

impl Programs {
    /// The program behind a name. ingress-nginx takes precedence over Traefik if both run: during a migration from one
    /// to the other both serve the Ingresses, and the stricter one is reported.
    fn of(&self, name: &str) -> Option<&Program> {
        self.all(name)
            .find(|program| program.software == Software::IngressNginx)
            .or_else(|| self.all(name).next())
    }

    /// Whether a program behind a name may pass TLS through to the backends: its Pods were not read, or do not rule it
    /// out.
    pub(super) fn may_pass_through(&self, name: &str) -> bool {
        let mut known = self.all(name).peekable();
        known.peek().is_none() || known.any(|program| program.may_pass_through)
    }

    /// All programs behind a name.
    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Program> {
        let all = self.running.iter().chain(self.found.values());
        all.filter(move |program| program.controller_name == name)
    }
}

impl Inventory {
    /// Records the settings for controllers, by their names.
    pub fn tell_controllers(&mut self, told: BTreeMap<Text, NamedPrograms>) {
        self.programs.told = told;
        self.mark_all_ingresses();
    }

    /// Records which ingress controllers run in the cluster.
    pub fn set_programs(&mut self, programs: Vec<Program>) {
        if self.programs.running != programs {
            self.programs.running = programs;
            self.mark_all_ingresses();
        }
    }

    /// Records what a Pod or workload runs.
    pub(super) fn set_program(&mut self, kind: Kind, key: &Key, program: Option<&Program>) {
        let id = (kind, key.clone());
        let changed = match program {
            Some(program) => self.programs.found.insert(id, program.clone()).as_ref() != Some(program),
            None => self.programs.found.remove(&id).is_some(),
        };
        if changed {
            self.mark_all_ingresses();
        }
    }

    /// Whether the Pods of the cluster have to be queried, because they identify the program of a class.
    pub fn wants_programs(&self) -> bool {
        let open = |name: &Text| {
            matches!(
                Controller::of_controller_name(name),
                Controller::IngressNginx | Controller::Unknown
            ) && self
                .programs
                .told
                .get(name)
                .is_none_or(|told| told.controller.is_none())
        };
        self.ingresses.values().next().is_some() && self.classes.values().any(|class| open(&class.controller))
    }

    /// The controller behind an `IngressClass.spec.controller`.
    pub(super) fn controller_named(&self, name: &str) -> Controller {
        if let Some(controller) = self.programs.told.get(name).and_then(|told| told.controller) {
            return controller;
        }
        match self.programs.of(name).map(|program| program.software) {
            Some(Software::IngressNginx) => Controller::IngressNginx,
            Some(Software::Traefik) => Controller::Traefik,
            None => Controller::of_controller_name(name),
        }
    }

    /// The `spec.controller` of the class of an Ingress.
    fn controller_name(&self, route: &RouteKey) -> Option<&Text> {
        if route.kind != Kind::Ingress {
            return None;
        }
        self.classes.get(self.class_name(route)?).map(|class| &class.controller)
    }

    /// Whether only its name says which program serves an Ingress.
    pub fn is_taken_at_its_word(&self, route: &RouteKey) -> bool {
        self.controller_name(route).is_none_or(|name| {
            self.programs
                .told
                .get(name)
                .is_none_or(|told| told.controller.is_none())
                && self.programs.of(name).is_none()
        })
    }

    /// The Secret of the default certificate of a route's controller, if the settings or its Pods name one.
    pub fn default_certificate(&self, route: &RouteKey) -> Option<&Key> {
        let name = self.controller_name(route)?;
        let told = self
            .programs
            .told
            .get(name)
            .and_then(|told| told.default_certificate.as_ref());
        told.or_else(|| self.programs.of(name)?.default_certificate.key())
    }

    /// Whether the controller of a route is known to have no default certificate other than the self-signed one: its
    /// Pods were read, and name none.
    pub fn has_only_its_own_default(&self, route: &RouteKey) -> bool {
        let Some(name) = self.controller_name(route) else {
            return false;
        };
        let program = self.programs.of(name);
        program.is_some_and(|program| program.default_certificate == DefaultSecret::NotNamed)
            && self.default_certificate(route).is_none()
    }

    /// Whether the controller of a route is configured with a default certificate, but it is not known which one.
    pub(super) fn has_unknown_default(&self, route: &RouteKey) -> bool {
        let program = self.controller_name(route).and_then(|name| self.programs.of(name));
        program.is_some_and(|program| program.default_certificate == DefaultSecret::Unknown)
            && self.default_certificate(route).is_none()
    }

    /// The Secrets of all known default certificates.
    pub fn default_certificates(&self) -> impl Iterator<Item = &Key> {
        let told = self
            .programs
            .told
            .values()
            .filter_map(|told| told.default_certificate.as_ref());
        let found = self.programs.running.iter().chain(self.programs.found.values());
        told.chain(found.filter_map(|program| program.default_certificate.key()))
    }
}
