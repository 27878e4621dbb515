//! Intermediates that chains lack, fetched from where the certificates say that they are. Only where a user asks for it.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use super::secrets::Unresolved;
use crate::{
    inventory::Inventory,
    net::aia::{self, Reach},
    object::Text,
    x509::{Judge, Trust, bundle::Parsed, trust::Found},
};

/// So many URLs are asked, each once: certificates are made by anybody.
const MOST: usize = 32;
const AT_ONCE: usize = 8;
/// A certificate that was fetched may lead to another: so many one above the other.
const ROUNDS: usize = 4;

/// Fetches what the chains of the Secrets lack, and judges those chains anew. Returns what could not be had, in words, one line each,
/// not cleared.
pub async fn complete(inventory: &mut Inventory, judge: &Judge, unresolved: &Unresolved, reach: Reach) -> Vec<String> {
    let mut fetching = Fetching::default();
    for _ in 0..ROUNDS {
        let trusts = inventory.secrets().iter().map(|stored| &stored.bundle.trust);
        let wanted = trusts.filter_map(missing).cloned().collect();
        if !fetching.fetch(wanted, judge, reach).await {
            break;
        }
        unresolved.judge_again(inventory, judge);
        inventory.settle();
    }
    fetching.problems
}

/// The same for one chain that belongs to no Secret. Returns what it is worth too.
pub async fn complete_one(parsed: &Parsed, judge: &Judge, reach: Reach) -> (Trust, Vec<String>) {
    let mut fetching = Fetching::default();
    let mut trust = judge.judge(parsed);
    for _ in 0..ROUNDS {
        let wanted = missing(&trust).cloned().into_iter().collect();
        if !fetching.fetch(wanted, judge, reach).await {
            break;
        }
        trust = judge.judge(parsed);
    }
    (trust, fetching.problems)
}

/// The URL of what is missing, where it was found nowhere else.
fn missing(trust: &Trust) -> Option<&Text> {
    match trust {
        Trust::MissingIntermediate {
            found: Found::Url(url), ..
        } => Some(url),
        _ => None,
    }
}

#[derive(Default)]
struct Fetching {
    asked: BTreeSet<Text>,
    problems: Vec<String>,
}

impl Fetching {
    /// Asks those that were not asked yet. `false` when nothing new is known.
    async fn fetch(&mut self, wanted: BTreeSet<Text>, judge: &Judge, reach: Reach) -> bool {
        let new: Vec<Text> = wanted.into_iter().filter(|url| !self.asked.contains(url)).collect();
        let room = MOST - self.asked.len();
        if new.len() > room {
            let left = new.len() - room;
            self.problems.push(format!(
                "{left} more URLs of intermediates are not asked: {MOST} are the most"
            ));
        }
        let now = &new[..new.len().min(room)];
        self.asked.extend(now.iter().cloned());
        let answers: Vec<_> = futures_util::stream::iter(now)
            .map(|url| async move { (url, aia::fetch(url, reach).await) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut learned = false;
        for (url, answer) in answers {
            match answer {
                Ok(body) if judge.learn_fetched(&body, url) => learned = true,
                Ok(_) => self
                    .problems
                    .push(format!("{url} is no certificate of a CA, in DER or PEM")),
                Err(error) => self
                    .problems
                    .push(format!("cannot fetch {url}: {}", crate::error::chain(&error))),
            }
        }
        learned
    }
}
