//! Intermediates that chains lack, fetched from where the certificates say that they are. Only where a user asks for it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;

use super::secrets::Unresolved;
use crate::{
    inventory::Inventory,
    net::aia::{self, Reach},
    object::Text,
    x509::{Judge, Trust, bundle::Parsed, trust::IntermediateSource},
};

/// So many URLs are asked, each once, and as many for each namespace as for the others: certificates are made by anybody.
const MOST: usize = 32;
const AT_ONCE: usize = 8;
/// A certificate that was fetched may lead to another: so many one above the other.
const ROUNDS: usize = 4;

/// Fetches what the chains of the Secrets lack, and judges those chains anew. Returns what could not be had, in words, one line each,
/// not cleared.
pub async fn complete(inventory: &mut Inventory, judge: &Judge, unresolved: &Unresolved, reach: Reach) -> Vec<String> {
    let mut fetching = IntermediateFetch::default();
    for _ in 0..ROUNDS {
        let mut wanted = WantedIssuers::new();
        for stored in inventory.secrets().iter() {
            if let Some(url) = missing(&stored.bundle.trust) {
                wanted
                    .entry(stored.meta.namespace.clone())
                    .or_default()
                    .insert(url.clone());
            }
        }
        if !fetching.fetch(wanted, judge, reach).await {
            break;
        }
        unresolved.judge_again(inventory, judge);
        inventory.derive();
    }
    fetching.problems
}

/// The same for one chain that belongs to no Secret. Returns what it is worth too.
pub async fn complete_one(parsed: &Parsed, judge: &Judge, reach: Reach) -> (Trust, Vec<String>) {
    let problems = complete_chains(std::slice::from_ref(parsed), judge, reach).await;
    (judge.judge(parsed), problems)
}

/// Fetches what chains that belong to no Secret lack: they are judged with it from now on. Returns what could not be had, as
/// [`complete`] does.
pub async fn complete_chains(chains: &[Parsed], judge: &Judge, reach: Reach) -> Vec<String> {
    let mut fetching = IntermediateFetch::default();
    for _ in 0..ROUNDS {
        let missing = |chain: &Parsed| missing(&judge.judge(chain)).cloned();
        let urls = chains.iter().filter_map(missing).collect();
        let wanted = WantedIssuers::from([(Text::default(), urls)]);
        if !fetching.fetch(wanted, judge, reach).await {
            break;
        }
    }
    fetching.problems
}

/// The URL of what is missing, where it was not found else.
fn missing(trust: &Trust) -> Option<&Text> {
    match trust {
        Trust::MissingIntermediate {
            found: IntermediateSource::Url(url),
            ..
        } => Some(url),
        _ => None,
    }
}

/// What is asked for, by namespace.
type WantedIssuers = BTreeMap<Text, BTreeSet<Text>>;

#[derive(Default)]
struct IntermediateFetch {
    asked: BTreeSet<Text>,
    /// How many URLs were asked for each namespace.
    share: BTreeMap<Text, usize>,
    problems: Vec<String>,
}

impl IntermediateFetch {
    /// Asks those that were not asked yet. `false` when nothing new is known.
    async fn fetch(&mut self, wanted: WantedIssuers, judge: &Judge, reach: Reach) -> bool {
        let now = &self.choose(wanted);
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
                    .push(format!("{url} is not a CA certificate in DER or PEM")),
                Err(error) => self
                    .problems
                    .push(format!("cannot fetch {url}: {}", crate::error::chain(&error))),
            }
        }
        learned
    }

    /// Which URLs are asked now. Each goes to the namespace that has had the fewest, so that one which wants hundreds, or
    /// has used up its share in a former round, leaves the others theirs.
    fn choose(&mut self, mut wanted: WantedIssuers) -> Vec<Text> {
        let mut chosen = Vec::new();
        loop {
            for urls in wanted.values_mut() {
                urls.retain(|url| !self.asked.contains(url));
            }
            wanted.retain(|_, urls| !urls.is_empty());
            let had = |of: &Text| self.share.get(of).copied().unwrap_or_default();
            let Some(next) = wanted.keys().min_by_key(|of| had(of)).cloned() else {
                break;
            };
            if self.asked.len() == MOST {
                let left: BTreeSet<&Text> = wanted.values().flatten().collect();
                self.problems.push(format!(
                    "{} more URLs of intermediates are not fetched: at most {MOST} are",
                    left.len()
                ));
                break;
            }
            let Some(url) = wanted.get_mut(&next).and_then(BTreeSet::pop_first) else {
                break;
            };
            *self.share.entry(next).or_default() += 1;
            self.asked.insert(url.clone());
            chosen.push(url);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(of: &str, count: usize) -> (Text, BTreeSet<Text>) {
        let all = (0..count).map(|n| Text::from(format!("http://{of}.example/{n:03}")));
        (of.into(), all.collect())
    }

    #[test]
    fn one_namespace_leaves_the_others_their_share() {
        let mut fetching = IntermediateFetch::default();
        let first = fetching.choose(WantedIssuers::from([urls("a", 500), urls("shop", 3)]));
        assert_eq!(first.len(), MOST);
        assert_eq!(first.iter().filter(|url| url.contains("shop")).count(), 3);
        assert_eq!(
            fetching.problems,
            ["471 more URLs of intermediates are not fetched: at most 32 are"]
        );
        assert!(fetching.choose(WantedIssuers::from([urls("b", 1)])).is_empty());

        // What a namespace has had in a former round counts, and nothing is asked twice.
        let mut fetching = IntermediateFetch::default();
        assert_eq!(fetching.choose(WantedIssuers::from([urls("a", 20)])).len(), 20);
        let second = fetching.choose(WantedIssuers::from([urls("a", 500), urls("shop", 9)]));
        assert_eq!(second.iter().filter(|url| url.contains("shop")).count(), 9);
        assert_eq!(second.len(), 12);
    }
}
