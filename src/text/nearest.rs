//! Finds the known word that an unknown one probably means.

/// The known word with the fewest edits from `word`, ignoring case; `None` if even that one is too different to be
/// meant. Only the first 256 characters of long words are compared.
///
/// ```
/// use kubectl_certs::text::nearest;
///
/// assert_eq!(nearest("HostMissmatch", ["HostMismatch", "HostnameConflict"]), Some("HostMismatch"));
/// assert_eq!(nearest("certificate", ["Expired", "SelfSigned"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let most = (word.chars().count() / 2).max(1);
    known
        .into_iter()
        .map(|other| (edits(&word, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// The same for names that others make long, as cloud providers do with contexts: a known name that contains `name`, or
/// is contained in it, takes precedence over similar ones. With `prod` a user may mean `arn:aws:eks:...:cluster/prod`.
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let word = letters(name);
    let holds = |other: &&str| {
        let other = letters(other);
        !word.is_empty() && !other.is_empty() && (other.contains(&word) || word.contains(&other))
    };
    known.clone().into_iter().find(holds).or_else(|| nearest(name, known))
}

/// The same for a short list of words of which one is always named, however different: first one that contains `word`,
/// then the one with the fewest edits. `None` only if no word is known.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    known
        .into_iter()
        .min_by_key(|other| (word.is_empty() || !letters(other).contains(&word), edits(&word, other)))
}

fn letters(word: &str) -> String {
    word.chars().take(256).flat_map(char::to_lowercase).collect()
}

/// How many letters have to be inserted, removed or replaced to turn `word` into `other`.
fn edits(word: &str, other: &str) -> usize {
    strsim::levenshtein(word, &letters(other))
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

    #[test]
    fn a_long_name_is_meant_by_a_part_of_it_and_one_of_few_words_is_always_named() {
        let contexts = ["staging", "arn:aws:eks:eu-west-1:123456789012:cluster/prod"];
        assert_eq!(nearest_name("PROD", contexts), Some(contexts[1]));
        assert_eq!(nearest_name("stagin", contexts), Some("staging"));
        assert_eq!(nearest_name("lab", contexts), None);
        assert_eq!(nearest_name("", contexts), None);
        let reasons = ["Expired", "HostMismatch", "ChainIncomplete"];
        for (word, meant) in [
            ("chain", "ChainIncomplete"),
            ("HostMissmatch", "HostMismatch"),
            ("", "Expired"),
        ] {
            assert_eq!(closest(word, reasons), Some(meant), "{word}");
        }
        assert_eq!(closest("x", []), None);
    }
}
