//! Changes to a part of an object. Everything else stays as it is, including fields that this program does not know.

use serde_json::Value;

/// A change to an object.
#[derive(Clone, PartialEq)]
pub enum Patch {
    /// RFC 6902: a list of operations. A `test` operation makes it conditional.
    Json(Value),
    /// RFC 7386: values are set, and null removes.
    Merge(Value),
    /// Kubernetes' own merge, which knows the keys of lists. Only for built-in kinds.
    Strategic(Value),
    /// Server-side apply of these fields, with this program as their field manager.
    Apply {
        /// The fields.
        object: Value,
        /// Whether to take over fields of other managers.
        force: bool,
    },
}

impl std::fmt::Debug for Patch {
    /// Shows only the kind of patch, because the content may be a key.
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
    /// Whether the server refuses it if the object differs from the one that it was made for: it has `test` operations.
    pub(super) fn is_conditional(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    /// The media type and the body of the request.
    pub(super) fn parts(&self) -> (&'static str, &Value) {
        match self {
            Self::Json(patch) => ("application/json-patch+json", patch),
            Self::Merge(patch) => ("application/merge-patch+json", patch),
            Self::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            // JSON is valid YAML.
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
