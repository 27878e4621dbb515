//! What the controller's loop tells of hosts, and what that does to their records.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::{Host, OrderState, Pair, Record, Served},
    object::Seconds,
    plan::limits::BACKDATED,
};

/// How long it is waited for what comes of an order before it is written that there is one: most take less.
const ORDER: Duration = Duration::from_secs(2);

/// News of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The host.
    pub host: Host,
    /// What is new.
    pub what: Stands,
}

/// How it stands with the Secret of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// What is in it, if that can be served, and where the order for it stands.
    Secret {
        /// The certificate; `None` if there is none that can be served.
        pair: Option<Pair>,
        /// The order; `None` if none is under way, and none has failed.
        order: Option<OrderState>,
    },
    /// Where the order stands for a host whose pair is in its record.
    Order(Option<OrderState>),
    /// Whether the certificate with this serial number is served.
    Served(Served),
}

/// What was told of the order alone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OrderHeard {
    Nothing,
    Stands(Option<OrderState>),
}

/// What was told of a host and is not in its record yet.
#[derive(Debug, Clone)]
pub(super) struct Told {
    since: Instant,
    secret: Option<(Option<Pair>, Option<OrderState>)>,
    order: OrderHeard,
    served: Option<Served>,
}

impl Told {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            secret: None,
            order: OrderHeard::Nothing,
            served: None,
        }
    }

    pub(super) fn hear(&mut self, what: Stands) {
        match what {
            Stands::Secret { pair, order } => self.secret = Some((pair, order)),
            Stands::Order(order) => self.order = OrderHeard::Stands(order),
            Stands::Served(served) => self.served = Some(served),
        }
    }

    /// The same with what was told later.
    pub(super) fn before(mut self, later: Option<Self>) -> Self {
        if let Some(later) = later {
            self.secret = later.secret.or(self.secret);
            if later.order != OrderHeard::Nothing {
                self.order = later.order;
            }
            self.served = later.served.or(self.served);
        }
        self
    }

    /// Whether it is to be written now. That an order is under way may wait.
    pub(super) fn is_ripe(&self) -> bool {
        let is_under_way =
            |order: &OrderState| matches!(order, OrderState::Validating { .. } | OrderState::Issuing { .. });
        let is_short = match (&self.secret, &self.order) {
            (Some((None, Some(order))), _) | (None, OrderHeard::Stands(Some(order))) => is_under_way(order),
            _ => false,
        };
        !is_short || self.served.is_some() || self.since.elapsed() >= ORDER
    }

    /// Puts it into the record.
    pub(super) fn put(&self, record: &mut Record, now: Seconds) {
        if let Some((pair, order)) = &self.secret {
            let is_other = match (&record.pair, pair) {
                (Some(before), Some(pair)) => before.serial != pair.serial,
                (before, pair) => before.is_some() != pair.is_some(),
            };
            if is_other || record.pair.as_ref().map(|pair| &pair.secret) != pair.as_ref().map(|pair| &pair.secret) {
                record.pair.clone_from(pair);
            }
            if is_other {
                // It was the former one that was seen.
                record.served = None;
            }
            let order = order.clone().filter(|order| !has_brought(order, pair.as_ref()));
            record.order = since_before(record.order.take(), order);
            if is_other {
                record.plan(now);
            }
        }
        if let OrderHeard::Stands(order) = &self.order {
            record.order = since_before(record.order.take(), order.clone());
        }
        if let Some(served) = &self.served {
            let is_same = record
                .served
                .as_ref()
                .is_some_and(|before| before.present == served.present && before.seen == served.seen);
            if !is_same {
                record.served = Some(served.clone());
            }
        }
    }
}

/// Whether an order that has not ended yet has brought a certificate: it began before that was made. CAs date back by up to an hour.
fn has_brought(order: &OrderState, pair: Option<&Pair>) -> bool {
    let (OrderState::Validating { since } | OrderState::Issuing { since }) = order else {
        return false;
    };
    pair.is_some_and(|pair| *since <= pair.not_before.saturating_add(BACKDATED))
}

/// The order as it stands now, which began when it was first seen.
fn since_before(before: Option<OrderState>, now: Option<OrderState>) -> Option<OrderState> {
    match (&before, &now) {
        (Some(OrderState::Issuing { .. }), Some(OrderState::Issuing { .. }))
        | (Some(OrderState::Validating { .. }), Some(OrderState::Validating { .. })) => before,
        (
            Some(OrderState::Failed { reason, until, .. }),
            Some(OrderState::Failed {
                reason: again,
                until: then,
                ..
            }),
        ) if reason == again && until == then => before,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::testing::{pair, shop},
        text::time::DAY,
    };

    #[test]
    fn a_certificate_that_has_just_come_is_there_and_not_being_renewed() {
        let now = 1_800_000_000;
        let mut record = Record::new("shop.customer.com".parse().unwrap(), shop(), now - 9);
        let order = OrderState::Validating { since: now - 5 };
        let tell = |pair: Option<Pair>, order: &OrderState| {
            let mut told = Told::new();
            let order = Some(order.clone());
            told.hear(Stands::Secret { pair, order });
            told
        };
        tell(None, &order).put(&mut record, now);
        assert_eq!(record.order, Some(order.clone()));
        let came = pair(now, 90);
        for _ in 0..2 {
            tell(Some(came.clone()), &order).put(&mut record, now);
            assert_eq!((&record.order, &record.pair), (&None, &Some(came.clone())));
        }
        // The next order is another one.
        let next = OrderState::Validating { since: now + 60 * DAY };
        tell(Some(came), &next).put(&mut record, now);
        assert_eq!(record.order, Some(next));
    }
}
