use crate::check::{
    finding::prelude::*,
    words::say::{brief, owner_of_route, route},
};

/// A route whose class does not exist. `class` is empty when the route names no class and no class is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressClassNotFound {
    pub class: Text,
    pub kind: Kind,
}

impl Defect for IngressClassNotFound {
    const SEVERITY: Severity = Severity::Warning;
    const AS_WARNING: Urgency = Urgency::Never;

    fn message(&self, row: &Row<'_>, _now: Seconds) -> String {
        match self {
            Self { class, kind } if class.is_empty() => format!(
                "{} names no class and no {} is the default: no controller is responsible for it.",
                route(row),
                kind.as_str()
            ),
            Self { class, kind } => format!(
                "{} names the class {}, and there is no {} of that name: no controller is responsible for it.",
                owner_of_route(row),
                brief(class),
                kind.as_str()
            ),
        }
    }

    fn remedy(&self, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
        let Self { class, kind } = self;
        class_remedy(class.is_empty(), *kind, row, commands)
    }
}

fn class_remedy(unnamed: bool, kind: Kind, row: &Row<'_>, commands: &mut Commands<'_>) -> String {
    let list = commands.kubectl_in("", &format!("get {}", kind.plural()));
    if kind == Kind::GatewayClass {
        return format!(
            "Set spec.gatewayClassName of {} to one that {list} lists, or install the implementation that provides it.",
            owner_of_route(row)
        );
    }
    let default = if unnamed {
        ", or mark one as the default with the annotation ingressclass.kubernetes.io/is-default-class: \"true\""
    } else {
        ", or install the controller that provides it"
    };
    format!(
        "Set spec.ingressClassName of {} to one that {list} lists{default}.",
        owner_of_route(row)
    )
}
