//! `rights`: the roles that reading and renewing need, ready for `kubectl apply`. The guide prints the same; a test compares them.

use crate::{
    cli::failure::Exit,
    document::yaml::scalar,
    install::rights::{READER, RENEWER},
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
        // Reading is for all namespaces, as the kinds without one are read too.
        (true, _) | (false, For::Reader) => Vec::new(),
        (false, For::Renewer) => {
            vec![context_namespace(&args.connection.options()).unwrap_or_else(|| "default".to_owned())]
        }
    };
    let exit = print(roles(args.role, &namespaces).as_bytes())?;
    hint(&how(args.role, &namespaces, args.connection.as_user.as_deref()));
    Ok(exit)
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
fn roles(of: For, namespaces: &[String]) -> String {
    if namespaces.is_empty() {
        return role(of, None);
    }
    let roles: Vec<String> = namespaces.iter().map(|namespace| role(of, Some(namespace))).collect();
    roles.join("---\n")
}

/// A Role of the namespace, or a `ClusterRole`.
fn role(of: For, namespace: Option<&str>) -> String {
    let (kind, rules) = (kind(namespace), rules(of));
    let place = namespace.map_or_else(String::new, |namespace| format!("  namespace: {}\n", scalar(namespace)));
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {}\n{place}rules:\n{rules}",
        name(of)
    )
}

/// How they are given to somebody: to who `--as` names, where it names one.
fn how(of: For, namespaces: &[String], user: Option<&str>) -> String {
    let name = name(of);
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

fn name(of: For) -> &'static str {
    match of {
        For::Reader => "kubectl-certs-reader",
        For::Renewer => "kubectl-certs-renewer",
    }
}

fn rules(of: For) -> &'static str {
    match of {
        For::Reader => READER,
        For::Renewer => RENEWER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_prints_what_the_command_prints() {
        let guide = include_str!("../../../docs/guide/rights.md");
        for (of, namespace) in [(For::Reader, None), (For::Renewer, Some("shop"))] {
            let block = format!("```yaml\n{}```\n", role(of, namespace));
            assert!(
                guide.contains(&block),
                "docs/guide/rights.md lacks this block:\n{block}"
            );
        }
        let bound = how(For::Reader, &[], Some("jane"));
        let command =
            "kubectl create clusterrolebinding kubectl-certs-reader --clusterrole=kubectl-certs-reader --user=jane";
        assert!(bound.contains(command) && guide.contains(command), "{bound}");
    }

    #[test]
    fn a_role_is_of_the_namespace_whatever_its_name_is() {
        for (namespace, line) in [
            ("shop", "  namespace: shop\n"),
            ("true", "  namespace: \"true\"\n"),
            ("1", "  namespace: \"1\"\n"),
        ] {
            let role = role(For::Renewer, Some(namespace));
            assert!(role.contains("kind: Role\n") && role.contains(line), "{role}");
        }
        assert!(
            role(For::Renewer, None).contains("kind: ClusterRole\nmetadata:\n  name: kubectl-certs-renewer\nrules:\n")
        );
    }
    #[test]
    fn several_namespaces_have_a_role_each() {
        let namespaces = each_once(&["a", "b", "a"].map(str::to_owned));
        let printed = roles(For::Renewer, &namespaces);
        let documents: Vec<&str> = printed.split("---\n").collect();
        assert_eq!(documents.len(), 2, "{printed}");
        for (document, namespace) in documents.iter().zip(&namespaces) {
            assert_eq!(*document, role(For::Renewer, Some(namespace)));
        }
        let how = how(For::Renewer, &namespaces, None);
        assert!(
            how.contains("rolebinding kubectl-certs-renewer -n a ")
                && how.contains("rolebinding kubectl-certs-renewer -n b "),
            "{how}"
        );
    }
}
