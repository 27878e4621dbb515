//! Where a pair is seen before another one takes its place, and what is seen there afterwards: the only proof that a new pair is not
//! served because of what it is.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use super::{aftermath::places, run::Run};
use crate::{
    apply::{secret::Target as Present, verify::ServedHost},
    net::{ProbeError, ProbeRequest, ServerHandshake, probe, probe_all},
    object::Seconds,
    plan::{Target, target::names_of},
    x509::Fingerprint,
};

/// How many addresses are asked at most, each with one handshake.
pub const MOST: usize = 32;
/// How long one of them has to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How long the look before a write may take.
const BEFORE: Duration = Duration::from_secs(5);

/// An address at which a host was served with the pair that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    /// The host, as it is asked for.
    pub host: String,
    /// The address.
    pub address: SocketAddr,
}

/// What was not done yet when the course of a stored certificate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing: workloads are restarted, and it is served as far as that was looked at.
    Nothing,
    /// Workloads are not restarted, and so nobody has looked whether it is served.
    Restart,
    /// It is not served.
    Serving,
}

/// What is needed to go on with a certificate after it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aftermath {
    /// When it was stored, in seconds since 1970.
    pub stored_at: Seconds,
    /// The SHA-256 of its leaf.
    pub new: Fingerprint,
    /// The same of the certificate that it replaced, if there was one.
    pub old: Option<Fingerprint>,
    /// Where that one was seen before.
    pub witnesses: Vec<Witness>,
    /// What was not done yet.
    pub left: Left,
    /// When every address was seen to serve it, in seconds since 1970; `None` if nobody has looked, or not all did.
    pub served_at: Option<Seconds>,
}

/// What an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// No answer, or one that says nothing of a pair.
    Nothing,
    /// A certificate that is neither of both, or a handshake that fails for want of one.
    Neither,
    /// The pair that was replaced.
    Old,
    /// The new pair.
    New,
}

impl Sight {
    /// What an answer shows.
    pub fn of(answer: &Result<ServerHandshake, ProbeError>, new: Fingerprint, old: Option<Fingerprint>) -> Self {
        match answer {
            Ok(served) => match served.chain.first().map(|der| Fingerprint::of(der)) {
                Some(shown) if shown == new => Self::New,
                Some(shown) if Some(shown) == old => Self::Old,
                _ => Self::Neither,
            },
            Err(error) if error.is_for_want_of_a_pair() => Self::Neither,
            Err(_) => Self::Nothing,
        }
    }

    /// What a look at several addresses shows: one that has the new pair, or still the old one, speaks for all.
    pub fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::Nothing)
    }
}

/// Looks once at hosts at addresses, at no more than [`MOST`] of them, each once. The answers are in the order of what was
/// asked, with what was asked.
pub async fn look(at: impl IntoIterator<Item = Witness>) -> Vec<(Witness, Result<ServerHandshake, ProbeError>)> {
    let mut all: BTreeSet<Witness> = BTreeSet::new();
    for witness in at {
        if all.len() == MOST {
            break;
        }
        all.insert(witness);
    }
    let requests: Vec<ProbeRequest> = all
        .iter()
        .map(|witness| ProbeRequest {
            address: witness.address,
            server_name: witness.host.clone(),
        })
        .collect();
    let answers = probe_all(&requests, probe::CONCURRENCY, ANSWER).await;
    all.into_iter().zip(answers).collect()
}

/// Every host at each of its addresses.
pub fn at_places(places: &[ServedHost]) -> impl Iterator<Item = Witness> + '_ {
    places.iter().flat_map(|place| {
        place.addresses.iter().map(|address| Witness {
            host: place.host.clone(),
            address: *address,
        })
    })
}

impl Run {
    /// Where the certificate that a Secret holds is served, looked at right before another one takes its place: only for
    /// who keeps both, and would put it back.
    pub(super) async fn witnesses(&self, target: &Target, present: &Present) -> Vec<Witness> {
        let options = &self.parts.options;
        if options.kept.is_none() || options.wait.is_zero() {
            return Vec::new();
        }
        let held = present.held(&options.slots);
        let Some(leaf) = held.as_ref().and_then(|held| held.bundle.leaf()) else {
            return Vec::new();
        };
        let looks = async {
            let (places, _) = places(target, &names_of(leaf), options.connect.as_ref()).await;
            look(at_places(&places)).await
        };
        let seen = tokio::time::timeout(BEFORE, looks).await.unwrap_or_default();
        let holds = |answer: &Result<ServerHandshake, ProbeError>| Sight::of(answer, leaf.sha256, None) == Sight::New;
        let seen = seen.into_iter().filter(|(_, answer)| holds(answer));
        seen.map(|(witness, _)| witness).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(der: &[u8]) -> ServerHandshake {
        ServerHandshake {
            address: ([192, 0, 2, 7], 443).into(),
            chain: vec![der.to_vec()],
            tls_version: "TLS 1.3",
            alpn: None,
            took: Duration::ZERO,
            signature: None,
            client_certificate: false,
        }
    }

    #[test]
    fn only_another_certificate_and_a_handshake_without_one_are_neither() {
        let (new, old) = (Fingerprint::of(b"new"), Fingerprint::of(b"old"));
        let sight = |answer: Result<ServerHandshake, ProbeError>| Sight::of(&answer, new, Some(old));
        assert_eq!(sight(Ok(served(b"new"))), Sight::New);
        assert_eq!(sight(Ok(served(b"old"))), Sight::Old);
        assert_eq!(sight(Ok(served(b"default"))), Sight::Neither);
        for error in [
            ProbeError::UnknownHost,
            ProbeError::NoCertificate,
            ProbeError::BadSignature,
        ] {
            assert_eq!(sight(Err(error)), Sight::Neither);
        }
        let after = Duration::from_secs(1);
        for error in [
            ProbeError::Refused,
            ProbeError::ConnectTimeout { after },
            ProbeError::HandshakeTimeout { after },
            ProbeError::HandshakeStalled { after },
            ProbeError::Closed,
            ProbeError::Reset,
            ProbeError::PlainHttp,
            ProbeError::TooOld,
        ] {
            let words = error.to_string();
            assert_eq!(sight(Err(error)), Sight::Nothing, "{words}");
        }
    }

    #[test]
    fn one_address_that_has_a_pair_speaks_for_all() {
        use Sight::{Neither, New, Nothing, Old};
        assert_eq!(Sight::of_all([Neither, New, Old]), New);
        assert_eq!(Sight::of_all([Neither, Old, Nothing]), Old);
        assert_eq!(Sight::of_all([Nothing, Neither]), Neither);
        assert_eq!(Sight::of_all([Nothing]), Nothing);
        assert_eq!(Sight::of_all([]), Nothing);
    }
}
