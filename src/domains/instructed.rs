//! How customers' names lead to the platform, as far as that is known by now: what a record that stays has to say is known once the
//! CA and the account were asked, and the CA may be away when the controller begins.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::dns::{Instructions, StandingIssuer};

/// What everybody is told, and what is looked for in DNS. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Instructed(Arc<RwLock<Arc<Instructions>>>);

impl Instructed {
    /// What is known by now.
    pub fn new(instructions: Instructions) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(instructions))))
    }

    /// What is known at the moment.
    pub fn now(&self) -> Arc<Instructions> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of what a record that stays has to say.
    pub fn stands(&self, standing: StandingIssuer) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known).standing = Some(standing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Purpose, dns::to_set};

    #[test]
    fn customers_are_told_of_a_record_that_stays_once_the_account_is_known() {
        let known = Instructed::new(Instructions {
            target: Some("edge.platform.example".into()),
            ..Instructions::default()
        });
        let told = || {
            let all = to_set(
                &"www.example.com".parse().unwrap(),
                &"shop".parse().unwrap(),
                &known.now(),
                &[],
            );
            let of_challenge = all.iter().filter(|one| one.purpose == Purpose::Challenge);
            of_challenge.map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(told().is_empty());
        known.clone().stands(StandingIssuer {
            issuers: vec!["ca.example".into()],
            account: "https://ca.example/acct/1".into(),
        });
        assert_eq!(
            told(),
            ["_validation-persist.www.example.com. TXT \"ca.example; accounturi=https://ca.example/acct/1\""]
        );
    }
}
