//! The wildcards that are declared for the namespace of a Secret: by its annotation, or by the settings of a controller.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    apply::Api,
    inventory::Inventory,
    object::{Change, Key, Meta, More, Object, Text, annotation, doing::Installation, resource::NAMESPACE},
    plan::wildcard::{WildcardRule, Wildcards, names_of},
    source::scope::parse_selector,
};

/// Names that a Secret is to have, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// The names.
    pub(super) names: Vec<String>,
    /// Who says so.
    pub(super) by: String,
}

/// What is declared for a Secret. Nothing where the Namespace may not be read.
pub(super) async fn declared(api: &Api, controllers: &[Arc<Installation>], secret: &Key) -> Vec<Declared> {
    let key = Key::new("", secret.namespace.clone());
    let Ok(Some(namespace)) = api.get(NAMESPACE, &key).await else {
        return Vec::new();
    };
    of(&namespace, controllers, secret)
}

fn of(namespace: &Value, controllers: &[Arc<Installation>], secret: &Key) -> Vec<Declared> {
    let texts = |map: &str, wanted: fn(&str) -> bool| -> Box<[(Text, Text)]> {
        let all = namespace["metadata"][map].as_object().into_iter().flatten();
        let wanted = all.filter(|(key, _)| wanted(key));
        let text = |(key, value): (&String, &Value)| Some((key.as_str().into(), value.as_str()?.into()));
        wanted.filter_map(text).collect()
    };
    let more = More {
        labels: texts("labels", |_| true),
        annotations: texts("annotations", annotation::wanted),
        owners: Box::default(),
    };
    let mut alone = Inventory::new("", false);
    alone.apply(Change::Set(Object::Namespace(Meta {
        name: secret.namespace.clone(),
        more: more.boxed(),
        ..Meta::default()
    })));
    alone.derive();
    let own = names_of(&alone, &Wildcards::default(), secret);
    let by_settings = controllers.iter().map(|controller| {
        let rules = controller.wildcards.iter().filter_map(|[selector, name, secret]| {
            Some(WildcardRule {
                selector: parse_selector(selector).ok()?,
                name: name.to_string(),
                secret: secret.clone(),
            })
        });
        let wildcards = Wildcards {
            rules: rules.collect(),
            only: controller.follows.clone(),
        };
        let mut names = names_of(&alone, &wildcards, secret);
        names.retain(|name| !own.contains(name));
        Declared {
            names,
            by: format!("the settings of the controller ({})", controller.namespace),
        }
    });
    let by_annotation = Declared {
        names: own.clone(),
        by: format!(
            "the annotation {} of Namespace {}",
            annotation::WILDCARD,
            secret.namespace
        ),
    };
    let all = std::iter::once(by_annotation).chain(by_settings);
    all.filter(|declared| !declared.names.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_annotation_and_the_rules_of_a_controller_declare_and_others_do_not() {
        let namespace = json!({"metadata": {
            "name": "qa", "labels": {"environment": "qa"},
            "annotations": {"kubectl-certs.io/wildcard": "*.qa.example", "kubectl-certs.io/wildcard-secret": "qa-tls"},
        }});
        let rule = |selector: &str| {
            [
                selector.into(),
                "*.{namespace}.svc.example".into(),
                "wildcard-tls".into(),
            ]
        };
        let controller = |follows: Option<Vec<Text>>, selector: &str| {
            Arc::new(Installation {
                namespace: "certs".into(),
                follows,
                wildcards: vec![rule(selector)],
                ..Installation::default()
            })
        };
        let told = |controllers: &[Arc<Installation>], secret: &str| -> Vec<String> {
            let all = of(&namespace, controllers, &Key::new("qa", secret));
            all.iter()
                .map(|one| format!("{} by {}", one.names.join(","), one.by))
                .collect()
        };
        let everywhere = [controller(None, "environment=qa")];
        assert_eq!(
            told(&everywhere, "qa-tls"),
            ["*.qa.example by the annotation kubectl-certs.io/wildcard of Namespace qa"]
        );
        assert_eq!(
            told(&everywhere, "wildcard-tls"),
            ["*.qa.svc.example by the settings of the controller (certs)"]
        );
        for other in [
            controller(Some(vec!["shop".into()]), ""),
            controller(None, "environment=prod"),
            controller(None, "((("),
        ] {
            assert_eq!(told(&[other], "wildcard-tls"), [""; 0]);
        }
        assert_eq!(told(&everywhere, "shop-tls"), [""; 0]);
    }
}
