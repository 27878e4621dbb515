//! Whether requests for a host come here, before anything is ordered: an order that cannot be proved counts towards the
//! limits of the CA.

use super::{
    super::{is_looked_at, own_token},
    Http01,
};
use crate::{
    event::{EventKind, Teller},
    name::Name,
    solve::{Challenge, SolveError},
};

impl Http01 {
    /// Answers for a host with a token of this program's own, as a challenge of a CA is answered, and removes the answer
    /// when it has been seen. Only a program that goes on does so: whoever runs a command line sees a challenge fail, and
    /// tries once. The error is that of a challenge that cannot be answered.
    pub(super) async fn until_it_is_reached(&self, name: &Name, tell: &Teller) -> Result<(), SolveError> {
        let options = &self.options;
        if options.standing.is_none()
            || !is_looked_at(options.self_check)
            || !self.places.contains_key(name)
            || self.api.is_dry_run()
        {
            return Ok(());
        }
        let token = own_token("reached");
        let trial = Challenge {
            name: name.clone(),
            wildcard: false,
            key_authorization: options.thumbprint.answer(&token),
            token,
            issuers: Vec::new(),
        };
        // No challenge of the CA is presented or seen.
        let tell = tell.only(|kind| matches!(kind, EventKind::Waiting { .. } | EventKind::Note { .. }));
        let reached = self.put_in_place(&trial, &tell).await;
        // What cannot be removed now is removed with what the order makes.
        if let Err(error) = self.take_away(&trial).await {
            log::debug!("{name}: what tested the way here stays for now: {error}");
        }
        reached
    }
}
