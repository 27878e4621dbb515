//! The names and hosts that an object contains.

use super::{Object, Text, gateway::Listener};

impl Object {
    /// Whether `is` returns true for one of its names, hosts or references.
    pub fn some_text(&self, is: impl Fn(&Text) -> bool) -> bool {
        let is = &is;
        let any = |texts: &[Text]| texts.iter().any(is);
        let some = |text: &Option<Text>| text.iter().any(is);
        let listeners = |list: &[Listener]| {
            list.iter()
                .any(|l| some(&l.hostname) || l.certificate_refs.iter().any(|r| is(&r.name)))
        };
        let meta = self.meta();
        is(&meta.name)
            || is(&meta.namespace)
            || match self {
                Self::Ingress(o) => any(&o.rules) || o.tls.iter().any(|t| any(&t.hosts) || some(&t.secret)),
                Self::Gateway(o) => listeners(&o.listeners),
                Self::ListenerSet(o) => listeners(&o.listeners),
                Self::Route(o) => any(&o.hostnames),
                Self::IngressRoute(o) => any(&o.hosts) || o.tls.iter().any(|t| any(&t.domains) || some(&t.secret)),
                Self::HostRoute(o) => any(&o.hosts) || o.tls.iter().any(|t| any(&t.domains) || some(&t.secret)),
                Self::TlsStore(o) => some(&o.default) || any(&o.certificates),
                Self::Certificate(o) => is(&o.secret) || any(&o.dns_names),
                _ => false,
            }
    }
}
