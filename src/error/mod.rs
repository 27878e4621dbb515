//! What errors have in common: their causes on one line, what to do about them, and what is to blame.

/// What is to blame for an error, the worst last: the command line makes an exit status of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// The command line, the settings, the manifests or the route.
    Usage,
    /// The cluster or its rights.
    Cluster,
    /// The CA, or the way of a challenge.
    Acme,
    /// The write, the rollout or the verification.
    Write,
    /// Nothing: it was ended by whoever started it.
    Interrupted,
}

/// What an error says besides what happened.
pub trait Diagnose: std::error::Error {
    /// What to do about it, in one line; `None` where nobody knows. Not cleared.
    fn hint(&self) -> Option<String>;

    /// What is to blame. Whoever asked may know better: what fails before anything was sent is no failed write.
    fn blame(&self) -> Blame;

    /// Whether `--force` does it all the same: a rule refuses it, and not the world.
    fn yields_to_force(&self) -> bool {
        false
    }
}

/// An error and its causes on one line; a cause that its error already quotes is left out.
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
