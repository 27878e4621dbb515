//! Which known word was meant by one that is not known.

/// The known word with the fewest edits from `word`, in any case of letters; `None` when even that one is too far off to
/// have been meant. Long words are compared by their first 64 characters.
///
/// ```
/// use kubectl_certs::text::nearest;
///
/// assert_eq!(nearest("HostMissmatch", ["HostMismatch", "HostnameConflict"]), Some("HostMismatch"));
/// assert_eq!(nearest("certificate", ["Expired", "SelfSigned"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let most = word.len() / 2;
    known
        .into_iter()
        .map(|other| (edits(&word, &letters(other)), other))
        .filter(|(distance, _)| *distance <= most.max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

fn letters(word: &str) -> Vec<char> {
    word.chars().take(64).flat_map(char::to_lowercase).collect()
}

/// How many letters to insert, remove or replace make `b` of `a` (Levenshtein).
pub fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let known = ["email", "agreeTos", "issuers", "preferredChain"];
        for (word, meant) in [
            ("emial", Some("email")),
            ("agreetos", Some("agreeTos")),
            ("issuer", Some("issuers")),
            ("preferred_chain", Some("preferredChain")),
            ("x", None),
            ("", None),
            ("telephone", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
