//! Whose certificate is wanted, where the record is all that there is of a host, and nobody else knows that.

use super::{News, Work};
use crate::{
    clock::now,
    domain::{
        OrderState, Record,
        order::{order_from, too_often},
    },
    domains::store::StoreError,
    object::Seconds,
};

/// For how long a host is claimed for which a certificate is wanted. An order takes less, and is told of again before that.
const CLAIMED: Seconds = 900;
/// Why nothing is ordered for a host although it is due.
const TWO_A_DAY: &str = "two certificates were ordered within a day";

impl Work {
    /// Tells whether a certificate is wanted for a host whose pair is in its record, once it is claimed.
    pub(super) async fn offer(&self, record: &Record, is_due: bool) -> Result<(), StoreError> {
        let Some(by) = self.orders_as.as_deref().filter(|_| is_due) else {
            return Ok(());
        };
        let is_wanted = order_from(record).is_some_and(|from| from <= now()) && too_often(record, now()).is_none();
        if !is_wanted {
            (self.tell)(News::Settled(record.host.clone()));
        } else if self
            .store
            .claim(&record.host, by, now().saturating_add(CLAIMED))
            .await?
        {
            (self.tell)(News::Wanted(Box::new(record.clone())));
        }
        Ok(())
    }
}

/// Makes a record due again for its certificate, and says so if that was ordered too often.
pub(super) fn may_order(record: &mut Record, now: Seconds) {
    let is_held = matches!(&record.order, Some(OrderState::Limited { reason, .. }) if reason == TWO_A_DAY);
    let is_due = order_from(record).is_some_and(|from| from <= now);
    if let Some(until) = too_often(record, now).filter(|_| is_due) {
        record.order = Some(OrderState::Limited {
            reason: TWO_A_DAY.to_owned(),
            until,
        });
        record.due = record.due.min(until);
        return;
    }
    if is_held {
        record.order = None;
    }
    record.plan_order(now);
}
