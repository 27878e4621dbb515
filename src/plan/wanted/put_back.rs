//! A former pair that was put back, and until when that holds.

use crate::{
    inventory::Stored,
    name::Name,
    object::{Seconds, annotation},
    text::date_time,
    x509::Fingerprint,
};

/// What is noted on a Secret into which the former pair was put back: `FORMER REFUSED NAMES TIME`, of which the first two are the
/// SHA-256 of leaves and the third stands for the names that were refused.
pub fn rollback_note(former: Fingerprint, refused: Fingerprint, names: &[Name], at: Seconds) -> String {
    format!("{former} {refused} {} {}", in_short(names), date_time(at))
}

/// Until when these names are not ordered again for a Secret, in seconds since 1970, because the pair that it holds was put back in
/// place of one for them; `None` if it was not. From then on a new pair is not taken out again, so that this happens
/// once to a certificate. Without names, whatever they are.
pub fn rolled_back(stored: &Stored, names: Option<&[Name]>) -> Option<Seconds> {
    let leaf = stored.leaf()?;
    let mut noted = stored.meta.annotation(annotation::ROLLED_BACK)?.split(' ');
    let (former, _refused, refused_names) = (noted.next()?, noted.next()?, noted.next()?);
    let is_about = former == leaf.sha256.to_string() && names.is_none_or(|names| in_short(names) == refused_names);
    is_about.then(|| last_tenth(leaf.not_before, leaf.not_after))
}

/// What stands for a set of names, whatever their order.
fn in_short(names: &[Name]) -> String {
    let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.sort();
    Fingerprint::of(names.join(" ").as_bytes()).short()
}

/// When the last tenth of a lifetime begins, in seconds since 1970: a pair with less left is not put back.
pub fn last_tenth(not_before: Seconds, not_after: Seconds) -> Seconds {
    not_after.saturating_sub(not_after.saturating_sub(not_before) / 10)
}
