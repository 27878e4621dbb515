//! Which of several orders the limits of the CA leave room for, before anything is done for them.
//!
//! Where a thousand wait for a limit, each would otherwise take a Lease and read its Secret each time there is room for one more.

use super::{
    counter::is_known,
    ledger::{Expected, Ledger},
};
use crate::{
    name::Name,
    object::Seconds,
    plan::limits::{Exceeded, OrderKind, Seen, exceeded},
};

/// For each set of names, in this order: what counts the order until it is made, or the limit that it would exceed. What counts
/// towards less than a new order has nothing that counts it. `seen` is what the certificates of the cluster show; it is only asked
/// for if the ledger leaves no room.
///
/// Moments are known to the second, and a CA counts in parts of one: whoever asks here waits out the second, so that the CA is not
/// asked before it permits.
pub fn allowed<'a>(
    ledger: &Ledger,
    orders: impl IntoIterator<Item = &'a [Name]>,
    seen: impl FnOnce() -> Seen,
    now: Seconds,
) -> Vec<Result<Option<Expected>, Exceeded>> {
    let Some(limits) = ledger.limits() else {
        return orders.into_iter().map(|_| Ok(None)).collect();
    };
    let now = now.saturating_sub(1);
    let after = |refused: Exceeded| Exceeded {
        possible_at: refused.possible_at.saturating_add(1),
        ..refused
    };
    let mut known = ledger.foreseen(now);
    let (mut seen, mut asked) = (None, Some(seen));
    let judge = |names: &'a [Name]| {
        let Some(refused) = exceeded(limits, &[&known], names, OrderKind::New, now) else {
            known.ordered(limits, OrderKind::New, now);
            known.issued(limits, names, OrderKind::New, now);
            return Ok(Some(ledger.expect(names)));
        };
        let seen = &*seen.get_or_insert_with(|| asked.take().map(|seen| seen()).unwrap_or_default());
        match OrderKind::of(limits, is_known(seen, ledger, names), false) {
            OrderKind::New => Err(after(refused)),
            kind => exceeded(limits, &[&known, seen.buckets()], names, kind, now)
                .map(after)
                .map_or(Ok(None), Err),
        }
    };
    orders.into_iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::ledger::LedgerStore, plan::limits::Limits};

    const ACCOUNT: &str = "https://ca.example/acct/1";
    const NOW: Seconds = 1_800_000_000;

    fn names(host: &str) -> Vec<Name> {
        vec![host.parse().unwrap()]
    }

    async fn ledger(orders: i64) -> Ledger {
        let limits = Limits::of([orders, 0, 5, 0], true);
        Ledger::open(LedgerStore::Nowhere, ACCOUNT, Some(limits), NOW).await
    }

    type Answers = Vec<Result<Option<Expected>, Exceeded>>;

    fn ask(ledger: &Ledger, orders: &[Vec<Name>], seen: Seen, now: Seconds) -> Answers {
        allowed(ledger, orders.iter().map(Vec::as_slice), || seen, now)
    }

    /// From when each is possible; `None` if it is.
    fn moments(answers: &Answers) -> Vec<Option<Seconds>> {
        let moment = |answer: &Result<_, Exceeded>| answer.as_ref().err().map(|limit| limit.possible_at);
        answers.iter().map(moment).collect()
    }

    #[tokio::test]
    async fn no_more_are_begun_than_there_is_room_for_whether_they_have_been_ordered_or_not() {
        let ledger = ledger(3).await;
        let orders: Vec<Vec<Name>> = (0..5).map(|n| names(&format!("{n}.example"))).collect();
        let mut first = ask(&ledger, &orders, Seen::default(), NOW);
        let later = Some(NOW + 3_600);
        assert_eq!(
            moments(&first),
            [None, None, None, later, later],
            "a third of three hours later"
        );
        // One is ordered, one fails before, and one has not come so far.
        ledger.ordered(&orders[0], OrderKind::New, NOW);
        drop(first.remove(1));
        let mut second = ask(&ledger, &orders[3..], Seen::default(), NOW + 1);
        assert_eq!(moments(&second), [None, Some(NOW + 3_601)]);
        ledger.ordered(&orders[2], OrderKind::New, NOW);
        ledger.ordered(&orders[3], OrderKind::New, NOW);
        second.clear();
        first.clear();
        for early in [3_599, 3_600] {
            let answers = ask(&ledger, &orders[4..], Seen::default(), NOW + early);
            assert_eq!(moments(&answers), [Some(NOW + 3_601)], "the second has to be over");
        }
        let answers = ask(&ledger, &orders[4..], Seen::default(), NOW + 3_601);
        assert_eq!(moments(&answers), [None]);
    }

    #[tokio::test]
    async fn names_that_had_a_certificate_do_not_wait_for_the_orders_of_others() {
        let ledger = ledger(1).await;
        let mut seen = Seen::default();
        seen.issued(
            &Limits::PRODUCTION,
            &names("old.example"),
            OrderKind::New,
            NOW - 1_000_000,
        );
        let orders = [names("new.example"), names("old.example"), names("newer.example")];
        let answers = ask(&ledger, &orders, seen, NOW);
        assert_eq!(moments(&answers), [None, None, Some(NOW + 3 * 3_600)]);
    }

    #[tokio::test]
    async fn without_limits_everything_may_be_ordered() {
        let ledger = Ledger::open(LedgerStore::Nowhere, ACCOUNT, None, NOW).await;
        let orders = vec![names("a.example"); 3];
        assert_eq!(moments(&ask(&ledger, &orders, Seen::default(), NOW)), [None; 3]);
    }
}
