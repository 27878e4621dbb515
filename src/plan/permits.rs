//! What a plan may write. The code that carries it out refuses everything else, and the rights for it are checked
//! beforehand.

use std::{collections::BTreeSet, fmt};

use crate::object::Text;
use crate::object::resource::Resource;

/// A verb of RBAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many objects.
    List,
    /// Watch many objects.
    Watch,
    /// Create an object.
    Create,
    /// Replace an object.
    Update,
    /// Change an object.
    Patch,
    /// Delete an object.
    Delete,
}

impl Verb {
    /// The name in rights.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Whether it applies to one object with a known name, so that a right may be limited to that name.
    fn is_about_one(self) -> bool {
        matches!(self, Self::Get | Self::Update | Self::Patch | Self::Delete)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Which {
    /// All objects of the namespace.
    Any,
    /// The object with this name.
    Exact(Text),
    /// The objects whose names have this prefix, which a run creates for itself.
    Prefix(Text),
}

impl Which {
    fn holds(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(own) => own == name,
            Self::Prefix(start) => name.starts_with(start.as_str()),
        }
    }
}

/// The permission to use some verbs on some objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permit {
    /// The verbs.
    pub verbs: Vec<Verb>,
    /// With which kind.
    pub resource: Resource,
    /// The part of the object, such as `status`; `None` for the object itself.
    pub subresource: Option<&'static str>,
    /// The namespace; empty for kinds without one, or for all namespaces.
    pub namespace: Text,
    /// The objects.
    pub names: Which,
}

impl Permit {
    /// Permits verbs on the object with one name.
    pub fn one(verbs: &[Verb], resource: Resource, namespace: impl Into<Text>, name: impl Into<Text>) -> Self {
        Self::of(verbs, resource, namespace, Which::Exact(name.into()))
    }

    /// Permits verbs on objects whose names have a prefix.
    pub fn prefix(verbs: &[Verb], resource: Resource, namespace: impl Into<Text>, start: impl Into<Text>) -> Self {
        Self::of(verbs, resource, namespace, Which::Prefix(start.into()))
    }

    /// Permits verbs on all objects of a namespace.
    pub fn any(verbs: &[Verb], resource: Resource, namespace: impl Into<Text>) -> Self {
        Self::of(verbs, resource, namespace, Which::Any)
    }

    fn of(verbs: &[Verb], resource: Resource, namespace: impl Into<Text>, names: Which) -> Self {
        Self {
            verbs: verbs.to_vec(),
            resource,
            subresource: None,
            namespace: namespace.into(),
            names,
        }
    }

    /// Limits the permit to a part of the objects, such as `status`.
    #[must_use]
    pub fn part(mut self, subresource: &'static str) -> Self {
        self.subresource = Some(subresource);
        self
    }
}

/// A question to the API server: is this right granted?
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// The namespace; empty for kinds without one, or for all namespaces.
    pub namespace: Text,
    /// The kind.
    pub resource: Resource,
    /// The part of the object.
    pub subresource: Option<&'static str>,
    /// The verb.
    pub verb: Verb,
    /// The name of the object, if the right to a single object is enough.
    pub name: Option<Text>,
}

impl fmt::Display for Right {
    /// Writes `patch secrets/shop-tls in namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(part) = self.subresource {
            write!(f, "/{part}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        if self.namespace.is_empty() {
            f.write_str(" cluster-wide")
        } else {
            write!(f, " in namespace {}", self.namespace)
        }
    }
}

/// Everything that a plan may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permits(Vec<Permit>);

impl Permits {
    /// Permits nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a permit.
    pub fn add(&mut self, permit: Permit) {
        if !self.0.contains(&permit) {
            self.0.push(permit);
        }
    }

    /// Returns the permits with one more.
    #[must_use]
    pub fn with(mut self, permit: Permit) -> Self {
        self.add(permit);
        self
    }

    /// Adds all permits of another plan.
    pub fn extend(&mut self, other: Self) {
        for permit in other.0 {
            self.add(permit);
        }
    }

    /// All permits in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Permit> {
        self.0.iter()
    }

    /// Whether a verb may be used on the object `name` of a namespace.
    pub fn allow(
        &self,
        verb: Verb,
        resource: Resource,
        subresource: Option<&str>,
        namespace: &str,
        name: &str,
    ) -> bool {
        self.0.iter().any(|permit| {
            permit.resource == resource
                && permit.subresource == subresource
                && permit.verbs.contains(&verb)
                && (permit.namespace.is_empty() || permit.namespace == namespace)
                && permit.names.holds(name)
        })
    }

    /// The rights that the permits need, each once.
    pub fn rights(&self) -> Vec<Right> {
        let all: BTreeSet<Right> = self.0.iter().flat_map(rights_of).collect();
        // A right to all objects of a kind includes the right to each.
        let covered = |right: &Right| {
            right.name.is_some()
                && all.contains(&Right {
                    name: None,
                    ..right.clone()
                })
        };
        all.iter().filter(|right| !covered(right)).cloned().collect()
    }
}

fn rights_of(permit: &Permit) -> impl Iterator<Item = Right> {
    permit.verbs.iter().map(|verb| Right {
        namespace: permit.namespace.clone(),
        resource: permit.resource,
        subresource: permit.subresource,
        verb: *verb,
        name: match &permit.names {
            // RBAC cannot limit a creation to a name, because the server does not know the name yet when it checks the
            // right.
            Which::Exact(name) if verb.is_about_one() => Some(name.clone()),
            _ => None,
        },
    })
}

impl FromIterator<Permit> for Permits {
    fn from_iter<I: IntoIterator<Item = Permit>>(permits: I) -> Self {
        let mut all = Self::none();
        permits.into_iter().for_each(|permit| all.add(permit));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::{CERTIFICATE, LEASE, SECRET};

    fn permits() -> Permits {
        Permits::none()
            .with(Permit::one(&[Verb::Get, Verb::Patch], SECRET, "shop", "shop-tls"))
            .with(Permit::prefix(
                &[Verb::Create, Verb::Delete],
                SECRET,
                "shop",
                "kubectl-certs-",
            ))
            .with(Permit::any(&[Verb::List], LEASE, ""))
            .with(Permit::one(&[Verb::Patch], CERTIFICATE, "shop", "web").part("status"))
    }

    #[test]
    fn what_is_not_planned_is_not_allowed() {
        let permits = permits();
        for (verb, resource, part, namespace, name, expected) in [
            (Verb::Patch, SECRET, None, "shop", "shop-tls", true),
            (Verb::Patch, SECRET, None, "shop", "shop-tls-2", false),
            (Verb::Patch, SECRET, None, "other", "shop-tls", false),
            (Verb::Delete, SECRET, None, "shop", "shop-tls", false),
            (Verb::Delete, SECRET, None, "shop", "kubectl-certs-x", true),
            (Verb::Patch, LEASE, None, "shop", "shop-tls", false),
            (Verb::List, LEASE, None, "anywhere", "x", true),
            (Verb::Patch, CERTIFICATE, Some("status"), "shop", "web", true),
            (Verb::Patch, CERTIFICATE, None, "shop", "web", false),
        ] {
            assert_eq!(
                permits.allow(verb, resource, part, namespace, name),
                expected,
                "{verb} {resource} {namespace}/{name}"
            );
        }
    }

    #[test]
    fn the_rights_are_each_asked_for_once_and_by_name_where_that_is_enough() {
        let mut permits = permits();
        permits.add(Permit::one(&[Verb::Get], SECRET, "shop", "other"));
        permits.add(Permit::any(&[Verb::Get], SECRET, "shop"));
        let mut said: Vec<String> = permits.rights().iter().map(ToString::to_string).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "create secrets in namespace shop",
                "delete secrets in namespace shop",
                "get secrets in namespace shop",
                "list leases.coordination.k8s.io cluster-wide",
                "patch certificates.cert-manager.io/status \"web\" in namespace shop",
                "patch secrets \"shop-tls\" in namespace shop",
            ]
        );
    }
}
