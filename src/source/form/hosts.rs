//! Kinds of routes that are read by what the register says: the fields with the hosts, and the field with the Secret.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{
    lenient::{name, some},
    meta::{Labels, Meta},
};
use crate::object::{
    HostRoute, Kind, Text,
    route::{Fields, HostTls, RouteStatus, Shape},
};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Object {
    metadata: Option<Meta<Labels>>,
    spec: Value,
    status: Value,
}

/// Reads an object of a kind for which the register has the fields.
pub(super) fn read<'de, D: Deserializer<'de>>(kind: Kind, from: D) -> Result<HostRoute, D::Error> {
    match kind.route().map(|facts| facts.shape) {
        Some(Shape::Fields(fields)) => Ok(view(kind, &fields, Object::deserialize(from)?)),
        _ => Err(D::Error::custom(format_args!("a {} has no form", kind.as_str()))),
    }
}

fn view(kind: Kind, fields: &Fields, object: Object) -> HostRoute {
    let spec = &object.spec;
    let one = |path: &str| texts(spec, path).into_iter().next();
    let is_there = |path: &str| at(spec, path).into_iter().any(Value::is_object);
    let ends = fields.secret.rsplit_once('.').is_none_or(|(above, _)| is_there(above));
    let passed_on = fields
        .passthrough
        .is_some_and(|path| at(spec, path).contains(&&Value::Bool(true)));
    HostRoute {
        kind,
        hosts: fields.hosts.iter().flat_map(|path| texts(spec, path)).collect(),
        other_hosts: false,
        tls: (ends && !passed_on).then(|| HostTls {
            secret: name(one(fields.secret)),
            namespace: fields.namespace.and_then(|path| name(one(path))),
            domains: Vec::new(),
            resolver: false,
        }),
        status: fields.status.map(|fields| RouteStatus {
            permitted: at(&object.status, fields.permitted).contains(&&Value::Bool(true)),
            proof: texts(&object.status, fields.proof).into_iter().next(),
            is_elsewhere: at(&object.status, fields.traffic).contains(&&Value::Bool(false)),
        }),
        meta: object.metadata.into(),
    }
}

/// The texts at a path, including those in lists, without empty ones.
fn texts(spec: &Value, path: &str) -> Vec<Text> {
    let each = at(spec, path).into_iter().flat_map(|value| match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    });
    each.filter_map(|value| some(value.as_str().map(Text::from))).collect()
}

/// The values at a path of the register, below its first field.
fn at<'a>(spec: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![spec];
    for field in path.split('.').skip(1) {
        let below = |value: &'a Value| match field.strip_suffix("[]") {
            Some(list) => value.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
            None => value.get(field).map_or(&[][..], std::slice::from_ref),
        };
        found = found.into_iter().flat_map(below).collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::route::StatusFields;

    /// The fields of Contour's `HTTPProxy`.
    const ONE: Fields = Fields {
        hosts: &["spec.virtualhost.fqdn"],
        secret: "spec.virtualhost.tls.secretName",
        namespace: None,
        passthrough: Some("spec.virtualhost.tls.passthrough"),
        status: None,
    };
    /// The fields of APISIX's `ApisixTls`, with an additional list of objects.
    const SEVERAL: Fields = Fields {
        hosts: &["spec.hosts", "spec.servers[].hosts", "spec.servers[].host"],
        secret: "spec.secret.name",
        namespace: Some("spec.secret.namespace"),
        passthrough: None,
        status: Some(StatusFields {
            permitted: "status.permitted",
            proof: "status.proof",
            traffic: "status.traffic",
        }),
    };

    fn read_with(fields: &Fields, object: &Value) -> HostRoute {
        let object = Object::deserialize(object).expect("an object");
        view(Kind::IngressRoute, fields, object)
    }

    fn told(route: &HostRoute) -> (Vec<&str>, Option<Vec<String>>) {
        let hosts = route.hosts.iter().map(Text::as_str).collect();
        let secrets = || route.secrets().iter().map(ToString::to_string).collect();
        (hosts, route.tls.as_ref().map(|_| secrets()))
    }

    #[test]
    fn hosts_and_secret_are_found_where_the_register_says() {
        let proxy = |tls: Value| {
            json!({"metadata": {"namespace": "shop", "name": "web", "labels": {"a": "b"}},
                "spec": {"virtualhost": {"fqdn": "shop.example", "tls": tls}}})
        };
        let route = read_with(&ONE, &proxy(json!({"secretName": "shop-tls"})));
        assert_eq!(told(&route), (vec!["shop.example"], Some(vec!["shop/shop-tls".into()])));
        assert_eq!(route.meta.label("a"), Some("b"));
        let unnamed = read_with(&ONE, &proxy(json!({"secretName": ""})));
        assert_eq!(told(&unnamed), (vec!["shop.example"], Some(vec![])));
        for none in [json!(null), json!({"passthrough": true, "secretName": "shop-tls"})] {
            assert_eq!(told(&read_with(&ONE, &proxy(none))), (vec!["shop.example"], None));
        }
        let several = json!({"metadata": {"namespace": "shop"}, "spec": {
            "hosts": ["a.example", "", 5, "b.example"], "servers": [{"hosts": ["c.example"]}, {"host": "d.example"}, null],
            "secret": {"name": "tls", "namespace": "certs"}}});
        assert_eq!(
            told(&read_with(&SEVERAL, &several)),
            (
                vec!["a.example", "b.example", "c.example", "d.example"],
                Some(vec!["certs/tls".into()])
            )
        );
    }

    #[test]
    fn a_status_says_whether_and_how_a_host_is_proved_and_whether_clients_are_led_here() {
        let status = |status: Value| {
            read_with(&SEVERAL, &json!({"spec": {}, "status": status}))
                .status
                .unwrap()
        };
        assert_eq!(status(json!(null)), RouteStatus::default());
        assert_eq!(
            status(json!({"permitted": true, "proof": "dns-01", "traffic": false})),
            RouteStatus {
                permitted: true,
                proof: Some("dns-01".into()),
                is_elsewhere: true
            }
        );
        for wrong in [
            json!({"permitted": "true", "proof": 1, "traffic": "false"}),
            json!({"traffic": true}),
        ] {
            assert_eq!(status(wrong), RouteStatus::default());
        }
    }

    #[test]
    fn what_is_not_there_or_is_something_else_names_nothing() {
        for object in [
            json!({}),
            json!({"spec": null}),
            json!({"spec": [1]}),
            json!({"spec": {"hosts": {"a": 1}, "secret": "x", "servers": "y"}}),
        ] {
            assert_eq!(told(&read_with(&SEVERAL, &object)), (vec![], None), "{object}");
        }
        assert!(
            read(Kind::IngressRoute, &json!({})).is_err(),
            "it has a form of its own"
        );
    }
}
