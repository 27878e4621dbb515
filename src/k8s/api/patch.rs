//! A change to a part of an object: all else stays as it is, what this program does not know too.

use serde_json::Value;

/// A change to an object.
#[derive(Clone, PartialEq)]
pub enum Patch {
    /// RFC 6902: operations, of which `test` makes it conditional.
    Json(Value),
    /// RFC 7386: what is there is set, what is null is removed.
    Merge(Value),
    /// Kubernetes' own merge, which knows the keys of lists; built-in kinds alone.
    Strategic(Value),
    /// Server-side apply of these fields, under this program's field manager.
    Apply {
        /// The fields.
        object: Value,
        /// Whether fields of other managers are taken over.
        force: bool,
    },
}

impl std::fmt::Debug for Patch {
    /// Its kind alone: it may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Patch::Json",
            Self::Merge(_) => "Patch::Merge",
            Self::Strategic(_) => "Patch::Strategic",
            Self::Apply { .. } => "Patch::Apply",
        })
    }
}

impl Patch {
    /// Whether it is refused where the object is not what it was made for: by its `test` operations.
    pub(super) fn is_conditional(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    /// Its media type, and what is sent.
    pub(super) fn parts(&self) -> (&'static str, &Value) {
        match self {
            Self::Json(patch) => ("application/json-patch+json", patch),
            Self::Merge(patch) => ("application/merge-patch+json", patch),
            Self::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            // JSON is YAML.
            Self::Apply { object, .. } => ("application/apply-patch+yaml", object),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_does_not_show_what_it_holds() {
        let patch = Patch::Merge(json!({"data": {"tls.key": "c2VjcmV0"}}));
        assert_eq!(format!("{patch:?}"), "Patch::Merge");
    }
}
