//! What errors have in common: their causes on one line, a hint, and the blame.

/// What an error is put down to, the worst last. The command line makes an exit status of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// The command line, the settings, the manifests or the route.
    Usage,
    /// The cluster or its rights.
    Cluster,
    /// The CA, or the route of a challenge.
    Acme,
    /// The write, the rollout or the verification.
    Write,
    /// Nothing: the user interrupted the program.
    Interrupted,
}

/// What an error says besides what happened.
pub trait Diagnose: std::error::Error {
    /// What to do about the error, in one line; `None` if that is not known. Not cleared for a terminal.
    fn hint(&self) -> Option<String>;

    /// What the error is put down to. The caller may know better: a failure before anything was sent is not a failed
    /// write.
    fn blame(&self) -> Blame;

    /// Whether `--force` overrides the error, because it comes from a rule of this program.
    fn yields_to_force(&self) -> bool {
        false
    }
}

/// An error and its causes on one line. A cause that its error already quotes is left out.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// What happened, and after a semicolon what to do about it.
pub fn with_hint(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message}; {hint}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_last() {
        let mut all = [
            Blame::Interrupted,
            Blame::Write,
            Blame::Usage,
            Blame::Acme,
            Blame::Cluster,
        ];
        all.sort_unstable();
        assert_eq!(
            all,
            [
                Blame::Usage,
                Blame::Cluster,
                Blame::Acme,
                Blame::Write,
                Blame::Interrupted
            ]
        );
    }
}
