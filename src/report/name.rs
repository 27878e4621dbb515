//! `-o name`: `RESOURCE.GROUP/NAME`, as kubectl prints names, each object once.

use std::{
    collections::HashSet,
    io::{self, BufWriter, Write},
};

use super::rows::Rows;
use crate::text::Clear;

/// Writes the name of each object that `rows` are about, once, in the rows' order: the route, or the Secret where there
/// is no route.
pub fn write(rows: &Rows<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut seen = HashSet::new();
    for row in rows.iter() {
        if row.unread().is_some() {
            continue;
        }
        let (kind, name) = row.subject();
        if seen.insert((row.context, row.namespace, kind, name)) {
            writeln!(out, "{}/{}", kind.row().full_name(), Clear(name))?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{object::Kind, report::fixtures::Shop};

    #[test]
    fn each_object_is_named_once_as_kubectl_names_it() {
        let shop = Shop::new();
        let mut out = Vec::new();
        write(&shop.rows().into(), &mut out).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
    }

    #[test]
    fn a_name_leads_kubectl_to_the_group_that_has_the_object() {
        for (kind, name) in [
            (Kind::Ingress, "ingress.networking.k8s.io"),
            (Kind::Gateway, "gateway.gateway.networking.k8s.io"),
            (Kind::ListenerSet, "listenerset.gateway.networking.k8s.io"),
            (Kind::XListenerSet, "xlistenerset.gateway.networking.x-k8s.io"),
            (Kind::IngressRoute, "ingressroute.traefik.io"),
            (Kind::OldIngressRoute, "ingressroute.traefik.containo.us"),
            (Kind::IngressRouteTcp, "ingressroutetcp.traefik.io"),
            (Kind::Secret, "secret"),
        ] {
            assert_eq!(kind.row().full_name(), name);
        }
    }
}
