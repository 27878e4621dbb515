//! Undoes what carries no mark of a run: DNS records, and changes to other people's objects.

use serde_json::{Value, json};

use crate::{
    apply::{Api, ApiError, Patch, Permit, Permits, Verb},
    engine::{journal::Left, journals::changed_kind},
    error::Diagnose,
    k8s::{Believed, Edit, Updated},
    object::Key,
    object::resource::{CONFIGMAP, INGRESS, Resource},
    solve::{
        SolveError,
        dns01::{Dns01, Written, no_provider},
        http01::{in_place, is_token},
    },
};

/// The provider `manual`, with which the operator writes records by hand.
pub(super) const MANUAL: &str = "manual";

/// Something that could not be removed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The result of undoing changes.
#[derive(Debug, Default)]
pub struct Undone {
    /// How many changes existed and are undone.
    pub count: usize,
    /// The changes that are left.
    pub left: Vec<Left>,
    /// Why they are left.
    pub trouble: Vec<Trouble>,
}

/// The rights that [`undo`] needs in the cluster.
pub(super) fn permits(left: &[Left]) -> Permits {
    let changes = left.iter().filter_map(changed);
    changes
        .map(|(resource, key)| Permit::one(&[Verb::Get, Verb::Patch], resource, key.namespace, key.name))
        .collect()
}

fn changed(left: &Left) -> Option<(Resource, Key)> {
    match left {
        Left::Change { kind, namespace, name } => {
            Some((changed_kind(kind)?, Key::new(namespace.as_str(), name.as_str())))
        }
        Left::Record(_) => None,
    }
}

/// Describes a change in words.
pub(super) fn words(left: &Left) -> String {
    match left {
        Left::Record(written) => format!("{written} (provider {})", written.provider),
        Left::Change { kind, namespace, name } => format!("the challenges' paths in {kind} {namespace}/{name}"),
    }
}

/// Undoes the changes one after the other. A change that is gone already is not an error.
pub async fn undo(api: &Api, dns: Option<&Dns01>, left: &[Left]) -> Undone {
    let mut undone = Undone::default();
    let api = api.with_permits(permits(left));
    for left in left {
        let result = match left {
            Left::Record(written) => record(dns, written).await,
            Left::Change { .. } => match changed(left) {
                Some((resource, key)) => change(&api, resource, &key).await.map_err(|error| Trouble {
                    text: format!("{} stay: {}", words(left), crate::error::chain(&error)),
                    hint: error.hint(),
                }),
                // This program never changes such a kind.
                None => Ok(false),
            },
        };
        match result {
            Ok(gone) => undone.count += usize::from(gone),
            Err(trouble) => {
                undone.left.push(left.clone());
                undone.trouble.push(trouble);
            }
        }
    }
    undone
}

/// Removes a record that a run has left. Returns whether it existed.
pub async fn record(dns: Option<&Dns01>, written: &Written) -> Result<bool, Trouble> {
    let removed = match dns {
        None => Err(unknown(written)),
        Some(dns) => dns.remove_written(written).await,
    };
    removed.map_err(|error| trouble(written, error))
}

/// Why a record could not be removed, as far as that is known without asking its provider.
pub(super) async fn known_to_stay(dns: Option<&Dns01>, written: &Written) -> Option<Trouble> {
    let can = match dns {
        None => Err(unknown(written)),
        Some(dns) => dns.can_remove(written).await,
    };
    can.err().map(|error| trouble(written, error))
}

fn unknown(written: &Written) -> SolveError {
    written.stays(no_provider(&written.provider, &[]))
}

fn trouble(written: &Written, error: SolveError) -> Trouble {
    let by_hand = format!("remove the value by hand in zone {}", written.zone);
    Trouble {
        hint: Some(match error.hint {
            Some(hint) => format!("{hint}; or {by_hand}"),
            None => by_hand,
        }),
        text: error.message,
    }
}

async fn change(api: &Api, resource: Resource, key: &Key) -> Result<bool, ApiError> {
    // If the rules have changed since they were read, their present state decides.
    let without = |object: Option<&Value>| {
        let patch = object.and_then(|object| match resource {
            INGRESS => in_place::leftover(object).map(Patch::Json),
            CONFIGMAP => answers(object).map(Patch::Merge),
            _ => None,
        });
        Ok::<_, ApiError>(patch.map_or(Edit::Nothing, Edit::Patch))
    };
    let undone = api.update(resource, key, Believed::Unknown, without).await?;
    Ok(matches!(undone, Updated::Written(_)))
}

/// The patch that removes all answers: keys that are tokens, whose values begin with them.
fn answers(config_map: &Value) -> Option<Value> {
    let data = config_map["data"].as_object()?;
    let ours = data.iter().filter(|(token, answer)| {
        let rest = answer.as_str().and_then(|answer| answer.strip_prefix(token.as_str()));
        is_token(token) && rest.is_some_and(|rest| rest.starts_with('.'))
    });
    let gone: serde_json::Map<String, Value> = ours.map(|(token, _)| (token.clone(), Value::Null)).collect();
    (!gone.is_empty()).then(|| json!({"data": gone}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_config_map_answers_go_and_all_else_stays() {
        let map = json!({"data": {"tok_en-1": "tok_en-1.thumb", "notes": "mine", "tok2": "another.thumb"}});
        assert_eq!(answers(&map), Some(json!({"data": {"tok_en-1": null}})));
        assert_eq!(answers(&json!({"data": {"notes": "mine"}})), None);
        assert_eq!(answers(&json!({})), None);
    }
}
