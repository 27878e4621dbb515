//! The kinds of what is kept down, as the API has them.

use crate::{
    apply::adopted::Which,
    object::{Kind, resource::Resource},
};

/// The kind of an object that is kept down, in its version; `None` if this program does not know it.
pub(super) fn resource(which: &Which) -> Option<Resource> {
    let kind = Kind::of_manifest(&which.api_version, &which.kind)?;
    kind.row()
        .resources()
        .find(|resource| resource.api_version() == which.api_version)
}
