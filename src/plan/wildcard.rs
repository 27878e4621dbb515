//! Wildcards for each namespace, declared once: by an annotation on the Namespace, or by a rule for many of them.

use crate::{
    inventory::Inventory,
    object::{Key, Text, annotation, gateway::LabelSelector},
};

/// The Secret of a wildcard that names none.
pub const SECRET: &str = "wildcard-tls";

/// A rule: every namespace with these labels gets a wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WildcardRule {
    /// Which namespaces.
    pub selector: LabelSelector,
    /// The name, in which `{namespace}` stands for the namespace: `*.{namespace}.svc.intranet.example`.
    pub name: String,
    /// The name of the Secret in the namespace.
    pub secret: Text,
}

/// The rules, and the namespaces that are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wildcards {
    /// The rules.
    pub rules: Vec<WildcardRule>,
    /// The namespaces that are followed; `None` for all.
    pub only: Option<Vec<Text>>,
}

/// The names that a Secret is to have for its namespace, in the order in which they are declared; none for nearly all.
pub fn names_of(inventory: &Inventory, wildcards: &Wildcards, secret: &Key) -> Vec<String> {
    declared(inventory, wildcards, &secret.namespace)
        .into_iter()
        .filter(|(name, _)| *name == secret.name)
        .flat_map(|(_, names)| names)
        .collect()
}

/// The Secrets that are declared for a namespace.
pub fn secrets_of(inventory: &Inventory, wildcards: &Wildcards, namespace: &Text) -> Vec<Key> {
    let declared = declared(inventory, wildcards, namespace).into_iter();
    declared.map(|(name, _)| Key::new(namespace.clone(), name)).collect()
}

/// The Secrets that are declared for all namespaces.
pub fn secrets(inventory: &Inventory, wildcards: &Wildcards) -> Vec<Key> {
    let namespaces = inventory.known_namespaces();
    namespaces
        .flat_map(|namespace| secrets_of(inventory, wildcards, namespace))
        .collect()
}

/// What is declared for a namespace: the name of each Secret, and its names.
fn declared(inventory: &Inventory, wildcards: &Wildcards, namespace: &Text) -> Vec<(Text, Vec<String>)> {
    if wildcards.only.as_ref().is_some_and(|only| !only.contains(namespace)) {
        return Vec::new();
    }
    let Some(facts) = inventory.namespace(namespace) else {
        return Vec::new();
    };
    let noted = |key: &str| {
        facts
            .annotations
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    };
    let own = noted(annotation::WILDCARD).map(|names| {
        let secret = noted(annotation::WILDCARD_SECRET)
            .cloned()
            .unwrap_or_else(|| SECRET.into());
        let names = names.split([',', ' ']).filter(|name| !name.is_empty());
        (secret, names.map(str::to_owned).collect())
    });
    let by_rule = wildcards
        .rules
        .iter()
        .filter(|rule| rule.selector.matches(&facts.labels))
        .map(|rule| (rule.secret.clone(), vec![rule.name.replace("{namespace}", namespace)]));
    own.into_iter().chain(by_rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{key, meta, with_annotation},
        object::{
            Change, Object,
            gateway::{Operator, Requirement},
        },
    };

    #[test]
    fn a_namespace_declares_by_annotation_and_a_rule_for_all_with_its_labels() {
        let mut inventory = Inventory::new("", false);
        let annotated = with_annotation(
            meta("", "qa"),
            annotation::WILDCARD,
            "*.qa.intranet.example, qa.intranet.example",
        );
        inventory.apply(Change::Set(Object::Namespace(annotated)));
        inventory.apply(Change::Set(Object::Namespace(meta("", "dev"))));
        inventory.derive();
        let rule = |requirements| WildcardRule {
            selector: LabelSelector { requirements },
            name: "*.{namespace}.svc.intranet.example".to_owned(),
            secret: "svc-tls".into(),
        };
        let of = |rules: Vec<WildcardRule>| Wildcards { rules, only: None };
        let (none, everywhere) = (of(Vec::new()), of(vec![rule(Vec::new())]));
        let never = of(vec![rule(vec![Requirement {
            key: "team".into(),
            operator: Operator::Exists,
            values: Vec::new(),
        }])]);
        let names =
            |rules: &Wildcards, secret: &str, namespace: &str| names_of(&inventory, rules, &key(namespace, secret));
        assert_eq!(
            names(&none, SECRET, "qa"),
            ["*.qa.intranet.example", "qa.intranet.example"]
        );
        assert_eq!(names(&everywhere, "svc-tls", "dev"), ["*.dev.svc.intranet.example"]);
        assert!(names(&never, "svc-tls", "dev").is_empty());
        assert!(names(&everywhere, SECRET, "dev").is_empty() && names(&everywhere, "svc-tls", "gone").is_empty());
        let mut all = secrets(&inventory, &everywhere);
        all.sort();
        assert_eq!(all, [key("dev", "svc-tls"), key("qa", "svc-tls"), key("qa", SECRET)]);
        let of_dev = Wildcards {
            only: Some(vec!["dev".into()]),
            ..everywhere
        };
        assert_eq!(secrets(&inventory, &of_dev), [key("dev", "svc-tls")]);
    }
}
