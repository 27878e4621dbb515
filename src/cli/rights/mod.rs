//! `rights`: the roles that probing, reading and renewing need, and the policy that limits who renews, ready for `kubectl apply`. The
//! guide and the files of `plugin/rbac` are what this prints; tests compare them.

use crate::{
    cli::failure::Exit,
    document::yaml::{self, scalar},
    install::{
        policy::{PEOPLE, people},
        rights::{PROBER, READER, RENEWER},
    },
    k8s::context_namespace,
    ops::OpError,
    text::quote,
};

use super::{
    args::{For, RightsArgs},
    hint, print,
};

/// Prints the roles, and says how they are applied and bound.
pub(super) fn run(args: &RightsArgs) -> Result<Exit, OpError> {
    let namespaces = match (args.all_namespaces, args.role) {
        _ if !args.namespace.is_empty() => each_once(&args.namespace),
        // Reading is for all namespaces, as the kinds without one are read too; and so is what limits who renews.
        (true, _) | (false, For::Prober | For::Reader | For::Policy) => Vec::new(),
        (false, For::Renewer) => {
            vec![context_namespace(&args.connection.options()).unwrap_or_else(|| "default".to_owned())]
        }
    };
    let Some(role) = Role::of(args.role) else {
        let group = args.connection.as_group.first().map_or(PEOPLE, String::as_str);
        let exit = print(policy(group, &namespaces).as_bytes())?;
        hint(&who_is_limited(group));
        return Ok(exit);
    };
    let exit = print(roles(role, &namespaces).as_bytes())?;
    hint(&how(role, &namespaces, args.connection.as_user.as_deref()));
    Ok(exit)
}

/// One of the roles.
#[derive(Debug, Clone, Copy)]
struct Role {
    name: &'static str,
    rules: &'static str,
}

impl Role {
    const PROBER: Self = Self {
        name: "kubectl-certs-prober",
        rules: PROBER,
    };
    const READER: Self = Self {
        name: "kubectl-certs-reader",
        rules: READER,
    };
    const RENEWER: Self = Self {
        name: "kubectl-certs-renewer",
        rules: RENEWER,
    };

    /// `None` for what is not a role.
    fn of(word: For) -> Option<Self> {
        match word {
            For::Prober => Some(Self::PROBER),
            For::Reader => Some(Self::READER),
            For::Renewer => Some(Self::RENEWER),
            For::Policy => None,
        }
    }
}

/// The policy for a group and its binding, as two documents.
fn policy(group: &str, namespaces: &[String]) -> String {
    let documents = people(group, namespaces).map(|object| {
        let mut text = Vec::new();
        // Memory takes all that is written.
        let _ = yaml::write(&object, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    documents.join("---\n")
}

fn who_is_limited(group: &str) -> String {
    format!(
        "`kubectl apply -f -` takes it; it limits the members of the group {group} alone, who get their rights with `kubectl create \
         rolebinding kubectl-certs-renewer -n <NAMESPACE> --clusterrole=kubectl-certs-renewer --group={}`",
        quote(group)
    )
}

fn each_once(all: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for one in all {
        if !once.contains(one) {
            once.push(one.clone());
        }
    }
    once
}

/// A Role for each namespace; without any, a `ClusterRole`.
fn roles(of: Role, namespaces: &[String]) -> String {
    if namespaces.is_empty() {
        return role(of, None);
    }
    let roles: Vec<String> = namespaces.iter().map(|namespace| role(of, Some(namespace))).collect();
    roles.join("---\n")
}

/// A Role of the namespace, or a `ClusterRole`.
fn role(of: Role, namespace: Option<&str>) -> String {
    let (kind, Role { name, rules }) = (kind(namespace), of);
    let place = namespace.map_or_else(String::new, |namespace| format!("  namespace: {}\n", scalar(namespace)));
    format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{place}rules:\n{rules}")
}

/// How they are given to somebody: to who `--as` names, where it names one.
fn how(of: Role, namespaces: &[String], user: Option<&str>) -> String {
    let name = of.name;
    let user = user.map_or_else(|| "<USER>".into(), quote);
    let bind = |namespace: &String| {
        format!(
            "`kubectl create rolebinding {name} -n {} --role={name} --user={user}`",
            quote(namespace)
        )
    };
    match namespaces {
        [] => format!(
            "`kubectl apply -f -` takes it; then `kubectl create clusterrolebinding {name} --clusterrole={name} --user={user}` gives it to \
             a user"
        ),
        [one] => format!("`kubectl apply -f -` takes it; then {} gives it to a user", bind(one)),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(bind).collect();
            format!(
                "`kubectl apply -f -` takes them; then {} and {} give them to a user",
                first.join(", "),
                bind(last)
            )
        }
    }
}

fn kind(namespace: Option<&str>) -> &'static str {
    if namespace.is_some() { "Role" } else { "ClusterRole" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_prints_what_the_command_prints() {
        let guide = include_str!("../../../docs/guide/rights.md");
        for (of, namespace) in [
            (Role::PROBER, None),
            (Role::READER, None),
            (Role::RENEWER, Some("shop")),
        ] {
            let block = format!("```yaml\n{}```\n", role(of, namespace));
            assert!(
                guide.contains(&block),
                "docs/guide/rights.md lacks this block:\n{block}"
            );
        }
        let bound = how(Role::READER, &[], Some("jane"));
        let command =
            "kubectl create clusterrolebinding kubectl-certs-reader --clusterrole=kubectl-certs-reader --user=jane";
        assert!(bound.contains(command) && guide.contains(command), "{bound}");
    }

    #[test]
    fn what_is_ready_to_apply_is_what_the_command_prints_and_is_renewed() {
        let file = |name: &str, text: &str| crate::renewed::same(&format!("plugin/rbac/{name}.yaml"), text);
        file("prober", &role(Role::PROBER, None));
        file("reader", &role(Role::READER, None));
        file("renewer", &role(Role::RENEWER, None));
        file("renewals-policy", &policy(PEOPLE, &[]));
        // `kubectl apply -n` says the namespace.
        let of_shop = role(Role::READER, Some("shop"));
        file("reader-namespaced", &of_shop.replacen("  namespace: shop\n", "", 1));
    }

    #[test]
    fn the_policy_is_for_one_group_and_the_namespaces_that_are_named() {
        let [policy, binding] = people("oidc:it's \"us\"", &["shop".to_owned(), "blog".to_owned()]);
        assert_eq!(
            policy["spec"]["matchConditions"][0]["expression"],
            "\"oidc:it's \\\"us\\\"\" in request.userInfo.groups"
        );
        assert_eq!(
            binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"][0]["values"],
            serde_json::json!(["shop", "blog"])
        );
        let [_, everywhere] = people(PEOPLE, &[]);
        assert!(everywhere["spec"].get("matchResources").is_none(), "{everywhere}");
    }

    #[test]
    fn a_role_is_of_the_namespace_whatever_its_name_is() {
        for (namespace, line) in [
            ("shop", "  namespace: shop\n"),
            ("true", "  namespace: \"true\"\n"),
            ("1", "  namespace: \"1\"\n"),
        ] {
            let role = role(Role::RENEWER, Some(namespace));
            assert!(role.contains("kind: Role\n") && role.contains(line), "{role}");
        }
        assert!(
            role(Role::RENEWER, None).contains("kind: ClusterRole\nmetadata:\n  name: kubectl-certs-renewer\nrules:\n")
        );
    }
    #[test]
    fn several_namespaces_have_a_role_each() {
        let namespaces = each_once(&["a", "b", "a"].map(str::to_owned));
        let printed = roles(Role::RENEWER, &namespaces);
        let documents: Vec<&str> = printed.split("---\n").collect();
        assert_eq!(documents.len(), 2, "{printed}");
        for (document, namespace) in documents.iter().zip(&namespaces) {
            assert_eq!(*document, role(Role::RENEWER, Some(namespace)));
        }
        let how = how(Role::RENEWER, &namespaces, None);
        assert!(
            how.contains("rolebinding kubectl-certs-renewer -n a ")
                && how.contains("rolebinding kubectl-certs-renewer -n b "),
            "{how}"
        );
    }
}
