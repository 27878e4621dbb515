//! What tells the server, and later runs, that this program wrote an object.

use serde_json::Value;

/// The field manager of every write, and the value of the label that says who manages an object.
pub const MANAGER: &str = "kubectl-certs";
/// The label of temporary objects that says which run made them; an annotation on a Secret that stays.
pub const RUN: &str = "kubectl-certs.io/run";

/// The run that an object is of, by its label or, on what stays, its annotation.
pub fn run_of(object: &Value) -> Option<&str> {
    let meta = &object["metadata"];
    meta["labels"][RUN].as_str().or(meta["annotations"][RUN].as_str())
}
