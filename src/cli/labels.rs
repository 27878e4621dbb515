//! The labels that `-L` names: one that no route has is an empty column, and most likely a misspelled one.

use std::collections::BTreeSet;

use crate::{report::Rows, text::closest};

/// What is told of labels that no route has.
pub(super) fn absent(wanted: &[String], rows: &Rows<'_>) -> Vec<String> {
    if wanted.is_empty() || rows.is_empty() {
        return Vec::new();
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for row in rows.iter() {
        for (name, _) in row.labels {
            if !known.contains(name.as_str()) {
                known.insert(name.to_string());
            }
        }
    }
    let absent = wanted.iter().filter(|label| !known.contains(label.as_str()));
    absent
        .map(|label| match closest(label, known.iter().map(String::as_str)) {
            Some(meant) => format!("no route has the label {label:?}; the nearest is {meant}"),
            None => format!("no route has the label {label:?}: none has any label"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::Shop;

    #[test]
    fn a_label_that_no_route_has_names_the_nearest() {
        let shop = Shop::new();
        let rows: Rows<'_> = shop.rows().into();
        let known: Vec<String> = rows
            .iter()
            .flat_map(|row| row.labels.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>())
            .collect();
        let first = known.first().expect("a label");
        assert_eq!(absent(std::slice::from_ref(first), &rows), [""; 0]);
        let told = absent(&[format!("{first}x")], &rows);
        assert!(told[0].ends_with(&format!("the nearest is {first}")), "{told:?}");
    }
}
