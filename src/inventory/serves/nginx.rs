//! ingress-nginx, according to the source of v1.15.1.
//!
//! Each host of a rule becomes a server, and nothing else does (`internal/ingress/controller/controller.go`,
//! `createServers`). The certificate of a server comes from the oldest Ingress that has the host in a rule and that has
//! any tls entry. The first tls entry that lists the host counts, even without a secretName; if none lists it, the
//! first Secret of those entries whose names cover it (`extractTLSSecretName`). If a Secret cannot be loaded
//! (`store/backend_ssl.go`, `getPemCertificate`; `net/ssl/ssl.go`, `CreateSSLCert`, `CheckCACert`) or does not name the
//! host, the default certificate is served instead; an expired one is served as it is. The common name counts if there
//! are no other names (`certificate.go`, `verifyHostname`). The server of a rule without a host always has the default
//! certificate.
//!
//! A client gets the certificate of the server with its server name, otherwise that of the wildcard directly above it,
//! otherwise the default certificate, which is also for clients without a server name
//! (`rootfs/etc/nginx/lua/certificate.lua`).

use crate::{
    inventory::{
        Inventory,
        binding::{Binding, Origin, RouteKey},
        derive::MANY,
        ingress::{EVERY_HOST, normal_host, wildcard_over, www_counterpart},
        secrets::Stored,
    },
    object::{Ingress, Key},
    x509::{San, names},
};

use super::{
    Serving,
    choice::{covers, usable},
};

/// What clients get for the host of a binding.
pub(super) fn serves<'a>(inventory: &'a Inventory, binding: &Binding) -> Serving<'a> {
    let host = binding.host.as_str();
    if host == EVERY_HOST {
        return default(inventory, &binding.route);
    }
    if let Some(server) = inventory.nginx_server(&binding.route, host) {
        return seen_from(binding, server, of_server(inventory, server));
    }
    if matches!(binding.origin, Origin::Alias | Origin::Redirect)
        && let Some(serving) = beside(inventory, binding)
    {
        return serving;
    }
    let wide = wildcard_over(host).filter(|_| !host.starts_with('*'));
    match wide.and_then(|wide| inventory.nginx_server(&binding.route, &wide)) {
        Some(server) => of_server(inventory, server).of_another(),
        None => default(inventory, &binding.route),
    }
}

/// The certificate of a server, according to the Ingress that provides it.
fn of_server<'a>(inventory: &'a Inventory, server: &Binding) -> Serving<'a> {
    let default = || default(inventory, &server.route);
    let Some(ingress) = inventory.ingress_of(&server.route) else {
        return Serving::Nothing;
    };
    if let Origin::Entry(position) = server.origin {
        let Some(key) = secret_of_entry(ingress, position, server) else {
            return default();
        };
        match inventory.secrets.get(&key) {
            Some(stored) if loads(stored) && is_for(stored, &server.host) => Serving::Named(stored),
            None if inventory.is_unread(&key) => Serving::Unread,
            _ => default(),
        }
    } else {
        let names = ingress.tls.iter().filter_map(|entry| entry.secret.as_ref()).take(MANY);
        let mut unknown = false;
        for name in names {
            let key = Key::new(ingress.meta.namespace.clone(), name.clone());
            match inventory.secrets.get(&key) {
                // The common name plays no part here.
                Some(stored) if loads(stored) && covers(stored, &server.host) => {
                    return if server.secrets.contains(&key) {
                        Serving::Named(stored)
                    } else {
                        Serving::Other(stored)
                    };
                }
                Some(_) => {}
                None => unknown |= inventory.is_unread(&key),
            }
        }
        if unknown { Serving::Unread } else { default() }
    }
}

/// The Secret of the tls entry at a position. Positions are counted up to 65,534; for later entries the binding has the
/// first one.
fn secret_of_entry(ingress: &Ingress, position: u16, server: &Binding) -> Option<Key> {
    if position == u16::MAX {
        return server.secrets.first().cloned();
    }
    let name = ingress.tls.get(usize::from(position))?.secret.as_ref()?;
    Some(Key::new(ingress.meta.namespace.clone(), name.clone()))
}

/// What an alias or a redirected host gets: the certificate of the host that it belongs to, if it covers the alias.
/// `None` if it does not.
fn beside<'a>(inventory: &'a Inventory, binding: &Binding) -> Option<Serving<'a>> {
    let ingress = inventory.ingress_of(&binding.route)?;
    let base = if binding.origin == Origin::Redirect {
        www_counterpart(&binding.host)
    } else {
        let hosts = ingress.rules.iter().map(|host| normal_host(host));
        hosts.filter(|host| host != EVERY_HOST).max()?
    };
    let server = inventory.nginx_server(&binding.route, &base)?;
    let serving = seen_from(binding, server, of_server(inventory, server));
    match serving {
        Serving::Default(None) => None,
        Serving::Nothing | Serving::Unread => Some(serving),
        _ => serving
            .stored()
            .is_some_and(|stored| is_for(stored, &binding.host))
            .then_some(serving),
    }
}

/// The certificate of a server from the point of view of one route of the host: a certificate that another route
/// brought is `Other`.
fn seen_from<'a>(binding: &Binding, server: &Binding, serving: Serving<'a>) -> Serving<'a> {
    if server.route == binding.route {
        serving
    } else {
        serving.of_another()
    }
}

/// The default certificate: the Secret that the controller is configured to take, if it can be loaded, otherwise the
/// self-signed one (`controller.go`, `getDefaultSSLCertificate`).
fn default<'a>(inventory: &'a Inventory, route: &RouteKey) -> Serving<'a> {
    let Some(key) = inventory.default_certificate(route) else {
        return if inventory.has_unknown_default(route) {
            Serving::Unread
        } else {
            Serving::Default(None)
        };
    };
    if inventory.is_unread(key) {
        return Serving::Unread;
    }
    let stored = inventory.secrets.get(key);
    Serving::Default(stored.filter(|stored| loads(stored)))
}

/// Whether the controller loads the Secret: the key matches the first certificate of the file, and a `ca.crt` beside
/// them can be read.
pub(super) fn loads(stored: &Stored) -> bool {
    usable(stored) && stored.bundle.leaf == Some(0) && stored.ca_fault.is_none()
}

/// Whether the certificate names the host: by its subject alternative names, or by its common name if it has none.
fn is_for(stored: &Stored, host: &str) -> bool {
    covers(stored, host)
        || stored.leaf().is_some_and(|leaf| {
            let common_name = leaf.common_name().filter(|_| !leaf.has_san);
            common_name.is_some_and(|name| names::matches(host, &San::Dns(name.into())))
        })
}
