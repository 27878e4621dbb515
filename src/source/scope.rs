//! The scope of a scan: namespaces, excluded namespaces, labels of routes; and the data keys in which Secrets have
//! certificates.

use crate::{
    object::{
        Kind, Object, Text,
        gateway::{LabelSelector, Operator, Requirement},
    },
    source::pairs::DataKeys,
    text::Glob,
};

/// The namespaces that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// All namespaces (`-A`).
    All,
    /// These namespaces (`-n`, which may be repeated), or that of the context.
    Only(Vec<Text>),
}

/// The objects that a scan reads.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The namespaces that are left out (`--exclude-namespace`, globs).
    pub excluded: Vec<Glob>,
    /// `-l` as it was given, for the API server. It selects routes.
    pub selector: Option<String>,
    /// `-l`, parsed, for manifests and watches.
    pub labels: LabelSelector,
    /// `--field-selector`, for the API server. It selects routes.
    pub field_selector: Option<String>,
    /// Whether Namespaces are read too, and not only where a listener selects by them.
    pub with_namespaces: bool,
    /// Whether it is read what controllers have stored of what they do.
    pub with_doings: bool,
    /// Whether no Secret is read, and nothing else that is not about routes (`--no-secrets`).
    pub without_secrets: bool,
    /// The data keys in which Secrets have a certificate and its key.
    pub data_keys: DataKeys,
}

/// Why a scope is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A glob of `--exclude-namespace` is malformed.
    #[error("cannot read the pattern {pattern:?} of --exclude-namespace")]
    Glob {
        /// The pattern.
        pattern: String,
    },
    /// A selector of `-l` is malformed.
    #[error("cannot read the label selector {selector:?} at {at:?}")]
    Selector {
        /// The selector.
        selector: String,
        /// The part of the selector that cannot be read.
        at: String,
    },
}

impl Scope {
    /// Everything in every namespace.
    pub fn everything() -> Self {
        Self {
            namespaces: Namespaces::All,
            excluded: Vec::new(),
            selector: None,
            labels: LabelSelector::default(),
            field_selector: None,
            with_namespaces: false,
            with_doings: false,
            without_secrets: false,
            data_keys: DataKeys::default(),
        }
    }

    /// A scope of `namespaces`, without those that match a glob of `excluded`, and with the routes that `selector`
    /// selects.
    pub fn new(namespaces: Namespaces, excluded: &[String], selector: Option<&str>) -> Result<Self, ScopeError> {
        let read = |pattern: &String| {
            pattern.parse().map_err(|_| ScopeError::Glob {
                pattern: pattern.clone(),
            })
        };
        let excluded = excluded.iter().map(read).collect::<Result<_, _>>()?;
        let labels = selector.map(parse_selector).transpose()?.unwrap_or_default();
        Ok(Self {
            namespaces,
            excluded,
            selector: selector.map(str::to_owned),
            labels,
            field_selector: None,
            with_namespaces: false,
            with_doings: false,
            without_secrets: false,
            data_keys: DataKeys::default(),
        })
    }

    /// Whether objects of a namespace are in the scope. Cluster-wide objects, whose namespace is empty, always are.
    pub fn allows_namespace(&self, namespace: &str) -> bool {
        let named = match &self.namespaces {
            Namespaces::All => true,
            Namespaces::Only(names) => names.iter().any(|n| n == namespace),
        };
        namespace.is_empty() || (named && !self.excluded.iter().any(|glob| glob.is_match(namespace)))
    }

    /// Whether an object is in the scope. Labels only select routes. `ReferenceGrants` of all namespaces are in the
    /// scope, because they concern Secrets that routes of other namespaces name, and so are Traefik's stores, of which
    /// there is one for all namespaces. Secrets are not where they are left out.
    pub fn allows(&self, object: &Object) -> bool {
        if self.without_secrets && object.kind() == Kind::Secret {
            return false;
        }
        let meta = object.meta();
        let labels_count = object.kind().is_route();
        let for_all = object.kind() == Kind::ReferenceGrant || object.kind().is_tls_store();
        (for_all || self.allows_namespace(&meta.namespace)) && (!labels_count || self.labels.matches(meta.labels()))
    }
}

/// Reads kubectl's label selectors: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
pub fn parse_selector(selector: &str) -> Result<LabelSelector, ScopeError> {
    let mut requirements = Vec::new();
    let mut rest = selector.trim();
    while !rest.is_empty() {
        let end = end_of_requirement(rest);
        let part = rest[..end].trim();
        rest = rest[end..].trim_start_matches(',').trim_start();
        let wrong = || ScopeError::Selector {
            selector: selector.to_owned(),
            at: part.to_owned(),
        };
        requirements.push(requirement(part).ok_or_else(wrong)?);
    }
    Ok(LabelSelector { requirements })
}

/// The end of the first requirement: a comma outside of parentheses.
fn end_of_requirement(text: &str) -> usize {
    let mut depth = 0usize;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return i,
            _ => {}
        }
    }
    text.len()
}

fn requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, operator, values: Vec<Text>| {
        let key = key.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fit = values.iter().all(|value| value.chars().all(plain));
        (fit && !key.is_empty() && key.chars().all(|c| plain(c) || c == '/')).then(|| Requirement {
            key: key.into(),
            operator,
            values,
        })
    };
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Operator::DoesNotExist, Vec::new());
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Operator::NotIn, vec![value.trim().into()]);
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Operator::In, vec![value.trim().into()]);
    }
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(')?;
        let (key, word) = head.trim_end().rsplit_once(char::is_whitespace)?;
        let values = values.split(',').map(|v| v.trim().into()).collect();
        return match word {
            "in" => make(key, Operator::In, values),
            "notin" => make(key, Operator::NotIn, values),
            _ => None,
        };
    }
    make(part, Operator::Exists, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Vec<(Text, Text)> = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        parse_selector(selector).expect(selector).matches(&labels)
    }

    #[test]
    fn selectors_mean_what_kubectl_means() {
        let labels = [("app", "web"), ("tier", "front")];
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("other!=x", true),
            ("app in (api, web)", true),
            ("app notin (api),tier", true),
            ("!app", false),
            ("!other,app in (web),tier=front", true),
            ("app=web,tier=back", false),
        ] {
            assert_eq!(matches(selector, &labels), expected, "{selector}");
        }
        for wrong in ["a b", "a in b)", "a in (b", "=x", "a=b=c", "a=b c", "a within (b)"] {
            assert!(parse_selector(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn excluded_namespaces_are_globs_and_cluster_wide_objects_stay() {
        let scope = Scope::new(Namespaces::All, &["kube-*".into(), "dev-?".into()], None).expect("globs");
        assert!(!scope.allows_namespace("kube-system"));
        assert!(!scope.allows_namespace("dev-1"));
        assert!(scope.allows_namespace("dev-10"));
        assert!(scope.allows_namespace(""));
        assert!(Scope::new(Namespaces::All, &["a[".into()], None).is_err());
    }
}
