//! The common interface of routes of every kind, implemented once for each shape that a kind of route may have.

use crate::object::{Gateway, HostRoute, Ingress, ListenerSet, Meta, Text, annotation, route::Shape};

use super::{
    Inventory,
    binding::{Binding, RouteKey},
    controller::Controller,
    elsewhere::Keeper,
    hosts::of_host_route,
    ingress::of_ingress,
};

/// What the inventory, the checks and HTTP-01 need to know of a route.
pub trait RouteView<'a>: Copy {
    /// The metadata of the route.
    fn meta(self) -> &'a Meta;

    /// The bindings of the route; those of a Gateway include those of its sets of listeners.
    fn bindings(self, inventory: &'a Inventory) -> Vec<Binding>;

    /// The addresses in the status of the route.
    fn addresses(self, inventory: &'a Inventory) -> &'a [Text];

    /// The class that says which controller serves the route. `None` if it names none and none is the default, and for
    /// kinds that a single controller serves.
    fn class(self, inventory: &'a Inventory) -> Option<&'a Text>;

    /// The controller behind the route.
    fn controller(self, inventory: &'a Inventory) -> Controller;

    /// The keeper of the certificate of a binding whose certificate is not in a Secret.
    fn keeper(self, inventory: &'a Inventory, binding: &Binding) -> Keeper;

    /// Whether the controller issues a certificate for the route's hosts if no Secret has one.
    fn issues_by_resolver(self, inventory: &'a Inventory) -> bool;
}

/// A route of any kind.
#[derive(Debug, Clone, Copy)]
pub enum View<'a> {
    /// An Ingress.
    Ingress(&'a Ingress),
    /// A Gateway.
    Gateway(&'a Gateway),
    /// A set of additional listeners of a Gateway.
    ListenerSet(&'a ListenerSet),
    /// A route that names its hosts and its Secret directly.
    Hosts(&'a HostRoute),
}

impl Inventory {
    /// The bindings of the Ingress at a position.
    pub(super) fn derive_ingress(&self, ingress: &Ingress, position: u32) -> Vec<Binding> {
        let mut fresh = of_ingress(ingress, self.behind(ingress));
        for binding in &mut fresh {
            binding.route.near = position;
        }
        fresh
    }

    /// The route with a key, if it was read.
    pub fn view(&self, route: &RouteKey) -> Option<View<'_>> {
        match route.kind.route()?.shape {
            Shape::Entries => self.ingress_of(route).map(View::Ingress),
            Shape::Hosts | Shape::Fields(_) => self.host_routes.get(route).map(View::Hosts),
            Shape::Listeners if route.kind.is_listener_set() => self.listener_sets.get(route).map(View::ListenerSet),
            Shape::Listeners => self.gateways.get(&route.key).map(View::Gateway),
        }
    }
}

/// Forwards a call to the view of the route's shape.
macro_rules! ask {
    ($view:expr, $route:ident => $answer:expr) => {
        match $view {
            View::Ingress($route) => $answer,
            View::Gateway($route) => $answer,
            View::ListenerSet($route) => $answer,
            View::Hosts($route) => $answer,
        }
    };
}

impl<'a> RouteView<'a> for View<'a> {
    fn meta(self) -> &'a Meta {
        ask!(self, route => route.meta())
    }

    fn bindings(self, inventory: &'a Inventory) -> Vec<Binding> {
        ask!(self, route => route.bindings(inventory))
    }

    fn addresses(self, inventory: &'a Inventory) -> &'a [Text] {
        ask!(self, route => route.addresses(inventory))
    }

    fn class(self, inventory: &'a Inventory) -> Option<&'a Text> {
        ask!(self, route => route.class(inventory))
    }

    fn controller(self, inventory: &'a Inventory) -> Controller {
        ask!(self, route => route.controller(inventory))
    }

    fn keeper(self, inventory: &'a Inventory, binding: &Binding) -> Keeper {
        ask!(self, route => route.keeper(inventory, binding))
    }

    fn issues_by_resolver(self, inventory: &'a Inventory) -> bool {
        ask!(self, route => route.issues_by_resolver(inventory))
    }
}

impl<'a> RouteView<'a> for &'a Ingress {
    fn meta(self) -> &'a Meta {
        &self.meta
    }

    fn bindings(self, inventory: &'a Inventory) -> Vec<Binding> {
        let position = inventory.ingresses.position(&self.meta);
        inventory.derive_ingress(self, position.unwrap_or(u32::MAX))
    }

    fn addresses(self, _: &'a Inventory) -> &'a [Text] {
        &self.addresses
    }

    fn class(self, inventory: &'a Inventory) -> Option<&'a Text> {
        inventory.class_of_ingress(self)
    }

    fn controller(self, inventory: &'a Inventory) -> Controller {
        inventory.controller_of_ingress(self).0
    }

    fn keeper(self, inventory: &'a Inventory, _: &Binding) -> Keeper {
        let annotated = |key| self.meta.annotation(key).is_some();
        match self.controller(inventory) {
            Controller::Alb => Keeper::Aws,
            _ if inventory.behind(self).passes_through(self) => Keeper::Backend,
            _ if annotated(annotation::GKE_MANAGED) || annotated(annotation::GCP_PRE_SHARED) => Keeper::Google,
            _ if annotated(annotation::ALB_CERTIFICATE) => Keeper::Aws,
            _ if self.issues_by_resolver(inventory) => Keeper::Resolver,
            _ => Keeper::Controller,
        }
    }

    fn issues_by_resolver(self, inventory: &'a Inventory) -> bool {
        self.meta.annotation(annotation::TRAEFIK_RESOLVER).is_some() && inventory.behind(self).issues_by_resolver(self)
    }
}

impl<'a> RouteView<'a> for &'a Gateway {
    fn meta(self) -> &'a Meta {
        &self.meta
    }

    fn bindings(self, inventory: &'a Inventory) -> Vec<Binding> {
        inventory.bindings_of_gateway(&self.meta.key())
    }

    fn addresses(self, _: &'a Inventory) -> &'a [Text] {
        &self.addresses
    }

    fn class(self, _: &'a Inventory) -> Option<&'a Text> {
        Some(&self.class)
    }

    fn controller(self, inventory: &'a Inventory) -> Controller {
        inventory.controller_of_gateway(self)
    }

    fn keeper(self, inventory: &'a Inventory, binding: &Binding) -> Keeper {
        let listener = inventory.listener(binding);
        let keeper = listener.and_then(|listener| inventory.keeper_of(self, listener));
        keeper.unwrap_or(Keeper::Controller)
    }

    fn issues_by_resolver(self, _: &'a Inventory) -> bool {
        false
    }
}

impl ListenerSet {
    /// The Gateway that the listeners belong to.
    fn gateway<'a>(&self, inventory: &'a Inventory) -> Option<&'a Gateway> {
        inventory.gateways.get(self.parent.as_ref()?)
    }
}

impl<'a> RouteView<'a> for &'a ListenerSet {
    fn meta(self) -> &'a Meta {
        &self.meta
    }

    fn bindings(self, inventory: &'a Inventory) -> Vec<Binding> {
        let of_gateway = self
            .parent
            .as_ref()
            .map(|gateway| inventory.bindings_of_gateway(gateway));
        let own = RouteKey::new(self.kind(), self.meta.key());
        let bindings = of_gateway.unwrap_or_default().into_iter();
        bindings.filter(|binding| binding.route == own).collect()
    }

    fn addresses(self, inventory: &'a Inventory) -> &'a [Text] {
        self.gateway(inventory).map_or(&[], |gateway| &gateway.addresses)
    }

    fn class(self, inventory: &'a Inventory) -> Option<&'a Text> {
        self.gateway(inventory).map(|gateway| &gateway.class)
    }

    fn controller(self, inventory: &'a Inventory) -> Controller {
        let gateway = self.gateway(inventory);
        gateway.map_or(Controller::Unknown, |gateway| gateway.controller(inventory))
    }

    fn keeper(self, inventory: &'a Inventory, binding: &Binding) -> Keeper {
        let gateway = self.gateway(inventory);
        gateway.map_or(Keeper::Controller, |gateway| gateway.keeper(inventory, binding))
    }

    fn issues_by_resolver(self, _: &'a Inventory) -> bool {
        false
    }
}

impl<'a> RouteView<'a> for &'a HostRoute {
    fn meta(self) -> &'a Meta {
        &self.meta
    }

    fn bindings(self, _: &'a Inventory) -> Vec<Binding> {
        of_host_route(self)
    }

    fn addresses(self, _: &'a Inventory) -> &'a [Text] {
        &[]
    }

    fn class(self, _: &'a Inventory) -> Option<&'a Text> {
        None
    }

    fn controller(self, _: &'a Inventory) -> Controller {
        Controller::alone_with(self.kind).unwrap_or(Controller::Unknown)
    }

    fn keeper(self, inventory: &'a Inventory, _: &Binding) -> Keeper {
        if self.issues_by_resolver(inventory) {
            Keeper::Resolver
        } else {
            Keeper::Controller
        }
    }

    fn issues_by_resolver(self, _: &'a Inventory) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.resolver)
    }
}
