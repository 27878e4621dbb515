//! The CA's answers about renewals, kept between runs. The CA is not asked again earlier than it permits (RFC 9773,
//! section 4.3), and the moment that was chosen within its window stays the same.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{cache, object::Seconds};

/// A file with more bytes than this has been tampered with.
const LARGEST: u64 = 8 << 20;

/// The answer for one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The moment that was chosen within the CA's window, in seconds since 1970.
    pub moment: Seconds,
    /// When the CA may be asked again, in seconds since 1970.
    pub again: Seconds,
}

/// The answers for all certificates, by their ids.
#[derive(Debug, Default)]
pub struct RenewalAnswers {
    path: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Known>>,
}

impl RenewalAnswers {
    /// Reads the answers that earlier runs have kept in this file; empty without one.
    pub fn open(path: Option<PathBuf>) -> Self {
        let known = path.as_ref().and_then(|path| {
            let bytes = cache::read(path, "the CA's renewal windows", LARGEST)?;
            serde_json::from_slice(&bytes).ok()
        });
        Self {
            path,
            known: Mutex::new(known.unwrap_or_default()),
        }
    }

    /// The chosen moment, as long as the CA may not be asked again.
    pub fn get(&self, id: &str, now: Seconds) -> Option<Seconds> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(id).filter(|known| now < known.again)?;
        Some(found.moment)
    }

    /// Records an answer.
    pub fn put(&self, id: String, known: Known) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, known);
    }

    /// Writes the answers that are still valid. If that fails, later runs ask the CA again.
    pub fn keep(&self, now: Seconds) {
        let Some(path) = &self.path else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| now < known.again);
        let write = || cache::write(path, &serde_json::to_vec(&*known)?);
        if let Err(error) = write() {
            log::debug!("the CA's renewal windows cannot be kept: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_counts_until_the_ca_wants_to_be_asked_again() {
        let scratch = tempfile::tempdir().unwrap();
        let path = Some(scratch.path().join("cache/renewals.json"));
        let asked = RenewalAnswers::open(path.clone());
        assert_eq!(asked.get("aki.01", 100), None);
        let known = |moment, again| Known { moment, again };
        asked.put("aki.01".into(), known(5_000, 200));
        asked.put("aki.02".into(), known(6_000, 150));
        asked.keep(100);
        let next = RenewalAnswers::open(path.clone());
        assert_eq!(next.get("aki.01", 199), Some(5_000));
        assert_eq!(next.get("aki.01", 200), None, "it wants to be asked");
        next.keep(160);
        assert_eq!(RenewalAnswers::open(path.clone()).known.lock().unwrap().len(), 1);
        std::fs::write(path.clone().unwrap(), "no JSON").unwrap();
        assert_eq!(RenewalAnswers::open(path).get("aki.01", 100), None);
        // Without a file to write, nothing fails.
        RenewalAnswers::open(None).keep(100);
    }
}
