use crate::{
    check::{
        finding::prelude::*,
        words::{commands::in_namespace, say::brief},
    },
    text::quote,
};

/// Objects that could not be read because a right is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden(pub crate::object::Forbidden);

impl Defect for Forbidden {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Later;

    fn message(&self, _row: &Row<'_>, _now: Seconds) -> String {
        let Self(forbidden) = self;
        forbidden_message(forbidden)
    }

    fn remedy(&self, _row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self(forbidden) = self;
        forbidden_remedy(forbidden, commands)
    }
}

/// The message about the missing right: it names the object, or the plural of its kind.
fn forbidden_message(f: &crate::object::Forbidden) -> String {
    let what = f.name.as_ref().map_or_else(
        || f.kind.plural().to_owned(),
        |name| format!("{} {}", f.kind.as_str(), brief(name)),
    );
    let place = match &f.namespace {
        Some(namespace) => format!("in namespace {}", brief(namespace)),
        None if f.kind.namespaced() => "in all namespaces".to_owned(),
        None => "in the cluster".to_owned(),
    };
    format!(
        "The right to {} {what} {place} is missing, so the state is unknown.",
        f.verb
    )
}

/// The remedy: how to check the right, and how to grant it.
fn forbidden_remedy(f: &crate::object::Forbidden, commands: &mut Commands<'_>) -> String {
    let group = f.kind.group();
    let plural = f.kind.plural();
    let resource = if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    };
    let target = f
        .name
        .as_ref()
        .map_or_else(|| resource.clone(), |name| format!("{resource}/{name}"));
    let place = match &f.namespace {
        Some(namespace) => in_namespace(namespace),
        None if f.kind.namespaced() => " -A".to_owned(),
        None => String::new(),
    };
    let (role, names) = (
        if f.namespace.is_some() { "Role" } else { "ClusterRole" },
        f.name
            .as_ref()
            .map_or_else(String::new, |name| format!(", resourceNames: [\"{}\"]", brief(name))),
    );
    format!(
        "Have the rule `{{apiGroups: [\"{group}\"], resources: [\"{plural}\"]{names}, verbs: [\"{}\"]}}` added to a \
         {role} that you are bound to, and check it with {}.",
        f.verb,
        commands.kubectl_in("", &format!("auth can-i {} {}{place}", f.verb, quote(&target)))
    )
}
